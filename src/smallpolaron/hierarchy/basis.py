"""A distributed, sorted set of labels: every rank holds its own share and no rank the whole."""

from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np
from numpy.typing import NDArray

from smallpolaron.hierarchy.alltoall import swap
from smallpolaron.hierarchy.labels import KeyLayout, Keys, find_sorted, owners
from smallpolaron.hierarchy.sector import Sector
from smallpolaron.hierarchy.truncation import BUDGET_SLACK, AdoCounter, Truncation
from smallpolaron.parallel import MPI


@dataclass(frozen=True)
class Basis:
    """The labels in play, sorted, in contiguous shares of increasing rank.

    Attributes:
        layout: how labels are packed.
        sector: which labels are independent.
        keys: this rank's keys, sorted, shape (n_local, n_words); every key of a rank is below
            every key of the next one.
        comm: the communicator.
    """

    layout: KeyLayout
    sector: Sector
    keys: Keys
    comm: MPI.Intracomm

    @property
    def n_local(self) -> int:
        """Labels on this rank."""
        return len(self.keys)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Global index of the first label of every rank, and the total; shape (ranks + 1,)."""
        counts = self.comm.allgather(self.n_local)
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    @property
    def start(self) -> int:
        """Global index of this rank's first label."""
        return int(self.starts[self.comm.rank])

    @property
    def size(self) -> int:
        """Labels on all ranks."""
        return int(self.starts[-1])

    @cached_property
    def _splitters(self) -> Keys:
        """First key of ranks 1, 2, ...; an empty rank repeats that of the next one that is not."""
        firsts = self.comm.allgather(self.keys[0] if self.n_local else None)
        last = np.full(self.layout.n_words, np.iinfo(np.uint64).max, dtype=np.uint64)
        splitters = []
        for first in reversed(firsts[1:]):
            last = last if first is None else first
            splitters.append(last)
        return np.array(splitters[::-1], dtype=np.uint64).reshape(-1, self.layout.n_words)

    def find(self, wanted: Keys) -> NDArray[np.int64]:
        """Global indices of keys, wherever they live (collective).

        Args:
            wanted: keys, shape (m, n_words); m may differ between ranks and be 0.

        Returns:
            Indices, shape (m,); -1 where the key is not in the basis.
        """
        wanted = np.ascontiguousarray(wanted)
        if self.comm.size == 1:
            return np.asarray(find_sorted(self.keys, wanted))
        rank_of = owners(self._splitters, wanted)
        order = np.argsort(rank_of, kind="stable")
        send_counts = np.bincount(rank_of, minlength=self.comm.size)
        questions, ask_counts = swap(self.comm, wanted[order], send_counts)
        local = find_sorted(self.keys, questions)
        answers, _ = swap(self.comm, np.where(local >= 0, local + self.start, -1), ask_counts)
        found = np.empty(len(wanted), dtype=np.int64)
        found[order] = answers
        return found

    def labels(self) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
        """This rank's labels as (occupations (n_local, n_modes), kets, bras)."""
        return self.layout.unpack(self.keys)


def fixed_basis(
    n_sites: int,
    n_terms: int,
    truncation: Truncation,
    sector: Sector,
    comm: MPI.Intracomm,
) -> Basis:
    """All labels that a truncation keeps, each rank enumerating its own share only.

    Args:
        n_sites: N.
        n_terms: bath terms per site, K + 1.
        truncation: the static rule.
        sector: which labels are independent.
        comm: the communicator; ADOs are dealt out in equal contiguous shares.

    Returns:
        The basis.
    """
    counter = AdoCounter(n_sites, n_terms, truncation)
    first = counter.total * comm.rank // comm.size
    last = counter.total * (comm.rank + 1) // comm.size
    occupations = np.zeros((last - first, n_sites * n_terms), dtype=np.uint8)
    if last > first:
        occupations[0] = counter.unrank(first)
        weights = np.tile(counter.weights, n_sites)
        _walk(occupations, weights, counter.depth + BUDGET_SLACK, n_terms, counter.site_limit)
    layout = KeyLayout(
        n_sites, n_terms, int((truncation.depth + BUDGET_SLACK) / min(counter.weights))
    )
    elements = len(sector.kets) * n_sites
    kets = np.tile(np.repeat(sector.kets, n_sites), last - first)
    bras = np.tile(np.arange(n_sites), (last - first) * len(sector.kets))
    keys = layout.pack(np.repeat(occupations, elements, axis=0), kets, bras)
    return Basis(layout, sector, keys, comm)


@numba.njit(cache=True)
def _walk(occupations, weights, budget, n_terms, site_limit):  # type: ignore[no-untyped-def]
    """Fill rows 1, 2, ... with the lexicographic successors of row 0 (an odometer with a bound)."""
    n_modes = occupations.shape[1]
    # wider than the rows: one more than 255 must be refused, not wrapped to 0
    current = occupations[0].astype(np.int64)
    for row in range(1, len(occupations)):
        for m in range(n_modes - 1, -1, -1):
            current[m] += 1
            if _is_kept(current, weights, budget, n_terms, site_limit):
                break
            current[m] = 0
        for m in range(n_modes):
            occupations[row, m] = current[m]


@numba.njit(cache=True)
def _is_kept(occupation, weights, budget, n_terms, site_limit):  # type: ignore[no-untyped-def]
    used = 0.0
    excited = 0
    last_site = -1
    for m in range(len(occupation)):
        if occupation[m]:
            used += weights[m] * occupation[m]
            if m // n_terms != last_site:
                last_site = m // n_terms
                excited += 1
    return used <= budget and excited <= site_limit
