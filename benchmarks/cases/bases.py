"""Large bases for products, and states on them that do not depend on the number of ranks."""

from collections.abc import Iterator

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from benchmarks.cases.rings import one_exponential, ring
from smallpolaron.hierarchy.adaptive import AdaptiveBasis
from smallpolaron.hierarchy.basis import fixed_basis
from smallpolaron.hierarchy.labels import Keys
from smallpolaron.hierarchy.limits import Limits
from smallpolaron.hierarchy.sector import Sector
from smallpolaron.hierarchy.truncation import Truncation

_THINNING = 64
"""One label in so many shows how the others will be spread."""


def odd_basis(
    n_sites: int, depth: int, eta_cm: float, gamma_cm: float, comm: MPI.Intracomm, chunks: int = 32
) -> AdaptiveBasis:
    """All labels of a fixed basis, as an adaptive basis in the sector of the current (collective).

    Momentum 0 and odd under reflection, one exponential per bath. The labels come in portions, in
    the order of the fixed basis (neighbours are near), and are dealt out anew when that is needed,
    so that no rank ever holds much more than its share.

    Args:
        n_sites: N.
        depth: depth of the fixed basis.
        eta_cm: coupling, cm^-1.
        gamma_cm: rate of the bath, cm^-1.
        comm: the communicator.
        chunks: number of portions.

    Returns:
        The basis.
    """
    expansion = one_exponential(eta_cm, gamma_cm)
    basis = AdaptiveBasis(
        ring(n_sites),
        expansion,
        Sector(n_sites, translation=True, parity=-1),
        comm,
        Limits(max_occupation=depth),
    )
    for keys in _portions(basis, depth, chunks):
        basis.add(keys)
        basis.rebalance(np.zeros(basis.n_local, complex))
    return basis


def _portions(basis: AdaptiveBasis, depth: int, chunks: int) -> Iterator[Keys]:
    n_sites = basis.model.n_sites
    plain = fixed_basis(
        n_sites, 1, Truncation(depth), Sector(n_sites, translation=True), basis.comm
    )
    # a few labels from everywhere first, so that every rank's share is known before most arrive
    for part in (plain.keys[::_THINNING], *np.array_split(plain.keys, chunks)):
        keys, bits = basis.canonical_keys(*plain.layout.unpack(part))
        yield keys[bits >= 0]


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
