"""Which operations of a lattice leave its Hamiltonian alone and the current alone or reversed.

The couplings to the baths belong to the Hamiltonian: every mode must become another one.

Candidates permute and reverse the dimensions of the grid of cells; with several sites per cell
they are taken as rotations of space that carry sites to sites. Each is checked on the Hamiltonian
and on the current, as matrices: nothing that is no symmetry can pass.
"""

from collections.abc import Iterator
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from smallpolaron.hierarchy.sector import Reflection
from smallpolaron.model.lattice_model import LatticeModel
from smallpolaron.model.site_table import BEYOND
from smallpolaron.model.tensor_symmetry import fit_sites

IntArray = NDArray[np.int64]

_SAME = 1e-9
"""Largest difference, relative to the largest entry, of what counts as equal."""


def lattice_operations(model: LatticeModel) -> tuple[Reflection, ...]:
    """Operations of a lattice besides the identity, with the sign that they give the current."""
    if not model.is_translation_invariant:
        return ()
    table = model.sites
    h = table.matrix(table.hop) + diags_array(model.energies, format="csr")
    assisted = model.modes.matrix(1j * (model.modes.path @ model.unit_direction))
    current = table.matrix(model.flows) + assisted
    found: dict[tuple[int, ...], int] = {}
    for sites in _candidates(model):
        inside = np.flatnonzero(sites >= 0)
        if not (_equal(h, h, sites, inside, 1) and model.modes.allow(sites)):
            continue
        for sign in (1, -1):
            if _equal(current, current, sites, inside, sign):
                found.setdefault(tuple(sites.tolist()), sign)
                break
    own = tuple(range(model.n_sites))
    return tuple(Reflection(sites, sign) for sites, sign in found.items() if sites != own)


def _equal(a: csr_array, b: csr_array, sites: IntArray, inside: IntArray, sign: int) -> bool:
    turned = sites[inside]
    change = a[turned][:, turned] - sign * b[inside][:, inside]
    largest = np.max(np.abs(a.data), initial=0.0)
    return bool(np.max(np.abs(change.data), initial=0.0) <= _SAME * largest)


def _candidates(model: LatticeModel) -> Iterator[IntArray]:
    """Permutations of the sites, BEYOND where one leaves the window."""
    table, lattice = model.sites, model.lattice
    d = len(table.shape)
    vectors = np.array(
        [v for v, side in zip(lattice.vectors, lattice.boundary, strict=True) if side != "open"]
    ).reshape(d, 3)
    own = model.positions_in_cell
    for order, signs in product(permutations(range(d)), product((1, -1), repeat=d)):
        matrix = np.zeros((d, d), dtype=int)
        matrix[range(d), order] = signs
        kinds = list(zip(table.shape, table.infinite, strict=True))
        if any(kinds[i] != kinds[j] for i, j in enumerate(order)):
            continue
        if len(own) == 1:
            yield _permutation(model, matrix, np.zeros((1, d), dtype=int), np.zeros(1, dtype=int))
            continue
        # the rotation of space that takes vector i to the i-th row of matrix @ vectors
        inverse = np.linalg.pinv(vectors)
        turned = own @ inverse @ (matrix @ vectors) + own - own @ inverse @ vectors
        for anchor in own:
            fitted = fit_sites(own, turned + anchor - turned[0], vectors)
            if fitted is not None:
                yield _permutation(model, matrix, *fitted)


def _permutation(
    model: LatticeModel, matrix: IntArray, cells: IntArray, places: IntArray
) -> IntArray:
    """Where every site goes: cell c to c @ matrix + cells[site], site to places[site]."""
    table = model.sites
    to = (table.centred @ matrix)[:, None] + cells
    sites = table.number(to) * table.per_cell + places
    half = (np.array(table.shape, dtype=int) - 1) // 2
    sites[np.any((np.abs(to) > half) & np.array(table.infinite), axis=-1)] = BEYOND
    return np.asarray(sites.reshape(-1))
