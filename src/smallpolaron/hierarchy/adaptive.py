"""The adaptive element basis: the labels in play, dealt out to ranks, growing and shrinking.

Every rank owns the labels whose ADO stands between two splitters in the order of
elements.place(); it holds the links of its own labels and the keys of those neighbours that other
ranks own (ghosts), and nothing else of them.
"""

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from smallpolaron.hierarchy import elements
from smallpolaron.hierarchy.labels import KeyLayout, Keys
from smallpolaron.hierarchy.neighbours import (
    coupling_table,
    make_frame,
    slots,
    strengths,
)
from smallpolaron.hierarchy.sector import Sector
from smallpolaron.model.bath import BathExpansion
from smallpolaron.model.holstein import HolsteinModel

ComplexArray = NDArray[np.complex128]
Codes = NDArray[np.uint16] | NDArray[np.uint32]
_Number = TypeVar("_Number", np.uint64, np.int64, np.complex128)

_IMBALANCE = 1.15
"""Largest share of a rank over the mean at which labels are dealt out anew."""

_CODES_16_BIT = 65536


class LimitReached(RuntimeError):
    """The basis would outgrow the limit it was given."""


@dataclass(frozen=True)
class Limits:
    """Bounds of the basis; reaching one is never silent.

    Attributes:
        max_unknowns: most labels on all ranks.
        max_occupation: largest n_jk, 1 to 255.

    Raises:
        ValueError: a value outside these limits.
    """

    max_unknowns: int = 50_000_000
    max_occupation: int = 255

    def __post_init__(self) -> None:
        """Refuse what cannot be held."""
        if self.max_unknowns < 1:
            raise ValueError(f"max_unknowns = {self.max_unknowns}; allowed: 1 and more")
        if not 1 <= self.max_occupation <= 255:
            raise ValueError(f"max_occupation = {self.max_occupation}; allowed: 1 to 255")


NO_LIMITS = Limits()
"""The default bounds, which no machine that runs this in reasonable time will meet."""


@dataclass(frozen=True)
class Outflow:
    """Amplitudes that labels outside the basis would have, over all ranks.

    Attributes:
        keys: labels above the threshold, with repeats, found by this rank.
        total: root of the sum of their squares.
        rest: the same of those below the threshold or kept out by a limit.
        largest: the largest one outside that no limit keeps out.
        capped: the largest one that a limit (occupation, window) keeps out.
    """

    keys: Keys
    total: float
    rest: float
    largest: float
    capped: float


@dataclass(frozen=True)
class Sparsity:
    """What an operator on the basis needs: compressed rows and the halo, frozen at one moment.

    Attributes:
        indptr: shape (n_local + 1,).
        columns: rows of this rank, then ghosts, shape (entries,).
        codes: coupling codes, shape (entries,).
        diagonal: diagonal of the generator, 1/fs, shape (n_local,).
        ghosts: global indices of the ghosts, shape (n_ghosts,).
        start: global index of this rank's first label.
        size: labels on all ranks.
    """

    indptr: NDArray[np.uint64]
    columns: NDArray[np.uint32]
    codes: Codes
    diagonal: ComplexArray
    ghosts: NDArray[np.int64]
    start: int
    size: int


@dataclass
class _Store:
    """Growing arrays of one rank."""

    keys: Keys
    links: NDArray[np.int32]
    codes: Codes
    damping: NDArray[np.float64]
    diagonal: ComplexArray
    table: NDArray[np.int32]

    def reserve(self, count: int, used: int) -> None:
        """Make room for `count` labels, of which the first `used` are there."""
        if count > len(self.keys):
            room = max(count, 3 * len(self.keys) // 2, 1024)
            for name in ("keys", "links", "codes", "damping", "diagonal"):
                old = getattr(self, name)
                new = np.empty((room, *old.shape[1:]), dtype=old.dtype)
                # the rest was never written: copying it would only make it take memory
                new[:used] = old[:used]
                setattr(self, name, new)


def _new_table(keys: Keys, count: int, room: int) -> NDArray[np.int32]:
    size = 1 << max(4, int(2 * room - 1).bit_length())
    table = np.zeros(size, dtype=np.int32)
    elements.register(table, keys, 0, count)
    return table


@dataclass
class AdaptiveBasis:
    """The labels in play.

    Attributes:
        model: the Holstein model.
        expansion: the bath expansion.
        sector: which labels are independent.
        comm: the communicator.
        limits: bounds of the basis.
        n_local: labels on this rank.
        size: labels on all ranks.
    """

    model: HolsteinModel
    expansion: BathExpansion
    sector: Sector
    comm: MPI.Intracomm
    limits: Limits = NO_LIMITS
    n_local: int = 0
    size: int = 0
    _splitters: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))

    def __post_init__(self) -> None:
        """Prepare an empty basis."""
        n_terms = self.expansion.n_terms
        ring = self.model.topology == "ring"
        self.frame = make_frame(self.sector, ring, n_terms, self.limits.max_occupation)
        self.layout = KeyLayout(self.model.n_sites, n_terms, self.limits.max_occupation)
        self.table = coupling_table(self.frame, self.sector, self.model, self.expansion)
        self.strengths = strengths(self.model, self.expansion)
        self._fields = self.layout.fields
        self._code_sizes = np.abs(self.table)
        self._dealt = (1.0, 0)
        self.base_rate = 2 * float(np.max(self.strengths.hop)) + float(
            np.sqrt(np.sum(np.abs(self.expansion.coefficients)))
        )
        if self.comm.size > 1:
            # nothing is known yet: equal shares of the places of small occupations
            share = np.linspace(0, 1, self.comm.size + 1)[1:-1]
            self._splitters = (share * 2.0 ** (5 * elements.PLACE_MODES - 2)).astype(np.uint64)
        self._clear()

    def _clear(self) -> None:
        words, width = self.layout.n_words, slots(self.expansion.n_terms)
        self._store = _Store(
            np.empty((0, words), np.uint64),
            np.empty((0, width), np.int32),
            self._codes((0, width)),
            np.empty(0),
            np.empty(0, complex),
            np.zeros(16, np.int32),
        )
        self._ghost_keys: Keys = np.empty((0, words), np.uint64)
        self._n_ghosts = 0
        self._ghost_table = np.zeros(16, np.int32)
        self.n_local = 0

    def _codes(self, shape: tuple[int, ...]) -> Codes:
        """Empty codes, in 16 bits where the table of couplings allows."""
        if len(self.table) <= _CODES_16_BIT:
            return np.empty(shape, np.uint16)
        return np.empty(shape, np.uint32)

    @property
    def keys(self) -> Keys:
        """Keys of this rank's labels, shape (n_local, words)."""
        return self._store.keys[: self.n_local]

    @property
    def damping(self) -> NDArray[np.float64]:
        """Sum n nu of this rank's labels, 1/fs."""
        return self._store.damping[: self.n_local]

    @property
    def links(self) -> NDArray[np.int32]:
        """Where the neighbours are, slot by slot; see elements.py."""
        return self._store.links[: self.n_local]

    @property
    def codes(self) -> Codes:
        """Coupling codes, slot by slot."""
        return self._store.codes[: self.n_local]

    def labels(self) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
        """This rank's labels as (occupations (n_local, n_modes), kets, bras)."""
        return self.layout.unpack(self.keys)

    def add(self, wanted: Keys) -> int:
        """Add labels, given by canonical keys wherever they belong (collective).

        Args:
            wanted: keys, shape (m, words); repeats and labels already in play do no harm.

        Returns:
            Number of labels added on all ranks; on every rank new labels follow the old ones.

        Raises:
            LimitReached: the basis would outgrow limits.max_unknowns; nothing was added.
        """
        if self.comm.size > 1:
            wanted, _ = self._route(wanted)
        old, store = self.n_local, self._store
        store.reserve(old + len(wanted), old)
        if 2 * (old + len(wanted)) > len(store.table):
            store.table = _new_table(store.keys, old, old + len(wanted))
        count = int(elements.insert(store.table, store.keys, old, wanted))
        size = int(self.comm.allreduce(count))
        if size > self.limits.max_unknowns:
            store.table = _new_table(store.keys, old, old)
            raise LimitReached(
                f"the basis would grow from {self.size} to {size} labels; "
                f"{self.limits.max_unknowns} are allowed"
            )
        self.n_local, added, self.size = count, size - self.size, size
        if added:
            self._link_new(old)
        return added

    def find(self, wanted: Keys) -> NDArray[np.int64]:
        """Global indices of canonical keys, -1 where absent, wherever they live (collective)."""
        start = int(self.comm.exscan(self.n_local) or 0)
        if self.comm.size == 1:
            return self._rows(wanted)
        questions, back = self._route(wanted)
        rows = self._rows(questions)
        return self._answer(np.where(rows >= 0, rows + start, -1), back)

    def values(self, wanted: Keys, x: ComplexArray) -> ComplexArray:
        """Elements of a state by canonical keys, 0 where absent, on any rank (collective)."""
        questions, back = (wanted, None) if self.comm.size == 1 else self._route(wanted)
        rows = self._rows(questions)
        found = np.where(rows >= 0, x[np.maximum(rows, 0)] if len(x) else 0, 0).astype(complex)
        return found if back is None else self._answer(found, back)

    def scatter(self, keys: Keys, values: ComplexArray) -> ComplexArray:
        """A state given by keys in play and their values, on this rank's labels (collective).

        Every rank gives what it has; keys given twice add up.
        """
        if self.comm.size > 1:
            routed, back = self._route(keys)
            values, _ = self._exchange(values[back.order], back.sent)
            keys = routed
        x = np.zeros(self.n_local, complex)
        np.add.at(x, self._rows(keys), values)
        return x

    def local_rows(self, wanted: Keys) -> NDArray[np.int64]:
        """Rows of this rank with canonical keys, -1 where another rank has them or none."""
        return self._rows(wanted)

    def canonical_keys(
        self, occupations: NDArray[np.uint8], kets: NDArray[np.int64], bras: NDArray[np.int64]
    ) -> tuple[Keys, NDArray[np.int64]]:
        """Keys of the representatives of labels, and their bits (-1: vanishes by symmetry).

        With translation the kets must be 0.
        """
        keys = np.zeros((len(kets), self.layout.n_words), np.uint64)
        bits = np.zeros(len(kets), np.int64)
        elements.canonical_rows(self.frame, self._fields, occupations, kets, bras, keys, bits)
        return keys, bits

    def outflow(self, x: ComplexArray, threshold: float) -> "Outflow":
        """What a state feeds outside the basis, and the labels that should enter (collective).

        Args:
            x: this rank's part of the state, shape (n_local,).
            threshold: least amplitude |L_mj x_j| / (damping_m + base_rate), absolute.
        """
        room = max(1024, self.n_local // 4)
        while True:
            found = np.empty((room, self.layout.n_words), np.uint64)
            count, total, rest, largest, capped = elements.find_candidates(
                self.frame,
                self._fields,
                self.strengths,
                self.base_rate,
                self.keys,
                self.links,
                self.damping,
                x,
                threshold,
                found,
            )
            if count <= room:
                break
            room = count
        sums = np.array([total, rest])
        peaks = np.array([largest, capped])
        self.comm.Allreduce(MPI.IN_PLACE, sums)
        self.comm.Allreduce(MPI.IN_PLACE, peaks, op=MPI.MAX)
        return Outflow(found[:count], *(float(v) for v in (*np.sqrt(sums), *peaks)))

    def importance(self, x: ComplexArray, ghosts: ComplexArray) -> NDArray[np.float64]:
        """What pruning must respect: amplitudes, and what neighbours in play feed.

        Args:
            x: this rank's part of the state.
            ghosts: values of the ghosts, in the order of the last sparsity().

        Returns:
            The larger of |x_i| and |L_ij x_j| / (damping_i + base_rate), shape (n_local,).
        """
        weight = np.empty(self.n_local)
        elements.importance(
            self._code_sizes,
            self.damping,
            self.base_rate,
            self.links,
            self.codes,
            np.concatenate([x, ghosts]),
            weight,
        )
        return weight

    def keep(self, chosen: NDArray[np.bool_], x: ComplexArray) -> ComplexArray:
        """Keep the chosen labels of this rank only (collective); returns the state on them."""
        store, x = self._store, x.copy()
        count = int(
            elements.compact(
                chosen, store.keys, store.links, store.codes, store.damping, store.diagonal, x
            )
        )
        self.n_local = count
        store.table = _new_table(store.keys, count, count)
        self.size = int(self.comm.allreduce(count))
        return x[:count]

    def sparsity(self) -> Sparsity:
        """Compressed rows and halo of the present basis (collective)."""
        ghosts = self._refresh_ghosts()
        store = self._store
        room = int(np.count_nonzero((self.links >= 0) | (self.links <= elements.GHOST)))
        indptr = np.empty(self.n_local + 1, np.uint64)
        columns = np.empty(room, np.uint32)
        codes = self._codes((room,))
        elements.compress(self.links, self.codes, indptr, columns, codes)
        return Sparsity(
            indptr,
            columns,
            codes,
            store.diagonal[: self.n_local].copy(),
            ghosts,
            int(self.comm.exscan(self.n_local) or 0),
            self.size,
        )

    def rebalance(self, x: ComplexArray) -> ComplexArray:
        """Deal the labels out anew if some rank holds too many (collective); returns the state."""
        if self.comm.size == 1 or self._imbalance() <= _IMBALANCE:
            return x
        # equal places cannot be parted: not again until it got worse or the basis has outgrown it
        if self._imbalance() <= _IMBALANCE * self._dealt[0] and self.size < 2 * self._dealt[1]:
            return x
        places = np.empty(self.n_local, np.uint64)
        elements.places(self.frame, self._fields, self.keys, places)
        self._splitters = _quantiles(places, self.comm)
        keys = self.keys.copy()
        moved, back = self._route(keys)
        values, _ = self._exchange(x[back.order], back.sent)
        self._clear()
        store = self._store
        store.reserve(len(moved), 0)
        store.keys[: len(moved)] = moved
        store.table = _new_table(store.keys, len(moved), len(moved))
        self.n_local = len(moved)
        self._link_new(0)
        self._dealt = (self._imbalance(), self.size)
        return values

    def _imbalance(self) -> float:
        """Labels on the fullest rank over the mean (collective)."""
        most = self.comm.allreduce(self.n_local, op=MPI.MAX)
        return float(most * self.comm.size / max(self.size, 1))

    # -- links ---------------------------------------------------------------------------------

    def _link_new(self, old: int) -> None:
        store, count = self._store, self.n_local
        store.links[old:count] = elements.ABSENT
        elements.fill_damping(
            self.frame,
            self._fields,
            self.expansion.rates,
            store.keys,
            old,
            count,
            store.damping,
            self.model.energies,
            2 * self.expansion.terminator,
            store.diagonal,
        )
        width = store.links.shape[1]
        room = (count - old) * width
        ask = self.comm.size > 1
        asked_keys = np.empty((room if ask else 0, self.layout.n_words), np.uint64)
        asked_at = np.empty((room if ask else 0, 2), np.int64)
        touched = np.empty(room if old else 0, np.int64)
        n_touched, n_asked = self._link(np.arange(old, count), touched, asked_keys, asked_at)
        stale = touched[:n_touched]
        if ask:
            stale = np.append(stale, self._ask(asked_keys[:n_asked], asked_at[:n_asked]))
        stale = np.unique(stale[stale < old])
        none = np.empty(0, np.int64)
        self._link(stale, none, asked_keys[:0], asked_at[:0])

    def _link(
        self,
        rows: NDArray[np.int64],
        touched: NDArray[np.int64],
        asked_keys: Keys,
        asked_at: NDArray[np.int64],
    ) -> tuple[int, int]:
        store = self._store
        n_touched, n_asked = elements.link(
            self.frame,
            self._fields,
            self._splitters,
            self.comm.rank,
            store.keys,
            store.table,
            self._ghost_keys,
            self._ghost_table,
            rows,
            store.links,
            store.codes,
            touched,
            asked_keys,
            asked_at,
        )
        return int(n_touched), int(n_asked)

    def _ask(self, asked_keys: Keys, asked_at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Tell the owners of neighbours about new labels; returns local rows that must be linked.

        One all-to-all there and one back: the owner learns which of its labels has a new neighbour
        (and its key), the asker which neighbours exist.
        """
        mine = self._store.keys[asked_at[:, 0]]
        pairs, back = self._route(np.concatenate([asked_keys, mine], axis=1), asked_keys)
        words = self.layout.n_words
        rows = self._rows(pairs[:, :words])
        self._intern(pairs[rows >= 0, words:])
        there = self._answer((rows >= 0).astype(np.int64), back) > 0
        self._intern(asked_keys[there])
        # links of the asking labels: their neighbours are known ghosts now
        again = np.unique(asked_at[there, 0])
        none = np.empty(0, np.int64)
        self._link(again, none, asked_keys[:0], asked_at[:0])
        return rows[rows >= 0]

    def _intern(self, keys: Keys) -> None:
        old = self._n_ghosts
        if old + len(keys) > len(self._ghost_keys):
            room = max(old + len(keys), 3 * len(self._ghost_keys) // 2)
            grown = np.empty((room, self.layout.n_words), np.uint64)
            grown[:old] = self._ghost_keys[:old]
            self._ghost_keys = grown
        if 2 * (old + len(keys)) > len(self._ghost_table):
            self._ghost_table = _new_table(self._ghost_keys, old, old + len(keys))
        self._n_ghosts = int(
            elements.insert(self._ghost_table, self._ghost_keys, old, np.ascontiguousarray(keys))
        )

    def _refresh_ghosts(self) -> NDArray[np.int64]:
        """Forget ghosts that are gone or unused; returns the global indices of the others."""
        if self.comm.size == 1:
            return np.empty(0, np.int64)
        keys = self._ghost_keys[: self._n_ghosts]
        where = self.find(keys)
        used = np.zeros(self._n_ghosts, np.bool_)
        elements.mark_ghosts(self.links, used)
        stay = used & (where >= 0)
        elements.renumber_ghosts(self.links, stay)
        self._ghost_keys = keys[stay]
        self._n_ghosts = len(self._ghost_keys)
        self._ghost_table = _new_table(self._ghost_keys, self._n_ghosts, self._n_ghosts)
        return where[stay]

    # -- all-to-all ----------------------------------------------------------------------------

    def _rows(self, wanted: Keys) -> NDArray[np.int64]:
        return np.asarray(
            elements.lookup_rows(self._store.table, self._store.keys, np.ascontiguousarray(wanted))
        )

    def _route(self, rows: Keys, by: Keys | None = None) -> tuple[Keys, "_Return"]:
        """Send rows of keys to the owners of `by` (the rows themselves by default)."""
        by = rows if by is None else by
        positions = np.empty(len(by), np.uint64)
        elements.places(self.frame, self._fields, np.ascontiguousarray(by), positions)
        owner = np.searchsorted(self._splitters, positions, side="right")
        order = np.argsort(owner, kind="stable")
        sent = np.bincount(owner, minlength=self.comm.size).astype(np.int64)
        received, arrived = self._exchange(rows[order], sent)
        return received, _Return(order, sent, arrived)

    def _answer(self, answers: NDArray[_Number], back: "_Return") -> NDArray[_Number]:
        """Send one number per received row back to who asked."""
        returned, _ = self._exchange(answers, back.arrived)
        result = np.empty_like(returned)
        result[back.order] = returned
        return result

    def _exchange(
        self, rows: NDArray[_Number], counts: NDArray[np.int64]
    ) -> tuple[NDArray[_Number], NDArray[np.int64]]:
        arriving = np.empty_like(counts)
        self.comm.Alltoall(counts, arriving)
        width = int(np.prod(rows.shape[1:], dtype=np.int64))
        received = np.empty((int(arriving.sum()), *rows.shape[1:]), dtype=rows.dtype)
        self.comm.Alltoallv(
            [np.ascontiguousarray(rows), counts * width], [received, arriving * width]
        )
        return received, arriving


@dataclass(frozen=True)
class _Return:
    """How to send answers back: the order rows were sent in, how many went and came per rank."""

    order: NDArray[np.int64]
    sent: NDArray[np.int64]
    arrived: NDArray[np.int64]


def _quantiles(places: NDArray[np.uint64], comm: MPI.Intracomm) -> NDArray[np.uint64]:
    """Splitters that give every rank nearly the same number of places, by sampling."""
    per_rank = 64 * comm.size
    total = comm.allreduce(len(places))
    ordered = np.sort(places)
    # every rank samples in proportion to what it holds
    count = int(np.ceil(per_rank * comm.size * len(places) / max(total, 1)))
    picks = ordered[((np.arange(count) + 0.5) * len(ordered) / max(count, 1)).astype(np.int64)]
    sample = np.sort(np.concatenate(comm.allgather(picks)))
    cuts = (np.arange(1, comm.size) * len(sample)) // comm.size
    return np.asarray(sample[cuts])
