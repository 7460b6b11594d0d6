"""Spectral densities without poles of their own: Ohmic ones with a cutoff, and tables.

Their integrals over frequencies are sums over the nodes of a quadrature rule that is fine enough
for the longest time asked for.
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import gamma as gamma_function
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from smallpolaron.model.baths.spectral_density import (
    ComplexArray,
    FloatArray,
    SpectralDensity,
    require_coupling,
    require_rate,
)
from smallpolaron.model.units import beta

Cutoff = Literal["exponential", "gaussian", "sharp"]

_NODES = 10
_PHASE = 8.0
"""Nodes of a panel, and how far exp(i w t) may turn over it: the rule is then exact to 1e-12."""

_BLOCK = 2_000_000
"""Cosines held at once."""

_MEMORY = 60.0
"""Cutoff frequency times the longest time that is looked at for the memory of an Ohmic bath."""

_DECAYED = 0.05
"""Share of its maximum to which J must have fallen where a table ends."""

_GAP = 0.25
"""Share of the reorganisation energy that one step of a table may hold."""

MOST_ROWS = 2000
"""Rows of a table."""


class SampledDensity(SpectralDensity):
    """A spectral density that is known by its values for w >= 0, and is odd."""

    @property
    def parts(self) -> tuple[SpectralDensity, ...]:
        """Itself."""
        return (self,)

    @property
    @abstractmethod
    def edges(self) -> FloatArray:
        """Frequencies from 0 between which J is smooth, and beyond which it is 0, rad/fs."""

    @property
    @abstractmethod
    def longest(self) -> float:
        """Longest time that the frequencies resolve, fs."""

    @abstractmethod
    def noise(self, temperature_K: float) -> float:
        """Integral of Re C(t) over t > 0, J'(0)/beta, rad/fs; infinite for sub-Ohmic baths."""

    @property
    def reorganisation_energy(self) -> float:
        """Reorganisation energy lambda = (1/pi) int_0^inf J/w dw, rad/fs."""
        w, weights = _rule(self, 0.0)
        return float(np.sum(weights / w))

    @cached_property
    def slowest(self) -> float:
        """Decay rate of the exponential whose square has the mean time of that of C(t), rad/fs.

        C(t) is the classical one, of high temperature.
        """
        t = np.linspace(0, self.longest, 2001)
        w, weights = _rule(self, self.longest)
        square = _sums(t, w, lambda x: np.cos(x) @ (weights / w)) ** 2
        return float(np.sum(square[1:]) / (2 * np.sum(square * t)))

    def correlation(self, time_fs: float, temperature_K: float) -> complex:
        """Exact bath correlation function at one time; see SpectralDensity."""
        return complex(self.correlations(np.array([float(time_fs)]), temperature_K)[0])

    def correlations(self, time_fs: FloatArray, temperature_K: float) -> ComplexArray:
        """C(t) at many times, (rad/fs)^2, shape (n,)."""
        w, weights = _rule(self, float(np.max(time_fs, initial=0.0)))
        thermal = weights / np.tanh(beta(temperature_K) * w / 2)
        found = _sums(time_fs, w, lambda x: np.cos(x) @ thermal - 1j * (np.sin(x) @ weights))
        return np.asarray(found)

    def spectrum(self, omega: FloatArray, temperature_K: float, width: float) -> FloatArray:
        """Int C(t) exp(i w t - width |t|) dt, rad/fs, shape (n,)."""
        w, weights = _rule(self, 1 / width)
        emission, absorption = (np.add.outer(omega, sign * w) ** 2 + width**2 for sign in (-1, 1))
        coth = 1 / np.tanh(beta(temperature_K) * w / 2)
        terms = (weights * (coth + 1)) / emission + (weights * (coth - 1)) / absorption
        return np.asarray(width * terms.sum(axis=1))

    def lineshape(self, time_fs: FloatArray, temperature_K: float) -> ComplexArray:
        """g(t), (1/pi) int J/w^2 [coth(beta w/2) (1 - cos wt) + i (sin wt - wt)] dw, shape (n,)."""
        w, weights = _rule(self, float(np.max(time_fs, initial=0.0)))
        real = 2 * weights / (w**2 * np.tanh(beta(temperature_K) * w / 2))

        def summed(x: FloatArray) -> ComplexArray:
            return np.asarray(np.sin(x / 2) ** 2 @ real + 1j * ((np.sin(x) - x) @ (weights / w**2)))

        return np.asarray(_sums(time_fs, w, summed))


@lru_cache(maxsize=16)
def _rule(bath: SampledDensity, longest_fs: float) -> tuple[FloatArray, FloatArray]:
    """Nodes w > 0, rad/fs, and J(w) dw / pi there, (rad/fs)^2; good up to a time."""
    edges = bath.edges
    pieces = np.ceil(np.diff(edges) * longest_fs / _PHASE).astype(int).clip(1)
    fine = [np.linspace(a, b, n, endpoint=False) for a, b, n in zip(edges, edges[1:], pieces)]  # noqa: B905
    ends = np.append(np.concatenate(fine), edges[-1])
    x, share = np.polynomial.legendre.leggauss(_NODES)
    half = np.diff(ends)[:, None] / 2
    w = (ends[:-1, None] + half * (1 + x)).ravel()
    return w, (half * share).ravel() * bath.spectral_density(w) / np.pi


def _sums(time_fs: FloatArray, w: FloatArray, summed: Callable[[FloatArray], Any]) -> Any:
    blocks = np.array_split(time_fs, max(1, time_fs.size * w.size // _BLOCK))
    return np.concatenate([summed(np.multiply.outer(t, w)) for t in blocks])


@dataclass(frozen=True)
class OhmicBath(SampledDensity):
    """J(w) proportional to (w/wc)^s f(w/wc), with f(x) = exp(-x), exp(-x^2) or 1 up to x = 1.

    Attributes:
        eta: coupling strength, rad/fs; twice the reorganisation energy, which fixes the prefactor.
        cutoff_frequency: wc, rad/fs.
        exponent: s, 0.1 to 10; 1 is Ohmic, below sub-Ohmic, above super-Ohmic.
        cutoff: f, "exponential", "gaussian" or "sharp".

    Raises:
        ValueError: a value outside the model.

    Source: Leggett et al., Rev. Mod. Phys. 1987, 59, 1. The Kondo parameter of exp(-x) and s = 1 is
    alpha = eta / (4 wc) for a site whose bath couples to |j><j|.
    """

    eta: float
    cutoff_frequency: float
    exponent: float = 1.0
    cutoff: Cutoff = "exponential"

    def __post_init__(self) -> None:
        """Refuse values outside the model."""
        require_coupling(self.eta)
        require_rate("cutoff_frequency", self.cutoff_frequency)
        if not 0.1 <= self.exponent <= 10:
            raise ValueError(f"exponent = {self.exponent}; allowed: 0.1 to 10")
        if self.cutoff not in ("exponential", "gaussian", "sharp"):
            raise ValueError(f"cutoff = {self.cutoff!r}; allowed: exponential, gaussian, sharp")

    @property
    def reorganisation_energy(self) -> float:
        """Reorganisation energy lambda = eta / 2, rad/fs."""
        return self.eta / 2

    @property
    def _prefactor(self) -> float:
        """J / ((w/wc)^s f): pi lambda over int x^(s-1) f(x) dx."""
        s = self.exponent
        integral = {
            "exponential": gamma_function(s),
            "gaussian": gamma_function(s / 2) / 2,
            "sharp": 1 / s,
        }[self.cutoff]
        return float(np.pi * self.reorganisation_energy / integral)

    def spectral_density(self, omega: ArrayLike) -> FloatArray:
        """J(omega), rad/fs, for angular frequencies in rad/fs of any shape."""
        w = np.asarray(omega, dtype=float)
        x = np.abs(w) / self.cutoff_frequency
        decay = {"exponential": np.exp(-x), "gaussian": np.exp(-(x**2)), "sharp": x <= 1}
        return np.asarray(self._prefactor * np.sign(w) * x**self.exponent * decay[self.cutoff])

    def noise(self, temperature_K: float) -> float:
        """Integral of Re C(t) over t > 0, J'(0)/beta, rad/fs; infinite for a sub-Ohmic bath."""
        if self.exponent < 1:
            return float("inf")
        slope = self._prefactor / self.cutoff_frequency if self.exponent == 1 else 0.0
        return slope / beta(temperature_K)

    @property
    def edges(self) -> FloatArray:
        """Frequencies from 0 between which J is smooth, and beyond which it is 0, rad/fs."""
        end = {"exponential": 35 + 5 * self.exponent, "gaussian": 8.0, "sharp": 1.0}[self.cutoff]
        decades = 6 / min(1.0, self.exponent)
        low = np.logspace(-decades, np.log10(0.05), int(3 * decades))
        x = np.concatenate([[0.0], low, np.linspace(0.05, end, int(2 * end) + 10)[1:]])
        return np.asarray(self.cutoff_frequency * x)

    @property
    def longest(self) -> float:
        """Longest time that is looked at, fs."""
        return _MEMORY / self.cutoff_frequency


@dataclass(frozen=True)
class TabulatedBath(SampledDensity):
    """J(w) given as a table, with cubic interpolation that keeps it positive between the rows.

    It starts from J(0) = 0, and is 0 beyond the last row.

    Attributes:
        omega: frequencies >= 0, rad/fs, ascending.
        J: J there, rad/fs.

    Raises:
        ValueError: not a spectral density: negative values, rows out of order, a gap, an end
            before J has decayed.
    """

    omega: tuple[float, ...]
    J: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse an invalid spectral density."""
        w, J = np.array(self.omega), np.array(self.J)
        if w.shape != J.shape or not 4 <= w.size <= MOST_ROWS:
            raise ValueError(
                f"{w.size} rows; 4 to {MOST_ROWS} are needed: thin a longer table out"
                if w.shape == J.shape
                else f"{w.size} frequencies but {J.size} values; give as many of both"
            )
        if not (np.all(np.isfinite(w)) and np.all(np.isfinite(J))):
            raise ValueError("not all values are finite numbers; remove or correct those rows")
        if w[0] < 0 or np.any(np.diff(w) <= 0):
            row = 1 if w[0] < 0 else int(np.argmax(np.diff(w) <= 0)) + 2
            raise ValueError(
                f"row {row}: frequencies must be >= 0 and ascending; J(-w) = -J(w) need not be "
                "given, sort the others"
            )
        if np.any(J < 0) or not np.any(J > 0) or (w[0] == 0 and J[0] != 0):
            row = int(np.argmax(J < 0)) + 1
            raise ValueError(
                f"row {row}: J must be >= 0, somewhere > 0, and J(0) = 0; set to 0 what noise "
                "has brought below"
            )
        if J[-1] > _DECAYED * np.max(J):
            raise ValueError(
                f"J is {J[-1] / np.max(J):.0%} of its maximum where the table ends, more than "
                f"{_DECAYED:.0%}; continue it to where J has decayed"
            )
        at, weights = _rule(self, 0.0)
        inside = np.digitize(at, self.edges) - 1
        shares = np.bincount(inside, weights / at)
        worst = int(np.argmax(shares))
        if shares[worst] > _GAP * np.sum(shares):
            low, high = self.edges[worst : worst + 2] / w[-1]
            raise ValueError(
                f"the step between {low:.3g} and {high:.3g} of the last frequency holds "
                f"{shares[worst] / np.sum(shares):.0%} of the reorganisation energy, more than "
                f"{_GAP:.0%}: a gap, or too coarse; add rows there"
            )

    @cached_property
    def _interpolant(self) -> Any:
        from scipy.interpolate import PchipInterpolator  # takes a while to import

        first = [] if self.omega[0] == 0 else [0.0]
        return PchipInterpolator([*first, *self.omega], [*first, *self.J])

    def spectral_density(self, omega: ArrayLike) -> FloatArray:
        """J(omega), rad/fs, for angular frequencies in rad/fs of any shape."""
        w = np.asarray(omega, dtype=float)
        inside = np.abs(w) <= self.omega[-1]
        values = self._interpolant(np.where(inside, np.abs(w), 0.0))
        return np.asarray(np.where(inside, np.sign(w) * values, 0.0))

    def noise(self, temperature_K: float) -> float:
        """Integral of Re C(t) over t > 0, J'(0)/beta, rad/fs."""
        return float(self._interpolant.derivative()(0.0)) / beta(temperature_K)

    @property
    def edges(self) -> FloatArray:
        """Frequencies from 0 between which J is smooth, and beyond which it is 0, rad/fs."""
        return np.asarray(self._interpolant.x)

    @property
    def longest(self) -> float:
        """Longest time that the rows resolve where J is large, fs."""
        step = np.diff(self.edges)
        weight = np.diff(self._interpolant.antiderivative()(self.edges))
        return float(np.pi * np.sum(weight) / np.sum(weight * step))
