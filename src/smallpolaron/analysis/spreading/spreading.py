"""How a carrier spreads from the site it starts on.

MSD(t) is the sum over sites of d_j^2 P_j(t). With exact derivatives of the populations those of the
MSD are exact, too, and so is its exponent alpha = d ln MSD/d ln t = t (dMSD/dt)/MSD: nothing is
differenced.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from smallpolaron.analysis._checks import FloatArray, real_series, site_series, uniform_times
from smallpolaron.model.holstein import Topology

NEGLIGIBLE: Final = 1e-6
"""Share of its largest value up to which MSD or dMSD/dt at time zero count as zero."""


@dataclass(frozen=True)
class Boundary:
    """Sites where a chain ends or a ring closes, seen from the start site.

    A nearest-neighbour walk with rate k in either direction has at all times
    dMSD/dt = 2 k a^2 (1 - sum of weights times populations of these sites).

    Attributes:
        sites: both ends of a chain; on a ring the site, or two sites, farthest away, (b,).
        distances_A: distances from the start site, angstrom, (b,).
        weights: on a chain half and the distance in lattice constants; on a ring N, or N/2 each,
            (b,).
    """

    sites: NDArray[np.int64]
    distances_A: FloatArray
    weights: FloatArray


NO_BOUNDARY: Final = Boundary(np.empty(0, np.int64), np.empty(0), np.empty(0))
"""The infinite lattice neither ends nor closes."""


@dataclass(frozen=True)
class Spreading:
    """Spreading of a carrier from one site.

    Attributes:
        time_fs: times in fs, (times,).
        msd_A2: mean-squared displacement, angstrom^2, (times,).
        dmsd: its slope, angstrom^2/fs, (times,).
        d2msd: its second derivative, angstrom^2/fs^2, (times,).
        alpha: d ln MSD/d ln t, (times,); at time zero its limit; NaN where MSD is not positive.
        boundary: the sites where the lattice ends or closes.
        filling: populations of these sites over their equilibrium values, (times, b).
        loss: share of the diffusive slope that the boundary takes away, 1 in equilibrium, (times,).
    """

    time_fs: FloatArray
    msd_A2: FloatArray
    dmsd: FloatArray
    d2msd: FloatArray
    alpha: FloatArray
    boundary: Boundary
    filling: FloatArray
    loss: FloatArray

    @property
    def is_bounded(self) -> bool:
        """Whether the lattice ends or closes anywhere."""
        return self.boundary.sites.size > 0

    @property
    def far_filling(self) -> FloatArray:
        """Mean filling of the boundary sites farthest from the start, (times,)."""
        return self._filling_at(np.max(self.boundary.distances_A))

    @property
    def near_filling(self) -> FloatArray:
        """Mean filling of those nearest to it, (times,); on a ring the same."""
        return self._filling_at(np.min(self.boundary.distances_A))

    def _filling_at(self, distance_A: float) -> FloatArray:
        chosen = self.boundary.distances_A == distance_A
        return np.asarray(self.filling[:, chosen].mean(axis=1))


def find_boundary(displacements_A: ArrayLike, topology: Topology) -> Boundary:
    """Sites where a lattice ends or closes.

    Args:
        displacements_A: signed distance of every site from the start site, angstrom, (N,); on a
            ring the shortest way round (HolsteinModel.displacements_A).
        topology: "chain" or "ring".

    Raises:
        ValueError: if there are fewer than two sites.

    Source:
        The weights follow from the sum over sites of d_j^2 dP_j/dt of the walk: inside the
        lattice a hop to either side adds a^2 on average, at its boundary less.
    """
    distances = np.abs(real_series("displacements_A", displacements_A))
    n = distances.size
    if n < 2:
        raise ValueError(f"displacements_A has {n} values: give one for each of two or more sites")
    if topology == "ring":
        sites = np.flatnonzero(distances == np.max(distances))
        weights = np.full(sites.size, n / sites.size)
    else:
        sites = np.array([0, n - 1])
        weights = 0.5 + distances[sites] / abs(distances[1] - distances[0])
    return Boundary(sites, distances[sites], weights)


def spreading(
    time_fs: ArrayLike,
    populations: ArrayLike,
    dpopulations: ArrayLike,
    d2populations: ArrayLike,
    displacements_A: ArrayLike,
    topology: Topology,
    equilibrium: ArrayLike | None = None,
) -> Spreading:
    """Mean-squared displacement, its derivatives and exponent, and the filling of the boundary.

    Args:
        time_fs: evenly spaced times from zero in fs, (times,).
        populations: populations of all sites, real part taken, (times, N).
        dpopulations: their exact first derivative, per fs.
        d2populations: their exact second derivative, per fs^2.
        displacements_A: as find_boundary.
        topology: "chain" or "ring".
        equilibrium: equilibrium populations, (N,), positive; None for 1/N.

    Returns:
        Spreading. At time zero alpha is 2 where the slope starts from zero (the populations of a
        quantum carrier grow as t^2) and 1 where it does not (a classical walk).

    Raises:
        ValueError: if an input is malformed or the carrier does not start on one site.

    Source:
        MSD and alpha: anomalous paper, eq. M.6 and Fig. 2.
    """
    time, _ = uniform_times(time_fs, 2)
    displacements = real_series("displacements_A", displacements_A)
    shape = (time.size, displacements.size)
    P = site_series("populations", populations, shape)
    dP = site_series("dpopulations", dpopulations, shape)
    d2P = site_series("d2populations", d2populations, shape)
    free = unbounded_spreading(time, *(each @ displacements**2 for each in (P, dP, d2P)))
    boundary = find_boundary(displacements, topology)
    n = shape[1]
    settled = real_series("equilibrium", np.full(n, 1 / n) if equilibrium is None else equilibrium)
    if settled.size != n or not np.all(settled > 0.0):
        raise ValueError(f"equilibrium = {settled}: give {n} populations above 0")
    expected = settled[boundary.sites]
    at_boundary = P[:, boundary.sites]
    return replace(
        free,
        boundary=boundary,
        filling=at_boundary / expected,
        loss=at_boundary @ boundary.weights / (expected @ boundary.weights),
    )


def unbounded_spreading(
    time_fs: ArrayLike, msd_A2: ArrayLike, dmsd: ArrayLike, d2msd: ArrayLike
) -> Spreading:
    """Spreading without a boundary, from the mean-squared displacement and its derivatives.

    Units and shapes are those of Spreading.

    Raises:
        ValueError: if an input is malformed or the carrier does not start at zero.
    """
    time, _ = uniform_times(time_fs, 2)
    msd = real_series("msd_A2", msd_A2, time.size)
    first = real_series("dmsd", dmsd, time.size)
    return Spreading(
        time_fs=time,
        msd_A2=msd,
        dmsd=first,
        d2msd=real_series("d2msd", d2msd, time.size),
        alpha=_exponent(time, msd, first),
        boundary=NO_BOUNDARY,
        filling=np.empty((time.size, 0)),
        loss=np.zeros(time.size),
    )


def _exponent(time: FloatArray, msd: FloatArray, dmsd: FloatArray) -> FloatArray:
    if msd[0] > NEGLIGIBLE * np.max(msd):
        raise ValueError(
            f"the mean-squared displacement at time zero is {msd[0]:.3g} angstrom^2: "
            "the carrier must start on one site; name the start site of the run"
        )
    alpha = np.full(time.size, np.nan)
    moved = msd > 0.0
    alpha[moved] = time[moved] * dmsd[moved] / msd[moved]
    if np.any(moved):
        starts_at_once = abs(dmsd[0]) > NEGLIGIBLE * np.max(np.abs(dmsd))
        alpha[0] = 1.0 if starts_at_once else 2.0
    return alpha
