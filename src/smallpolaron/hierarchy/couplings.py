"""The equations of one element as tables: what couples it to its neighbours; see maps.py for where.

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

from smallpolaron.hierarchy.frame import JUMP_SPAN, KINDS, Strengths
from smallpolaron.hierarchy.limits import Limits
from smallpolaron.hierarchy.maps import find_channels, framed
from smallpolaron.hierarchy.sector import Sector
from smallpolaron.hierarchy.terminators import Terminators
from smallpolaron.model.baths.expansion import BathExpansion, BathSet
from smallpolaron.model.lattice_model import Model
from smallpolaron.model.site_table import NO_SITE

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]


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
        self._functions = expansion.functions
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
        self._channels = find_channels(self._modes, baths)
        self.frame, self.maps = framed(
            sector, self.sites, self._modes, baths, whites, self._channels, limits
        )
        self.table = self._coefficients()
        self.strengths = self._strengths()

    def _coefficients(self) -> ComplexArray:
        frame, functions, channels = self.frame, self._functions, self._channels
        hops, sites = frame.hops, self.sites
        raised_ket, raised_bra = functions.up
        ket, bra = functions.down
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
            for each in functions.jumps
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
        frame, channels, functions = self.frame, self._channels, self._functions
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
            values[first, inside] = more * functions.up[0][k] * value
            values[first + 1, inside] = less * functions.down[0][k] * value
            values[first + 2, inside] = more * functions.up[1][k] * value.conj()
            values[first + 3, inside] = less * functions.down[1][k] * value.conj()
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
        sizes, modes = self._functions.sizes, self._modes
        if modes.local:
            return float(np.sqrt(np.sum(sizes)))
        channels = np.append(sizes[self._channels.term] * np.abs(self._channels.value) ** 2, 0.0)
        return float(np.sqrt(np.max(np.sum(channels[self._channels.number], axis=(1, 2)))))

    def _strengths(self) -> Strengths:
        functions, term, value = self._functions, self._channels.term, np.abs(self._channels.value)
        sides, size, root = functions.sides, functions.scales, np.sqrt(functions.scales)
        raised_ket, raised_bra = functions.up
        nothing = np.zeros(len(size))
        population = np.divide(
            np.abs(sides[0] - sides[1]), root, out=nothing.copy(), where=size > 0
        )
        # exactly sqrt|c_k| both where the rate is real
        ket, bra = (
            root * np.divide(np.abs(each), size, out=nothing.copy(), where=size > 0)
            for each in sides
        )
        rates = functions.diagonal_rates.real
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
            np.array([abs(each.strength) for each in functions.jumps]),
            np.array([each.damping for each in functions.jumps]),
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
