"""Averages over the members of an ensemble, with confidence intervals.

Transport coefficients of disordered systems are skewed: a few members with deep traps, or with a
good path, dominate. The interval is therefore that of the studentised bootstrap, which takes the
skewness from the data. Fewer than six members do not tell theirs, nor do members most of which are
equal: they get Student's t.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from smallpolaron.analysis._checks import FloatArray

LEAST_MEMBERS: Final = 2
"""One member does not tell how far others are from it."""

RESAMPLED_MEMBERS: Final = 6
"""With fewer members resamples are too alike: four normal ones give intervals 1.8 times as wide as
Student's, one in twenty 18 times and more."""

CONFIDENCE: Final = 0.95

_TAIL: Final = (1.0 - CONFIDENCE) / 2.0
_RESAMPLES: Final = 999
_SEED: Final = 20240717
"""Any number: the same members always give the same interval."""
_CHUNK: Final = 4096
"""Columns resampled at a time, which bounds the memory."""


@dataclass(frozen=True)
class Estimate:
    """A mean over members, or a ratio of two, with its confidence interval.

    Attributes:
        value: the mean, of any shape.
        low: lower end of the 95 % interval, same shape.
        high: upper end.
    """

    value: FloatArray
    low: FloatArray
    high: FloatArray


def mean(values: ArrayLike) -> Estimate:
    """Mean of (members, ...) over the members with its confidence interval; see ratio.

    Source:
        Studentised bootstrap: Efron and Tibshirani, An Introduction to the Bootstrap, section 12.5;
        Student's t with fewer than 6 members.
    """
    array = _members("values", values)
    return ratio(array, np.ones_like(array))


def ratio(numerators: ArrayLike, denominators: ArrayLike) -> Estimate:
    """Ratio of two means over the same members with its confidence interval, entry by entry.

    Args:
        numerators: (members, ...), real and finite.
        denominators: same shape; NaN results where their mean is zero.

    Returns:
        Estimate of shape (...).

    Raises:
        ValueError: if there are fewer than 2 members, values that are not finite, or two shapes.

    Source:
        Studentised bootstrap with the standard error of a ratio to first order (Cochran, Sampling
        Techniques, chapter 6).
    """
    y, x = _members("numerators", numerators), _members("denominators", denominators)
    if y.shape != x.shape:
        raise ValueError(f"numerators have shape {y.shape}, denominators {x.shape}: must agree")
    shape = y.shape[1:]
    parts = [_interval(*columns) for columns in _columns(y, x)]
    value, low, high = (
        np.concatenate(series).reshape(shape) for series in zip(*parts, strict=True)
    )
    return Estimate(value, low, high)


def spread(values: ArrayLike) -> float:
    """Sample standard deviation of (members,) without NaN; NaN with fewer than two values."""
    array = np.asarray(values, dtype=np.float64)
    found = array[np.isfinite(array)]
    return float(np.std(found, ddof=1)) if found.size > 1 else float("nan")


def _members(name: str, values: ArrayLike) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 0 or array.shape[0] < LEAST_MEMBERS:
        count = array.shape[0] if array.ndim else 0
        raise ValueError(f"{count} members: at least {LEAST_MEMBERS} are needed for an interval")
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name}: some values are not finite; leave such members out")
    return array


def _columns(y: FloatArray, x: FloatArray) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield all entries as columns, (members, entries), a part at a time."""
    members = y.shape[0]
    flat_y, flat_x = y.reshape(members, -1), x.reshape(members, -1)
    for first in range(0, flat_y.shape[1], _CHUNK):
        part = slice(first, first + _CHUNK)
        yield flat_y[:, part], flat_x[:, part]


def _interval(y: FloatArray, x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return ratio and interval of every column.

    Errors lack the factor sqrt(n/(n-1)), which cancels where they are compared with their like.
    """
    n = y.shape[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.mean(x, axis=0)
        value = np.where(scale == 0.0, np.nan, np.mean(y, axis=0) / scale)
        e = y - value * x
        error = np.sqrt(np.sum(e**2, axis=0)) / np.abs(np.sum(x, axis=0))
    largest = np.full_like(error, stdtrit(n - 1, 1.0 - _TAIL) * np.sqrt(n / (n - 1)))
    least = -largest
    if n >= RESAMPLED_MEMBERS:
        above, below = _quantiles(e, x)
        known = np.isfinite(above) & np.isfinite(below)
        largest, least = np.where(known, above, largest), np.where(known, below, least)
    exact = error == 0.0
    low = np.where(exact, value, value - largest * error)
    high = np.where(exact, value, value - least * error)
    return value, low, high


def _quantiles(e: FloatArray, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the upper and lower quantile of the studentised ratio over all resamples.

    They are infinite where so many members are equal that many resamples have no error.

    Args:
        e: residuals y - r x, so that the error of a resampled ratio is sum(e)/sum(x) without any
            loss of digits where members hardly differ, (members, entries).
        x: denominators, same shape.
    """
    counts = _resamples(e.shape[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = (counts @ e) / (counts @ x)
        squares = counts @ e**2 - 2 * shift * (counts @ (e * x)) + shift**2 * (counts @ x**2)
        errors = np.sqrt(np.maximum(squares, 0.0)) / np.abs(counts @ x)
        studentised = np.where(shift == 0.0, 0.0, shift / errors)
    largest, least = np.quantile(studentised, [1.0 - _TAIL, _TAIL], axis=0, method="nearest")
    return largest, least


def _resamples(n: int) -> NDArray[np.float64]:
    """Return how often every resample takes every member, (resamples, members).

    Resamples of one member only have no spread; they are drawn again.
    """
    draw = np.random.default_rng(_SEED)
    counts = draw.multinomial(n, np.full(n, 1.0 / n), size=_RESAMPLES)
    while np.any(alone := np.max(counts, axis=1) == n):
        counts[alone] = draw.multinomial(n, np.full(n, 1.0 / n), size=int(np.sum(alone)))
    return counts.astype(np.float64)
