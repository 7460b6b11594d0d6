"""From the features of a job to what it is expected to take, with the uncertainty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import erf, exp, hypot, log, sqrt
from typing import Final

from smallpolaron.cost.features import Family, JobFeatures
from smallpolaron.cost.model import CostModel, FamilyModel
from smallpolaron.model.accuracy import COARSER, REFINEMENTS

BASIS_SHARE: Final = 0.6
"""Share of the accuracy that the basis may use up; bath terms and steps take the rest."""

NINETY_PERCENT: Final = 1.645
"""Standard deviations of a normal distribution between which 90 % lie."""

START_FACTOR: Final = 1.5
"""Uncertainty of the time that the start of the program takes: busy machines are slower."""

LARGEST_FACTOR: Final = 1e3
"""Uncertainty beyond which there is nothing to say."""

LARGEST_EXPONENT: Final = 70.0
"""Of estimates far from the calibration: e^70 labels, products or seconds are beyond computers."""

BYTES_PER_SAMPLE: Final[Mapping[Family, tuple[float, float]]] = {
    "current": (120.0, 0.0),
    "population": (8.0, 24.0),
    "displacement": (32.0, 0.0),
}
"""Bytes of one output time in a result file, and more for every site: what the arrays take."""

BYTES_PER_STEP: Final = 40.0
PRODUCTS_PER_STEP: Final = 15.0
BYTES_PER_ELEMENT: Final = 16.0

FILE_FACTOR: Final = 1.3
"""Uncertainty of the size of a result file."""

MEMORY_FACTOR: Final = 1.3
"""Least uncertainty of the memory of a rank."""

BYTES_PER_TIME: Final[Mapping[Family, float]] = {
    "current": 18e3,
    "population": 0.0,
    "displacement": 0.0,
}
"""Memory that the quality gates take per output time, once the hierarchy is gone: spectra of long
records."""


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
    """What one job is expected to take.

    Attributes:
        labels: labels of its largest basis.
        products: products with the generator of the stored run.
        work_s: processor time without the start of the program, s.
        file_bytes: size of its result file.
    """

    labels: Range
    products: Range
    work_s: Range
    file_bytes: Range


@dataclass(frozen=True)
class Correction:
    """What probes and finished jobs add to the fit of the basis of one job."""

    shift: float
    deviation: float


def predict(model: CostModel, job: JobFeatures, correction: Correction | None = None) -> Prediction:
    """Return what a job is expected to take.

    Raises:
        CostModelError: the model does not know such jobs.
    """
    family = model.family(job.family)
    steps, uncertain = tightenings(family, job)
    final = job.tightened(steps)
    known = {
        name: (each.at(final.values), each.deviation(final.values))
        for name, each in family.fits.items()
    }
    labels, spread = known["labels"][0], hypot(known["labels"][1], job.unseen)
    if correction is not None:
        labels, spread = labels + correction.shift, correction.deviation
    labels += log(job.copies)
    per_step = family.fits["labels"].at(job.tightened(steps + 1).values) - known["labels"][0]
    spread = hypot(spread, uncertain * per_step)
    products, rate = known["products"], known["rate"]
    work, n_products = _bounded_exp(labels + products[0] + rate[0]), _bounded_exp(products[0])
    size = family.file_bytes + array_bytes(job.family, job.samples, job.n_sites, n_products)
    return Prediction(
        labels=Range(max(1.0, _bounded_exp(labels)), _factor(spread)),
        products=Range(n_products, _factor(products[1])),
        work_s=Range(work, _factor(sqrt(spread**2 + products[1] ** 2 + rate[1] ** 2))),
        file_bytes=Range(size, FILE_FACTOR),
    )


def core_seconds(model: CostModel, work_s: Range, ranks: int = 1) -> Range:
    """Return the processor time of a job, s: every rank starts the program.

    Start and computation err independently.
    """
    start = ranks * model.start_s
    expected = start + work_s.expected
    return Range(expected, (start * START_FACTOR + work_s.high) / expected)


def memory_MB(
    family: Family, model: FamilyModel, samples: int, labels: Range, ranks: int = 1
) -> Range:
    """Return the memory of a rank, 10^6 bytes: of the hierarchy, or of the gates after it."""

    def held(size: float) -> float:
        hierarchy = size * model.bytes_per_label / ranks
        return model.base_MB + max(hierarchy, samples * BYTES_PER_TIME[family]) / 1e6

    usual = held(labels.expected)
    return Range(usual, max(MEMORY_FACTOR, held(labels.high) / usual))


def tightenings(family: FamilyModel, job: JobFeatures) -> tuple[float, float]:
    """Return how often thresholds will be tightened: mean and standard deviation.

    The estimated error is proportional to the threshold. Between two numbers that are as likely,
    the mean is off by half a step only.
    """
    fit = family.fits["frontier"]
    excess = fit.at(job.values) + log(job.threshold / (BASIS_SHARE * job.target))
    needed, deviation = excess / log(COARSER), fit.deviation(job.values) / log(COARSER)
    shares = [
        _below(k, needed, deviation) - (_below(k - 1, needed, deviation) if k else 0.0)
        for k in range(REFINEMENTS)
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
    return min(LARGEST_FACTOR, _bounded_exp(NINETY_PERCENT * deviation))


def _bounded_exp(exponent: float) -> float:
    return exp(max(-LARGEST_EXPONENT, min(exponent, LARGEST_EXPONENT)))
