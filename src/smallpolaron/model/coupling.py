"""Couplings as data: the operator of the carrier that each mode of a bath multiplies.

H = H_S + sum_mu V_mu X_mu + H_bath, with V_mu sparse and Hermitian. The modes repeat with the cell.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from smallpolaron.model.lattice import Lattice


@dataclass(frozen=True)
class Element:
    """The term value |first in cell O><second in cell O + R| + h.c. of an operator V.

    Without h.c. where both are the same site.

    Attributes:
        first: site in cell O.
        second: site in cell O + R.
        cell: R in lattice vectors, one integer per dimension; () for 0.
        value: dimensionless; may be complex. The bath has the energy.
        origin: O, relative to the cell of the mode; () for that cell itself.
    """

    first: int
    second: int
    cell: tuple[int, ...] = ()
    value: complex = 1.0
    origin: tuple[int, ...] = ()

    @property
    def ends(self) -> frozenset[tuple[int, tuple[int, ...]]]:
        """Its two sites, each with its cell relative to that of the mode, () for that itself."""
        origin = self.origin or (0,) * len(self.cell)
        across = self.cell or (0,) * len(origin)
        there = tuple(o + r for o, r in zip(origin, across, strict=True))
        ends = (self.first, origin), (self.second, there)
        return frozenset((site, cell if any(cell) else ()) for site, cell in ends)

    @property
    def is_diagonal(self) -> bool:
        """Whether it leaves the carrier where it is."""
        return self.first == self.second and not any(self.cell)


@dataclass(frozen=True)
class Coupling:
    """One mode per cell: the bath operator X_mu times V_mu.

    Attributes:
        elements: V_mu.
        bath: number of its bath: that of the expansion it is given to the engine with. Modes with
            equal numbers have equal baths, but each its own.

    Raises:
        ValueError: no element, one that is not Hermitian or finite, or a pair of sites twice.
    """

    elements: tuple[Element, ...]
    bath: int = 0

    def __post_init__(self) -> None:
        """Refuse an operator that is not Hermitian."""
        if not self.elements:
            raise ValueError("elements is empty; a mode couples to the carrier by at least one")
        pairs = [each.ends for each in self.elements]
        for each, pair in zip(self.elements, pairs, strict=True):
            if pairs.count(pair) > 1:
                raise ValueError(
                    f"{each} is given twice, or in both directions; give each pair of sites once"
                )
        for each in self.elements:
            if not np.isfinite(each.value) or each.value == 0:
                raise ValueError(f"{each}: the value must be a finite number, not 0")
            if each.is_diagonal and complex(each.value).imag != 0:
                raise ValueError(
                    f"{each}: a diagonal element of a Hermitian operator is real; give a real value"
                )
        if self.bath < 0:
            raise ValueError(f"bath = {self.bath}; allowed: integers >= 0")

    @property
    def moves_carrier(self) -> bool:
        """Whether it has elements between different sites."""
        return any(not each.is_diagonal for each in self.elements)


def local(lattice: Lattice, bath: int = 0) -> tuple[Coupling, ...]:
    """Holstein coupling: V = |a><a|, a mode on every site."""
    here = (0,) * lattice.dimensions
    sites = range(len(lattice.sites_A))
    return tuple(Coupling((Element(site, site, here),), bath) for site in sites)


def bonds(lattice: Lattice, bath: int = 0) -> tuple[Coupling, ...]:
    """Peierls coupling: V = |a><b| + |b><a|, a mode on every bond; it modulates its hopping."""
    return tuple(
        Coupling((Element(bond.first, bond.second, bond.cell),), bath) for bond in lattice.bonds
    )


def displacements(lattice: Lattice, bath: int = 0) -> tuple[Coupling, ...]:
    """SSH coupling: hopping changes with the distance of its two sites, a mode per site and axis.

    A displacement u of site j changes every hopping h_jb by -u.e, where e is the unit vector from j
    to b: on the chain V_j = (|j-1><j| + h.c.) - (|j><j+1| + h.c.). There is one mode for each
    Cartesian direction in which a bond of the site extends.

    Source: Su, Schrieffer, Heeger, Phys. Rev. Lett. 42, 1698 (1979).
    """
    found = []
    for site, axis in np.ndindex(len(lattice.sites_A), 3):
        elements: list[Element] = []
        for bond in lattice.bonds:
            away = lattice.displacement_A(bond)
            share = float(away[axis] / np.linalg.norm(away))
            if abs(share) < _ACROSS:
                continue
            if bond.first == site:
                elements.append(Element(bond.first, bond.second, bond.cell, -share))
            if bond.second == site:
                back = tuple(-step for step in bond.cell)
                elements.append(Element(bond.first, bond.second, bond.cell, share, back))
        if elements:
            found.append(Coupling(tuple(elements), bath))
    return tuple(found)


_ACROSS = 1e-9
"""Cosine of the angle between a bond and an axis below which it counts as perpendicular."""


def check(couplings: Iterable[Coupling], lattice: Lattice) -> None:
    """Refuse couplings that the lattice cannot have.

    Raises:
        ValueError: a site that does not exist, a cell of the wrong number of dimensions, or one
            beyond the window of an infinite lattice.
    """
    n, d = len(lattice.sites_A), lattice.dimensions
    for each in (element for coupling in couplings for element in coupling.elements):
        if not (0 <= each.first < n and 0 <= each.second < n):
            raise ValueError(f"{each}: a cell of this lattice has sites 0 to {n - 1} only")
        for name, cell in (("cell", each.cell), ("origin", each.origin)):
            if len(cell) not in (0, d):
                raise ValueError(f"{each}: give its {name} by {d} integers")
        for axis, (side, count) in enumerate(zip(lattice.boundary, lattice.cells, strict=True)):
            steps = [cell[axis] for _, cell in each.ends if cell] + [*each.cell[axis : axis + 1]]
            reach = max(map(abs, steps), default=0)
            if side == "infinite" and count < 2 * reach + 1:
                raise ValueError(
                    f"{each} needs a window of {2 * reach + 1} cells at least; here {lattice.cells}"
                )
