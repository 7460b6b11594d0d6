"""Growth, pruning and sharing out of adaptive bases, against slow Python and against one rank."""

from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
from mpi4py import MPI

from smallpolaron.hierarchy.adaptive import AdaptiveBasis
from smallpolaron.hierarchy.compact import CompactGenerator
from smallpolaron.hierarchy.elements import CAP, GHOST
from smallpolaron.hierarchy.limits import LimitReached, Limits
from smallpolaron.hierarchy.neighbours import HOPS
from smallpolaron.hierarchy.places import place, places
from smallpolaron.hierarchy.sector import Sector
from tests.hierarchy.orbits import (
    CHAIN_3,
    DISORDERED_4,
    EVEN_CHAIN_4,
    all_labels,
    as_tuples,
    bath,
    damping_of,
    flows,
    labels_of,
    operator_map,
    ring,
    settle,
    share,
    values_by_label,
    whole,
)

COMM, ALONE = MPI.COMM_WORLD, MPI.COMM_SELF
CASES = {
    "ring, K = 1": (ring(6), 1, Sector(6, True)),
    "odd ring, momentum 2, K = 2": (ring(5), 2, Sector(5, True, 2)),
    "all symmetries": (ring(6), 1, Sector(6, True, parity=-1, hermitian=True)),
    "disorder and flux": (DISORDERED_4, 1, Sector(4, False, hermitian=True)),
    "chain": (CHAIN_3, 2, Sector(3, False)),
    "mirrored chain": (EVEN_CHAIN_4, 0, Sector(4, False, parity=-1, mirror=3)),
    "infinite ring": (ring(5), 1, Sector(5, True, wraps=False)),
    "half of the infinite ring": (
        ring(5),
        1,
        Sector(5, True, parity=1, hermitian=True, wraps=False),
    ),
    "oscillator, all symmetries": (
        ring(6),
        "oscillator",
        Sector(6, True, parity=-1, hermitian=True),
    ),
    "oscillator, half of the infinite ring": (
        ring(5),
        "oscillator",
        Sector(5, True, hermitian=True, wraps=False),
    ),
    "oscillator, disorder and flux": (DISORDERED_4, "oscillator", Sector(4, False, hermitian=True)),
}
case = pytest.mark.parametrize("parts", CASES.values(), ids=CASES.keys())


def empty(parts, comm=COMM, limits=None):
    model, terms, sector = parts
    return AdaptiveBasis(model, bath(terms), sector, comm, limits or Limits(max_occupation=5))


def carrier(basis):
    """Keys of all elements of rho_0 that do not vanish."""
    n = basis.model.n_sites
    kets = np.zeros(n, np.int64) if basis.sector.translation else np.repeat(np.arange(n), n)
    bras = np.tile(np.arange(n), len(kets) // n)
    vacuum = np.zeros((len(kets), basis.layout.n_modes), np.uint8)
    keys, bits = basis.canonical_keys(vacuum, kets, bras)
    return keys[bits >= 0]


def scatter_of(basis, salt=1, decay=0.9):
    """A state in which every label has a value of its own that depends on nothing else."""
    odd = np.arange(1, 2 * basis.layout.n_words, 2, dtype=np.uint64)
    mix = (basis.keys * (odd * np.uint64(0x9E3779B97F4A7C15) + np.uint64(2 * salt))).sum(axis=1)
    mix ^= mix >> np.uint64(31)
    mix *= np.uint64(0xBF58476D1CE4E5B9)
    mix ^= mix >> np.uint64(29)
    share_of_one = (mix >> np.uint64(11)).astype(float) / 2.0**53
    tiers = basis.labels()[0].sum(axis=1, dtype=float)
    return share_of_one * np.exp(-decay * tiers + 40j * share_of_one)


def grown(parts, comm, least=700, limits=None):
    """A ragged basis: what a scattered state wants."""
    basis = empty(parts, comm, limits)
    basis.add(carrier(basis))
    threshold = 0.05
    while basis.size < least:
        if basis.add(basis.outflow(scatter_of(basis), threshold).keys) == 0:
            if threshold == 0:
                break  # that is all there is
            threshold = threshold / 2 if threshold > 1e-6 else 0.0
        basis.rebalance(np.zeros(basis.n_local, complex))
    return basis


# -- links ---------------------------------------------------------------------------------------


@pytest.mark.mpi
@case
def test_the_operator_does_not_depend_on_how_labels_came_in(parts):
    target = grown(parts, ALONE)
    expected = operator_map(target)
    keys = target.keys.copy()
    order = np.random.default_rng(3).permutation(len(keys))
    basis = empty(parts)
    for batch in range(5):
        # a third of every batch was there before, some keys come from several ranks, one is empty
        first = max(0, (batch - 1) * len(keys) // 4 - len(keys) // 12)
        chosen = order[first : batch * len(keys) // 4]
        basis.add(np.concatenate([share(COMM, keys[chosen]), keys[chosen[:20]]]))
        if batch == 2:
            basis.rebalance(np.zeros(basis.n_local, complex))
        if batch == 3:
            basis.sparsity()
    assert basis.size == target.size
    assert operator_map(basis) == expected
    assert basis.add(basis.keys) == 0


@pytest.mark.mpi
@case
def test_links_lead_to_the_neighbours_that_the_equations_name(parts):
    basis = grown(parts, COMM, least=400)
    names = set(all_labels(basis))
    neighbours = operator_map(basis)
    fed = defaultdict(set)
    for key, n, a, b in labels_of(basis):
        for n_to, a_to, b_to, strength in flows(basis, n, a, b):
            to, _ = settle(basis, n_to, a_to, b_to)
            if to in names and strength > 0:
                fed[to].add(key)
    size = np.abs(basis.table)
    for row in names:
        assert {column for column, code in neighbours[row] if size[code] > 0} == fed[row]
        # whom a label knows, knows it
        for column, _ in neighbours[row]:
            assert row in {back for back, _ in neighbours[column]}


@pytest.mark.mpi
@case
@pytest.mark.parametrize("settled", [True, False], ids=["sparsity between", "at once"])
def test_labels_may_leave_and_come_back(parts, settled):
    basis = grown(parts, COMM)
    before, everything = operator_map(basis), basis.keys.copy()
    x = scatter_of(basis)
    values = values_by_label(basis, x)
    chosen = np.abs(x) > np.median(np.abs(whole(COMM, x)))
    kept = whole(COMM, everything[chosen])
    x = basis.keep(chosen, x)
    assert basis.size == len(kept) < len(before)
    assert values_by_label(basis, x).items() <= values.items()
    fresh = empty(parts, ALONE)
    fresh.add(kept)
    if settled:
        assert operator_map(basis) == operator_map(fresh)
    first = share(COMM, np.concatenate(COMM.allgather(everything))[::3])
    basis.add(first)
    fresh.add(whole(COMM, first))
    assert operator_map(basis) == operator_map(fresh)
    basis.add(everything)
    assert operator_map(basis) == before


@pytest.mark.mpi
@case
def test_find_and_values_know_every_rank(parts):
    basis = grown(parts, COMM)
    x = scatter_of(basis)
    keys, values = whole(COMM, basis.keys), whole(COMM, x)
    rng = np.random.default_rng(COMM.rank)
    # a different number of questions on every rank, none on the last of several
    count = 0 if COMM.rank == COMM.size - 1 > 0 else 40 + 7 * COMM.rank
    chosen = rng.integers(0, len(keys), count)
    np.testing.assert_array_equal(basis.find(keys[chosen]), chosen)
    np.testing.assert_array_equal(basis.values(keys[chosen], x), values[chosen])
    deep = np.full((1, basis.layout.n_modes), 4, np.uint8)
    absent = basis.layout.pack(deep, np.zeros(1, np.int64), np.zeros(1, np.int64))
    np.testing.assert_array_equal(basis.find(absent), [-1])
    np.testing.assert_array_equal(basis.values(absent, x), [0])
    mine = basis.local_rows(keys)
    start = int(np.sum(COMM.allgather(basis.n_local)[: COMM.rank]))
    np.testing.assert_array_equal(np.flatnonzero(mine >= 0), start + np.arange(basis.n_local))


def test_many_sites_many_terms_and_all_occupations():
    n, terms = 64, 3
    basis = AdaptiveBasis(ring(n), bath(terms - 1), Sector(n, False), ALONE)
    assert basis.layout.n_words > 20
    rng = np.random.default_rng(8)
    occupations = rng.integers(0, 256, (60, n * terms)).astype(np.uint8)
    occupations[30:, rng.integers(0, n * terms, 150)] = 0
    kets, bras = rng.integers(0, n, (2, 60))
    occupations[0, kets[0] * terms : (kets[0] + 1) * terms] = 255
    keys, bits = basis.canonical_keys(occupations, kets, bras)
    assert basis.add(keys) == 60
    assert not np.any(bits)
    np.testing.assert_array_equal(basis.find(keys), np.arange(60))
    for back, original in zip(basis.labels(), (occupations, kets, bras), strict=True):
        np.testing.assert_array_equal(back, original)
    # no occupation above 255, and no overflow to 0
    np.testing.assert_array_equal(basis.links[0, HOPS::4], [CAP] * terms)
    basis.add(basis.outflow(np.ones(60, complex), 0.0).keys)
    names = set(all_labels(basis))
    rows = operator_map(basis)
    for key, m, a, b in list(labels_of(basis))[:60]:
        wanted = {settle(basis, *to)[0] for *to, strength in flows(basis, m, a, b) if strength > 0}
        wanted.discard(None)
        assert wanted <= names
        known = {column for column, _ in rows[key]}
        assert wanted <= known


@pytest.mark.parametrize("arguments", [(0,), (10, 0), (10, 256)])
def test_limits_that_cannot_be_held_are_refused(arguments):
    with pytest.raises(ValueError, match="allowed"):
        Limits(*arguments)


# -- growth and pruning --------------------------------------------------------------------------


def slow_amplitudes(basis, x):
    """(amplitude, key, why not) of everything fed by every label, from the equations."""
    values = values_by_label(basis, x)
    for key, n, a, b in labels_of(basis):
        for n_to, a_to, b_to, strength in flows(basis, n, a, b):
            to, reason = settle(basis, n_to, a_to, b_to)
            damping = damping_of(basis, n_to)
            yield strength * abs(values[key]) / (damping + basis.base_rate), to, reason


@pytest.mark.mpi
@case
def test_outflow_is_what_the_equations_say(parts):
    # a limit that is met all over the basis
    basis = grown(parts, COMM, least=120, limits=Limits(max_occupation=2))
    x = scatter_of(basis, salt=7)
    names = set(all_labels(basis))
    outside, capped = [], []
    for amplitude, to, reason in slow_amplitudes(basis, x):
        if reason == "limit":
            capped.append(amplitude)
        elif reason is None and to not in names:
            outside.append((amplitude, to))
    amplitudes = np.array([amplitude for amplitude, _ in outside])
    assert len(amplitudes) > 10
    assert max(capped) > 0
    for threshold in (0.0, np.median(amplitudes), np.quantile(amplitudes, 0.95)):
        found = basis.outflow(x, threshold)
        keys = as_tuples(whole(COMM, found.keys))
        assert set(keys) == {to for amplitude, to in outside if amplitude > threshold}
        assert not set(keys) & names
        below = np.sum(amplitudes[amplitudes <= threshold] ** 2) + np.sum(np.square(capped))
        assert found.total**2 == pytest.approx(np.sum(amplitudes**2) + np.sum(np.square(capped)))
        assert found.rest**2 == pytest.approx(below)
        assert found.largest == pytest.approx(amplitudes.max())
        assert found.capped == pytest.approx(max(capped))


@pytest.mark.mpi
@case
def test_pruning_respects_size_and_inflow(parts):
    basis = grown(parts, COMM, least=300)
    x = scatter_of(basis, salt=9)
    generator = CompactGenerator(basis)
    weights = {key: abs(value) for key, value in values_by_label(basis, x).items()}
    for amplitude, to, _ in slow_amplitudes(basis, x):
        if to in weights:
            weights[to] = max(weights[to], amplitude)
    threshold = np.quantile(list(weights.values()), 0.503)
    ours = basis.importance(x, generator.ghosts(x))
    theirs = [weights[key] for key in as_tuples(basis.keys)]
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    values = values_by_label(basis, x)
    x = basis.keep(ours > threshold, x)
    stayed = {key for key, weight in weights.items() if weight > threshold}
    assert set(all_labels(basis)) == stayed
    assert any(abs(values[key]) < threshold for key in stayed)
    assert values_by_label(basis, x) == {key: values[key] for key in all_labels(basis)}


@pytest.mark.mpi
def test_a_limit_that_is_reached_leaves_the_basis_as_it_was():
    parts = CASES["ring, K = 1"]
    basis = grown(parts, COMM, least=300, limits=Limits(max_unknowns=1500))
    more = basis.outflow(np.ones(basis.n_local, complex), 0.0).keys
    while basis.size + len(np.unique(whole(COMM, more), axis=0)) <= 1500:
        basis.add(more)
        more = basis.outflow(np.ones(basis.n_local, complex), 0.0).keys
    before, size = operator_map(basis), basis.size
    with pytest.raises(LimitReached, match="1500 are allowed"):
        basis.add(more)
    assert basis.size == size <= 1500
    assert operator_map(basis) == before
    assert np.all(basis.find(more) == -1)
    # there is still room for a few
    few = np.unique(whole(COMM, more), axis=0)[: 1500 - size]
    assert basis.add(few) == len(few) == 1500 - size
    alone = empty(parts, ALONE, Limits())
    alone.add(whole(COMM, basis.keys))
    assert operator_map(basis) == operator_map(alone)


# -- ranks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "terms"), [(3, 1), (6, 2), (7, 1), (64, 3), (6, 11)])
def test_places_are_the_same_wherever_an_ado_is_turned(n, terms):
    frame = AdaptiveBasis(ring(n), bath(terms - 1), Sector(n, True), ALONE).frame
    rng = np.random.default_rng(n)
    for excited in (1, 2, 3, 5, *[4] * 40):
        table = np.zeros((n, terms), np.uint8)
        np.add.at(table, (rng.integers(n, size=excited), rng.integers(terms, size=excited)), 1)
        own = place(frame, table.ravel())
        for turn in range(n):
            for image in (table, table[::-1]):
                turned = np.ascontiguousarray(np.roll(image, turn, axis=0)).ravel()
                assert place(frame, turned) == own
        assert own > 0
    vacuum = np.zeros(n * terms, np.uint8)
    assert place(frame, vacuum) == 0


def test_places_tell_pairs_apart():
    basis = AdaptiveBasis(ring(9), bath(1), Sector(9, True), ALONE)
    seen = set()
    for term in (0, 1):
        for site in range(5):
            table = np.zeros((9, 2), np.uint8)
            table[0, 0] += 1
            table[site, term] += 1
            seen.add(int(place(basis.frame, table.ravel())))
    assert len(seen) == 10


@pytest.mark.mpi
@case
def test_hops_stay_on_their_rank_and_ranks_share_the_work(parts):
    basis = grown(parts, COMM)
    assert np.all(basis.links[:, :HOPS] > GHOST)
    own = np.empty(basis.n_local, np.uint64)
    places(basis.frame, basis.layout.fields, basis.keys, own)
    ends = COMM.allgather((own.min(initial=2**63), own.max(initial=0), len(own)))
    filled = [end for end in ends if end[2] > 0]
    assert all(left[1] < right[0] for left, right in pairwise(filled))
    # ghosts are neighbours on other ranks, each once, and nothing else is kept of other ranks
    s = basis.sparsity()
    assert basis._linked.ghosts.count == len(s.ghosts) == len(np.unique(s.ghosts))
    beyond = s.columns[s.columns >= basis.n_local].astype(int) - basis.n_local
    assert set(beyond.tolist()) == set(range(len(s.ghosts)))
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
@case
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
    assert max(len(values) for values, *_ in histories[0]) > 100
    for alone, together in zip(*histories, strict=True):
        assert alone[1] == together[1]
        assert together[2:] == pytest.approx(alone[2:])
        peak = max(map(abs, alone[0].values()))
        for key, value in alone[0].items():
            assert together[0][key] == pytest.approx(value, abs=1e-12 * peak)


@pytest.mark.mpi
@case
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
