"""Estimates against what finished jobs took, each made without any job of the same system."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log
from typing import Final

from smallpolaron.studies.cost.calibrate import START_S, fit_family, system_of
from smallpolaron.studies.cost.features import JobFeatures, features
from smallpolaron.studies.cost.model import CostModel, CostModelError
from smallpolaron.studies.cost.prediction import Prediction, predict
from smallpolaron.studies.cost.records import JobRecord

NEAR: Final = 2.0
"""An estimate is near the truth within this factor."""

QUANTITIES: Final = ("labels", "products", "core_seconds")


@dataclass(frozen=True)
class Comparison:
    """One finished job and what was expected of it by those of other systems."""

    record: JobRecord
    job: JobFeatures
    expected: Prediction

    def ratio(self, quantity: str) -> float:
        """Return expected over true."""
        expected: float = getattr(self.expected, quantity).expected
        return expected / float(getattr(self.record, quantity))

    def near(self, quantity: str) -> bool:
        """Whether the estimate is within a factor NEAR."""
        return abs(log(self.ratio(quantity))) <= log(NEAR)

    def inside(self, quantity: str) -> bool:
        """Whether the truth lies in the range given."""
        factor: float = getattr(self.expected, quantity).factor
        return abs(log(self.ratio(quantity))) <= log(factor)


def compare(records: Sequence[JobRecord]) -> list[Comparison]:
    """Return every job with the estimate of a model fitted to all jobs of other systems.

    A system is a bath, a temperature, a lattice (open or not) and a start; sizes and durations
    of one system are left out together. Jobs whose family then has no second system are left out.
    """
    pairs = [(record, features(record.parameters, record.protocol)) for record in records]
    found: dict[int, Comparison] = {}
    for system in dict.fromkeys(system_of(*pair) for pair in pairs):
        left_out = [i for i, pair in enumerate(pairs) if system_of(*pair) == system]
        family = pairs[left_out[0]][1].family
        others = [p for p in pairs if p[1].family == family and system_of(*p) != system]
        try:
            model = CostModel("", 1.0, START_S, {family: fit_family(family, others)})
        except CostModelError:
            continue
        for i in left_out:
            record, job = pairs[i]
            found[i] = Comparison(record, job, predict(model, job))
    return [found[i] for i in sorted(found)]


def report_lines(found: Sequence[Comparison]) -> Iterator[str]:
    """Yield the comparison as Markdown: shares by study and kind, then every job."""
    yield "# Cost: estimates against finished jobs"
    yield ""
    yield "Written by `python -m smallpolaron cost --check FOLDER... --output docs/cost-check.md`;"
    yield "[cost.md](cost.md) explains it. Every estimate comes from a model fitted without any job"
    yield "of the same system (bath, temperature, open or closed lattice, start)."
    yield ""
    yield (
        f"| study | family | jobs | labels within a factor {NEAR:g} | products | core-seconds "
        "| labels in the 90 % range | core-seconds |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for study in dict.fromkeys(each.record.study for each in found):
        mine = [each for each in found if each.record.study == study]
        for family in dict.fromkeys(each.job.family for each in mine):
            yield _share_line(study, family, [e for e in mine if e.job.family == family])
        yield _share_line(study, "all", mine)
    yield ""
    yield (
        "| study | job | labels: expected | true | products: expected | true "
        f"| core-seconds: expected | true | within a factor {NEAR:g} |"
    )
    yield "|---" * 9 + "|"
    for each in found:
        yield _job_line(each)


def _share_line(study: str, family: str, found: Sequence[Comparison]) -> str:
    def share(good: Sequence[bool]) -> str:
        return f"{100 * sum(good) / len(good):.0f} %"

    cells = [share([each.near(q) for each in found]) for q in QUANTITIES]
    cells += [share([e.inside(q) for e in found]) for q in ("labels", "core_seconds")]
    return " | ".join(["| " + study, family, str(len(found)), *cells]) + " |"


def _job_line(each: Comparison) -> str:
    cells = [each.record.study, f"{each.record.protocol} {each.record.name}"]
    for quantity, text in (("labels", ",.0f"), ("products", ",.0f"), ("core_seconds", ".3g")):
        expected: float = getattr(each.expected, quantity).expected
        cells += [format(expected, text), format(float(getattr(each.record, quantity)), text)]
    far = [quantity.replace("_", "-") for quantity in QUANTITIES if not each.near(quantity)]
    return "| " + " | ".join([*cells, "not " + ", ".join(far) if far else "yes"]) + " |"
