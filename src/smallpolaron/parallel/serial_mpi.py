"""The part of mpi4py.MPI that the engine uses, for one rank: every message reaches its sender."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

MAX: Final = "max"
MIN: Final = "min"
SUM: Final = "sum"
"""Reductions, which leave the value of one rank as it is."""
IN_PLACE: Final = object()
IDENT: Final = 0
"""What Compare answers about one communicator."""


class Comm:
    """A communicator of one rank, with the names of mpi4py."""

    rank: Final = 0
    size: Final = 1

    @staticmethod
    def Compare(one: Comm, other: Comm) -> int:
        """One rank has one communicator."""
        return IDENT

    def Split(self, colour: int = 0, key: int = 0) -> Comm:
        """Return the only group there can be."""
        return self

    def Free(self) -> None:
        """Keep the only group."""

    def allreduce(self, value: Any, op: object = SUM) -> Any:
        """Return the value of the only rank."""
        return value

    def bcast(self, value: Any, root: int = 0) -> Any:
        """Return the value of the only rank."""
        return value

    def exscan(self, value: Any, op: object = SUM) -> None:
        """Return nothing: there is no rank before this one."""

    def allgather(self, value: Any) -> list[Any]:
        """Return the values of all ranks."""
        return [value]

    gather = allgather

    def Allreduce(self, source: object, values: NDArray[Any], op: object = SUM) -> None:
        """Leave the values, which are reduced in place, as they are."""
        if source is not IN_PLACE:
            values[...] = np.asarray(source)

    def Alltoall(self, sent: NDArray[Any], received: NDArray[Any]) -> None:
        """Send everything to the only rank."""
        received[...] = sent

    def Alltoallv(self, sent: Sequence[Any], received: Sequence[Any]) -> None:
        """Send everything to the only rank; both are [array, counts]."""
        received[0][...] = sent[0]

    def Abort(self, status: int) -> NoReturn:
        """End the only rank."""
        raise SystemExit(status)


Intracomm = Comm
COMM_WORLD: Final = Comm()


def Get_library_version() -> str:
    """Return what takes the place of an MPI library."""
    return "none: one process"
