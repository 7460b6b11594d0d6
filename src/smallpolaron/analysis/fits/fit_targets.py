"""What conductivity models are fitted to: a correlation function or its transform."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from smallpolaron.analysis._checks import (
    FloatArray,
    complex_series,
    positive,
    real_series,
    uniform_times,
    value_at_zero,
)
from smallpolaron.analysis.fits.conductivity_models import ConductivityModel
from smallpolaron.analysis.hermite import cumulative_integral, make_series

MINIMUM_POINTS: Final = 10


@dataclass(frozen=True)
class Target:
    """What a model is fitted to.

    Attributes:
        domain: "time" or "frequency".
        axis: times in fs or angular frequencies in rad/fs, (points,).
        values: C(t)/C(0), (1, points); or real and imaginary part of its transform in fs,
            (2, points).
        unit: residuals are given relative to this: 1 in time, the largest modulus of the
            transform in frequency; standard errors, (2, points), where they are known.
        exact_dc: time integral of C(t)/C(0) over the whole record, fs; NaN if it is not known.
        slowest: smallest rate that is tried, fs^-1.
        fastest: largest rate that is tried, fs^-1.
        free_amplitude: whether C(0) is fitted as well.
    """

    domain: str
    axis: FloatArray
    values: FloatArray
    unit: float | FloatArray
    exact_dc: float
    slowest: float
    fastest: float
    free_amplitude: bool = False

    @property
    def has_errors(self) -> bool:
        """Whether the standard errors of the values are known."""
        return isinstance(self.unit, np.ndarray)

    def terms(self, model: ConductivityModel, rates: Sequence[float]) -> FloatArray:
        """Terms of a model in the form of the values, (1 + shares, channels, points)."""
        if self.domain == "time":
            return model.time_terms(self.axis, rates)[:, None, :]
        terms = model.frequency_terms(self.axis, rates)
        return np.stack([terms.real, terms.imag], axis=1)


def time_target(
    time_fs: ArrayLike, C_kubo: ArrayLike, fit_range_fs: Sequence[float] | None = None
) -> Target:
    """Kubo-transformed correlation function as the target of fits that keep C(0).

    Args:
        time_fs: evenly spaced times from zero in fs, (times,).
        C_kubo: Kubo-transformed correlation function (times,), real, positive at time zero.
        fit_range_fs: first and last time of the fit in fs; None for the whole record.

    Returns:
        Target. Rates are tried from 0.01 over the last time of the fit to 10 over the step.

    Raises:
        ValueError: if an input is malformed, C_kubo(0) is not positive, or the range is empty,
            outside the record or holds fewer than ten times.
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
    return Target(
        domain="time",
        axis=time[chosen],
        values=curve[None, chosen],
        unit=1.0,
        exact_dc=float(cumulative_integral(make_series(time, curve, name="C_kubo"))[-1].real),
        slowest=0.01 / float(time[chosen][-1]),
        fastest=10.0 / step,
    )


def frequency_target(
    omega: ArrayLike, response: ArrayLike, whole: Target, *, free_amplitude: bool = False
) -> Target:
    """Transform of the correlation function as the target of fits.

    Args:
        omega: evenly spaced angular frequencies in rad/fs, (frequencies,).
        response: integral of C(t)/C(0) exp(i omega t) over positive times, fs, complex.
        whole: target in time, for the exact DC value and the rates to try.
        free_amplitude: fit C(0) as well, as one must where it has not been measured.

    Raises:
        ValueError: if an input is malformed or holds fewer than ten frequencies.
    """
    axis = real_series("omega", omega)
    if axis.size < MINIMUM_POINTS:
        raise ValueError(
            f"omega has {axis.size} values: needs {MINIMUM_POINTS} or more; take a wider range or "
            "a finer grid"
        )
    data = complex_series("response", response, axis.size)
    return Target(
        domain="frequency",
        axis=axis,
        values=np.stack([data.real, data.imag]),
        unit=positive("largest |response|", float(np.max(np.abs(data)))),
        exact_dc=whole.exact_dc,
        slowest=whole.slowest,
        fastest=whole.fastest,
        free_amplitude=free_amplitude,
    )


def measured_target(omega: ArrayLike, sigma: ArrayLike, error: ArrayLike) -> Target:
    """Measured conductivity as the target of fits; its scale is fitted as well.

    Args:
        omega: increasing angular frequencies in rad/fs, (frequencies,), not necessarily even.
        sigma: complex conductivity in any one unit, (frequencies,).
        error: standard error of its real and of its imaginary part, each, in that unit, above
            zero, (frequencies,).

    Returns:
        Target. Rates are tried from a thirtieth of the first frequency above zero to thirty times
        the last one: slower and faster ones leave no trace in the window.

    Raises:
        ValueError: if an input is malformed, there are fewer than ten frequencies, or an error is
            not positive.
    """
    axis = real_series("omega", omega)
    if axis.size < MINIMUM_POINTS:
        raise ValueError(f"omega has {axis.size} values: a fit needs {MINIMUM_POINTS} or more")
    data = complex_series("sigma", sigma, axis.size)
    noise = real_series("error", error, axis.size)
    if np.any(noise <= 0.0):
        raise ValueError("error: holds a standard error that is not above 0")
    scale = positive("largest |sigma|", float(np.max(np.abs(data))))
    return Target(
        domain="frequency",
        axis=axis,
        values=np.stack([data.real, data.imag]) / scale,
        unit=np.stack([noise, noise]) / scale,
        exact_dc=float("nan"),
        slowest=float(axis[axis > 0.0][0]) / 30.0,
        fastest=float(axis[-1]) * 30.0,
        free_amplitude=True,
    )


def _chosen_times(time: FloatArray, step: float, fit_range_fs: Sequence[float] | None) -> slice:
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
