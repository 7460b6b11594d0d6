"""Tables as CSV: the points of a study, every quality gate."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from smallpolaron.planning.jobs import Job
from smallpolaron.planning.resources import estimate
from smallpolaron.results.store import Result
from smallpolaron.study.plan import Plan
from smallpolaron.support.files import write_text

Row = dict[str, object]


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write a CSV file in one step; numbers in full precision, NaN as ``nan``."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _cell(row[key]) for key in columns})
    write_text(path, buffer.getvalue())


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return json.dumps(list(value))
    return value


POINT_COLUMNS = (
    *("point", "protocol", "block", "ladder", "n_sites", "topology", "hopping_cm"),
    *("site_energies_cm", "temperature_K", "eta_cm", "gamma_cm", "eta_over_v"),
    *("gamma_over_v", "baths", "bath_terms", "accuracy", "depth", "max_excited_sites"),
    *("symmetry", "duration_fs", "unknowns", "unknowns_exact", "ranks", "mem_mb_per_cpu"),
    *("runtime_min", "core_hours"),
)


def point_rows(plan: Plan, missing: Mapping[str, str] | None = None) -> list[Row]:
    """Return one row per job: what is computed and what it is expected to need.

    The sizes of ladders come last, with the name of their ladder; not all may be needed.

    Args:
        plan: plan of the study.
        missing: why results are missing, by the names of their jobs, for a last column.
    """
    rows = []
    ladder_of = {rung.id: ladder.name for ladder in plan.ladders for rung in ladder.rungs}
    for point in (*plan.points, *plan.rungs):
        parameters, content = point.parameters, point.parameters.content()
        sections = ("model", "bath", "hierarchy", "propagation")
        flat = {key: value for name in sections for key, value in content[name].items()}
        for protocol in point.protocols:
            need = estimate(parameters, protocol, plan.resources)
            row: Row = {
                **flat,
                **point.derived,
                "point": point.id,
                "protocol": protocol,
                "block": point.block,
                "baths": parameters.bath.description,
                "ladder": ladder_of.get(point.id),
                "accuracy": parameters.accuracy,
                "unknowns": need.unknowns,
                "unknowns_exact": need.exact,
                "ranks": need.tasks,
                "mem_mb_per_cpu": need.mem_mb_per_cpu,
                "runtime_min": need.runtime_min,
                "core_hours": round(need.core_hours.expected, 4),
            }
            if protocol != "current" and not parameters.is_infinite:
                row["symmetry"] = "none"
            if missing is not None:
                row["missing"] = missing.get(Job(point, protocol).name, "")
            rows.append(row)
    return rows


QUALITY_COLUMNS = (
    *("point", "kind", "start", "flagged", "gate", "value", "bound", "passed", "meaning"),
)


def quality_rows(results: Sequence[Result]) -> list[Row]:
    """Return one row per run and gate, failed or not."""
    return [
        {
            "point": result.parameters.get("point"),
            "kind": result.kind,
            "start": result.parameters.get("start"),
            "flagged": result.flagged,
            "gate": gate.name,
            "value": gate.value,
            "bound": gate.bound,
            "passed": gate.passed,
            "meaning": gate.meaning,
        }
        for result in results
        for gate in result.gates
    ]
