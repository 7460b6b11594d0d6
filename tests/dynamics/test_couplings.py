"""Currents and populations with bond and shared modes: dense hierarchies, QuTiP, gauges, rings."""

from dataclasses import replace

import numpy as np
import pytest
from mpi4py import MPI
from scipy.sparse import csc_array
from scipy.sparse.linalg import expm_multiply

from smallpolaron.analysis.hermite import make_series
from smallpolaron.analysis.kubo import kubo_transform
from smallpolaron.dynamics.displacement import compute_displacement
from smallpolaron.model import lattice as lattices
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.model.baths.bath import BrownianBath, DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.baths.expansion import BathSet
from smallpolaron.model.coupling import bonds, displacements, local
from smallpolaron.model.lattice_model import LatticeModel
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from smallpolaron.model.units import thermal_energy
from tests.dynamics.cases import correlate, distance, populate, silent
from tests.hierarchy.coupled_reference import Dense, as_coupling

T = 300.0
SITES = [(0, 0, 0), (5, 0, 1), (1, 4, 0)]
HOPPING = np.array([[0, 50 + 20j, -30j], [50 - 20j, 0, -40], [30j, -40, 0]])
ENERGIES = (0.0, 60 * CM, -35 * CM)
BOND = expand(BrownianBath(6 * CM, 120 * CM, 150 * CM), T, "pade", 0, terminator=False)
SITE = expand(DebyeBath(20 * CM, 150 * CM), T, "pade", 0)


def triangle(*operators):
    """A cluster with complex hops and these V, each with the number of its bath."""
    couplings = tuple(as_coupling(np.array(v), bath) for v, bath in operators)
    return LatticeModel(
        lattices.cluster(HOPPING, SITES),
        CM,
        ENERGIES,
        direction=(1.0, 1.0, 0.5),
        couplings=couplings,
    )


def test_a_cluster_with_bond_and_shared_modes_is_the_dense_hierarchy():
    turned = [[0, 0.6 + 0.8j, 0], [0.6 - 0.8j, 0, 0], [0, 0, 0]]
    shared = np.diag([0.0, 1.0, -0.7])
    model = triangle((turned, 0), (shared, 1))
    dense = Dense(model.hamiltonian, ((np.array(turned), 0), (shared, 1)), (BOND, SITE), 8)
    n, positions = 3, model.lattice.sites @ model.unit_direction
    step = csc_array(10.0 * dense.generator)
    current = csc_array(dense.operator(*dense.current(positions)))
    still = dense.equilibrium()
    x, start = current @ still, np.zeros(len(still), complex)
    start[n + 1] = 1
    C, P = [], []
    for _ in range(7):
        C.append(dense.trace @ (current @ x))
        P.append(
            [dense.trace @ (start * np.tile(np.eye(9)[4 * j], len(start) // 9)) for j in range(n)]
        )
        x, start = expm_multiply(step, np.stack([x, start], axis=1)).T
    settings = {"expansion": BathSet.joined(BOND, SITE), "duration_fs": 60.0, "sample_fs": 10.0}
    run = correlate(model, 1e-6, **settings)
    assert distance(run.C_JJ, C) < 1e-6
    assert np.max(np.abs(np.imag(C))) > 0.01 * abs(C[0])
    bare = np.trace(model.current @ model.current @ run.density_matrix).real
    assert abs(C[0]) > 1.02 * bare
    found = populate(model, "franck_condon", 1, 1e-6, **settings)
    assert np.max(np.abs(found.populations - np.real(P))) < 1e-6


def in_qutip(model, operators, depth, time_fs):
    """Populations after a start on site 0, by QuTiP's hierarchy."""
    qutip = pytest.importorskip("qutip", reason="QuTiP comes with the test group")
    from qutip.solver.heom import BosonicBath, HEOMSolver

    n, baths = model.n_sites, []
    liouvillian = qutip.liouvillian(qutip.Qobj(model.hamiltonian))
    for v, bath in operators:
        q = qutip.Qobj(v)
        commutator = qutip.spre(q) - qutip.spost(q)
        liouvillian = liouvillian - bath.terminator * commutator * commutator
        c, bar, nu = bath.coefficients, bath.conjugates, bath.rates
        baths.append(BosonicBath(q, (c + bar) / 2, nu, (c - bar) / 2j, nu))
    options = {"atol": 1e-10, "rtol": 1e-9, "nsteps": 100000}
    solver = HEOMSolver(liouvillian, baths, depth, options=options)
    sites = [qutip.Qobj(np.diag(row)) for row in np.eye(n)]
    return np.array(solver.run(sites[0], time_fs, e_ops=sites).expect).real.T


def test_two_levels_with_a_bath_that_turns_them_agree_with_qutip():
    """V = sigma_x, with a terminator."""
    bath = expand(DebyeBath(40 * CM, 100 * CM), T, "matsubara", 1)
    flip = np.array([[0, 1.0], [1.0, 0]])
    lattice = lattices.cluster([[0, 40], [40, 0]], [(0, 0, 0), (5, 0, 0)])
    model = LatticeModel(lattice, CM, (90 * CM, 0.0), couplings=(as_coupling(flip, 0),))
    found = populate(
        model, "franck_condon", 0, 1e-5, expansion=bath, duration_fs=200.0, sample_fs=20.0
    )
    theirs = in_qutip(model, [(flip, bath)], 9, found.time_fs)
    assert bath.terminator > 0
    assert np.max(np.abs(found.populations - theirs)) < 2e-5
    bare = replace(model, couplings=(as_coupling(np.diag([1.0, 0]), 0),))
    other = populate(
        bare, "franck_condon", 0, 1e-4, expansion=bath, duration_fs=200.0, sample_fs=20.0
    )
    assert np.max(np.abs(found.populations - other.populations)) > 0.05


def test_three_sites_with_modes_on_their_bonds_agree_with_qutip():
    """Two bonds, one complex, a vibration each that is cold enough for its terms to be mixed."""
    bath = expand(BrownianBath(25 * CM, 60 * CM, 150 * CM), T, "pade", 0, terminator=False)
    assert np.max(bath.functions.mixing) > 0.05
    first = np.array([[0, 1.0, 0], [1.0, 0, 0], [0, 0, 0]])
    second = np.array([[0, 0, 0], [0, 0, 1j], [0, -1j, 0]])
    lattice = lattices.cluster(HOPPING, SITES)
    couplings = tuple(as_coupling(v, 0) for v in (first, second))
    model = LatticeModel(lattice, CM, ENERGIES, couplings=couplings)
    settings = {"expansion": bath, "duration_fs": 150.0, "sample_fs": 15.0}
    found = populate(model, "franck_condon", 0, 1e-4, **settings)
    theirs = in_qutip(model, [(v, bath) for v in (first, second)], 9, found.time_fs)
    assert np.max(np.abs(found.populations - theirs)) < 2e-4


def damped(eta_cm, terms=2):
    return expand(BrownianBath(eta_cm * CM, 100 * CM, 100 * CM), T, "pade", terms, terminator=False)


def test_flipping_the_hops_of_a_site_changes_no_current():
    """With them the modes of its bonds change sign: a gauge."""
    flip = np.diag([1.0, -1.0, 1.0])
    v = np.array([[0, 1, 0], [1, 0, 0.5], [0, 0.5, 0]])
    plain = triangle((v, 0), (np.diag([0, 1.0, 0]), 1))
    turned = replace(
        triangle((flip @ v @ flip, 0), (np.diag([0, 1.0, 0]), 1)),
        lattice=lattices.cluster(flip @ HOPPING @ flip, SITES),
    )
    bath = BathSet.joined(BOND, SITE)
    one, other = (correlate(model, 1e-3, expansion=bath).C_JJ for model in (plain, turned))
    np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-10 * abs(one[0]))


COUPLINGS = {
    "bond": (bonds, (damped(15.0),)),
    "displacement": (displacements, (damped(3.0),)),
    "local and bond": (
        lambda lattice: (*local(lattice, 1), *bonds(lattice)),
        (damped(10.0), expand(DebyeBath(20 * CM, 150 * CM), T, "pade", 2)),
    ),
}


@pytest.mark.parametrize("kind", COUPLINGS)
def test_sum_rules_symmetries_and_the_solve_on_a_ring(kind):
    make, baths = COUPLINGS[kind]
    ring = lattices.ring(5, 5.0)
    model = LatticeModel(ring, 50 * CM, couplings=make(ring))
    settings = {"expansion": BathSet.joined(*baths), "duration_fs": 400.0, "sample_fs": 2.0}
    run = correlate(model, 2e-3, **settings)
    assert abs(run.C_JJ[0].imag) < 1e-4 * abs(run.C_JJ[0])
    C = run.C_JJ
    kubo = kubo_transform(make_series(run.time_fs, C, run.dC_JJ, run.d2C_JJ), T).values
    # paths around the ring are few
    assert kubo[0] == pytest.approx(-thermal_energy(T) * run.curvature, rel=4e-3)
    assert run.D_time == pytest.approx(run.D_resolvent, rel=1e-2)
    for omega in (60 * CM, 150 * CM):
        up, down = (
            np.trapezoid(C * np.exp(1j * w * run.time_fs), run.time_fs).real
            for w in (-omega, omega)
        )
        assert up == pytest.approx(np.exp(-omega / thermal_energy(T)) * down, rel=4e-3)
    whole = correlate(model, 2e-3, symmetry="none", **settings | {"duration_fs": 60.0})
    assert distance(C[:31], whole.C_JJ) < 6e-3


def test_the_slope_of_the_displacement_ends_at_the_green_kubo_value():
    """The first moment has a source that the bath assists; both need it, in different ways."""
    chain = lattices.chain(5.0)
    model = LatticeModel(chain, 50 * CM, couplings=bonds(chain))
    bath = damped(10.0, 0)
    current = correlate(model, 3e-3, expansion=bath, duration_fs=100.0)
    spread = compute_displacement(
        model,
        bath,
        Accuracy(1e-2),
        start="franck_condon",
        duration_fs=500.0,
        sample_fs=10.0,
        comm=MPI.COMM_SELF,
        report=silent,
    )
    assert spread.dmsd[-1] / 2 == pytest.approx(current.D_resolvent, rel=2e-2)
