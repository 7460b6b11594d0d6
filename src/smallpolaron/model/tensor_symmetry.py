"""What the symmetry of a lattice says about its diffusion tensor, and which runs determine it.

D is symmetric where only its symmetric part is asked for, as here: without a magnetic field it has
no other. A rotation R that carries the lattice, its hoppings and its site energies to themselves
leaves D = R^T D R. Where the lattice ends, nothing flows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.model.lattice import Lattice
from smallpolaron.model.lattice_model import LatticeModel

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_CLOSE: Final = 1e-6
"""Largest difference of positions, angstrom, and of hoppings, relative, that count as equal."""


@dataclass(frozen=True)
class TensorForm:
    """The tensors that symmetry allows.

    Attributes:
        axes: orthonormal directions in which the carrier can go anywhere, shape (d, 3).
        forms: a basis of the allowed tensors in these axes, shape (k, d, d).
        directions: k directions whose e.D.e determine the tensor, three numbers each.
    """

    axes: FloatArray
    forms: FloatArray
    directions: tuple[tuple[float, ...], ...]

    def reading(self, directions: Sequence[Sequence[float]]) -> FloatArray:
        """Return e.F.e of every form F along directions, shape (directions, forms)."""
        return _readings(self.axes, self.forms, directions)

    def require(self, directions: Sequence[Sequence[float]]) -> FloatArray:
        """Return e.F.e of every form F along directions, if these determine the tensor.

        Raises:
            ValueError: they do not.
        """
        reading = self.reading(directions)
        if np.linalg.matrix_rank(reading) < len(self.forms):
            raise ValueError(
                f"the directions {directions} leave components of the tensor undetermined; those "
                f"of {self.directions} suffice"
            )
        return reading

    def solve(
        self, directions: Sequence[Sequence[float]], along: FloatArray, errors: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return the tensor and its error, shape (3, 3), from e.D.e along directions.

        Args:
            directions: at least as many as `directions` has, of any length, shape (m, 3).
            along: e.D.e along each, e of length 1, shape (m,).
            errors: their errors, which may have any signs, shape (m,).

        Raises:
            ValueError: these directions leave something undetermined.
        """
        reading = self.require(directions)
        inverse = np.einsum("kij,km->mij", self.forms, np.linalg.pinv(reading))
        in_space = np.einsum("mij,ia,jb->mab", inverse, self.axes, self.axes)
        return (
            np.einsum("mab,m->ab", in_space, along),
            np.einsum("mab,m->ab", np.abs(in_space), errors),
        )


def tensor_form(model: LatticeModel) -> TensorForm:
    """Return the tensors that the symmetry of a model allows."""
    lattice = model.lattice
    free = [i for i, side in enumerate(lattice.boundary) if side != "open"]
    axes = _reached(model, free)
    turned = [np.eye(len(axes))]
    # which rotations carry couplings to couplings is not asked: then every component takes its run
    plain = model.is_translation_invariant and not model.couplings
    if 0 < len(free) == lattice.dimensions and plain:
        # the rotation takes coordinates c to c @ inverse @ matrix
        inverse = axes @ np.linalg.pinv(lattice.vectors)
        turned += [inverse @ M @ lattice.vectors @ axes.T for M in _symmetries(model)]
    forms = _invariant(np.array(turned))
    units = list(np.eye(len(axes)))
    candidates = units + [one + other for one, other in combinations(units, 2)]
    chosen: list[tuple[float, ...]] = []
    for each in (tuple((way @ axes).tolist()) for way in candidates):
        if np.linalg.matrix_rank(_readings(axes, forms, [*chosen, each])) > len(chosen):
            chosen.append(each)
    return TensorForm(axes, forms, tuple(chosen))


def _reached(model: LatticeModel, free: list[int]) -> FloatArray:
    """Orthonormal directions along which bonds lead and the lattice has no end, shape (d, 3)."""
    lattice = model.lattice
    bonds = [lattice.displacement_A(bond) for bond in lattice.bonds if bond.hopping != 0]
    beyond = 2 * np.eye(3)
    for vectors in (np.array(bonds).reshape(-1, 3), lattice.vectors[free].reshape(-1, 3)):
        beyond -= np.linalg.pinv(vectors) @ vectors  # the projector on what they span
    inside = _unmoved(beyond)
    # Cartesian axes where they span the same space
    units = [unit for unit in np.eye(3) if np.linalg.norm(inside @ unit) > 1 - 1e-12]
    return np.array(units) if len(units) == len(inside) > 0 else inside


def _unmoved(matrix: FloatArray) -> FloatArray:
    """Orthonormal rows that a matrix takes to zero."""
    _, sizes, rows = np.linalg.svd(matrix)
    return np.asarray(rows[np.count_nonzero(sizes > _CLOSE) :])


def _readings(
    axes: FloatArray, forms: FloatArray, directions: Sequence[Sequence[float]]
) -> FloatArray:
    """e.F.e of every form F, shape (directions, forms)."""
    ways = np.array(directions, dtype=float).reshape(-1, 3)
    ways = (ways / np.linalg.norm(ways, axis=1)[:, None]) @ axes.T
    return np.asarray(np.einsum("kij,mi,mj->mk", forms, ways, ways))


def _invariant(rotations: FloatArray) -> FloatArray:
    """Symmetric tensors with R^T D R = D for all rotations, shape (k, d, d)."""
    d = rotations.shape[1]
    if d == 0:
        return np.zeros((0, 0, 0))
    one = np.eye(d * d)
    transpose = one.reshape(d, d, d * d).transpose(1, 0, 2).reshape(d * d, d * d)
    conditions = [np.kron(R.T, R.T) - one for R in rotations] + [transpose - one]
    return np.asarray(_unmoved(np.concatenate(conditions)).reshape(-1, d, d))


def _symmetries(model: LatticeModel) -> Iterator[IntArray]:
    """Integer matrices M, vectors to M @ vectors, that carry the lattice to itself.

    Entries are at most 3 in size: a very skewed cell may hide a symmetry, which costs a run.
    """
    lattice = model.lattice
    d, gram = lattice.dimensions, lattice.vectors @ lattice.vectors.T
    kinds = list(zip(lattice.boundary, lattice.cells, strict=True))
    same = np.array([[a == b or a[0] == b[0] == "infinite" for a in kinds] for b in kinds])
    rows = np.array(list(product(range(-3, 4), repeat=d)), dtype=int)
    lengths = np.einsum("ri,ij,rj->r", rows, gram, rows)
    fits = [rows[np.abs(lengths - gram[i, i]) <= _CLOSE * gram[i, i]] for i in range(d)]
    for choice in product(*fits):
        matrix = np.array(choice)
        if np.allclose(matrix @ gram @ matrix.T, gram, rtol=0, atol=_CLOSE * gram.max()) and (
            np.all(same[matrix != 0]) and _carries(model, matrix)
        ):
            yield matrix


def _carries(model: LatticeModel, matrix: IntArray) -> bool:
    """Whether the rotation, with some translation, leaves sites, energies and bonds alone."""
    lattice = model.lattice
    vectors, own = lattice.vectors, lattice.sites
    inverse = np.linalg.pinv(vectors)
    turned = own @ inverse @ (matrix @ vectors) + own - own @ inverse @ vectors
    energies = model.energies[: len(own)]
    for anchor in own:
        fitted = fit_sites(own, turned + anchor - turned[0], vectors)
        if fitted is None:
            continue
        shifts, places = fitted
        if np.allclose(energies[places], energies, rtol=_CLOSE) and _same_bonds(
            lattice, matrix, places, shifts
        ):
            return True
    return False


def fit_sites(
    own: FloatArray, moved: FloatArray, vectors: FloatArray
) -> tuple[IntArray, IntArray] | None:
    """Cell and place of each moved site, None where one of them is not a site."""
    cells, places = [], []
    for position in moved:
        away = (position - own) @ np.linalg.pinv(vectors)
        whole = np.rint(away)
        near = np.linalg.norm(position - own - whole @ vectors, axis=1)
        place = int(np.argmin(near))
        if near[place] > _CLOSE:
            return None
        cells.append(whole[place].astype(int))
        places.append(place)
    return np.array(cells), np.array(places)


def _same_bonds(lattice: Lattice, matrix: IntArray, places: IntArray, shifts: IntArray) -> bool:
    """Whether bonds go to bonds of the same hopping, or all to their conjugates."""
    known: dict[tuple[int, ...], complex] = {}
    for bond in lattice.bonds:
        known[(bond.first, bond.second, *bond.cell)] = complex(bond.hopping)
        back = (bond.second, bond.first, *(-step for step in bond.cell))
        known[back] = complex(bond.hopping).conjugate()
    before, after = [], []
    for (first, second, *cell), hopping in known.items():
        across = np.array(cell, dtype=int) @ matrix + shifts[second] - shifts[first]
        before.append(hopping)
        after.append(known.get((places[first], places[second], *across.tolist()), 0j))
    close = _CLOSE * max(map(abs, before), default=0.0)
    return any(
        np.allclose(np.array(after), wanted, rtol=0, atol=close)
        for wanted in (np.array(before), np.conj(before))
    )
