"""The sites that a model has, whom each is joined to, and how translations permute them.

What can be translated is a grid of cells; open dimensions, disorder and clusters make one large
cell.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from smallpolaron.model.lattice import Bond, Lattice

ComplexArray = NDArray[np.complex128]
IntArray = NDArray[np.int64]

NO_SITE, BEYOND = -1, -2
"""Stands for a site that is absent: it lies outside the window of an infinite lattice."""


@dataclass(frozen=True)
class SiteTable:
    """Sites ordered by cell (the last dimension runs fastest), then by their place in the cell.

    A direction is the place of a neighbour in the list of its site. In an infinite dimension the
    cells of a window are numbered 0 ... half, -half ... -1.

    Attributes:
        shape: cells per dimension; empty where nothing can be translated.
        infinite: per dimension, whether its cells are a window.
        neighbours: site that each site of cell 0 is joined to, with wrapping, NO_SITE where it has
            fewer neighbours than others; shape (per_cell, directions).
        steps: cells from the site to that neighbour, shape (per_cell, directions, dimensions).
        hop: h_ab, rad/fs, a the site of cell 0, b the neighbour; shape (per_cell, directions).
        path: sum over bonds of h_ab (r_b - r_a), angstrom rad/fs; shape (..., 3).
        square: sum over bonds of h_ab (r_b - r_a)(r_b - r_a), shape (..., 3, 3).
    """

    shape: tuple[int, ...]
    infinite: tuple[bool, ...]
    neighbours: IntArray
    steps: IntArray
    hop: ComplexArray
    path: ComplexArray
    square: ComplexArray

    @property
    def per_cell(self) -> int:
        """Sites per cell."""
        return len(self.neighbours)

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return int(np.prod(self.shape, dtype=int))

    @property
    def n_sites(self) -> int:
        """Number of sites."""
        return self.n_cells * self.per_cell

    @cached_property
    def cells(self) -> IntArray:
        """Coordinates of the cells, from 0, shape (n_cells, dimensions)."""
        return np.indices(self.shape, dtype=int).reshape(len(self.shape), self.n_cells).T

    @cached_property
    def centred(self) -> IntArray:
        """The same, from minus half the number of cells."""
        half = (np.array(self.shape, dtype=int) - 1) // 2
        return np.where(self.cells > half, self.cells - self.shape, self.cells)

    def number(self, cells: IntArray) -> IntArray:
        """Numbers of cells from coordinates that wrap around, shape (..., dimensions)."""
        if not self.shape:
            return np.zeros(cells.shape[:-1], dtype=int)
        wrapped = np.moveaxis(np.mod(cells, self.shape), -1, 0)
        return np.asarray(np.ravel_multi_index(tuple(wrapped), self.shape))

    def moved(self, *, window: bool) -> NDArray[np.int32]:
        """Where every site goes when a cell is moved to cell 0.

        Args:
            window: BEYOND where it leaves the window of an infinite dimension; else it wraps.

        Returns:
            Shape (n_cells, n_sites).
        """
        places, numbers, start = self.shifts(window=window)
        cells = numbers[places - places[:, None] + start][..., None]
        sites = np.where(cells < 0, cells, cells * self.per_cell + np.arange(self.per_cell))
        return np.asarray(sites.reshape(self.n_cells, -1), np.int32)

    def shifts(self, *, window: bool) -> tuple[NDArray[np.int32], NDArray[np.int32], int]:
        """Where a cell goes when another one is moved to cell 0, by the difference of their places.

        Args:
            window: as of moved().

        Returns:
            Places of all cells; numbers of cells, or BEYOND, by differences of places and `start`;
            and start.
        """
        shape = np.array(self.shape, dtype=int)
        spans, half = tuple(2 * shape - 1), (shape - 1) // 2
        places = np.ravel_multi_index(tuple((self.cells + half).T % shape[:, None]), spans)
        differences = np.indices(spans, dtype=int).reshape(len(spans), -1).T - (shape - 1)
        numbers = self.number(differences)
        if window:
            numbers[np.any(np.array(self.infinite) & (np.abs(differences) > half), axis=1)] = BEYOND
        start = int(np.ravel_multi_index(tuple(shape - 1), spans))
        return places.astype(np.int32), numbers.astype(np.int32), start

    def targets(self, *, window: bool) -> NDArray[np.int32]:
        """Neighbour of every site by direction, NO_SITE or BEYOND; shape (n_sites, directions)."""
        own = np.where(self.neighbours == NO_SITE, NO_SITE, self.neighbours % self.per_cell)
        return self.reached(own, self.steps, window=window)

    def reached(
        self, places: IntArray, steps: IntArray, per_cell: int = 0, *, window: bool
    ) -> NDArray[np.int32]:
        """What every site leads to, NO_SITE or BEYOND.

        Args:
            places: in their cell, NO_SITE for nothing, by site of cell 0; shape (per_cell, ways).
            steps: cells to get there, shape (per_cell, ways, dimensions).
            per_cell: how many of what is reached a cell has; 0 for sites.
            window: BEYOND where a step leaves the window of an infinite dimension; else it wraps.

        Returns:
            Numbers by cell and place, shape (n_sites, ways).
        """
        to = self.number(self.cells[:, None, None] + steps) * (per_cell or self.per_cell) + places
        if window:
            to[self.beyond(self.centred[:, None, None] + steps)] = BEYOND
        to[:, places == NO_SITE] = NO_SITE
        return to.reshape(self.n_sites, -1).astype(np.int32)

    def distances(self, sites: IntArray) -> NDArray[np.int32]:
        """Hops from these sites to all on the shortest way, with wrapping, far ones 255."""
        graph = abs(self.matrix(np.ones(self.hop.shape, complex)))
        from scipy.sparse.csgraph import shortest_path  # takes a while to import

        return np.minimum(shortest_path(graph, unweighted=True, indices=sites), 255).astype(
            np.int32
        )

    def matrix(self, values: ComplexArray) -> csr_array:
        """A matrix from values by site of cell 0 and direction: element <site| |neighbour>."""
        to = self.targets(window=False)
        rows, directions = np.nonzero(to != NO_SITE)
        # neighbours of a site are distinct
        entries = values[rows % self.per_cell, directions]
        return csr_array((entries, (rows, to[rows, directions])), shape=(self.n_sites,) * 2)

    def beyond(self, cells: IntArray) -> NDArray[np.bool_]:
        """Which centred coordinates are outside the window, shape (...)."""
        half = (np.array(self.shape, dtype=int) - 1) // 2
        outside = (np.abs(cells) > half) & np.array(self.infinite, dtype=bool)
        return np.asarray(np.any(outside, axis=-1))


@dataclass(frozen=True)
class Blocks:
    """The cells that become one large cell, and the dimensions along which that one repeats.

    Attributes:
        lattice: the lattice.
        free: dimensions with translations.
        held: the others.
        index: coordinates of a cell in the held dimensions -> its first site in the large cell.
    """

    lattice: Lattice
    free: list[int]
    held: list[int]
    index: dict[tuple[int, ...], int]

    @classmethod
    def of(cls, lattice: Lattice, *, uniform: bool) -> "Blocks":
        """Those of a lattice; see tabulate.

        Raises:
            ValueError: cells of an infinite lattice differ.
        """
        if not uniform and lattice.is_infinite:
            raise ValueError(
                "sites of an infinite lattice: energies repeat with the cell; give one each"
            )
        free = [axis for axis, side in enumerate(lattice.boundary) if uniform and side != "open"]
        held = [axis for axis in range(lattice.dimensions) if axis not in free]
        every = np.ndindex(*(lattice.cells[axis] for axis in held))
        n_own = len(lattice.sites_A)
        return cls(lattice, free, held, {block: i * n_own for i, block in enumerate(every)})

    def wrapped(self, step: Sequence[int]) -> tuple[int, ...]:
        """Cells along the free dimensions: on a torus those around it end on the same site."""
        lattice = self.lattice
        return tuple(
            r if lattice.boundary[a] == "infinite" else r % lattice.cells[a]
            for a, r in zip(self.free, step, strict=True)
        )

    def find(self, block: tuple[int, ...], across: Sequence[int], site: int) -> int | None:
        """Place in the large cell of a site some cells from a block; None outside the lattice."""
        there = [at + across[axis] for at, axis in zip(block, self.held, strict=True)]
        for i, axis in enumerate(self.held):
            if self.lattice.boundary[axis] == "periodic":
                there[i] %= self.lattice.cells[axis]
        first = self.index.get(tuple(int(n) for n in there))
        return None if first is None else first + site


def tabulate(lattice: Lattice, hopping: float, *, uniform: bool = True) -> SiteTable:
    """The sites of a lattice.

    Args:
        lattice: the lattice.
        hopping: rad/fs, the unit of its hoppings.
        uniform: whether cells are alike; if not, all of them are taken as one.

    Raises:
        ValueError: a bond joins a site to its own image; or cells of an infinite lattice differ.
    """
    blocks = Blocks.of(lattice, uniform=uniform)
    shape = tuple(lattice.cells[axis] for axis in blocks.free)
    infinite = tuple(lattice.boundary[axis] == "infinite" for axis in blocks.free)
    per_cell = len(lattice.sites_A) * len(blocks.index)
    found: list[dict[tuple[int, ...], _Joined]] = [{} for _ in range(per_cell)]
    ends = ((bond, 1) for bond in lattice.bonds), ((bond, -1) for bond in lattice.bonds)
    for bond, way in (pair for each in zip(*ends, strict=True) for pair in each):
        _join(lattice, bond, way, blocks, found)
    width = max((len(near) for near in found), default=0)
    d = len(blocks.free)
    steps = np.zeros((len(found), width, d), dtype=int)
    neighbours = np.full((len(found), width), NO_SITE)
    hop = np.zeros((len(found), width), complex)
    path, square = np.zeros((*hop.shape, 3), complex), np.zeros((*hop.shape, 3, 3), complex)
    table = SiteTable(shape, infinite, neighbours, steps, hop, path, square)
    for site, near in enumerate(found):
        for place, (key, joined) in enumerate(near.items()):
            steps[site, place] = joined.step
            cell = int(table.number(np.array(joined.step, dtype=int)))
            neighbours[site, place] = cell * len(found) + key[-1]
            hop[site, place] = hopping * joined.hop
            path[site, place] = hopping * joined.path
            square[site, place] = hopping * joined.square
    return table


@dataclass
class _Joined:
    """All bonds from one site to another."""

    step: tuple[int, ...]
    hop: complex
    path: ComplexArray
    square: ComplexArray


def _join(
    lattice: Lattice,
    bond: Bond,
    way: int,
    blocks: Blocks,
    found: list[dict[tuple[int, ...], _Joined]],
) -> None:
    """Enter a bond from its first (way = 1) or its second site, in every block of cells."""
    if bond.hopping == 0:
        return
    start, end = (bond.first, bond.second)[::way]
    h = complex(bond.hopping) if way > 0 else complex(bond.hopping).conjugate()
    away = way * lattice.displacement_A(bond)
    across = [way * r for r in bond.cell]
    step = tuple(across[axis] for axis in blocks.free)
    wrapped = blocks.wrapped(step)
    for block, first in blocks.index.items():
        target = blocks.find(block, across, end)
        if target is None:
            continue
        site = first + start
        if site == target and not any(wrapped):
            raise ValueError(
                f"{bond} joins a site to its own image on {lattice.cells} cells; use more cells"
            )
        key, path, more = (*wrapped, target), h * away, h * np.outer(away, away)
        if key in found[site]:
            joined = found[site][key]
            joined.hop += h
            joined.path = np.asarray(joined.path + path)
            joined.square = np.asarray(joined.square + more)
        else:
            found[site][key] = _Joined(step, h, np.asarray(path), np.asarray(more))
