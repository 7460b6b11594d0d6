"""Checkpoints with a seal that are not what was written: set aside, and nothing is unpickled."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpi4py import MPI
from numpy.lib import format as npy

from smallpolaron.dynamics.checkpoints import Snapshot
from smallpolaron.hierarchy.views import Dealing, Placement
from smallpolaron.runs.checkpoint_file import NotUsable, inspect, read_snapshot, write_checkpoint
from smallpolaron.support.files import seal

HEADER: dict[str, str | int] = {"schema": "smallpolaron-checkpoint", "sequence": 3}
Members = dict[str, bytes]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    keys = np.arange(12, dtype=np.uint64).reshape(6, 2)
    dealing = Dealing(np.zeros(0, np.uint64), 1.0, 6)
    record = {"t": np.array(3.5), "samples": np.arange(4.0)}
    snapshot = Snapshot(Placement(keys, dealing), np.arange(6) * (1 + 2j), record)
    write_checkpoint(tmp_path / "a.npz", HEADER, snapshot, MPI.COMM_SELF)
    return tmp_path / "a.npz"


def npy_bytes(array: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    npy.write_array(buffer, np.asarray(array), **options)
    return buffer.getvalue()


def header(**changes: Any) -> bytes:
    text = json.dumps({**HEADER, "finished": False, **changes})
    return npy_bytes(np.frombuffer(text.encode(), np.uint8))


class Harm:
    """Leaves a mark when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("canary"),))


def _objects(value: object) -> bytes:
    array = np.empty(6, object)
    array[:] = [value] * 6
    return npy_bytes(array, allow_pickle=True)


def _put(**members: bytes) -> Callable[[Members], object]:
    return lambda found: found.update({f"{name}.npy": data for name, data in members.items()})


def _text(text: str) -> Callable[[Members], object]:
    return _put(header=npy_bytes(np.frombuffer(text.encode(), np.uint8)))


CHANGES: dict[str, tuple[Callable[[Members], object], str]] = {
    "objects as record": (_put(**{"record/t": _objects(Harm())}), "Object arrays cannot"),
    "bare pickle": (_put(x=pickle.dumps(Harm())), "magic string"),
    "pickle as header": (_put(header=pickle.dumps(Harm())), "magic string"),
    "no header": (lambda found: found.pop("header.npy"), "header"),
    "no keys": (lambda found: found.pop("keys.npy"), "keys.npy"),
    "header in no form": (_text("{"), "Expecting"),
    "other schema": (_put(header=header(schema="x")), "its schema is x, not"),
    "header of a header": (_put(header=header(schema={"a": 1})), "its schema is {'a': 1}, not"),
}


def rewrite(path: Path, change: Callable[[Members], object]) -> None:
    """Change members of a checkpoint and seal it again: a seal is no secret."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    seal(path)


def test_without_a_fault_it_is_used(path: Path) -> None:
    rewrite(path, lambda members: None)
    contents = inspect(path, HEADER)
    snapshot = read_snapshot(path, contents, MPI.COMM_SELF)
    np.testing.assert_array_equal(snapshot.x, np.arange(6) * (1 + 2j))
    assert snapshot.record["t"] == 3.5


@pytest.mark.parametrize("name", CHANGES)
def test_hostile_checkpoint(name: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    change, reason = CHANGES[name]
    rewrite(path, change)
    with pytest.raises(NotUsable) as caught:
        inspect(path, HEADER)
    assert reason in str(caught.value)
    assert not Path("canary").exists()


def test_no_archive(path: Path) -> None:
    path.write_bytes(b"PK\x05\x06" + bytes(18))
    seal(path)
    with pytest.raises(NotUsable, match=r"keys\.npy"):
        inspect(path, HEADER)
    path.write_bytes(b"x" * 1000)
    seal(path)
    with pytest.raises(NotUsable, match="not a zip file"):
        inspect(path, HEADER)
