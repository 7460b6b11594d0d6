import numpy as np
import pytest
from mpi4py import MPI

from smallpolaron.hierarchy.basis import fixed_basis
from smallpolaron.hierarchy.labels import KeyLayout
from smallpolaron.hierarchy.sector import Sector
from smallpolaron.hierarchy.truncation import AdoCounter, Truncation, count_unknowns
from tests.hierarchy.reference import ado_list

RULES = [
    (3, 1, Truncation(4)),
    (3, 2, Truncation(4, weights=(1.0, 2.5))),
    (4, 2, Truncation(3, weights=(0.5, 1.0), max_excited_sites=2)),
    (3, 3, Truncation(3, weights=(1.0, 1.1, 3.0), max_excited_sites=1)),
]


def all_keys(basis):
    return np.concatenate(basis.comm.allgather(basis.keys))


@pytest.mark.parametrize(("n_sites", "n_terms", "rule"), RULES)
def test_counts_and_order_agree_with_a_plain_enumeration(n_sites, n_terms, rule):
    expected = ado_list(n_sites, n_terms, rule.depth, rule.weights, rule.max_excited_sites)
    counter = AdoCounter(n_sites, n_terms, rule)
    assert counter.total == len(expected)
    assert count_unknowns(n_sites, n_terms, rule, translation=True) == len(expected) * n_sites
    assert count_unknowns(n_sites, n_terms, rule, translation=False) == len(expected) * n_sites**2
    for rank in range(0, len(expected), 7):
        assert tuple(counter.unrank(rank)) == expected[rank]


@pytest.mark.mpi
@pytest.mark.parametrize(("n_sites", "n_terms", "rule"), RULES)
@pytest.mark.parametrize("translation", [True, False])
def test_every_rank_count_enumerates_the_same_sorted_labels(n_sites, n_terms, rule, translation):
    basis = fixed_basis(n_sites, n_terms, rule, Sector(n_sites, translation), MPI.COMM_WORLD)
    keys = all_keys(basis)
    occupations, kets, bras = basis.layout.unpack(keys)
    expected = ado_list(n_sites, n_terms, rule.depth, rule.weights, rule.max_excited_sites)
    pairs = [(a, b) for a in ([0] if translation else range(n_sites)) for b in range(n_sites)]
    wanted = [(*n, a, b) for n in expected for a, b in pairs]
    assert np.column_stack([occupations, kets, bras]).tolist() == [list(w) for w in wanted]
    assert sorted(map(tuple, keys.tolist())) == [tuple(k) for k in keys.tolist()]
    # no rank holds the whole index
    assert basis.n_local <= -(-len(expected) // basis.comm.size) * len(pairs)


@pytest.mark.mpi
def test_find_resolves_keys_of_every_rank_and_reports_absent_ones():
    basis = fixed_basis(4, 1, Truncation(5), Sector(4, True), MPI.COMM_WORLD)
    keys = all_keys(basis)
    rng = np.random.default_rng(7 + basis.comm.rank)
    # a different number of questions on every rank, none on the last
    count = 0 if basis.comm.rank == basis.comm.size - 1 > 0 else 50 + 13 * basis.comm.rank
    chosen = rng.integers(0, len(keys), count)
    np.testing.assert_array_equal(basis.find(keys[chosen]), chosen)
    too_deep = np.full((3, 4), 3, dtype=np.uint8)
    absent = basis.layout.pack(too_deep, np.zeros(3, np.int64), np.arange(3))
    np.testing.assert_array_equal(basis.find(absent), [-1, -1, -1])


@pytest.mark.mpi
def test_more_ranks_than_operators_is_no_problem():
    basis = fixed_basis(3, 1, Truncation(1, max_excited_sites=1), Sector(3, True), MPI.COMM_WORLD)
    keys = all_keys(basis)
    np.testing.assert_array_equal(basis.find(keys), np.arange(len(keys)))


@pytest.mark.parametrize(
    ("n_sites", "n_terms", "top"), [(6, 1, 20), (64, 3, 255), (40, 2, 3), (3, 1, 1)]
)
def test_packing_is_reversible_for_any_size(n_sites, n_terms, top):
    layout = KeyLayout(n_sites, n_terms, top)
    rng = np.random.default_rng(0)
    occupations = rng.integers(0, top + 1, (50, layout.n_modes)).astype(np.uint8)
    kets, bras = rng.integers(0, n_sites, (2, 50))
    keys = layout.pack(occupations, kets, bras)
    for back, original in zip(layout.unpack(keys), (occupations, kets, bras), strict=True):
        np.testing.assert_array_equal(back, original)


def test_depth_255_of_one_mode_is_walked_without_overflow():
    basis = fixed_basis(3, 1, Truncation(255, max_excited_sites=1), Sector(3, True), MPI.COMM_SELF)
    assert basis.size == 3 * (1 + 3 * 255)
    assert len(np.unique(basis.keys, axis=0)) == basis.size


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
    with pytest.raises(ValueError, match="2 weights for 1 bath terms"):
        count_unknowns(3, 1, Truncation(4, weights=(1.0, 2.0)), translation=False)
