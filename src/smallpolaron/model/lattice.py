"""Lattices as data: cells in up to three dimensions, sites in a cell, bonds, boundaries.

Hoppings are relative numbers: LatticeModel.hopping multiplies them, so that a lattice is geometry
and pattern, and a scan of the hopping changes one number. With LatticeModel.hopping =
CM_TO_RAD_FS the numbers of the bonds are in cm^-1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Boundary = Literal["infinite", "periodic", "open"]
Vector = tuple[float, ...]
FloatArray = NDArray[np.float64]

BOUNDARIES: Final = ("infinite", "periodic", "open")

WINDOWS: Final = (1, 11, 11, 7)
"""Cells per dimension of the first window on an infinite lattice, by its number of dimensions."""


@dataclass(frozen=True)
class Bond:
    """The term h |first in cell 0><second in cell R| + h.c., and its images in all other cells.

    Attributes:
        first: site in cell 0.
        second: site in cell R.
        cell: R in lattice vectors, one integer per dimension.
        hopping: h, relative; may be complex.
    """

    first: int
    second: int
    cell: tuple[int, ...] = ()
    hopping: complex = 1.0


@dataclass(frozen=True)
class Lattice:
    """Sites that repeat in zero (a cluster) to three dimensions, joined by bonds.

    Attributes:
        vectors_A: lattice vectors, angstrom, each of up to three components.
        sites_A: positions of the sites of a cell, angstrom.
        bonds: each pair of sites once, as Bond or (first, second, cell, hopping); the Hermitian
            conjugate is understood.
        boundary: "infinite", "periodic" or "open" per dimension; infinite unless given.
        cells: number of cells per dimension; of an infinite one the first window, odd, which is
            widened where its edge is seen. Needed where a dimension is not infinite.

    Raises:
        ValueError: the lattice is invalid; the message says what is allowed.
    """

    vectors_A: tuple[Vector, ...]
    sites_A: tuple[Vector, ...]
    bonds: tuple[Bond, ...]
    boundary: tuple[Boundary, ...] = ()
    cells: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an invalid lattice."""
        d = len(self.vectors_A)
        if d > 3:
            raise ValueError(f"{d} lattice vectors; allowed: 0 (a cluster) to 3")
        bonds = tuple(b if isinstance(b, Bond) else Bond(*b) for b in self.bonds)
        reach = max((abs(step) for bond in bonds for step in bond.cell), default=0)
        boundary = self.boundary or ("infinite",) * d
        window = (max(WINDOWS[d], 2 * reach + 1),) * d
        for name, value in (
            ("vectors_A", tuple(tuple(map(float, v)) for v in self.vectors_A)),
            ("sites_A", tuple(tuple(map(float, r)) for r in self.sites_A)),
            ("bonds", tuple(replace(b, cell=tuple(b.cell)) for b in bonds)),
            ("boundary", tuple(boundary)),
            ("cells", tuple(self.cells or (window if set(boundary) <= {"infinite"} else ()))),
        ):
            object.__setattr__(self, name, value)
        for name, given in (("boundary", self.boundary), ("cells", self.cells)):
            if len(given) != d:
                raise ValueError(f"{name} = {given}: give one per lattice vector, here {d}")
        for place in (*self.vectors_A, *self.sites_A):
            if not 1 <= len(place) <= 3 or not np.all(np.isfinite(place)):
                raise ValueError(f"position {place}; give 1 to 3 finite numbers, in angstrom")
        if d and np.linalg.matrix_rank(self.vectors) < d:
            raise ValueError(f"vectors_A = {self.vectors_A}: they must be linearly independent")
        if not self.sites_A:
            raise ValueError("sites_A is empty; a cell has at least one site")
        for side, count in zip(self.boundary, self.cells, strict=True):
            if side not in BOUNDARIES:
                raise ValueError(f"boundary {side!r}; allowed: {', '.join(map(repr, BOUNDARIES))}")
            if count < 1:
                raise ValueError(f"cells = {self.cells}; allowed: 1 and more per dimension")
        for bond in self.bonds:
            self._check(bond)
        _refuse_doubles(self.bonds)

    def _check(self, bond: Bond) -> None:
        n = len(self.sites_A)
        if not all(isinstance(i, Integral) for i in (bond.first, bond.second, *bond.cell)):
            raise ValueError(f"{bond}: sites and cells are counted; give whole numbers")
        if len(bond.cell) != len(self.vectors_A):
            raise ValueError(f"{bond}: give its cell by {len(self.vectors_A)} integers")
        if not (0 <= bond.first < n and 0 <= bond.second < n):
            raise ValueError(f"{bond}: this cell has sites 0 to {n - 1} only")
        if bond.first == bond.second and not any(bond.cell):
            raise ValueError(f"{bond} joins a site to itself; give energies as site energies")
        if not np.isfinite(bond.hopping):
            raise ValueError(f"{bond}: the hopping must be a finite number")
        for axis, (side, count) in enumerate(zip(self.boundary, self.cells, strict=True)):
            reach = abs(bond.cell[axis])
            if side == "infinite" and (count % 2 == 0 or count < 2 * reach + 1):
                raise ValueError(
                    f"cells = {self.cells}: the window of an infinite dimension is an odd number "
                    f"of cells, at least {2 * reach + 1} for {bond}"
                )

    @property
    def dimensions(self) -> int:
        """Number of lattice vectors."""
        return len(self.vectors_A)

    @property
    def is_infinite(self) -> bool:
        """Whether any dimension is."""
        return "infinite" in self.boundary

    @property
    def n_sites(self) -> int:
        """Number of sites, of the window on an infinite lattice."""
        return len(self.sites_A) * int(np.prod(self.cells, dtype=int))

    @property
    def vectors(self) -> FloatArray:
        """Lattice vectors, angstrom, shape (dimensions, 3)."""
        return _padded(self.vectors_A)

    @property
    def sites(self) -> FloatArray:
        """Positions of the sites of a cell, angstrom, shape (sites, 3)."""
        return _padded(self.sites_A)

    def displacement_A(self, bond: Bond) -> FloatArray:
        """Position of the second site of a bond relative to the first, angstrom, shape (3,)."""
        across = np.asarray(bond.cell, dtype=float) @ self.vectors
        return np.asarray(self.sites[bond.second] - self.sites[bond.first] + across)

    def finite(self, cells: Sequence[int], boundary: Boundary = "periodic") -> "Lattice":
        """The same lattice with these numbers of cells, periodic or open in every dimension."""
        return replace(self, cells=tuple(cells), boundary=(boundary,) * self.dimensions)

    def with_window(self, cells: int) -> "Lattice":
        """The same lattice with a window of so many cells in every infinite dimension."""
        sides = zip(self.cells, self.boundary, strict=True)
        return replace(self, cells=tuple(cells if s == "infinite" else n for n, s in sides))


def cluster(hopping: ArrayLike, sites_A: Sequence[Sequence[float]] | None = None) -> Lattice:
    """A finite cluster with any hoppings.

    Args:
        hopping: Hermitian matrix of relative hoppings, shape (N, N), zero on the diagonal.
        sites_A: positions, angstrom; None where only populations are of interest.

    Raises:
        ValueError: no Hermitian matrix of that shape, or energies on its diagonal.
    """
    h = np.asarray(hopping, dtype=complex)
    sites_A = ((0.0,),) * len(h) if sites_A is None else sites_A
    n = len(sites_A)
    if h.shape != (n, n):
        raise ValueError(f"hopping has the shape {h.shape}; {n} positions need ({n}, {n})")
    if not np.all(np.isfinite(h)):
        raise ValueError("hopping holds values that are not finite numbers; correct them")
    if not np.allclose(h, h.conj().T, rtol=1e-12, atol=0):
        a, b = np.argwhere(~np.isclose(h, h.conj().T, rtol=1e-12, atol=0))[0]
        raise ValueError(
            f"hopping is not Hermitian: entry ({a}, {b}) is {h[a, b]}, ({b}, {a}) is {h[b, a]}; "
            "they must be complex conjugates"
        )
    if np.any(np.diag(h)):
        raise ValueError("hopping has a diagonal; give energies as site energies")
    bonds = (Bond(int(a), int(b), (), complex(h[a, b])) for a, b in np.argwhere(np.triu(h)))
    return Lattice((), tuple(map(tuple, sites_A)), tuple(bonds))


def chain(spacing_A: float) -> Lattice:
    """The infinite chain."""
    return _bravais(((spacing_A,),), (1.0,))


def ring(n_sites: int, spacing_A: float) -> Lattice:
    """A ring: the periodic chain."""
    return chain(spacing_A).finite((n_sites,))


def open_chain(n_sites: int, spacing_A: float) -> Lattice:
    """A chain with two ends."""
    return chain(spacing_A).finite((n_sites,), "open")


def dimerised_chain(spacing_A: float, ratio: float, short_A: float | None = None) -> Lattice:
    """The infinite chain with hoppings 1 within its dimers and `ratio` between them.

    Args:
        spacing_A: mean distance of neighbours, angstrom: half a cell.
        ratio: hopping between dimers.
        short_A: distance within a dimer, angstrom; the mean one by default.
    """
    within = spacing_A if short_A is None else short_A
    bonds = (Bond(0, 1, (0,)), Bond(1, 0, (1,), ratio))
    return Lattice(((2 * spacing_A,),), ((0.0,), (within,)), bonds)


def ladder(spacing_A: float, rung_A: float, ratio: float = 1.0) -> Lattice:
    """Two infinite chains with hopping 1, joined by rungs with hopping `ratio`."""
    bonds = (Bond(0, 0, (1,)), Bond(1, 1, (1,)), Bond(0, 1, (0,), ratio))
    return Lattice(((spacing_A,),), ((0.0, 0.0), (0.0, rung_A)), bonds)


def square(spacing_A: float, ratio: float = 1.0, spacing_y_A: float | None = None) -> Lattice:
    """The square, or rectangular, lattice with hopping 1 along x and `ratio` along y.

    Args:
        spacing_A: distance of neighbours along x, angstrom.
        ratio: hopping along y.
        spacing_y_A: distance of neighbours along y, angstrom; that along x by default.
    """
    along_y = spacing_A if spacing_y_A is None else spacing_y_A
    return _bravais(((spacing_A, 0.0), (0.0, along_y)), (1.0, ratio))


def cubic(spacing_A: float, ratios: tuple[float, float] = (1.0, 1.0)) -> Lattice:
    """The simple cubic lattice with hopping 1 along x and `ratios` along y and z."""
    a = spacing_A
    return _bravais(((a, 0.0, 0.0), (0.0, a, 0.0), (0.0, 0.0, a)), (1.0, *ratios))


def triangular(spacing_A: float) -> Lattice:
    """The triangular lattice, six neighbours."""
    a, half, high = spacing_A, spacing_A / 2, spacing_A * 3**0.5 / 2
    bonds = (Bond(0, 0, (1, 0)), Bond(0, 0, (0, 1)), Bond(0, 0, (-1, 1)))
    return Lattice(((a, 0.0), (half, high)), ((0.0, 0.0),), bonds)


def honeycomb(spacing_A: float) -> Lattice:
    """The honeycomb lattice: two sites per cell, three neighbours at `spacing_A`."""
    x, y = spacing_A * 3**0.5 / 2, 1.5 * spacing_A
    bonds = (Bond(0, 1, (0, 0)), Bond(0, 1, (0, -1)), Bond(0, 1, (1, -1)))
    return Lattice(((2 * x, 0.0), (x, y)), ((0.0, 0.0), (0.0, spacing_A)), bonds)


def herringbone(
    a_A: float, b_A: float, along: float = 1.0, first: float = 1.0, second: float = 1.0
) -> Lattice:
    """A herringbone layer: molecules at the corner and the centre of a rectangular cell.

    Args:
        a_A: lattice constant along x, angstrom.
        b_A: lattice constant along y, angstrom.
        along: hopping between like molecules along x.
        first: hopping between unlike molecules along (a, b)/2.
        second: the same along (a, -b)/2.
    """
    bonds = (
        Bond(0, 0, (1, 0), along),
        Bond(1, 1, (1, 0), along),
        Bond(0, 1, (0, 0), first),
        Bond(1, 0, (1, 1), first),
        Bond(0, 1, (0, -1), second),
        Bond(1, 0, (1, 0), second),
    )
    return Lattice(((a_A, 0.0), (0.0, b_A)), ((0.0, 0.0), (a_A / 2, b_A / 2)), bonds)


def _bravais(vectors: tuple[Vector, ...], hoppings: tuple[float, ...]) -> Lattice:
    """One site per cell, bonds along the lattice vectors."""
    units = np.eye(len(vectors), dtype=int).tolist()
    bonds = tuple(Bond(0, 0, tuple(u), h) for u, h in zip(units, hoppings, strict=True))
    return Lattice(vectors, ((0.0,) * len(vectors),), bonds)


def _padded(places: tuple[Vector, ...]) -> FloatArray:
    whole = np.zeros((len(places), 3))
    for row, place in zip(whole, places, strict=True):
        row[: len(place)] = place
    return whole


def _refuse_doubles(bonds: tuple[Bond, ...]) -> None:
    seen = set()
    for bond in bonds:
        back = (bond.second, bond.first, tuple(-r for r in bond.cell))
        if (one := (bond.first, bond.second, tuple(bond.cell))) in seen or back in seen:
            raise ValueError(
                f"{bond} is given twice, or in both directions; give each pair of sites once"
            )
        seen.add(one)
