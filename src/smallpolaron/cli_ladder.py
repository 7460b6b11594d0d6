"""Commands of the finite-size ladders: climb, ladder, ladder-table."""

from __future__ import annotations

import argparse
from pathlib import Path

from smallpolaron.cli_options import Add, add_output


def add_commands(add: Add) -> None:
    """Add the commands."""
    climb = add("climb", _climb, "decide whether a ladder needs its next size (JSON)")
    ladder = add("ladder", _ladder, "convergence and limit of a finished ladder")
    for parser in (climb, ladder):
        parser.add_argument("--plan", type=Path, required=True, help="plan of the study (JSON)")
        parser.add_argument("--name", required=True, help="name of the ladder in the plan")
        parser.add_argument(
            "--mobility",
            type=Path,
            nargs="+",
            required=True,
            help="mobility files of its sizes so far, increasing",
        )
    climb.add_argument("--output", type=Path, required=True, help="decision to write; replaced")
    ladder.add_argument("--infinite-ring", type=Path, nargs="?", help="its mobility file, if any")
    add_output(ladder)

    table = add("ladder-table", _table, "write the table of ladders (CSV)")
    table.add_argument("--ladder", type=Path, nargs="+", required=True, help="ladder files")
    table.add_argument("--output", type=Path, required=True, help="table to write; replaced")


def _climb(options: argparse.Namespace) -> int:
    from smallpolaron.studies.inputs import read_input
    from smallpolaron.studies.ladder.ladder_files import write_decision
    from smallpolaron.studies.ladder.ladder_job import verdict_of
    from smallpolaron.studies.plan import read_plan

    plan = read_plan(options.plan)
    mobilities = [read_input(path, ("mobility",), of_a_point=True) for path in options.mobility]
    verdict = verdict_of(plan, plan.ladder_named(options.name), mobilities)
    write_decision(options.output, verdict)
    print(f"{options.name}: {verdict.text}")
    return 0


def _ladder(options: argparse.Namespace) -> int:
    from smallpolaron.studies.inputs import read_input
    from smallpolaron.studies.ladder.ladder_job import ladder_result
    from smallpolaron.studies.plan import read_plan
    from smallpolaron.studies.store import write_result

    plan = read_plan(options.plan)
    mobilities = [read_input(path, ("mobility",), of_a_point=True) for path in options.mobility]
    path = options.infinite_ring
    ring = read_input(path, ("mobility",), of_a_point=True) if path else None
    result = ladder_result(plan, plan.ladder_named(options.name), mobilities, ring)
    write_result(options.output, result, overwrite=options.overwrite)
    return 0


def _table(options: argparse.Namespace) -> int:
    from smallpolaron.studies.inputs import read_input
    from smallpolaron.studies.ladder.ladder_table import LADDER_COLUMNS, ladder_rows
    from smallpolaron.studies.tables import write_table

    results = [read_input(path, ("ladder",)) for path in options.ladder]
    write_table(options.output, LADDER_COLUMNS, ladder_rows(results))
    return 0
