"""How the labels of adaptive bases are dealt out to ranks, against one rank."""

from itertools import pairwise

import numpy as np
import pytest

from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.compact import CompactGenerator
from smallpolaron.hierarchy.elements import GHOST
from smallpolaron.hierarchy.places import places
from smallpolaron.hierarchy.sector import Sector
from tests.hierarchy.orbits import bath, operator_map, ring, share, values_by_label, whole
from tests.hierarchy.ragged_bases import ALONE, COMM, any_case, carrier, empty, grown, scatter_of


def place(basis, table):
    """Place of the ADO with occupations table (site, term)."""
    key = basis.layout.pack(table.reshape(1, -1), np.zeros(1, int), np.zeros(1, int))
    own = np.empty(1, np.uint64)
    places(basis.frame, basis.maps, key, own)
    return int(own[0])


@pytest.mark.parametrize(("n", "terms"), [(3, 1), (6, 2), (7, 1), (64, 3), (6, 11)])
def test_places_are_the_same_wherever_an_ado_is_turned(n, terms):
    basis = Basis(ring(n), bath(terms - 1), Sector(n, True), ALONE)
    rng = np.random.default_rng(n)
    for excited in (1, 2, 3, 5, *[4] * 40):
        table = np.zeros((n, terms), np.uint8)
        np.add.at(table, (rng.integers(n, size=excited), rng.integers(terms, size=excited)), 1)
        own = place(basis, table)
        for turn in range(n):
            for image in (table, table[::-1]):
                assert place(basis, np.roll(image, turn, axis=0)) == own
        assert own > 0
    assert place(basis, np.zeros((n, terms), np.uint8)) == 0


def test_places_tell_pairs_apart():
    basis = Basis(ring(9), bath(1), Sector(9, True), ALONE)
    seen = set()
    for term in (0, 1):
        for site in range(5):
            table = np.zeros((9, 2), np.uint8)
            table[0, 0] += 1
            table[site, term] += 1
            seen.add(place(basis, table))
    assert len(seen) == 10


@pytest.mark.mpi
@any_case
def test_hops_stay_on_their_rank_and_ranks_share_the_work(parts):
    basis = grown(parts, COMM)
    assert np.all(basis.links[:, : basis.frame.hops] > GHOST)
    own = np.empty(basis.n_local, np.uint64)
    places(basis.frame, basis.maps, basis.keys, own)
    ends = COMM.allgather((own.min(initial=2**63), own.max(initial=0), len(own)))
    filled = [end for end in ends if end[2] > 0]
    assert all(left[1] < right[0] for left, right in pairwise(filled))
    # ghosts are neighbours on other ranks, each once, and nothing else is kept of other ranks; what
    # mixed terms feed without being fed is known for growth only
    s = basis.sparsity()
    assert basis._linked.ghosts.count == len(s.ghosts) == len(np.unique(s.ghosts))
    beyond = s.columns[s.columns >= basis.n_local].astype(int) - basis.n_local
    assert set(beyond.tolist()) <= set(range(len(s.ghosts)))
    assert basis.frame.n_mixed or len(set(beyond.tolist())) == len(s.ghosts)
    assert not set(s.ghosts.tolist()) & set(range(s.start, s.start + basis.n_local))


@pytest.mark.mpi
def test_no_rank_holds_the_index():
    basis = grown((ring(8), 1, Sector(8, True)), COMM, least=8000)
    basis.sparsity()
    assert sum(COMM.allgather(basis.n_local)) == basis.size
    assert basis.n_local <= 1.3 * basis.size / COMM.size
    # nor do the ghosts bring it back
    assert basis.n_local + basis._linked.ghosts.count <= 0.9 * basis.size or COMM.size == 1


def step(basis, x, rate):
    """One crude time step, which mixes the values of all labels."""
    generator = CompactGenerator(basis)
    y = np.empty_like(x)
    generator.apply(x, y)
    return x + y / rate


@pytest.mark.mpi
@any_case
def test_any_number_of_ranks_goes_through_the_same_cycles(parts):
    """Grow, move on, prune and share out: the same labels, operator and values as one rank."""
    histories = []
    for comm in (ALONE, COMM):
        basis = empty(parts, comm)
        basis.add(share(comm, carrier(basis)))
        x = scatter_of(basis)
        seen = []
        for threshold in (3e-2, 1e-2, 4e-3, 4e-3, 3e-2, 2e-3):
            norm = CompactGenerator(basis).norm(x)
            out = basis.outflow(x, threshold * norm)
            basis.add(out.keys)
            x = np.concatenate([x, np.zeros(basis.n_local - len(x), complex)])
            x = basis.rebalance(x)
            for _ in range(3):
                x = step(basis, x, rate=0.2)
            generator = CompactGenerator(basis)
            around = whole(comm, x)[basis.sparsity().ghosts]
            np.testing.assert_array_equal(generator.ghosts(x), around)
            seen.append((values_by_label(basis, x), operator_map(basis), out.total, out.rest))
            weight = basis.importance(x, generator.ghosts(x))
            x = basis.keep(weight > threshold / 3 * norm, x)
            seen.append((values_by_label(basis, x), operator_map(basis), 0.0, 0.0))
        histories.append(seen)
    assert max(len(values) for values, *_ in histories[0]) > 70
    for alone, together in zip(*histories, strict=True):
        assert alone[1] == together[1]
        assert together[2:] == pytest.approx(alone[2:])
        peak = max(map(abs, alone[0].values()))
        for key, value in alone[0].items():
            assert together[0][key] == pytest.approx(value, abs=1e-12 * peak)


@pytest.mark.mpi
@any_case
def test_values_move_with_their_labels(parts):
    basis = empty(parts)
    alone = grown(parts, ALONE)
    basis.add(share(COMM, alone.keys))
    shares = COMM.allgather(basis.n_local)
    x = scatter_of(basis)
    before, operator = values_by_label(basis, x), operator_map(basis)
    x = basis.rebalance(x)
    np.testing.assert_array_equal(x, scatter_of(basis))
    assert values_by_label(basis, x) == before
    assert operator_map(basis) == operator == operator_map(alone)
    # the first guess gives nearly all to the last rank
    assert COMM.size == 1 or basis.n_local < max(shares)
