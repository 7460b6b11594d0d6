"""Settling times: when a curve has entered a band around its converged value for good.

The same rule gives the equilibration time t_eq of the running integral of C_JJ and the kernel
cutoff tau_K of D against cutoff time, each for two bands.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from smallpolaron.analysis._checks import FloatArray, positive, real_series
from smallpolaron.model.units import paper_units

BAND_PAPER_UNITS: Final = 0.002
"""Half-width of the absolute band, in paper units 2 D/bohr^2 (Chem. Sci. 2024, Fig. 2)."""

BAND_PERCENT: Final = 1.0
"""Half-width of the relative band in percent (Chem. Sci. 2024, Fig. 3)."""

SETTLED_FRACTION: Final = 0.1
"""Share of the record that must lie inside the band at its end. A curve is always inside a band
around its own last value at the last time, which proves nothing."""

Criterion = Literal["band", "percent"]


@dataclass(frozen=True)
class Settling:
    """Outcome of one settling criterion.

    Attributes:
        criterion: the rule in words, with its width and unit.
        time_fs: earliest stored time from which the curve stays inside, in fs; NaN if never met.
            Not interpolated: it may be late by up to one time step.
        reference: converged value D the band is centred on, angstrom^2/fs.
        half_width: half-width of the band, angstrom^2/fs.
        met: whether the criterion was met.
        reason: why it was not met, or what limits the answer; empty if nothing does.
    """

    criterion: str
    time_fs: float
    reference: float
    half_width: float
    met: bool
    reason: str


@dataclass(frozen=True)
class SettlingTimes:
    """Both criteria for one curve.

    Attributes:
        band: absolute band in paper units.
        percent: relative band.
    """

    band: Settling
    percent: Settling


def half_width(criterion: Criterion, reference: float, width: float) -> float:
    """Half-width in angstrom^2/fs of a band around a reference D; the width is in its own unit.

    Raises:
        ValueError: if the width is not positive or the criterion is unknown.
    """
    checked = positive("width", width)
    if criterion == "band":
        return checked / paper_units(1.0)
    if criterion == "percent":
        return checked / 100.0 * abs(reference)
    raise ValueError(f"criterion = {criterion!r}: must be 'band' or 'percent'")


def describe(criterion: Criterion, width: float) -> str:
    """Return a tolerance band in words; its half-width is in paper units or percent."""
    if criterion == "band":
        return f"within ±{width:g} paper units (2D/bohr²) of the converged value"
    return f"within ±{width:g} % of the converged value"


def settling_time(
    time_fs: ArrayLike,
    D: ArrayLike,
    criterion: Criterion,
    width: float,
    reference: float | None = None,
) -> Settling:
    """Earliest time after which a curve stays inside a band around its converged value.

    Args:
        time_fs: increasing times (running integral) or cutoff times (kernel) in fs, (times,).
        D: curve in angstrom^2/fs, (times,); NaN marks unstable cutoffs and counts as outside.
        criterion: "band" (width in paper units) or "percent".
        width: half-width of the band in that unit.
        reference: converged D in angstrom^2/fs; None for the last value of the curve.

    Returns:
        Settling; not met if the last value is outside, or if less than the last tenth of the
        record is inside, which a record cut off too early would also show.

    Raises:
        ValueError: if shapes differ, times do not increase, there are fewer than two, the whole
            curve is undefined, or the width is not positive.

    Source:
        Bhattacharyya, Sayer, Montoya-Castillo, Chem. Sci. 2024, Figs. 2 and 3.
    """
    time = real_series("time_fs", time_fs)
    values = np.asarray(D, dtype=np.float64)
    if values.shape != time.shape:
        raise ValueError(
            f"D has shape {values.shape}, time_fs {time.shape}: give one value per time"
        )
    if time.size < 2 or np.any(np.diff(time) <= 0):
        raise ValueError("time_fs: needs two or more increasing times; sort the curve by time")
    centre = _reference(values, reference)
    if centre is None:
        return _unmet(criterion, width, float("nan"), "the last value is undefined (unstable)")
    tolerance = half_width(criterion, centre, width)
    outside = ~(np.abs(values - centre) <= tolerance)
    if outside[-1]:
        return _unmet(
            criterion, width, centre, f"outside the band at the last time, {time[-1]:g} fs"
        )
    first = int(np.flatnonzero(outside)[-1]) + 1 if outside.any() else 0
    settled = (time[-1] - time[first]) / (time[-1] - time[0])
    if settled < SETTLED_FRACTION:
        return _unmet(
            criterion,
            width,
            centre,
            f"inside only from {time[first]:g} fs of a record of {time[-1]:g} fs: "
            "the record is too short to tell; propagate for longer",
        )
    reason = "inside from the first time on" if first == 0 else ""
    return Settling(describe(criterion, width), float(time[first]), centre, tolerance, True, reason)


def _reference(values: FloatArray, reference: float | None) -> float | None:
    if reference is not None:
        if not np.isfinite(reference):
            raise ValueError(f"reference = {reference}: must be finite; give the converged D")
        return float(reference)
    if not np.any(np.isfinite(values)):
        raise ValueError("D: no finite value; no cutoff gives stable dynamics")
    return float(values[-1]) if np.isfinite(values[-1]) else None


def _unmet(criterion: Criterion, width: float, reference: float, reason: str) -> Settling:
    tolerance = half_width(criterion, reference, width)
    return Settling(describe(criterion, width), float("nan"), reference, tolerance, False, reason)


def settling_times(
    time_fs: ArrayLike,
    D: ArrayLike,
    reference: float | None = None,
    *,
    band_paper_units: float = BAND_PAPER_UNITS,
    band_percent: float = BAND_PERCENT,
) -> SettlingTimes:
    """Both settling times of a curve: t_eq of a running integral, tau_K of a cutoff scan.

    For tau_K pass the D of the direct integral as the reference, so that both times refer to one
    number. The rest is as in settling_time, with the half-widths of the bands in their units.
    """
    return SettlingTimes(
        settling_time(time_fs, D, "band", band_paper_units, reference),
        settling_time(time_fs, D, "percent", band_percent, reference),
    )
