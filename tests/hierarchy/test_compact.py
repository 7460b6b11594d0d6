"""The compact operator: its forms agree, and it is frozen when it is made; see test_sectors."""

import weakref

import numpy as np
import pytest
from mpi4py import MPI

from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.compact import CompactGenerator
from smallpolaron.hierarchy.limits import Limits, Truncation
from smallpolaron.hierarchy.sector import Sector
from tests.hierarchy.orbits import (
    DISORDERED_3,
    DISORDERED_4,
    EVEN_CHAIN_4,
    EVEN_RING_4,
    bath,
    ring,
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


def built(case):
    """A fixed hierarchy, and a random state on it that does not depend on the number of ranks."""
    model, terms, depth, sector = case
    basis = Basis(model, bath(terms), sector, COMM, Limits(truncation=Truncation(depth)))
    keys = whole(COMM, basis.keys)
    order = np.lexsort(keys.T)
    x = np.empty(len(keys), complex)
    x[order] = np.random.default_rng(6).normal(size=(len(keys), 2)) @ [1, 1j]
    return basis, x


@pytest.mark.mpi
@pytest.mark.parametrize("case", CASES[::3], ids=name)
def test_all_forms_of_the_product_agree(case):
    basis, x = built(case)
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
            generator.entries()
        return
    product = np.zeros(basis.size, complex)
    everything = whole(COMM, x)
    for rows, columns, values in COMM.allgather(generator.entries()):
        np.add.at(product, rows, values * everything[columns])
    np.testing.assert_allclose(product, whole(COMM, y), atol=1e-14)


@pytest.mark.mpi
def test_ghosts_are_the_values_that_their_owners_hold():
    basis, x = built(CASES[5])
    generator = CompactGenerator(basis)
    ghosts = generator.ghosts(x[generator.start : generator.start + basis.n_local])
    np.testing.assert_array_equal(ghosts, x[basis.sparsity().ghosts])
    assert (generator.n_ghosts > 0) == (COMM.size > 1)


@pytest.mark.mpi
def test_hermitian_sectors_are_real_linear_only():
    """Codes with the conjugate bit conjugate: L (i x) is not i L x."""
    basis, x = built(CASES[4])
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
    basis, x = built(CASES[1])
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
    basis, _ = built(CASES[1])
    dropped = weakref.ref(CompactGenerator(basis)._full)
    CompactGenerator(basis)
    assert dropped() is None
