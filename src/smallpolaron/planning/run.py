"""The start of a run of a study: one at a time, with a plan that its jobs can read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Final

from smallpolaron.planning.batches import CRITERIA
from smallpolaron.study.plan import Plan, plan_json, write_plan
from smallpolaron.support.files import holds, lock, renew_text

LOCK: Final = ".lock"
"""File beside the results that a run locks: runs from several folders may share them."""


def begin_run(plan: Plan, results: Path, own: Path) -> IO[bytes] | None:
    """Bring the plan up to date before Snakemake chooses its jobs, unless the study is being run.

    Jobs take the plan as ancient(), because a new list of points must not run computed points
    again. Snakemake does not consider jobs behind an ancient file that it is about to make.

    Args:
        plan: the study as it is run.
        results: folder of its results.
        own: folder of what the run hands over to the processes that it starts.

    Returns:
        The open lock of the study, which must stay open, or None.

    Raises:
        OSError: a file cannot be written.
    """
    held = lock(results / LOCK)
    if held:
        write_plan(own / "plan.json", plan)
        if (results / "plan.json").exists() and not is_planned(plan, results):
            write_plan(results / "plan.json", plan)
        renew_text(results / CRITERIA, json.dumps(plan.analysis.model_dump(), indent=1) + "\n")
    return held


def is_planned(plan: Plan, results: Path) -> bool:
    """Return whether the plan beside the results is this one."""
    return holds(results / "plan.json", plan_json(plan))
