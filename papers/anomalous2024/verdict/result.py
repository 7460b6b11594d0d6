"""The verdict file of a study: which method gives D where, from which size on, at what cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from papers.anomalous2024.verdict.evidence import System, gather
from papers.anomalous2024.verdict.judge import (
    LATTICES,
    METHODS,
    OUTCOMES,
    Finding,
    Series,
    SystemVerdict,
    describe_reference,
    describe_series,
    describe_verdict,
    name,
    reach_verdict,
)
from smallpolaron.derive.derive import D_UNIT, NAN
from smallpolaron.planning.jobs import computed
from smallpolaron.results.provenance import Stopwatch, collect
from smallpolaron.results.quantity import Variables
from smallpolaron.results.store import Result, Variable
from smallpolaron.study.physical_system import system_columns
from smallpolaron.study.plan import Plan, PlanError, read_plan
from smallpolaron.support.canonical import parameter_hash


@dataclass(frozen=True)
class Judged:
    """A system with its verdict."""

    system: System
    verdict: SystemVerdict

    @property
    def factors(self) -> dict[int, float]:
        """Core seconds over those of the cheapest method, by the index of a ranked series."""
        series = self.verdict.series
        return {series.index(each.series): each.factor for each in self.verdict.ranking}


def _codes(words: Sequence[str]) -> str:
    return ", ".join(f"{code} {word}" for code, word in enumerate(words))


_S, _ONE, _FS, _PERCENT = "s", "1", "fs", "%"
_RUN: Final = {
    "system": (_ONE, "Index of the system."),
    "method": (_ONE, f"{_codes(METHODS)}."),
    "lattice": (_ONE, f"{_codes(LATTICES)}."),
    "n_sites": (_ONE, "Number of sites; of the infinite lattice its window."),
    "D": (D_UNIT, "Settled integral of C_JJ, or diffusive plateau; NaN without one."),
    "D_error": (
        D_UNIT,
        "Its own error: of the run; of a plateau its flatness and that of its slope.",
    ),
    "deviation": (_PERCENT, "Deviation of D from the reference."),
    "deviation_error": (_PERCENT, "Own error and that of the reference, over the reference."),
    "agrees": (_ONE, "1 within the tolerance, 0 not, -1 no evidence."),
    "certain": (_ONE, "Whether the errors leave no doubt about that."),
    "needed_fs": (_FS, "When the integral has settled, or the plateau lasted for long enough."),
    "record_fs": (_FS, "Length of the run."),
    "core_seconds": (_S, "Wall time of the job times its ranks."),
    "memory_MB": ("MB", "Largest memory of one rank."),
    "products": (_ONE, "Products of the generator with a state."),
    "basis_size": (_ONE, "Elements of the largest state."),
    "flagged": (_ONE, "Whether a quality gate failed."),
}
_SERIES: Final = {
    "system": (_ONE, "Index of the system."),
    "method": (_ONE, f"{_codes(METHODS)}."),
    "lattice": (_ONE, f"{_codes(LATTICES)}."),
    "outcome": (_ONE, f"{_codes(OUTCOMES)}."),
    "n_sites": (_ONE, "Size from which on all agree, or that of the reference; NaN without one."),
    "largest_n_sites": (_ONE, "Largest size that is evidence; 0 without one."),
    "core_seconds": (_S, "Cost at that size."),
    "memory_MB": ("MB", "Largest memory of one rank at that size."),
    "cost_factor": (_ONE, "Core seconds over those of the cheapest method; NaN if not ranked."),
    "fall_inside_fs": (_FS, "Open chain: last time of its integral within the tolerance."),
    "fall_end_fs": (_FS, "Open chain: end of that record."),
    "fall_end": (_PERCENT, "Open chain: integral at the end over the reference."),
}
_SYSTEM: Final = {
    "eta_cm": ("cm^-1", "Coupling strength of the (first) bath."),
    "gamma_cm": ("cm^-1", "Relaxation rate of the (first) bath."),
    "hopping_cm": ("cm^-1", "Hopping."),
    "temperature_K": ("K", "Temperature."),
    "reference_D": (D_UNIT, "What all D are compared with; NaN without a reference."),
    "reference_D_error": (D_UNIT, "Its own error."),
    "confirmed": (_ONE, "Whether another method, or lattice, converges to it."),
}


def judge_study(plan_path: Path) -> tuple[Plan, list[Judged]]:
    """Return the plan of a study and the verdict on each of its systems.

    Raises:
        PlanError: the plan cannot be used, or asks for nothing that gives D.
        StoreError: a result file that the plan asks for is missing or damaged.
    """
    folder = plan_path.parent
    plan = computed(read_plan(plan_path), folder)
    percent = plan.analysis.band_percent
    systems = gather(plan, folder)
    if not systems:
        raise PlanError(
            f"{plan_path}: no point of study '{plan.study}' has the same hopping, energy and bath "
            "on all sites, which a verdict on methods needs; add such points"
        )
    return plan, [Judged(s, reach_verdict(s.evidence, percent=percent)) for s in systems]


def verdict_result(plan: Plan, judged: Sequence[Judged]) -> Result:
    """Return the verdicts on all systems of a study as one result."""
    watch = Stopwatch()
    runs = [
        _run(index, finding)
        for index, each in enumerate(judged)
        for series in each.verdict.series
        for finding in series.findings
    ]
    series = [
        _series(index, each, place)
        for index, each in enumerate(judged)
        for place in range(len(each.verdict.series))
    ]
    systems = [_system(each) for each in judged]
    points = [f.evidence.point for each in judged for s in each.verdict.series for f in s.findings]
    parameters = {
        "study": plan.study,
        "band_percent": plan.analysis.band_percent,
        "points": points,
        "systems": {each.system.name: dict(each.system.physics) for each in judged},
        "system_names": [each.system.name for each in judged],
    }
    return Result(
        kind="verdict",
        variables=_columns("runs", "run", _RUN, runs)
        | _columns("series", "method_on_lattice", _SERIES, series)
        | _columns("systems", "system", _SYSTEM, systems),
        parameters=parameters,
        gates=(),
        provenance=collect(parameter_hash(dict.fromkeys(points, True)), watch),
        notes={key: text for each in judged for key, text in _notes(each).items()},
    )


def _columns(
    group: str, dim: str, meaning: dict[str, tuple[str, str]], rows: Sequence[dict[str, float]]
) -> Variables:
    return {
        f"{group}/{key}": Variable(np.array([row[key] for row in rows]), (dim,), units, text)
        for key, (units, text) in meaning.items()
    }


def _run(system: int, finding: Finding) -> dict[str, float]:
    each = finding.evidence
    return {
        "system": system,
        "method": METHODS.index(each.method),
        "lattice": LATTICES.index(each.lattice),
        "n_sites": each.n_sites,
        "D": each.D_A2_fs,
        "D_error": each.error_A2_fs,
        "deviation": finding.deviation_percent,
        "deviation_error": finding.error_percent,
        "agrees": -1 if finding.agrees is None else int(finding.agrees),
        "certain": finding.certain,
        "needed_fs": each.needed_fs,
        "record_fs": each.record_fs,
        **vars(each.cost),
        "flagged": each.flagged,
    }


def _series(system: int, judged: Judged, place: int) -> dict[str, float]:
    each: Series = judged.verdict.series[place]
    fall = each.fall
    return {
        "system": system,
        "method": METHODS.index(each.method),
        "lattice": LATTICES.index(each.lattice),
        "outcome": OUTCOMES.index(each.outcome),
        "n_sites": NAN if each.n_sites is None else float(each.n_sites),
        "largest_n_sites": max((f.evidence.n_sites for f in each.counted), default=0),
        "core_seconds": each.cost.core_seconds if each.cost else NAN,
        "memory_MB": each.cost.memory_MB if each.cost else NAN,
        "cost_factor": judged.factors.get(place, NAN),
        "fall_inside_fs": fall.inside_fs if fall else NAN,
        "fall_end_fs": fall.end_fs if fall else NAN,
        "fall_end": fall.end_percent if fall else NAN,
    }


def _system(judged: Judged) -> dict[str, float]:
    reference = judged.verdict.reference
    return system_columns(judged.system.physics) | {
        "reference_D": reference.D_A2_fs if reference else NAN,
        "reference_D_error": reference.error_A2_fs if reference else NAN,
        "confirmed": judged.verdict.confirmed,
    }


def _notes(judged: Judged) -> dict[str, str]:
    verdict, key = judged.verdict, judged.system.name
    outcomes = [f"{name(s.method, s.lattice)}: {describe_series(s)}" for s in verdict.series]
    return {
        f"{key}/reference": describe_reference(verdict),
        f"{key}/verdict": describe_verdict(verdict),
        f"{key}/series": "\n".join(outcomes),
    }
