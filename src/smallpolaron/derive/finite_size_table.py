"""The table of mobility against the number of sites, one series per physical system."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from smallpolaron.analysis.finite_size import FiniteSizeTable, SizeRow, finite_size_table
from smallpolaron.derive.tables import Row
from smallpolaron.results.store import Result
from smallpolaron.study.baths import bath_physics
from smallpolaron.study.parameters import confidence, number, whole
from smallpolaron.study.sections import AnalysisConfig

FINITE_SIZE_COLUMNS = (
    "series",
    "point",
    "topology",
    "eta_cm",
    "gamma_cm",
    "temperature_K",
    "accuracy",
    "depth",
    "n_sites",
    "D_A2_fs",
    "D_error_A2_fs",
    "D_error_record_A2_fs",
    "D_paper",
    "D_paper_error",
    "mobility_cm2_Vs",
    "mobility_error_cm2_Vs",
    "used",
    "difference_percent",
    "difference_paper",
    "flagged",
    "reference",
    "first_converged_band",
    "first_converged_percent",
    "remark",
)


def finite_size_rows(results: Sequence[Result], settings: AnalysisConfig) -> list[Row]:
    """Return mobility against the number of sites from mobility results.

    Points without a number (their run was unusable) appear with NaN and the reason. Of several
    runs of one size, the most accurate that is not flagged is used to judge convergence.
    """
    rows: list[Row] = []
    for index, members in enumerate(_systems(results), start=1):
        rows += _system_rows(index, members, settings)
    return rows


def _systems(results: Sequence[Result]) -> list[list[Result]]:
    """Group results of one physical system, whatever their size and accuracy."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(_physics(result.parameters), []).append(result)
    return [sorted(group, key=_order) for group in groups.values()]


def _physics(parameters: Mapping[str, Any]) -> str:
    model = {key: value for key, value in parameters["model"].items() if key != "n_sites"}
    return json.dumps([model, bath_physics(parameters)], sort_keys=True)


def _order(result: Result) -> tuple[int, tuple[bool, float], str]:
    parameters = result.parameters
    size = whole(parameters, "model.n_sites")
    return size, confidence(parameters), str(parameters.get("point"))


def _best(members: list[Result]) -> dict[int, Result]:
    """Return the run of every size that is used: not flagged, then the most accurate."""
    best: dict[int, Result] = {}
    for result in members:
        size = whole(result.parameters, "model.n_sites")
        if not math.isfinite(_number(result, "D")):
            continue
        if size not in best or best[size].flagged or not result.flagged:
            best[size] = result
    return best


def _table(best: Mapping[int, Result], settings: AnalysisConfig) -> FiniteSizeTable | None:
    if not best:
        return None
    runs = list(best.values())
    return finite_size_table(
        list(best),
        [_number(r, "D") for r in runs],
        [r.flagged for r in runs],
        number(runs[0].parameters, "model.temperature_K"),
        band_paper_units=settings.band_paper_units,
        band_percent=settings.band_percent,
    )


def _system_rows(index: int, members: list[Result], settings: AnalysisConfig) -> list[Row]:
    best = _best(members)
    table = _table(best, settings)
    by_size = {row.n_sites: row for row in table.rows} if table else {}
    rows = []
    for result in members:
        size = whole(result.parameters, "model.n_sites")
        used = best.get(size) is result
        rows.append(_row(index, result, table, by_size[size] if used else None))
    return rows


def _row(index: int, result: Result, table: FiniteSizeTable | None, found: SizeRow | None) -> Row:
    parameters = result.parameters
    failed = ", ".join(result.failed_gates)
    remarks = [failed and f"flagged: {failed}", result.notes.get("reason", "")]
    if "D_error" in result.notes:
        remarks.append(f"error {result.notes['D_error']}")
    if table and found:
        remarks += [table.band.reason, table.percent.reason]
    return {
        "series": index,
        "point": parameters.get("point"),
        "topology": parameters["model"]["topology"],
        "eta_cm": parameters["bath"]["eta_cm"],
        "gamma_cm": parameters["bath"]["gamma_cm"],
        "temperature_K": parameters["model"]["temperature_K"],
        "accuracy": parameters["accuracy"],
        "depth": parameters["hierarchy"]["depth"],
        "n_sites": parameters["model"]["n_sites"],
        "D_A2_fs": _number(result, "D"),
        "D_error_A2_fs": _number(result, "D_error"),
        "D_error_record_A2_fs": _number(result, "D_error_record"),
        "D_paper": _number(result, "D_paper"),
        "D_paper_error": _number(result, "D_paper_error"),
        "mobility_cm2_Vs": _number(result, "mobility"),
        "mobility_error_cm2_Vs": _number(result, "mobility_error"),
        "used": found is not None,
        "difference_percent": found.difference_percent if found else math.nan,
        "difference_paper": found.difference_paper if found else math.nan,
        "flagged": result.flagged,
        "reference": table.reference if table else "none: no size gave a number",
        "first_converged_band": table.band.n_sites if table else None,
        "first_converged_percent": table.percent.n_sites if table else None,
        "remark": "; ".join(dict.fromkeys(text for text in remarks if text)),
    }


def _number(result: Result, name: str) -> float:
    return float(result.variables[name].data.real)
