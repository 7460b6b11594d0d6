"""Which modes act on the carrier at every site, and where they take it.

Modes are numbered like sites: by cell, then by their place in the cell.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from smallpolaron.model.coupling import Coupling
from smallpolaron.model.lattice import Lattice
from smallpolaron.model.site_table import BEYOND, NO_SITE, Blocks, IntArray, SiteTable

ComplexArray = NDArray[np.complex128]


@dataclass(frozen=True)
class ModeTable:
    """The elements <a|V_mu|c>, listed by the site a of cell 0 that they start on.

    Attributes:
        sites: the sites.
        local: every site has one mode and V = |a><a|: modes are numbered as sites.
        baths: number of the bath of each mode of a cell, shape (modes,).
        mode: place of mu in its cell, NO_SITE where a site has fewer elements than others; shape
            (per_cell, elements).
        mode_steps: cells from the site to mu, shape (per_cell, elements, dimensions).
        target: place of c in its cell.
        target_steps: cells from the site to c.
        value: <a|V_mu|c>.
        path: sum over elements of value (r_c - r_a), angstrom, shape (..., 3).
        square: sum over elements of value (r_c - r_a)(r_c - r_a), shape (..., 3, 3).
    """

    sites: SiteTable
    local: bool
    baths: IntArray
    mode: IntArray
    mode_steps: IntArray
    target: IntArray
    target_steps: IntArray
    value: ComplexArray
    path: ComplexArray
    square: ComplexArray

    @property
    def per_cell(self) -> int:
        """Modes per cell."""
        return len(self.baths)

    @property
    def n_modes(self) -> int:
        """Number of modes."""
        return self.sites.n_cells * self.per_cell

    @property
    def moves_carrier(self) -> bool:
        """Whether some mode takes the carrier from site to site."""
        return bool(np.any(self.path))

    @property
    def bath_of_element(self) -> IntArray:
        """Number of the bath of each element, shape (per_cell, elements)."""
        return np.asarray(self.baths[np.maximum(self.mode, 0)])

    def reached(self, *, window: bool) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Sites and modes that the elements of every site lead to, NO_SITE or BEYOND.

        Returns:
            Two arrays of shape (n_sites, elements).
        """
        targets = self.sites.reached(self.target, self.target_steps, window=window)
        modes = self.sites.reached(self.mode, self.mode_steps, self.per_cell, window=window)
        return targets, modes

    def images(self, ways: NDArray[np.int32]) -> NDArray[np.int32]:
        """Where operations that permute the sites take every mode; BEYOND as there.

        Args:
            ways: permutations of the sites, shape (operations, N).

        Returns:
            Shape (operations, n_modes).

        Raises:
            ValueError: an operation changes the couplings.
        """
        if self.local:
            return ways
        found = [self._image(way) for way in ways]
        if any(each is None for each in found):
            raise ValueError("an operation of the lattice changes the couplings to the baths")
        return np.array(found, np.int32)

    def allow(self, way: IntArray) -> bool:
        """Whether an operation of the sites takes every mode to one with the same bath."""
        return self.local or self._image(way) is not None

    def matrix(self, values: ComplexArray) -> csr_array:
        """Sum over all modes of values by site of cell 0 and element, shape (N, N)."""
        targets, _ = self.reached(window=False)
        rows, elements = np.nonzero(targets != NO_SITE)
        entries = values[rows % self.sites.per_cell, elements]
        return csr_array(
            (entries, (rows, targets[rows, elements])), shape=(self.sites.n_sites,) * 2
        )

    def _image(self, way: IntArray | NDArray[np.int32]) -> IntArray | None:
        table, own = self.sites, self.sites.per_cell
        numbers = {operator: mode for mode, operator in enumerate(self._operators)}
        shifts, places = [], []
        for operator in self._operators[: self.per_cell]:
            bath, elements = operator
            turned = frozenset((int(way[a]), int(way[c]), value) for a, c, value in elements)
            if (to := numbers.get((bath, turned))) is None:
                return None
            shifts.append(table.centred[to // self.per_cell])
            places.append(to % self.per_cell)
        # cells go to cells by one matrix: what it does to the neighbours of cell 0 tells
        units = table.number(np.eye(len(table.shape), dtype=int)) * own
        centre = table.centred[way[0] // own]
        matrix = table.centred[way[units] // own] - centre
        matrix[np.array(table.shape, dtype=int) == 1] = 0
        to = (table.centred @ matrix)[:, None] + np.array(shifts)
        modes = table.number(to) * self.per_cell + np.array(places)
        modes[table.beyond(to)] = BEYOND
        return np.asarray(modes.reshape(-1))

    @cached_property
    def _operators(self) -> list[tuple[int, frozenset[tuple[int, int, complex]]]]:
        """Bath and elements (a, c, <a|V|c>) of every mode, with wrapping."""
        targets, modes = self.reached(window=False)
        found: list[set[tuple[int, int, complex]]] = [set() for _ in range(self.n_modes)]
        for site, element in np.argwhere(modes != NO_SITE):
            value = complex(np.round(self.value[site % self.sites.per_cell, element], 9))
            found[modes[site, element]].add((int(site), int(targets[site, element]), value))
        baths = np.tile(self.baths, self.sites.n_cells)
        return [(int(bath), frozenset(each)) for bath, each in zip(baths, found, strict=True)]


def local_modes(sites: SiteTable) -> ModeTable:
    """A bath of its own on every site, all alike."""
    own, d = sites.per_cell, len(sites.shape)
    here, still = np.arange(own)[:, None], np.zeros((own, 1, d), dtype=int)
    one, nowhere = np.ones((own, 1), complex), np.zeros((own, 1, 3), complex)
    square = np.zeros((own, 1, 3, 3), complex)
    none = np.zeros(own, dtype=int)
    return ModeTable(sites, True, none, here, still, here, still, one, nowhere, square)


@dataclass
class _Entry:
    """Elements of one mode from one site to one other: what becomes of them on a small torus."""

    mode: int
    mode_step: tuple[int, ...]
    target: int
    target_step: tuple[int, ...]
    value: complex
    path: ComplexArray
    square: ComplexArray


def tabulate_modes(
    lattice: Lattice, couplings: tuple[Coupling, ...], sites: SiteTable, *, uniform: bool
) -> ModeTable:
    """The modes of a lattice.

    On open lattices the elements that lead outside are left out, and modes that have no others.

    Args:
        lattice: the lattice.
        couplings: the modes of a cell.
        sites: its sites.
        uniform: as they were tabulated.
    """
    blocks = Blocks.of(lattice, uniform=uniform)
    found: list[dict[tuple[int, ...], _Entry]] = [{} for _ in range(sites.per_cell)]
    baths: list[int] = []
    for block in blocks.index:
        for coupling in couplings:
            entries = list(_entries(lattice, coupling, block, blocks, len(baths)))
            baths += [coupling.bath] if entries else []
            for site, entry in entries:
                wrapped = (blocks.wrapped(step) for step in (entry.mode_step, entry.target_step))
                key = (entry.mode, entry.target, *(n for step in wrapped for n in step))
                known = found[site].setdefault(key, entry)
                if known is not entry:
                    known.value += entry.value
                    known.path, known.square = known.path + entry.path, known.square + entry.square
    width, d = max((len(each) for each in found), default=0), len(sites.shape)
    shape = (sites.per_cell, width)
    table = ModeTable(
        sites,
        False,
        np.array(baths, dtype=int),
        np.full(shape, NO_SITE),
        np.zeros((*shape, d), dtype=int),
        np.full(shape, NO_SITE),
        np.zeros((*shape, d), dtype=int),
        np.zeros(shape, complex),
        np.zeros((*shape, 3), complex),
        np.zeros((*shape, 3, 3), complex),
    )
    for site, each in enumerate(found):
        for at, entry in enumerate(each.values()):
            table.mode[site, at], table.mode_steps[site, at] = entry.mode, entry.mode_step
            table.target[site, at], table.target_steps[site, at] = entry.target, entry.target_step
            table.value[site, at], table.path[site, at] = entry.value, entry.path
            table.square[site, at] = entry.square
    return table


def _entries(
    lattice: Lattice, coupling: Coupling, block: tuple[int, ...], blocks: Blocks, mode: int
) -> Iterator[tuple[int, _Entry]]:
    """The elements of one mode from either side, each with the site of cell 0 it begins on."""
    d = lattice.dimensions
    for each in coupling.elements:
        origin = np.array(each.origin or (0,) * d, dtype=int)
        across = np.array(each.cell or (0,) * d, dtype=int)
        ends = []
        for site, cell in ((each.first, origin), (each.second, origin + across)):
            place = blocks.find(block, cell.tolist(), site)
            if place is not None:
                ends.append((place, np.array([cell[axis] for axis in blocks.free], dtype=int)))
        if len(ends) < 2:
            continue
        away = lattice.sites[each.second] - lattice.sites[each.first] + across @ lattice.vectors
        for way in (1, -1):
            (a, here), (c, there) = ends[::way]
            value = complex(each.value) if way > 0 else complex(each.value).conjugate()
            path, square = value * way * away, value * np.outer(away, away)
            steps = tuple((-here).tolist()), tuple((there - here).tolist())
            yield a, _Entry(mode, steps[0], c, steps[1], value, path, square)
            if each.is_diagonal:
                break
