"""Drude-Smith and Drude fits of the Kubo-transformed correlation function, with a verdict."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import least_squares

from smallpolaron.analysis._checks import (
    ComplexArray,
    FloatArray,
    positive,
    real_series,
    uniform_times,
    value_at_zero,
)
from smallpolaron.analysis.mobility import running_integral
from smallpolaron.model.units import mobility_cm2

GOOD_MAX: Final = 0.03
"""Largest residual over C(0) up to which a fit describes the curve. The verdict rests on the
largest residual, not the rms, which any record can dilute with a tail of zeros."""

ROUGH_MAX: Final = 0.10
"""Largest residual over C(0) up to which a fit still has the overall shape."""

GOOD_DC: Final = 0.05
"""Relative error of the DC mobility up to which a fit may stand in for it."""

WELL_DEPTH: Final = 0.01
"""Depth over C(0) from which a negative well is worth mentioning."""

MINIMUM_POINTS: Final = 10
PHYSICAL_C: Final = (-1.0, 0.0)
"""Range of c that the model allows: the share of velocity a collision leaves, reversed."""

_ANY_C: Final = (-np.inf, np.inf)
_RATES: Final = 300


@dataclass(frozen=True)
class DrudeFit:
    """Least-squares fit of exp(-k t), the Drude form.

    Attributes:
        k: decay rate, fs^-1.
        k_error: standard error of k, fs^-1.
        rms: rms residual over C(0).
    """

    k: float
    k_error: float
    rms: float


@dataclass(frozen=True)
class DrudeSmithFit:
    """Least-squares fit of (1 + c k t) exp(-k t), the Drude-Smith form.

    The standard errors follow from the scatter of the residuals as if these were independent.
    Residuals of a smooth curve are not: where the form is wrong, the errors say how sharply the
    best parameters are defined, not how right they are.

    Attributes:
        c: persistence of velocity, dimensionless, within -1 to 0 as the model demands.
        c_error: its standard error; NaN if c is at a limit of that range.
        k: collision rate, fs^-1.
        k_error: its standard error, fs^-1.
        free_c: c of the best fit without limits on c; equal to c if that is the best one.
        free_k: its collision rate, fs^-1.
        free_rms: its rms residual over C(0).
        fit_from_fs: first time of the fit, fs.
        fit_to_fs: last time of the fit, fs.
        rms: rms residual over C(0), within the fit range.
        max_residual: largest residual over C(0), within the fit range.
        max_residual_fs: time of the largest residual, fs.
        r_squared: 1 - squared residuals over squared deviations from the mean.
        dc_ratio: DC mobility of the fit over that of the data (whole record).
        fitted: fitted curve over C(0), at all times, (times,).
        drude: plain Drude fit over the same range.
        verdict: whether the form describes the data, in words.
    """

    c: float
    c_error: float
    k: float
    k_error: float
    free_c: float
    free_k: float
    free_rms: float
    fit_from_fs: float
    fit_to_fs: float
    rms: float
    max_residual: float
    max_residual_fs: float
    r_squared: float
    dc_ratio: float
    fitted: FloatArray
    drude: DrudeFit
    verdict: str


def drude_smith_curve(time_fs: ArrayLike, c: float, k: float) -> FloatArray:
    """Drude-Smith correlation function, normalised to 1 at time zero.

    Args:
        time_fs: times in fs, any shape.
        c: persistence of velocity; 0 gives the Drude form.
        k: collision rate, fs^-1.

    Returns:
        (1 + c k t) exp(-k t), same shape.

    Source:
        Bhattacharyya, Sayer, Montoya-Castillo, Chem. Sci. 2024, eq. 8.
    """
    kt = k * np.asarray(time_fs, dtype=np.float64)
    return np.asarray((1.0 + c * kt) * np.exp(-kt), dtype=np.float64)


def drude_smith_mobility(
    omega: ArrayLike, C0: float, c: float, k: float, temperature_K: float
) -> ComplexArray:
    """Drude-Smith mobility as a function of frequency.

    Args:
        omega: angular frequencies in rad/fs, (frequencies,).
        C0: C_kubo(0) in angstrom^2/fs^2.
        c: persistence of velocity; 0 gives the Drude form.
        k: collision rate, fs^-1, above zero.
        temperature_K: temperature in K, above zero.

    Returns:
        Complex mobility in cm^2/(V s), (frequencies,).

    Raises:
        ValueError: if k or the temperature is not positive.

    Source:
        Half-line transform of the Drude-Smith form times beta: with tau = 1/k it is C0 tau /
        (1 - i omega tau) times (1 + c/(1 - i omega tau)) (Smith, Phys. Rev. B 2001, 64, 155106).
    """
    lorentz = 1.0 / (positive("k", k) - 1j * np.asarray(omega, dtype=np.float64))
    D = C0 * lorentz * (1.0 + c * k * lorentz)
    return np.asarray(mobility_cm2(1.0, temperature_K) * D, dtype=np.complex128)


def fit_drude_smith(
    time_fs: ArrayLike,
    C_kubo: ArrayLike,
    fit_range_fs: tuple[float, float] | None = None,
) -> DrudeSmithFit:
    """Fit the Drude-Smith form to a Kubo-transformed correlation function.

    Args:
        time_fs: evenly spaced times from zero in fs, (times,).
        C_kubo: Kubo-transformed correlation function (times,), real; it is divided by its value
            at time zero, which is therefore not fitted.
        fit_range_fs: first and last time of the fit in fs; None for the whole record.

    Returns:
        DrudeSmithFit.

    Raises:
        ValueError: if an input is malformed, C_kubo(0) is not positive, the range is empty, outside
            the record or holds fewer than ten times, or no fit converges.

    Source:
        Bhattacharyya, Sayer, Montoya-Castillo, Chem. Sci. 2024, eq. 8 and Fig. 4.
    """
    time, step = uniform_times(time_fs, MINIMUM_POINTS)
    data = real_series("C_kubo", C_kubo, time.size)
    start = value_at_zero("C_kubo", data).real
    if start < 0.0:
        raise ValueError(
            f"C_kubo[0] = {start}: must be positive; check that this is the Kubo transform"
        )
    curve = data / start
    chosen = _chosen_times(time, step, fit_range_fs)
    t, y = time[chosen], curve[chosen]
    c, k, c_error, k_error = _least_squares(t, y, PHYSICAL_C)
    free_c, free_k, _, _ = _least_squares(t, y, _ANY_C)
    drude = _fit_drude(t, y)
    residual = y - drude_smith_curve(t, c, k)
    worst = int(np.argmax(np.abs(residual)))
    spread = float(np.sum((y - np.mean(y)) ** 2))
    exact_dc = float(running_integral(time, curve)[-1])
    dc_ratio = (1.0 + c) / k / exact_dc if exact_dc else float("inf")
    rms = float(np.sqrt(np.mean(residual**2)))
    largest = float(np.abs(residual[worst]))
    fitted = drude_smith_curve(time, c, k)
    return DrudeSmithFit(
        c=c,
        c_error=c_error,
        k=k,
        k_error=k_error,
        free_c=free_c,
        free_k=free_k,
        free_rms=_rms(t, y, free_c, free_k),
        fit_from_fs=float(t[0]),
        fit_to_fs=float(t[-1]),
        rms=rms,
        max_residual=largest,
        max_residual_fs=float(t[worst]),
        r_squared=1.0 - float(np.sum(residual**2)) / spread if spread else float("nan"),
        dc_ratio=dc_ratio,
        fitted=fitted,
        drude=drude,
        verdict=_verdict(rms, (largest, float(t[worst])), dc_ratio)
        + _shape_difference(time, curve, fitted, largest)
        + _range_remark(c, free_c, _rms(t, y, free_c, free_k)),
    )


def _chosen_times(time: FloatArray, step: float, fit_range_fs: tuple[float, float] | None) -> slice:
    if fit_range_fs is None:
        return slice(None)
    begin, end = fit_range_fs
    if not 0.0 <= begin < end <= time[-1] * (1.0 + 1e-9):
        raise ValueError(
            f"fit_range_fs = ({begin}, {end}): must increase and lie within 0 to {time[-1]:g} fs"
        )
    first, last = int(np.ceil(begin / step - 1e-9)), int(np.floor(end / step + 1e-9))
    if last - first + 1 < MINIMUM_POINTS:
        raise ValueError(
            f"fit_range_fs = ({begin}, {end}) holds {last - first + 1} times: needs "
            f"{MINIMUM_POINTS} or more; widen it"
        )
    return slice(first, last + 1)


def _best_start(t: FloatArray, y: FloatArray, c_range: tuple[float, float]) -> tuple[float, float]:
    """C and log k with the smallest residual on a grid of k; for each k the best c is linear."""
    rates = np.geomspace(0.01 / float(t[-1]), 10.0 / float(t[1] - t[0]), _RATES)
    squares = np.empty(_RATES)
    best_c = np.empty(_RATES)
    for index, k in enumerate(rates):
        decay = np.exp(-k * t)
        wave = k * t * decay
        norm = float(wave @ wave)
        free = float(wave @ (y - decay)) / norm if norm > 0.0 else 0.0
        best_c[index] = np.clip(free, *c_range)
        squares[index] = np.sum((y - decay - best_c[index] * wave) ** 2)
    best = int(np.argmin(squares))
    if best in (0, _RATES - 1):
        raise ValueError(
            "C_kubo: no decay rate fits within the record; look at the curve, it may not decay, "
            "or choose another fit_range_fs"
        )
    return float(best_c[best]), float(np.log(rates[best]))


def _jacobian(t: FloatArray, c: float, k: float) -> FloatArray:
    """Derivatives of the curve by c and log k, (times, 2)."""
    kt = k * t
    decay = np.exp(-kt)
    return np.stack([kt * decay, kt * (c - 1.0 - c * kt) * decay], axis=1)


def _refine(
    residual: Callable[[FloatArray], FloatArray],
    jacobian: Callable[[FloatArray], FloatArray],
    start: FloatArray,
) -> tuple[float, ...]:
    found = least_squares(residual, start, jac=jacobian, xtol=1e-14, ftol=1e-14, gtol=1e-14)
    return tuple(float(value) for value in found.x)


def _least_squares(
    t: FloatArray, y: FloatArray, c_range: tuple[float, float]
) -> tuple[float, float, float, float]:
    """c, k and their standard errors; c_error is NaN where c is held by its range."""
    low, high = c_range

    def residual(x: FloatArray) -> FloatArray:
        return drude_smith_curve(t, float(x[0]), float(np.exp(x[1]))) - y

    def jacobian(x: FloatArray) -> FloatArray:
        return _jacobian(t, float(x[0]), float(np.exp(x[1])))

    c, log_k = _best_start(t, y, c_range)
    if low < c < high:
        c, log_k = _refine(residual, jacobian, np.array([c, log_k]))
    inside = low < c < high
    if not inside:
        held = min(max(c, low), high)
        (log_k,) = _refine(
            lambda x: residual(np.array([held, x[0]])),
            lambda x: jacobian(np.array([held, x[0]]))[:, 1:],
            np.array([log_k]),
        )
        c = held
    k = float(np.exp(log_k))
    slopes = _jacobian(t, c, k)[:, 0 if inside else 1 :]
    left = drude_smith_curve(t, c, k) - y
    variance = float(left @ left) / (t.size - slopes.shape[1])
    errors = np.sqrt(variance * np.diag(np.linalg.inv(slopes.T @ slopes)))
    return c, k, float(errors[0]) if inside else float("nan"), k * float(errors[-1])


def _rms(t: FloatArray, y: FloatArray, c: float, k: float) -> float:
    return float(np.sqrt(np.mean((y - drude_smith_curve(t, c, k)) ** 2)))


def _fit_drude(t: FloatArray, y: FloatArray) -> DrudeFit:
    _, k, _, k_error = _least_squares(t, y, (0.0, 0.0))
    return DrudeFit(k, k_error, _rms(t, y, 0.0, k))


def _verdict(rms: float, worst: tuple[float, float], dc_ratio: float) -> str:
    largest, largest_fs = worst
    size = f"rms residual {100 * rms:.2g} % of C(0), "
    size += f"largest {100 * largest:.2g} % at {largest_fs:g} fs"
    dc = f"its DC mobility is {dc_ratio:.3g} times the exact one"
    if largest <= GOOD_MAX:
        text = f"Drude–Smith describes this correlation function: {size}; {dc}."
    elif largest <= ROUGH_MAX:
        text = (
            f"Drude–Smith has the overall shape but misses details: {size}; {dc}. "
            "It should not be trusted for the conductivity at high frequency."
        )
    else:
        text = (
            f"Drude–Smith misses this correlation function: {size}; {dc}. It should not be "
            "trusted for the conductivity, nor its c and k be read as material properties."
        )
    if abs(dc_ratio - 1.0) > GOOD_DC:
        text += " Do not use it for the DC mobility."
    return text


def _shape_difference(
    time: FloatArray, curve: FloatArray, fitted: FloatArray, largest: float
) -> str:
    """Compare what the eye sees: the negative well of data and fit."""
    if largest <= GOOD_MAX:
        return ""
    data_low, fit_low = int(np.argmin(curve)), int(np.argmin(fitted))
    has_well, fit_well = curve[data_low] < -WELL_DEPTH, fitted[fit_low] < -WELL_DEPTH
    if has_well and fit_well:
        return (
            f" The negative well reaches {curve[data_low]:.2g} C(0) at {time[data_low]:g} fs in "
            f"the data, {fitted[fit_low]:.2g} C(0) at {time[fit_low]:g} fs in the fit."
        )
    if has_well:
        return f" The negative well at {time[data_low]:g} fs is absent from the fit."
    if fit_well:
        return f" The fit has a negative well at {time[fit_low]:g} fs that the data do not have."
    return ""


def _range_remark(c: float, free_c: float, free_rms: float) -> str:
    low, high = PHYSICAL_C
    text = f" c is at the limit of its range, {c:g}." if c in PHYSICAL_C else ""
    if not low <= free_c <= high:
        text += (
            f" Without limits the fit prefers c = {free_c:.3g} (rms residual "
            f"{100 * free_rms:.2g} %), which the model excludes: -1 to 0."
        )
    return text
