"""One checkpoint as a file: NumPy's .npz, sealed with a checksum, written in one step.

The members `keys` and `x` hold the labels and the state of all ranks, one rank behind the other;
`counts` tells how many of each; `record/...` is what the stage needs besides; `header` is JSON.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.lib import format as npy

from smallpolaron.dynamics.checkpoints import Snapshot
from smallpolaron.hierarchy.views import Dealing, Placement
from smallpolaron.parallel import MPI
from smallpolaron.runs.checkpoint_rows import Rows, dealt, even_shares, gathered
from smallpolaron.support.files import seal, seal_state, to_disk
from smallpolaron.support.unavailable import is_unavailable

Header = Mapping[str, str | float | bool]
_RECORD: Final = "record/"
TEMPORARY: Final = ".tmp"


class NotWritten(OSError):
    """A checkpoint could not be written; the same on all ranks."""


class NotUsable(ValueError):
    """A checkpoint that must not be used; the message says why."""


def write_checkpoint(path: Path, header: Header, snapshot: Snapshot, comm: MPI.Intracomm) -> None:
    """Write a checkpoint in one step (collective); a file that is there is replaced.

    Args:
        path: file to write; its folder must be there.
        header: what it belongs to.
        snapshot: what it holds.
        comm: the ranks of the stage; rank 0 writes.

    Raises:
        NotWritten: rank 0 could not write; raised on all ranks.
    """
    dealing = snapshot.placement.dealing
    assert dealing is not None
    counts = comm.gather(len(snapshot.x))
    rows = {
        "keys": _Gathered(snapshot.placement.keys, comm),
        "x": _Gathered(snapshot.x, comm),
    }
    problem = ""
    try:
        if comm.rank == 0:
            small = {_RECORD + name: array for name, array in snapshot.record.items()}
            small |= {"counts": np.array(counts), "splitters": dealing.splitters}
            small |= {"dealt": np.array([dealing.imbalance, dealing.size])}
            full = {**header, "finished": snapshot.finished}
            text = json.dumps(full, sort_keys=True)
            _write(path, np.frombuffer(text.encode(), np.uint8), small, rows)
    except OSError as error:
        problem = f"{path}: {error.strerror or error}"
    finally:
        # the others send all they have whatever becomes of it
        for each in rows.values():
            each.drain()
    problem = comm.bcast(problem)
    if problem:
        raise NotWritten(problem)


class _Gathered:
    """Rows of all ranks, with their number."""

    def __init__(self, mine: Rows, comm: MPI.Intracomm) -> None:
        self.like = mine[:0]
        self.total = int(comm.allreduce(len(mine)))
        self.pieces = gathered(comm, mine)

    def drain(self) -> None:
        """Come to the end."""
        deque(self.pieces, maxlen=0)


def _write(
    path: Path, header: Rows, small: Mapping[str, Rows], rows: Mapping[str, _Gathered]
) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
    try:
        with temporary.open("wb") as file, zipfile.ZipFile(file, "w") as archive:
            for name, array in {"header": header, **small}.items():
                with archive.open(f"{name}.npy", "w") as member:
                    npy.write_array(member, array, allow_pickle=False)
            for name, gathered_rows in rows.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    _write_rows(member, gathered_rows)
        seal(temporary)
        to_disk(temporary)
        os.replace(temporary, path)
        to_disk(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _write_rows(member: IO[bytes], rows: _Gathered) -> None:
    like = rows.like
    npy.write_array_header_2_0(
        member,
        {
            "descr": npy.dtype_to_descr(like.dtype),
            "fortran_order": False,
            "shape": (rows.total, *like.shape[1:]),
        },
    )
    for piece in rows.pieces:
        member.write(np.ascontiguousarray(piece).data)


@dataclass(frozen=True)
class Contents:
    """What a checkpoint file holds besides the rows.

    Attributes:
        header: what it belongs to.
        arrays: the small members by name.
        keys, x: type and shape of their rows, without any.
    """

    header: Mapping[str, Any]
    arrays: Mapping[str, Rows]
    keys: Rows
    x: Rows


def inspect(path: Path, wanted: Header) -> Contents:
    """Read everything but the rows, on one rank.

    Args:
        path: the file.
        wanted: what the header must say.

    Raises:
        NotUsable: not what was written, or not what is asked for.
        OSError, MemoryError: it is not there, or cannot be read now.
    """
    try:
        if seal_state(path) != "intact":
            raise NotUsable("truncated or changed since it was written (checksum)")
        with zipfile.ZipFile(path) as archive:
            names = {name.removesuffix(".npy") for name in archive.namelist()} - {"keys", "x"}
            arrays = {name: _small(archive, name) for name in sorted(names)}
            rows = {name: _like(archive, name) for name in ("keys", "x")}
        header = json.loads(arrays.pop("header").tobytes())
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        if is_unavailable(error) or isinstance(error, FileNotFoundError):
            raise
        raise error if isinstance(error, NotUsable) else NotUsable(str(error)) from error
    for name, value in wanted.items():
        if header.get(name) != value:
            raise NotUsable(f"its {name.replace('_', ' ')} is {header.get(name)}, not {value}")
    return Contents(header, arrays, **rows)


def _like(archive: zipfile.ZipFile, name: str) -> Rows:
    """Return an array like the rows of a member, without any of them."""
    with archive.open(f"{name}.npy") as member:
        shape, dtype = _read_header(member)
    return np.empty((0, *shape[1:]), dtype)


def read_snapshot(path: Path, contents: Contents, comm: MPI.Intracomm) -> Snapshot:
    """Read the rows, as many on every rank as it had, or else even shares (collective).

    Args:
        path: the file; rank 0 reads.
        contents: what inspect() returned, on every rank.
        comm: the ranks of the stage.
    """
    arrays = contents.arrays
    counts = arrays["counts"].tolist()
    imbalance, size = arrays["dealt"].tolist()
    dealing: Dealing | None = Dealing(arrays["splitters"], imbalance, int(size))
    if len(counts) != comm.size:
        counts, dealing = even_shares(sum(counts), comm.size), None
    keys = _deal_member(path, "keys", contents.keys, counts, comm)
    x = _deal_member(path, "x", contents.x, counts, comm)
    record = {
        name.removeprefix(_RECORD): array
        for name, array in arrays.items()
        if name.startswith(_RECORD)
    }
    snapshot = Snapshot(Placement(keys, dealing), x, record)
    return replace(snapshot, finished=bool(contents.header["finished"]), origin=str(path))


def _deal_member(path: Path, name: str, like: Rows, counts: list[int], comm: MPI.Intracomm) -> Rows:
    if comm.rank > 0:
        return dealt(comm, counts, like, None)
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as member:
        _read_header(member)
        width = like.itemsize * int(np.prod(like.shape[1:], dtype=np.int64))

        def read(count: int) -> Rows:
            piece = np.frombuffer(member.read(count * width), like.dtype)
            return piece.reshape(count, *like.shape[1:])

        return dealt(comm, counts, like, read)


def _small(archive: zipfile.ZipFile, name: str) -> Rows:
    with archive.open(f"{name}.npy") as member:
        array: Rows = npy.read_array(member, allow_pickle=False)
        return array


def _read_header(member: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = npy.read_magic(member)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(member)
    return shape, dtype
