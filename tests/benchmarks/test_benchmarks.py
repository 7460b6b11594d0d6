"""The benchmarks measure what they say; no test here judges a time."""

import importlib
import json
from pkgutil import iter_modules

import numpy as np
import pytest
from mpi4py import MPI
from scipy.linalg import expm

from benchmarks import cases
from benchmarks.cases import bases, fmo, integrators, partition, product, ranks, stream
from benchmarks.child import plain
from benchmarks.harness import CaseFailed, Harness
from smallpolaron.hierarchy.compact import CompactGenerator

SERIAL = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="starts processes of its own")
quiet = Harness(say=lambda _line: None)


# -- running cases -----------------------------------------------------------------------------


@SERIAL
def test_a_case_is_measured_in_a_process_of_its_own():
    found = quiet.run("stream:on_all_ranks", total_bytes=24_000_000)
    assert found.result["bytes_per_s"] > 1e6
    # the three arrays of the triad are in the peak, and little beyond imports besides
    assert 24 < found.peak_mb < 1000
    assert 0 < found.core_s < 1.5 * found.wall_s + 1


@SERIAL
@pytest.mark.parametrize("name", sorted(m.name for m in iter_modules(cases.__path__)))
def test_a_case_finds_what_it_imports(name):
    importlib.import_module(f"benchmarks.cases.{name}")


def test_a_failing_case_says_why():
    with pytest.raises(CaseFailed, match="total_bytes=-24"):
        quiet.run("stream:on_all_ranks", total_bytes=-24)
    assert "TypeError" in quiet.attempt("stream:on_all_ranks", unknown=1)


@SERIAL
def test_a_late_case_is_stopped():
    with pytest.raises(CaseFailed, match="not done after"):
        quiet.run("stream:on_all_ranks", total_bytes=24_000_000, timeout_s=0.01)


def test_results_become_strict_json():
    value = {"a": np.float64(np.nan), "b": [np.int64(3), np.bool_(True)], 1: float("inf")}
    assert json.dumps(plain(value), allow_nan=False) == '{"a": null, "b": [3, true], "1": null}'


# -- kernels and counts ------------------------------------------------------------------------


def test_triad():
    b, c = np.arange(5.0), np.ones(5)
    a = np.zeros(5)
    stream.triad(a, b, c, 3.0)
    np.testing.assert_array_equal(a, b + 3)


@SERIAL
def test_aij_multiplies_like_the_compact_operator():
    found = product.compare(3, 3, 323.0, 41.0, stream_bytes=24_000)
    basis = bases.odd_basis(3, 3, 323.0, 41.0, MPI.COMM_SELF)
    assert found["difference"] < 1e-14
    assert found["labels"] == basis.size
    assert found["entries"] == CompactGenerator(basis).n_nonzeros + basis.size


@pytest.mark.mpi
def test_check_sums_do_not_depend_on_the_ranks():
    found = ranks.products(4, 5, 323.0, 41.0)
    basis = bases.odd_basis(4, 5, 323.0, 41.0, MPI.COMM_SELF)
    generator = CompactGenerator(basis)
    y = np.empty(basis.size, complex)
    generator.apply(bases.pseudo_state(basis.keys, 1), y)
    dot = np.vdot(bases.pseudo_state(basis.keys, 2), y)
    assert found["labels"] == basis.size
    assert found["norm"] == pytest.approx(np.linalg.norm(y), rel=1e-13)
    assert complex(*found["dot"]) == pytest.approx(dot, rel=1e-12)
    assert sum(r["labels"] for r in found["ranks"]) == basis.size


def test_growing_basis_keeps_the_carrier():
    found = ranks.growing(4, 323.0, 41.0, 1e-3, 10.0)
    assert sum(found["populations"]) == pytest.approx(1.0, abs=1e-6)
    assert found["labels"] > 20
    assert found["seconds"] > 0


def test_pseudo_states_fill_the_square():
    keys = np.arange(4000, dtype=np.uint64)[:, None]
    x, other = bases.pseudo_state(keys, 1), bases.pseudo_state(keys, 2)
    for part in (x.real, x.imag, other.real, other.imag):
        assert abs(part.mean()) < 0.05
        assert part.var() == pytest.approx(1 / 3, rel=0.05)
    assert abs(np.vdot(x, other)) < 0.1 * np.vdot(x, x).real


def brute_force(dense, owner, count):
    """Halo of every rank from a dense pattern."""
    received = np.zeros(count, int)
    pairs = np.zeros((count, count), bool)
    for r in range(count):
        read = np.flatnonzero(dense[owner == r].any(axis=0))
        foreign = read[owner[read] != r]
        received[r] = len(foreign)
        pairs[r, owner[foreign]] = True
    return received, pairs


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_partition_counts(count):
    rng = np.random.default_rng(count)
    n = 60
    dense = rng.random((n, n)) < 0.08
    np.fill_diagonal(dense, False)
    places = rng.integers(0, 20, n).astype(np.uint64)
    indptr = np.concatenate([[0], np.cumsum(dense.sum(axis=1))])
    columns = np.nonzero(dense)[1]
    found = partition.divide(indptr, columns, places, count)
    owner = np.searchsorted(partition.quantile_splitters(places, count), places, side="right")
    received, pairs = brute_force(dense, owner, count)
    np.testing.assert_array_equal(found.received, received)
    np.testing.assert_array_equal(found.sources, pairs.sum(axis=1))
    np.testing.assert_array_equal(found.targets, pairs.sum(axis=0))
    assert found.sent.sum() == received.sum()
    assert found.entries.sum() == dense.sum() + n
    # labels of one place stay together
    assert all(len(set(owner[places == p])) == 1 for p in set(places))


def test_time_model():
    counts = [np.array(v) for v in ([50, 50], [500, 300], [10, 30], [1, 1], [30, 10], [1, 1])]
    network = partition.Network(entries_per_s=1e6, latency_s=1e-5, bytes_per_s=1e6)
    # the first rank: 500 entries, one message, 30 numbers of 16 bytes; then two stages of a tree
    expected = 500e-6 + 1e-5 + 480e-6 + 2e-5
    assert network.product_s(partition.Partition(*counts)) == pytest.approx(expected)


# -- reference integrators ---------------------------------------------------------------------


def decaying(n=40):
    rng = np.random.default_rng(3)
    a = rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n))
    return 0.3 * (a - a.conj().T) / np.sqrt(n) - np.diag(rng.random(n))


METHODS = [
    integrators.taylor(4),
    integrators.taylor(12),
    integrators.low_storage(),
    integrators.arnoldi(12),
    integrators.chebyshev(20, (-1.0, 0.0), 1.5),
    integrators.chebyshev(20, (-4.0, 0.0), 0.5),
]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_integrators_reach_the_exponential_with_the_products_they_state(method):
    generator, x = decaying(), np.ones(40, complex)
    calls = 0

    def apply(state):
        nonlocal calls
        calls += 1
        return generator @ state

    exact = expm(2.0 * generator) @ x
    steps = 40 if method.products < 12 else 8
    y = x
    for _ in range(steps):
        y = method.step(apply, y, 2.0 / steps)
    assert calls == steps * method.products
    tolerance = 1e-6 if method.products < 12 else 1e-11
    assert np.linalg.norm(y - exact) < tolerance * np.linalg.norm(exact)


@pytest.mark.parametrize(("method", "order"), [(METHODS[0], 4), (METHODS[2], 4)])
def test_orders(method, order):
    generator, x = decaying(), np.ones(40, complex)
    exact = expm(generator) @ x

    def error(steps):
        y = x
        for _ in range(steps):
            y = method.step(lambda state: generator @ state, y, 1.0 / steps)
        return np.linalg.norm(y - exact)

    assert np.log2(error(8) / error(16)) == pytest.approx(order, abs=0.3)


def test_petsc_integrator():
    generator, x = decaying(), np.ones(40, complex)
    y, products = integrators.petsc_ts(lambda state: generator @ state, x, 2.0, "5dp", 1e-8)
    np.testing.assert_allclose(y, expm(2.0 * generator) @ x, rtol=1e-5, atol=1e-6)
    assert products > 20


@SERIAL
def test_fmo_is_the_same_in_qutip():
    """Two codes, one set of equations, 77 K: Matsubara terms and terminators included."""
    case = {"temperature_K": 77.0, "terms": 1, "depth": 1, "duration_fs": 60.0}
    found, wanted = (np.array(run(**case)["populations"]) for run in (fmo.ours, fmo.peer))
    assert found.shape == (7, 7)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)
    assert found[-1, 0] < 0.9
