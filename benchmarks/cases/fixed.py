"""Fixed hierarchies of a given depth."""

from typing import Any

from mpi4py import MPI
from scipy.integrate import simpson

from benchmarks.cases.rings import one_exponential, ring
from smallpolaron.dynamics.correlation import compute_correlation
from smallpolaron.hierarchy.limits import Limits, Truncation
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.model.units import paper_units

_TOLERANCE = 1e-7


def correlation(
    n_sites: int, depth: int, eta_cm: float, gamma_cm: float, duration_fs: float
) -> dict[str, Any]:
    """C_JJ and D on all labels up to a depth, one exponential per bath.

    Args:
        n_sites: N.
        depth: depth.
        eta_cm: coupling, cm^-1.
        gamma_cm: rate of the bath, cm^-1.
        duration_fs: length of C_JJ, fs.

    Returns:
        D over the record in paper units, number of unknowns, products.
    """
    found = compute_correlation(
        ring(n_sites),
        one_exponential(eta_cm, gamma_cm),
        Accuracy(1e-5, tolerance=_TOLERANCE, stationary=_TOLERANCE),
        duration_fs=duration_fs,
        limits=Limits(truncation=Truncation(depth)),
        comm=MPI.COMM_SELF,
    )
    return {
        "D": paper_units(float(simpson(found.C_JJ.real, x=found.time_fs))),
        "unknowns": found.record.n_unknowns,
        "products": found.products_equilibrium + found.record.products,
    }
