"""The MPI jobs of a study, one per point and protocol; sizes of ladders as far as decided."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from smallpolaron.planning.climb import Verdict
from smallpolaron.study.plan import Ladder, Plan, PlanError, Point
from smallpolaron.study.sections import Protocol
from smallpolaron.support.files import read_json, write_text
from smallpolaron.support.unavailable import cannot_read, is_unavailable, patiently

_LARGEST_FILE: Final = 1_000_000


def decision_path(results: Path, ladder: Ladder, n_sites: int) -> Path:
    """Return the file that says whether to climb on from a size."""
    return results / "ladder" / ladder.name / f"{n_sites}.json"


def write_decision(path: Path, verdict: Verdict) -> None:
    """Write what follows from the sizes up to this one, in one step."""
    content = {"climb": verdict.outcome == "climbing", **asdict(verdict)}
    write_text(path, json.dumps(content, indent=1) + "\n")


def climbs_on(path: Path) -> bool:
    """Return whether a decision asks for the next size.

    Raises:
        PlanError: not a decision file.
    """
    try:
        return bool(patiently(lambda: read_json(path, _LARGEST_FILE))["climb"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        if is_unavailable(error):
            raise PlanError(cannot_read(path, error)) from error
        raise PlanError(f"{path}: not a decision of a ladder ({error}); delete it") from error


def decided(results: Path, ladder: Ladder) -> tuple[list[str], bool]:
    """Return the points of the sizes decided upon so far, and whether the ladder has ended."""
    found: list[str] = []
    for point, size in zip(ladder.rungs, ladder.sizes, strict=True):
        path = decision_path(results, ladder, size)
        if not path.exists():
            return found, False
        found.append(point.id)
        if not climbs_on(path):
            break
    return found, True


def computed(plan: Plan, results: Path) -> Plan:
    """Return a plan whose points are those that are computed: sizes of ladders as far as climbed.

    Raises:
        PlanError: a decision file is damaged.
    """
    climbed = {name for ladder in plan.ladders for name in decided(results, ladder)[0]}
    points = [point for point in plan.rungs if point.id in climbed]
    return replace(plan, points=(*plan.points, *points))


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


_STAGES: Final = (("derive", "derived"), ("show", "all"))
"""First what follows from the results of the MPI jobs is made, then what has been made is shown;
with the target of each."""
_FLAGS: Final = (
    *("--rerun-triggers", "mtime", "params", "input"),
    *("--rerun-incomplete", "--keep-going"),
)


def show_finished(command: Callable[[str], Sequence[str]], log: Path) -> bool:
    """Make tables, figures and report of what there is.

    Args:
        command: returns Snakemake for the study, without targets, by the name of the run: derive
            or show.
        log: where both runs write.

    Returns:
        Whether all of it could be made.
    """
    with log.open("w", encoding="utf-8") as stream:
        for name, target in _STAGES:
            ended = subprocess.run(
                [*command(name), *_FLAGS, target],
                stdout=stream,
                stderr=subprocess.STDOUT,
                check=False,
            )
    return ended.returncode == 0
