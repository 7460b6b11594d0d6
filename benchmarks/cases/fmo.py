"""Populations of the FMO complex: QuTiP, a fixed hierarchy of the same depth, the adaptive one."""

from typing import Any

import numpy as np
import qutip
from mpi4py import MPI
from qutip.solver.heom import DrudeLorentzBath, HEOMSolver

from examples.fmo import fmo
from smallpolaron.dynamics.population import compute_population
from smallpolaron.hierarchy.limits import Limits, Truncation
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.model.baths.expansion import BathExpansion
from smallpolaron.model.lattice_model import LatticeModel
from smallpolaron.study.parameters import bath_expansion, model_of

_SAMPLE_FS = 10.0


def _bath(terms: int | None) -> dict[str, Any]:
    return {} if terms is None else {"terms": terms, "decomposition": "matsubara"}


def _system(temperature_K: float, terms: int | None) -> tuple[LatticeModel, BathExpansion]:
    numerics = {"propagation": {"duration_fs": 10.0}, "bath": _bath(terms)}
    parameters = fmo(temperature_K).point("franck_condon", numerics).parameters
    model = model_of(parameters)
    assert isinstance(model, LatticeModel)
    return model, bath_expansion(parameters)


def peer(temperature_K: float, terms: int, depth: int, duration_fs: float) -> dict[str, Any]:
    """QuTiP's HEOMSolver with Matsubara terms and terminators.

    Args:
        temperature_K: temperature, K.
        terms: Matsubara terms beyond the Debye pole.
        depth: depth of the hierarchy.
        duration_fs: length of the record, fs.

    Returns:
        Populations of all pigments after the start on the first, every 10 fs; sizes.
    """
    model, _ = _system(temperature_K, terms)
    bath, n = fmo(temperature_K).coupling.density(), model.n_sites  # type: ignore[union-attr]
    sites = model.sites
    hamiltonian = sites.matrix(sites.hop).toarray() + np.diag(model.energies)
    liouvillian = qutip.liouvillian(qutip.Qobj(hamiltonian))
    baths = []
    for site in range(n):
        drude = DrudeLorentzBath(
            qutip.basis(n, site).proj(),
            lam=bath.reorganisation_energy,
            gamma=bath.slowest,
            T=1 / model.beta,
            Nk=terms,
        )
        baths.append(drude)
        liouvillian = liouvillian + drude.terminator()[1]
    options = {"nsteps": 1_000_000, "progress_bar": False, "rtol": 1e-6, "atol": 1e-8}
    solver = HEOMSolver(liouvillian, baths, depth, options=options)
    time_fs = np.arange(0, duration_fs + _SAMPLE_FS / 2, _SAMPLE_FS)
    found = solver.run(
        qutip.basis(n, 0).proj(), time_fs, e_ops=[qutip.basis(n, site).proj() for site in range(n)]
    )
    populations = np.real(np.array(found.expect)).T
    return {
        "populations": populations.tolist(),
        "unknowns": len(solver.ados.labels) * n**2,
    }


def ours(
    temperature_K: float,
    terms: int | None,
    duration_fs: float,
    depth: int | None = None,
    accuracy: float = 1e-3,
) -> dict[str, Any]:
    """The same with this engine: at a depth, or, without one, to an accuracy (one run).

    Args:
        temperature_K: temperature, K.
        terms: Matsubara terms beyond the Debye pole.
        duration_fs: length of the record, fs.
        depth: depth of a fixed hierarchy; None for the adaptive one.
        accuracy: that of the adaptive one.

    Returns:
        As peer, with the estimate of the error.
    """
    model, bath = _system(temperature_K, terms)
    fixed = Limits(truncation=Truncation(depth)) if depth else Limits()
    found = compute_population(
        model,
        bath,
        Accuracy(1e-5, tolerance=1e-7) if depth else Accuracy(accuracy),
        start="franck_condon",
        site=0,
        duration_fs=duration_fs,
        sample_fs=_SAMPLE_FS,
        limits=fixed,
        comm=MPI.COMM_SELF,
    )
    return {
        "populations": found.populations.tolist(),
        "unknowns": found.record.n_unknowns,
        "estimate": None if depth else found.total_error,
    }
