"""Checkpoints made to do harm: set aside before anything of their size is allocated."""

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
from smallpolaron.runs.checkpoint_file import (
    NotUsable,
    inspect,
    read_snapshot,
    write_checkpoint,
)
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


def declared(shape: tuple[int, ...], descr: str = "<c16", data: bytes = bytes(96)) -> bytes:
    """Return an array that says it is larger than it is."""
    buffer = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    npy.write_array_header_2_0(buffer, header)
    return buffer.getvalue() + data


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
    "objects as state": (_put(x=_objects(Harm())), "its member x declares"),
    "objects as record": (_put(**{"record/t": _objects(Harm())}), "its member record/t declares"),
    "bare pickle": (_put(x=pickle.dumps(Harm())), "magic string"),
    "pickle as header": (_put(header=pickle.dumps(Harm())), "magic string"),
    "enormous state": (_put(x=declared((10**15,))), "its member x declares (1000000000000000,)"),
    "enormous keys": (_put(keys=declared((2**60, 2**60), "<u8")), "its member keys declares"),
    "overflow of the size": (_put(x=declared((2**60, 16))), "its member x declares"),
    "negative size": (_put(x=declared((-6,))), "its member x declares"),
    "enormous record": (_put(**{"record/t": declared((10**14,))}), "its member record/t declares"),
    "short state": (_put(x=declared((6,), data=bytes(95))), "its member x declares"),
    "long state": (_put(x=declared((6,), data=bytes(97))), "its member x declares"),
    "state without rows": (_put(x=npy_bytes(1.0)), "its member x has no rows"),
    "rows without size": (_put(x=declared((6,), "|S0", b"")), "its member x"),
    "other length": (_put(x=npy_bytes(np.zeros(5, complex))), "are not those of its rows"),
    "counts": (_put(counts=npy_bytes(np.array([10**15]))), "its counts, [1000000000000000]"),
    "negative counts": (_put(counts=npy_bytes(np.array([8, -2]))), "its counts, [8, -2]"),
    "counts as numbers": (_put(counts=npy_bytes(np.array([6.0]))), "its counts, [6.0]"),
    "counts as table": (_put(counts=npy_bytes(np.array([[6]]))), "its counts, [[6]]"),
    "dealt": (_put(dealt=npy_bytes(np.zeros(3))), "how its rows were dealt"),
    "no header": (lambda found: found.pop("header.npy"), "header"),
    "no keys": (lambda found: found.pop("keys.npy"), "keys.npy"),
    "no counts": (lambda found: found.pop("counts.npy"), "counts"),
    "header in no form": (_text("{"), "Expecting"),
    "deep header": (_text("[" * 100_000), "recursion"),
    "header as list": (_text("[1]"), "its header is no mapping with a sequence"),
    "no sequence": (_text("{}"), "its header is no mapping with a sequence"),
    "sequence in words": (_put(header=header(sequence="3")), "no mapping with a sequence"),
    "finished in words": (_put(header=header(finished="no")), "whether the stage is finished"),
    "other schema": (_put(header=header(schema="x")), "its schema is x, not"),
    "header of a header": (_put(header=header(schema={"a": 1})), "its schema is {'a': 1}, not"),
    "long type": (_put(x=declared((6,), "<c16" * 9999)), ""),
}


def rewrite(
    path: Path, change: Callable[[Members], object], compression: int = zipfile.ZIP_STORED
) -> None:
    """Change members of a checkpoint and seal it again: a seal is no secret."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w", compression) as archive:
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


def test_compressed_members_are_refused(path: Path) -> None:
    zeros = npy_bytes(np.zeros(10**6, complex))
    rewrite(path, _put(x=zeros), zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 10**5
    with pytest.raises(NotUsable, match="is compressed"):
        inspect(path, HEADER)


def test_no_archive(path: Path) -> None:
    path.write_bytes(b"PK\x05\x06" + bytes(18))
    seal(path)
    with pytest.raises(NotUsable, match=r"keys\.npy"):
        inspect(path, HEADER)
    path.write_bytes(b"x" * 1000)
    seal(path)
    with pytest.raises(NotUsable, match="not a zip file"):
        inspect(path, HEADER)
