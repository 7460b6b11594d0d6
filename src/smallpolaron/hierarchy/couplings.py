"""The equations of one element as tables: where its neighbours are, and what couples it to them.

    dX/dt = -i[H_S, X]_n - sum n_k nu_k X_n - sum_mu Delta_mu [V_mu,[V_mu, X_n]]
            - i sum_k V sqrt(n_k+1) (u_k X - ubar_k X V)_(n+e_k)
            - i sum_k sqrt(n_k) (d_k V X - dbar_k X V)_(n-e_k) + jumps (neighbours.py),

where u = ubar = sqrt(s_k), d = c_k/sqrt(s_k), dbar = cbar_k/sqrt(s_k) without mixing, k runs over
the terms of all modes mu, and V is the operator of the mode that k belongs to. V may take the
carrier to another site: its elements <a|V|c> are listed by site, like hops. A coefficient depends
on the kind of the coupling and one number (a site of the cell, an occupation), which make its code.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from smallpolaron.hierarchy.frame import (
    JUMP_SPAN,
    KINDS,
    MOST_EXCITED,
    Frame,
    Strengths,
)
from smallpolaron.hierarchy.limits import Limits
from smallpolaron.hierarchy.sector import Sector
from smallpolaron.hierarchy.terminators import Terminators
from smallpolaron.model.baths.expansion import BathExpansion, BathSet
from smallpolaron.model.lattice_model import Model
from smallpolaron.model.mode_table import ModeTable
from smallpolaron.model.site_table import NO_SITE

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_DIGITS = 9
"""Digits to which elements of V agree that make one channel."""


@dataclass(frozen=True)
class _Channels:
    """Different pairs of an element of V and a term of its bath.

    Attributes:
        number: by site of cell 0, element and term of its bath (-1: it has fewer), shape
            (per_cell, elements, most terms of a bath).
        place: site and element of the first of its kind, shape (channels, 2).
        term, value: of each channel.
    """

    number: IntArray
    place: IntArray
    term: IntArray
    value: ComplexArray


def _channels(modes: ModeTable, baths: BathSet) -> _Channels:
    first, counts = baths.first, np.diff([*baths.first, baths.n_terms])
    number = np.full((*modes.mode.shape, int(max(counts))), -1)
    known: dict[tuple[complex, ...], int] = {}
    found: list[tuple[int, int, int]] = []
    for site, element in np.argwhere(modes.mode != NO_SITE):
        bath = int(modes.bath_of_element[site, element])
        shape = (modes.value[site, element], *modes.path[site, element])
        scale = 10 ** np.floor(np.log10(max(map(abs, shape))))
        digits = tuple(complex(np.round(each / scale, _DIGITS)) for each in (*shape, scale))
        for k in range(counts[bath]):
            channel = known.setdefault((*digits, first[bath] + k), len(known))
            number[site, element, k] = channel
            if channel == len(found):
                found.append((int(site), int(element), int(first[bath] + k)))
    place, term = np.split(np.array(found, dtype=int).reshape(-1, 3), [2], axis=1)
    return _Channels(number, place, term[:, 0], modes.value[place[:, 0], place[:, 1]])


@dataclass(frozen=True)
class BathOperator:
    """An operator O = sum_ac (o_ac + sum_mu o^mu_ac X_mu)|a><c|.

    Attributes:
        table: its elements from the left and the right by coupling codes of hops and channels,
            without the bits of signs and conjugates: those of L with O in place of -i H from the
            left, i H from the right.
        bare: o_ac, shape (N, N).
        by_mode: o^mu_ac in row mu N + c, column a; shape (modes N, N).
    """

    table: ComplexArray
    bare: csr_array
    by_mode: csr_array


class Couplings:
    """The tables of a model with its baths in a sector.

    Attributes:
        model: the model.
        expansion: the expansion of its bath, or of all its baths.
        sector: which labels are independent.
        frame: sizes for the compiled functions.
        maps: where sites and modes are taken; see Frame.
        sites: the sites, with directions that only terminators lead along.
        table: coefficient of every coupling code, 1/fs. A code is 4 (kind span + argument)
            + 2 (negative) + conjugate; the conjugate bit is for whoever applies it.
        strengths: sizes of the couplings.
        dephasing: 2 Delta of local coupling, 1/fs; 0 otherwise.
        loss: diagonal of sum Delta V^2 of any other, shape (N,).
        white: 2 Delta <a|V|c><d|V|b> by the kinds of both elements, shape (kinds, kinds).
    """

    def __init__(
        self, model: Model, expansion: BathExpansion, sector: Sector, limits: Limits
    ) -> None:
        """Make the tables, within limits.

        Raises:
            ValueError: the sector has other sites, is no symmetry of the model, or has a momentum
                where modes are not local; or baths are missing.
        """
        self.model, self.expansion, self.sector = model, expansion, sector
        self._modes, baths = model.modes, BathSet.of(expansion)
        sites, n = model.sites, model.n_sites
        if sector.n_sites != n:
            raise ValueError(
                f"the sector has n_sites = {sector.n_sites}, the model {n}; make them equal"
            )
        if sector.translation and not sites.shape:
            raise ValueError(
                "translation needs a ring with equal hoppings and equal site energies, or a "
                "lattice whose cells are alike; use a sector without it"
            )
        if sector.momentum and not self._modes.local:
            raise ValueError("momentum 0 is needed unless all couplings are local and alike")
        if (last := int(np.max(self._modes.baths, initial=0))) >= len(baths.parts):
            raise ValueError(f"a mode has bath {last}; {len(baths.parts)} expansions are given")
        _require_symmetry(sector, model)
        local = self._modes.local
        deltas = np.array([part.terminator for part in baths.parts])
        self.dephasing = 2 * float(deltas[0]) if local else 0.0
        whites = Terminators(self._modes, np.zeros_like(deltas) if local else deltas)
        self.sites, self._losses = whites.extended_sites()
        own = np.zeros(sites.per_cell) if local else whites.diagonal
        self.loss = np.tile(own, sites.n_cells)
        self.white = whites.pairs()
        self._channels = _channels(self._modes, baths)
        self.frame, self.maps = self._framed(baths, whites, limits)
        self.table = self._coefficients()
        self.strengths = self._strengths()

    def _framed(
        self, baths: BathSet, whites: "Terminators", limits: Limits
    ) -> tuple[Frame, NDArray[np.int32]]:
        sector, sites, modes, expansion = self.sector, self.sites, self._modes, self.expansion
        n, window = sites.n_sites, not sector.wraps
        ways, signs = sector.operations
        to = sites.targets(window=window)
        moves = sector.translation
        places, cells, no_shift = np.empty(0, np.int32), np.empty(0, np.int32), 0
        if moves:
            places, cells, no_shift = sites.shifts(window=window)
        local, n_terms, n_modes = modes.local, expansion.n_terms, modes.n_modes
        rule, max_occupation = np.empty(0), limits.max_occupation
        n_entries = min(n_modes * n_terms, MOST_EXCITED)
        if limits.truncation is not None:
            rule = limits.truncation.rule(n_modes, n_terms)
            max_occupation = int(rule[0] / np.min(rule[2:]))
            n_entries = min(n_entries, max_occupation)
        term_bits, occupation_bits = int(n_terms - 1).bit_length(), int(max_occupation).bit_length()
        site_bits, mode_bits = (max(1, int(count - 1).bit_length()) for count in (n, n_modes))
        chain = local and len(sites.shape) < 2 and to.shape[1] == 2
        rows: list[NDArray[np.int32]] = [ways, to.T]
        at = {}

        def append(name: str, *more: NDArray[np.int32]) -> None:
            at[name] = sum(map(len, rows))
            rows.extend(more)

        append("shifts_at", places[None], cells[None])
        if not local:
            append("modes_at", modes.images(ways))
            append("lists_at", self._lists(window))
            append("whites_at", whites.rows(window))
        jumps = _jumps(modes, baths, expansion)
        append("jumps_at", jumps)
        append("near")
        if not chain:
            rows.append(_distances(modes, sites.per_cell if moves else n, moves))
        frame = Frame(
            n_sites=n,
            per_cell=sites.per_cell,
            n_modes=n_modes,
            modes_per_cell=modes.per_cell,
            n_terms=n_terms,
            max_occupation=max_occupation,
            n_entries=n_entries,
            entry_bits=mode_bits + term_bits + occupation_bits,
            term_bits=term_bits,
            occupation_bits=occupation_bits,
            site_bits=site_bits,
            hops=2 * to.shape[1],
            still=2 * to.shape[1] + whites.width * whites.ways,
            lists=n_terms if local else len(self._lists(window)) // 4,
            channels=len(self._channels.term),
            ways=len(ways),
            minus=sum(1 << way for way, sign in enumerate(signs) if sign < 0),
            vanishing=not sector.odd_part,
            translation=sector.translation,
            hermitian=sector.hermitian,
            pairs=sum(1 << k for k, partner in enumerate(expansion.partners) if partner == k + 1),
            span=max(max_occupation + 1, sites.per_cell),
            n_mixed=expansion.mixed_pairs.shape[0],
            jump_kinds=len(expansion.jumps),
            jumps=jumps.shape[1] * sites.n_cells,
            chain=chain,
            local=local,
            assisted=modes.moves_carrier,
            whites=whites.width,
            white_ways=whites.ways,
            white_kinds=len(self.white),
            shifts_at=at["shifts_at"],
            no_shift=no_shift,
            modes_at=at.get("modes_at", 0),
            near=at["near"],
            lists_at=at.get("lists_at", 0),
            whites_at=at.get("whites_at", 0),
            jumps_at=at["jumps_at"],
            rule=rule,
        )
        width = max(each.shape[1] for each in rows)
        maps, first = np.full((sum(map(len, rows)), width), NO_SITE, np.int32), 0
        for each in rows:
            maps[first : first + len(each), : each.shape[1]] = each
            first += len(each)
        return frame, maps

    def _lists(self, window: bool) -> NDArray[np.int32]:
        """Site, mode, term and channel of every element and term, four rows each."""
        targets, modes = self._modes.reached(window=window)
        number = np.tile(self._channels.number, (self.sites.n_cells, 1, 1))
        rows = []
        for element, k in np.ndindex(*number.shape[1:]):
            channel = number[:, element, k]
            if np.all(channel < 0):
                continue
            known = channel >= 0
            site = np.where(known, targets[:, element], NO_SITE)
            rows += [site, modes[:, element], self._channels.term[channel], channel]
        return np.array(rows, np.int32).reshape(-1, self.sites.n_sites)

    def _coefficients(self) -> ComplexArray:
        frame, expansion, channels = self.frame, self.expansion, self._channels
        hops, sites = frame.hops, self.sites
        raised_ket, raised_bra = expansion.up
        ket, bra = expansion.down
        values = np.zeros((hops + KINDS * frame.channels + 1, frame.span), dtype=complex)
        phases = np.ones(sites.hop.shape, complex)
        if frame.translation:
            phases = self.sector.phases[np.maximum(sites.neighbours, 0) // sites.per_cell]
        own = slice(0, sites.per_cell)
        values[: hops // 2, own] = (-1j * sites.hop * phases - self._losses).T
        values[hops // 2 : hops, own] = (1j * sites.hop.conj() - self._losses.conj()).T
        occupation = np.arange(frame.max_occupation + 1, dtype=float)
        inside = slice(0, len(occupation))
        more, less = np.sqrt(occupation + 1), np.sqrt(occupation)
        for channel, (k, v) in enumerate(zip(channels.term, channels.value, strict=True)):
            first = hops + KINDS * channel
            values[first, inside] = -1j * more * raised_ket[k] * v
            values[first + 1, inside] = -1j * less * ket[k] * v
            values[first + 2, inside] = 1j * more * raised_bra[k] * v.conj()
            values[first + 3, inside] = 1j * less * bra[k] * v.conj()
            values[first + 4, inside] = -1j * less * (ket[k] - bra[k]) * v
            values[first + 5, inside] = -1j * more * (raised_ket[k] - raised_bra[k]) * v
        # of an occupation that rises, its root afterwards; of one that falls, before
        number = np.arange(JUMP_SPAN)
        root = {1: np.sqrt(number + 1.0), -1: np.sqrt(number)}
        jumps = [
            (each.strength * np.multiply.outer(*(root[change] for change in each.changes))).ravel()
            for each in expansion.jumps
        ]
        every = np.concatenate([values.ravel(), *jumps, self.white.ravel()])
        return np.ascontiguousarray(np.stack([every, every, -every, -every], axis=-1).reshape(-1))

    @cached_property
    def current(self) -> "BathOperator":
        """J along the direction of the model, angstrom/fs, with what the baths assist."""
        e = self.model.unit_direction
        return self._operator(self.model.flows, 1j * (self._modes.path @ e))

    @cached_property
    def curvature(self) -> "BathOperator":
        """H - H_bath with elements weighted by ((r_b - r_a).e)^2, angstrom^2 rad/fs."""
        e = self.model.unit_direction
        assisted = np.einsum("smij,i,j->sm", self._modes.square, e, e)
        return self._operator(self.model.curvature, assisted)

    def _operator(self, hops: ComplexArray, modes: ComplexArray) -> "BathOperator":
        """sum_ac (o_ac + sum_mu o^mu_ac X_mu)|a><c|.

        Args:
            hops: o_ac by site of cell 0 and direction of the model.
            modes: o^mu_ac by site of cell 0 and element.
        """
        frame, channels, expansion = self.frame, self._channels, self.expansion
        table, width = self.model.sites, hops.shape[1]
        kinds = frame.hops + (KINDS * frame.channels if frame.assisted else 0)
        values = np.zeros((kinds, frame.span), dtype=complex)
        phases = np.ones(hops.shape, complex)
        if frame.translation:
            phases = self.sector.phases[np.maximum(table.neighbours, 0) // table.per_cell]
        values[:width, : table.per_cell] = (hops * phases).T
        bra = frame.hops // 2
        values[bra : bra + width, : table.per_cell] = hops.conj().T
        occupation = np.arange(frame.max_occupation + 1, dtype=float)
        inside, more, less = slice(0, len(occupation)), np.sqrt(occupation + 1), np.sqrt(occupation)
        for channel, k in enumerate(channels.term if frame.assisted else ()):
            first, value = frame.hops + KINDS * channel, modes[tuple(channels.place[channel])]
            values[first, inside] = more * expansion.up[0][k] * value
            values[first + 1, inside] = less * expansion.down[0][k] * value
            values[first + 2, inside] = more * expansion.up[1][k] * value.conj()
            values[first + 3, inside] = less * expansion.down[1][k] * value.conj()
        n = table.n_sites
        targets, owners = self._modes.reached(window=False)
        left, element = np.nonzero((owners != NO_SITE) & frame.assisted)
        rows = owners[left, element] * n + targets[left, element]
        by_mode = csr_array(
            (modes[left % table.per_cell, element], (rows, left)), shape=(frame.n_modes * n, n)
        )
        return BathOperator(values.reshape(-1), table.matrix(hops), by_mode)

    @property
    def pull(self) -> float:
        """Root of the sum of |c_k V|^2 over what acts on one site, the largest, 1/fs."""
        sizes, modes = self.expansion.sizes, self._modes
        if modes.local:
            return float(np.sqrt(np.sum(sizes)))
        channels = np.append(sizes[self._channels.term] * np.abs(self._channels.value) ** 2, 0.0)
        return float(np.sqrt(np.max(np.sum(channels[self._channels.number], axis=(1, 2)))))

    def _strengths(self) -> Strengths:
        expansion, term, value = self.expansion, self._channels.term, np.abs(self._channels.value)
        sides, size, root = expansion.sides, expansion.scales, np.sqrt(expansion.scales)
        raised_ket, raised_bra = expansion.up
        nothing = np.zeros(len(size))
        population = np.divide(
            np.abs(sides[0] - sides[1]), root, out=nothing.copy(), where=size > 0
        )
        # exactly sqrt|c_k| both where the rate is real
        ket, bra = (
            root * np.divide(np.abs(each), size, out=nothing.copy(), where=size > 0)
            for each in sides
        )
        rates = expansion.diagonal_rates.real
        lost = bool(np.any(self._losses))
        hop = np.abs(1j * self.sites.hop - self._losses) if lost else np.abs(self.sites.hop)
        decay = np.abs(raised_ket), np.abs(raised_bra), np.abs(raised_ket - raised_bra)
        return Strengths(
            hop,
            value * ket[term],
            value * bra[term],
            value * population[term],
            value * decay[0][term],
            value * decay[1][term],
            value * decay[2][term],
            rates[term],
            np.array([abs(each.strength) for each in expansion.jumps]),
            np.array([each.damping for each in expansion.jumps]),
            np.abs(self.white).reshape(-1),
        )


def _require_symmetry(sector: Sector, model: Model) -> None:
    """Refuse a sector that the Hamiltonian does not have."""
    ways, _ = sector.operations
    h = model.sites.matrix(model.sites.hop) + diags_array(model.energies, format="csr")
    for way in ways[1:]:
        inside = np.flatnonzero(way >= 0)
        change = h[way[inside]][:, way[inside]] - h[inside][:, inside]
        if np.any(np.abs(change.data) > 1e-12 * np.max(np.abs(h.data), initial=0.0)):
            raise ValueError(
                f"parity = {sector.parity} with mirror = {sector.mirror}: this reflection changes "
                "the hoppings, the site energies or the flux; use parity = 0"
            )


def _jumps(modes: ModeTable, baths: BathSet, expansion: BathExpansion) -> NDArray[np.int32]:
    """Mode, first term, number and changes of every jump of a cell, shape (5, jumps)."""
    every = expansion.jumps
    of_bath = np.searchsorted(baths.first, [each.first for each in every], side="right") - 1
    found = [
        (mode, each.first, number, *each.changes)
        for mode, bath in enumerate(modes.baths)
        for number, each in enumerate(every)
        if of_bath[number] == bath
    ]
    return np.asarray(np.array(found, np.int32).reshape(-1, 5).T)


def _distances(modes: ModeTable, starts: int, translation: bool) -> NDArray[np.int32]:
    """Hops between modes: from those of cell 0 with translation, else from all."""
    sites = modes.sites
    if modes.local:
        return sites.distances(np.arange(starts))
    _, owners = modes.reached(window=False)
    away = sites.distances(np.arange(sites.n_sites))
    count = modes.per_cell if translation else modes.n_modes
    member = [np.flatnonzero(np.any(owners == mode, axis=1)) for mode in range(modes.n_modes)]
    found = [[np.sum(away[np.ix_(member[i], each)]) for each in member] for i in range(count)]
    return np.asarray(np.array(found).astype(np.int32))
