"""Equilibrium current of a carrier that hops between the ends of an open chain.

What is left of C_JJ on a chain once the lattice has relaxed: diffusion felt through its walls.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from smallpolaron.analysis._checks import FloatArray, positive, real_series


@dataclass(frozen=True)
class ConfinedWalk:
    """Current of a nearest-neighbour walk on an open chain, in equilibrium.

    Attributes:
        C: current autocorrelation after time zero, angstrom^2/fs^2, (times,): negative, and rising
            to zero. At time zero it has a delta function besides.
        D_running: its integral up to each time, that delta function included, angstrom^2/fs,
            (times,): from D (1 - 1/N) to zero.
        slowest_fs: decay time of both in the end, fs.
    """

    C: FloatArray
    D_running: FloatArray
    slowest_fs: float


def confined_walk(
    time_fs: ArrayLike, n_sites: int, lattice_constant_A: float, D_A2_fs: float
) -> ConfinedWalk:
    """Current autocorrelation of a walk that hops with the rate D/a^2 to either side.

    Args:
        time_fs: times in fs, (times,), not negative.
        n_sites: number of sites N, two or more.
        lattice_constant_A: distance a of two sites, angstrom.
        D_A2_fs: diffusion constant without walls, angstrom^2/fs.

    Raises:
        ValueError: if the chain is too short, a time is negative, or a and D are not positive.

    Source:
        J = dX/dt, so that the integral of the current autocorrelation is minus the slope of the
        position autocorrelation, here a sum over the modes of the master equation. In the continuum
        C = -(8 D^2/L^2) sum over odd q of exp(-q^2 pi^2 D t/L^2), with L = N a: at first
        -2 D^(3/2)/(L sqrt(pi t)), smaller on longer chains, but it takes L^2/(pi^2 D) to vanish.
    """
    time = real_series("time_fs", time_fs)
    if n_sites < 2 or np.any(time < 0.0):
        raise ValueError(f"n_sites = {n_sites}: must be two or more; time_fs: not negative")
    a = positive("lattice_constant_A", lattice_constant_A)
    rate = positive("D_A2_fs", D_A2_fs) / a**2
    q = np.arange(1, n_sites)
    decay = 2.0 * rate * (1.0 - np.cos(np.pi * q / n_sites))
    sites = np.arange(n_sites)
    modes = np.sqrt(2.0 / n_sites) * np.cos(np.pi * np.outer(sites + 0.5, q) / n_sites)
    weights = (a * sites @ modes) ** 2 / n_sites
    damped = np.exp(-np.outer(time, decay))
    return ConfinedWalk(
        C=-damped @ (weights * decay**2),
        D_running=damped @ (weights * decay),
        slowest_fs=float(1.0 / decay[0]),
    )
