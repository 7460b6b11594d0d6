"""The same ring in QuTiP: HEOMSolver with one exponential per bath and its terminator."""

from typing import Any

import numpy as np
import qutip
from qutip.solver.heom import DrudeLorentzBath, HEOMSolver
from scipy.integrate import simpson

from benchmarks.cases.rings import debye, ring
from smallpolaron.model.units import paper_units


def correlation(
    n_sites: int,
    depth: int,
    eta_cm: float,
    gamma_cm: float,
    duration_fs: float,
    preparation_fs: float,
    method: str,
    rtol: float,
    atol: float,
    sample_fs: float = 1.0,
) -> dict[str, Any]:
    """Equilibrium current correlation function by two propagations.

    The thermal carrier with unrelaxed baths is propagated to equilibrium, J is applied to all
    ADOs, and the result is propagated. (QuTiP's steady_state() factorises the whole hierarchy and
    needs far more memory and time than this at these sizes.)

    Args:
        n_sites: N.
        depth: depth of the hierarchy.
        eta_cm: coupling, cm^-1.
        gamma_cm: rate of the bath, cm^-1.
        duration_fs: length of the correlation function, fs.
        preparation_fs: length of the propagation to equilibrium, fs.
        method: QuTiP's integrator.
        rtol: its relative tolerance.
        atol: its absolute tolerance.
        sample_fs: spacing of the record, fs.

    Returns:
        D over the record in paper units, C_JJ(0), number of ADOs and of unknowns.
    """
    model, bath = ring(n_sites), debye(eta_cm, gamma_cm)
    hamiltonian = qutip.Qobj(model.hamiltonian)
    liouvillian = qutip.liouvillian(hamiltonian)
    baths = []
    for site in range(n_sites):
        drude = DrudeLorentzBath(
            qutip.basis(n_sites, site).proj(),
            lam=bath.reorganisation_energy,
            gamma=bath.gamma,
            T=1 / model.beta,
            Nk=0,
        )
        baths.append(drude)
        liouvillian = liouvillian + drude.terminator()[1]
    options = {
        "method": method,
        "rtol": rtol,
        "atol": atol,
        "nsteps": 1_000_000,
        "progress_bar": False,
        "store_states": False,
        "store_final_state": True,
        "store_ados": True,
    }
    solver = HEOMSolver(liouvillian, baths, depth, options=options)
    boltzmann = (-model.beta * hamiltonian).expm()
    start = boltzmann / boltzmann.tr()
    nothing = qutip.qzero(n_sites)
    prepared = solver.run(start, [0.0, preparation_fs], e_ops=[nothing]).final_ado_state
    solver.options = {"store_ados": False}
    # QuTiP keeps every operator transposed
    current = qutip.Qobj(model.current)
    kicked = np.ascontiguousarray(prepared._ado_state @ model.current.T)
    n_ados = len(solver.ados.labels)
    time_fs = np.linspace(0, duration_fs, round(duration_fs / sample_fs) + 1)
    c = np.array(solver.run(kicked, time_fs, e_ops=[current]).expect[0])
    return {
        "D": paper_units(float(simpson(c.real, x=time_fs))),
        "C_start": [float(c[0].real), float(c[0].imag)],
        "ados": n_ados,
        "unknowns": n_ados * n_sites**2,
    }
