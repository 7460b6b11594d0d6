"""The labels of one rank, what is kept of each, and where its neighbours are.

A neighbour is a label of the same rank, or of another one; then its key is kept here too (a ghost).
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from smallpolaron.hierarchy import elements
from smallpolaron.hierarchy.couplings import Couplings
from smallpolaron.hierarchy.exchange import Exchange
from smallpolaron.hierarchy.frame import slots
from smallpolaron.hierarchy.label_set import LabelSet, grown
from smallpolaron.hierarchy.labels import Keys
from smallpolaron.hierarchy.views import Codes
from smallpolaron.parallel import MPI

ComplexArray = NDArray[np.complex128]

_CODES_16_BIT = 65536

_PORTION = 50_000
"""New labels that are linked at a time; bounds the memory of growth."""


@dataclass
class _Rows:
    """What is kept per label besides its key; the first rows count, as in LabelSet."""

    links: NDArray[np.int32]
    codes: Codes
    damping: NDArray[np.float64]
    diagonal: ComplexArray
    leaks: NDArray[np.float64]

    @classmethod
    def none(cls, width: int, n_codes: int) -> "_Rows":
        """No rows; codes in 16 bits where those allow."""
        codes: Codes = np.empty((0, width), np.uint16)
        if n_codes > _CODES_16_BIT:
            codes = np.empty((0, width), np.uint32)
        links = np.empty((0, width), np.int32)
        return cls(links, codes, np.empty(0), np.empty(0, complex), np.empty((0, 3)))

    def reserve(self, room: int, used: int) -> None:
        """Make room for rows, of which the first `used` are there."""
        for name in ("links", "codes", "damping", "diagonal", "leaks"):
            setattr(self, name, grown(getattr(self, name), room, used))


@dataclass
class LinkedLabels:
    """Labels of this rank in the order they came.

    Attributes:
        couplings: the equations.
        exchange: who owns which label.
        words: 64-bit words per key.
        labels: the keys.
        ghosts: keys of neighbours that other ranks own.
    """

    couplings: Couplings
    exchange: Exchange
    words: int
    labels: LabelSet = field(init=False)
    ghosts: LabelSet = field(init=False)

    def __post_init__(self) -> None:
        """Begin empty."""
        self._clear()

    def _clear(self) -> None:
        self.labels, self.ghosts = LabelSet(self.words), LabelSet(self.words)
        self._per_label = _Rows.none(slots(self.exchange.frame)[1], len(self.couplings.table))

    @property
    def links(self) -> NDArray[np.int32]:
        """Where the neighbours are, slot by slot; see elements.py."""
        return self._per_label.links[: self.labels.count]

    @property
    def codes(self) -> Codes:
        """Coupling codes, slot by slot."""
        return self._per_label.codes[: self.labels.count]

    @property
    def damping(self) -> NDArray[np.float64]:
        """Sum n Re nu, 1/fs."""
        return self._per_label.damping[: self.labels.count]

    @property
    def diagonal(self) -> ComplexArray:
        """Diagonal of the generator, 1/fs."""
        return self._per_label.diagonal[: self.labels.count]

    @property
    def leaks(self) -> NDArray[np.float64]:
        """What a label of amplitude 1 feeds outside, or UNKNOWN; see elements.py."""
        return self._per_label.leaks[: self.labels.count]

    def find(self, wanted: Keys) -> NDArray[np.int64]:
        """Global indices of canonical keys, -1 where absent, wherever they live (collective)."""
        comm = self.exchange.comm
        start = int(comm.exscan(self.labels.count) or 0)
        if comm.size == 1:
            return self.labels.rows(wanted)
        questions, back = self.exchange.route(wanted)
        rows = self.labels.rows(questions)
        return self.exchange.answer(np.where(rows >= 0, rows + start, -1), back)

    def replace(self, keys: Keys) -> None:
        """Hold these distinct keys, all of this rank, instead (collective)."""
        self._clear()
        self.labels.replace(keys)
        self.link_new(0)

    def keep(self, chosen: NDArray[np.bool_], x: ComplexArray) -> ComplexArray:
        """Keep the chosen labels only; returns a state on them."""
        x, per = x.copy(), self._per_label
        count = int(
            elements.compact(
                chosen,
                self.labels.store,
                per.links,
                per.codes,
                per.damping,
                per.diagonal,
                per.leaks,
                x,
            )
        )
        self.labels.shrink(count)
        return x[:count]

    def deal(self, x: ComplexArray) -> ComplexArray:
        """Deal the labels out anew (collective); returns the state that goes with them.

        Only what moves to another rank is linked again.
        """
        exchange = self.exchange
        exchange.deal(self.labels.keys)
        stays = exchange.owners(self.labels.keys) == exchange.comm.rank
        arriving, back = exchange.route(self.labels.keys[~stays])
        values = exchange.follow(x[~stays], back)
        x = self.keep(stays, x)
        self._keep_ghosts(exchange.owners(self.ghosts.keys) != exchange.comm.rank)
        old = self.labels.count
        self.labels.insert(arriving)
        self.link_new(old)
        return np.concatenate([x, values])

    def link_new(self, old: int) -> None:
        """Link the labels from row `old` on with all others (collective)."""
        count, per = self.labels.count, self._per_label
        per.reserve(count, old)
        per.links[old:count] = elements.ABSENT
        elements.fill_damping(
            self.exchange.frame,
            self.exchange.maps,
            self.couplings.expansion.functions.diagonal_rates.real,
            self.couplings.expansion.functions.diagonal_rates.imag,
            self.labels.store,
            old,
            count,
            per.damping,
            self.couplings.model.energies,
            self.couplings.dephasing,
            self.couplings.loss,
            self.couplings.white,
            per.diagonal,
        )
        stale = np.zeros(old, np.uint8)
        # in portions: what the neighbours of all labels at once would take is many times the basis;
        # asking is collective, so every rank takes part in as many rounds as the busiest
        portions = -(-(count - old) // _PORTION)
        for i in range(int(self.exchange.comm.allreduce(portions, op=MPI.MAX))):
            first = min(old + i * _PORTION, count)
            self._link_portion(first, min(first + _PORTION, count), stale)
        rows = np.flatnonzero(stale)
        self._link(rows, stale[rows])

    def refresh_ghosts(self) -> NDArray[np.int64]:
        """Forget ghosts that are gone or unused; returns the global indices of the others."""
        if self.exchange.comm.size == 1:
            return np.empty(0, np.int64)
        where = self.find(self.ghosts.keys)
        used = np.zeros(self.ghosts.count, np.bool_)
        elements.mark_ghosts(self.links, used)
        stay = used & (where >= 0)
        self._keep_ghosts(stay)
        return where[stay]

    def _keep_ghosts(self, chosen: NDArray[np.bool_]) -> None:
        elements.renumber_ghosts(self.links, self.leaks, chosen)
        self.ghosts.replace(self.ghosts.keys[chosen])

    def _link_portion(self, first: int, last: int, stale: NDArray[np.uint8]) -> None:
        """Link new labels first ... last - 1; marks which links of older ones change."""
        rows = np.arange(first, last)
        everything = np.full(len(rows), elements.ALL_KINDS, np.uint8)
        if self.exchange.comm.size == 1:
            self._link(rows, everything, stale)
            return
        room = len(rows) * self._per_label.links.shape[1]
        asked_keys = np.empty((room, self.words), np.uint64)
        asked_at = np.empty((room, 3), np.int64)
        asked = self._link(rows, everything, stale, asked_keys, asked_at)
        touched, kinds = self._ask(asked_keys[:asked], asked_at[:asked])
        old = touched < len(stale)
        np.bitwise_or.at(stale, touched[old], kinds[old])

    def _link(
        self,
        rows: NDArray[np.int64],
        kinds: NDArray[np.uint8],
        touched: NDArray[np.uint8] | None = None,
        asked_keys: Keys | None = None,
        asked_at: NDArray[np.int64] | None = None,
    ) -> int:
        return int(
            elements.link(
                self.exchange.frame,
                self.exchange.maps,
                self.exchange.splitters,
                self.exchange.comm.rank,
                self.labels.store,
                self.labels.table,
                self.ghosts.store,
                self.ghosts.table,
                rows,
                kinds,
                self._per_label.links,
                self._per_label.codes,
                self._per_label.leaks,
                np.empty(0, np.uint8) if touched is None else touched,
                np.empty((0, self.words), np.uint64) if asked_keys is None else asked_keys,
                np.empty((0, 3), np.int64) if asked_at is None else asked_at,
            )
        )

    def _ask(
        self, asked_keys: Keys, asked_at: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Tell the owners of neighbours about new labels, and link with those that exist.

        One all-to-all there and one back: the owner learns which of its labels has a new neighbour,
        its key, and the kind of the link to it; the asker which neighbours exist.

        Returns:
            Rows of this rank that have new neighbours, with repeats, and the kinds of the links.
        """
        mine = self.labels.keys[asked_at[:, 0]]
        kinds = asked_at[:, 2:].astype(np.uint64)
        told = np.concatenate([asked_keys, mine, kinds], axis=1)
        told, back = self.exchange.route(told, by=asked_keys)
        rows = self.labels.rows(told[:, : self.words])
        known = rows >= 0
        self.ghosts.insert(told[known, self.words : -1])
        there = self.exchange.answer(known.astype(np.int64), back) > 0
        found = asked_keys[there]
        self.ghosts.insert(found)
        at = asked_at[there]
        self._per_label.links[at[:, 0], at[:, 1]] = elements.GHOST - self.ghosts.rows(found)
        return rows[known], told[known, -1].astype(np.uint8)
