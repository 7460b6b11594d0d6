"""The table of all finite-size ladders of a study, one row per size."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from smallpolaron.derive.tables import Row
from smallpolaron.model.units import mobility_cm2, paper_units
from smallpolaron.results.store import Result
from smallpolaron.study.parameters import number

LADDER_COLUMNS = (
    "ladder",
    "topology",
    "eta_cm",
    "gamma_cm",
    "temperature_K",
    "accuracy",
    "depth",
    "n_sites",
    "D_A2_fs",
    "D_error_A2_fs",
    "D_paper",
    "D_paper_error",
    "mobility_cm2_Vs",
    "mobility_error_cm2_Vs",
    "change_percent",
    "change_paper",
    "usable",
    "fitted",
    "outcome",
    "converged_n_sites",
    "D_infinity_A2_fs",
    "D_infinity_error_A2_fs",
    "D_infinity_paper",
    "D_infinity_paper_error",
    "D_infinite_ring_A2_fs",
    "D_infinite_ring_error_A2_fs",
    "infinite_ring_usable",
    "flagged",
    "remark",
)


def ladder_rows(ladders: Sequence[Result]) -> Iterator[Row]:
    """Yield one row per ladder and size; what holds for the whole ladder stands in each."""
    for result in ladders:
        common = _common(result)
        for index in range(np.size(result.variables["n_sites"].data)):
            row = {**common, **_size(result, index)}
            yield {key: row[key] for key in LADDER_COLUMNS}


def infinite_ring_usable(ladder: Result) -> bool | None:
    """Return whether the run of the infinite ring passed its gates; None if there is none.

    Older files do not say so; there a failed comparison may be due to the run.
    """
    if not math.isfinite(_scalar(ladder, "D_infinite_ring")):
        return None
    if "infinite_ring_usable" in ladder.variables:
        return bool(_scalar(ladder, "infinite_ring_usable"))
    return "infinite_ring_agreement" not in ladder.failed_gates


def _scalar(result: Result, name: str) -> float:
    return float(result.variables[name].data.real)


def _common(result: Result) -> Row:
    parameters, notes = result.parameters, result.notes
    converged = _scalar(result, "converged_n_sites")
    remarks = [notes["verdict"], *(notes.get(key, "") for key in ("form", "reason", "errors"))]
    return {
        "ladder": parameters["point"],
        "topology": parameters["model"]["topology"],
        "eta_cm": parameters["bath"]["eta_cm"],
        "gamma_cm": parameters["bath"]["gamma_cm"],
        "temperature_K": parameters["model"]["temperature_K"],
        "accuracy": parameters["accuracy"],
        "depth": parameters["hierarchy"]["depth"],
        "outcome": notes["outcome"],
        "converged_n_sites": int(converged) if math.isfinite(converged) else None,
        "D_infinity_A2_fs": _scalar(result, "D_infinity"),
        "D_infinity_error_A2_fs": _scalar(result, "D_infinity_error"),
        "D_infinity_paper": _scalar(result, "D_infinity_paper"),
        "D_infinity_paper_error": _scalar(result, "D_infinity_paper_error"),
        "D_infinite_ring_A2_fs": _scalar(result, "D_infinite_ring"),
        "D_infinite_ring_error_A2_fs": _scalar(result, "D_infinite_ring_error"),
        "infinite_ring_usable": infinite_ring_usable(result),
        "flagged": result.flagged,
        "remark": "; ".join(text for text in remarks if text),
    }


def _size(result: Result, index: int) -> Row:
    data = {
        name: np.asarray(result.variables[name].data)[index]
        for name in ("n_sites", "D", "D_error", "change", "usable", "fitted")
    }
    D, error, change = (float(data[name]) for name in ("D", "D_error", "change"))
    temperature = number(result.parameters, "model.temperature_K")
    return {
        "n_sites": int(data["n_sites"]),
        "D_A2_fs": D,
        "D_error_A2_fs": error,
        "D_paper": paper_units(D),
        "D_paper_error": paper_units(error),
        "mobility_cm2_Vs": mobility_cm2(D, temperature),
        "mobility_error_cm2_Vs": mobility_cm2(error, temperature),
        "change_percent": 100 * change / D if D else math.nan,
        "change_paper": paper_units(change),
        "usable": bool(data["usable"]),
        "fitted": bool(data["fitted"]),
    }
