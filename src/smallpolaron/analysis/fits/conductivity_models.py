"""Closed-form models of the conductivity: one formula in time and in frequency for each.

A model gives the correlation function relative to its value at time zero, C(t)/C(0), and its
transform R(omega) = integral of C(t)/C(0) exp(i omega t) over positive times, in fs; the AC
mobility is beta C(0) R(omega). C(0) is a sum rule, so that every model starts at 1. Models are
linear in their shares (numbers without unit) and nonlinear in their rates (per fs).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import factorial, inf
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from smallpolaron.analysis._checks import ComplexArray, FloatArray, positive

PHYSICAL_C: Final = (-1.0, 0.0)
"""Range of c that Drude-Smith allows: the share of velocity a collision leaves, reversed."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a model.

    Attributes:
        name: short name, as in formulas.
        units: "fs^-1" for rates, "1" for shares.
        low: smallest value the model allows.
        high: largest value the model allows.
        meaning: one sentence.
    """

    name: str
    units: str
    low: float
    high: float
    meaning: str


@dataclass(frozen=True)
class Inner:
    """A simpler model that another one contains.

    Attributes:
        model: the simpler model.
        embed: values of the richer model with the curve of given values of the simpler one.
    """

    model: "ConductivityModel"
    embed: Callable[[Sequence[float]], tuple[float, ...]]


@dataclass(frozen=True)
class ConductivityModel:
    """A model of C(t)/C(0) = f_0(t) + sum over i of share_i f_i(t), and of its transform.

    Attributes:
        name: identifier.
        title: name in figures and sentences.
        rates: nonlinear parameters; they come first wherever values are listed.
        shares: linear parameters.
        time_terms: f_0, f_1, ... at times, given the rates: (1 + shares, times).
        frequency_terms: their transforms in fs, (1 + shares, frequencies).
        inner: largest model here that it contains; None for Drude.
        twin: other values with the same curve, where the model has such; None elsewhere.
    """

    name: str
    title: str
    rates: tuple[Parameter, ...]
    shares: tuple[Parameter, ...]
    time_terms: Callable[[FloatArray, Sequence[float]], FloatArray]
    frequency_terms: Callable[[FloatArray, Sequence[float]], ComplexArray]
    inner: Inner | None = None
    twin: Callable[[Sequence[float]], tuple[float, ...]] | None = None

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All parameters, rates first."""
        return self.rates + self.shares

    def time(self, time_fs: ArrayLike, values: Sequence[float]) -> FloatArray:
        """C(t)/C(0) at times in fs from zero on, (times,), for parameter values, rates first.

        Raises:
            ValueError: if the number of values is wrong or one is outside its range.
        """
        rates, weights = self._split(values)
        return np.asarray(weights @ self.time_terms(_floats(time_fs), rates))

    def frequency(self, omega: ArrayLike, values: Sequence[float]) -> ComplexArray:
        """Half-line transform of C(t)/C(0) in fs, at frequencies in rad/fs, (frequencies,).

        Raises:
            ValueError: as time.
        """
        rates, weights = self._split(values)
        return np.asarray(weights @ self.frequency_terms(_floats(omega), rates))

    def dc(self, values: Sequence[float]) -> float:
        """Time integral of the correlation function relative to time zero, R(0), in fs."""
        return float(self.frequency(np.zeros(1), values)[0].real)

    def _split(self, values: Sequence[float]) -> tuple[Sequence[float], FloatArray]:
        if len(values) != len(self.parameters):
            names = ", ".join(p.name for p in self.parameters)
            raise ValueError(f"{self.name}: {len(values)} values given, needed are {names}")
        count = len(self.rates)
        for parameter, value in zip(self.rates, values, strict=False):
            positive(f"{self.name}: {parameter.name}", value)
        for parameter, value in zip(self.shares, values[count:], strict=True):
            if not parameter.low <= value <= parameter.high:
                raise ValueError(
                    f"{self.name}: {parameter.name} = {value}: must lie within "
                    f"{parameter.low:g} to {parameter.high:g}"
                )
        return values[:count], np.array([1.0, *values[count:]])


def _floats(values: ArrayLike) -> FloatArray:
    return np.asarray(values, dtype=np.float64)


def _restoring_time(t: FloatArray, k: complex, q: complex) -> ComplexArray:
    """Convolution of exp(-k t) with q exp(-q t), also where k and q meet."""
    slow, gap = (q, k - q) if (k - q).real >= 0.0 else (k, q - k)
    x = gap * t
    small = np.abs(x) < 1e-5
    safe = np.where(small, 1.0, x)
    mean = np.where(small, 1.0 - x / 2.0 + x**2 / 6.0, -np.expm1(-safe) / safe)
    return np.asarray(q * t * np.exp(-slow * t) * mean, dtype=np.complex128)


def _oscillator_time(t: FloatArray, omega_0: float, gamma: float) -> FloatArray:
    """A Lorentz oscillator is a Drude response that the restoring current cancels at rest."""
    half = gamma / 2.0
    k = half + np.sqrt(complex(half**2 - omega_0**2))
    q = omega_0**2 / k
    return np.asarray((np.exp(-k * t) - _restoring_time(t, k, q)).real, dtype=np.float64)


def _stack(terms: Iterable[Any]) -> Any:
    return np.stack(list(terms))


def _free_and_bound(free: Any, bound: Any) -> Any:
    """Terms of a model whose share of free carriers is a parameter."""
    return np.stack([bound, free - bound])


def _rate(name: str, meaning: str) -> Parameter:
    return Parameter(name, "fs^-1", 0.0, inf, meaning)


def _smith_series(
    order: int, name: str, title: str, shorter: ConductivityModel | None = None
) -> ConductivityModel:
    """Drude-Smith with memory of a number of collisions; none: the Drude model."""
    words, orders = ("first", "second", "third"), range(order + 1)
    shares = tuple(
        Parameter(
            "c" if order == 1 else f"c{n}",
            "1",
            PHYSICAL_C[0],
            PHYSICAL_C[1] if n == 1 else 1.0,
            f"Share of the initial velocity left after the {words[n - 1]} collision.",
        )
        for n in range(1, order + 1)
    )
    return ConductivityModel(
        name,
        title,
        (_rate("k", "Collision rate."),),
        shares,
        lambda t, k: _stack((k[0] * t) ** n * np.exp(-k[0] * t) / factorial(n) for n in orders),
        lambda w, k: _stack((k[0] / (k[0] - 1j * w)) ** (n + 1) / k[0] for n in orders),
        None if shorter is None else Inner(shorter, lambda values: (*values, 0.0)),
    )


DRUDE: Final = _smith_series(0, "drude", "Drude")
"""exp(-k t); R = 1/(k - i omega)."""

DRUDE_SMITH: Final = _smith_series(1, "drude_smith", "Drude–Smith", DRUDE)
"""(1 + c k t) exp(-k t) (Smith, Phys. Rev. B 2001, 64, 155106; Bhattacharyya, Sayer,
Montoya-Castillo, Chem. Sci. 2024, eqs. 7 and 8)."""

DRUDE_SMITH_2: Final = _smith_series(2, "drude_smith_2", "Drude–Smith, n = 2", DRUDE_SMITH)
DRUDE_SMITH_3: Final = _smith_series(3, "drude_smith_3", "Drude–Smith, n = 3", DRUDE_SMITH_2)
"""The same series with more terms, c_n (k t)^n exp(-k t)/n!."""

MODIFIED_DRUDE_SMITH: Final = ConductivityModel(
    "modified_drude_smith",
    "modified Drude–Smith",
    (
        _rate("k", "Collision rate, inverse of the scattering time."),
        _rate("q", "Rate of the restoring current, inverse of the diffusion time."),
    ),
    (Parameter("c", "1", *PHYSICAL_C, "Strength of the restoring current."),),
    lambda t, kq: _stack((np.exp(-kq[0] * t), _restoring_time(t, *kq).real)),
    lambda w, kq: _stack(1 / (kq[0] - 1j * w) * x for x in (1.0, kq[1] / (kq[1] - 1j * w))),
    Inner(DRUDE_SMITH, lambda kc: (kc[0], *kc)),
    lambda kqc: (kqc[1], kqc[0], (1.0 + kqc[2]) * kqc[1] / kqc[0] - 1.0),
)
"""R = 1/(k - i omega) [1 + c q/(q - i omega)] (Cocker et al., Phys. Rev. B 2017, 96, 205439);
Drude-Smith where q = k."""

DRUDE_LORENTZ: Final = ConductivityModel(
    "drude_lorentz",
    "Drude–Lorentz",
    (
        _rate("k", "Collision rate of the free carriers."),
        _rate("omega_0", "Resonance of the bound carriers, undamped, in rad/fs."),
        _rate("gamma", "Damping of the bound carriers."),
    ),
    (Parameter("f", "1", 0.0, 1.0, "Share of free carriers in C(0); 0 leaves the oscillator."),),
    lambda t, r: _free_and_bound(np.exp(-r[0] * t), _oscillator_time(t, r[1], r[2])),
    lambda w, r: _free_and_bound(
        1.0 / (r[0] - 1j * w), -1j * w / (r[1] ** 2 - w**2 - 1j * w * r[2])
    ),
    Inner(
        MODIFIED_DRUDE_SMITH,
        lambda kqc: (kqc[0], (kqc[0] * kqc[1]) ** 0.5, kqc[0] + kqc[1], 1.0 + kqc[2]),
    ),
)
"""R = f/(k - i omega) + (1 - f) (-i omega)/(omega_0^2 - omega^2 - i omega gamma); modified
Drude-Smith where f = 1 + c, omega_0^2 = k q, gamma = k + q."""

MODELS: Final = (
    DRUDE,
    DRUDE_SMITH,
    DRUDE_SMITH_2,
    DRUDE_SMITH_3,
    MODIFIED_DRUDE_SMITH,
    DRUDE_LORENTZ,
)
