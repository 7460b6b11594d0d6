"""A file that cannot be read now is not accused of damage, and nothing is done to it."""

from __future__ import annotations

import builtins
import errno
import io
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smallpolaron.archive.verify import verify
from smallpolaron.derive.kernel_job import kernel_result
from smallpolaron.dynamics.checkpoints import Interrupted
from smallpolaron.own_data.correlation_table import read_correlation_table
from smallpolaron.planning.jobs import climbs_on
from smallpolaron.results.store import Result, read_result, write_result
from smallpolaron.study.plan import PlanError, read_plan
from smallpolaron.study.sections import AnalysisConfig
from smallpolaron.support import unavailable
from smallpolaron.support.problems import StoreError
from smallpolaron.support.unavailable import Unreadable
from tests.results.hostile import unprivileged
from tests.runs.checkpoint_cases import RUNS, differing, finished, stopped_at

NO_LOCK = """\
#include <errno.h>
#include <stdlib.h>
int flock(int file, int operation) { errno = atoi(getenv("LOCKERR")); return -1; }
"""
NOT_NOW = (errno.EACCES, errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENFILE)

Refuse = Callable[..., None]


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """Let the opening of files whose path holds a text fail, for ever or a number of times."""
    real = io.open

    def choose(part: str, number: int, times: int = 10**9) -> None:
        left = [times]

        def opened(file: Any, *arguments: Any, **more: Any) -> Any:
            if part in str(file) and left[0] > 0:
                left[0] -= 1
                raise OSError(number, os.strerror(number), str(file))
            return real(file, *arguments, **more)

        monkeypatch.setattr(io, "open", opened)
        monkeypatch.setattr(builtins, "open", opened)

    monkeypatch.setattr(unavailable, "_PAUSES_S", (0.0, 0.0))
    return choose


@pytest.fixture
def study(tmp_path: Path, correlation: Callable[..., Result]) -> Path:
    source = correlation(duration_fs=200.0)
    for result in (source, kernel_result(source, AnalysisConfig())):
        write_result(tmp_path / "study" / f"{result.kind}/{source.parameters['point']}.h5", result)
    return tmp_path / "study"


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("number", NOT_NOW)
def test_results_that_cannot_be_opened(study: Path, refuse: Refuse, number: int) -> None:
    before = contents(study)
    refuse("/kernel/", number)
    states = {each.path.parent.name: each for each in verify([study])}
    assert (states["correlation"].state, states["kernel"].state) == ("ok", "unreadable")
    assert f"errno {number}" in states["kernel"].detail
    with pytest.raises(Unreadable, match=f"errno {number}"):
        read_result(states["kernel"].path)
    refuse("nothing", 0)
    assert contents(study) == before
    assert all(each.state == "ok" for each in verify([study]))


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EMFILE])
def test_what_passes_is_waited_for(study: Path, refuse: Refuse, number: int) -> None:
    refuse("/kernel/", number, times=2)
    assert {each.state for each in verify([study])} == {"ok"}


def test_memory_that_is_short_is_no_damage(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("smallpolaron.results.store._load", none_left)
    assert {each.state for each in verify([study])} == {"unreadable"}


def test_a_folder_that_cannot_be_read_is_not_passed_over(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(study)  # without root, the way there cannot be walked
    study.chmod(0o755)
    (study / "kernel").chmod(0)
    with unprivileged(), pytest.raises(Unreadable, match="kernel: cannot be read now"):
        verify([Path()])


def run_without_locks(folder: Path, number: int, *command: str) -> subprocess.CompletedProcess[str]:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    (folder / "nolock.c").write_text(NO_LOCK, encoding="utf-8")
    library = folder / "nolock.so"
    build = [compiler, "-shared", "-fPIC", str(folder / "nolock.c"), "-o", str(library)]
    subprocess.run(build, check=True)
    environment = os.environ | {"LOCKERR": str(number), "LD_PRELOAD": str(library)}
    environment.pop("HDF5_USE_FILE_LOCKING", None)
    return subprocess.run(
        [sys.executable, "-m", "smallpolaron", *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("number", [errno.ENOLCK, 524, errno.EAGAIN])
def test_results_are_read_without_locks(study: Path, tmp_path: Path, number: int) -> None:
    before = contents(study)
    done = run_without_locks(tmp_path, number, "verify", str(study))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 ok" in done.stdout
    assert contents(study) == before


@pytest.mark.parametrize("number", NOT_NOW)
def test_a_checkpoint_that_cannot_be_opened_is_kept(
    tmp_path: Path, refuse: Refuse, number: int
) -> None:
    plain = RUNS["chain"]()
    stopped_at(RUNS["chain"], tmp_path, 30)
    before = contents(tmp_path)
    assert before
    refuse(".npz", number)
    with pytest.raises(Interrupted, match=f"errno {number}"):
        finished(RUNS["chain"], tmp_path)
    refuse("nothing", 0)
    assert contents(tmp_path) == before
    said: list[str] = []
    result = finished(RUNS["chain"], tmp_path, report=said.append)
    assert differing(result, plain) == []
    assert not any("set aside" in line for line in said)


def test_a_checkpoint_that_can_be_opened_at_the_second_try_is_used(
    tmp_path: Path, refuse: Refuse
) -> None:
    stopped_at(RUNS["chain"], tmp_path, 30)
    files = set(contents(tmp_path))
    refuse(".npz", errno.EIO, times=1)
    finished(RUNS["chain"], tmp_path)
    assert not list(tmp_path.glob("*.set-aside"))
    assert files


def test_other_files_that_cannot_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuse: Refuse
) -> None:
    def failing(*_: object, **__: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    path = tmp_path / "file.json"
    path.write_text("{}", encoding="utf-8")
    monkeypatch.setattr(Path, "open", failing)
    for read in (read_plan, climbs_on):
        with pytest.raises(PlanError, match="cannot be read now") as caught:
            read(path)
        assert "delete" not in str(caught.value)
        assert "write it again" not in str(caught.value)
    monkeypatch.undo()
    table = tmp_path / "table.h5"
    table.write_bytes(b"\x89HDF\r\n\x1a\n")
    monkeypatch.setattr("smallpolaron.tables.arrays.h5py.File", failing)
    monkeypatch.setattr(unavailable, "_PAUSES_S", ())
    with pytest.raises(Unreadable):
        read_correlation_table(table)
    monkeypatch.setattr(Path, "open", failing)
    with pytest.raises(Unreadable):
        read_correlation_table(tmp_path / "table.csv")


def test_what_cannot_pass_is_not_waited_for(study: Path, refuse: Refuse) -> None:
    began = time.monotonic()
    with pytest.raises(StoreError, match="no such file"):
        read_result(study / "none.h5")
    assert time.monotonic() - began < 0.1
