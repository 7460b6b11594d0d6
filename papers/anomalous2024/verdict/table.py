"""The verdict on methods as a table, one row per run, and as a page."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from papers.anomalous2024.verdict.judge import (
    LATTICE_WORDS,
    METHOD_WORDS,
    Finding,
    Series,
    describe_reference,
    describe_series,
    describe_verdict,
    name,
)
from papers.anomalous2024.verdict.result import Judged, judge_study, verdict_result
from smallpolaron.derive.derive import NAN
from smallpolaron.derive.tables import Row, write_table
from smallpolaron.figures.html import Cell, definitions, table, write_page
from smallpolaron.model.units import paper_units
from smallpolaron.results.store import write_result
from smallpolaron.study.physical_system import system_columns, system_title
from smallpolaron.study.plan import Plan

VERDICT_COLUMNS: Final = (
    *("system", "eta_cm", "gamma_cm", "temperature_K", "hopping_cm", "topology", "method"),
    *("n_sites", "point", "accuracy", "D_A2_fs", "D_error_A2_fs", "D_paper", "D_paper_error"),
    *("deviation_percent", "deviation_error_percent", "agrees", "certain", "needed_fs"),
    *("record_fs", "core_s", "memory_MB", "products", "basis_size", "flagged", "outcome"),
    *("converged_n_sites", "cost_factor", "reference", "reference_D_A2_fs"),
    *("reference_D_error_A2_fs", "reference_confirmed", "remark"),
)


def verdict_rows(judged: Sequence[Judged]) -> Iterator[Row]:
    """Yield one row per run; what holds for all sizes of a method stands in each of them."""
    for each in judged:
        common = _common(each)
        accuracy = {
            evidence.point: parameters["accuracy"]
            for evidence, parameters in zip(
                each.system.evidence, each.system.parameters, strict=True
            )
        }
        for place, series in enumerate(each.verdict.series):
            together = common | _series(series) | {"cost_factor": each.factors.get(place, NAN)}
            for finding in series.findings:
                row = together | _run(finding)
                row["accuracy"] = accuracy[finding.evidence.point]
                row["remark"] = finding.evidence.reason or together["remark"]
                yield {key: row[key] for key in VERDICT_COLUMNS}


def _common(judged: Judged) -> Row:
    reference = judged.verdict.reference
    return {
        "system": judged.system.name,
        **system_columns(judged.system.physics),
        "reference": reference.point if reference else "none",
        "reference_D_A2_fs": reference.D_A2_fs if reference else NAN,
        "reference_D_error_A2_fs": reference.error_A2_fs if reference else NAN,
        "reference_confirmed": judged.verdict.confirmed,
    }


def _series(series: Series) -> Row:
    return {
        "topology": series.lattice,
        "method": series.method,
        "outcome": series.outcome.replace("_", " "),
        "converged_n_sites": series.n_sites if series.outcome == "converged" else None,
        "remark": describe_series(series),
    }


def _run(finding: Finding) -> Row:
    each = finding.evidence
    return {
        "n_sites": each.n_sites,
        "point": each.point,
        "D_A2_fs": each.D_A2_fs,
        "D_error_A2_fs": each.error_A2_fs,
        "D_paper": paper_units(each.D_A2_fs),
        "D_paper_error": paper_units(each.error_A2_fs),
        "deviation_percent": finding.deviation_percent,
        "deviation_error_percent": finding.error_percent,
        "agrees": finding.agrees,
        "certain": finding.certain,
        "needed_fs": each.needed_fs,
        "record_fs": each.record_fs,
        "core_s": each.cost.core_seconds,
        "memory_MB": each.cost.memory_MB,
        "products": each.cost.products,
        "basis_size": each.cost.basis_size,
        "flagged": each.flagged,
    }


_HEAD: Final = (
    *("method", "lattice", "N", "D (Å²/fs)", "deviation (%)", "needed (fs)", "core s"),
    *("memory (MB)", "products", "basis size"),
)


def write_verdict_page(path: Path, plan: Plan, judged: Sequence[Judged]) -> None:
    """Write the page: per system the verdict in words and a table of all its runs."""
    parts = []
    for each in judged:
        verdict = each.verdict
        outcomes = ((name(s.method, s.lattice), describe_series(s)) for s in verdict.series)
        words = [("Verdict", describe_verdict(verdict)), ("Reference", describe_reference(verdict))]
        parts += [
            f"<h2>{system_title(each.system.physics)}</h2>",
            definitions([*words, *outcomes]),
            table([Cell(text) for text in _HEAD], map(_cells, _findings(each))),
        ]
    text = (
        f"Study {plan.study}: which method gives the diffusion constant of the endless lattice, "
        "from which size on, at what cost. Agreement means a deviation from the reference of at "
        f"most {plan.analysis.band_percent:g} %. Small figures: own errors; below a deviation own "
        "error and that of the reference; below the time needed the length of the record. Cost is "
        "that of one whole job, error estimates included; when a diffusive plateau begins is known "
        "only with the run from the other start. A run that failed a quality gate is flagged and "
        "counts as no evidence."
    )
    write_page(path, "Equilibrium against non-equilibrium", text, parts)


def _findings(judged: Judged) -> Iterator[Finding]:
    for series in judged.verdict.series:
        yield from series.findings


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
    plan, judged = judge_study(options.plan)
    write_result(options.output, verdict_result(plan, judged), overwrite=options.overwrite)
    write_table(options.table, VERDICT_COLUMNS, verdict_rows(judged))
    write_verdict_page(options.page, plan, judged)
