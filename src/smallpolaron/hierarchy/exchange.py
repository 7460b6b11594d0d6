"""Who owns which label, and the all-to-alls between owners."""

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from smallpolaron.hierarchy.frame import Frame
from smallpolaron.hierarchy.labels import Keys
from smallpolaron.hierarchy.places import SMALL_PLACES, places
from smallpolaron.parallel import MPI

Number = TypeVar("Number", np.uint64, np.int64, np.complex128)

_SAMPLES = 64
"""Sampled places per rank and share when labels are dealt out."""


@dataclass(frozen=True)
class Return:
    """How to send answers back: the order rows were sent in, how many went and came per rank."""

    order: NDArray[np.int64]
    sent: NDArray[np.int64]
    arrived: NDArray[np.int64]


@dataclass
class Exchange:
    """Ranks own ranges of places (places.place), parted by splitters.

    Attributes:
        comm: the communicator.
        frame: what the compiled functions must know.
        maps: how sites move; see Frame.
        splitters: first place of ranks 1, 2, ...; empty on one rank.
    """

    comm: MPI.Intracomm
    frame: Frame
    maps: NDArray[np.int32]
    splitters: NDArray[np.uint64] = field(init=False)

    def __post_init__(self) -> None:
        """Begin with equal shares of the places of small occupations: nothing is known yet."""
        share = np.linspace(0, 1, self.comm.size + 1)[1:-1]
        self.splitters = (share * SMALL_PLACES).astype(np.uint64)

    def route(self, rows: Keys, by: Keys | None = None) -> tuple[Keys, Return]:
        """Send rows of keys to the owners of `by` (the rows themselves by default)."""
        owner = self.owners(rows if by is None else by)
        order = np.argsort(owner, kind="stable")
        sent = np.bincount(owner, minlength=self.comm.size).astype(np.int64)
        received, arrived = swap(self.comm, rows[order], sent)
        return received, Return(order, sent, arrived)

    def follow(self, values: NDArray[Number], back: Return) -> NDArray[Number]:
        """Send values the way that rows went before."""
        return swap(self.comm, values[back.order], back.sent)[0]

    def answer(self, answers: NDArray[Number], back: Return) -> NDArray[Number]:
        """Send one number per received row back to who asked."""
        returned, _ = swap(self.comm, answers, back.arrived)
        result = np.empty_like(returned)
        result[back.order] = returned
        return result

    def owners(self, keys: Keys) -> NDArray[np.int64]:
        """Ranks that own these labels."""
        return np.searchsorted(self.splitters, self._places(keys), side="right")

    def deal(self, keys: Keys) -> None:
        """Choose splitters that give every rank nearly the same share of all keys (collective)."""
        ordered = np.sort(self._places(keys))
        total = self.comm.allreduce(len(ordered))
        # every rank samples in proportion to what it holds
        share = len(ordered) / max(total, 1)
        count = int(np.ceil(_SAMPLES * self.comm.size**2 * share))
        picks = ((np.arange(count) + 0.5) * len(ordered) / max(count, 1)).astype(np.int64)
        sample = np.sort(np.concatenate(self.comm.allgather(ordered[picks])))
        self.splitters = sample[(np.arange(1, self.comm.size) * len(sample)) // self.comm.size]

    def _places(self, keys: Keys) -> NDArray[np.uint64]:
        found = np.empty(len(keys), np.uint64)
        places(self.frame, self.maps, np.ascontiguousarray(keys), found)
        return found


def swap(
    comm: MPI.Intracomm, rows: NDArray[Number], counts: NDArray[np.int64]
) -> tuple[NDArray[Number], NDArray[np.int64]]:
    """Send consecutive blocks of rows, counts[r] of them to rank r (collective).

    Returns:
        What arrives, in the order of the ranks it comes from, and how many rows from each.
    """
    arriving = np.empty_like(counts)
    comm.Alltoall(counts, arriving)
    width = int(np.prod(rows.shape[1:], dtype=np.int64))
    received = np.empty((int(arriving.sum()), *rows.shape[1:]), dtype=rows.dtype)
    comm.Alltoallv([np.ascontiguousarray(rows), counts * width], [received, arriving * width])
    return received, arriving
