"""The compact operator against the fixed bases' AIJ matrices, and its other forms."""

import weakref

import numpy as np
import pytest
from mpi4py import MPI
from petsc4py import PETSc

from smallpolaron.hierarchy.adaptive import AdaptiveBasis
from smallpolaron.hierarchy.basis import fixed_basis
from smallpolaron.hierarchy.compact import CompactGenerator
from smallpolaron.hierarchy.generator import assemble_generator
from smallpolaron.hierarchy.sector import Sector, rotate_labels
from smallpolaron.hierarchy.truncation import Truncation
from tests.hierarchy.orbits import (
    DISORDERED_3,
    DISORDERED_4,
    EVEN_CHAIN_4,
    EVEN_RING_4,
    bath,
    ring,
    share,
    unfold,
    whole,
)

COMM = MPI.COMM_WORLD
CASES = [
    (ring(3), 2, 4, Sector(3, True, parity=-1, hermitian=True)),
    (ring(4), 1, 4, Sector(4, True, 2, parity=-1)),
    (ring(5), 2, 3, Sector(5, True, parity=-1, hermitian=True)),
    (ring(5), 1, 4, Sector(5, True, 3)),
    (ring(6), 0, 7, Sector(6, True, parity=1, hermitian=True)),
    (ring(6), 1, 3, Sector(6, True, 3, parity=1)),
    (ring(6, 0.2), 0, 6, Sector(6, True, hermitian=True)),
    (DISORDERED_3, 2, 4, Sector(3, False, hermitian=True)),
    (DISORDERED_4, 1, 3, Sector(4, False)),
    (EVEN_CHAIN_4, 1, 3, Sector(4, False, parity=-1, mirror=3, hermitian=True)),
    (EVEN_RING_4, 0, 6, Sector(4, False, parity=-1, mirror=2)),
]


def name(case):
    model, terms, depth, sector = case
    return f"{model.topology}{model.n_sites} K{terms} depth{depth} {sector}"


def symmetric_state(basis, sector, seed):
    """A random state on a fixed basis (with translation at most) that has a sector's symmetries."""
    occupations, kets, bras = basis.labels()
    n = sector.n_sites
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(len(kets), 2)) @ [1, 1j]
    if sector.parity:
        to = (sector.mirror - np.arange(n)) % n
        mirrored = occupations.reshape(len(kets), n, -1)[:, to].reshape(len(kets), -1)
        image = basis.layout.pack(mirrored, (sector.mirror - kets) % n, (sector.mirror - bras) % n)
        x = x + sector.parity * x[basis.find(image)]
    if sector.hermitian:
        if sector.translation:
            image = basis.layout.pack(rotate_labels(occupations, bras, n), kets, -bras % n)
        else:
            image = basis.layout.pack(occupations, bras, kets)
        x = x + x[basis.find(image)].conj()
    return x


def folded(basis, sector, keys, bits, elements):
    """Values of the representatives, in global order."""
    x = np.zeros(basis.size, complex)
    own = bits == 0
    x[basis.find(keys[own])] = elements[own]
    return x


def built(case):
    """An adaptive basis that holds what a fixed one holds, and both views of a random state."""
    model, terms, depth, sector = case
    expansion = bath(terms)
    fixed = fixed_basis(
        model.n_sites,
        terms + 1,
        Truncation(depth),
        Sector(model.n_sites, sector.translation, sector.momentum),
        MPI.COMM_SELF,
    )
    elements = symmetric_state(fixed, sector, seed=6)
    basis = AdaptiveBasis(model, expansion, sector, COMM)
    keys, bits = basis.canonical_keys(*fixed.labels())
    basis.add(share(COMM, keys[bits >= 0]))
    basis.rebalance(np.zeros(basis.n_local, complex))
    x = folded(basis, sector, keys, bits, elements)
    return fixed, elements, basis, x, (basis.find(keys), bits)


@pytest.mark.mpi
@pytest.mark.parametrize("case", CASES, ids=name)
def test_products_agree_with_the_assembled_matrix(case):
    fixed, elements, basis, x, (rows, bits) = built(case)
    matrix = assemble_generator(fixed, case[0], bath(case[1]))
    given, expected = matrix.createVecs()
    given.array = elements
    matrix.mult(given, expected)
    generator = CompactGenerator(basis)
    mine = slice(generator.start, generator.start + basis.n_local)
    y = np.empty(basis.n_local, complex)
    generator.apply(x[mine], y)
    np.testing.assert_allclose(unfold(whole(COMM, y)[rows], bits), expected.array, atol=1e-14)
    assert generator.size == basis.size == sum(COMM.allgather(generator.n_local))
    assert generator.products == 1
    # symmetry pays: nothing is kept twice
    assert basis.size <= fixed.size


@pytest.mark.mpi
@pytest.mark.parametrize("case", CASES[::3], ids=name)
def test_all_forms_of_the_product_agree(case):
    _, _, basis, x, _ = built(case)
    generator = CompactGenerator(basis)
    x = x[generator.start : generator.start + basis.n_local]
    kept = x.copy()
    y = np.empty_like(x)
    generator.apply(x, y)

    term, total = np.empty_like(x), 3 * x
    length = generator.apply_series(x, 0.25, term, total)
    np.testing.assert_allclose(term, 0.25 * y, atol=1e-15)
    np.testing.assert_allclose(total, 3 * x + 0.25 * y, atol=1e-14)
    assert length == pytest.approx(generator.norm(term), rel=1e-12)
    assert generator.norm(x) == pytest.approx(np.linalg.norm(whole(COMM, x)), rel=1e-12)

    # the result may overwrite what it was made from
    again = x.copy()
    generator.apply_series(again, 0.25, again, x.copy())
    np.testing.assert_array_equal(again, term)

    assert generator.products == 3
    np.testing.assert_array_equal(x, kept)
    if basis.sector.hermitian:
        with pytest.raises(ValueError, match="complex-linear"):
            generator.matrix()
        return
    matrix, left, right = generator.matrix(), generator.vector(), generator.vector()
    right.array = x
    matrix.mult(right, left)
    np.testing.assert_array_equal(left.array, y)
    assert isinstance(matrix, PETSc.Mat)
    assert matrix.getSize() == (basis.size, basis.size)


@pytest.mark.mpi
def test_ghosts_are_the_values_that_their_owners_hold():
    _, _, basis, x, _ = built(CASES[5])
    generator = CompactGenerator(basis)
    ghosts = generator.ghosts(x[generator.start : generator.start + basis.n_local])
    np.testing.assert_array_equal(ghosts, x[basis.sparsity().ghosts])
    assert (generator.n_ghosts > 0) == (COMM.size > 1)


@pytest.mark.mpi
def test_hermitian_sectors_are_real_linear_only():
    """Codes with the conjugate bit conjugate: L (i x) is not i L x."""
    _, _, basis, x, _ = built(CASES[4])
    generator = CompactGenerator(basis)
    x = x[generator.start : generator.start + basis.n_local]
    assert COMM.allreduce(int(np.count_nonzero(basis.sparsity().codes & 1))) > 0
    images = []
    for state in (x, 2.5 * x, 1j * x):
        images.append(np.empty_like(x))
        generator.apply(state, images[-1])
    np.testing.assert_allclose(images[1], 2.5 * images[0], atol=1e-14)
    difference = np.abs(whole(COMM, images[2] - 1j * images[0])).max()
    assert difference > 1e-3 * np.abs(whole(COMM, x)).max() * basis.base_rate


@pytest.mark.mpi
def test_an_operator_is_frozen_when_it_is_made():
    _, _, basis, x, _ = built(CASES[1])
    generator = CompactGenerator(basis)
    x = x[generator.start : generator.start + basis.n_local]
    before, after = np.empty_like(x), np.empty_like(x)
    generator.apply(x, before)
    basis.add(basis.outflow(x, 0.0).keys)
    basis.keep(np.arange(basis.n_local) % 3 > 0, np.zeros(basis.n_local, complex))
    generator.apply(x, after)
    np.testing.assert_array_equal(before, after)


@pytest.mark.mpi
def test_operators_that_are_dropped_free_their_memory():
    """On several ranks, too, where PETSc frees nothing by itself that Python drops."""
    _, _, basis, _, _ = built(CASES[1])
    dropped = weakref.ref(CompactGenerator(basis)._full)
    CompactGenerator(basis)
    assert dropped() is None
