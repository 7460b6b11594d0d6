"""From finished jobs to a cost model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from math import log
from typing import Final, get_args

import numpy as np

from benchmarks.cost.regression import fit
from smallpolaron.cost.evidence import job_of
from smallpolaron.cost.features import Family, JobFeatures
from smallpolaron.cost.model import CostModel, CostModelError, FamilyModel, Quantity, Regression
from smallpolaron.cost.prediction import array_bytes
from smallpolaron.cost.records import JobRecord

START_S: Final = 3.0
"""Processor time of a job that computes next to nothing: imports, compiled code from its cache, the
result file. The smallest jobs took 1.9 to 4 s, the more the busier the machine was."""

LEAST_WORK: Final = 1e6
"""Labels times products from which on a job tells the rate; what smaller ones take is their start,
and code compiled by the first of them."""

LEAST_NET_S: Final = 0.1
"""Least time beyond the start that is believed."""

_SYSTEM: Final = ("1", "e", "g", "t", "ee", "gg", "eg")
_COURSE: Final = ("1", "e", "g", "t", "h", "d")
_RATE: Final = ("1", "e")
FITTED: Final[Mapping[Family, Mapping[Quantity, tuple[str, ...]]]] = {
    "current": {
        "labels": (*_SYSTEM, "h", "wrap", "chain"),
        "frontier": _SYSTEM,
        "products": _COURSE,
        "rate": _RATE,
    },
    "population": {
        "labels": (*_SYSTEM, "h", "fc", "fc_e", "fc_g"),
        "frontier": (*_SYSTEM, "fc"),
        "products": (*_COURSE, "fc"),
        "rate": _RATE,
    },
    "displacement": {
        "labels": (*_SYSTEM, "h", "fc", "fc_e"),
        "frontier": (*_SYSTEM, "fc"),
        "products": (*_SYSTEM, "h", "d", "fc", "fc_e"),
        "rate": ("1",),  # all that work long enough to tell it are of one duration
    },
}
"""What decides what."""

Pair = tuple[JobRecord, JobFeatures]


def calibrate(records: Sequence[JobRecord], speed: float) -> CostModel:
    """Fit a cost model to finished jobs.

    Args:
        records: the jobs; of one machine, because their times are compared.
        speed: speed of a core of that machine; see smallpolaron.cost.model.

    Raises:
        CostModelError: no jobs, or too few different systems of a family.
    """
    if not records:
        raise CostModelError("there are no jobs to learn from")
    pairs = [(record, job_of(record)) for record in records]
    families: dict[Family, FamilyModel] = {}
    for family in get_args(Family):
        jobs = [pair for pair in pairs if pair[1].family == family]
        if jobs:
            families[family] = fit_family(family, jobs)
    machine = Counter(record.machine for record in records).most_common(1)[0][0]
    studies = tuple(dict.fromkeys(record.study for record in records))
    return CostModel(machine, studies, speed, START_S, families)


def system_of(record: JobRecord, job: JobFeatures) -> Hashable:
    """Return what jobs of one physical system and start share, whatever their size."""
    return (job.family, record.protocol, *(round(value, 1) for value in job.system))


def measured(quantity: Quantity, record: JobRecord, job: JobFeatures) -> float | None:
    """Return the logarithm of what a job took; None if it does not tell."""
    if quantity == "labels":
        return log(record.labels / job.copies)
    if quantity == "products":
        return log(record.products)
    if quantity == "frontier":
        return log(record.frontier / job.threshold) if record.frontier > 0 else None
    work = record.labels * record.products
    net = max(record.core_seconds - record.ranks * START_S, LEAST_NET_S)
    return log(net / work) if work > LEAST_WORK else None


def fit_family(family: Family, jobs: Sequence[Pair]) -> FamilyModel:
    """Fit one family of jobs.

    Raises:
        CostModelError: too few different systems, or no job tells its memory.
    """
    try:
        fits = {quantity: _fit(quantity, names, jobs) for quantity, names in FITTED[family].items()}
    except ValueError as error:
        raise CostModelError(f"jobs of family {family}: {error}; give more folders") from error
    base, slope = _memory([record for record, _ in jobs])
    rest = [
        record.file_bytes - array_bytes(family, job.samples, job.n_sites, record.products)
        for record, job in jobs
    ]
    systems = {system_of(*pair) for pair in jobs}
    return FamilyModel(len(jobs), len(systems), fits, base, slope, float(np.median(rest)))


def _fit(quantity: Quantity, names: Sequence[str], jobs: Sequence[Pair]) -> Regression:
    telling = [(pair, found) for pair in jobs if (found := measured(quantity, *pair)) is not None]
    return fit(
        names,
        [job.values for (_, job), _ in telling],
        np.array([found for _, found in telling]),
        [system_of(*pair) for pair, _ in telling],
    )


def _memory(records: Sequence[JobRecord]) -> tuple[float, float]:
    """Return base (10^6 bytes) and bytes per label, by the smallest sum of absolute errors.

    Ranks that compiled hold more; absolute errors let the others decide.
    """
    known = [(r.labels / r.ranks, r.memory_MB) for r in records if r.memory_MB is not None]
    if not known:
        raise CostModelError("no job tells its memory; give folders of newer jobs")
    sizes, used = (np.array(column, dtype=float) for column in zip(*known, strict=True))
    weights = np.ones(len(sizes))
    rows = np.stack([np.ones(len(sizes)), sizes / 1e6], axis=1)
    for _ in range(50):
        line = np.linalg.lstsq(rows * weights[:, None], used * weights, rcond=None)[0]
        weights = 1 / np.sqrt(np.maximum(np.abs(used - rows @ line), 1.0))
    return float(line[0]), float(max(line[1], 0.0))
