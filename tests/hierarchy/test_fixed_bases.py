"""Fixed hierarchies: which labels they hold, and their generator, against plain enumerations."""

import numpy as np
import pytest
from mpi4py import MPI

from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.compact import CompactGenerator
from smallpolaron.hierarchy.limits import LimitReached, Limits, Truncation, count_unknowns
from smallpolaron.hierarchy.sector import Sector
from smallpolaron.model.baths.bath import BrownianBath, DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.baths.spectral_density import BathSum
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from tests.hierarchy.orbits import whole
from tests.hierarchy.reference import ado_list, dense_generator

COMM = MPI.COMM_WORLD
BATH = DebyeBath(200 * CM, 80 * CM)
UNEQUAL = HolsteinModel(3, "chain", (50 * CM, -70 * CM), (30 * CM, -40 * CM, 0.0))
FLUX = HolsteinModel(3, "ring", (50 * CM, -70 * CM, 20 * CM), (30 * CM, -40 * CM, 0.0), flux=0.4)
EVEN = HolsteinModel(4, "ring", 50 * CM)

RULES = [
    (3, 1, Truncation(4)),
    (3, 2, Truncation(4, weights=(1.0, 2.5))),
    (4, 2, Truncation(3, weights=(0.5, 1.0), max_excited_sites=2)),
    (3, 3, Truncation(3, weights=(1.0, 1.1, 3.0), max_excited_sites=1)),
]


def fixed(model, expansion, rule, sector, comm=COMM):
    return Basis(model, expansion, sector, comm, Limits(truncation=rule))


def enumerated(basis):
    """Labels of all ranks as rows (*n, a, b)."""
    return np.column_stack(basis.layout.unpack(whole(basis.comm, basis.keys))).tolist()


@pytest.mark.mpi
@pytest.mark.parametrize(("n_sites", "n_terms", "rule"), RULES)
@pytest.mark.parametrize("translation", [True, False])
def test_a_fixed_hierarchy_holds_what_its_truncation_keeps(n_sites, n_terms, rule, translation):
    model, expansion = (
        HolsteinModel(n_sites, "ring", 50 * CM),
        expand(BATH, 300.0, terms=n_terms - 1),
    )
    basis = fixed(model, expansion, rule, Sector(n_sites, translation))
    expected = ado_list(n_sites, n_terms, rule.depth, rule.weights, rule.max_excited_sites)
    pairs = [(a, b) for a in ([0] if translation else range(n_sites)) for b in range(n_sites)]
    wanted = [[*n, a, b] for n in expected for a, b in pairs]
    assert sorted(enumerated(basis)) == sorted(wanted)
    assert (
        basis.size
        == count_unknowns(n_sites, n_terms, rule, 1 if translation else None)
        == len(wanted)
    )


@pytest.mark.mpi
@pytest.mark.parametrize(
    "sector",
    [
        Sector(4, True, parity=1),
        Sector(4, True, parity=-1, hermitian=True),
        Sector(4, False, parity=1, mirror=2, hermitian=True),
    ],
)
def test_of_images_it_holds_one(sector):
    rule, expansion = Truncation(3), expand(BATH, 300.0, terms=0)
    every = fixed(EVEN, expansion, rule, Sector(4, sector.translation), MPI.COMM_SELF)
    basis = fixed(EVEN, expansion, rule, sector)
    keys, bits = basis.canonical_keys(*every.labels())
    expected = np.unique(keys[bits >= 0], axis=0)
    assert sorted(map(tuple, whole(COMM, basis.keys).tolist())) == [
        tuple(key) for key in expected.tolist()
    ]
    assert 0.2 < len(expected) / every.size < 0.7


@pytest.mark.mpi
def test_it_neither_grows_nor_shrinks_and_tells_what_it_lacks():
    expansion = expand(BATH, 300.0, terms=1)
    basis = fixed(EVEN, expansion, Truncation(2), Sector(4, True))
    flow = basis.outflow(np.ones(basis.n_local), 0.0)
    assert COMM.allreduce(len(flow.keys)) == 0
    assert flow.total == flow.rest > 0
    assert flow.capped > 0
    deeper = fixed(EVEN, expansion, Truncation(3), Sector(4, True))
    assert basis.add(deeper.keys) == 0
    assert basis.size == 4 * (1 + 8 + 36)


@pytest.mark.mpi
def test_the_frontier_is_the_last_tier_of_the_first_term():
    rule = Truncation(4, weights=(1.0, 2.5))
    expansion = expand(BATH, 300.0, terms=1)
    basis = fixed(EVEN, expansion, rule, Sector(4, True))
    rng = np.random.default_rng(3)
    x = rng.normal(size=(basis.size, 2)) @ [1, 1j]
    start = COMM.exscan(basis.n_local) or 0
    share = basis.frontier_weight(x[start : start + basis.n_local])
    occupations = np.array(enumerated(basis))[:, :-2]
    last = occupations @ np.tile([1.0, 2.5], 4) + 1 > 4
    assert share == pytest.approx(np.linalg.norm(x[last]) / np.linalg.norm(x), rel=1e-12)
    assert 0.3 < share < 0.99


def dense(basis):
    """The generator with labels in the order of ado_list, then kets, then bras; on every rank."""
    generator = CompactGenerator(basis)
    matrix = np.zeros((basis.size, basis.size), complex)
    for rows, columns, values in COMM.allgather(generator.entries()):
        np.add.at(matrix, (rows, columns), values)
    order = np.lexsort(np.array(enumerated(basis)).T[::-1])
    return matrix[np.ix_(order, order)]


@pytest.mark.mpi
@pytest.mark.parametrize("model", [UNEQUAL, FLUX], ids=["chain", "ring with flux"])
@pytest.mark.parametrize("terms", [0, 1])
def test_generator_is_the_written_hierarchy(model, terms):
    expansion = expand(BATH, 300.0, "matsubara", terms)
    rule = Truncation(3, (1.0, 1.5)[: terms + 1], 2)
    ados = ado_list(3, terms + 1, 3, rule.weights, 2)
    ours = dense(fixed(model, expansion, rule, Sector(3, False)))
    np.testing.assert_allclose(ours, dense_generator(model, expansion, ados), atol=1e-15)


@pytest.mark.mpi
def test_generator_with_conjugate_rates_is_the_usual_one():
    # the elements of the equations as they are written, not those of mixed terms
    both = BathSum((BATH, BrownianBath(150 * CM, 40 * CM, 120 * CM)))
    expansion = expand(both, 150.0, "pade", 1)
    assert np.abs(expansion.rates.imag).max() > 0.01
    assert len(expansion.functions.mixed_pairs) > 0
    basis = fixed(FLUX, expansion, Truncation(2), Sector(3, False))
    reference = dense_generator(FLUX, basis.expansion, ado_list(3, 4, 2))
    np.testing.assert_allclose(dense(basis), reference, atol=1e-15)


def embedding(n_sites, ados, momentum):
    """Columns: sector unknowns X(n, b) written out as full states."""
    index = {n: i for i, n in enumerate(ados)}
    full = np.zeros((len(ados) * n_sites**2, len(ados) * n_sites), dtype=complex)
    n_terms = len(ados[0]) // n_sites
    for i, n in enumerate(ados):
        table = np.array(n).reshape(n_sites, n_terms)
        for a in range(n_sites):
            turned = tuple(np.roll(table, -a, axis=0).ravel())
            for b in range(n_sites):
                column = index[turned] * n_sites + (b - a) % n_sites
                phase = np.exp(2j * np.pi * momentum * a / n_sites)
                full[(i * n_sites + a) * n_sites + b, column] = phase
    return full


@pytest.mark.mpi
@pytest.mark.parametrize("momentum", [0, 1, 3])
def test_momentum_sectors_are_the_plain_hierarchy(momentum):
    expansion, ados = expand(BATH, 300.0, "matsubara", 0), ado_list(4, 1, 3)
    plain, written_out = dense_generator(EVEN, expansion, ados), embedding(4, ados, momentum)
    sector = dense(fixed(EVEN, expansion, Truncation(3), Sector(4, True, momentum)))
    # L E = E L_sector: the sector is closed, and acts as the plain hierarchy does
    np.testing.assert_allclose(plain @ written_out, written_out @ sector, atol=1e-15)


def test_depth_255_of_one_mode_is_held_without_overflow():
    expansion = expand(BATH, 300.0, terms=0)
    rule, model = Truncation(255, max_excited_sites=1), HolsteinModel(3, "ring", 50 * CM)
    basis = fixed(model, expansion, rule, Sector(3, True), MPI.COMM_SELF)
    assert basis.size == 3 * (1 + 3 * 255)
    assert np.max(basis.labels()[0]) == 255


@pytest.mark.mpi
def test_a_hierarchy_beyond_the_limit_is_refused_on_all_ranks():
    limits = Limits(max_unknowns=100, truncation=Truncation(3))
    with pytest.raises(LimitReached, match="100 are allowed"):
        Basis(EVEN, expand(BATH, 300.0, terms=0), Sector(4, True), COMM, limits)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"depth": 0}, "depth"),
        ({"depth": 256}, "depth"),
        ({"depth": 5, "weights": (1.0, 0.0)}, "weights"),
        ({"depth": 200, "weights": (0.5,)}, "occupation above 255"),
        ({"depth": 5, "max_excited_sites": 0}, "max_excited_sites"),
    ],
)
def test_bad_truncations_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        Truncation(**arguments)


def test_weights_must_fit_the_bath():
    rule = Truncation(4, weights=(1.0, 2.0))
    with pytest.raises(ValueError, match="2 weights for 1 bath terms"):
        count_unknowns(3, 1, rule)
    with pytest.raises(ValueError, match="2 weights for 1 bath terms"):
        fixed(EVEN, expand(BATH, 300.0, terms=0), rule, Sector(4, True))
