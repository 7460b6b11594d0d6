"""From the features of a job to what it is expected to take, with the uncertainty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import erf, exp, hypot, log, sqrt
from typing import Final

from smallpolaron.studies.cost.features import Family, JobFeatures
from smallpolaron.studies.cost.model import CostModel, FamilyModel

NINETY_PERCENT: Final = 1.645
"""Standard deviations of a normal distribution between which 90 % lie."""

GROWTH_PER_STEP: Final = 2.5
"""Labels grow so much when thresholds are tightened once; 2.1 to 2.7 were measured."""

MOST_TIGHTENINGS: Final = 4
TIGHTENED_BY: Final = 3.0
SHARE: Final = 0.5
"""Thresholds are tightened by TIGHTENED_BY until the estimated error is this share of the accuracy,
at most so often: see smallpolaron.dynamics.refinement."""

START_FACTOR: Final = 1.5
"""Uncertainty of the time that the start of the program takes: busy machines are slower."""

LARGEST_FACTOR: Final = 1e3
"""Uncertainty beyond which there is nothing to say."""

BYTES_PER_SAMPLE: Final[Mapping[Family, tuple[float, float]]] = {
    "current": (120.0, 0.0),
    "population": (8.0, 24.0),
    "displacement": (32.0, 0.0),
}
"""Bytes of one output time in a result file, and more for every site: what the arrays take."""

BYTES_PER_STEP: Final = 40.0
PRODUCTS_PER_STEP: Final = 15.0
BYTES_PER_ELEMENT: Final = 16.0


@dataclass(frozen=True)
class Range:
    """An estimate with the factor by which it may be wrong.

    Attributes:
        expected: the median.
        factor: 90 of 100 true values lie between expected / factor and expected * factor.
    """

    expected: float
    factor: float = 1.0

    @property
    def low(self) -> float:
        """Lower end of the range."""
        return self.expected / self.factor

    @property
    def high(self) -> float:
        """Upper end of the range."""
        return self.expected * self.factor


@dataclass(frozen=True)
class Prediction:
    """What one job is expected to take on one core.

    Attributes:
        labels: labels of its largest basis.
        products: products with the generator of the stored run.
        core_seconds: processor time of the whole job, s.
        file_bytes: size of its result file.
    """

    labels: Range
    products: Range
    core_seconds: Range
    file_bytes: float


@dataclass(frozen=True)
class Correction:
    """What probes and finished jobs add to the fit of the basis of one job.

    Attributes:
        shift: change of the logarithm of its labels.
        deviation: standard deviation that is left.
    """

    shift: float
    deviation: float


def predict(model: CostModel, job: JobFeatures, correction: Correction | None = None) -> Prediction:
    """Return what a job is expected to take.

    Args:
        model: the cost model.
        job: the job.
        correction: what is known about its basis beyond the fit.

    Raises:
        CostModelError: the model does not know such jobs.
    """
    family = model.family(job.family)
    known = {name: (f.at(job.values), f.deviation(job.values)) for name, f in family.fits.items()}
    labels, spread = known["first_labels"]
    if correction is not None:
        labels, spread = labels + correction.shift, correction.deviation
    steps, uncertain = tightenings(family, job)
    labels += log(job.copies) + steps * log(GROWTH_PER_STEP)
    spread = hypot(spread, uncertain * log(GROWTH_PER_STEP))
    products, rate = known["products"], known["rate"]
    net = exp(labels + products[0] + rate[0])
    factor = _factor(sqrt(spread**2 + products[1] ** 2 + rate[1] ** 2))
    # start and computation err independently
    high = (model.start_s * START_FACTOR + net * factor) / (model.start_s + net)
    return Prediction(
        labels=Range(exp(labels), _factor(spread)),
        products=Range(exp(products[0]), _factor(products[1])),
        core_seconds=Range(model.start_s + net, high),
        file_bytes=family.file_bytes
        + array_bytes(job.family, job.samples, job.n_sites, exp(products[0])),
    )


def tightenings(family: FamilyModel, job: JobFeatures) -> tuple[float, float]:
    """Return how often thresholds will be tightened: mean and standard deviation.

    The estimated error is proportional to the threshold. Between two numbers that are as likely,
    the mean is off by half a step only.
    """
    fit = family.fits["frontier"]
    excess = fit.at(job.values) + log(job.growth / (SHARE * job.target))
    needed, deviation = excess / log(TIGHTENED_BY), fit.deviation(job.values) / log(TIGHTENED_BY)
    shares = [
        _below(k, needed, deviation) - (_below(k - 1, needed, deviation) if k else 0.0)
        for k in range(MOST_TIGHTENINGS)
    ]
    shares.append(1.0 - sum(shares))
    mean = sum(k * share for k, share in enumerate(shares))
    variance = sum((k - mean) ** 2 * share for k, share in enumerate(shares))
    return mean, sqrt(max(variance, 0.0))


def _below(value: float, mean: float, deviation: float) -> float:
    return 0.5 * (1.0 + erf((value - mean) / (deviation * sqrt(2.0))))


def array_bytes(family: Family, samples: int, n_sites: int, products: float = 0.0) -> float:
    """Return the size of the arrays of a result file, bytes; products decide the steps recorded."""
    once, per_site = BYTES_PER_SAMPLE[family]
    matrix = 0.0 if family == "displacement" else BYTES_PER_ELEMENT * n_sites**2
    steps = BYTES_PER_STEP * products / PRODUCTS_PER_STEP
    return samples * (once + per_site * n_sites) + matrix + steps


def _factor(deviation: float) -> float:
    return min(LARGEST_FACTOR, exp(NINETY_PERCENT * deviation))
