"""The verdict of a study on methods: result file, table with one row per run, and page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from papers.anomalous2024.verdict.evidence import gather
from papers.anomalous2024.verdict.judge import (
    LATTICES,
    METHODS,
    OUTCOMES,
    Finding,
    SystemVerdict,
    describe_reference,
    describe_series,
    describe_verdict,
    reach_verdict,
)
from smallpolaron.derive.derive import D_UNIT, NAN
from smallpolaron.derive.tables import Row, write_table
from smallpolaron.figures.commands import command
from smallpolaron.figures.html import definitions, table, write_page
from smallpolaron.model.units import paper_units
from smallpolaron.planning.jobs import computed
from smallpolaron.results.provenance import Stopwatch, collect
from smallpolaron.results.quantity import Variables
from smallpolaron.results.store import Result, Variable, write_result
from smallpolaron.study.parameters import Parameters
from smallpolaron.study.physical_system import physics, system_columns, system_title
from smallpolaron.study.plan import Plan, PlanError, read_plan
from smallpolaron.support.canonical import parameter_hash

Verdicts = Mapping[str, SystemVerdict]
"""Verdicts by the name of the system."""


class Column(NamedTuple):
    """One number of a run, a series or a system: unit, meaning, how it is read, name in the table.

    The table leaves out numbers without a name in it.
    """

    units: str
    text: str
    read: Callable[[Any], Any]
    title: str = ""


def _codes(words: Sequence[str]) -> str:
    return ", ".join(f"{code} {word}" for code, word in enumerate(words))


def _system_number(key: str, verdict: SystemVerdict) -> Any:
    return system_columns(_parameters(verdict))[key]


def _attribute(name: str, of: str = "") -> Callable[[Any], Any]:
    """Return what reads an attribute, of something that may not be there: NaN then."""

    def read(thing: Any) -> Any:
        there = getattr(thing, of) if of else thing
        return NAN if there is None else getattr(there, name)

    return read


_WHICH: Final = {
    "method": Column("1", f"{_codes(METHODS)}.", lambda s: METHODS.index(s.method)),
    "lattice": Column("1", f"{_codes(LATTICES)}.", lambda s: LATTICES.index(s.lattice)),
}
_RUN: Final = {
    each.name: Column(
        each.metadata["units"],
        each.metadata["text"],
        _attribute(each.name),
        each.metadata.get("title", each.name),
    )
    for each in fields(Finding)
    if each.metadata
}
_RUN["agrees"] = _RUN["agrees"]._replace(
    read=lambda f: -1 if f.agrees is None else int(f.agrees), title=""
)
_SERIES: Final = {
    "outcome": Column("1", f"{_codes(OUTCOMES)}.", lambda s: OUTCOMES.index(s.outcome)),
    "n_sites": Column(
        *("1", "Size from which on all agree, or that of the reference; NaN without one."),
        lambda s: float(s.n_sites or NAN),
    ),
    "largest_n_sites": Column(
        *("1", "Largest size that is evidence; 0 without one."),
        lambda s: max((f.n_sites for f in s.counted), default=0),
    ),
    "core_seconds": Column("s", "Cost at that size.", _attribute("core_seconds")),
    "memory_MB": Column(
        "MB", "Largest memory of one rank at that size.", _attribute("memory_MB", of="first")
    ),
    "cost_factor": Column(
        *("1", "Core seconds over those of the cheapest method; NaN if not ranked."),
        *(_attribute("factor"), "cost_factor"),
    ),
    "fall_inside_fs": Column(
        *("fs", "Open chain: last time of its integral within the tolerance."),
        _attribute("inside_fs", of="fall"),
    ),
    "fall_end_fs": Column("fs", "Open chain: end of that record.", _attribute("end_fs", of="fall")),
    "fall_end": Column(
        *("%", "Open chain: integral at the end over the reference."),
        _attribute("end_percent", of="fall"),
    ),
}
_SYSTEM: Final = {
    key: Column(units, text, partial(_system_number, key), key)
    for key, units, text in (
        ("eta_cm", "cm^-1", "Coupling strength of the (first) bath."),
        ("gamma_cm", "cm^-1", "Relaxation rate of the (first) bath."),
        ("hopping_cm", "cm^-1", "Hopping."),
        ("temperature_K", "K", "Temperature."),
    )
} | {
    "reference_D": Column(
        *(D_UNIT, "What all D are compared with; NaN without a reference."),
        *(_attribute("D", of="reference"), "reference_D_A2_fs"),
    ),
    "reference_D_error": Column(
        *(D_UNIT, "Its own error."),
        *(_attribute("D_error", of="reference"), "reference_D_error_A2_fs"),
    ),
    "confirmed": Column(
        *("1", "Whether another method, or lattice, converges to it."),
        *(_attribute("confirmed"), "reference_confirmed"),
    ),
}


def _parameters(verdict: SystemVerdict) -> Parameters:
    return verdict.series[0].findings[0].point_parameters


def judge_study(plan_path: Path) -> tuple[Plan, Verdicts]:
    """Return the plan of a study and the verdict on each of its systems.

    Raises:
        PlanError: the plan cannot be used, or asks for nothing that gives D.
        StoreError: a result file that the plan asks for is missing or damaged.
    """
    folder = plan_path.parent
    plan = computed(read_plan(plan_path), folder)
    systems = gather(plan, folder)
    if not systems:
        raise PlanError(
            f"{plan_path}: no point of study '{plan.study}' has the same hopping, energy and bath "
            "on all sites, which a verdict on methods needs; add such points"
        )
    percent = plan.analysis.band_percent
    return plan, {key: reach_verdict(runs, percent=percent) for key, runs in systems.items()}


def verdict_result(plan: Plan, verdicts: Verdicts) -> Result:
    """Return the verdicts on all systems of a study as one result."""
    watch = Stopwatch()
    series = [(i, s) for i, v in enumerate(verdicts.values()) for s in v.series]
    findings = [(i, f) for i, s in series for f in s.findings]
    points = [f.point for _, f in findings]
    return Result(
        kind="verdict",
        variables=_group("runs", "run", _WHICH | _RUN, findings)
        | _group("series", "method_on_lattice", _WHICH | _SERIES, series)
        | _group("systems", "system", _SYSTEM, list(enumerate(verdicts.values()))),
        parameters={
            "study": plan.study,
            "band_percent": plan.analysis.band_percent,
            "points": points,
            "systems": {key: physics(_parameters(v)) for key, v in verdicts.items()},
            "system_names": list(verdicts),
        },
        gates=(),
        provenance=collect(parameter_hash(dict.fromkeys(points, True)), watch),
        notes={k: text for key, verdict in verdicts.items() for k, text in _notes(key, verdict)},
    )


def _group(
    group: str, dim: str, columns: Mapping[str, Column], rows: Sequence[tuple[int, Any]]
) -> Variables:
    """Return columns of things, each with the index of its system."""
    data = {key: [each.read(thing) for _, thing in rows] for key, each in columns.items()}
    found = {
        f"{group}/{key}": Variable(np.array(values), (dim,), columns[key].units, columns[key].text)
        for key, values in data.items()
    }
    index = Variable(np.array([i for i, _ in rows]), (dim,), "1", "Index of the system.")
    return found if group == "systems" else {f"{group}/system": index, **found}


def _notes(key: str, verdict: SystemVerdict) -> Iterator[tuple[str, str]]:
    yield f"{key}/reference", describe_reference(verdict)
    yield f"{key}/verdict", describe_verdict(verdict)
    outcomes = (f"{s.name}: {describe_series(s)}" for s in verdict.series)
    yield f"{key}/series", "\n".join(outcomes)


VERDICT_COLUMNS: Final = (
    *("system", "eta_cm", "gamma_cm", "temperature_K", "hopping_cm", "topology", "method"),
    *("n_sites", "point", "accuracy", "D_A2_fs", "D_error_A2_fs", "D_paper", "D_paper_error"),
    *("deviation_percent", "deviation_error_percent", "agrees", "certain", "needed_fs"),
    *("record_fs", "core_s", "memory_MB", "products", "basis_size", "flagged", "outcome"),
    *("converged_n_sites", "cost_factor", "reference", "reference_D_A2_fs"),
    *("reference_D_error_A2_fs", "reference_confirmed", "remark"),
)


def verdict_rows(verdicts: Verdicts) -> Iterator[Row]:
    """Yield one row per run; what holds for all sizes of a method stands in each of them."""
    for key, verdict in verdicts.items():
        for series in verdict.series:
            for finding in series.findings:
                row = _titled(_SYSTEM, verdict) | _titled(_SERIES, series) | _titled(_RUN, finding)
                row |= {
                    "system": key,
                    "reference": verdict.reference.point if verdict.reference else "none",
                    "topology": series.lattice,
                    "method": series.method,
                    "outcome": series.outcome.replace("_", " "),
                    "converged_n_sites": series.n_sites if series.outcome == "converged" else None,
                    "point": finding.point,
                    "accuracy": finding.point_parameters.accuracy,
                    "D_paper": paper_units(finding.D),
                    "D_paper_error": paper_units(finding.D_error),
                    "agrees": finding.agrees,
                    "remark": finding.reason or describe_series(series),
                }
                yield {title: row[title] for title in VERDICT_COLUMNS}


def _titled(columns: Mapping[str, Column], thing: object) -> Row:
    return {each.title: each.read(thing) for each in columns.values() if each.title}


def write_verdict_page(path: Path, plan: Plan, verdicts: Verdicts) -> None:
    """Write the page: per system the verdict in words and a table of all its runs."""
    parts = []
    for key, verdict in verdicts.items():
        outcomes = ((s.name, describe_series(s)) for s in verdict.series)
        words = [("Verdict", describe_verdict(verdict)), ("Reference", describe_reference(verdict))]
        shown = VERDICT_COLUMNS[VERDICT_COLUMNS.index("topology") :]
        rows = ({name: row[name] for name in shown} for row in verdict_rows({key: verdict}))
        title = system_title(_parameters(verdict))
        parts += [f"<h2>{title}</h2>", definitions([*words, *outcomes]), table(rows)]
    text = (
        f"Study {plan.study}: which method gives the diffusion constant of the infinite lattice, "
        "from which size on, at what cost. Agreement means a deviation from the reference of at "
        f"most {plan.analysis.band_percent:g} %. Cost is that of one whole job, error estimates "
        "included; when a diffusive plateau begins is known only with the run from the other "
        "start. A run that failed a quality gate is flagged and counts as no evidence."
    )
    write_page(path, "Equilibrium against non-equilibrium", text, parts)


def _made(plan: Path, output: Path, table: Path, page: Path) -> None:
    """Write the verdict on the methods of a study as result file, table and page."""
    study, verdicts = judge_study(plan)
    write_result(output, verdict_result(study, verdicts))
    write_table(table, VERDICT_COLUMNS, verdict_rows(verdicts))
    write_verdict_page(page, study, verdicts)


main = command(_made, (), ("plan", "output", "table", "page"))
