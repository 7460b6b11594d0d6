"""Spectral densities from what simulations give: correlation functions and trajectories.

Both are fitted by few exponentials, whose transform is J(w); a fit neither ends in time nor has the
noise of a transformed record.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np

from smallpolaron.model.baths.expansion import MAX_TERMS
from smallpolaron.model.baths.exponentials import coefficients, esprit_rates, refined, signal_space
from smallpolaron.model.baths.functions import Rates
from smallpolaron.model.baths.sampled_density import TabulatedBath
from smallpolaron.model.baths.spectral_density import ComplexArray, FloatArray
from smallpolaron.model.units import beta

QuantumCorrection = Literal["harmonic", "standard"]
"""How J follows from the classical power spectrum S: S beta w / 2 (exact for harmonic modes), or
S tanh(beta w / 2)."""

_SAMPLES = 400
"""Times at which ESPRIT looks at a record; the fit that follows looks at all."""

EXACT = 1e-3
"""Error of the fit of a computed C(t), relative to its maximum."""

_NOISY = 0.2
"""Statistical error of a trajectory, relative to C(0), from which it is refused."""

_UNLIKE = 0.1
"""Difference between Re C(t) and what Im C(t) makes of it at the temperature, relative."""

_NEGATIVE = 0.05
"""Negative J of a fit, relative to its maximum, from which the data are refused."""

_STILL: Final = 1e-12
"""Fluctuation, relative to the values, that is rounding."""

_RESOLVED: Final = 3
"""Steps within which C(t) of a trajectory must not have decayed."""

_ROWS = 240
_DIGITS = 5
_SHORTEST = 16


@dataclass(frozen=True)
class _Fit:
    """A sum of exponentials for every row of samples; coefficients have shape (rows, K)."""

    rates: Rates
    coefficients: ComplexArray

    def transform(self, omega: FloatArray) -> ComplexArray:
        """Int_0^inf f(t) exp(i w t) dt of every row, shape (rows, n)."""
        return np.asarray(self.coefficients @ (1 / (self.rates[:, None] - 1j * omega)))


def from_correlation(
    time_fs: FloatArray,
    correlation: ComplexArray,
    temperature_K: float,
    quantum_correction: QuantumCorrection | None = None,
    error: float = EXACT,
) -> TabulatedBath:
    """Spectral density of a bath from its correlation function.

    Args:
        time_fs: times >= 0, fs, in equal steps, shape (n,).
        correlation: C(t), (rad/fs)^2, shape (n,): complex and quantum, with
            Im C = -(1/pi) int J sin(w t) dw; or real and classical.
        temperature_K: temperature to which C(t) belongs, K.
        quantum_correction: how a classical C(t) becomes J, see QuantumCorrection; None for a
            quantum one.
        error: of the data, relative to the maximum of |C|: the fit is no better than that.

    Returns:
        J(w), which holds at any temperature as long as the bath is harmonic.

    Raises:
        ValueError: data that are no such function: uneven steps, a classical one without a
            correction, real and imaginary parts that do not belong together at the temperature,
            J < 0.

    Source: harmonic and standard correction, Egorov, Everitt and Skinner, J. Phys. Chem. A 1999,
    103, 9494.
    """
    step = _even_step(time_fs, len(correlation))
    if not 0 <= time_fs[0] <= 1.001 * step:
        raise ValueError(f"C(t) begins at {time_fs[0]:g} fs; it must begin at 0, or one step later")
    if quantum_correction not in (None, *get_args(QuantumCorrection)):
        allowed = ", ".join(get_args(QuantumCorrection))
        raise ValueError(f"quantum_correction = {quantum_correction!r}; allowed: {allowed}")
    if not np.all(np.isfinite(correlation)):
        raise ValueError("C(t) holds values that are not finite numbers; remove those rows")
    real = not np.any(correlation.imag)
    if real and quantum_correction is None:
        raise ValueError(
            "C(t) is real, hence classical: say how it becomes quantum, with quantum_correction "
            "harmonic (vibrations) or standard"
        )
    if not real and quantum_correction is not None:
        raise ValueError(
            f"C(t) is complex, hence quantum already; leave out quantum_correction = "
            f"{quantum_correction}"
        )
    rows = correlation.real[None] if real else np.stack([correlation.real, correlation.imag])
    fit = _fitted(time_fs, rows, step, error)
    omega = _grid(fit.rates)
    spectrum = fit.transform(omega)[-1]
    if not real:
        J = -2 * spectrum.imag
    else:
        b = beta(temperature_K) * omega / 2
        J = 2 * spectrum.real * (b if quantum_correction == "harmonic" else np.tanh(b))
    if np.min(J) < -_NEGATIVE * np.max(np.abs(J)):
        raise ValueError(
            "J(w) of this C(t) is negative in places: check its sign, Im C(t) = -(1/pi) int J "
            "sin(w t) dw, and that it has decayed where it ends"
        )
    digits = 10.0 ** (_DIGITS - 1 - np.floor(np.log10(np.max(J))))
    kept = np.round(J.clip(0) * digits) / digits
    bath = TabulatedBath(tuple(map(float, omega)), tuple(map(float, kept)))
    if not real:
        expected = bath.correlations(time_fs[1:], temperature_K).real
        unlike = np.linalg.norm(expected - correlation.real[1:]) / np.linalg.norm(expected)
        if unlike > _UNLIKE:
            raise ValueError(
                f"Re C(t) and Im C(t) do not belong together at {temperature_K:g} K (they differ "
                f"by {unlike:.0%}): check temperature_K, units and the sign of Im C"
            )
    return bath


def from_trajectory(
    time_fs: FloatArray,
    values: FloatArray,
    temperature_K: float,
    quantum_correction: QuantumCorrection,
) -> TabulatedBath:
    """Spectral density of a bath from the fluctuations of an energy in classical dynamics.

    Args:
        time_fs: times, fs, in equal steps, shape (n,).
        values: site energies or transfer integrals, rad/fs, shape (n,), or (sites, n) to average
            the correlation functions of alike sites.
        temperature_K: temperature of the trajectory, K.
        quantum_correction: see QuantumCorrection.

    Returns:
        J(w) of the smallest number of exponentials that fit C(t) to its statistical error.

    Raises:
        ValueError: uneven steps, no fluctuation, or a record that is too short for its memory.
    """
    values = np.atleast_2d(values)
    n = values.shape[1]
    step = _even_step(time_fs, n)
    if not np.all(np.isfinite(values)):
        raise ValueError("the trajectory holds values that are not finite numbers; remove them")
    deviations = values - values.mean(axis=1, keepdims=True)
    power = np.abs(np.fft.rfft(deviations, 2 * n)) ** 2
    correlation = np.fft.irfft(power)[:, :n].mean(axis=0) / np.arange(n, 0, -1)
    if correlation[0] <= (_STILL * np.max(np.abs(values))) ** 2:
        raise ValueError("the trajectory does not fluctuate; give site energies over time")
    shape = correlation / correlation[0]
    first = int(np.argmax(shape < 0.05)) or n
    if first < _RESOLVED:
        raise ValueError(
            f"C(t) has decayed within {first} steps of {step:g} fs: that is noise, or sampled too "
            "rarely; write the trajectory out more often"
        )
    memory = float(np.sum(shape[:first] ** 2))
    error = np.sqrt(2 * memory / values.size)
    if error > _NOISY or first > n // 5:
        raise ValueError(
            f"C(t) has a statistical error of {error:.0%} and a memory of {first * step:.0f} fs in "
            f"a record of {n * step:.0f} fs; use a longer one, or more sites"
        )
    end = max(_SHORTEST, min(n // 5, 3 * first))
    lags = step * np.arange(end)
    c = correlation[:end].astype(complex)
    return from_correlation(lags, c, temperature_K, quantum_correction, error)


def _even_step(time_fs: FloatArray, values: int) -> float:
    steps = np.diff(time_fs)
    if time_fs.ndim != 1 or len(time_fs) != values or values < _SHORTEST:
        raise ValueError(
            f"{time_fs.size} times and {values} values; as many of one as of the other are "
            f"needed, at least {_SHORTEST}"
        )
    if not (np.all(steps > 0) and np.ptp(steps) <= 1e-3 * np.max(steps)):
        raise ValueError(
            f"times must rise in equal steps; they vary from {np.min(steps):g} to "
            f"{np.max(steps):g} fs: interpolate the data"
        )
    return float(np.mean(steps))


def _fitted(time_fs: FloatArray, rows: FloatArray, step_fs: float, error: float) -> _Fit:
    """The smallest number of exponentials within an error of the rows, relative."""
    stride = -(-rows.shape[1] // _SAMPLES)
    space = signal_space(rows[:, ::stride])
    size, best = np.max(np.abs(rows)), np.inf

    def solved(nu: Rates) -> ComplexArray:
        columns = np.exp(-np.multiply.outer(time_fs, nu))
        ridge = 1e-3 * error * np.sqrt(rows.shape[1])
        return np.array([coefficients(nu, columns, row, ridge) for row in rows])

    def residual(nu: Rates) -> FloatArray:
        columns = np.exp(-np.multiply.outer(nu, time_fs))
        return np.asarray(((solved(nu) @ columns).real - rows).ravel() / size)

    for count in range(1, MAX_TERMS + 1):
        rates = esprit_rates(space, stride * step_fs, count)
        if not len(rates):
            continue
        rates = refined(rates, residual, 0.1 / time_fs[-1])
        missed = float(np.sqrt(np.mean(residual(rates) ** 2)))
        if missed <= error:
            return _Fit(rates, solved(rates))
        best = min(best, missed)
    raise ValueError(
        f"C(t) is no sum of {MAX_TERMS} decaying exponentials: the best misses it by {best:.1g} of "
        "its maximum; cut the record where noise begins, say how large the error of the data is, "
        "or give the trajectory or J(w) instead"
    )


def _grid(rates: Rates) -> FloatArray:
    """Frequencies that show all features of the transform of these exponentials."""
    lowest, highest = 0.02 * np.min(rates.real), 60 * np.max(np.abs(rates))
    parts = [np.geomspace(lowest, highest, _ROWS)]
    for rate in rates[rates.imag > 0]:
        near = rate.imag + rate.real * np.linspace(-6, 6, 41)
        parts.append(near[near > lowest])
    every = np.concatenate(parts)
    digits = 10.0 ** (_DIGITS - 1 - np.floor(np.log10(every)))
    return np.unique(np.round(every * digits) / digits)
