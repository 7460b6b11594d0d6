"""The equilibrium by linear solve and by propagation, on the same labels to the same residual."""

from typing import Any

import numpy as np
from mpi4py import MPI

from benchmarks.cases.rings import chain, one_exponential, ring
from smallpolaron.dynamics.correlation import current_sectors
from smallpolaron.dynamics.equilibrium import Equilibrium, solve_equilibrium
from smallpolaron.dynamics.evolve import evolve
from smallpolaron.dynamics.linear import LinearProblem
from smallpolaron.dynamics.progress import Progress
from smallpolaron.dynamics.readout import Readout, reduced_labels
from smallpolaron.dynamics.solve import solve
from smallpolaron.hierarchy.compact import CompactGenerator
from smallpolaron.hierarchy.limits import Limits
from smallpolaron.model.accuracy import Accuracy

_LOCAL_ERROR = 1.0
"""Local error per fs of the propagation, relative to the residual it is to reach. Measured: 0.01
takes more products, 100 never reaches the residual."""

_LOOK_EVERY_FS = 50.0
"""Time between two looks at the residual."""

_NO_GROWTH = 0.99
_NOTHING_NEW = 1e3
"""Growth thresholds at which the labels stay as they are, in propagations and in solves."""


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
    known = solve(
        found.basis,
        LinearProblem(lambda now: np.zeros(now.n_local, complex), trace=trace),
        np.zeros(found.basis.size, complex),
        growth=_NOTHING_NEW,
        tolerance=residual / found.basis.base_rate,
    )
    known.generator.apply(known.x, image)
    solved = float(np.linalg.norm(image) / np.linalg.norm(known.x))
    how = Accuracy(growth=_NO_GROWTH, pruning=0.0, tolerance=_LOCAL_ERROR * residual)
    silent = Progress("", None, MPI.COMM_SELF, lambda _line: None)
    x, products, time_fs, rate = _thermal(found), 0, 0.0, np.inf
    while rate > residual and time_fs < longest_fs:
        x, run = evolve(found.basis, x, trace, how, _LOOK_EVERY_FS, silent)
        products, time_fs = products + run.products, time_fs + _LOOK_EVERY_FS
        generator.apply(x, image)
        rate = float(np.linalg.norm(image) / np.linalg.norm(x))
    return {
        "labels": found.basis.size,
        "solve": {"residual": residual, "products": found.products},
        "solve_known": {
            "residual": solved,
            "products": known.products,
        },
        "propagation": {
            "residual": rate,
            "products": products,
            "time_fs": time_fs,
            "reached": rate <= residual,
        },
        "difference": float(np.linalg.norm(x - found.x)) / norm,
    }


def _thermal(equilibrium: Equilibrium) -> np.ndarray[Any, np.dtype[np.complex128]]:
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
