"""How a basis falls apart on many ranks: balance, halo and messages, counted exactly."""

from dataclasses import asdict, dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

_COMPLEX = 16


@dataclass(frozen=True)
class Partition:
    """What every rank has to compute and to receive for one product.

    Attributes:
        labels: rows, shape (ranks,).
        entries: entries of the rows, diagonal included, shape (ranks,).
        received: entries of the state that come from other ranks, shape (ranks,).
        sources: ranks they come from, shape (ranks,).
        sent: entries of the state that go to other ranks, shape (ranks,).
        targets: ranks they go to, shape (ranks,).
    """

    labels: NDArray[np.int64]
    entries: NDArray[np.int64]
    received: NDArray[np.int64]
    sources: NDArray[np.int64]
    sent: NDArray[np.int64]
    targets: NDArray[np.int64]

    @property
    def ranks(self) -> int:
        """Number of ranks."""
        return len(self.labels)

    def summary(self) -> dict[str, Any]:
        """Largest and mean values as plain data."""
        return {
            "ranks": self.ranks,
            "balance": float(self.entries.max() / self.entries.mean()),
            "halo_mean": float(self.received.mean()),
            "halo_largest": int(self.received.max()),
            "halo_bytes": int(_COMPLEX * self.received.sum()),
            "halo_share": float(np.max(self.received / np.maximum(self.labels, 1))),
            "messages_mean": float(self.sources.mean()),
            "messages_largest": int(np.maximum(self.sources, self.targets).max()),
        }


@dataclass(frozen=True)
class Network:
    """Assumptions of the time model.

    Attributes:
        entries_per_s: entries of the generator that one rank multiplies per second.
        latency_s: time per message.
        bytes_per_s: rate at which one rank receives.
    """

    entries_per_s: float
    latency_s: float
    bytes_per_s: float

    def product_s(self, partition: Partition) -> float:
        """Time of one product with its norm: the slowest rank, then one tree reduction, s."""
        messages = np.maximum(partition.sources, partition.targets)
        moved = _COMPLEX * np.maximum(partition.received, partition.sent)
        each = (
            partition.entries / self.entries_per_s
            + messages * self.latency_s
            + moved / self.bytes_per_s
        )
        stages = 2 * int(np.ceil(np.log2(partition.ranks)))
        return float(each.max() + stages * self.latency_s)

    def as_data(self) -> dict[str, float]:
        """The assumptions as plain data."""
        return asdict(self)


def quantile_splitters(places: NDArray[np.uint64], ranks: int) -> NDArray[np.uint64]:
    """Places that open the share of ranks 1, 2, ... when all shares are as equal as they can be."""
    ordered = np.sort(places)
    return np.asarray(ordered[np.arange(1, ranks) * len(ordered) // ranks])


def divide(
    indptr: NDArray[np.int64],
    columns: NDArray[np.int64],
    places: NDArray[np.uint64],
    ranks: int,
) -> Partition:
    """Divide rows among ranks by the rule of the adaptive basis and count.

    Args:
        indptr: row pointers, shape (n + 1,).
        columns: columns besides the diagonal.
        places: places.place() of every row, shape (n,).
        ranks: number of ranks.

    Returns:
        The counts.
    """
    owner = np.searchsorted(quantile_splitters(places, ranks), places, side="right")
    received = np.zeros(ranks, np.int64)
    sent = np.zeros(ranks, np.int64)
    pairs = np.zeros((ranks, ranks), np.bool_)
    _count_halo(indptr, columns, owner, np.argsort(owner, kind="stable"), received, sent, pairs)
    lengths = np.diff(indptr) + 1
    return Partition(
        labels=np.bincount(owner, minlength=ranks),
        entries=np.bincount(owner, lengths, ranks).astype(np.int64),
        received=received,
        sources=pairs.sum(axis=1),
        sent=sent,
        targets=pairs.sum(axis=0),
    )


@numba.njit(cache=True)
def _count_halo(indptr, columns, owner, order, received, sent, pairs):  # type: ignore[no-untyped-def]
    """Every foreign entry counts once per rank that reads it; rows in the order of their owners."""
    reader = np.full(len(owner), -1, np.int64)
    for row in order:
        mine = owner[row]
        for i in range(indptr[row], indptr[row + 1]):
            column = columns[i]
            other = owner[column]
            if other != mine and reader[column] != mine:
                reader[column] = mine
                received[mine] += 1
                sent[other] += 1
                pairs[mine, other] = True
