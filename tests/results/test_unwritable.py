"""Disks that are full, folders that cannot be written, logs that take nothing: clear messages."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from smallpolaron.cli import main
from smallpolaron.dynamics.progress import to_stderr
from smallpolaron.results.store import Result, read_result, write_result
from smallpolaron.runs import dynamics_jobs
from smallpolaron.runs.dynamics_jobs import JobOptions
from smallpolaron.study.plan import read_plan
from smallpolaron.support.files import NotWritable, write_text
from tests.results.identity import digest_of

STUDY = """\
study: small
accuracy: 0.1
model: {n_sites: 3}
bath: {eta_cm: 50, gamma_cm: 50, terms: 0}
propagation: {duration_fs: 20}
"""


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """Let every longer write fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 1, 5000, 30_000])
def test_a_result_that_does_not_fit_leaves_nothing(
    tmp_path: Path, correlation: Callable[..., Result], size: int
) -> None:
    path, result = tmp_path / "new" / "c.h5", correlation()
    with no_file_larger_than(size), pytest.raises(NotWritable) as caught:
        write_result(path, result)
    assert str(caught.value).startswith(f"{path}: cannot be written (File too large); make room")
    assert list(path.parent.iterdir()) == []
    write_result(path, result)
    assert digest_of(read_result(path)) == digest_of(result)


def test_a_text_that_does_not_fit_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_text(path, "old")
    with no_file_larger_than(100), pytest.raises(NotWritable, match=r"table\.csv: cannot be"):
        write_text(path, "new" * 100)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def order(tmp_path: Path) -> list[str]:
    """Return the order for the only job of a study without the output."""
    study, plan = tmp_path / "s.yaml", tmp_path / "plan.json"
    study.write_text(STUDY)
    assert main(["plan", "--config", str(study), "--output", str(plan)]) == 0
    point = read_plan(plan).points[0].id
    return ["correlation", "--plan", str(plan), "--point", point, "--ranks", "1"]


def test_a_job_that_cannot_write_is_refused_before_it_computes(
    order: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(dynamics_jobs, "run_point", lambda *_, **_more: pytest.fail("computed"))
    (tmp_path / "no_folder").write_text("")
    output = tmp_path / "no_folder" / "c.h5"
    assert main([*order, "--output", str(output)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {output}: cannot be written (")
    assert "Traceback" not in said


def test_a_job_whose_result_does_not_fit_says_so(
    order: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out" / "c.h5"
    assert main([*order, "--output", str(tmp_path / "first.h5")]) == 0  # what is compiled is kept
    with no_file_larger_than(20_000):
        assert main([*order, "--output", str(output)]) == 2
    said = capsys.readouterr().err
    assert f"error: {output}: cannot be written (File too large)" in said
    assert "Traceback" not in said
    assert list(output.parent.iterdir()) == []


def test_a_disk_that_is_full_elsewhere_is_named(
    order: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def compute(*_: object, **_more: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # as the cache of Numba does

    monkeypatch.setattr(dynamics_jobs, "run_point", compute)
    assert main([*order, "--output", str(tmp_path / "c.h5")]) == 2
    said = capsys.readouterr().err
    assert "error: rank 0 of 1: No space left on device, but not where the result goes" in said
    assert "Traceback" not in said


def test_a_log_on_a_full_disk_is_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Path("/dev/full").open("w")  # noqa: SIM115  closing it raises, too: see below
    monkeypatch.setattr(sys, "stderr", stream)
    to_stderr("a line")
    with suppress(OSError):
        stream.close()


@pytest.mark.parametrize(("full", "order"), [("stdout", "validate"), ("stderr", "verify")])
def test_the_exit_status_tells_of_the_command_not_of_the_log(
    tmp_path: Path, valid: str, full: str, order: str
) -> None:
    """One prints a plan that is not taken, the other why it refuses a missing file."""
    (tmp_path / "validate").write_text(valid)
    buffered = {"PYTHONUNBUFFERED": ""}
    command = [sys.executable, "-m", "smallpolaron", order, str(tmp_path / order)]
    with Path("/dev/full").open("w") as stream:
        run = subprocess.run(command, env=os.environ | buffered, **{full: stream})
    assert run.returncode == 2


def test_the_same_job_run_twice_keeps_the_first_result(
    tmp_path: Path, correlation: Callable[..., Result], capsys: pytest.CaptureFixture[str]
) -> None:
    mine = correlation()
    options = JobOptions(tmp_path / "plan.json", "p", "current", 1, tmp_path / "c.h5")
    assert dynamics_jobs._deliver(mine, options) == ""
    content = options.output.read_bytes()
    later = replace(mine, provenance={**mine.provenance, "date_utc": "later"})
    assert dynamics_jobs._deliver(later, options) == ""
    assert "written it meanwhile; it is kept" in capsys.readouterr().err
    other = correlation(n_sites=5)
    assert "the file exists" in dynamics_jobs._deliver(other, options)
    assert options.output.read_bytes() == content


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM, signal.SIGINT])
def test_a_warning_while_the_result_is_written_comes_too_late(
    order: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    def write(path: Path, result: Result, *, overwrite: bool) -> None:
        os.kill(os.getpid(), number)
        write_result(path, result, overwrite=overwrite)

    monkeypatch.setattr(dynamics_jobs, "write_result", write)
    output = tmp_path / "out" / "c.h5"
    before = signal.getsignal(number)
    assert main([*order, "--output", str(output)]) == 0
    assert read_result(output).kind == "correlation"
    assert signal.getsignal(number) == before
