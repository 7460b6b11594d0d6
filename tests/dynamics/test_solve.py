"""Equilibrium and resolvent by linear solve, preconditioner, propagation as the fallback."""

import numpy as np
import pytest
from mpi4py import MPI
from petsc4py import PETSc

from smallpolaron.dynamics import equilibrium
from smallpolaron.dynamics.checkpoints import Interrupted
from smallpolaron.dynamics.correlation import current_sectors
from smallpolaron.dynamics.equilibrium import (
    find_equilibrium,
    propagate_equilibrium,
    solve_equilibrium,
)
from smallpolaron.dynamics.evolve import evolve
from smallpolaron.dynamics.linear import LinearProblem, NotConverged
from smallpolaron.dynamics.operators import apply_current
from smallpolaron.dynamics.preconditioner import Part, Preconditioner
from smallpolaron.dynamics.progress import Progress
from smallpolaron.dynamics.readout import Readout, reduced_labels
from smallpolaron.dynamics.solve import solve
from smallpolaron.dynamics.starts import place_values
from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.compact import CompactGenerator
from smallpolaron.hierarchy.limits import Limits
from smallpolaron.hierarchy.sector import Sector
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.model.baths.bath import DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from tests.dynamics.cases import (
    CHAIN,
    DISORDERED,
    EVEN_MIRROR,
    EXPANSION,
    T,
    correlate,
    ring,
    silent,
)

COMM = MPI.COMM_SELF
SLOW_STRONG = expand(DebyeBath(323 * CM, 41 * CM), T, "pade", 1)
CASES = {
    "ring": (ring(4), EXPANSION),
    "ring, slow and strong": (ring(3), SLOW_STRONG),
    "chain": (CHAIN, EXPANSION),
    "mirrored chain": (EVEN_MIRROR, EXPANSION),
}
case = pytest.mark.parametrize("name", CASES)


def progress(report=silent):
    return Progress("test", None, COMM, report)


def even_sector(model):
    return current_sectors(model, "auto", False)[0]


# -- equilibrium ---------------------------------------------------------------------------------


@case
def test_solve_and_propagation_find_the_same_equilibrium(name):
    model, expansion = CASES[name]
    setup = (model, expansion, even_sector(model), Accuracy(1e-3), Limits())
    solved = solve_equilibrium(*setup, COMM)
    propagated = propagate_equilibrium(*setup, progress())
    np.testing.assert_allclose(solved.density_matrix, propagated.density_matrix, atol=5e-5)
    assert solved.hopping_energy == pytest.approx(propagated.hopping_energy, rel=1e-4)
    assert np.trace(solved.density_matrix) == pytest.approx(1, abs=1e-9)
    # as good, at a fifth of the price
    assert max(solved.residual, propagated.residual) <= 1.5 * Accuracy().stationary
    assert solved.products < propagated.products / 5


class Asked:
    """Keeps what is offered at one offer, and stops there."""

    def __init__(self, at):
        self.at, self.count, self.kept = at, 0, None

    def stage(self, *_):
        return self

    def latest(self):
        return self.kept

    def offer(self, make):
        self.count += 1
        if self.count == self.at:
            self.kept = make()
            raise Interrupted("stop")

    def finish(self, make):
        """Nothing is kept."""


def test_propagating_to_equilibrium_stops_within_a_chunk():
    model, expansion = CASES["ring"]
    setup = (model, expansion, even_sector(model), Accuracy(1e-2), Limits(), progress())
    whole, asked = propagate_equilibrium(*setup), Asked(at=40)
    with pytest.raises(Interrupted):
        propagate_equilibrium(*setup, checkpoints=asked)
    chunk_fs = 1 / np.min(expansion.rates.real)
    begun = asked.kept.record["now"][1]
    # one offer a step: many in a chunk, and what is kept is where the chunk began
    assert 0 < begun < 40 * chunk_fs / 2
    assert begun / chunk_fs == pytest.approx(round(begun / chunk_fs))
    resumed = propagate_equilibrium(*setup, checkpoints=asked)
    np.testing.assert_array_equal(resumed.density_matrix, whole.density_matrix)


@pytest.mark.parametrize("target", [0.1, 1e-2, 1e-4])
def test_equilibrium_is_stationary_at_any_accuracy(target):
    state = solve_equilibrium(
        ring(3), EXPANSION, even_sector(ring(3)), Accuracy(target), Limits(), COMM
    )
    assert state.residual < 1.5 * Accuracy().stationary
    # on a larger basis it stays the equilibrium up to what was left out
    tight = solve_equilibrium(
        ring(3), EXPANSION, even_sector(ring(3)), Accuracy(1e-5), Limits(), COMM
    )
    assert tight.outside < state.outside < 0.3 * target
    np.testing.assert_allclose(state.density_matrix, tight.density_matrix, atol=0.1 * target)


def test_a_solver_that_fails_is_replaced_by_propagation(monkeypatch):
    def fails(*_args, **_kwargs):
        raise NotConverged("GMRES stopped")

    usual = correlate(ring(3))
    monkeypatch.setattr(equilibrium, "solve", fails)
    said = []
    setup = (ring(3), EXPANSION, even_sector(ring(3)), Accuracy(1e-3), Limits(), COMM)
    state = find_equilibrium(*setup, said.append)
    assert any("GMRES stopped; propagating instead" in line for line in said)
    np.testing.assert_allclose(state.density_matrix, usual.density_matrix, atol=1e-5)
    with pytest.raises(NotConverged):
        solve_equilibrium(*setup)
    run = correlate(ring(3))
    assert np.abs(run.C_JJ - usual.C_JJ).max() < usual.errors.total_C * abs(usual.C_JJ[0])
    assert run.products_equilibrium > 5 * usual.products_equilibrium


# -- resolvent -----------------------------------------------------------------------------------


@pytest.mark.parametrize("shift", [0.0, 0.03j])
def test_residual_is_what_was_asked_for(shift):
    model = ring(3)
    even, odd = current_sectors(model, "auto", False)
    state = find_equilibrium(model, EXPANSION, even, Accuracy(), Limits(), COMM, silent)
    basis = Basis(model, EXPANSION, odd, COMM)
    x = apply_current(state.basis, state.x, basis)
    keys = basis.keys.copy()
    problem = LinearProblem(lambda now: -now.scatter(keys, x), shift)
    start = np.zeros(basis.n_local, complex)
    found = solve(basis, problem, start, growth=1e-4, tolerance=1e-6)
    image = np.empty_like(found.x)
    CompactGenerator(basis).apply(found.x, image)
    residual = np.linalg.norm(image + shift * found.x - problem.right_side(basis))
    assert residual < 2e-6 * basis.base_rate * np.linalg.norm(found.x)
    assert found.residual <= 1e-6
    # nothing above the threshold is left outside
    flow = basis.outflow(found.x, 1e-4 * np.linalg.norm(found.x))
    assert len(flow.keys) <= 0.01 * basis.size


def test_a_mean_current_left_by_the_bath_terms_does_not_stop_the_resolvent():
    # with few terms detailed balance is not exact: a little current circles a disordered ring
    model = HolsteinModel(3, "ring", DISORDERED.hopping, DISORDERED.site_energies, 5.0, 150.0)
    expansion = expand(DebyeBath(150 * CM, 60 * CM), 150.0, "pade", 0)
    run = correlate(model, 1e-3, 800.0, expansion)
    mean = np.trace(model.current @ run.density_matrix).real
    assert 1e-3 < abs(mean) / np.sqrt(run.C_JJ[0].real) < 1e-2
    # what does not decay is no part of the diffusion constant
    assert run.D_resolvent == pytest.approx(run.D_time - 800.0 * mean**2, rel=1e-2)


# -- preconditioner ------------------------------------------------------------------------------


SECTORS = {
    "plain": (CHAIN, Sector(3, False)),
    "momentum": (ring(4), Sector(4, True, momentum=1)),
    "odd": (ring(4), Sector(4, True, parity=-1)),
    "mirror": (EVEN_MIRROR, Sector(4, False, parity=1, mirror=3)),
    "infinite": (ring(5), Sector(5, True, parity=1, wraps=False)),
}


@pytest.mark.parametrize("part", Part)
@pytest.mark.parametrize("name", SECTORS)
def test_preconditioner_inverts_its_part_of_the_generator(name, part, monkeypatch):
    # nothing is dropped: the factors are complete
    monkeypatch.setattr("smallpolaron.dynamics.preconditioner._DROP", 0.0)
    monkeypatch.setattr("smallpolaron.dynamics.preconditioner._SHIFT", 0.0)
    model, sector = SECTORS[name]
    basis = Basis(model, EXPANSION, sector, COMM)
    keys, bits, _ = reduced_labels(basis)
    basis.add(keys[bits >= 0])
    rng = np.random.default_rng(1)
    for _ in range(3):
        # a ragged set of labels
        basis.add(basis.outflow(rng.random(basis.n_local) ** 6 + 0j, 0.05).keys)
    generator = CompactGenerator(basis)
    dense = np.empty((basis.size, basis.size), complex)
    for column, unit in enumerate(np.eye(basis.size, dtype=complex)):
        image = np.empty_like(unit)
        generator.apply(unit, image)
        dense[:, column] = image
    shift = 0.02j - basis.base_rate * (basis.damping == 0)
    # hops keep the number of excitations, the bath never does
    tier = basis.labels()[0].sum(axis=1)
    same = tier[:, None] == tier[None, :]
    inside = {Part.HOPS: same, Part.BATHS: ~same, Part.ALL: True}[part]
    blocks = np.where(inside | np.eye(basis.size, dtype=bool), dense, 0) + np.diag(shift)
    left_out = np.abs(dense - np.where(blocks != 0, dense, 0)).max()
    assert left_out > 0.005 if part is not Part.ALL else left_out == 0
    x = rng.random(basis.size) + 1j * rng.random(basis.size)
    source, result = (PETSc.Vec().createWithArray(v.copy(), comm=COMM) for v in (x, 0 * x))
    inverse = Preconditioner(basis, generator.diagonal + shift, part)
    inverse.apply(None, source, result)
    np.testing.assert_allclose(result.array_r, np.linalg.solve(blocks, x), rtol=1e-9)


def test_large_blocks_are_inverted_exactly():
    # a chain connects all coherences of an ADO by hops
    model = HolsteinModel(15, "chain", 50 * CM)
    basis = Basis(model, EXPANSION, Sector(15, False), COMM)
    basis.add(reduced_labels(basis)[0])
    diagonal = np.linspace(1, 2, basis.size) * (1 + 1j)
    x = np.linspace(-1, 1, basis.size) + 0j
    source, result = (PETSc.Vec().createWithArray(v.copy(), comm=COMM) for v in (x, 0 * x))
    Preconditioner(basis, diagonal, Part.HOPS).apply(None, source, result)
    bare = CompactGenerator(basis)
    back = np.empty_like(x)
    bare.apply(result.array_r.copy(), back)
    back += (diagonal - bare.diagonal) * result.array_r
    np.testing.assert_allclose(back, x, atol=1e-12)


def test_strong_coupling_is_solved_with_the_baths_in_the_blocks(monkeypatch):
    """At eta/v = 10 the blocks of the hops take fifteen times as many products."""
    model, bath = ring(5), DebyeBath(500 * CM, 20 * CM)
    sector = even_sector(model)
    monkeypatch.setattr("smallpolaron.dynamics.linear._DIRECT", 0)
    found = solve_equilibrium(
        model, expand(bath, T, "pade", 0), sector, Accuracy(1e-2), Limits(), COMM
    )
    assert found.residual <= 1e-7
    assert found.products < 800
    assert np.trace(found.density_matrix).real == pytest.approx(1.0, abs=1e-9)


def parts_used(monkeypatch):
    """Which parts of L preconditioners were made of, as they are made."""
    used = []

    class Noted(Preconditioner):
        def __init__(self, basis, diagonal, part):
            super().__init__(basis, diagonal, part)
            used.append(part)

    monkeypatch.setattr("smallpolaron.dynamics.linear.Preconditioner", Noted)
    monkeypatch.setattr("smallpolaron.dynamics.linear._DIRECT", 0)
    return used


def test_factors_of_all_of_the_generator_spare_products(monkeypatch):
    used = parts_used(monkeypatch)
    model = HolsteinModel(4, "ring", 150 * CM)
    bath = expand(DebyeBath(500 * CM, 20 * CM), T, "pade", 0)
    arguments = model, bath, even_sector(model), Accuracy(1e-2), Limits(), COMM
    found = solve_equilibrium(*arguments)
    assert Part.ALL in used

    def fails(*_arguments, **_settings):
        raise RuntimeError("Factor is exactly singular")

    monkeypatch.setattr("smallpolaron.dynamics.preconditioner.spilu", fails)
    used.clear()
    other = solve_equilibrium(*arguments)
    assert set(used) == {Part.BATHS, Part.HOPS}
    assert 1.3 * found.products < other.products
    np.testing.assert_allclose(other.density_matrix, found.density_matrix, atol=1e-4)


# -- the front -----------------------------------------------------------------------------------


def from_one_site(accuracy, duration_fs=60.0):
    basis = Basis(ring(3), EXPANSION, Sector(3, False, hermitian=True), COMM)
    readout = Readout.of(basis, [np.diag(row).astype(complex) for row in np.eye(3)])
    x = place_values(basis, reduced_labels(basis)[0][:1], np.ones(1, complex))
    _, run = evolve(basis, x, readout, accuracy, duration_fs, progress())
    return run


def test_steps_follow_the_front():
    loose, tight = (from_one_site(Accuracy(1e-3, tolerance=t)) for t in (0.5, None))
    # with any time step allowed, the front alone holds the steps back, and repeats some
    assert loose.repeated > 0
    assert np.diff(loose.step_time_fs).max() < 15
    assert len(loose.basis_size) == len(loose.segments) + 1 == len(loose.step_time_fs)
    assert loose.products < tight.products
    # repeated steps cost products as well
    assert tight.products >= sum(len(s.coefficients) - 1 for s in tight.segments)
    # no label enters late: a state followed with a threshold hundred times smaller is the same
    truth = from_one_site(Accuracy(1e-3, growth=3e-6))
    times = np.arange(0.0, 61.0, 3.0)
    assert np.abs(tight.sample(times, 0) - truth.sample(times, 0)).max() < 1e-3


def test_every_derivative_is_that_of_the_one_before():
    run = from_one_site(Accuracy(1e-4))
    t, h = np.array([7.3, 20.1, 44.4, 59.9]), 1e-3
    for order in range(5):
        slope = (run.sample(t + h, order) - run.sample(t - h, order)) / (2 * h)
        found = run.sample(t, order + 1)
        # the terms of a step are few for the highest orders
        allowed = 1e-4 if order < 3 else 0.1
        np.testing.assert_allclose(slope, found, rtol=allowed, atol=allowed * np.abs(found).max())


def test_derivatives_do_not_jump_between_steps():
    run = from_one_site(Accuracy(1e-4))
    joints = np.array(run.step_time_fs[1:-1])
    for order in range(1, 7):
        gap = run.sample(joints - 1e-9, order) - run.sample(joints + 1e-9, order)
        assert np.abs(gap).max() < 1e-6 * np.abs(run.sample(joints, order)).max()
