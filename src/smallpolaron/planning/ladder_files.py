"""Which sizes of a study's ladders are computed: one small decision file per size says so."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from smallpolaron.planning.climb import Verdict
from smallpolaron.study.plan import Ladder, Plan, PlanError
from smallpolaron.support.bounded import read_json
from smallpolaron.support.problems import show
from smallpolaron.support.textfile import write_text
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
        climb = patiently(lambda: read_json(path, _LARGEST_FILE))["climb"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        if is_unavailable(error):
            raise PlanError(cannot_read(path, error)) from error
        raise PlanError(f"{path}: not a decision of a ladder ({error}); delete it") from error
    if not isinstance(climb, bool):
        raise PlanError(f"{path}: climb = {show(climb)}; must be true or false; delete the file")
    return climb


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
