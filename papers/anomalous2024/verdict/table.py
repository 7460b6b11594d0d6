"""The verdict of a study on methods: result file, table with one row per run, and page."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from papers.anomalous2024.verdict.evidence import gather
from papers.anomalous2024.verdict.judge import (
    LATTICE_WORDS,
    LATTICES,
    METHOD_WORDS,
    METHODS,
    OUTCOMES,
    Finding,
    SystemVerdict,
    describe_reference,
    describe_series,
    describe_verdict,
    name,
    reach_verdict,
)
from smallpolaron.derive.derive import D_UNIT, NAN
from smallpolaron.derive.tables import Row, write_table
from smallpolaron.figures.html import Cell, definitions, table, write_page
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


_WHICH: Final = {
    "method": Column("1", f"{_codes(METHODS)}.", lambda s: METHODS.index(s.method)),
    "lattice": Column("1", f"{_codes(LATTICES)}.", lambda s: LATTICES.index(s.lattice)),
}
_RUN: Final = {
    "n_sites": Column(
        *("1", "Number of sites; of the infinite lattice its window."),
        *(lambda f: f.evidence.n_sites, "n_sites"),
    ),
    "D": Column(
        *(D_UNIT, "Settled integral of C_JJ, or diffusive plateau; NaN without one."),
        *(lambda f: f.evidence.D_A2_fs, "D_A2_fs"),
    ),
    "D_error": Column(
        *(D_UNIT, "Its own error: of the run; of a plateau its flatness and that of its slope."),
        *(lambda f: f.evidence.error_A2_fs, "D_error_A2_fs"),
    ),
    "deviation": Column(
        *("%", "Deviation of D from the reference."),
        *(lambda f: f.deviation_percent, "deviation_percent"),
    ),
    "deviation_error": Column(
        *("%", "Own error and that of the reference, over the reference."),
        *(lambda f: f.error_percent, "deviation_error_percent"),
    ),
    "agrees": Column(
        *("1", "1 within the tolerance, 0 not, -1 no evidence."),
        lambda f: -1 if f.agrees is None else int(f.agrees),
    ),
    "certain": Column(
        "1", "Whether the errors leave no doubt about that.", lambda f: f.certain, "certain"
    ),
    "needed_fs": Column(
        *("fs", "When the integral has settled, or the plateau lasted for long enough."),
        *(lambda f: f.evidence.needed_fs, "needed_fs"),
    ),
    "record_fs": Column("fs", "Length of the run.", lambda f: f.evidence.record_fs, "record_fs"),
    "core_seconds": Column(
        *("s", "Wall time of the job times its ranks."),
        *(lambda f: f.evidence.cost.core_seconds, "core_s"),
    ),
    "memory_MB": Column(
        "MB", "Largest memory of one rank.", lambda f: f.evidence.cost.memory_MB, "memory_MB"
    ),
    "products": Column(
        *("1", "Products of the generator with a state."),
        *(lambda f: f.evidence.cost.products, "products"),
    ),
    "basis_size": Column(
        *("1", "Elements of the largest state."),
        *(lambda f: f.evidence.cost.basis_size, "basis_size"),
    ),
    "flagged": Column(
        "1", "Whether a quality gate failed.", lambda f: f.evidence.flagged, "flagged"
    ),
}
_SERIES: Final = {
    "outcome": Column("1", f"{_codes(OUTCOMES)}.", lambda s: OUTCOMES.index(s.outcome)),
    "n_sites": Column(
        *("1", "Size from which on all agree, or that of the reference; NaN without one."),
        lambda s: float(s.n_sites or NAN),
    ),
    "largest_n_sites": Column(
        *("1", "Largest size that is evidence; 0 without one."),
        lambda s: max((f.evidence.n_sites for f in s.counted), default=0),
    ),
    "core_seconds": Column("s", "Cost at that size.", lambda s: s.core_seconds),
    "memory_MB": Column(
        *("MB", "Largest memory of one rank at that size."),
        lambda s: s.first.cost.memory_MB if s.first else NAN,
    ),
    "cost_factor": Column(
        *("1", "Core seconds over those of the cheapest method; NaN if not ranked."),
        *(lambda s: s.factor, "cost_factor"),
    ),
    "fall_inside_fs": Column(
        *("fs", "Open chain: last time of its integral within the tolerance."),
        lambda s: s.fall.inside_fs if s.fall else NAN,
    ),
    "fall_end_fs": Column(
        "fs", "Open chain: end of that record.", lambda s: s.fall.end_fs if s.fall else NAN
    ),
    "fall_end": Column(
        *("%", "Open chain: integral at the end over the reference."),
        lambda s: s.fall.end_percent if s.fall else NAN,
    ),
}


def _of_system(key: str, units: str, text: str) -> Column:
    return Column(units, text, lambda verdict: system_columns(_parameters(verdict))[key], key)


_SYSTEM: Final = {
    "eta_cm": _of_system("eta_cm", "cm^-1", "Coupling strength of the (first) bath."),
    "gamma_cm": _of_system("gamma_cm", "cm^-1", "Relaxation rate of the (first) bath."),
    "hopping_cm": _of_system("hopping_cm", "cm^-1", "Hopping."),
    "temperature_K": _of_system("temperature_K", "K", "Temperature."),
    "reference_D": Column(
        *(D_UNIT, "What all D are compared with; NaN without a reference."),
        *(lambda v: v.reference.D_A2_fs if v.reference else NAN, "reference_D_A2_fs"),
    ),
    "reference_D_error": Column(
        *(D_UNIT, "Its own error."),
        *(lambda v: v.reference.error_A2_fs if v.reference else NAN, "reference_D_error_A2_fs"),
    ),
    "confirmed": Column(
        *("1", "Whether another method, or lattice, converges to it."),
        *(lambda v: v.confirmed, "reference_confirmed"),
    ),
}


def _parameters(verdict: SystemVerdict) -> Parameters:
    return verdict.series[0].findings[0].evidence.point_parameters


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
    points = [f.evidence.point for _, f in findings]
    runs = [(i, f.evidence) for i, f in findings]
    return Result(
        kind="verdict",
        variables=_group("runs", "run", _WHICH, runs)
        | _group("runs", "run", _RUN, findings)
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
    outcomes = (f"{name(s.method, s.lattice)}: {describe_series(s)}" for s in verdict.series)
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
                each = finding.evidence
                row = _titled(_SYSTEM, verdict) | _titled(_SERIES, series) | _titled(_RUN, finding)
                row |= {
                    "system": key,
                    "reference": verdict.reference.point if verdict.reference else "none",
                    "topology": series.lattice,
                    "method": series.method,
                    "outcome": series.outcome.replace("_", " "),
                    "converged_n_sites": series.n_sites if series.outcome == "converged" else None,
                    "point": each.point,
                    "accuracy": each.point_parameters.accuracy,
                    "D_paper": paper_units(each.D_A2_fs),
                    "D_paper_error": paper_units(each.error_A2_fs),
                    "agrees": finding.agrees,
                    "remark": each.reason or describe_series(series),
                }
                yield {title: row[title] for title in VERDICT_COLUMNS}


def _titled(columns: Mapping[str, Column], thing: object) -> Row:
    return {each.title: each.read(thing) for each in columns.values() if each.title}


_HEAD: Final = (
    *("method", "lattice", "N", "D (Å²/fs)", "deviation (%)", "needed (fs)", "core s"),
    *("memory (MB)", "products", "basis size"),
)


def write_verdict_page(path: Path, plan: Plan, verdicts: Verdicts) -> None:
    """Write the page: per system the verdict in words and a table of all its runs."""
    parts = []
    for verdict in verdicts.values():
        outcomes = ((name(s.method, s.lattice), describe_series(s)) for s in verdict.series)
        words = [("Verdict", describe_verdict(verdict)), ("Reference", describe_reference(verdict))]
        lines = [_cells(finding) for series in verdict.series for finding in series.findings]
        parts += [
            f"<h2>{system_title(_parameters(verdict))}</h2>",
            definitions([*words, *outcomes]),
            table([Cell(text) for text in _HEAD], lines),
        ]
    text = (
        f"Study {plan.study}: which method gives the diffusion constant of the infinite lattice, "
        "from which size on, at what cost. Agreement means a deviation from the reference of at "
        f"most {plan.analysis.band_percent:g} %. Small figures: own errors; below a deviation own "
        "error and that of the reference; below the time needed the length of the record. Cost is "
        "that of one whole job, error estimates included; when a diffusive plateau begins is known "
        "only with the run from the other start. A run that failed a quality gate is flagged and "
        "counts as no evidence."
    )
    write_page(path, "Equilibrium against non-equilibrium", text, parts)


def _cells(finding: Finding) -> list[Cell]:
    each, cost = finding.evidence, finding.evidence.cost
    return [
        Cell(METHOD_WORDS[each.method], each.point, "text"),
        Cell(LATTICE_WORDS[each.lattice], look="text"),
        Cell(str(each.n_sites), "flagged" if each.flagged else ""),
        _number(each.D_A2_fs, ".4g", f"± {each.error_A2_fs:.1g}", each.reason),
        _deviation(finding),
        _number(each.needed_fs, ".0f", f"of {each.record_fs:g}"),
        _number(cost.core_seconds, ".3g"),
        _number(cost.memory_MB, ".0f"),
        _number(cost.products, ",.0f"),
        _number(cost.basis_size, ",.0f"),
    ]


def _number(value: float, form: str, small: str = "", instead: str = "") -> Cell:
    return Cell(format(value, form), small) if np.isfinite(value) else Cell("–", instead, "none")


def _deviation(finding: Finding) -> Cell:
    look = {True: "pass", False: "fail", None: "none"}[finding.agrees]
    if not np.isfinite(finding.deviation_percent):
        return Cell("–", look=look)
    doubt = "" if finding.certain or finding.agrees is None else ", uncertain"
    return Cell(f"{finding.deviation_percent:+.2f}", f"± {finding.error_percent:.2g}{doubt}", look)


def main(argv: Sequence[str] | None = None) -> None:
    """Write the verdict on the methods of a study as result file, table and page."""
    line = argparse.ArgumentParser()
    for option in ("plan", "output", "table", "page"):
        line.add_argument(f"--{option}", type=Path, required=True)
    line.add_argument("--overwrite", action="store_true", help="replace a result that is there")
    options = line.parse_args(argv)
    plan, verdicts = judge_study(options.plan)
    write_result(options.output, verdict_result(plan, verdicts), overwrite=options.overwrite)
    write_table(options.table, VERDICT_COLUMNS, verdict_rows(verdicts))
    write_verdict_page(options.page, plan, verdicts)
