"""A short look at a job: its basis at loose thresholds over the first part of its record.

Imports the engine: only --probe may import this module.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterable
from math import log
from typing import Final

from smallpolaron.cost.evidence import PROBE_ERROR, Evidence
from smallpolaron.cost.features import features
from smallpolaron.cost.model import CostModel
from smallpolaron.dynamics.checkpoints import Deadline, OutOfTime
from smallpolaron.dynamics.correlation import current_sectors
from smallpolaron.dynamics.correlation_runs import CorrelationProblem, CorrelationTask
from smallpolaron.dynamics.displacement_runs import run_displacement
from smallpolaron.dynamics.evolve import PropagationFailed, sample_times
from smallpolaron.dynamics.linear import NotConverged
from smallpolaron.dynamics.population_runs import population_sector, run_one_sector
from smallpolaron.dynamics.progress import to_stderr
from smallpolaron.dynamics.starts import StartTask
from smallpolaron.hierarchy.limits import LimitReached
from smallpolaron.model.accuracy import LARGEST
from smallpolaron.parallel import MPI
from smallpolaron.planning.jobs import Job
from smallpolaron.runs.engine_runs import accuracy_of, limits_of
from smallpolaron.study.parameters import (
    Parameters,
    bath_expansion,
    model_of,
    population_symmetry,
    symmetry_of,
)
from smallpolaron.study.sections import Protocol

LOOSER: Final = 3.0
"""Thresholds of a probe over those of its job, for less than half of the labels."""

PROBE_FS: Final = 300.0
"""Longest probe; most bases are within a factor of two of their largest by then."""

PROBE_FACTOR: Final = 2.0
"""Within this factor a probe tells the labels of its own system at other sizes and accuracies."""

MOST_LABELS: Final = 300_000
"""Labels beyond which a probe stops; it then tells that there are more."""

MOST_S: Final = 60.0
"""Processor time after which a probe stops; it then takes the labels that it has reached."""


def probe_jobs(model: CostModel, jobs: Iterable[Job]) -> list[Evidence]:
    """Run one probe for every system and family among jobs with an adaptive hierarchy (collective).

    Jobs of one system differ in size, duration and accuracy only; the smallest is probed.
    """
    chosen: dict[Hashable, Job] = {}
    for job in sorted(jobs, key=lambda job: job.point.parameters.n_sites):
        if job.point.parameters.is_adaptive:
            seen = features(job.point.parameters, job.protocol)
            chosen.setdefault((seen.family, seen.system), job)
    found = []
    for number_of, job in enumerate(chosen.values(), start=1):
        to_stderr(f"probe {number_of} of {len(chosen)}: {job.name}")
        evidence = probe(model, job.point.parameters, job.protocol)
        found += [evidence] if evidence else []
        if evidence and evidence.cut:
            to_stderr(f"the probe was ended early: {job.name} takes more than is estimated")
    return found


def probe(model: CostModel, parameters: Parameters, protocol: Protocol) -> Evidence | None:
    """Run a probe of a job (collective); None if it fails, as unstable hierarchies do."""
    short = _shortened(parameters)
    job, cut = features(short, protocol), True
    try:
        labels, cut = _largest(short, protocol), False
    except LimitReached:
        labels = MOST_LABELS
    except OutOfTime as reason:
        labels = reason.size
    except (NotConverged, PropagationFailed):
        return None
    fit = model.family(job.family).fits["labels"]
    return Evidence(job, log(labels / job.copies) - fit.at(job.values), PROBE_ERROR, cut)


def _shortened(parameters: Parameters) -> Parameters:
    run, growth, accuracy = parameters.propagation, parameters.adaptive.growth, parameters.accuracy
    assert growth is not None
    assert accuracy is not None
    duration = min(PROBE_FS, run.duration_fs)
    times = {"duration_fs": duration, "sample_fs": duration / 2}
    return parameters.changed(
        accuracy=min(LARGEST, LOOSER * accuracy),
        adaptive={"growth": min(LOOSER * growth, 0.3 * LARGEST)},
        propagation={**times, "tolerance": LOOSER * run.tolerance},
    )


def _largest(parameters: Parameters, protocol: Protocol) -> int:
    """Return the labels of the largest basis of one propagation."""
    model, bath = model_of(parameters), bath_expansion(parameters)
    accuracy, comm = accuracy_of(parameters), MPI.COMM_WORLD
    times = sample_times(parameters.propagation.duration_fs, parameters.propagation.sample_fs)
    limits = limits_of(parameters, MOST_LABELS)
    kept = Deadline(MOST_S, time.process_time)
    if protocol == "current":
        sectors = current_sectors(model, symmetry_of(parameters), parameters.is_infinite)
        task = CorrelationTask(model, *sectors, times, False, limits, comm, _silent, kept)
        return max(CorrelationProblem(task, bath, accuracy).run("probe").trajectory.basis_size)
    if parameters.is_infinite:
        there = StartTask(model, protocol, 0, times, limits, comm, _silent, kept)
        return run_displacement(there, bath, accuracy, "").record.n_unknowns
    site = parameters.start_site
    start = StartTask(model, protocol, site, times, limits, comm, _silent, kept)
    sector = population_sector(model, site, population_symmetry(parameters))
    return run_one_sector(start, bath, accuracy, "", sector).record.n_unknowns


def _silent(_: str) -> None:
    """Print nothing: a probe is over soon."""
