"""One propagation of a carrier on the infinite homogeneous lattice: how far it gets from its start.

The mean-squared displacement follows from the first moment M = {X, rho}/2 of all ADOs alone:
d<X^2>/dt = <XJ + JX> = 2 Tr[J M], so that D(t) = Tr[J M(t)] at all times. No boundary is ever
reached, and no population far away is weighted with its squared distance.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import eye_array

from smallpolaron.dynamics.evolve import evolve
from smallpolaron.dynamics.progress import Progress
from smallpolaron.dynamics.readout import Readout
from smallpolaron.dynamics.starts import StartTask, place_values, polaron_exponent, start_labels
from smallpolaron.dynamics.trajectory import StepRecord
from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.displacement import DisplacementGenerator
from smallpolaron.hierarchy.lattice_symmetry import lattice_operations
from smallpolaron.hierarchy.sector import Sector
from smallpolaron.model.accuracy import SLOPE_GROWTH, Accuracy
from smallpolaron.model.baths.expansion import BathExpansion
from smallpolaron.model.lattice_model import LatticeModel, Model

RealArray = NDArray[np.float64]

STEP_SHARE = 0.1
"""Most that the local errors of all steps may add up to, relative to the state, over the target. In
truth they are forgotten, but the estimate does not know that."""

_TRACE, _CURRENT = 0, 3
"""Of the readings (1, J) x (rho, M): Tr rho and Tr[J M]."""


@dataclass(frozen=True)
class DisplacementRun:
    """MSD with two derivatives; see Displacement.

    Attributes beyond those:
        accuracy: what it was asked for.
        time_fs: output times that it covers, fs.
        slope_error: what the local errors of the steps do to the slope at most, angstrom^2/fs.
    """

    accuracy: Accuracy
    time_fs: RealArray
    msd: RealArray
    dmsd: RealArray
    d2msd: RealArray
    trace_error: float
    slope_error: float
    record: StepRecord


def _sector(model: Model) -> Sector:
    """Hermitian, with an even part and one that is odd where the current is."""
    n = model.n_sites
    if isinstance(model, LatticeModel):
        own = model.sites.per_cell
        # the start on site 0 must stay where it is
        ways = tuple(way for way in lattice_operations(model) if way.sites[0] == 0)
        both = Sector(n, True, hermitian=True, wraps=False, per_cell=own, reflections=ways)
        return replace(both, odd_part=True)
    return Sector(n, True, parity=1, hermitian=True, wraps=False, odd_part=True)


def run_displacement(
    task: StartTask, bath: BathExpansion, accuracy: Accuracy, label: str
) -> DisplacementRun:
    """Propagate rho and its first moment (collective)."""
    model, end = task.model, float(task.time_fs[-1])
    sector = _sector(model)
    thresholds = replace(
        accuracy,
        growth=SLOPE_GROWTH * accuracy.growth_threshold,
        tolerance=min(accuracy.step_tolerance, STEP_SHARE * accuracy.target / end),
    )
    progress = Progress(f"displacement, {task.start}{label}", end, task.comm, task.report)
    basis = Basis(model, bath, sector, task.comm, task.limits)
    rho = place_values(basis, *start_labels(basis, task.start, task.site, thresholds))
    one = eye_array(model.n_sites, dtype=complex, format="csr")
    readout = Readout.of(basis, [one, basis.couplings.current])
    x, run = evolve(
        basis,
        np.stack([rho, np.zeros_like(rho)], axis=1),
        readout,
        thresholds,
        end,
        progress,
        float(np.exp(polaron_exponent(bath))),
        DisplacementGenerator,
        task.checkpoints,
    )
    time = run.covered(task.time_fs)
    values = run.sample(time, 0).real
    # a local error of the moment reaches the slope at most through the norm of the functional
    length = DisplacementGenerator(basis).length(x)
    reading = float(np.linalg.norm(readout.weights[1]))
    return DisplacementRun(
        accuracy,
        time,
        msd=2 * run.integral(time)[:, _CURRENT].real,
        dmsd=2 * values[:, _CURRENT],
        d2msd=2 * run.sample(time, 1)[:, _CURRENT].real,
        trace_error=float(np.max(np.abs(values[:, _TRACE] - 1))),
        slope_error=2 * reading * length * run.step_error / run.norm[-1],
        record=StepRecord.of([run], thresholds.growth_threshold),
    )
