"""The start of a run of a study: one at a time, with a plan that its jobs can read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Final

from smallpolaron.planning.batches import CRITERIA
from smallpolaron.study.plan import Plan, plan_json, write_plan
from smallpolaron.support.files import NoLocks, holds, lock, renew_text, settle_future

LOCK: Final = ".lock"
"""File beside the results that a run locks: runs from several folders may share them."""


def begin_run(plan: Plan, results: Path, own: Path, *, alone: bool) -> IO[bytes] | None:
    """Bring the plan up to date before Snakemake chooses its jobs, unless the study is being run.

    Jobs take the plan as ancient(), because a new list of points must not run computed points
    again. Snakemake does not consider jobs behind an ancient file that it is about to make.

    Args:
        plan: the study as it is run.
        results: folder of its results.
        own: folder of what the run hands over to the processes that it starts.
        alone: whether Snakemake itself sees to it that no other run makes the same files.

    Returns:
        The open lock of the study, which must stay open, or None.

    Raises:
        OSError: a file cannot be written, or another run would not be noticed.
    """
    try:
        held = lock(results / LOCK, needed=not alone)
    except NoLocks as error:
        raise OSError(f"{error}; leave out --nolock") from error
    if held:
        write_plan(own / "plan.json", plan)
        if (results / "plan.json").exists() and not is_planned(plan, results):
            write_plan(results / "plan.json", plan)
        renew_text(results / CRITERIA, json.dumps(plan.analysis.model_dump(), indent=1) + "\n")
        settle_future(results)
    return held


def is_planned(plan: Plan, results: Path) -> bool:
    """Return whether the plan beside the results is this one."""
    return holds(results / "plan.json", plan_json(plan))
