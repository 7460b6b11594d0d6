"""Estimates against what finished jobs took, with and without knowledge of their system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Final

from benchmarks.cost.calibrate import START_S, fit_family
from smallpolaron.cost.evidence import job_of
from smallpolaron.cost.features import JobFeatures, features
from smallpolaron.cost.model import CostModel, CostModelError
from smallpolaron.cost.prediction import Range, core_seconds, memory_MB, predict
from smallpolaron.cost.records import JobRecord

SAME: Final = 0.15
"""Logarithmic distance in coupling, rate of the bath and temperature below which two systems are
one: eta/v = 6.26 and 6.46, for example."""

NEAR: Final = 2.0
"""An estimate is near the truth within this factor."""

QUANTITIES: Final[Mapping[str, str]] = {
    "labels": "labels",
    "products": "products",
    "core_seconds": "core-seconds",
    "memory_MB": "MB per rank",
    "file_bytes": "file",
}
"""Attributes of a JobRecord that are estimated, and what they are called."""

Ranges = Mapping[str, Range]


@dataclass(frozen=True)
class Comparison:
    """One finished job and what was expected of it.

    Attributes:
        record: the job.
        job: its features.
        expected: by quantity.
    """

    record: JobRecord
    job: JobFeatures
    expected: Ranges

    def true(self, quantity: str) -> float | None:
        """Return what the job took; None if nobody looked."""
        value: float | None = getattr(self.record, quantity)
        return value

    def ratio(self, quantity: str) -> float | None:
        """Return expected over true."""
        true = self.true(quantity)
        return None if true is None else self.expected[quantity].expected / true

    def near(self, quantity: str) -> bool | None:
        """Whether the estimate is within a factor NEAR."""
        return self._within(quantity, NEAR)

    def inside(self, quantity: str) -> bool | None:
        """Whether the truth lies in the range given."""
        return self._within(quantity, self.expected[quantity].factor)

    def _within(self, quantity: str, factor: float) -> bool | None:
        ratio = self.ratio(quantity)
        return None if ratio is None else abs(log(ratio)) <= log(factor)


def compare(model: CostModel, records: Sequence[JobRecord]) -> list[Comparison]:
    """Return every job with the estimate of a model, whatever that was fitted to."""
    return [
        Comparison(record, job, _expected(model, record, job))
        for record in records
        for job in [features(record.parameters, record.protocol)]
    ]


def leave_systems_out(records: Sequence[JobRecord]) -> list[Comparison]:
    """Return every job with the estimate of a model fitted to all jobs of other systems.

    A system is a bath and a temperature: whatever was run for one, and for those that differ from
    it by less than SAME, is left out together. Jobs whose family then has no second system are
    left out.
    """
    pairs = [(record, job_of(record)) for record in records]
    found: dict[int, Comparison] = {}
    for family, bath in dict.fromkeys((job.family, job.bath) for _, job in pairs):
        mine = [i for i, (_, job) in enumerate(pairs) if (job.family, job.bath) == (family, bath)]
        others = [p for p in pairs if p[1].family == family and _apart(p[1].bath, bath)]
        try:
            model = CostModel("", (), 1.0, START_S, {family: fit_family(family, others)})
        except CostModelError:
            continue
        found |= zip(mine, compare(model, [records[i] for i in mine]), strict=True)
    return [found[i] for i in sorted(found)]


def _apart(bath: Sequence[float], other: Sequence[float]) -> bool:
    return max(abs(a - b) for a, b in zip(bath, other, strict=True)) >= SAME


def _expected(model: CostModel, record: JobRecord, job: JobFeatures) -> Ranges:
    found = predict(model, job)
    return {
        "labels": found.labels,
        "products": found.products,
        "core_seconds": core_seconds(model, found.work_s, record.ranks),
        "memory_MB": memory_MB(
            job.family, model.family(job.family), job.samples, found.labels, record.ranks
        ),
        "file_bytes": found.file_bytes,
    }
