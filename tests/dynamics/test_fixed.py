"""Runs on fixed hierarchies against dense matrices of the written equations, and on their own."""

from functools import cache

import numpy as np
import pytest
from mpi4py import MPI
from scipy.linalg import expm

from smallpolaron.analysis.hermite import make_series
from smallpolaron.analysis.mobility import mobility
from smallpolaron.dynamics.checkpoints import NO_CHECKPOINTS
from smallpolaron.dynamics.equilibrium import flux_stiffness
from smallpolaron.hierarchy.limits import Limits, Truncation
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.model.baths.bath import BrownianBath, DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.baths.spectral_density import BathSum
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from tests.dynamics.cases import CHAIN, T, correlate, distance, fixed, populate, ring, silent
from tests.hierarchy.reference import ado_list, dense_generator
from tests.model.golden_rule import golden_rule_rate

WORLD = MPI.COMM_WORLD
BATH = DebyeBath(120 * CM, 70 * CM)
FLUX = HolsteinModel(3, "ring", (60 * CM, -40 * CM, 25 * CM), (80 * CM, -50 * CM, 0.0), flux=0.5)
SHORT = expand(BATH, T, "matsubara", 1)
BOTH = expand(
    BathSum((DebyeBath(60 * CM, 70 * CM), BrownianBath(50 * CM, 40 * CM, 140 * CM))),
    T,
    "matsubara",
    0,
    terminator=False,
)
CASES = {
    "chain": (CHAIN, SHORT, Truncation(4, (1.0, 1.5), 2)),
    "ring with flux": (FLUX, SHORT, Truncation(3)),
    "ring": (ring(4), expand(BATH, T, "pade", 0), Truncation(3)),
    "vibration": (FLUX, BOTH, Truncation(2)),
}


class Dense:
    """The whole hierarchy as one matrix: states are F[ado, a, b]."""

    def __init__(self, model, expansion, rule):
        self.n = model.n_sites
        self.ados = ado_list(
            self.n, expansion.n_terms, rule.depth, rule.weights, rule.max_excited_sites
        )
        self.generator = dense_generator(model, expansion, self.ados)
        self.vacuum = self.ados.index((0,) * len(self.ados[0]))

    def read(self, state, operator):
        """Tr[O rho_0]."""
        return np.trace(operator @ state.reshape(-1, self.n, self.n)[self.vacuum])

    def stationary(self):
        """The null vector with trace 1."""
        trace = np.zeros((len(self.ados), self.n, self.n), complex)
        trace[self.vacuum] = np.eye(self.n)
        rows = np.vstack([self.generator, trace.ravel()])
        right = np.zeros(len(rows), complex)
        right[-1] = 1
        return np.linalg.lstsq(rows, right, rcond=None)[0]

    def current(self, operator, times):
        """Tr[J L^p exp(Lt) J rho] for p = 0, 1, 2, shape (3, times), and rho."""
        rho = self.stationary()
        state = (operator @ rho.reshape(-1, self.n, self.n)).ravel()
        step, found = expm(self.generator * (times[1] - times[0])), []
        for _ in times:
            first = self.generator @ state
            second = self.generator @ first
            found.append([self.read(each, operator) for each in (state, first, second)])
            state = step @ state
        return np.array(found).T, rho.reshape(-1, self.n, self.n)[self.vacuum]


@cache
def dense(name):
    return Dense(*CASES[name])


@pytest.mark.mpi
@pytest.mark.parametrize("name", CASES)
def test_correlation_is_that_of_the_written_equations(name):
    model, expansion, rule = CASES[name]
    ours = fixed(model, expansion, rule, 60.0, comm=WORLD)
    (c, dc, d2c), rho = dense(name).current(model.current, ours.time_fs)
    assert distance(ours.C_JJ, c) < 1e-8
    assert distance(ours.dC_JJ, dc) < 1e-7
    assert distance(ours.d2C_JJ, d2c) < 1e-7
    np.testing.assert_allclose(ours.density_matrix, rho, atol=1e-9)
    assert np.abs(c.imag).max() > 0.02 * abs(c[0])
    assert ours.hermiticity < 1e-9
    assert ours.equilibrium_residual < 1e-8


@pytest.mark.mpi
@pytest.mark.parametrize("start", ["franck_condon", "marcus"])
@pytest.mark.parametrize("name", CASES)
def test_populations_are_those_of_the_written_equations(name, start):
    model, expansion, rule = CASES[name]
    reference, n = dense(name), model.n_sites
    state = np.zeros((len(reference.ados), n, n), complex)
    state[reference.vacuum, 1, 1] = 1
    if start == "marcus":
        # relaxed by the hierarchy without hopping itself
        still = HolsteinModel(n, "chain", 0.0)
        state = expm(Dense(still, expansion, rule).generator * 1e4) @ state.ravel()
    ours = populate_fixed(model, expansion, rule, start, comm=WORLD)
    step, state = expm(reference.generator * 2.0), state.ravel()
    for found in ours.populations:
        rho = state.reshape(-1, n, n)[reference.vacuum]
        np.testing.assert_allclose(found, np.diagonal(rho).real, atol=1e-9)
        last, state = rho, step @ state
    np.testing.assert_allclose(ours.density_matrix_final, last, atol=1e-9)
    assert np.abs(last.imag).max() > 1e-3
    assert ours.trace_error < 1e-12


def populate_fixed(model, expansion, rule, start, site=1, **more):
    limits = Limits(truncation=rule)
    tight = Accuracy(1e-5, tolerance=1e-11)
    settings = {"comm": MPI.COMM_SELF, "limits": limits, "accuracy": tight} | more
    return populate(model, start, site, expansion=expansion, duration_fs=40.0, **settings)


@pytest.mark.mpi
@pytest.mark.parametrize("name", ["chain", "ring"])
def test_the_same_numbers_for_any_number_of_ranks(name):
    together, alone = (fixed(*CASES[name], 60.0, comm=comm) for comm in (WORLD, MPI.COMM_SELF))
    for each in ("C_JJ", "d2C_JJ", "density_matrix"):
        assert distance(getattr(together, each), getattr(alone, each)) < 1e-9
    assert together.D_resolvent == pytest.approx(alone.D_resolvent, rel=1e-6)
    assert together.flux_stiffness == pytest.approx(alone.flux_stiffness, rel=1e-9, nan_ok=True)
    np.testing.assert_allclose(
        together.record.frontier_weight, alone.record.frontier_weight, atol=1e-9
    )
    assert together.record.n_nonzeros == alone.record.n_nonzeros
    for c in WORLD.allgather(together.C_JJ):
        np.testing.assert_array_equal(c, together.C_JJ)


def test_symmetries_change_the_size_alone():
    auto, none = (fixed(*CASES["ring"], 60.0, symmetry=symmetry) for symmetry in ("auto", "none"))
    assert auto.record.n_unknowns < 0.15 * none.record.n_unknowns
    assert distance(auto.C_JJ, none.C_JJ) < 1e-9
    assert auto.D_resolvent == pytest.approx(none.D_resolvent, rel=1e-5)
    assert auto.frontier_weight == pytest.approx(none.frontier_weight, rel=0.5)


def test_time_and_linear_solve_give_one_diffusion_constant():
    run = fixed(
        ring(3), expand(DebyeBath(150 * CM, 80 * CM), T, "matsubara", 0), Truncation(8), 1200
    )
    assert run.D_resolvent == pytest.approx(run.D_time, rel=1e-6)
    by_samples = mobility(make_series(run.time_fs, run.C_JJ, run.dC_JJ, run.d2C_JJ), T).D_A2_fs
    assert by_samples == pytest.approx(run.D_time, rel=1e-4)
    # one run: nothing is known of what the hierarchy leaves out
    assert np.isnan(run.errors.C["basis"])
    assert np.isnan(run.errors.C["bath_terms"])


def test_an_adaptive_basis_is_a_share_of_the_hierarchy():
    whole = fixed(ring(4), SHORT, Truncation(9, (1.0, 3.0)), 90.0)
    part = correlate(ring(4), 1e-3, expansion=SHORT)
    assert distance(part.C_JJ, whole.C_JJ) < part.errors.total_C + 1e-4
    assert part.record.n_unknowns < 0.5 * whole.record.n_unknowns
    assert np.isnan(part.frontier_weight)
    assert part.record.frontier_weight.size == 0


@pytest.mark.slow
def test_small_hopping_gives_the_golden_rule_rate():
    bath, v = DebyeBath(300 * CM, 80 * CM), 2 * CM
    # four sites: paths around the ring, absent from the rate, are of order (beta v)^2;
    # to second order in v no more than two sites are ever excited
    model = HolsteinModel(4, "ring", v)
    rule = Truncation(15, weights=(1.0, 7.5), max_excited_sites=2)
    run = fixed(model, expand(bath, T, "pade", 1), rule, 300.0, tolerance=1e-7)
    assert run.D_resolvent == pytest.approx(25.0 * golden_rule_rate(model, bath), rel=0.01)


# strong coupling to a slow, cold bath, far too few levels: the generator has growing modes
COLD = HolsteinModel(2, "chain", 50 * CM, (0.0, 30 * CM), temperature_K=50.0)
UNSTABLE = expand(DebyeBath(1000 * CM, 5 * CM), 50.0, "matsubara", 0)


def test_an_unstable_truncation_is_reported_not_returned_as_a_result():
    said = []
    run = populate(
        COLD,
        "franck_condon",
        0,
        expansion=UNSTABLE,
        duration_fs=40_000.0,
        sample_fs=100.0,
        limits=Limits(truncation=Truncation(2)),
        accuracy=Accuracy(1e-5, tolerance=1e-6),
        report=said.append,
    )
    assert run.record.growth_detected
    assert run.time_fs[-1] < 40_000.0
    assert any("unstable" in line for line in said)


def test_growth_of_a_current_is_reported():
    run = fixed(COLD, UNSTABLE, Truncation(2), 40_000.0, sample_fs=100.0, tolerance=1e-6)
    assert run.record.growth_detected
    assert run.time_fs[-1] < 40_000.0


def test_stiffness_is_skipped_where_winding_cannot_matter():
    limits = Limits(truncation=Truncation(1))
    for model in (HolsteinModel(3, "chain", 50 * CM), ring(10)):
        settings = (Accuracy(), limits, MPI.COMM_SELF, silent, NO_CHECKPOINTS)
        assert flux_stiffness(model, SHORT, *settings) == 0.0
