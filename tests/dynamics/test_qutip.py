"""Agreement with QuTiP's HEOM solver, an independent implementation without scaling.

A Debye bath on every site, given to QuTiP term by term with the terminator; and a Debye bath and a
vibration, which QuTiP expands itself. It keeps the Matsubara terms of two baths apart, ours share
one mode: truncated at the same depth, the two hierarchies are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from smallpolaron.hierarchy.limits import Limits, Truncation
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.model.baths.bath import BrownianBath, DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.baths.expansion import BathExpansion
from smallpolaron.model.baths.spectral_density import BathSum
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from smallpolaron.model.units import thermal_energy
from tests.dynamics.cases import fixed, populate

qutip = pytest.importorskip("qutip", reason="QuTiP comes with the test group")

T = 300.0
# unequal sites and bonds; the flux makes the equilibrium state complex, so that a transposed or
# conjugated result cannot pass
TRIMER = HolsteinModel(3, "ring", (60 * CM, -40 * CM, 25 * CM), (80 * CM, -50 * CM, 0.0), flux=0.5)
ONE_DEBYE = expand(DebyeBath(120 * CM, 70 * CM), T, "matsubara", 1)
DEBYE, VIBRATION = DebyeBath(60 * CM, 70 * CM), BrownianBath(50 * CM, 40 * CM, 140 * CM)
BOTH = expand(BathSum((DEBYE, VIBRATION)), T, "matsubara", 1, terminator=False)
OPTIONS = {
    "atol": 1e-11,
    "rtol": 1e-10,
    "nsteps": 100000,
    "progress_bar": False,
    "store_ados": True,
}


@dataclass(frozen=True)
class Case:
    """One bath in both programs."""

    expansion: BathExpansion
    depth: int
    times: NDArray[np.float64]
    solver: Any


def site_operators() -> list[Any]:
    return [qutip.Qobj(np.diag(np.eye(3)[j])) for j in range(3)]


def debye() -> Case:
    from qutip.solver.heom import BosonicBath, HEOMSolver

    liouvillian = qutip.liouvillian(qutip.Qobj(TRIMER.hamiltonian))
    c, nu = ONE_DEBYE.coefficients, ONE_DEBYE.rates
    baths = []
    for q in site_operators():
        commutator = qutip.spre(q) - qutip.spost(q)
        liouvillian = liouvillian - ONE_DEBYE.terminator * commutator * commutator
        baths.append(BosonicBath(q, c.real, nu, c.imag, nu))
    solver = HEOMSolver(liouvillian, baths, 4, options=OPTIONS)
    return Case(ONE_DEBYE, 4, np.arange(0, 121.0, 10.0), solver)


def debye_and_vibration() -> Case:
    from qutip.solver.heom import DrudeLorentzBath, HEOMSolver, UnderDampedBath

    baths, temperature = [], thermal_energy(T)
    strength = np.sqrt(VIBRATION.eta) * VIBRATION.frequency
    for q in site_operators():
        baths += [
            DrudeLorentzBath(q, DEBYE.eta / 2, DEBYE.gamma, temperature, 1),
            UnderDampedBath(q, strength, VIBRATION.gamma, VIBRATION.frequency, temperature, 1),
        ]
    solver = HEOMSolver(qutip.Qobj(TRIMER.hamiltonian), baths, 3, options=OPTIONS)
    return Case(BOTH, 3, np.arange(0, 61.0, 10.0), solver)


@pytest.fixture(scope="module", params=[debye, debye_and_vibration])
def case(request: pytest.FixtureRequest) -> Case:
    build: Callable[[], Case] = request.param
    return build()


def test_populations(case: Case) -> None:
    site = 1
    start = qutip.Qobj(np.diag(np.eye(3)[site]))
    peer = np.array([s.full() for s in case.solver.run(start, case.times).states])
    ours = populate(
        TRIMER,
        "franck_condon",
        site,
        duration_fs=case.times[-1],
        expansion=case.expansion,
        sample_fs=case.times[1],
        accuracy=Accuracy(1e-5, tolerance=1e-10),
        limits=Limits(truncation=Truncation(case.depth)),
    )
    np.testing.assert_allclose(ours.populations, np.diagonal(peer, axis1=1, axis2=2), atol=1e-7)
    # all of the density matrix, off-diagonal and complex
    np.testing.assert_allclose(ours.density_matrix_final, peer[-1], atol=1e-7)
    assert np.abs(peer[-1].imag).max() > 1e-2


def test_equilibrium_and_current_correlation(case: Case) -> None:
    rho, ados = case.solver.steady_state()
    j = TRIMER.current
    # QuTiP stores every operator transposed
    state = np.array([(j @ ados.extract(i).full()).T for i in range(len(case.solver.ados.labels))])
    peer = np.array([np.trace(j @ s.full()) for s in case.solver.run(state, case.times).states])
    rule, times = Truncation(case.depth), case.times
    ours = fixed(TRIMER, case.expansion, rule, times[-1], sample_fs=times[1])
    np.testing.assert_allclose(ours.density_matrix, rho.full(), atol=1e-6)
    assert np.abs(rho.full().imag).max() > 1e-3
    scale = abs(peer[0])
    np.testing.assert_allclose(ours.C_JJ, peer, atol=1e-5 * scale)
    assert np.abs(peer.imag).max() > 0.02 * scale
