"""Large bases for products, and states on them that do not depend on the number of ranks."""

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from benchmarks.cases.rings import one_exponential, ring
from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.labels import Keys
from smallpolaron.hierarchy.limits import Limits, Truncation
from smallpolaron.hierarchy.sector import Sector


def odd_basis(
    n_sites: int, depth: int, eta_cm: float, gamma_cm: float, comm: MPI.Intracomm
) -> Basis:
    """A fixed hierarchy in the sector of the current (collective).

    Momentum 0 and odd under reflection, one exponential per bath.

    Args:
        n_sites: N.
        depth: its depth.
        eta_cm: coupling, cm^-1.
        gamma_cm: rate of the bath, cm^-1.
        comm: the communicator.

    Returns:
        The basis.
    """
    expansion = one_exponential(eta_cm, gamma_cm)
    sector = Sector(n_sites, translation=True, parity=-1)
    limits = Limits(truncation=Truncation(depth))
    return Basis(ring(n_sites), expansion, sector, comm, limits)


def pseudo_state(keys: Keys, salt: int) -> NDArray[np.complex128]:
    """Numbers in [-1, 1] + i[-1, 1] that follow from the keys alone, whatever rank holds them."""
    mixed = np.full(len(keys), salt, dtype=np.uint64)
    for word in keys.T:
        mixed = (mixed ^ word) * np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(29)
        mixed *= np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(32)
    half = np.uint64(32)
    low = (mixed & np.uint64(0xFFFFFFFF)).astype(float)
    high = (mixed >> half).astype(float)
    return np.asarray((low + 1j * high) / 2**31 - (1 + 1j))
