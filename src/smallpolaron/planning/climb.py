"""A finite-size ladder: runs of growing size, until D changes within a tolerance twice.

This file decides, from the runs so far, whether to climb to the next size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from smallpolaron.analysis.finite_size import EXTRAPOLATION_SIZES
from smallpolaron.analysis.memory.cutoff import Criterion, half_width
from smallpolaron.results.store import Result
from smallpolaron.study.ladder_section import LadderConfig

STEPS_WITHIN: Final = 2
"""Successive changes that must be within the tolerance; one may be small by chance, for instance
where D crosses its limit."""

MOST_UNUSABLE: Final = 3
"""After so many unusable sizes in a row larger ones are not tried: their cause is not the size."""

Outcome = Literal["climbing", "converged", "not converged"]


@dataclass(frozen=True)
class Rung:
    """One size of a ladder.

    Attributes:
        n_sites: number of sites.
        D_A2_fs: diffusion constant, angstrom^2/fs; NaN if the run gave none.
        error_A2_fs: its estimated error, angstrom^2/fs.
        flagged: whether a quality gate failed.
    """

    n_sites: int
    D_A2_fs: float
    error_A2_fs: float
    flagged: bool

    @property
    def usable(self) -> bool:
        """Whether the size counts: it has a number with an error and passed its quality gates."""
        return math.isfinite(self.D_A2_fs) and math.isfinite(self.error_A2_fs) and not self.flagged

    @classmethod
    def of(cls, mobility: Result) -> Rung:
        """Take a rung out of a mobility result.

        The error is what the run estimates from all sources where it does (adaptive hierarchies),
        but at least what the end of the record leaves open.
        """
        D, error, record = map(mobility.number, ("D", "D_error", "D_error_record"))
        error = max(error, record) if math.isfinite(error) else record
        size = mobility.resolved.n_sites
        return cls(size, D, error, mobility.flagged)


@dataclass(frozen=True)
class Tolerance:
    """Largest change of D from one size to the next that counts as none.

    Attributes:
        criterion: "percent" of D at the larger size, or "band" in paper units.
        width: in the unit of the criterion.
    """

    criterion: Criterion
    width: float

    @classmethod
    def of(cls, settings: LadderConfig) -> Tolerance:
        """Return the tolerance that a study asks for."""
        if settings.tolerance_paper_units is not None:
            return cls("band", settings.tolerance_paper_units)
        return cls("percent", settings.percent)

    @property
    def text(self) -> str:
        """The tolerance in words."""
        unit = "%" if self.criterion == "percent" else "paper units"
        return f"{self.width:g} {unit}"

    def share(self, before: Rung, after: Rung) -> float:
        """Return the change between two sizes in units of the tolerance."""
        allowed = half_width(self.criterion, after.D_A2_fs, self.width)
        change = abs(after.D_A2_fs - before.D_A2_fs)
        return change / allowed if allowed > 0 else math.inf


@dataclass(frozen=True)
class Verdict:
    """What follows from the sizes computed so far."""

    outcome: Outcome
    n_sites: int | None
    text: str


def judge(rungs: Sequence[Rung], sizes: Sequence[int], tolerance: Tolerance) -> Verdict:
    """Return whether a ladder has converged, ends, or climbs on.

    It has converged when D changed within the tolerance at the last two steps between usable sizes
    and there are enough of them for an extrapolation.

    Args:
        rungs: the sizes computed so far, increasing, at least one.
        sizes: all sizes of the ladder.
        tolerance: largest change that counts as none.
    """
    usable = [rung for rung in rungs if rung.usable]
    share, last = largest_share(usable, tolerance), rungs[-1].n_sites
    if share <= 1:
        names = ", ".join(str(rung.n_sites) for rung in usable[-STEPS_WITHIN - 1 :])
        text = f"converged: D changes by at most {tolerance.text} at both steps of N = {names}"
        return Verdict("converged", usable[-1].n_sites, text)
    if len(rungs) >= MOST_UNUSABLE and not any(rung.usable for rung in rungs[-MOST_UNUSABLE:]):
        text = f"not converged: the last {MOST_UNUSABLE} sizes up to N = {last} are unusable"
        return Verdict("not converged", None, text)
    if last == sizes[-1]:
        return Verdict("not converged", None, f"not converged by N = {last}, the last size")
    return Verdict("climbing", None, f"not converged by N = {last}; the next size follows")


def largest_share(usable: Sequence[Rung], tolerance: Tolerance) -> float:
    """Return the largest of the last changes over the tolerance; NaN if there are too few sizes."""
    if len(usable) < EXTRAPOLATION_SIZES:
        return math.nan
    last = usable[-STEPS_WITHIN - 1 :]
    return max(map(tolerance.share, last, last[1:]))
