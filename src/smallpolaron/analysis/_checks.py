"""Input checks shared by the analysis modules; every failure names the argument and the remedy."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

STEP_TOLERANCE = 1e-6
"""Largest deviation of one time step from the mean step, relative: room for rounding only."""


def _one_dimensional(name: str, values: ArrayLike, kind: type) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.array(values, dtype=kind)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name}: cannot be read as numbers ({error}); pass an array of numbers"
        ) from None
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}: must be one series, (times,)")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise ValueError(
            f"{name}[{bad[0]}] = {array[bad[0]]}: {bad.size} of {array.size} values not finite; "
            "remove or recompute them"
        )
    return array


def real_series(name: str, values: ArrayLike, length: int | None = None) -> FloatArray:
    """Return values as a finite real series, of a given length if one is named."""
    if np.iscomplexobj(values):
        raise ValueError(f"{name} is complex: must be real; pass the part you mean")
    array = _one_dimensional(name, values, np.float64)
    _check_length(name, array, length)
    return array


def complex_series(name: str, values: ArrayLike, length: int | None = None) -> ComplexArray:
    """Return values as a finite complex series, of a given length if one is named."""
    array = _one_dimensional(name, values, np.complex128)
    _check_length(name, array, length)
    return array


def _check_length(name: str, array: NDArray[Any], length: int | None) -> None:
    if length is not None and array.size != length:
        raise ValueError(
            f"{name} has {array.size} values, the time grid {length}: "
            "give one value per time, on the same grid"
        )


def site_series(name: str, values: ArrayLike, shape: tuple[int, ...] | None = None) -> FloatArray:
    """Return the real part as a finite (times, sites) array, of a shape if one is named."""
    array = np.asarray(np.real(np.asarray(values)), dtype=np.float64)
    if array.ndim != 2 or shape not in (None, array.shape):
        wanted = "(times, sites)" if shape is None else f"{shape}, as populations"
        raise ValueError(f"{name} has shape {array.shape}: must be {wanted}")
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name}: some values are not finite; recompute the run")
    return array


def uniform_times(time_fs: ArrayLike, minimum: int) -> tuple[FloatArray, float]:
    """Return an evenly spaced time grid from zero, rebuilt exactly, and its step in fs."""
    time = real_series("time_fs", time_fs)
    if time.size < minimum:
        raise ValueError(
            f"time_fs has {time.size} points: at least {minimum} are needed here; "
            "store the correlation function for longer or more finely"
        )
    step = float(time[-1] - time[0]) / (time.size - 1)
    if step <= 0.0:
        raise ValueError("time_fs does not increase: sort the series by time, in fs")
    uneven = np.flatnonzero(np.abs(np.diff(time) - step) > STEP_TOLERANCE * step)
    if uneven.size:
        raise ValueError(
            f"time_fs: the step after {time[uneven[0]]} fs is "
            f"{time[uneven[0] + 1] - time[uneven[0]]} fs, the mean step {step} fs; "
            "resample to evenly spaced times"
        )
    if abs(time[0]) > STEP_TOLERANCE * step:
        raise ValueError(f"time_fs[0] = {time[0]} fs: must be 0; include the value at time zero")
    return np.arange(time.size, dtype=np.float64) * step, step


def positive(name: str, value: float) -> float:
    """Return a finite number above zero."""
    number = float(value)
    if not (np.isfinite(number) and number > 0.0):
        raise ValueError(f"{name} = {value}: must be a finite number above 0")
    return number


def value_at_zero(name: str, values: ComplexArray | FloatArray) -> complex:
    """Return the value at time zero, which everything here divides by."""
    first = complex(values[0])
    if first == 0.0:
        raise ValueError(
            f"{name}[0] = 0: the correlation function vanishes at time zero; "
            "check that it belongs to an operator with a non-zero current"
        )
    return first
