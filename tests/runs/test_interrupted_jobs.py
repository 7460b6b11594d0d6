"""Jobs of the command line that get a signal: exit status, and the same result when run again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from smallpolaron.cli import main
from smallpolaron.results.store import Result, read_result
from smallpolaron.runs import dynamics_jobs
from smallpolaron.runs.dynamics_jobs import INTERRUPTED_STATUS
from smallpolaron.study.plan import read_plan
from tests.processes import ranks_of, started

PATIENCE_S = 600

STUDY = """\
study: interrupted
accuracy: 1e-3
model: {n_sites: 4}
bath: {eta_cm: 200, gamma_cm: 50, terms: 1}
propagation: {duration_fs: 100}
resources: {checkpoint_minutes: 1e-4}
"""
FIXED = """\
study: fixed
model: {n_sites: 4}
bath: {eta_cm: 100, gamma_cm: 50, terms: 1}
hierarchy: {depth: 6}
propagation: {duration_fs: 100}
resources: {checkpoint_minutes: null}
"""


def planned(folder: Path, text: str = STUDY) -> list[str]:
    """Write the plan of a study; returns the order for its only job without the output."""
    study, plan = folder / "s.yaml", folder / "plan.json"
    study.write_text(text)
    assert main(["plan", "--config", str(study), "--output", str(plan)]) == 0
    return ["correlation", "--plan", str(plan), "--point", read_plan(plan).points[0].id]


def checkpoints(output: Path) -> Path:
    return output.parent / ".checkpoints" / output.stem


def wait_for_checkpoint(output: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not list(checkpoints(output).glob("*.npz")):
        assert time.monotonic() < deadline
        time.sleep(0.005)


def wait_for_handler(job: subprocess.Popen[str], number: signal.Signals) -> None:
    """Until the process would not be killed by a signal."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        status = Path(f"/proc/{job.pid}/status").read_text()
        caught = int(status.partition("SigCgt:")[2].split()[0], 16)
        if caught >> (number - 1) & 1:
            return
        assert time.monotonic() < deadline
        time.sleep(0.005)


def wait_for_line(job: subprocess.Popen[str], words: str) -> None:
    assert job.stderr is not None
    for line in job.stderr:
        if words in line:
            return
    pytest.fail(f"the job ended without saying {words!r}")


@pytest.fixture(scope="module")
def order(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return planned(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def whole(order: list[str], tmp_path_factory: pytest.TempPathFactory) -> Result:
    output = tmp_path_factory.mktemp("whole") / "c.h5"
    done = started(order, output)
    assert done.communicate(timeout=PATIENCE_S)[1].count("resumed") == 0
    assert done.returncode == 0
    return read_result(output)


def assert_it_goes_on(order: list[str], output: Path, whole: Result) -> str:
    """Run the job to its end; returns what it said."""
    assert not output.exists()
    again = started(order, output)
    said = again.communicate(timeout=PATIENCE_S)[1]
    assert again.returncode == 0, said
    result = read_result(output)
    for name, variable in whole.variables.items():
        np.testing.assert_array_equal(result.variables[name].data, variable.data, err_msg=name)
    assert [path.name for path in output.parent.iterdir()] == ["c.h5"]
    return said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_warning_and_then_the_same_job_again(
    number: signal.Signals, order: list[str], whole: Result, tmp_path: Path
) -> None:
    output = tmp_path / "c.h5"
    job = started(order, output)
    wait_for_line(job, "correlation, coarse: 100.0 fs done")
    job.send_signal(number)
    said = job.communicate(timeout=PATIENCE_S)[1]
    assert job.returncode == INTERRUPTED_STATUS, said
    stopped = f"stopped by {number.name}; what was reached is in {checkpoints(output)}"
    assert f"point {order[-1]}: {stopped}\n" in said
    assert "Traceback" not in said
    end = checkpoints(output) / "correlation_coarse-1.end.npz"
    said = assert_it_goes_on(order, output, whole)
    assert f"correlation, coarse: resumed at t = 100.0 fs from {end}" in said


@pytest.mark.parametrize(("ranks", "name"), [(1, "SIGHUP"), (2, "SIGINT")])
def test_a_lost_connection_and_then_the_same_job_again(
    ranks: int, name: str, order: list[str], whole: Result, tmp_path: Path
) -> None:
    output = tmp_path / "c.h5"
    job = started(order, output, ranks, as_workflow=True)
    wait_for_line(job, "correlation, coarse: 100.0 fs done")
    os.killpg(job.pid, signal.SIGHUP)  # as a terminal that is closed
    said = job.communicate(timeout=PATIENCE_S)[1]
    assert job.returncode == INTERRUPTED_STATUS, said
    assert f"stopped by {name}; what was reached is in {checkpoints(output)}" in said
    if ranks == 1:
        assert_it_goes_on(order, output, whole)


def test_a_kill_and_then_the_same_job_again(
    order: list[str], whole: Result, tmp_path: Path
) -> None:
    output = tmp_path / "c.h5"
    job = started(order, output)
    wait_for_checkpoint(output)
    job.kill()
    job.communicate(timeout=PATIENCE_S)
    assert_it_goes_on(order, output, whole)


def test_a_warning_while_the_result_is_written_comes_too_late(
    order: list[str], whole: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = dynamics_jobs.write_result

    def warned(*arguments: object, **more: object) -> None:
        for number in (signal.SIGTERM, signal.SIGUSR1):
            assert callable(signal.getsignal(number))
            signal.raise_signal(number)
        write(*arguments, **more)

    monkeypatch.setattr(dynamics_jobs, "write_result", warned)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1)}
    output = tmp_path / "new" / "c.h5"
    assert main([*order, "--ranks", "1", "--output", str(output)]) == 0
    assert read_result(output).variables.keys() == whole.variables.keys()
    assert [path.name for path in output.parent.iterdir()] == ["c.h5"]
    assert {number: signal.getsignal(number) for number in before} == before


def test_a_signal_to_one_rank_stops_all(order: list[str], tmp_path: Path) -> None:
    output = tmp_path / "c.h5"
    job = started(order, output, ranks=2)
    wait_for_checkpoint(output)
    ranks = ranks_of(output)
    assert len(ranks) == 2
    os.kill(ranks[-1], signal.SIGTERM)
    said = job.communicate(timeout=PATIENCE_S)[1]
    assert job.returncode == INTERRUPTED_STATUS, said
    assert said.count("stopped by SIGTERM; what was reached is in") == 1
    again = started(order, output, ranks=2)
    assert again.communicate(timeout=PATIENCE_S)[1].count("Traceback") == 0
    assert again.returncode == 0
    assert read_result(output).provenance["ranks"] == 2


def test_without_checkpoints_the_warning_is_ignored(tmp_path: Path) -> None:
    order = planned(tmp_path, FIXED)
    output = tmp_path / "new" / "c.h5"
    job = started(order, output)
    wait_for_handler(job, signal.SIGUSR1)
    job.send_signal(signal.SIGUSR1)
    said = job.communicate(timeout=PATIENCE_S)[1]
    assert job.returncode == 0, said
    assert [path.name for path in output.parent.iterdir()] == ["c.h5"]
