"""All tables of a study, from its plan and the result files beside the plan."""

from __future__ import annotations

from pathlib import Path

from smallpolaron.derive.result_tables import FINITE_SIZE_COLUMNS, finite_size_rows
from smallpolaron.derive.tables import (
    POINT_COLUMNS,
    QUALITY_COLUMNS,
    point_rows,
    quality_rows,
    write_table,
)
from smallpolaron.planning.ladder_files import computed
from smallpolaron.planning.present import absences, present
from smallpolaron.runs.inputs import read_input
from smallpolaron.study.plan import read_plan


def write_all(plan_path: Path, folder: Path) -> None:
    """Write points.csv, quality.csv and finite_size.csv of the results that there are.

    Raises:
        PlanError: the plan cannot be used.
        StoreError: a result file is damaged.
    """
    results = plan_path.parent
    whole = computed(read_plan(plan_path), results)
    plan, missing = present(whole, results), absences(whole, results)
    runs = [
        read_input(results / "correlation" / f"{point.id}.h5", ("correlation",))
        for point in plan.with_protocol("current")
    ]
    runs += [
        read_input(results / "population" / f"{point.id}__{start}.h5")
        for point in plan.points
        for start in point.populations
    ]
    ladders = [
        read_input(results / "ladder" / f"{ladder.name}.h5", ("ladder",)) for ladder in plan.ladders
    ]
    ensembles = [
        read_input(results / "ensemble" / f"{name}.h5", ("ensemble",))
        for ensemble in plan.ensembles
        for name in ensemble.run_names
    ]
    members = {name for ensemble in plan.ensembles for name in ensemble.members}
    mobilities = [
        read_input(results / "mobility" / f"{point.id}.h5", ("mobility",))
        for point in plan.with_protocol("current")
        if point.id not in members  # their mean counts, not any of them
    ]
    rows = point_rows(whole, missing)
    write_table(folder / "points.csv", (*POINT_COLUMNS, "missing"), rows)
    judged = quality_rows([*runs, *ladders, *ensembles])
    write_table(folder / "quality.csv", QUALITY_COLUMNS, judged)
    sizes = finite_size_rows(mobilities, plan.analysis)
    write_table(folder / "finite_size.csv", FINITE_SIZE_COLUMNS, sizes)
