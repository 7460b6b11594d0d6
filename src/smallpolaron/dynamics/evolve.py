"""One production run: a state is propagated, observables recorded, growth watched for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smallpolaron.dynamics.observables import ComplexArray, Frontier, Probe
from smallpolaron.dynamics.progress import Progress
from smallpolaron.dynamics.propagator import Segment, TaylorPropagator
from smallpolaron.parallel import PETSc

GROWTH_LIMIT = 30.0
"""Norm of the state over its smallest earlier norm, beyond what bath relaxation explains."""

_NORM_FLOOR = 1e-6
"""Norms below this fraction of the first one count as this: rounding noise is not growth."""


@dataclass(frozen=True)
class PropagationSettings:
    """How long and how accurately to propagate.

    Attributes:
        duration_fs: length of the production run, fs.
        sample_fs: spacing of the output times, fs.
        tolerance: local error per fs relative to the norm of the state.
        equilibrium_tolerance: |L rho| / |rho| at which a state counts as stationary, 1/fs.
        equilibration_limit_fs: longest equilibration, fs; reaching it is recorded.
    """

    duration_fs: float
    sample_fs: float = 1.0
    tolerance: float = 1e-7
    equilibrium_tolerance: float = 1e-7
    equilibration_limit_fs: float = 20_000.0

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        for name in ("duration_fs", "sample_fs", "tolerance", "equilibrium_tolerance"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f"{name} = {value}; a positive number is needed")
        if self.sample_fs > self.duration_fs:
            raise ValueError(
                f"sample_fs = {self.sample_fs} is longer than duration_fs = {self.duration_fs}"
            )


@dataclass(frozen=True)
class Trajectory:
    """What was recorded along a propagation.

    Attributes:
        time_fs: output times, fs, shape (times,).
        values: observables and their derivatives, shape (times, orders, operators).
        step_time_fs: beginning of every step and the end of the last, fs, shape (steps + 1,).
        norm: norm of the state at those times.
        frontier_weight: share of the norm on the outermost ADOs at those times.
        products: products with the generator.
        rejected_steps: steps repeated with half the size.
        growth_detected: True when the run was stopped because the state grew; the output times
            then end where the growth was seen.
    """

    time_fs: NDArray[np.float64]
    values: ComplexArray
    step_time_fs: NDArray[np.float64]
    norm: NDArray[np.float64]
    frontier_weight: NDArray[np.float64]
    products: int
    rejected_steps: int
    growth_detected: bool


def evolve(
    generator: PETSc.Mat,
    state: PETSc.Vec,
    probe: Probe,
    frontier: Frontier,
    settings: PropagationSettings,
    progress: Progress,
    relaxation_growth: float = 1.0,
) -> Trajectory:
    """Propagate a state over settings.duration_fs and record observables.

    Args:
        generator: L, 1/fs.
        state: the initial state; holds the final one afterwards.
        probe: the observables.
        frontier: the outermost ADOs.
        settings: length, spacing and tolerance.
        progress: where progress goes.
        relaxation_growth: growth of the norm that the relaxation of the bath explains.

    Returns:
        The trajectory; stopped early, and marked, when the state grows as no stable hierarchy's
        does (a truncation that is too shallow can have growing modes: Dunn, Tempelaar and
        Reichman 2019).
    """
    propagator = TaylorPropagator(generator, settings.tolerance)
    segments: list[Segment] = []
    times, norms, weights = [0.0], [state.norm()], [frontier.weight(state)]
    smallest, grew = norms[0], False
    while settings.duration_fs - times[-1] > 1e-9 * settings.duration_fs and not grew:
        segment = propagator.advance(state, times[-1], settings.duration_fs - times[-1], probe)
        segments.append(segment)
        times.append(segment.start + segment.length)
        norms.append(state.norm())
        weights.append(frontier.weight(state))
        smallest = max(min(smallest, norms[-1]), _NORM_FLOOR * norms[0])
        grew = norms[-1] > GROWTH_LIMIT * relaxation_growth * smallest
        progress.at(times[-1])
    if grew:
        progress.say(
            f"the state grew {norms[-1] / smallest:.1e}-fold by {times[-1]:.1f} fs: this "
            "truncation is unstable; raise the depth. The result is stored up to here and flagged."
        )
    progress.done(times[-1], propagator.products)
    count = int(np.floor(times[-1] / settings.sample_fs * (1 + 1e-12))) + 1
    time_fs = settings.sample_fs * np.arange(count, dtype=np.float64)
    return Trajectory(
        time_fs=time_fs,
        values=_sample(segments, time_fs, probe),
        step_time_fs=np.array(times),
        norm=np.array(norms),
        frontier_weight=np.array(weights),
        products=propagator.products,
        rejected_steps=propagator.rejected,
        growth_detected=grew,
    )


def _sample(segments: list[Segment], time_fs: NDArray[np.float64], probe: Probe) -> ComplexArray:
    values = np.zeros((len(time_fs), *probe.weights.shape[:2]), dtype=complex)
    starts = np.array([s.start for s in segments])
    which = np.clip(np.searchsorted(starts, time_fs, side="right") - 1, 0, None)
    for i in np.unique(which):
        inside = which == i
        values[inside] = segments[i].at(time_fs[inside])
    return values
