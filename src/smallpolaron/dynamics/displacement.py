"""Mean-squared displacement on the infinite homogeneous lattice, to a wanted accuracy."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.dynamics.checkpoints import NO_CHECKPOINTS, Checkpoints
from smallpolaron.dynamics.displacement_runs import DisplacementRun, run_displacement
from smallpolaron.dynamics.evolve import sample_times
from smallpolaron.dynamics.progress import Report, to_stderr
from smallpolaron.dynamics.refinement import Choice, Setting, refine
from smallpolaron.dynamics.starts import Start, StartTask, require_start
from smallpolaron.dynamics.trajectory import Estimated
from smallpolaron.hierarchy.limits import NO_LIMITS, Limits
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.model.baths.expansion import BathExpansion
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.lattice_model import Model
from smallpolaron.parallel import MPI
from smallpolaron.parallel.checks import require_complex_petsc

RealArray = NDArray[np.float64]

_BASIS: Final = 2.0
"""See refinement.BASIS: the largest error of a slope over time falls less regularly. Of the pairs
of runs at thresholds 3 apart (eta = 300, gamma = 40 cm^-1, both starts) the worst gave 1.4."""


@dataclass(frozen=True)
class Displacement(Estimated):
    """Mean-squared displacement with its derivatives and their error estimate.

    Attributes beyond those of Estimated; errors are those of the slope, largest over time, relative
    to its mean over the record:
        msd: mean-squared displacement, angstrom^2, shape (n,).
        dmsd: its slope 2 D(t), angstrom^2/fs.
        d2msd: its second derivative, angstrom^2/fs^2.
    """

    msd: RealArray
    dmsd: RealArray
    d2msd: RealArray


def compute_displacement(
    model: Model,
    expansion: BathExpansion,
    accuracy: Accuracy,
    *,
    start: Start,
    duration_fs: float,
    sample_fs: float = 1.0,
    more_terms: Callable[[int], BathExpansion] | None = None,
    revise_terms: bool = True,
    limits: Limits = NO_LIMITS,
    comm: MPI.Intracomm = MPI.COMM_WORLD,
    report: Report = to_stderr,
    checkpoints: Checkpoints = NO_CHECKPOINTS,
) -> Displacement:
    """Propagate a carrier from one site of the infinite lattice (collective).

    Thresholds are tightened until the difference from a run with thresholds COARSER times larger
    meets the target.

    Args:
        model: an infinite lattice, or a homogeneous ring of an odd number of sites; its sites are a
            window around the carrier: nothing wraps around. What must fit in is the coherence of
            the carrier and the excitations it has left behind, not the distance it travels.
        expansion: the bath expansion.
        accuracy: the wanted accuracy of the slope dMSD/dt, relative to its mean over the record.
        start: "franck_condon" (bath thermal without the carrier) or "marcus" (bath relaxed
            around it at v = 0).
        duration_fs: length of the record, fs.
        sample_fs: spacing of the output times, fs.
        more_terms: makes the expansion with a number of low-temperature terms, for the error of
            the bath terms; None leaves that error unknown (nan).
        revise_terms: whether terms are added where they dominate the error.
        limits: bounds of the basis.
        comm: the communicator.
        report: where rank 0 prints progress.
        checkpoints: where to go on from, and what is offered on the way.

    Returns:
        The displacement; the same for any number of ranks.

    Raises:
        ValueError: unknown start, a model that is no homogeneous ring of an odd number of sites,
            or without hopping.
        LimitReached: the accuracy needs a larger basis than allowed.
        Interrupted: the job is to stop.
        ParallelSetupError: PETSc with real scalars.

    Source: anomalous paper, Methods: starts with and without equilibration.
    """
    require_complex_petsc()
    require_start(start, 0, model.n_sites)
    ring = isinstance(model, HolsteinModel) and model.is_translation_invariant and model.flux == 0
    if not model.is_infinite and not (ring and model.n_sites % 2):
        raise ValueError(
            "the infinite lattice needs a ring with equal hoppings, equal site energies and no "
            f"flux, and an odd number of sites as a window; this one has {model.n_sites}"
        )
    if not np.any(model.flows):
        raise ValueError("hopping = 0: the carrier stays where it starts; give a hopping")
    times = sample_times(duration_fs, sample_fs)
    task = StartTask(model, start, 0, times, limits, comm, report, checkpoints)

    def make(setting: Setting) -> DisplacementRun:
        window = replace(task, model=model.with_window(setting.window))
        return run_displacement(window, setting.expansion, setting.accuracy, setting.label)

    choice = Choice(
        accuracy,
        expansion,
        more_terms,
        revise_terms,
        model.window,
        infinite=True,
        bath_on_fine=True,
        fixed=limits.truncation is not None,
        basis=_BASIS,
    )
    found = refine(make, _difference, _step_error, choice, _loss)
    fine = found.fine
    return Displacement(
        time_fs=fine.time_fs,
        msd=fine.msd,
        dmsd=fine.dmsd,
        d2msd=fine.d2msd,
        trace_error=fine.trace_error,
        record=fine.record,
        errors=found.errors(_difference) | {"time_step": _step_error(fine)},
        advice=found.advice,
    )


def _step_error(run: DisplacementRun) -> float:
    return run.slope_error / _mean_slope(run)


def _loss(run: DisplacementRun) -> float:
    return run.trace_error


def _mean_slope(run: DisplacementRun) -> float:
    return float(run.msd[-1] / run.time_fs[-1])


def _difference(run: DisplacementRun, other: DisplacementRun) -> float:
    """Largest difference of the slopes relative to their mean over the record."""
    n = min(len(run.dmsd), len(other.dmsd))
    return float(np.max(np.abs(run.dmsd[:n] - other.dmsd[:n]))) / _mean_slope(run)
