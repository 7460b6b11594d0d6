"""Exact limits and sum rules of the whole chain, from the generator to C_JJ and populations."""

import numpy as np
import pytest
from mpi4py import MPI

from smallpolaron.analysis.kubo import kubo_transform, spectra
from smallpolaron.analysis.mobility import mobility
from smallpolaron.dynamics.correlation import compute_correlation
from smallpolaron.dynamics.equilibrium import equilibrate, flux_stiffness
from smallpolaron.dynamics.evolve import PropagationSettings, evolve
from smallpolaron.dynamics.observables import Frontier, Probe, new_vector
from smallpolaron.dynamics.population import compute_population
from smallpolaron.dynamics.progress import Progress
from smallpolaron.dynamics.resolvent import NotConverged, integrate_to_infinity
from smallpolaron.dynamics.states import relaxed
from smallpolaron.hierarchy.basis import fixed_basis
from smallpolaron.hierarchy.generator import assemble_generator, assemble_left_multiplication
from smallpolaron.hierarchy.sector import Sector, choose_sector
from smallpolaron.hierarchy.truncation import Truncation
from smallpolaron.model.bath import DebyeBath
from smallpolaron.model.decomposition import expand
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.hopping_rate import golden_rule_rate
from smallpolaron.model.lineshape import lineshape
from smallpolaron.model.units import CM_TO_RAD_FS, beta, thermal_energy

CM = CM_TO_RAD_FS
T = 300.0
COMM = MPI.COMM_WORLD


def silent(_line):
    pass


def progress():
    return Progress("test", None, COMM, silent)


@pytest.mark.mpi
def test_coherence_without_hopping_decays_with_the_lineshape():
    # the bath starts in its thermal state: rho_01(t) = exp(-i (e0 - e1) t - 2 Re g(t))
    bath, energies = DebyeBath(60 * CM, 90 * CM), (40 * CM, -25 * CM)
    expansion = expand(bath, T, "pade", 2)
    model = HolsteinModel(2, "chain", 0.0, energies)
    rule = Truncation(9, weights=(1.0, 3.0, 5.0))
    basis = fixed_basis(2, 3, rule, Sector(2, False), COMM)
    generator = assemble_generator(basis, model, expansion)
    state = new_vector(basis)
    vacuum = np.zeros((1, 6), dtype=np.uint8)
    row = basis.find(basis.layout.pack(vacuum, np.array([0]), np.array([1])))[0]
    if basis.start <= row < basis.start + basis.n_local:
        state.setValue(row, 1.0 + 0.5j)
    state.assemble()
    # Tr[|1><0| rho] = rho_01
    lift = np.array([[0, 0], [1, 0]], dtype=complex)
    probe = Probe.of(basis, generator, [lift], 1)
    frontier = Frontier.of(basis, rule)
    settings = PropagationSettings(200.0, 5.0, 1e-9)
    run = evolve(generator, state, probe, frontier, settings, progress())
    t = run.time_fs
    gap = energies[0] - energies[1]
    exact = (1.0 + 0.5j) * np.exp(-1j * gap * t - 2 * lineshape(bath, t, T).real)
    np.testing.assert_allclose(run.values[:, 0, 0], exact, atol=2e-4)
    assert abs(exact[-1]) < 0.1  # the decay is there to be seen


@pytest.mark.parametrize("start", ["franck_condon", "marcus"])
def test_populations_stay_without_hopping(start):
    model = HolsteinModel(3, "chain", 0.0, (0.0, 80 * CM, -30 * CM))
    expansion = expand(DebyeBath(200 * CM, 60 * CM), T, "matsubara", 0)
    settings = PropagationSettings(100.0, 10.0, 1e-8)
    result = compute_population(
        model, expansion, Truncation(6), start=start, site=1, settings=settings, report=silent
    )
    np.testing.assert_allclose(result.populations, np.tile([0, 1, 0], (11, 1)), atol=1e-12)


@pytest.mark.mpi
def test_relaxed_state_is_stationary_without_hopping():
    model = HolsteinModel(3, "chain", 0.0, (0.0, 80 * CM, -30 * CM))
    expansion = expand(DebyeBath(200 * CM, 60 * CM), T, "pade", 1)
    basis = fixed_basis(3, 2, Truncation(8), Sector(3, False), COMM)
    generator = assemble_generator(basis, model, expansion)
    state = relaxed(basis, expansion, np.diag([0.2, 0.5, 0.3]).astype(complex))
    image = state.duplicate()
    generator.mult(state, image)
    assert image.norm() < 1e-12 * state.norm() * generator.norm()


def test_free_carrier_on_a_ring_keeps_its_current():
    n, v, a = 5, 60 * CM, 4.0
    model = HolsteinModel(n, "ring", v, lattice_constant_A=a, temperature_K=200.0)
    expansion = expand(DebyeBath(0.0, 50 * CM), 200.0, terms=0)
    settings = PropagationSettings(50.0, 5.0, 1e-10, 1e-10)
    result = compute_correlation(model, expansion, Truncation(1), settings=settings, report=silent)
    k = 2 * np.pi * np.arange(n) / n
    weight = np.exp(-beta(200.0) * 2 * v * np.cos(k))
    expected = np.sum(weight * (2 * a * v * np.sin(k)) ** 2) / weight.sum()
    np.testing.assert_allclose(result.C_JJ, expected, rtol=1e-9)
    np.testing.assert_allclose(result.dC_JJ, 0, atol=1e-12 * expected)


@pytest.mark.slow
def test_small_hopping_gives_the_golden_rule_rate():
    bath, v = DebyeBath(300 * CM, 80 * CM), 2 * CM
    # four sites: paths around the ring, absent from the rate, are of order (beta v)^2;
    # to second order in v no more than two sites are ever excited
    model = HolsteinModel(4, "ring", v)
    expansion = expand(bath, T, "pade", 1)
    settings = PropagationSettings(300.0, 1.0, 1e-7, 1e-7)
    rule = Truncation(15, weights=(1.0, 7.5), max_excited_sites=2)
    result = compute_correlation(model, expansion, rule, settings=settings, report=silent)
    ours = mobility(result.time_fs, result.C_JJ, T, result.dC_JJ, result.d2C_JJ).D_A2_fs
    assert ours == pytest.approx(25.0 * golden_rule_rate(model, bath), rel=0.01)


@pytest.fixture(scope="module")
def converged():
    """A small ring whose hierarchy and bath are converged."""
    bath = DebyeBath(100 * CM, 50 * CM)
    model = HolsteinModel(4, "ring", 50 * CM)
    settings = PropagationSettings(500.0, 1.0, 1e-8, 1e-8)
    rule = Truncation(11, weights=(1.0, 4.0))
    expansion = expand(bath, T, "pade", 1)
    result = compute_correlation(
        model, expansion, rule, settings=settings, comm=MPI.COMM_SELF, report=silent
    )
    return model, result


def test_detailed_balance_of_the_complex_spectrum(converged):
    _, r = converged
    s = spectra(r.time_fs, r.C_JJ, T, r.dC_JJ, r.d2C_JJ)
    violation = s.full[::-1] - np.exp(-beta(T) * s.omega) * s.full
    inside = (s.omega >= 0) & (s.omega < 0.5)
    assert np.max(np.abs(violation[inside])) < 2e-4 * s.full.max()
    # the check can fail: the conjugate function breaks it
    wrong = spectra(r.time_fs, r.C_JJ.conj(), T, r.dC_JJ.conj(), r.d2C_JJ.conj())
    violation = wrong.full[::-1] - np.exp(-beta(T) * s.omega) * wrong.full
    assert np.max(np.abs(violation[inside])) > 1e-2 * s.full.max()


def test_f_sum_rule_with_the_winding_of_the_ring(converged):
    model, r = converged
    kubo = kubo_transform(r.time_fs, r.C_JJ, T, r.dC_JJ, r.d2C_JJ)
    unit = model.lattice_constant_A**2 * thermal_energy(T)
    expected = unit * (-r.equilibrium.hopping_energy - r.flux_stiffness)
    assert kubo.C[0] == pytest.approx(expected, rel=3e-4)
    # on four sites the winding is not small: leaving it out would fail
    assert abs(r.flux_stiffness) > 0.02 * abs(r.equilibrium.hopping_energy)


def test_structure_of_the_equilibrium(converged):
    _, r = converged
    rho = r.equilibrium.density_matrix
    assert np.trace(rho) == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(rho, rho.conj().T, atol=1e-14)
    assert r.equilibrium.hermiticity < 1e-12
    assert r.equilibrium.residual < 2e-8
    assert not r.trajectory.growth_detected
    assert r.C_JJ[0] == pytest.approx(
        np.trace(converged[0].current @ converged[0].current @ rho), rel=1e-12
    )


def test_derivatives_are_those_of_the_function(converged):
    _, r = converged
    t = r.time_fs
    for value, slope in ((r.C_JJ, r.dC_JJ), (r.dC_JJ, r.d2C_JJ)):
        c = value[4:-4], value[:-8], value[1:-7], value[2:-6], value[3:-5]
        d = value[5:-3], value[6:-2], value[7:-1], value[8:]
        step = t[1] - t[0]
        # eighth-order central difference
        central = (
            4 / 5 * (d[0] - c[4])
            - 1 / 5 * (d[1] - c[3])
            + 4 / 105 * (d[2] - c[2])
            - 1 / 280 * (d[3] - c[1])
        ) / step
        np.testing.assert_allclose(central, slope[4:-4], atol=1e-6 * np.abs(slope).max())


def test_resolvent_gives_the_time_integral():
    model = HolsteinModel(3, "ring", 50 * CM)
    expansion = expand(DebyeBath(150 * CM, 80 * CM), T, "matsubara", 0)
    rule = Truncation(8)
    settings = PropagationSettings(1200.0, 1.0, 1e-9, 1e-10)
    result = compute_correlation(model, expansion, rule, settings=settings, report=silent)
    by_time = mobility(result.time_fs, result.C_JJ, T, result.dC_JJ, result.d2C_JJ).D_A2_fs

    basis = fixed_basis(3, 1, rule, choose_sector(model, "auto"), COMM)
    generator = assemble_generator(basis, model, expansion)
    source = result.equilibrium.state.duplicate()
    assemble_left_multiplication(basis, model.current).mult(result.equilibrium.state, source)
    integral = integrate_to_infinity(generator, source, 1e-10)
    probe = Probe.of(basis, generator, [model.current], 1)
    assert probe.read(integral)[0, 0].real == pytest.approx(by_time, rel=1e-6)
    with pytest.raises(NotConverged, match="residual"):
        integrate_to_infinity(generator, source, 1e-11, max_products=3)


def test_long_time_populations_are_those_of_equilibrium():
    model = HolsteinModel(3, "chain", (70 * CM, 40 * CM), (0.0, 100 * CM, -60 * CM))
    expansion = expand(DebyeBath(150 * CM, 150 * CM), T, "matsubara", 0)
    rule = Truncation(6)
    settings = PropagationSettings(12_000.0, 100.0, 1e-8, 1e-9)
    run = compute_population(
        model, expansion, rule, start="franck_condon", site=1, settings=settings, report=silent
    )
    assert np.all(run.populations.real > -1e-9)
    np.testing.assert_allclose(run.populations.sum(axis=1), 1, atol=1e-11)
    np.testing.assert_allclose(run.populations.imag, 0, atol=1e-12)
    assert run.hermiticity < 1e-12
    basis = fixed_basis(3, 1, rule, Sector(3, False), COMM)
    generator = assemble_generator(basis, model, expansion)
    frontier = Frontier.of(basis, rule)
    settings = PropagationSettings(1.0, 1.0, 1e-8, 1e-9)
    equilibrium = equilibrate(basis, model, expansion, generator, frontier, settings, progress())
    np.testing.assert_allclose(run.density_matrix_final, equilibrium.density_matrix, atol=1e-6)
    # the baths tell the sites apart: this is not the carrier's own Boltzmann distribution
    bare = np.exp(-beta(T) * model.energies)
    assert abs(bare[2] / bare.sum() - equilibrium.density_matrix[2, 2].real) > 1e-3


@pytest.mark.mpi
def test_momentum_sector_and_plain_hierarchy_agree():
    model = HolsteinModel(3, "ring", 50 * CM)
    expansion = expand(DebyeBath(150 * CM, 80 * CM), T, "pade", 1)
    settings = PropagationSettings(120.0, 2.0, 1e-10, 1e-6)
    rule = Truncation(4)
    results = [
        compute_correlation(
            model, expansion, rule, settings=settings, symmetry=symmetry, report=silent
        )
        for symmetry in ("translation", "none")
    ]
    assert results[0].n_unknowns * 3 == results[1].n_unknowns
    np.testing.assert_allclose(
        results[0].C_JJ, results[1].C_JJ, atol=1e-8 * abs(results[1].C_JJ[0])
    )


def test_ring_populations_do_not_know_where_site_zero_is():
    model = HolsteinModel(4, "ring", 50 * CM)
    expansion = expand(DebyeBath(150 * CM, 80 * CM), T, "matsubara", 0)
    settings = PropagationSettings(60.0, 3.0, 1e-9)
    runs = [
        compute_population(
            model,
            expansion,
            Truncation(4),
            start="marcus",
            site=s,
            settings=settings,
            comm=MPI.COMM_SELF,
            report=silent,
        ).populations
        for s in (0, 3)
    ]
    np.testing.assert_allclose(np.roll(runs[0], 3, axis=1), runs[1], atol=1e-9)


def test_an_unstable_truncation_is_reported_not_returned_as_a_result():
    # strong coupling to a slow, cold bath, far too few levels: the generator has growing modes
    model = HolsteinModel(2, "chain", 50 * CM, temperature_K=50.0)
    expansion = expand(DebyeBath(1000 * CM, 5 * CM), 50.0, "matsubara", 0)
    said = []
    settings = PropagationSettings(40_000.0, 100.0, 1e-6)
    run = compute_population(
        model,
        expansion,
        Truncation(2),
        start="franck_condon",
        site=0,
        settings=settings,
        report=said.append,
    )
    assert run.trajectory.growth_detected
    assert run.time_fs[-1] < settings.duration_fs
    if COMM.rank == 0:
        assert any("raise the depth" in line for line in said)


def test_an_unstable_equilibration_is_reported():
    model = HolsteinModel(2, "chain", 50 * CM, (0.0, 30 * CM), temperature_K=50.0)
    expansion = expand(DebyeBath(1000 * CM, 5 * CM), 50.0, "matsubara", 0)
    said = []
    settings = PropagationSettings(20.0, 1.0, 1e-6)
    run = compute_correlation(
        model, expansion, Truncation(2), settings=settings, report=said.append
    )
    assert run.growth_detected
    assert run.equilibrium.time_fs < settings.equilibration_limit_fs
    assert any("raise the depth" in line for line in said)


def test_stiffness_is_skipped_where_winding_cannot_matter():
    expansion = expand(DebyeBath(150 * CM, 80 * CM), T, "matsubara", 0)
    chain = HolsteinModel(3, "chain", 50 * CM)
    large = HolsteinModel(10, "ring", 50 * CM)
    settings = PropagationSettings(1.0, 1.0)
    for model in (chain, large):
        basis = fixed_basis(
            model.n_sites, 1, Truncation(1), choose_sector(model, "auto"), MPI.COMM_SELF
        )
        frontier = Frontier.of(basis, Truncation(1))
        assert flux_stiffness(basis, model, expansion, frontier, settings, progress()) == 0.0
