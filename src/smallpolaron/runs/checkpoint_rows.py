"""Rows that are spread over ranks, on their way to and from the rank that has the file.

Pieces bound what that rank must hold at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smallpolaron.parallel import MPI

PIECE_BYTES = 1 << 23
"""Largest message."""

Rows = NDArray[Any]


def gathered(comm: MPI.Intracomm, rows: Rows) -> Iterator[Rows]:
    """Yield the rows of all ranks, rank by rank, in pieces on rank 0; nothing elsewhere.

    Collective: every rank must come to the end.
    """
    counts = comm.gather(len(rows))
    if comm.rank > 0:
        for piece in _pieces(np.ascontiguousarray(rows)):
            comm.Send(_bytes(piece), dest=0)
        return
    assert counts is not None
    yield from _pieces(rows)
    for source in range(1, comm.size):
        for count in _portions(counts[source], rows):
            piece = np.empty((count, *rows.shape[1:]), rows.dtype)
            comm.Recv(_bytes(piece), source=source)
            yield piece


def dealt(
    comm: MPI.Intracomm, counts: Sequence[int], like: Rows, read: Callable[[int], Rows] | None
) -> Rows:
    """Return this rank's share of rows that rank 0 reads from front to back (collective).

    Args:
        comm: the communicator.
        counts: rows of every rank.
        like: any array of the type and shape of such rows.
        read: returns the next so many rows; rank 0 only.
    """
    mine = np.empty((counts[comm.rank], *like.shape[1:]), like.dtype)
    if comm.rank > 0:
        for piece in _pieces(mine):
            comm.Recv(_bytes(piece), source=0)
        return mine
    assert read is not None
    for piece in _pieces(mine):
        piece[:] = read(len(piece))
    for target in range(1, comm.size):
        for count in _portions(counts[target], like):
            comm.Send(_bytes(np.ascontiguousarray(read(count))), dest=target)
    return mine


def even_shares(total: int, size: int) -> list[int]:
    """Return numbers of rows that differ by one at most."""
    return [(total * (rank + 1)) // size - (total * rank) // size for rank in range(size)]


def _pieces(rows: Rows) -> Iterator[Rows]:
    first = 0
    for count in _portions(len(rows), rows):
        yield rows[first : first + count]
        first += count


def _portions(count: int, rows: Rows) -> Iterator[int]:
    width = int(np.prod(rows.shape[1:], dtype=np.int64)) * rows.itemsize
    largest = max(1, PIECE_BYTES // width)
    for first in range(0, count, largest):
        yield min(largest, count - first)


def _bytes(rows: Rows) -> NDArray[np.uint8]:
    return rows.reshape(-1).view(np.uint8)
