"""The start of a run: which plan its jobs read, and who else may run."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from smallpolaron.planning.batches import CRITERIA
from smallpolaron.planning.run import begin_run, is_planned
from smallpolaron.study.plan import Plan, read_plan, write_plan


@pytest.fixture
def plan(plan_of: Callable[[str], Plan], valid: str) -> Plan:
    return plan_of(valid)


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk without locks."""

    def flock(_file: object, _operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)


def test_one_run_at_a_time_has_the_plan(tmp_path: Path, plan: Plan) -> None:
    results, other = tmp_path / "results", replace(plan, paper="other")
    write_plan(results / "plan.json", plan)
    held = begin_run(other, results, tmp_path / "one")
    assert held is not None
    assert is_planned(other, results)
    # another folder, with the same results
    assert begin_run(plan, results, tmp_path / "two") is None
    assert is_planned(other, results)
    assert not (tmp_path / "two").exists()
    held.close()
    again = begin_run(plan, results, tmp_path / "two")
    assert again is not None
    again.close()
    assert read_plan(results / "plan.json") == read_plan(tmp_path / "two" / "plan.json") == plan


@pytest.mark.usefixtures("no_locks")
def test_a_disk_without_locks_has_those_of_snakemake(tmp_path: Path, plan: Plan) -> None:
    results = tmp_path / "results"
    write_plan(results / "plan.json", plan)
    held = begin_run(replace(plan, paper="other"), results, tmp_path / "own")
    assert held is not None
    held.close()
    assert not is_planned(plan, results)


def test_criteria_keep_their_time_while_they_are_the_same(tmp_path: Path, plan: Plan) -> None:
    def begin(study: Plan) -> int:
        held = begin_run(study, tmp_path / "results", tmp_path / "own")
        assert held is not None
        held.close()
        return (tmp_path / "results" / CRITERIA).stat().st_mtime_ns

    first = begin(plan)
    os.utime(tmp_path / "results" / CRITERIA, ns=(first - 10**9, first - 10**9))
    assert begin(plan) == first - 10**9
    wider = plan.analysis.model_copy(update={"band_percent": 7.0})
    assert begin(replace(plan, analysis=wider)) > first - 10**9
