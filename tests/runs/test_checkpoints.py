"""A job that was stopped goes on as if nothing had happened, and trusts no damaged checkpoint."""

from __future__ import annotations

import errno
import json
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smallpolaron.results.provenance import Stopwatch
from smallpolaron.runs import checkpoint_file, checkpoints
from tests.runs.checkpoint_cases import RUNS, Counting, differing, finished, job, stopped_at

_STOPS = 3


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Any, Counting]]:
    """The result of a run without checkpoints, and what a run with them offered on the way."""
    known: dict[str, tuple[Any, Counting]] = {}

    def make(name: str) -> tuple[Any, Counting]:
        if name not in known:
            counting = Counting(job(tmp_path_factory.mktemp("whole") / "none"))
            watched = RUNS[name](checkpoints=counting)
            plain = RUNS[name]()
            assert differing(watched, plain) == []
            known[name] = plain, counting
        return known[name]

    return make


@pytest.mark.parametrize("name", RUNS)
def test_stopped_again_and_again_it_gives_the_same_bits(
    name: str, whole: Callable[[str], tuple[Any, Counting]], tmp_path: Path
) -> None:
    plain, counting = whole(name)
    # what is left shrinks with every stop, so that the job gets on
    chosen = random.Random(name)
    for _ in range(_STOPS):
        stopped_at(RUNS[name], tmp_path, chosen.randrange(counting.offers // (2 * _STOPS)))
    assert differing(finished(RUNS[name], tmp_path), plain) == []


@pytest.mark.parametrize("name", RUNS)
def test_stopped_in_any_stage_it_gives_the_same_bits(
    name: str, whole: Callable[[str], tuple[Any, Counting]], tmp_path: Path
) -> None:
    plain, counting = whole(name)
    labels = counting.labels
    begins = [i for i in range(len(labels)) if i == 0 or labels[i] != labels[i - 1]]
    for i, begin in enumerate(begins):
        end = begins[i + 1] if i + 1 < len(begins) else len(labels)
        folder = tmp_path / str(begin)
        stopped_at(RUNS[name], folder, random.Random(begin).randrange(begin, end))
        assert differing(finished(RUNS[name], folder), plain) == [], labels[begin]


def test_the_time_of_checkpoints_changes_nothing(
    whole: Callable[[str], tuple[Any, Counting]], tmp_path: Path
) -> None:
    plain, _ = whole("ring")
    assert differing(finished(RUNS["ring"], tmp_path, interval_s=0.0), plain) == []


def test_a_short_job_writes_nothing(tmp_path: Path) -> None:
    finished(RUNS["chain"], tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_of_a_stage_two_checkpoints_are_kept_or_its_end(tmp_path: Path) -> None:
    checkpoints = job(tmp_path)
    counting = Counting(checkpoints)
    counting.at = {i: lambda: setattr(checkpoints, "_next", 0.0) for i in range(30)}
    counting.at[30] = lambda: checkpoints.stop("the test")
    with pytest.raises(Exception, match="stopped by the test; what was reached is in"):
        RUNS["chain"](checkpoints=counting)
    names = sorted(path.name for path in tmp_path.iterdir())
    current = [name.partition(".")[0] for name in names if ".a." in name or ".b." in name]
    assert current == [current[0]] * 2
    assert {name.partition(".")[2] for name in names} == {"a.npz", "b.npz", "end.npz"}
    checkpoints.remove()
    assert not tmp_path.exists()


RECORDS = {
    "correlation": {
        *("basis_size", "closed", "coefficients", "dropped", "growth_detected"),
        *(
            "frontier_weight",
            "kept_out",
            "lengths",
            "n_nonzeros",
            "norm",
            "now",
            "outside_flow",
            "products",
            "repeated",
        ),
        *("starts", "step_error", "step_time_fs", "terms"),
    },
    "equilibrium": {
        *("capped", "missing", "norm", "number", "outside", "products", "residual", "settled"),
        "way",
    },
}


def test_layout_and_its_version_change_together(
    whole: Callable[[str], tuple[Any, Counting]], tmp_path: Path
) -> None:
    # a file of another layout is set aside by its version; nothing else would tell it apart
    assert checkpoints._SCHEMA["schema_version"] == 4
    _, counting = whole("chain")
    stopped_at(RUNS["chain"], tmp_path, counting.labels.index("correlation") + 3)
    plain = {"header", "counts", "splitters", "dealt", "keys", "x"}
    for stage, record in RECORDS.items():
        (path,) = tmp_path.glob(f"{stage}-1.*.npz")
        assert set(np.load(path).files) == plain | {f"record/{name}" for name in record}


def test_time_spent_before_the_stop_counts(tmp_path: Path) -> None:
    began = time.perf_counter()
    stopped_at(RUNS["chain"], tmp_path, 40, watch=Stopwatch(began - 5000.0))
    again = job(tmp_path)
    RUNS["chain"](checkpoints=again)
    needed = time.perf_counter() - began
    assert 5000.0 < again.spent["wall_seconds"] < 5000.0 + needed
    assert again.spent["core_seconds"] == pytest.approx(again.spent["wall_seconds"], abs=1.0)
    assert again.earlier["cpu_seconds"] < time.process_time()


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def _unseal(path: Path) -> None:
    path.write_bytes(path.read_bytes().partition(b"\nsmallpolaron sha256")[0])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _replace(path: Path) -> None:
    path.write_text("something else")


DAMAGE = {"bit": _flip, "end": _truncate, "seal": _unseal, "all": _replace, "empty": _empty}


def _stopped_twice(tmp_path: Path, counting: Counting) -> tuple[Path, Path]:
    """A job stopped twice in one stage; returns its newest checkpoint and the previous one."""
    stopped_at(RUNS["chain"], tmp_path, counting.labels.index("correlation") + 5)
    (first,) = tmp_path.glob("*.[ab].npz")
    stopped_at(RUNS["chain"], tmp_path, 2)
    (second,) = set(tmp_path.glob("*.[ab].npz")) - {first}
    assert first.name.partition(".")[0] == second.name.partition(".")[0]
    return second, first


@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_checkpoint_is_set_aside_and_the_previous_one_used(
    kind: str, whole: Callable[[str], tuple[Any, Counting]], tmp_path: Path
) -> None:
    plain, counting = whole("chain")
    newest, previous = _stopped_twice(tmp_path, counting)
    DAMAGE[kind](newest)
    said: list[str] = []
    result = RUNS["chain"](checkpoints=job(tmp_path, report=said.append), report=said.append)
    assert differing(result, plain) == []
    assert [line for line in said if "checkpoint not used" in line] == [
        f"{newest}: checkpoint not used: truncated or changed since it was written (checksum); "
        f"set aside as {newest.name}.set-aside"
    ]
    assert any("resumed at t = " in line and str(previous) in line for line in said)
    assert newest.with_name(newest.name + ".set-aside").exists()


FOREIGN = {
    "configuration hash": ("configuration_hash", "beef"),
    "protocol": ("protocol", "marcus"),
    "version": ("package_version", "0.0.1"),
    "layout": ("schema_version", 0),
    "problem": ("problem", "another"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign_checkpoints_are_set_aside_and_the_job_begins_anew(
    kind: str,
    whole: Callable[[str], tuple[Any, Counting]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain, _ = whole("chain")
    name, value = FOREIGN[kind]
    write = checkpoint_file._write

    def foreign(path: Path, header: Any, *rest: Any) -> None:
        changed = json.loads(header.tobytes()) | {name: value}
        write(path, np.frombuffer(json.dumps(changed).encode(), np.uint8), *rest)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_file, "_write", foreign)
        stopped_at(RUNS["chain"], tmp_path, 30)
    files = sorted(path.name for path in tmp_path.iterdir())
    said: list[str] = []
    result = RUNS["chain"](checkpoints=job(tmp_path, report=said.append), report=said.append)
    assert differing(result, plain) == []
    aside = [line for line in said if "checkpoint not used" in line]
    assert len(aside) == len(files)
    assert all(f"its {name.replace('_', ' ')} is {value}, not " in line for line in aside)
    assert not any("resumed" in line for line in said)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{f}.set-aside" for f in files]


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint_file, "seal", fail)
    return


@pytest.mark.usefixtures("full_disk")
def test_on_a_full_disk_the_run_goes_on_and_says_so(
    whole: Callable[[str], tuple[Any, Counting]], tmp_path: Path
) -> None:
    plain, _ = whole("chain")
    said: list[str] = []
    result = finished(RUNS["chain"], tmp_path, interval_s=0.0, report=said.append)
    assert differing(result, plain) == []
    assert said
    assert all("the run continues without it" in line and "No space left" in line for line in said)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("full_disk")
def test_ends_of_stages_that_cannot_be_written_do_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "_HELD_BYTES", 0)
    said: list[str] = []
    held = job(tmp_path, report=said.append)
    RUNS["chain"](checkpoints=held)
    assert said
    assert held._held == []


@pytest.mark.usefixtures("full_disk")
def test_stopped_on_a_full_disk_it_says_that_nothing_is_kept(tmp_path: Path) -> None:
    checkpoints = job(tmp_path)
    checkpoints.stop("the test")
    with pytest.raises(Exception, match="stopped by the test; nothing could be written"):
        RUNS["chain"](checkpoints=checkpoints)


def test_where_no_folder_can_be_made_the_run_goes_on(
    whole: Callable[[str], tuple[Any, Counting]], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a folder")
    said: list[str] = []
    result = finished(RUNS["chain"], tmp_path / "file" / "job", interval_s=0.0, report=said.append)
    assert differing(result, whole("chain")[0]) == []
    assert "Not a directory" in said[0]


def test_half_written_files_of_a_killed_job_are_removed(tmp_path: Path) -> None:
    left = tmp_path / ".correlation-1.a.npz.123.tmp"
    left.touch()
    job(tmp_path)
    assert not left.exists()
