"""Memory kernels of the site populations after a start on one site, and D from their cutoff.

Projected on the N site populations, with U_ji(t) the population of site j after a start on site i:
dU/dt = drift U - integral from 0 to t of K(s) U(t - s) ds. Franck-Condon and Marcus starts have
dU(0) = 0, hence no drift. On a homogeneous ring U and K depend on the distance only: the
transform over distances leaves one scalar equation per wave number.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from smallpolaron.analysis._checks import FloatArray, site_series
from smallpolaron.analysis.memory.matrix_kernel import MatrixKernel, matrix_memory_kernel
from smallpolaron.analysis.memory.volterra import Matrices

LARGEST_ASYMMETRY: Final = 1e-3
"""Largest difference of the populations at equal distances left and right on a ring."""


@dataclass(frozen=True)
class PopulationKernel:
    """Memory kernel of site populations, seen from one start site.

    Attributes:
        time_fs: times in fs, (times,).
        K: kernel from the start site to every site, fs^-2, (times, N).
        integral: integral of K from zero to every time, fs^-1, (times, N).
        drift: drift from the start site to every site, fs^-1, (N,).
        squares_A2: squared distance of every site from the start site, angstrom^2, (N,).
        equation: the independent equations behind them: one per wave number, (times, q, 1, 1), or
            one for all sites, (times, N, N).
        column: column of its matrices that belongs to the start site.
        to_sites: matrix from that column, for all wave numbers or sites, to all sites, (N, q).
    """

    time_fs: FloatArray
    K: FloatArray
    integral: FloatArray
    drift: FloatArray
    squares_A2: FloatArray
    equation: MatrixKernel
    column: int
    to_sites: FloatArray

    @classmethod
    def _of(
        cls, equation: MatrixKernel, squares_A2: FloatArray, column: int, to_sites: FloatArray
    ) -> "PopulationKernel":
        K, integral, drift = (
            _from_start(matrices, column, to_sites)
            for matrices in (equation.K, equation.integral, equation.drift[None])
        )
        return cls(equation.time_fs, K, integral, drift[0], squares_A2, equation, column, to_sites)


def _from_start(matrices: Matrices, column: int, to_sites: FloatArray) -> FloatArray:
    """Turn (times, ..., m, m) into what belongs to the start site, (times, N)."""
    chosen = matrices[..., column].reshape(len(matrices), -1)
    return np.asarray(chosen @ to_sites.T, dtype=np.float64)


def ring_kernel(
    time_fs: ArrayLike,
    populations: ArrayLike,
    dpopulations: ArrayLike,
    d2populations: ArrayLike,
    start: int,
    lattice_constant_A: float,
) -> PopulationKernel:
    """Population kernel of a homogeneous ring, from one run.

    Args:
        time_fs: evenly spaced times from zero in fs, (times,).
        populations: populations of all sites, real, (times, N).
        dpopulations: their exact first derivative, per fs.
        d2populations: their exact second derivative, per fs^2.
        start: the site occupied at time zero.
        lattice_constant_A: distance of neighbours, angstrom.

    Returns:
        PopulationKernel; error of order step**6.

    Raises:
        ValueError: if an input is malformed, or sites at equal distances differ, so that the ring
            is not homogeneous.

    Source:
        The kernel of a homogeneous ring is circulant. With reflection only wave numbers up to
        N/2 differ: U_q is the sum over distances d of P_d cos(2 pi q d/N).
    """
    P = site_series("populations", populations)
    dP = site_series("dpopulations", dpopulations, P.shape)
    d2P = site_series("d2populations", d2populations, P.shape)
    n = P.shape[1]
    _check_start(start, n)
    _check_mirror(P, start)
    steps = np.arange(n) - start
    waves = np.cos(2.0 * np.pi / n * np.outer(steps, np.arange(n // 2 + 1)))
    C, dC, d2C = ((matrix @ waves)[:, :, None, None] for matrix in (P, dP, d2P))
    equation = matrix_memory_kernel(time_fs, C, dC, d2C)
    # A wave number and its negative count once each.
    weights = np.where(np.arange(n // 2 + 1) * 2 % n == 0, 1.0, 2.0) / n
    shortest = np.minimum(steps % n, -steps % n)
    squares = (lattice_constant_A * shortest) ** 2
    return PopulationKernel._of(equation, squares, 0, waves * weights)


def site_kernel(
    time_fs: ArrayLike,
    U: ArrayLike,
    dU: ArrayLike,
    d2U: ArrayLike,
    start: int,
    distances_A: ArrayLike,
) -> PopulationKernel:
    """Population kernel of any system, from one run per start site, by the N x N Volterra equation.

    Args:
        time_fs: evenly spaced times from zero in fs, (times,).
        U: population of site j after a start on site i, real, (times, j, i).
        dU: exact first derivative, per fs.
        d2U: exact second derivative, per fs^2.
        start: the site from which K and D are seen.
        distances_A: distance of every site from it, angstrom, (N,).

    Raises:
        ValueError: if an input is malformed.
    """
    matrices = [np.asarray(values).real for values in (U, dU, d2U)]
    equation = matrix_memory_kernel(time_fs, *matrices)
    n = equation.C0.shape[-1]
    _check_start(start, n)
    squares = np.asarray(distances_A, dtype=np.float64) ** 2
    if squares.shape != (n,):
        raise ValueError(f"distances_A has shape {squares.shape}: give one for each of {n} sites")
    return PopulationKernel._of(equation, squares, start, np.eye(n))


def missing_starts(starts: Collection[int], n_sites: int, mirrored: bool) -> list[int]:
    """Sites from which a run is still needed for the whole matrix U.

    On a chain that reads the same from both ends (mirrored) a run also stands for its mirror image;
    of each such pair one site is named.
    """
    found = set(starts) | ({n_sites - 1 - site for site in starts} if mirrored else set())
    wanted = range((n_sites + 1) // 2 if mirrored else n_sites)
    return [site for site in wanted if site not in found]


def start_matrix(runs: Mapping[int, FloatArray], n_sites: int, mirrored: bool) -> FloatArray:
    """Matrix U_ji, (times, N, N), from populations or a derivative, (times, N), by start site i.

    Missing runs are reflected on a mirrored chain, see missing_starts.

    Raises:
        ValueError: if a start is missing or the runs differ in shape.
    """
    missing = missing_starts(runs.keys(), n_sites, mirrored)
    if missing:
        raise ValueError(f"no run starts on the sites {missing}: all are needed; compute them")
    shapes = {run.shape for run in runs.values()}
    if len(shapes) > 1:
        raise ValueError(f"runs have the shapes {sorted(shapes)}: give all on the same times")
    columns = [
        runs[site] if site in runs else runs[n_sites - 1 - site][:, ::-1] for site in range(n_sites)
    ]
    return np.stack(columns, axis=-1)


def population_D(kernel: PopulationKernel) -> FloatArray:
    """Diffusion constant for every cutoff of the kernel, angstrom^2/fs, (times,).

    It is half the sum over sites of the squared distance times (drift - integral of K up to the
    cutoff): half the slope of the mean-squared displacement at long times on an infinite lattice
    with this kernel. On a finite ring or chain that slope vanishes at long times.

    Source:
        Second moment of the population equation with translation symmetry.
    """
    return np.asarray(0.5 * (kernel.drift - kernel.integral) @ kernel.squares_A2)


def _check_start(start: int, n_sites: int) -> None:
    if not 0 <= start < n_sites:
        raise ValueError(f"start = {start}: must be a site from 0 to {n_sites - 1}")


def _check_mirror(populations: FloatArray, start: int) -> None:
    """Refuse populations that do not start on the site or do not spread alike to both sides."""
    if not abs(populations[0, start] - 1.0) <= LARGEST_ASYMMETRY:
        raise ValueError(
            f"populations[0, {start}] = {populations[0, start]}: must be 1; name the start site"
        )
    centred = np.roll(populations, -start, axis=1)
    mirrored = np.roll(centred[:, ::-1], 1, axis=1)
    worst = float(np.max(np.abs(centred - mirrored)))
    if not worst <= LARGEST_ASYMMETRY:
        raise ValueError(
            f"populations at equal distances left and right of site {start} differ by {worst:.2g} "
            f"(allowed: {LARGEST_ASYMMETRY:g}): not a homogeneous ring; use runs from every "
            "site"
        )
