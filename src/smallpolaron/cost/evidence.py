"""What probes and finished jobs of a study tell about its other jobs.

The fit misses a system by its own factor, the same for all its jobs, and those of similar systems
by a similar one: a Gaussian process over the residuals (Rasmussen and Williams, Gaussian Processes
for Machine Learning, 2006, eqs. 2.25 and 2.26). Coefficients that the calibration left uncertain
tie jobs together, too; that carries corrections to systems unlike those calibrated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import hypot, log, sqrt
from typing import Final

import numpy as np

from smallpolaron.cost.features import JobFeatures, features
from smallpolaron.cost.model import CostModel, Regression
from smallpolaron.cost.prediction import Correction
from smallpolaron.cost.records import JobRecord

REACH: Final = 0.5
"""Logarithmic distance of systems at which their residuals are half forgotten."""

FINISHED_ERROR: Final = 0.1
PROBE_ERROR: Final = 0.3
"""Standard deviations of what a finished job and a probe tell about the logarithm of another job of
the same system: sizes and durations differ, a probe is coarser besides."""


@dataclass(frozen=True)
class Evidence:
    """One measured basis.

    Attributes:
        job: the job or probe, at the thresholds it ended with.
        residual: logarithm of its labels over what the fit expects at its thresholds.
        error: standard deviation of the residual as a statement about the system.
        cut: whether the probe was ended early, so that the basis is larger than it tells.
    """

    job: JobFeatures
    residual: float
    error: float
    cut: bool = False


def job_of(record: JobRecord) -> JobFeatures:
    """Return the features of a finished job at the thresholds it ended with."""
    return features(record.parameters, record.protocol).tightened(record.tightenings)


def finished(model: CostModel, records: Iterable[JobRecord]) -> list[Evidence]:
    """Return what finished jobs tell."""
    found = []
    for record in records:
        job = job_of(record)
        fit = model.family(job.family).fits["labels"]
        labels = log(record.labels / job.copies)
        found.append(Evidence(job, labels - fit.at(job.values), FINISHED_ERROR))
    return found


def correction(model: CostModel, known: Sequence[Evidence], job: JobFeatures) -> Correction:
    """Return what is known about the basis of a job beyond the fit; without evidence its spread."""
    fit = model.family(job.family).fits["labels"]
    mine = [each for each in known if each.job.family == job.family]
    prior = hypot(fit.deviation(job.values), job.unseen)
    if not mine:
        return Correction(0.0, prior)
    tied = np.array([_covariance(fit, job, each.job) for each in mine])
    among = np.array([[_covariance(fit, a.job, b.job) for b in mine] for a in mine])
    among += np.diag([each.error**2 for each in mine])
    gain = np.linalg.solve(among, tied)
    shift = float(gain @ [each.residual for each in mine])
    left = prior**2 - float(gain @ tied)
    return Correction(shift, sqrt(max(left, FINISHED_ERROR**2)))


def _covariance(fit: Regression, job: JobFeatures, other: JobFeatures) -> float:
    distance = np.subtract(job.system, other.system)
    similar = float(np.exp(-np.sum(distance**2) / (2 * REACH**2)))
    own = fit.spread**2 + job.unseen * other.unseen
    return own * similar + fit.shared(job.values, other.values)
