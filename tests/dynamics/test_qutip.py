"""Agreement with QuTiP's HEOM solver, an independent implementation without scaling."""

import numpy as np
import pytest
from mpi4py import MPI

from smallpolaron.dynamics.correlation import compute_correlation
from smallpolaron.dynamics.evolve import PropagationSettings
from smallpolaron.dynamics.population import compute_population
from smallpolaron.hierarchy.truncation import Truncation
from smallpolaron.model.bath import DebyeBath, expand
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.units import CM_TO_RAD_FS

qutip = pytest.importorskip("qutip", reason="QuTiP comes with the test group")

CM = CM_TO_RAD_FS
T = 300.0
DEPTH = 4
TIMES = np.arange(0, 121.0, 10.0)
# unequal sites and bonds; the flux makes the equilibrium state complex, so that a transposed or
# conjugated result cannot pass
TRIMER = HolsteinModel(3, "ring", (60 * CM, -40 * CM, 25 * CM), (80 * CM, -50 * CM, 0.0), flux=0.5)
EXPANSION = expand(DebyeBath(120 * CM, 70 * CM), T, "matsubara", 1)


@pytest.fixture(scope="module")
def solver():
    from qutip.solver.heom import BosonicBath, HEOMSolver

    h = qutip.Qobj(TRIMER.hamiltonian)
    liouvillian = qutip.liouvillian(h)
    baths = []
    for j in range(3):
        q = qutip.Qobj(np.diag(np.eye(3)[j]))
        commutator = qutip.spre(q) - qutip.spost(q)
        liouvillian = liouvillian - EXPANSION.terminator * commutator * commutator
        c, nu = EXPANSION.coefficients, EXPANSION.rates
        baths.append(BosonicBath(q, c.real, nu, c.imag, nu))
    options = {
        "atol": 1e-11,
        "rtol": 1e-10,
        "nsteps": 100000,
        "progress_bar": False,
        "store_ados": True,
    }
    return HEOMSolver(liouvillian, baths, DEPTH, options=options)


def silent(_line):
    pass


def test_populations(solver):
    site = 1
    start = qutip.Qobj(np.diag(np.eye(3)[site]))
    peer = np.array([s.full() for s in solver.run(start, TIMES).states])
    ours = compute_population(
        TRIMER,
        EXPANSION,
        Truncation(DEPTH),
        start="franck_condon",
        site=site,
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
