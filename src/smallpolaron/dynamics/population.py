"""Site populations of a carrier that starts on one site, to a wanted accuracy."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.dynamics.checkpoints import NO_CHECKPOINTS, Checkpoints
from smallpolaron.dynamics.evolve import sample_times
from smallpolaron.dynamics.population_runs import (
    PopulationRun,
    PopulationSymmetry,
    population_sector,
    run_momentum_sectors,
    run_one_sector,
)
from smallpolaron.dynamics.progress import Report, to_stderr
from smallpolaron.dynamics.refinement import Choice, Setting, refine
from smallpolaron.dynamics.starts import Start, StartTask, require_start
from smallpolaron.dynamics.trajectory import Estimated
from smallpolaron.hierarchy.limits import NO_LIMITS, Limits
from smallpolaron.hierarchy.views import ComplexArray
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.model.baths.expansion import BathExpansion
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.lattice_model import Model
from smallpolaron.parallel import MPI
from smallpolaron.parallel.checks import require_complex_petsc

RealArray = NDArray[np.float64]

_BASIS: Final = 1.0
"""See refinement.BASIS. Populations of a ring of 4 with two baths missed their estimate by up to
1.94 with 0.5 there (of 16 runs, both starts, accuracies 3e-4 to 1e-2)."""


@dataclass(frozen=True)
class Population(Estimated):
    """Populations with their derivatives and their error estimate.

    Attributes beyond those of Estimated; errors are the largest over times and sites:
        populations: P_j(t), shape (n, N).
        dpopulations: first derivatives, 1/fs.
        d2populations: second derivatives, 1/fs^2.
        density_matrix_final: reduced density matrix at the end, shape (N, N).
    """

    populations: RealArray
    dpopulations: RealArray
    d2populations: RealArray
    density_matrix_final: ComplexArray


def compute_population(
    model: Model,
    expansion: BathExpansion,
    accuracy: Accuracy,
    *,
    start: Start,
    site: int,
    duration_fs: float,
    sample_fs: float = 1.0,
    more_terms: Callable[[int], BathExpansion] | None = None,
    revise_terms: bool = True,
    symmetry: PopulationSymmetry = "auto",
    limits: Limits = NO_LIMITS,
    comm: MPI.Intracomm = MPI.COMM_WORLD,
    report: Report = to_stderr,
    checkpoints: Checkpoints = NO_CHECKPOINTS,
) -> Population:
    """Propagate a site-localised start on a basis that follows it (collective).

    All ADOs stay Hermitian, and where the model has it the reflection about the start site
    stays: a quarter of the labels remain. Thresholds are tightened until the difference from a
    run with thresholds COARSER times larger meets the target.

    Args:
        model: the model.
        expansion: the bath expansion.
        accuracy: the wanted accuracy of the populations.
        start: "franck_condon" (bath thermal without the carrier) or "marcus" (bath relaxed
            around it at v = 0).
        site: the occupied site, 0 to N - 1.
        duration_fs: length of the record, fs.
        sample_fs: spacing of the output times, fs.
        more_terms: makes the expansion with a number of low-temperature terms, for the error of
            the bath terms; None leaves that error unknown (nan).
        revise_terms: whether terms are added where they dominate the error.
        symmetry: "auto" uses Hermiticity and, where the model has it, the reflection about the
            start; "momentum" treats the momenta of a homogeneous ring one by one, each by its own
            group of ranks where there are enough; "none" uses no symmetry.
        limits: bounds of the basis.
        comm: the communicator.
        report: where rank 0 prints progress.
        checkpoints: where to go on from, and what is offered on the way.

    Returns:
        The populations; the same for any number of ranks.

    Raises:
        ValueError: unknown start, a site outside the model, momenta of a model without them.
        LimitReached: the accuracy needs a larger basis than allowed.
        Interrupted: the job is to stop.
        ParallelSetupError: PETSc with real scalars.

    Source: anomalous paper, Methods: starts with and without equilibration.
    """
    require_complex_petsc()
    require_start(start, site, model.n_sites)
    time_fs = sample_times(duration_fs, sample_fs)

    task = StartTask(model, start, site, time_fs, limits, comm, report, checkpoints)
    one_by_one = symmetry == "momentum"
    if model.is_infinite:
        raise ValueError("populations need a finite lattice: give the model a periodic or open one")
    ring = isinstance(model, HolsteinModel) and model.is_translation_invariant and model.flux == 0
    if one_by_one and not ring:
        raise ValueError(
            "symmetry = 'momentum' needs a ring with equal hoppings and equal site energies; "
            "use 'auto'"
        )

    def make(setting: Setting) -> PopulationRun:
        bath, how, label = setting.expansion, setting.accuracy, setting.label
        if one_by_one:
            return run_momentum_sectors(task, bath, how, label)
        return run_one_sector(task, bath, how, label, population_sector(model, site, symmetry))

    choice = Choice(
        accuracy,
        expansion,
        more_terms,
        revise_terms,
        model.n_sites,
        fixed=limits.truncation is not None,
        basis=_BASIS,
    )
    found = refine(make, _difference, _step_error, choice, _loss)
    fine = found.fine
    return Population(
        time_fs=time_fs[: len(fine.populations)],
        populations=fine.populations,
        dpopulations=fine.dpopulations,
        d2populations=fine.d2populations,
        density_matrix_final=fine.density_matrix_final,
        trace_error=_loss(fine),
        record=fine.record,
        errors=found.errors(_difference) | {"time_step": _step_error(fine)},
        advice=found.advice,
    )


def _step_error(run: PopulationRun) -> float:
    return run.step_error


def _loss(run: PopulationRun) -> float:
    return float(np.max(np.abs(run.populations.sum(axis=1) - 1)))


def _difference(run: PopulationRun, other: PopulationRun) -> float:
    n = min(len(run.populations), len(other.populations))
    return float(np.max(np.abs(run.populations[:n] - other.populations[:n])))
