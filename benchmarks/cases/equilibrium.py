"""The equilibrium by linear solve and by propagation, on the same labels to the same residual."""

from typing import Any

import numpy as np
from mpi4py import MPI

from benchmarks.cases.rings import chain, one_exponential, ring
from smallpolaron.dynamics.adaptive_correlation import current_sectors
from smallpolaron.dynamics.adaptive_solve import LinearProblem, adaptive_solve
from smallpolaron.dynamics.adaptive_states import AdaptiveEquilibrium, solve_equilibrium
from smallpolaron.dynamics.carrier import Readout, reduced_labels
from smallpolaron.dynamics.observables import Probe
from smallpolaron.dynamics.propagator import TaylorPropagator
from smallpolaron.hierarchy.compact import CompactGenerator
from smallpolaron.hierarchy.limits import Limits
from smallpolaron.model.accuracy import Accuracy

_LOCAL_ERROR = 1.0
"""Local error per fs of the propagation, relative to the residual it is to reach. Measured: 0.01
takes more products, 100 never reaches the residual."""

_NOTHING_NEW = 1e3
"""Growth threshold at which the labels stay as they are."""


def compare(
    n_sites: int,
    eta_cm: float,
    gamma_cm: float,
    accuracy: float,
    longest_fs: float,
    is_open: bool = False,
) -> dict[str, Any]:
    """Count products with L both ways.

    The propagation starts from the thermal free carrier with unrelaxed baths and, unlike the solve,
    knows from the beginning which labels are needed.

    Args:
        n_sites: N.
        eta_cm: coupling, cm^-1.
        gamma_cm: rate of the bath, cm^-1.
        accuracy: accuracy of the solve.
        longest_fs: longest propagation, fs.
        is_open: an open chain instead of a ring.

    Returns:
        Labels, and the residual |L rho|/|rho| with the products that reached it, for the solve (all
        rounds on growing bases counted), for the same solve begun on the final labels, and for the
        propagation on them (and its length); and the difference of the states.
    """
    model = chain(n_sites) if is_open else ring(n_sites)
    expansion = one_exponential(eta_cm, gamma_cm)
    even, _ = current_sectors(model, "auto", False)
    found = solve_equilibrium(model, expansion, even, Accuracy(accuracy), Limits(), MPI.COMM_SELF)
    generator = CompactGenerator(found.basis)
    image = np.empty_like(found.x)
    generator.apply(found.x, image)
    norm = float(np.linalg.norm(found.x))
    residual = float(np.linalg.norm(image)) / norm
    trace = Readout.of(found.basis, [np.eye(n_sites, dtype=complex)])
    known = adaptive_solve(
        found.basis,
        LinearProblem(lambda now: np.zeros(now.n_local, complex), trace=trace),
        np.zeros(found.basis.size, complex),
        growth=_NOTHING_NEW,
        tolerance=residual / found.basis.base_rate,
    )
    known.generator.apply(known.x, image)
    state = generator.vector()
    state.array_w[:] = _thermal(found)
    nothing = Probe(np.zeros(1, np.int64), np.zeros((1, 1, 1), complex), MPI.COMM_SELF)
    propagator = TaylorPropagator(generator.matrix(), _LOCAL_ERROR * residual)
    time_fs = 0.0
    while propagator.rate > residual and time_fs < longest_fs:
        time_fs += propagator.advance(state, time_fs, longest_fs - time_fs, nothing).length
    return {
        "labels": found.basis.size,
        "solve": {"residual": residual, "products": found.products},
        "solve_known": {
            "residual": float(np.linalg.norm(image) / np.linalg.norm(known.x)),
            "products": known.products,
        },
        "propagation": {
            "residual": propagator.rate,
            "products": propagator.products,
            "time_fs": time_fs,
            "reached": propagator.rate <= residual,
        },
        "difference": float(np.linalg.norm(state.array_r - found.x)) / norm,
    }


def _thermal(equilibrium: AdaptiveEquilibrium) -> np.ndarray[Any, np.dtype[np.complex128]]:
    """exp(-beta H)/Z on the labels of the vacuum, with the trace of the equilibrium."""
    basis = equilibrium.basis
    energies, waves = np.linalg.eigh(basis.model.hamiltonian)
    weights = np.exp(-basis.model.beta * (energies - energies.min()))
    rho = (waves * (weights / weights.sum())) @ waves.conj().T
    keys, bits, sites = reduced_labels(basis)
    rows = basis.find(keys)
    values = np.where(bits & 2, -1, 1) * rho[sites[:, 0], sites[:, 1]]
    x = np.zeros(basis.size, complex)
    there = (rows >= 0) & (bits >= 0)
    x[rows[there]] = values[there]
    return x
