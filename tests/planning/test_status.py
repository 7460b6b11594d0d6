"""How far a study is, from the files that its jobs leave."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from mpi4py import MPI

from smallpolaron.cli import main
from smallpolaron.dynamics.progress import Progress
from smallpolaron.planning.jobs import jobs_of
from smallpolaron.planning.resources import estimate
from smallpolaron.planning.status import STATES, JobStatus, duration, status, status_lines
from smallpolaron.results.store import Result, write_result
from smallpolaron.study.plan import Plan, read_plan
from smallpolaron.support.unavailable import Unreadable, cannot_read

STUDY = """\
study: five
model: {n_sites: 3}
bath: {eta_cm: 100, gamma_cm: 50, terms: 0}
hierarchy: {depth: 3}
propagation: {duration_fs: 100}
grid: [{model.n_sites: [3, 4, 5, 6, 7]}]
"""
NOW = 1.7e9


@pytest.fixture
def plan(plan_of: Callable[[str], Plan]) -> Plan:
    return plan_of(STUDY)


def log(results: Path, name: str, text: str, age_s: float = 5.0) -> None:
    path = results / "logs" / f"{name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (NOW - age_s, NOW - age_s))


def finish(results: Path, plan: Plan, index: int, result: Result, core_seconds: float) -> None:
    job = jobs_of(plan, results)[index]
    provenance = {**result.provenance, "core_seconds": core_seconds}
    write_result(results / f"{job.name}.h5", replace(result, provenance=provenance))


def by_size(found: list[JobStatus]) -> dict[int, JobStatus]:
    return {each.job.point.parameters.model.n_sites: each for each in found}


def test_every_state(plan: Plan, tmp_path: Path, correlation: Callable[..., Result]) -> None:
    names = [job.name for job in jobs_of(plan, tmp_path)]
    good = replace(correlation(), gates=())
    finish(tmp_path, plan, 0, good, 30.0)
    finish(tmp_path, plan, 1, correlation(grew=True), 70.0)
    log(
        tmp_path,
        names[2],
        "correlation: 10.0 of 100.0 fs, 2.00 fs/s, about 45 s left\n"
        "correlation: 25.0 of 100.0 fs, 0.50 fs/s, about 150 s left, 7 labels\n\n",
    )
    log(tmp_path, names[3], "started\nerror: point x: the hierarchy would outgrow 10\n")
    found = by_size(status(plan, tmp_path, NOW))
    assert [each.state for each in found.values()] == [
        "done",
        "flagged",
        "running",
        "failed",
        "waiting",
    ]
    assert "stability" in found[4].detail
    assert found[5].detail == "correlation: 25 %, 2 min left in this part"
    assert found[6].detail.startswith("error: point x: the hierarchy would outgrow 10 (")
    expected = {
        n: 3600 * estimate(each.job.point.parameters, "current", plan.resources).core_hours.expected
        for n, each in found.items()
    }
    scale = 100.0 / (expected[3] + expected[4])
    assert found[3].seconds_left == found[4].seconds_left == 0.0
    assert found[5].seconds_left == pytest.approx(max(150.0, scale * expected[5] / 2))
    assert found[6].seconds_left == pytest.approx(scale * expected[6])
    assert found[7].seconds_left == pytest.approx(scale * expected[7])


def test_lines_of_real_propagations_are_understood(plan: Plan, tmp_path: Path) -> None:
    lines: list[str] = []
    progress = Progress("population, marcus", 80.0, MPI.COMM_SELF, lines.append, interval_s=0.0)
    progress.at(20.0, ", 7 labels")
    log(tmp_path, jobs_of(plan, tmp_path)[0].name, "\n".join(lines))
    found = by_size(status(plan, tmp_path, NOW))[3]
    assert found.state == "running"
    assert found.detail.startswith("population, marcus: 25 %, ")


def test_failures(plan: Plan, tmp_path: Path) -> None:
    names = [job.name for job in jobs_of(plan, tmp_path)]
    crash = 'rank 0 of 2 failed:\nTraceback (most recent call last):\n  File "x"\n'
    log(tmp_path, names[0], crash + "ValueError: negative\n")
    log(tmp_path, names[1], "correlation: 1.0 of 9.0 fs, 1 fs/s, about 8 s left\n", age_s=3600)
    log(tmp_path, names[2], "")
    (tmp_path / f"{names[3]}.h5").parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / f"{names[3]}.h5").write_bytes(b"half a file")
    found = by_size(status(plan, tmp_path, NOW))
    assert (found[3].state, found[3].detail.partition(" (")[0]) == (
        "failed",
        "ValueError: negative",
    )
    assert (found[4].state, found[4].detail.partition(" (")[0]) == (
        "failed",
        "silent for 60 min, killed?",
    )
    assert (found[5].state, found[5].detail) == ("running", "starting")
    assert found[6].state == "failed"
    assert "damaged" in found[6].detail


def test_a_job_that_stopped_and_can_go_on_waits(plan: Plan, tmp_path: Path) -> None:
    reason = "stopped by SIGUSR1; what was reached is in here"
    text = f"correlation: 1.0 of 9.0 fs, 1 fs/s, about 8 s left\npoint x-0: {reason}\n"
    text += "srun: error: node1: task 0: Exited with exit code 75\n"
    log(tmp_path, jobs_of(plan, tmp_path)[0].name, text, age_s=3600)
    found = by_size(status(plan, tmp_path, NOW))[3]
    assert (found.state, found.detail) == ("waiting", reason)


def test_what_cannot_be_read_now_has_not_failed(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, correlation: Callable[..., Result]
) -> None:
    def failing(path: Path) -> None:
        raise Unreadable(cannot_read(path, OSError(errno.EIO, "")))

    finish(tmp_path, plan, 0, correlation(), 30.0)
    reason = cannot_read(tmp_path / "a.npz", OSError(errno.EIO, ""))
    log(tmp_path, jobs_of(plan, tmp_path)[1].name, f"point x-0: {reason}\n", age_s=3600)
    monkeypatch.setattr("smallpolaron.planning.status.read_record", failing)
    found = by_size(status(plan, tmp_path, NOW))
    assert (found[3].state, found[4].state) == ("unreadable", "waiting")
    assert found[4].detail == reason


def test_table(plan: Plan, tmp_path: Path, correlation: Callable[..., Result]) -> None:
    finish(tmp_path, plan, 0, replace(correlation(), gates=()), 3600.0)
    found = status(plan, tmp_path, NOW)
    lines = list(status_lines("five", found, 2))
    assert lines[0] == "study five: 5 MPI jobs"
    assert lines[1].split() == ["protocol", *STATES]
    assert lines[2].split() == ["current", "1", "0", "0", "0", "0", "4"]
    hours = sum(each.seconds_left for each in found) / 3600
    assert lines[-1] == f"about {hours:.2g} core-hours left, {hours / 2:.1f} h on 2 cores"


def test_command(
    tmp_path: Path, correlation: Callable[..., Result], capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "study.yaml"
    config.write_text(STUDY.replace("[3, 4, 5, 6, 7]", "[3]"))
    results = tmp_path / "results"
    arguments = ["status", str(config), "--results", str(results)]
    assert main(arguments) == 2  # a wrong folder is not a study that waits
    assert f"{results}: no such folder" in capsys.readouterr().err
    results.mkdir()
    assert main(arguments) == 0
    assert capsys.readouterr().out.splitlines()[2].split() == ["current", *"000001"]
    assert main(["plan", "--config", str(config), "--output", str(results / "plan.json")]) == 0
    plan = read_plan(results / "plan.json")
    finish(results, plan, 0, replace(correlation(), gates=()), 1.0)
    assert main([*arguments, "--watch", "60"]) == 0  # ends because nothing is left to wait for
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "all MPI jobs are done"
    assert "\x1b" not in out


def test_watching_refreshes(
    plan: Plan,
    tmp_path: Path,
    correlation: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = tmp_path / "study.yaml"
    config.write_text(STUDY)
    waited: list[float] = []

    def finish_one(seconds: float) -> None:
        finish(tmp_path, plan, len(waited), replace(correlation(), gates=()), 1.0)
        waited.append(seconds)

    monkeypatch.setattr("smallpolaron.cli.study.time.sleep", finish_one)
    assert main(["status", str(config), "--results", str(tmp_path), "--watch", "3"]) == 0
    assert waited == [3.0] * 5
    out = capsys.readouterr().out
    assert out.count("study five: 5 MPI jobs") == 6
    assert out.endswith("all MPI jobs are done\n")


@pytest.mark.parametrize(
    "option",
    [
        ["--watch", "0"],
        ["--watch", "inf"],
        ["--watch", "nan"],
        ["--cores", "0"],
        ["--cores", "1.5"],
    ],
)
def test_numbers_of_options(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["status", "study.yaml", "=".join(option)])
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert option[0] in error
    assert option[1] in error


def test_duration() -> None:
    assert [duration(s) for s in (5, 89, 90, 5399, 5400, float("inf"), float("nan"))] == [
        "5 s",
        "89 s",
        "2 min",
        "90 min",
        "1.5 h",
        "unknown time",
        "unknown time",
    ]


def test_a_folder_without_results_is_said_to_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = Path(__file__).resolve().parents[2] / "config" / "tiny.yaml"
    monkeypatch.chdir(tmp_path)
    assert main(["status", str(tiny)]) == 0
    said = capsys.readouterr().err
    assert str(Path("results") / "tiny") in said
    assert str(tmp_path) in said
    assert "--results" in said
    (tmp_path / "results" / "tiny").mkdir(parents=True)
    assert main(["status", str(tiny)]) == 0
    assert not capsys.readouterr().err
