"""A Debye bath and a vibration on every site, against QuTiP's HEOM solver and its own expansions.

QuTiP keeps the Matsubara terms of the two baths apart, ours share one mode: truncated at the same
depth, the two hierarchies are the same.
"""

import numpy as np
import pytest
from mpi4py import MPI

from smallpolaron.dynamics.correlation import compute_correlation
from smallpolaron.dynamics.evolve import PropagationSettings
from smallpolaron.dynamics.population import compute_population
from smallpolaron.hierarchy.truncation import Truncation
from smallpolaron.model.bath import DebyeBath, expand
from smallpolaron.model.brownian import BrownianBath
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.spectral_density import BathSum
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from smallpolaron.model.units import thermal_energy

qutip = pytest.importorskip("qutip", reason="QuTiP comes with the test group")

T = 300.0
DEPTH = 3
TIMES = np.arange(0, 61.0, 10.0)
# unequal sites and bonds; the flux makes the equilibrium state complex, so that a transposed or
# conjugated result cannot pass
TRIMER = HolsteinModel(3, "ring", (60 * CM, -40 * CM, 25 * CM), (80 * CM, -50 * CM, 0.0), flux=0.5)
DEBYE, VIBRATION = DebyeBath(60 * CM, 70 * CM), BrownianBath(50 * CM, 40 * CM, 140 * CM)
EXPANSION = expand(BathSum((DEBYE, VIBRATION)), T, "matsubara", 1, terminator=False)


@pytest.fixture(scope="module")
def solver():
    from qutip.solver.heom import DrudeLorentzBath, HEOMSolver, UnderDampedBath

    baths, temperature = [], thermal_energy(T)
    for j in range(3):
        q = qutip.Qobj(np.diag(np.eye(3)[j]))
        lam = np.sqrt(VIBRATION.eta) * VIBRATION.frequency
        baths += [
            DrudeLorentzBath(q, DEBYE.eta / 2, DEBYE.gamma, temperature, 1),
            UnderDampedBath(q, lam, VIBRATION.gamma, VIBRATION.frequency, temperature, 1),
        ]
    options = {
        "atol": 1e-11,
        "rtol": 1e-10,
        "nsteps": 100000,
        "progress_bar": False,
        "store_ados": True,
    }
    return HEOMSolver(qutip.Qobj(TRIMER.hamiltonian), baths, DEPTH, options=options)


def silent(_line):
    pass


def test_populations(solver):
    start = qutip.Qobj(np.diag(np.eye(3)[1]))
    peer = np.array([s.full() for s in solver.run(start, TIMES).states])
    ours = compute_population(
        TRIMER,
        EXPANSION,
        Truncation(DEPTH),
        start="franck_condon",
        site=1,
        settings=PropagationSettings(TIMES[-1], TIMES[1], 1e-10),
        comm=MPI.COMM_SELF,
        report=silent,
    )
    np.testing.assert_allclose(ours.populations, np.diagonal(peer, axis1=1, axis2=2), atol=1e-7)
    # all of the density matrix, off-diagonal and complex
    np.testing.assert_allclose(ours.density_matrix_final, peer[-1], atol=1e-7)
    assert np.abs(peer[-1].imag).max() > 1e-2


def test_equilibrium_and_current_correlation(solver):
    rho, ados = solver.steady_state()
    j = TRIMER.current
    # QuTiP stores every operator transposed
    state = np.array([(j @ ados.extract(i).full()).T for i in range(len(solver.ados.labels))])
    peer = np.array([np.trace(j @ s.full()) for s in solver.run(state, TIMES).states])
    ours = compute_correlation(
        TRIMER,
        EXPANSION,
        Truncation(DEPTH),
        settings=PropagationSettings(TIMES[-1], TIMES[1], 1e-10, 1e-9),
        comm=MPI.COMM_SELF,
        report=silent,
    )
    np.testing.assert_allclose(ours.equilibrium.density_matrix, rho.full(), atol=1e-6)
    assert np.abs(rho.full().imag).max() > 1e-3
    scale = abs(peer[0])
    np.testing.assert_allclose(ours.C_JJ, peer, atol=1e-5 * scale)
    assert np.abs(peer.imag).max() > 0.02 * scale
