"""What a script computes: the functions behind the jobs of a study, for one model."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Literal

from smallpolaron.api.arguments import explained
from smallpolaron.api.energies import ModelError
from smallpolaron.api.model import MOST_ELEMENTS, STUDY, Model, how_computed
from smallpolaron.api.outcomes import (
    CurrentCorrelation,
    Displacement,
    Mobility,
    Populations,
    wrapped,
)
from smallpolaron.api.status import StatusLine, is_watched
from smallpolaron.api.tensor import MobilityTensor
from smallpolaron.derive.derive import with_criteria
from smallpolaron.derive.tensor_job import direction_of, form_of, tensor_result
from smallpolaron.runs.point_run import run_point
from smallpolaron.study.parameters import Parameters
from smallpolaron.study.sections import Protocol
from smallpolaron.study.validation import analysis_settings
from smallpolaron.support.problems import MISSING, Problem, StoreError

Start = Literal["franck_condon", "marcus"]


@explained
def current_correlation(
    model: Model,
    duration_fs: float,
    *,
    accuracy: float = 1e-3,
    sample_fs: float = 1.0,
    frequencies_cm: Sequence[float] = (),
    bath_terms: int | Literal["auto"] = "auto",
    max_elements: int = MOST_ELEMENTS,
    max_minutes: float | None = None,
    progress: bool | None = None,
) -> CurrentCorrelation:
    """Compute the current autocorrelation function C_JJ(t) (collective under mpiexec).

    Args:
        model: the model.
        duration_fs: length of the record, fs.
        accuracy: largest error of C_JJ(t) relative to C_JJ(0), 1e-6 to 0.1; decides basis, bath
            terms, steps and solvers.
        sample_fs: time between two samples, fs.
        frequencies_cm: where the AC mobility is also computed by linear solve, cm^-1.
        bath_terms: low-temperature terms of the bath; "auto" for as many as the accuracy needs.
        max_elements: largest basis.
        max_minutes: longest time; None for as long as it takes.
        progress: None for one line on standard error while it runs, in a terminal or notebook; True
            for lines that stay, as in the log of a job; False for nothing.

    Returns:
        C_JJ(t) with exact derivatives, errors by source and gates; the same on every rank.

    Raises:
        ModelError: wrong input.
        LimitReached: the accuracy needs a larger basis than max_elements, or more time than
            max_minutes.
        NotConverged: a linear solver failed.
        PropagationFailed: no step size works.
    """
    numerics = how_computed(duration_fs, accuracy, sample_fs, bath_terms, max_elements)
    if len(frequencies_cm):
        wanted = [float(frequency) for frequency in frequencies_cm]
        numerics["propagation"]["resolvent_frequencies_cm"] = wanted
    found = _run(model, "current", numerics, max_elements, max_minutes, progress)
    assert isinstance(found, CurrentCorrelation)
    return found


@explained
def mobility(model: Model, duration_fs: float, **options: Any) -> Mobility:
    """Compute the mobility from the current autocorrelation function.

    Args:
        model: the model.
        duration_fs: length of the record, fs.
        **options: as current_correlation.
    """
    return current_correlation(model, duration_fs, **options).mobility()


@explained
def populations(
    model: Model,
    duration_fs: float,
    *,
    start: Start = "franck_condon",
    start_site: int | None = None,
    accuracy: float = 1e-3,
    sample_fs: float = 1.0,
    bath_terms: int | Literal["auto"] = "auto",
    max_elements: int = MOST_ELEMENTS,
    max_minutes: float | None = None,
    progress: bool | None = None,
) -> Populations:
    """Compute the populations of all sites after a start on one of them.

    Args:
        model: the model, on a finite lattice.
        duration_fs: length of the record, fs.
        start: "franck_condon" (bath not relaxed at first) or "marcus" (relaxed).
        start_site: site, from 0; None for the middle of open chains and 0 elsewhere.
        accuracy: largest error of the populations.
        sample_fs: time between two samples, fs.
        bath_terms: as in current_correlation.
        max_elements: largest basis.
        max_minutes: longest time; None for as long as it takes.
        progress: None for one line on standard error while it runs, in a terminal or notebook; True
            for lines that stay, as in the log of a job; False for nothing.

    Raises:
        ModelError: wrong input; an infinite lattice, for which there is displacement().
        LimitReached: as current_correlation.
        NotConverged: as current_correlation.
        PropagationFailed: as current_correlation.
    """
    _require(not model.lattice.is_infinite, model, "displacement()")
    numerics = how_computed(duration_fs, accuracy, sample_fs, bath_terms, max_elements)
    if start_site is None and model.lattice.boundary == ("open",):
        start_site = model.lattice.n_sites // 2
    if start_site is not None:
        numerics["start_site"] = start_site
    found = _run(model, start, numerics, max_elements, max_minutes, progress)
    assert isinstance(found, Populations)
    return found


@explained
def displacement(
    model: Model,
    duration_fs: float,
    *,
    start: Start = "franck_condon",
    accuracy: float = 1e-3,
    sample_fs: float = 1.0,
    bath_terms: int | Literal["auto"] = "auto",
    max_elements: int = MOST_ELEMENTS,
    max_minutes: float | None = None,
    progress: bool | None = None,
) -> Displacement:
    """Compute the mean-squared displacement on the infinite lattice after a start on one site.

    Args:
        model: the model, on an infinite lattice.
        duration_fs: length of the record, fs.
        start: "franck_condon" (bath not relaxed at first) or "marcus" (relaxed).
        accuracy: largest error of its slope relative to the mean slope.
        sample_fs: time between two samples, fs.
        bath_terms: as in current_correlation.
        max_elements: largest basis.
        max_minutes: longest time; None for as long as it takes.
        progress: None for one line on standard error while it runs, in a terminal or notebook; True
            for lines that stay, as in the log of a job; False for nothing.

    Raises:
        ModelError: wrong input; a finite lattice, for which there is populations().
        LimitReached: as current_correlation.
        PropagationFailed: as current_correlation.
    """
    _require(model.lattice.is_infinite, model, "populations().spreading()")
    numerics = how_computed(duration_fs, accuracy, sample_fs, bath_terms, max_elements)
    found = _run(model, start, numerics, max_elements, max_minutes, progress)
    assert isinstance(found, Displacement)
    return found


@explained
def mobility_tensor(
    source: Model | Sequence[CurrentCorrelation],
    duration_fs: float | None = None,
    *,
    directions: Sequence[str | Sequence[float]] = (),
    **numerics: Any,
) -> MobilityTensor:
    """Compute the mobility tensor (collective under mpiexec).

    e.D.e is computed for as many directions e as symmetry leaves open, one run each; the tensor
    follows from these. Only its symmetric part is told: without a magnetic field it has no other.

    Args:
        source: the model, on a lattice of any dimension; or runs of one model along several
            directions, such as those read from files.
        duration_fs: length of the records, fs; of a model.
        directions: directions in place of those that symmetry suggests.
        **numerics: as current_correlation.

    Raises:
        ModelError: wrong input.
        ValueError: the directions leave a component open; runs are of several systems.
        LimitReached: as current_correlation.
        NotConverged: as current_correlation.
        PropagationFailed: as current_correlation.
    """
    if isinstance(source, Model):
        if duration_fs is None:
            problem = Problem("duration_fs", MISSING, "must be given: the length of the records")
            raise ModelError("mobility_tensor", [problem])
        numbers = {"propagation": {"duration_fs": duration_fs}}
        ways = directions or _directions(source.point("current", numbers).parameters)
        runs = [
            current_correlation(source.replace(direction=way), duration_fs, **numerics)
            for way in ways
        ]
    else:
        runs = list(source)
    return _assembled(runs)


def _directions(parameters: Parameters) -> tuple[tuple[float, ...], ...]:
    try:
        return form_of(parameters).directions
    except StoreError as error:
        raise ModelError("Model", [Problem("lattice", "a chain", str(error))]) from None


def _assembled(runs: Sequence[CurrentCorrelation]) -> MobilityTensor:
    """Return the tensor of runs along several directions."""
    if not runs:
        raise ValueError("no runs: a cluster, or a lattice that ends everywhere, has no mobility")
    settings = analysis_settings({})
    sources = [run.mobility().stored for run in runs]
    try:
        found = with_criteria(tensor_result(sources, settings), settings)
    except StoreError as error:
        raise ValueError(str(error)) from None
    ways = [direction_of(run.stored.resolved) for run in runs]
    return MobilityTensor(found, dict(zip(ways, runs, strict=True)))


def _require(condition: bool, model: Model, instead: str) -> None:
    if not condition:
        allowed = "has no such run"
        problem = Problem("lattice", str(model), allowed, f"use {instead}")
        raise ModelError("Model", [problem])


def _run(
    model: Model,
    protocol: Protocol,
    numerics: dict[str, Any],
    most: int,
    max_minutes: float | None,
    progress: bool | None,
) -> Any:
    """Run a point on all ranks; every rank gets the result."""
    from smallpolaron.dynamics.checkpoints import NO_CHECKPOINTS, Deadline, OutOfTime
    from smallpolaron.hierarchy.limits import LimitReached
    from smallpolaron.parallel import MPI

    if max_minutes is not None and not max_minutes > 0:
        problem = Problem("max_minutes", max_minutes, "must be above 0, or None")
        raise ModelError("max_minutes", [problem])
    point = model.point(protocol, numerics)
    kept = NO_CHECKPOINTS if max_minutes is None else Deadline(60 * max_minutes)
    comm, line = MPI.COMM_WORLD, StatusLine(kept)
    watched = comm.rank == 0 and (is_watched() if progress is None else progress)
    if watched:
        from smallpolaron.api.cost import expected_cost

        if warning := expected_cost(point.parameters, protocol, most).warning:
            print(warning, file=sys.stderr, flush=True)
    with ExitStack() as showing:
        if progress is None and watched:
            showing.enter_context(line.shown())
        try:
            stored = run_point(
                point,
                STUDY,
                protocol,
                max_unknowns=most,
                checkpoints=line,
                report=None if progress else line.report,
            )
        except OutOfTime as reason:
            raise LimitReached(
                f"not done after max_minutes = {max_minutes:g}: {reason}. A larger accuracy or a "
                "shorter duration_fs makes a run cheaper; for vibrations, layers and modes on "
                "bonds see 'When it is too expensive' in the documentation."
            ) from None
    return wrapped(comm.bcast(stored))
