"""Diffusive plateau of a mean-squared displacement: whether, when and how high.

D(t) is half the slope of the mean-squared displacement. It grows with time in ballistic motion, is
constant in diffusion, and falls once the carrier feels the end of the chain or its own image on a
ring.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from smallpolaron.analysis._checks import FloatArray, real_series, uniform_times

LEAST_RATIO: Final = 2.0
"""Least ratio of the end of a plateau to its beginning. Where growth turns into decay D is flat,
too, but never for as long as it took to get there."""

LEAST_TIMES: Final = 5
"""Least number of times on a plateau: two may lie on both sides of a maximum, and the ratio of the
first times of a record is large whatever D does."""


@dataclass(frozen=True)
class Plateau:
    """Outcome of the search for a plateau.

    Attributes:
        rule: the criterion in words.
        found: whether there is a plateau.
        D_A2_fs: mean of D(t) over it, angstrom^2/fs; NaN without one.
        flatness_A2_fs: largest deviation of D(t) from that mean on it, angstrom^2/fs: not the whole
            error of D. How much a larger system would change it only a larger system tells.
        from_fs: first stored time on it, fs; NaN without one.
        to_fs: last stored time on it, fs; NaN without one.
        reason: why there is none, or that the record ends on it; empty otherwise.
    """

    rule: str
    found: bool
    D_A2_fs: float
    flatness_A2_fs: float
    from_fs: float
    to_fs: float
    reason: str


def find_plateau(
    time_fs: ArrayLike,
    dmsd: ArrayLike,
    *,
    flatness: float,
    least_ratio: float = LEAST_RATIO,
) -> Plateau:
    """Search the slope of a mean-squared displacement for a diffusive plateau.

    A plateau is a stretch of time on which D(t) is positive and stays within a share (flatness) of
    the middle of its range, and whose end is at least some multiple (least_ratio) of its
    beginning. It holds LEAST_TIMES times or more. The stretch that lasts longest counts.

    Args:
        time_fs: evenly spaced times from zero in fs, (times,).
        dmsd: first derivative of the mean-squared displacement, angstrom^2/fs, (times,).
        flatness: half the range of D(t) over its middle, at most; above zero.
        least_ratio: least ratio of last to first time, above one.

    Returns:
        Plateau; none is a result, with its reason.

    Raises:
        ValueError: if an input is malformed or a criterion out of range.

    Source:
        Diffusion constant as half the limiting slope of the mean-squared displacement, read off
        where the slope is flat (anomalous paper, Fig. 2).
    """
    if not (flatness > 0.0 and least_ratio > 1.0):
        raise ValueError(
            f"flatness = {flatness}, least_ratio = {least_ratio}: must be above 0 and above 1"
        )
    time, step = uniform_times(time_fs, 2)
    D = 0.5 * real_series("dmsd", dmsd, time.size)
    rule = (
        f"D(t) stays within {100 * flatness:g} % of the middle of its range "
        f"until {least_ratio:g} times the time at which that began, or longer, "
        f"on {LEAST_TIMES} stored times at least"
    )
    stretches = list(_stretches(D, flatness))
    # From time zero on, the ratio is that to the first step.
    ratios = [time[last] / max(time[first], step) for first, last in stretches]
    flat = [s for s, ratio in zip(stretches, ratios, strict=True) if ratio >= least_ratio]
    first, last = max(flat, key=lambda stretch: stretch[1] - stretch[0], default=(0, -1))
    if last - first + 1 < LEAST_TIMES:
        return no_plateau(rule, _why_not(time, stretches, ratios, least_ratio))
    part = D[first : last + 1]
    mean = float(np.mean(part))
    reason = "the record ends on it" if last == time.size - 1 else ""
    flatness = float(np.max(np.abs(part - mean)))
    return Plateau(rule, True, mean, flatness, float(time[first]), float(time[last]), reason)


def _stretches(D: FloatArray, flatness: float) -> Iterator[tuple[int, int]]:
    """First and last index of the longest flat stretch up to every time, single times left out."""
    # Indices of the decreasing maxima and increasing minima of the stretch.
    largest: deque[int] = deque()
    smallest: deque[int] = deque()
    first = 0
    for last, value in enumerate(D):
        if not value > 0.0:
            first = last + 1
            largest.clear()
            smallest.clear()
            continue
        while largest and D[largest[-1]] <= value:
            largest.pop()
        while smallest and D[smallest[-1]] >= value:
            smallest.pop()
        largest.append(last)
        smallest.append(last)
        while D[largest[0]] * (1.0 - flatness) > D[smallest[0]] * (1.0 + flatness):
            first += 1
            while largest[0] < first:
                largest.popleft()
            while smallest[0] < first:
                smallest.popleft()
        if last > first:
            yield first, last


def _why_not(
    time: FloatArray,
    stretches: list[tuple[int, int]],
    ratios: list[float],
    least_ratio: float,
) -> str:
    if not stretches:
        return "D(t) is nowhere flat"
    best = int(np.argmax(ratios))
    first, last = stretches[best]
    end = ", the end of the record" if last == time.size - 1 else ""
    where = f"D(t) is flat only from {time[first]:g} to {time[last]:g} fs{end}"
    if ratios[best] >= least_ratio:
        return f"{where}, on {last - first + 1} stored times; {LEAST_TIMES} are needed"
    return f"{where}, a ratio of {ratios[best]:.3g}; {least_ratio:g} is needed"


def no_plateau(rule: str, reason: str) -> Plateau:
    """Return that there is no plateau, and why."""
    nan = float("nan")
    return Plateau(rule, False, nan, nan, nan, nan, reason)
