"""The generator of a state and its first moment against plain dense matrices."""

import numpy as np
import pytest
from mpi4py import MPI

from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.displacement import DisplacementGenerator
from smallpolaron.hierarchy.sector import Sector
from tests.hierarchy.orbits import Plain, bath, ring

COMM = MPI.COMM_WORLD
CASES = [(3, 1, 3), (4, 0, 4), (5, 1, 2), (6, 0, 3)]


def sector(n, **more):
    return Sector(n, True, parity=1, hermitian=True, odd_part=True, **more)


def built(n, terms, depth):
    """The plain hierarchy, both parts of a random state of it, and the basis of all labels."""
    model, expansion = ring(n), bath(terms)
    plain = Plain(model, expansion, depth)
    # in angstrom; of a carrier that has moved
    even, odd = (
        scale * plain.random_state(Sector(n, True, parity=p, hermitian=True), seed=3 + p)
        for p, scale in ((1, 1.0), (-1, 20.0))
    )
    basis = Basis(model, expansion, sector(n), COMM)
    occupations, kets, bras = plain.labels()
    first = kets == 0
    keys, bits = basis.canonical_keys(occupations[first], kets[first], bras[first])
    basis.add(keys)
    basis.rebalance(np.zeros(basis.n_local, complex))
    return model, plain, (even, odd), basis, (keys, bits, first)


def folded(basis, keys, bits, elements):
    """Elements of the labels that stand for themselves, on this rank's labels."""
    own = (bits == 0) & (COMM.rank == 0)
    return basis.scatter(keys[own], elements[own])


def unfolded(basis, keys, bits, x, odd):
    values = basis.values(keys, np.ascontiguousarray(x))
    values = np.where(bits & 1, values.conj(), values)
    return np.where(bits & 2, -values, values) if odd else values


@pytest.mark.mpi
@pytest.mark.parametrize("case", CASES, ids=str)
def test_products_agree_with_dense_matrices(case):
    model, plain, (even, odd), basis, (keys, bits, first) = built(*case)
    current = model.current
    expected = (plain.apply(even), plain.apply(odd) + (current @ even + even @ current) / 2)
    parts = [folded(basis, keys, bits, part.ravel()[first]) for part in (even, odd)]
    generator, x = DisplacementGenerator(basis), np.stack(parts, axis=1)
    y = np.empty_like(x)
    generator.apply(x, y)
    for i in range(2):
        ours = unfolded(basis, keys, bits, y[:, i], odd=i == 1)
        np.testing.assert_allclose(ours, expected[i].ravel()[first], atol=1e-12)
    assert generator.products == 1

    term, total = np.empty_like(x), x.copy()
    generator.begin(x)
    size = generator.apply_series(x, 0.3, term, total)
    np.testing.assert_allclose(term, 0.3 * y, atol=1e-12)
    np.testing.assert_allclose(total, x + 0.3 * y, atol=1e-12)
    whole, moment = (float(np.sqrt(COMM.allreduce(np.sum(np.abs(x[:, i]) ** 2)))) for i in (0, 1))
    squares = COMM.allreduce(np.sum(np.abs(term) ** 2, axis=0))
    assert size == pytest.approx(np.sqrt(squares[0] + squares[1] * (whole / moment) ** 2))
    assert generator.length(x) == pytest.approx(moment / whole)
    assert generator.norm(x) == pytest.approx(np.sqrt(2) * whole)


@pytest.mark.mpi
def test_labels_weigh_by_both_parts_each_relative_to_its_norm():
    _, _, (even, odd), basis, (keys, bits, first) = built(4, 0, 4)
    parts = [folded(basis, keys, bits, part.ravel()[first]) for part in (even, odd)]
    generator, x = DisplacementGenerator(basis), np.stack(parts, axis=1)
    sizes = generator.sizes(x)
    assert sizes.shape == (basis.n_local,)
    assert COMM.allreduce(float(sizes @ sizes)) == pytest.approx(generator.norm(x) ** 2)
    np.testing.assert_allclose(generator.sizes(x * [1, 7]), sizes, rtol=1e-12)
    np.testing.assert_allclose(generator.sizes(x * [1, 0]), np.abs(x[:, 0]), rtol=1e-12)
    assert len(generator.ghost_sizes(x)) == generator.n_ghosts


@pytest.mark.parametrize(
    "other",
    [
        Sector(5, True, parity=1, hermitian=True),
        Sector(5, True, parity=1, odd_part=True),
        Sector(5, False, parity=1, hermitian=True, odd_part=True),
    ],
)
def test_other_sectors_are_refused(other):
    basis = Basis(ring(5), bath(0), other, MPI.COMM_SELF)
    with pytest.raises(ValueError, match="first moment"):
        DisplacementGenerator(basis)


def test_an_odd_part_needs_an_even_one():
    with pytest.raises(ValueError, match="odd_part"):
        Sector(5, True, parity=-1, odd_part=True)
