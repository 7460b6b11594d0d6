"""The MPI jobs of a study: one per point and protocol, with the name of its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from smallpolaron.planning.ladder_files import decided
from smallpolaron.study.config import Protocol
from smallpolaron.study.plan import Plan, Point


@dataclass(frozen=True)
class Job:
    """One MPI job."""

    point: Point
    protocol: Protocol

    @property
    def name(self) -> str:
        """Folder and name of its result and its log, without the end: correlation/<point>."""
        if self.protocol == "current":
            return f"correlation/{self.point.id}"
        return f"population/{self.point.id}__{self.protocol}"


def jobs_of(plan: Plan, results: Path) -> list[Job]:
    """Return every MPI job that may be needed; sizes of ladders as far as is decided."""
    unneeded = left_out(plan, results)
    return [
        Job(point, protocol)
        for point in (*plan.points, *plan.rungs)
        if point.id not in unneeded
        for protocol in point.protocols
    ]


def left_out(plan: Plan, results: Path) -> set[str]:
    """Return the points that are sizes only of ladders which ended before them."""
    found: set[str] = set()
    for ladder in plan.ladders:
        climbed, ended = decided(results, ladder)
        if ended:
            found |= {rung.id for rung in ladder.rungs} - set(climbed)
    return found - {point.id for point in plan.points}
