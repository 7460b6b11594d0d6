"""Links, growth and pruning of adaptive bases, against slow Python and against one rank."""

from collections import defaultdict

import numpy as np
import pytest

from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.compact import CompactGenerator
from smallpolaron.hierarchy.elements import ABSENT, CAP
from smallpolaron.hierarchy.frame import MOST_EXCITED
from smallpolaron.hierarchy.limits import LimitReached, Limits
from smallpolaron.hierarchy.sector import Sector
from tests.hierarchy.orbits import (
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
from tests.hierarchy.ragged_bases import ALONE, CASES, COMM, case, empty, grown, scatter_of


def feeds(basis):
    """What a state of ones feeds outside: all, what stays there, the largest."""
    found = basis.outflow(np.ones(basis.n_local, complex), 0.02)
    return found.total, found.rest, found.largest


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
    fed, excitations = defaultdict(set), {}
    for key, n, a, b in labels_of(basis):
        excitations[key] = sum(n.values())
        for n_to, a_to, b_to, strength in flows(basis, n, a, b):
            to, _ = settle(basis, n_to, a_to, b_to)
            if to in names and strength > 0:
                fed[to].add(key)
    size = np.abs(basis.table)
    for row in names:
        assert {column for column, code in neighbours[row] if size[code] > 0} == fed[row]
        # whom a label knows, knows it, but for a vibration's loss of two excitations
        for column, _ in neighbours[row]:
            loss = excitations[column] == excitations[row] + 2
            assert loss or row in {back for back, _ in neighbours[column]}


@pytest.mark.mpi
@case
@pytest.mark.parametrize("settled", [True, False], ids=["sparsity between", "at once"])
def test_labels_may_leave_and_come_back(parts, settled):
    basis = grown(parts, COMM)
    feeds(basis)  # what is kept per label must follow
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
        assert feeds(basis) == pytest.approx(feeds(fresh))
    first = share(COMM, np.concatenate(COMM.allgather(everything))[::3])
    basis.add(first)
    fresh.add(whole(COMM, first))
    assert operator_map(basis) == operator_map(fresh)
    assert feeds(basis) == pytest.approx(feeds(fresh))
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
    basis = Basis(ring(n), bath(terms - 1), Sector(n, False), ALONE)
    rng = np.random.default_rng(8)
    occupations = np.zeros((60, n * terms), np.uint8)
    for row, most in zip(occupations, rng.integers(0, MOST_EXCITED - 2, 60), strict=True):
        row[rng.choice(n * terms, most, replace=False)] = rng.integers(1, 256, most)
    kets, bras = rng.integers(0, n, (2, 60))
    occupations[0] = 0
    occupations[0, kets[0] * terms : (kets[0] + 1) * terms] = 255
    keys, bits = basis.canonical_keys(occupations, kets, bras)
    assert basis.add(keys) == 60
    assert not np.any(bits)
    np.testing.assert_array_equal(basis.find(keys), np.arange(60))
    for back, original in zip(basis.labels(), (occupations, kets, bras), strict=True):
        np.testing.assert_array_equal(back, original)
    # no occupation above 255, and no overflow to 0
    np.testing.assert_array_equal(basis.links[0, basis.frame.hops :: 4], [CAP] * terms)
    basis.add(basis.outflow(np.ones(60, complex), 0.0).keys)
    names = set(all_labels(basis))
    rows = operator_map(basis)
    for key, m, a, b in list(labels_of(basis))[:60]:
        wanted = {settle(basis, *to)[0] for *to, strength in flows(basis, m, a, b) if strength > 0}
        wanted.discard(None)
        assert wanted <= names
        known = {column for column, _ in rows[key]}
        assert wanted <= known


def test_keys_are_as_long_as_their_excitations_are_many():
    words = [
        Basis(ring(n), bath(1), Sector(n, True, wraps=n < 40), ALONE).layout.n_words
        for n in (6, 41, 81, 343)
    ]
    assert words == [3, 7, 7, 9]
    basis = Basis(ring(41), bath(1), Sector(41, False), ALONE)
    full = np.zeros((1, 82), np.uint8)
    full[0, : 2 * MOST_EXCITED : 2] = 3
    at = np.array([MOST_EXCITED - 1])
    basis.add(basis.layout.pack(full, at, at))
    # one more of the same mode has room, another mode has not: that is a limit, not a loss
    hops = basis.frame.hops
    np.testing.assert_array_equal(basis.links[0, [hops, hops + 4]], [ABSENT, CAP])
    full[0, 1] = 1
    with pytest.raises(ValueError, match=str(MOST_EXCITED)):
        basis.layout.pack(full, at, at)


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
    # not at an amplitude: rounding would decide about it
    for part in (0.0, 0.5, 0.95):
        threshold = 1.001 * np.quantile(amplitudes, part) if part else 0.0
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
