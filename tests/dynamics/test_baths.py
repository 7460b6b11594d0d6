"""Exact limits of all kinds of baths; vibrations and several baths in all sectors."""

import numpy as np
import pytest
from mpi4py import MPI
from scipy.linalg import expm

from smallpolaron.analysis import gates
from smallpolaron.analysis.hermite import make_series
from smallpolaron.analysis.kubo import kubo_transform, spectra
from smallpolaron.dynamics.evolve import evolve
from smallpolaron.dynamics.progress import Progress
from smallpolaron.dynamics.readout import Readout, reduced_density_matrix
from smallpolaron.dynamics.starts import place_values
from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.limits import Limits, Truncation
from smallpolaron.hierarchy.sector import Sector
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.model.baths.bath import BrownianBath, DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.baths.lineshape import lineshape
from smallpolaron.model.baths.spectral_density import BathSum
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from tests.dynamics.bath_cases import BOTH, BOTH_TERMS, VIBRATION_TERMS, T
from tests.dynamics.cases import CHAIN, correlate, distance, fixed, populate, ring, silent
from tests.model.golden_rule import golden_rule_rate

COMM = MPI.COMM_SELF
DEBYE = DebyeBath(60 * CM, 90 * CM)
ENERGIES, START = (40 * CM, -25 * CM), 1.0 + 0.5j


def progress():
    return Progress("test", None, COMM, silent)


def coherence(bath, t):
    """rho_01 of two sites without hopping, from the bath's thermal state."""
    gap = ENERGIES[0] - ENERGIES[1]
    return START * np.exp(-1j * gap * t - 2 * lineshape(bath, t, T).real)


@pytest.mark.parametrize("hermitian", [False, True])
@pytest.mark.parametrize(
    ("bath", "terms", "atol"),
    [(DEBYE, expand(DEBYE, T, "pade", 3), 1e-3), (BOTH, BOTH_TERMS, 2e-3)],
    ids=["debye", "both"],
)
def test_coherence_without_hopping_decays_with_the_lineshape(bath, terms, atol, hermitian):
    model = HolsteinModel(2, "chain", 0.0, ENERGIES)
    basis = Basis(model, terms, Sector(2, False, hermitian=hermitian), COMM)
    vacuum = np.zeros((1, basis.layout.n_modes), np.uint8)
    key, bits = basis.canonical_keys(vacuum, np.array([0]), np.array([1]))
    x = place_values(basis, key, np.array([START.conjugate() if bits[0] & 1 else START]))
    flip = np.array([[0, 1], [1, 0]], dtype=complex)  # Tr[X rho] = 2 Re rho_01 if Hermitian
    lift = flip if hermitian else np.array([[0, 0], [1, 0]], dtype=complex)
    readout = Readout.of(basis, [lift])
    x, run = evolve(basis, x, readout, Accuracy(5e-4), 250.0, progress())
    t = np.arange(0.0, 251.0, 5.0)
    exact = coherence(bath, t)
    expected = 2 * exact.real if hermitian else exact
    np.testing.assert_allclose(run.sample(t, 0)[:, 0], expected, atol=atol)
    assert abs(exact[-1]) < 0.4  # the decay is there to be seen
    rho = reduced_density_matrix(basis, x)
    assert rho[0, 1] == pytest.approx(exact[-1], abs=atol)
    assert rho[1, 0] == pytest.approx(exact[-1].conj() if hermitian else 0, abs=atol)


@pytest.mark.parametrize(
    ("bath", "terms", "rule"),
    [
        (DEBYE, expand(DEBYE, T, "pade", 2), Truncation(9, (1.0, 3.0, 5.0))),
        (BOTH, BOTH_TERMS, Truncation(7, (1.0, 1.0, 1.0, 4.0))),
    ],
    ids=["debye", "both"],
)
def test_the_same_on_a_fixed_hierarchy(bath, terms, rule):
    model = HolsteinModel(2, "chain", 0.0, ENERGIES)
    basis = Basis(model, terms, Sector(2, False), COMM, Limits(truncation=rule))
    vacuum = np.zeros((1, basis.layout.n_modes), np.uint8)
    key, _ = basis.canonical_keys(vacuum, np.array([0]), np.array([1]))
    x = place_values(basis, key, np.array([START]))
    readout = Readout.of(basis, [np.array([[0, 0], [1, 0]], dtype=complex)])
    _, run = evolve(basis, x, readout, Accuracy(tolerance=1e-9), 100.0, progress())
    t = np.arange(0.0, 101.0, 5.0)
    np.testing.assert_allclose(run.sample(t, 0)[:, 0], coherence(bath, t), atol=1e-3)


@pytest.mark.parametrize("start", ["franck_condon", "marcus"])
def test_populations_stay_without_hopping(start):
    model = HolsteinModel(3, "chain", 0.0, (0.0, 80 * CM, -30 * CM))
    expected = np.tile([0, 1, 0], (31, 1))
    run = populate(model, start, 1, expansion=BOTH_TERMS)
    # on a truncated basis of mixed terms the trace is kept to the accuracy
    np.testing.assert_allclose(run.populations, expected, atol=run.total_error)
    # the usual elements of a fixed hierarchy keep it exactly
    limits = Limits(truncation=Truncation(3))
    usual = populate(model, start, 1, expansion=BOTH_TERMS, limits=limits)
    np.testing.assert_allclose(usual.populations, expected, atol=1e-12)


GOLDEN = {
    "Debye": (DebyeBath(200 * CM, 150 * CM), T),
    "vibration": (BrownianBath(200 * CM, 150 * CM, 150 * CM), 300.0),
    "cold vibration": (BrownianBath(200 * CM, 150 * CM, 150 * CM), 200.0),
    "two Debye baths": (BathSum((DebyeBath(120 * CM, 200 * CM), DebyeBath(80 * CM, 90 * CM))), T),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_small_hopping_gives_the_golden_rule_rate(name):
    bath, temperature = GOLDEN[name]
    # four sites: paths around the ring, absent from the rate, are of order (beta v)^2
    model = HolsteinModel(4, "ring", 2 * CM, temperature_K=temperature)
    run = correlate(model, 1e-3, 300.0, expand(bath, temperature, "pade", 1))
    expected = 25.0 * golden_rule_rate(model, bath)
    assert run.D_resolvent == pytest.approx(expected, rel=3e-3)
    assert run.D_time == pytest.approx(expected, rel=3e-3)


def test_two_halves_of_a_bath_are_one_bath():
    half, whole = DebyeBath(50 * CM, 90 * CM), DebyeBath(100 * CM, 90 * CM)
    run, one = (
        correlate(CHAIN, 1e-3, 60.0, expand(bath, T, "pade", 1))
        for bath in (BathSum((half, half)), whole)
    )
    assert distance(run.C_JJ, one.C_JJ) < 1e-3
    assert run.D_resolvent == pytest.approx(one.D_resolvent, abs=2e-3 * abs(one.D_time))
    assert run.record.n_unknowns > one.record.n_unknowns


def test_a_strongly_damped_vibration_is_a_debye_bath():
    vibration = BrownianBath(100 * CM, 90_000 * CM, 2846.05 * CM)  # w0^2/gamma = 90 cm^-1
    run, debye = (
        populate(CHAIN, "marcus", 1, expansion=expand(bath, T, "pade", 2))
        for bath in (vibration, DebyeBath(100 * CM, 90 * CM))
    )
    np.testing.assert_allclose(run.populations, debye.populations, atol=2e-3)
    assert run.populations[-1, 1] < 0.8


def oscillators(model, frequency, coupling, levels, relaxed_site=None):
    """H of two sites with one mode each, and the mode state before or after relaxation."""
    b = np.diag(np.sqrt(np.arange(1, levels)), 1)
    one, number, position = np.eye(levels), b.T @ b, b + b.T
    identity = np.eye(2)
    h = np.kron(model.hamiltonian, np.eye(levels**2))
    state = np.eye(1)
    for site in range(2):
        on = [position if site == each else one for each in range(2)]
        h = h + coupling * np.kron(np.diag(identity[site]), np.kron(*on))
        on = [number if site == each else one for each in range(2)]
        h = h + frequency * np.kron(identity, np.kron(*on))
        displaced = coupling * position if site == relaxed_site else 0 * position
        thermal = expm(-model.beta * (frequency * number + displaced))
        state = np.kron(state, thermal / np.trace(thermal))
    return h, state


@pytest.mark.parametrize("start", ["franck_condon", "marcus"])
def test_weakly_damped_vibrations_against_exact_diagonalisation(start):
    # 0.02 cm^-1 of damping changes nothing within 120 fs
    energy, frequency, levels = 100 * CM, 250 * CM, 13
    model = HolsteinModel(2, "chain", 90 * CM, (0.0, 60 * CM))
    bath = BrownianBath(2 * energy, 0.02 * CM, frequency)
    run = populate(model, start, 0, 1e-4, 120.0, expand(bath, T, terms=1), sample_fs=10.0)
    site = 0 if start == "marcus" else None
    h, modes = oscillators(model, frequency, np.sqrt(energy * frequency), levels, site)
    energies, waves = np.linalg.eigh(h)
    begin = waves.conj().T @ np.kron(np.diag([1.0, 0.0]), modes) @ waves
    for t, found in zip(run.time_fs, run.populations, strict=True):
        phase = np.exp(-1j * energies * t)
        rho = waves @ (phase[:, None] * begin * phase.conj()) @ waves.conj().T
        exact = np.trace(rho.reshape(2, levels**2, 2, levels**2), axis1=1, axis2=3)
        np.testing.assert_allclose(found, np.diagonal(exact).real, atol=5e-4)
    np.testing.assert_allclose(run.density_matrix_final, exact, atol=1e-3)
    assert np.ptp(run.populations[:, 0]) > 0.3
    assert abs(exact[0, 1].imag) > 0.01


def test_detailed_balance_and_f_sum_rule_with_a_vibration():
    model = ring(4)
    r = correlate(model, 2e-3, 400.0, VIBRATION_TERMS, sample_fs=1.0)
    s = spectra(make_series(r.time_fs, r.C_JJ, r.dC_JJ, r.d2C_JJ), T)
    assert gates.detailed_balance(s.omega, s.full, T).value < 5e-3
    wrong = spectra(make_series(r.time_fs, r.C_JJ.conj(), r.dC_JJ.conj(), r.d2C_JJ.conj()), T)
    assert not gates.detailed_balance(wrong.omega, wrong.full, T).passed
    kubo = kubo_transform(make_series(r.time_fs, r.C_JJ, r.dC_JJ, r.d2C_JJ), T)
    rule = (float(kubo.values[0]), r.hopping_energy, model.lattice_constant_A, T)
    assert gates.f_sum(*rule, r.flux_stiffness).value < 2e-3
    assert gates.STATIONARITY.judge(r.equilibrium_residual).passed
    # to the tolerance of the solver
    assert r.hermiticity < 1e-6
    assert np.trace(r.density_matrix) == pytest.approx(1, abs=1e-9)
    assert abs(r.D_time - r.D_resolvent) < r.errors.total_D


def test_correlation_is_that_of_the_fixed_hierarchy():
    model = HolsteinModel(2, "chain", 60 * CM, (0.0, 80 * CM))
    ours = correlate(model, 2e-3, 60.0, BOTH_TERMS)
    theirs = fixed(model, BOTH_TERMS, Truncation(8, weights=(1.0, 1.0, 1.0, 3.0)), 60.0)
    assert distance(ours.C_JJ, theirs.C_JJ) < 5e-4
    assert np.abs(theirs.C_JJ.imag).max() > 0.1 * abs(theirs.C_JJ[0])
    np.testing.assert_allclose(ours.density_matrix, theirs.density_matrix, atol=1e-4)
    assert theirs.hermiticity < 1e-9


def test_sectors_agree():
    full = correlate(ring(3), 2e-3, 60.0, VIBRATION_TERMS)
    half = correlate(ring(3), 2e-3, 60.0, VIBRATION_TERMS, real_part_only=True)
    assert distance(half.C_JJ, full.C_JJ.real) < 2e-3
    assert half.record.n_unknowns < 0.75 * full.record.n_unknowns
    assert np.abs(full.C_JJ.imag).max() > 0.1 * abs(full.C_JJ[0])


@pytest.mark.parametrize("start", ["franck_condon", "marcus"])
def test_populations_of_all_sectors_agree(start):
    auto, momenta, plain = (
        populate(ring(4), start, 1, expansion=BOTH_TERMS, symmetry=symmetry)
        for symmetry in ("auto", "momentum", "none")
    )
    for other in (momenta, plain):
        allowed = auto.total_error + other.total_error
        assert allowed < 2e-3
        np.testing.assert_allclose(auto.populations, other.populations, atol=allowed)
        np.testing.assert_allclose(
            auto.density_matrix_final, other.density_matrix_final, atol=2 * allowed
        )
    assert auto.populations[-1, 1] < 0.8
    np.testing.assert_allclose(auto.populations.sum(axis=1), 1, atol=auto.total_error)
    assert np.abs(auto.density_matrix_final.imag).max() > 0.02


def test_infinite_ring_is_a_large_ring():
    run = correlate(ring(9), 2e-3, 50.0, VIBRATION_TERMS, infinite=True)
    large = correlate(ring(8), 2e-3, 50.0, VIBRATION_TERMS)
    assert distance(run.C_JJ, large.C_JJ) < 4e-3
