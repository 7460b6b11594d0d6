"""Exact limits and sum rules, through the adaptive engine."""

import numpy as np
import pytest
from mpi4py import MPI
from scipy.integrate import simpson

from smallpolaron.analysis import gates
from smallpolaron.analysis.hermite import make_series
from smallpolaron.analysis.kubo import kubo_transform, spectra
from smallpolaron.dynamics.correlation import current_sectors
from smallpolaron.dynamics.equilibrium import find_equilibrium, solve_equilibrium
from smallpolaron.dynamics.evolve import evolve
from smallpolaron.dynamics.operators import apply_current
from smallpolaron.dynamics.progress import Progress
from smallpolaron.dynamics.readout import Readout
from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.limits import Limits
from smallpolaron.hierarchy.sector import Sector
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.model.baths.bath import DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from smallpolaron.model.units import beta
from tests.dynamics.cases import CHAIN, T, correlate, distance, populate, ring, silent

COMM = MPI.COMM_SELF


def progress():
    return Progress("test", None, COMM, silent)


def boltzmann(model):
    energies, waves = np.linalg.eigh(model.hamiltonian)
    weight = np.exp(-model.beta * energies)
    return (waves * (weight / weight.sum())) @ waves.conj().T


FREE = expand(DebyeBath(0.0, 50 * CM), 200.0, terms=0)
FREE_RING = HolsteinModel(5, "ring", 60 * CM, lattice_constant_A=4.0, temperature_K=200.0)
FREE_CHAIN = HolsteinModel(3, "chain", (60 * CM, 20 * CM), (0, 50 * CM, -30 * CM), 5.0, 200.0)


@pytest.mark.parametrize("model", [FREE_RING, FREE_CHAIN], ids=["ring", "chain"])
def test_equilibrium_without_bath_is_thermal(model):
    # every function of H is stationary then: a residual alone cannot tell which one is right
    sector, _ = current_sectors(model, "auto", False)
    state = find_equilibrium(model, FREE, sector, Accuracy(), Limits(), COMM, silent)
    np.testing.assert_allclose(state.density_matrix, boltzmann(model), atol=1e-12)


def test_equilibrium_with_next_to_no_bath_is_thermal():
    model, weak = FREE_CHAIN, expand(DebyeBath(0.01 * CM, 50 * CM), 200.0, terms=3)
    sector, _ = current_sectors(model, "auto", False)
    state = solve_equilibrium(model, weak, sector, Accuracy(), Limits(), COMM)
    np.testing.assert_allclose(state.density_matrix, boltzmann(model), atol=5e-4)


def test_free_carrier_on_a_ring_keeps_its_current():
    model = FREE_RING
    even, odd = current_sectors(model, "auto", False)
    state = find_equilibrium(model, FREE, even, Accuracy(), Limits(), COMM, silent)
    basis = Basis(model, FREE, odd, COMM)
    readout = Readout.of(basis, [model.current])
    x = apply_current(state.basis, state.x, basis)
    _, run = evolve(basis, x, readout, Accuracy(), 50.0, progress())
    k = 2 * np.pi * np.arange(5) / 5
    weight = np.exp(-beta(200.0) * 2 * 60 * CM * np.cos(k))
    expected = np.sum(weight * (2 * 4.0 * 60 * CM * np.sin(k)) ** 2) / weight.sum()
    times = np.arange(0.0, 51.0, 5.0)
    np.testing.assert_allclose(run.sample(times, 0)[:, 0], expected, rtol=1e-9)
    np.testing.assert_allclose(run.sample(times, 1)[:, 0], 0, atol=1e-12 * expected)


def test_a_current_that_never_decays_has_no_diffusion_constant():
    run = correlate(FREE_RING, expansion=FREE)
    assert np.isnan(run.D_resolvent)
    assert np.isnan(run.resolvent_residual)


@pytest.mark.parametrize("start", ["franck_condon", "marcus"])
def test_populations_stay_without_hopping(start):
    model = HolsteinModel(3, "chain", 0.0, (0.0, 80 * CM, -30 * CM))
    run = populate(model, start, 1)
    np.testing.assert_allclose(run.populations, np.tile([0, 1, 0], (31, 1)), atol=1e-9)
    assert run.total_error < 1e-5


W = (0.0, 0.02, -0.035, 0.08)


@pytest.fixture(scope="module")
def long_run():
    return correlate(ring(4), 1e-3, 600.0, sample_fs=1.0, frequencies=W)


def test_detailed_balance_and_f_sum_rule(long_run):
    r, model = long_run, ring(4)
    s = spectra(make_series(r.time_fs, r.C_JJ, r.dC_JJ, r.d2C_JJ), T)
    assert gates.detailed_balance(s.omega, s.full, T).value < 1e-3
    wrong = spectra(make_series(r.time_fs, r.C_JJ.conj(), r.dC_JJ.conj(), r.d2C_JJ.conj()), T)
    assert not gates.detailed_balance(wrong.omega, wrong.full, T).passed
    kubo = kubo_transform(make_series(r.time_fs, r.C_JJ, r.dC_JJ, r.d2C_JJ), T)
    rule = (float(kubo.values[0]), r.hopping_energy, model.lattice_constant_A, T)
    assert gates.f_sum(*rule, r.flux_stiffness).value < 5e-4
    assert not gates.f_sum(*rule).passed  # the winding of four sites is not small
    for gate in (gates.cauchy_schwarz(r.C_JJ), gates.real_at_zero(r.C_JJ)):
        assert gate.passed
    assert gates.STATIONARITY.judge(r.equilibrium_residual).passed
    assert r.hermiticity < 1e-12


def test_resolvent_gives_the_time_integrals(long_run):
    r = long_run
    scale = r.errors.total_D
    assert scale < 4e-3 * r.D_time
    assert abs(r.D_time - r.D_resolvent) < scale
    for w, sigma in zip(W, r.sigma, strict=True):
        integral = simpson(np.exp(1j * w * r.time_fs) * r.C_JJ, x=r.time_fs)
        assert abs(integral - sigma) < 2e-3 * abs(r.sigma[0])
    assert r.sigma[0].real == pytest.approx(r.D_resolvent, rel=1e-12)
    np.testing.assert_array_equal(r.frequencies, W)


def test_end_of_the_record_is_what_time_and_resolvent_differ_by(long_run):
    short = correlate(ring(4), 1e-3, 60.0)
    missing = short.D_resolvent - short.D_time
    assert abs(missing) > 0.01 * short.D_time
    assert short.errors.D["finite_time"] == pytest.approx(abs(missing), rel=0.03)
    assert short.D_resolvent == pytest.approx(long_run.D_resolvent, rel=1e-6)
    assert distance(short.C_JJ, long_run.C_JJ[:61:2]) < 1e-3


def test_long_time_populations_are_those_of_equilibrium():
    expansion = expand(DebyeBath(150 * CM, 150 * CM), T, "matsubara", 0)
    run = populate(CHAIN, "franck_condon", 1, 1e-3, 6000.0, expansion, sample_fs=100.0)
    state = solve_equilibrium(CHAIN, expansion, Sector(3, False), Accuracy(), Limits(), COMM)
    np.testing.assert_allclose(run.density_matrix_final, state.density_matrix, atol=1e-3)
    np.testing.assert_allclose(run.populations.sum(axis=1), 1, atol=1e-9)
    assert gates.populations_in_range(run.populations).passed
    # the baths tell the sites apart: this is not the carrier's own Boltzmann distribution
    bare = np.exp(-beta(T) * CHAIN.energies)
    assert abs(bare[2] / bare.sum() - state.density_matrix[2, 2].real) > 3e-3
