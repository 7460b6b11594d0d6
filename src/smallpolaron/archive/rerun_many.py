"""Which command makes a result again that was made from many points of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from smallpolaron.results.store import Result, StoreError
from smallpolaron.study.plan import read_plan

MANY: Final = ("ladder", "ensemble")
"""Kinds that are made from the files beside the plan of a study."""


def many_command(old: Result, plan_path: Path) -> list[str]:
    """Return the words, after the program, that make such a result again; but for plan and output.

    Raises:
        PlanError: the plan of a ladder cannot be read or has no such ladder.
        StoreError: the ladder had other sizes, or what it was made from is not there.
    """
    name = str(old.parameters["point"])
    if old.kind == "ensemble":
        start = str(old.parameters.get("start", "current"))
        return ["ensemble", "--name", name, "--protocol", start]
    return ["ladder", "--name", name, *_ladder_files(old, name, plan_path)]


def _ladder_files(old: Result, name: str, plan_path: Path) -> list[str]:
    ladder = read_plan(plan_path).ladder_named(name)
    points = dict(zip(ladder.sizes, ladder.rungs, strict=True))
    sizes = [int(n) for n in np.asarray(old.variables["n_sites"].data)]
    if other := [n for n in sizes if n not in points]:
        raise StoreError(f"{plan_path}: its ladder {ladder.name} has no size {other[0]}")

    def mobility(point: str) -> str:
        path = plan_path.parent / "mobility" / f"{point}.h5"
        if not path.is_file():
            raise StoreError(f"{path}: no such file, but needed; run the workflow")
        return str(path)

    ring = ["--infinite-ring", mobility(ladder.check)] if ladder.check else []
    return ["--mobility", *(mobility(points[n].id) for n in sizes), *ring]
