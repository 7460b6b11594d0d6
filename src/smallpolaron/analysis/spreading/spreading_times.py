"""Characteristic times of a spreading carrier, each by a stated rule.

tau_P: two runs that differ only in the initial lattice (Franck-Condon, Marcus) have met, so that
the lattice has forgotten how it began. tau_R: the carrier has arrived where the lattice ends.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from smallpolaron.analysis._checks import FloatArray, positive, real_series
from smallpolaron.analysis.memory.cutoff import settling_time
from smallpolaron.analysis.spreading.spreading import Spreading

WINDOW_SHARE: Final = 0.5
"""The window of alpha at long times is the second half of the time before the end is reached."""


@dataclass(frozen=True)
class Event:
    """A time defined by a rule.

    Attributes:
        rule: the rule in words.
        time_fs: stored time at which it is first met, fs; NaN if never. Not interpolated.
        reason: why it is not met, or what limits the answer; empty if nothing does.
    """

    rule: str
    time_fs: float
    reason: str

    @property
    def met(self) -> bool:
        """Whether the rule is met."""
        return bool(np.isfinite(self.time_fs))


@dataclass(frozen=True)
class LongTimeExponent:
    """Exponent alpha at long times, by two rules.

    Attributes:
        rule: both rules in words.
        mean: mean of alpha over the window.
        spread: largest deviation of alpha from it there.
        from_fs: start of the window, fs.
        to_fs: its end, fs.
        peak: largest alpha after its least value within to_fs; NaN if there is no such maximum.
        peak_fs: when that is, fs.
        reason: why there is no maximum; empty if there is.
    """

    rule: str
    mean: float
    spread: float
    from_fs: float
    to_fs: float
    peak: float
    peak_fs: float
    reason: str


def meeting_time(
    time_fs: ArrayLike, first: ArrayLike, second: ArrayLike, *, percent: float, until_fs: float
) -> Event:
    """Earliest time from which two curves stay together.

    Args:
        time_fs: increasing times in fs, (times,).
        first: slope of the MSD, or alpha, after one initialisation, (times,).
        second: the same after the other, (times,); NaN in either counts as apart.
        percent: largest difference relative to the mean of both, in percent.
        until_fs: last time that counts: when the end of the lattice is reached; may be infinite.

    Returns:
        Event; not met if they are apart at the last time that counts, or have been together for
        less than the last tenth of what counts. Slopes begin alike, at zero: where they never
        part, relaxation has no effect, or the time is too short to show it.

    Raises:
        ValueError: as settling_time, or if fewer than two times count.

    Source:
        tau_P: anomalous paper, Fig. 2, where it is read off by eye.
    """
    time = real_series("time_fs", time_fs)
    counts = time <= until_fs
    one, other = (np.asarray(curve, dtype=np.float64)[counts] for curve in (first, second))
    with np.errstate(invalid="ignore", divide="ignore"):
        difference = 2.0 * (one - other) / (np.abs(one) + np.abs(other))
    found = settling_time(time[counts], 1.0 + difference, "percent", percent, 1.0)
    rule = f"both initialisations differ by at most {percent:g} % of their mean"
    if np.isfinite(until_fs):
        rule += f", until {until_fs:g} fs"
    if np.all(np.isnan(difference)):
        return Event(rule, float("nan"), "there is nothing to compare: the carrier does not move")
    together = found.time_fs <= time[1]
    return Event(rule, found.time_fs, "they never part by more" if together else found.reason)


def arrival_time(time_fs: ArrayLike, filling: ArrayLike, *, place: str, percent: float) -> Event:
    """Earliest time at which the carrier has arrived at the boundary.

    Its population over the equilibrium value there, filling (times,), then reaches a percentage.
    The place is what the rule calls the boundary.

    Raises:
        ValueError: if the inputs differ in length or the percentage is not positive.

    Source:
        tau_R: anomalous paper, arrival of the charge at the last site. In diffusion from the
        middle, or on a ring, the slope of the MSD has then lost this share.
    """
    time = real_series("time_fs", time_fs)
    values = real_series("filling", filling, time.size)
    threshold = positive("percent", percent) / 100.0
    rule = f"population of the {place} reaches {percent:g} % of its equilibrium value"
    there = np.flatnonzero(values >= threshold)
    if there.size:
        reason = "the carrier starts there" if there[0] == 0 else ""
        return Event(rule, float(time[there[0]]), reason)
    most = 100.0 * float(np.max(values))
    return Event(rule, float("nan"), f"at most {most:.2g} % until the record ends, {time[-1]:g} fs")


def long_time_exponent(spreading: Spreading, until_fs: float) -> LongTimeExponent:
    """Exponent at long times: mean over a window before the end is reached, and its maximum.

    Args:
        spreading: the run.
        until_fs: when the end of the lattice is reached, fs; infinite if never.

    Returns:
        LongTimeExponent; NaN where alpha is not defined.

    Source:
        The maximum is alpha_longtime of the anomalous paper (Fig. S2); its time is the paper's
        tau_R. The mean over a window also serves where alpha falls throughout.
    """
    time, alpha = spreading.time_fs, spreading.alpha
    last = int(np.searchsorted(time, until_fs, side="right")) - 1
    window = slice(int(np.searchsorted(time, WINDOW_SHARE * time[last])), last + 1)
    mean = float(np.mean(alpha[window]))
    peak, peak_fs, reason = _peak(time, alpha, last)
    return LongTimeExponent(
        rule=(
            f"mean of alpha from {time[window][0]:g} to {time[last]:g} fs, the second half of the "
            "time before the far end is reached or the record ends; maximum of alpha after its "
            "least value in that time"
        ),
        mean=mean,
        spread=float(np.max(np.abs(alpha[window] - mean))),
        from_fs=float(time[window][0]),
        to_fs=float(time[last]),
        peak=peak,
        peak_fs=peak_fs,
        reason=reason,
    )


def _peak(time: FloatArray, alpha: FloatArray, last: int) -> tuple[float, float, str]:
    """Return the largest alpha after its least value up to an index, its time, or why not."""
    nan = float("nan")
    if np.all(np.isnan(alpha[: last + 1])):
        return nan, nan, "alpha is not defined: the carrier does not move"
    least = int(np.nanargmin(alpha[: last + 1]))
    best = least + int(np.nanargmax(alpha[least:]))
    if best == least:
        return nan, nan, f"alpha falls until {time[last]:g} fs"
    if best == time.size - 1:
        return nan, nan, "alpha still rises where the record ends"
    return float(alpha[best]), float(time[best]), ""
