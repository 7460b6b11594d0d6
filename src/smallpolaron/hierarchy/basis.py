"""The adaptive element basis: the labels in play, dealt out to ranks, growing and shrinking.

Every rank owns the labels whose ADO stands between two splitters in the order of
places.place(); it holds the links of its own labels and the keys of those neighbours that other
ranks own (ghosts), and nothing else of them.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from smallpolaron.hierarchy import elements
from smallpolaron.hierarchy.couplings import Couplings
from smallpolaron.hierarchy.exchange import Exchange
from smallpolaron.hierarchy.excitations import ListLayout
from smallpolaron.hierarchy.frame import slots
from smallpolaron.hierarchy.label_set import LabelSet
from smallpolaron.hierarchy.labels import Keys
from smallpolaron.hierarchy.limits import NO_LIMITS, LimitReached, Limits
from smallpolaron.hierarchy.linked_labels import LinkedLabels
from smallpolaron.hierarchy.sector import Sector
from smallpolaron.hierarchy.views import Amplitudes, Codes, Dealing, Outflow, Placement, Sparsity
from smallpolaron.model.baths.expansion import BathExpansion
from smallpolaron.model.lattice_model import Model
from smallpolaron.parallel import MPI

ComplexArray = NDArray[np.complex128]

_IMBALANCE = 1.08
"""Largest share of a rank over the mean at which labels are dealt out anew."""


@dataclass
class Basis:
    """The labels in play.

    Attributes:
        model: the model.
        expansion: the bath expansion.
        sector: which labels are independent.
        comm: the communicator.
        limits: bounds of the basis.
        size: labels on all ranks.
        hop_rate: how fast the hops move amplitude, 1/fs.
        base_rate: the same with the baths, 1/fs.
    """

    model: Model
    expansion: BathExpansion
    sector: Sector
    comm: MPI.Intracomm
    limits: Limits = NO_LIMITS
    size: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Prepare an empty basis, or a fixed hierarchy."""
        self._complete, self._frontier = False, np.empty(0, np.bool_)
        if self.is_fixed:
            self.expansion = self.expansion.unmixed()
        self.couplings = Couplings(self.model, self.expansion, self.sector, self.limits)
        self.frame, self.maps = self.couplings.frame, self.couplings.maps
        self.layout = ListLayout(self.frame, self.maps)
        self.table, self.strengths = self.couplings.table, self.couplings.strengths
        self._code_sizes = np.abs(self.table)
        self._dealt = (1.0, 0)
        self.hop_rate = 2 * float(np.max(self.strengths.hop, initial=0.0))
        self.base_rate = self.hop_rate + self.couplings.pull
        self._exchange = Exchange(self.comm, self.frame, self.maps)
        self._linked = LinkedLabels(self.couplings, self._exchange, self.layout.n_words)
        if self.is_fixed:
            self._take_all()

    @property
    def is_fixed(self) -> bool:
        """Whether the basis is a fixed hierarchy: it neither grows nor is pruned."""
        return self.limits.truncation is not None

    @property
    def n_local(self) -> int:
        """Number of labels on this rank."""
        return self._linked.labels.count

    @property
    def keys(self) -> Keys:
        """Keys of this rank's labels, shape (n_local, words)."""
        return self._linked.labels.keys

    @property
    def damping(self) -> NDArray[np.float64]:
        """Sum n Re nu of this rank's labels, 1/fs."""
        return self._linked.damping

    @property
    def links(self) -> NDArray[np.int32]:
        """Where the neighbours are, slot by slot; see elements.py."""
        return self._linked.links

    @property
    def codes(self) -> Codes:
        """Coupling codes, slot by slot."""
        return self._linked.codes

    def labels(self) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
        """This rank's labels as (occupations (n_local, n_modes), kets, bras)."""
        return self.layout.unpack(self.keys)

    def add(self, wanted: Keys) -> int:
        """Add labels, given by canonical keys wherever they belong (collective).

        A fixed hierarchy takes in none.

        Args:
            wanted: keys, shape (m, words); repeats and labels already in play do no harm.

        Returns:
            Number of labels added on all ranks; on every rank new labels follow the old ones.

        Raises:
            LimitReached: the basis would outgrow limits.max_unknowns; nothing was added.
        """
        if self._complete:
            return 0
        if self.comm.size > 1:
            wanted, _ = self._exchange.route(wanted)
        old, labels = self.n_local, self._linked.labels
        labels.insert(wanted)
        size = int(self.comm.allreduce(self.n_local))
        if size > self.limits.max_unknowns:
            labels.shrink(old)
            raise LimitReached(
                f"the basis would grow from {self.size} to {size} labels; "
                f"{self.limits.max_unknowns} are allowed. Ask for less accuracy, or allow more "
                "unknowns and memory."
            )
        added, self.size = size - self.size, size
        if added:
            self._linked.link_new(old)
        return added

    def distinct(self, keys: Keys) -> Keys:
        """Return those that this rank would own, each once, in play or not (collective)."""
        if self.comm.size > 1:
            keys, _ = self._exchange.route(keys)
        found = LabelSet(self.layout.n_words)
        found.insert(keys)
        return found.keys

    def find(self, wanted: Keys) -> NDArray[np.int64]:
        """Global indices of canonical keys, -1 where absent, wherever they live (collective)."""
        return self._linked.find(wanted)

    def values(self, wanted: Keys, x: ComplexArray) -> ComplexArray:
        """Elements of a state by canonical keys, 0 where absent, on any rank (collective)."""
        questions, back = (wanted, None) if self.comm.size == 1 else self._exchange.route(wanted)
        rows = self._linked.labels.rows(questions)
        found = np.where(rows >= 0, x[np.maximum(rows, 0)] if len(x) else 0, 0).astype(complex)
        return found if back is None else self._exchange.answer(found, back)

    def scatter(self, keys: Keys, values: ComplexArray) -> ComplexArray:
        """A state given by keys in play and their values, on this rank's labels (collective).

        Every rank gives what it has; keys given twice add up.
        """
        if self.comm.size > 1:
            keys, back = self._exchange.route(keys)
            values = self._exchange.follow(values, back)
        x = np.zeros(self.n_local, complex)
        np.add.at(x, self._linked.labels.rows(keys), values)
        return x

    def local_rows(self, wanted: Keys) -> NDArray[np.int64]:
        """Rows of this rank with canonical keys, -1 where another rank has them or none."""
        return self._linked.labels.rows(wanted)

    def canonical_keys(
        self, occupations: NDArray[np.uint8], kets: NDArray[np.int64], bras: NDArray[np.int64]
    ) -> tuple[Keys, NDArray[np.int64]]:
        """Keys of the representatives of labels, and their bits (-1: vanishes by symmetry).

        With translation the kets must be in cell 0.
        """
        keys, frame = self.layout.pack(occupations, kets, bras), self.frame
        return elements.canonical_rows(frame, frame, self.maps, self.maps, keys)

    def outflow(self, x: Amplitudes, threshold: float) -> Outflow:
        """What a state feeds outside the basis, and the labels that should enter (collective).

        Args:
            x: this rank's part of the state, or its sizes, shape (n_local,).
            threshold: least amplitude |L_mj x_j| / (damping_m + base_rate), absolute.
        """
        room = max(1024, self.n_local // 4)
        while True:
            found = np.empty((room, self.layout.n_words), np.uint64)
            count, total, rest, largest, capped = elements.find_candidates(
                self.frame,
                self.maps,
                self.strengths,
                self.base_rate,
                self.keys,
                self.links,
                self.damping,
                self._linked.leaks,
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

    def importance(self, x: Amplitudes, ghosts: Amplitudes) -> NDArray[np.float64]:
        """What pruning must respect: amplitudes, and what neighbours in play feed.

        Args:
            x: this rank's part of the state, or its sizes.
            ghosts: those of the ghosts, in the order of the last sparsity().

        Returns:
            The larger of |x_i| and |L_ij x_j| / (damping_i + base_rate), shape (n_local,).
        """
        weight = np.empty(self.n_local)
        entering, _ = slots(self.frame)
        elements.importance(
            self._code_sizes,
            self.damping,
            self.base_rate,
            self.links[:, :entering],
            self.codes[:, :entering],
            np.concatenate([x, ghosts]),
            weight,
        )
        return weight

    def keep(self, chosen: NDArray[np.bool_], x: ComplexArray) -> ComplexArray:
        """Keep the chosen labels of this rank only (collective); returns the state on them."""
        x = self._linked.keep(chosen, x)
        self.size = int(self.comm.allreduce(len(x)))
        return x

    def sparsity(self) -> Sparsity:
        """Entries row by row, and halo, of the present basis (collective)."""
        ghosts = self._linked.refresh_ghosts()
        entering, _ = slots(self.frame)
        links, codes = self.links[:, :entering], self.codes[:, :entering]
        rows = np.empty(self.n_local, np.uint32)
        lengths = np.empty(self.n_local, np.uint16)
        room = int(elements.order_rows(links, rows, lengths))
        columns = np.empty(room, np.uint32)
        kinds = np.empty(room, codes.dtype)
        elements.compress(links, codes, rows, columns, kinds)
        return Sparsity(
            rows,
            lengths,
            columns,
            kinds,
            self._linked.diagonal.copy(),
            ghosts,
            int(self.comm.exscan(self.n_local) or 0),
            self.size,
        )

    def extended(self, x: ComplexArray) -> ComplexArray:
        """A state from before labels were added, zero on them, dealt out anew if need be.

        Collective. Labels may move to other ranks.
        """
        new = np.zeros((self.n_local - len(x), *x.shape[1:]), complex)
        return self.rebalance(np.concatenate([x, new]))

    def rebalance(self, x: ComplexArray) -> ComplexArray:
        """Deal the labels out anew if some rank holds too many (collective); returns the state."""
        if self.comm.size == 1 or self._imbalance() <= _IMBALANCE:
            return x
        # equal places cannot be parted: not again until it got worse or the basis has outgrown it
        if self._imbalance() <= _IMBALANCE * self._dealt[0] and self.size < 2 * self._dealt[1]:
            return x
        x = self._linked.deal(x)
        self._frontier = np.empty(0, np.bool_)
        self._dealt = (self._imbalance(), self.size)
        return x

    def placement(self) -> Placement:
        """The labels in play as a copy; see hold()."""
        return Placement(self.keys.copy(), Dealing(self._exchange.splitters, *self._dealt))

    def hold(self, placement: Placement, x: ComplexArray) -> ComplexArray:
        """Hold these labels instead of those in play (collective); returns the state on them.

        With the dealing of the same number of ranks the basis is the one that was asked for its
        placement, and every later number the same to the last bit.
        """
        if placement.dealing is None:
            return self._deal(placement.keys, x)
        dealing = placement.dealing
        self._exchange.splitters = dealing.splitters
        self._fill(placement.keys)
        self._dealt = (dealing.imbalance, dealing.size)
        return x

    def _take_all(self) -> None:
        """Hold all labels of a fixed hierarchy that the equations reach (collective)."""
        kets = np.arange(self.frame.per_cell if self.sector.translation else self.model.n_sites)
        bras = np.arange(self.model.n_sites)
        pairs = np.repeat(kets, len(bras)), np.tile(bras, len(kets))
        vacuum = np.zeros((len(pairs[0]), self.layout.n_modes), np.uint8)
        keys, bits = self.canonical_keys(vacuum, *pairs)
        self.add(keys[bits >= 0])
        new = np.ones(self.n_local, complex)
        while self.add(self.outflow(new, 0.0).keys):
            new = 1 + self.extended(np.full(len(new), -1.0 + 0j))
        self._complete = True

    def frontier_weight(self, x: ComplexArray) -> float:
        """Norm of a state on the outermost ADOs of a fixed hierarchy over its norm (collective)."""
        assert self.limits.truncation is not None
        if len(self._frontier) != len(x):
            occupations, _, _ = self.labels()
            self._frontier = self.limits.truncation.frontier(occupations, self.frame.n_terms)
        squares = np.abs(x) ** 2
        part, whole = self.comm.allreduce(np.array([squares[self._frontier].sum(), squares.sum()]))
        return float(np.sqrt(part / whole)) if whole > 0 else 0.0

    def _deal(self, keys: Keys, x: ComplexArray) -> ComplexArray:
        """Deal out keys that ranks have anyhow; returns the state that goes with them."""
        if self.comm.size > 1:
            self._exchange.deal(keys)
            keys, back = self._exchange.route(keys)
            x = self._exchange.follow(x, back)
        self._fill(keys)
        self._dealt = (self._imbalance(), self.size)
        return x

    def _fill(self, keys: Keys) -> None:
        self.size = int(self.comm.allreduce(len(keys)))
        self._linked.replace(keys)
        self._frontier = np.empty(0, np.bool_)

    def _imbalance(self) -> float:
        """Labels on the fullest rank over the mean (collective)."""
        most = self.comm.allreduce(self.n_local, op=MPI.MAX)
        return float(most * self.comm.size / max(self.size, 1))
