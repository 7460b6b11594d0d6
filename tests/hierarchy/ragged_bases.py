"""Adaptive bases of many symmetries with ragged edges, and states that every rank can make."""

import numpy as np
import pytest
from mpi4py import MPI

from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.lattice_symmetry import lattice_operations
from smallpolaron.hierarchy.limits import Limits
from smallpolaron.hierarchy.sector import Sector
from smallpolaron.model.lattice import honeycomb, square
from smallpolaron.model.lattice_model import LatticeModel
from tests.hierarchy.orbits import CHAIN_3, CM, DISORDERED_4, EVEN_CHAIN_4, bath, ring

COMM, ALONE = MPI.COMM_WORLD, MPI.COMM_SELF
CASES = {
    "ring, K = 1": (ring(6), 1, Sector(6, True)),
    "odd ring, momentum 2, K = 2": (ring(5), 2, Sector(5, True, 2)),
    "all symmetries": (ring(6), 1, Sector(6, True, parity=-1, hermitian=True)),
    "disorder and flux": (DISORDERED_4, 1, Sector(4, False, hermitian=True)),
    "chain": (CHAIN_3, 2, Sector(3, False)),
    "mirrored chain": (EVEN_CHAIN_4, 0, Sector(4, False, parity=-1, mirror=3)),
    "infinite ring": (ring(5), 1, Sector(5, True, wraps=False)),
    "half of the infinite ring": (
        ring(5),
        1,
        Sector(5, True, parity=1, hermitian=True, wraps=False),
    ),
    "oscillator, all symmetries": (
        ring(6),
        "oscillator",
        Sector(6, True, parity=-1, hermitian=True),
    ),
    "oscillator, half of the infinite ring": (
        ring(5),
        "oscillator",
        Sector(5, True, hermitian=True, wraps=False),
    ),
    "oscillator, disorder and flux": (DISORDERED_4, "oscillator", Sector(4, False, hermitian=True)),
}
SQUARE = LatticeModel(square(5.0, 0.8).with_window(5), 50 * CM)
TORUS = LatticeModel(honeycomb(5.0).finite((2, 3)), 50 * CM)
LATTICES = {
    name: (
        model,
        1,
        Sector(
            model.n_sites,
            True,
            hermitian=hermitian,
            wraps=not model.is_infinite,
            per_cell=model.sites.per_cell,
            reflections=lattice_operations(model),
        ),
    )
    for name, model, hermitian in (("square", SQUARE, True), ("honeycomb", TORUS, False))
}
case = pytest.mark.parametrize("parts", CASES.values(), ids=CASES.keys())
any_case = pytest.mark.parametrize("parts", (CASES | LATTICES).values(), ids=[*CASES, *LATTICES])
"""Lattices as well, for tests that need no neighbours in plain Python."""


def empty(parts, comm=COMM, limits=None):
    model, terms, sector = parts
    return Basis(model, bath(terms), sector, comm, limits or Limits(max_occupation=5))


def carrier(basis):
    """Keys of all elements of rho_0 that do not vanish."""
    n = basis.model.n_sites
    kets = np.zeros(n, np.int64) if basis.sector.translation else np.repeat(np.arange(n), n)
    bras = np.tile(np.arange(n), len(kets) // n)
    vacuum = np.zeros((len(kets), basis.layout.n_modes), np.uint8)
    keys, bits = basis.canonical_keys(vacuum, kets, bras)
    return keys[bits >= 0]


def scatter_of(basis, salt=1, decay=0.9):
    """A state in which every label has a value of its own that depends on nothing else."""
    odd = np.arange(1, 2 * basis.layout.n_words, 2, dtype=np.uint64)
    mix = (basis.keys * (odd * np.uint64(0x9E3779B97F4A7C15) + np.uint64(2 * salt))).sum(axis=1)
    mix ^= mix >> np.uint64(31)
    mix *= np.uint64(0xBF58476D1CE4E5B9)
    mix ^= mix >> np.uint64(29)
    share_of_one = (mix >> np.uint64(11)).astype(float) / 2.0**53
    tiers = basis.labels()[0].sum(axis=1, dtype=float)
    return share_of_one * np.exp(-decay * tiers + 40j * share_of_one)


def grown(parts, comm, least=700, limits=None):
    """A ragged basis: what a scattered state wants."""
    basis = empty(parts, comm, limits)
    basis.add(carrier(basis))
    threshold = 0.05
    while basis.size < least:
        if basis.add(basis.outflow(scatter_of(basis), threshold).keys) == 0:
            if threshold == 0:
                break  # that is all there is
            threshold = threshold / 2 if threshold > 1e-6 else 0.0
        basis.rebalance(np.zeros(basis.n_local, complex))
    return basis
