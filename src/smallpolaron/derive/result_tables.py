"""Tables of many results: all of a study, mobility against size, ladders, ensembles."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from smallpolaron.analysis.finite_size import FiniteSizeTable, SizeRow, finite_size_table
from smallpolaron.derive.derive import bands
from smallpolaron.derive.study_results import StudyResults
from smallpolaron.derive.tables import (
    POINT_COLUMNS,
    QUALITY_COLUMNS,
    Row,
    point_rows,
    quality_rows,
    write_table,
)
from smallpolaron.model.units import mobility_cm2, paper_units
from smallpolaron.results.store import Result
from smallpolaron.study.disorder_section import DISORDERED
from smallpolaron.study.physical_system import physics
from smallpolaron.study.sections import AnalysisConfig
from smallpolaron.support.canonical import parameter_hash

_NUMERICS: Final = ("accuracy", "depth")
_SYSTEM: Final = ("topology", "eta_cm", "gamma_cm", "temperature_K")
FINITE_SIZE_COLUMNS: Final = (
    *("series", "point", *_SYSTEM, *_NUMERICS, "n_sites"),
    *("D_A2_fs", "D_error_A2_fs", "D_error_record_A2_fs", "D_paper", "D_paper_error"),
    *("mobility_cm2_Vs", "mobility_error_cm2_Vs", "used", "difference_percent"),
    *("difference_paper", "flagged", "reference", "first_converged_band"),
    *("first_converged_percent", "remark"),
)
LADDER_COLUMNS: Final = (
    *("ladder", *_SYSTEM, *_NUMERICS, "n_sites"),
    *("D_A2_fs", "D_error_A2_fs", "D_paper", "D_paper_error", "mobility_cm2_Vs"),
    *("mobility_error_cm2_Vs", "change_percent", "change_paper", "usable", "fitted"),
    *("outcome", "converged_n_sites", "D_infinity_A2_fs", "D_infinity_error_A2_fs"),
    *("D_infinity_paper", "D_infinity_paper_error", "D_infinite_ring_A2_fs"),
    *("D_infinite_ring_error_A2_fs", "infinite_ring_usable", "flagged", "remark"),
)
_DRAWN: Final = ("seed", *(f"{n}_{what}" for n in DISORDERED for what in ("cm", "distribution")))
_NUMBERS: Final = ("D", "D_low", "D_high", "D_spread")
ENSEMBLE_COLUMNS: Final = (
    *("ensemble", "start", "topology", "n_sites", "eta_cm", "gamma_cm", "temperature_K"),
    *(f"disorder_{key}" for key in _DRAWN),
    *("member", "point", "used", "member_D_A2_fs", "member_D_error_A2_fs"),
    *(f"{name}_A2_fs" for name in _NUMBERS),
    *("flagged", "remark"),
)


def _system(parameters: Mapping[str, Any]) -> Row:
    """Return the cells of the physical system and of what decides the accuracy."""
    both = {**parameters["model"], **parameters["bath"]}
    numerics = {"accuracy": parameters["accuracy"], "depth": parameters["hierarchy"]["depth"]}
    return {key: both[key] for key in (*_SYSTEM, "n_sites")} | numerics


def finite_size_rows(results: Sequence[Result], settings: AnalysisConfig) -> list[Row]:
    """Return mobility against the number of sites from mobility results.

    Points without a number (their run was unusable) appear with NaN and the reason. Of several
    runs of one size, the most accurate that is not flagged is used to judge convergence.
    """
    groups: dict[str, list[Result]] = {}
    for result in results:
        key = result.resolved.model.topology + parameter_hash(physics(result.resolved))
        groups.setdefault(key, []).append(result)

    def order(result: Result) -> tuple[int, tuple[bool, float], str]:
        point = result.resolved
        return point.n_sites, point.confidence, str(result.parameters.get("point"))

    rows: list[Row] = []
    for index, members in enumerate(groups.values(), start=1):
        rows += _series(index, sorted(members, key=order), settings)
    return rows


def _best(members: Sequence[Result]) -> dict[int, Result]:
    """Return the run of every size that is used: not flagged, then the most accurate."""
    best: dict[int, Result] = {}
    for result in members:
        size = result.resolved.n_sites
        if not math.isfinite(result.number("D")):
            continue
        if size not in best or best[size].flagged or not result.flagged:
            best[size] = result
    return best


def _series(index: int, members: Sequence[Result], settings: AnalysisConfig) -> Iterator[Row]:
    best, table = _best(members), None
    if best:
        runs = list(best.values())
        table = finite_size_table(
            list(best),
            [r.number("D") for r in runs],
            [r.flagged for r in runs],
            runs[0].resolved.model.temperature_K,
            **bands(settings),
        )
    by_size = {row.n_sites: row for row in table.rows} if table else {}
    for result in members:
        size = result.resolved.n_sites
        used = by_size[size] if best.get(size) is result else None
        yield {"series": index} | _row(result, table, used)


def _row(result: Result, table: FiniteSizeTable | None, found: SizeRow | None) -> Row:
    failed = ", ".join(result.failed_gates)
    remarks = [failed and f"flagged: {failed}", result.notes.get("reason", "")]
    if "D_error" in result.notes:
        remarks.append(f"error {result.notes['D_error']}")
    if table and found:
        remarks += [table.band.reason, table.percent.reason]
    return {
        "point": result.parameters.get("point"),
        **_system(result.parameters),
        "D_A2_fs": result.number("D"),
        "D_error_A2_fs": result.number("D_error"),
        "D_error_record_A2_fs": result.number("D_error_record"),
        "D_paper": result.number("D_paper"),
        "D_paper_error": result.number("D_paper_error"),
        "mobility_cm2_Vs": result.number("mobility"),
        "mobility_error_cm2_Vs": result.number("mobility_error"),
        "used": found is not None,
        "difference_percent": found.difference_percent if found else math.nan,
        "difference_paper": found.difference_paper if found else math.nan,
        "flagged": result.flagged,
        "reference": table.reference if table else "none: no size gave a number",
        "first_converged_band": table.band.n_sites if table else None,
        "first_converged_percent": table.percent.n_sites if table else None,
        "remark": "; ".join(dict.fromkeys(text for text in remarks if text)),
    }


def ladder_rows(ladders: Sequence[Result]) -> Iterator[Row]:
    """Yield one row per ladder and size; what holds for the whole ladder stands in each."""
    for result in ladders:
        common = _ladder(result)
        names = ("n_sites", "D", "D_error", "change", "usable", "fitted")
        columns = (result.array(name).tolist() for name in names)
        temperature = result.resolved.model.temperature_K
        for n_sites, D, error, change, usable, fitted in zip(*columns, strict=True):
            yield {
                **common,
                "n_sites": int(n_sites),
                "D_A2_fs": D,
                "D_error_A2_fs": error,
                "D_paper": paper_units(D),
                "D_paper_error": paper_units(error),
                "mobility_cm2_Vs": mobility_cm2(D, temperature),
                "mobility_error_cm2_Vs": mobility_cm2(error, temperature),
                "change_percent": 100 * change / D if D else math.nan,
                "change_paper": paper_units(change),
                "usable": bool(usable),
                "fitted": bool(fitted),
            }


def infinite_ring_usable(ladder: Result) -> bool | None:
    """Return whether the run of the infinite ring passed its gates; None if there is none.

    Older files do not say so; there a failed comparison may be due to the run.
    """
    if not math.isfinite(ladder.number("D_infinite_ring")):
        return None
    if "infinite_ring_usable" in ladder.variables:
        return bool(ladder.number("infinite_ring_usable"))
    return "infinite_ring_agreement" not in ladder.failed_gates


def _ladder(result: Result) -> Row:
    converged, notes = result.number("converged_n_sites"), result.notes
    remarks = [notes["verdict"], *(notes.get(key, "") for key in ("form", "reason", "errors"))]
    return {
        "ladder": result.parameters["point"],
        **_system(result.parameters),
        "outcome": notes["outcome"],
        "converged_n_sites": int(converged) if math.isfinite(converged) else None,
        "D_infinity_A2_fs": result.number("D_infinity"),
        "D_infinity_error_A2_fs": result.number("D_infinity_error"),
        "D_infinity_paper": result.number("D_infinity_paper"),
        "D_infinity_paper_error": result.number("D_infinity_paper_error"),
        "D_infinite_ring_A2_fs": result.number("D_infinite_ring"),
        "D_infinite_ring_error_A2_fs": result.number("D_infinite_ring_error"),
        "infinite_ring_usable": infinite_ring_usable(result),
        "flagged": result.flagged,
        "remark": "; ".join(text for text in remarks if text),
    }


def ensemble_rows(ensembles: Sequence[Result]) -> Iterator[Row]:
    """Yield one row per ensemble and member; what holds for the whole ensemble stands in each."""
    for result in ensembles:
        remarks = (result.notes.get("reason", ""), result.notes.get("D", ""))
        common = {
            **_system(result.parameters),
            "ensemble": result.parameters["point"],
            "start": result.parameters.get("start"),
            **{f"disorder_{key}": result.parameters["disorder"][key] for key in _DRAWN},
            **{f"{name}_A2_fs": result.number(name) for name in _NUMBERS},
            "flagged": result.flagged,
            "remark": "; ".join(filter(None, remarks)),
        }
        names = ("member", "members/point", "members/used", "members/D")
        columns = [result.array(name) for name in names]
        errors = result.variables.get("members/D_error")  # only of currents
        unknown = np.full(columns[0].shape, np.nan)
        columns.append(unknown if errors is None else np.asarray(errors.data))
        for member, point, used, D, error in zip(*columns, strict=True):
            row = common | {
                "member": int(member),
                "point": point.decode(),
                "used": bool(used),
                "member_D_A2_fs": float(D),
                "member_D_error_A2_fs": float(error),
            }
            yield {key: row[key] for key in ENSEMBLE_COLUMNS}


BY_KIND: Final = {
    "ladder": (LADDER_COLUMNS, ladder_rows),
    "ensemble": (ENSEMBLE_COLUMNS, ensemble_rows),
}
"""Columns and rows of the tables of the kinds that are made from many points."""


def write_tables(found: StudyResults, folder: Path) -> None:
    """Write points.csv, quality.csv and finite_size.csv of the results that there are."""
    rows = point_rows(found.whole, found.missing)
    write_table(folder / "points.csv", (*POINT_COLUMNS, "missing"), rows)
    judged = quality_rows([*found.runs, *found.ladders, *found.ensembles])
    write_table(folder / "quality.csv", QUALITY_COLUMNS, judged)
    sizes = finite_size_rows(found.mobilities, found.plan.analysis)
    write_table(folder / "finite_size.csv", FINITE_SIZE_COLUMNS, sizes)
