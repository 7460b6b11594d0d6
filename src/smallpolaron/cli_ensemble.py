"""Commands of the disordered ensembles: ensemble, ensemble-table."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from smallpolaron.cli_options import Add, add_output


def add_commands(add: Add) -> None:
    """Add the commands."""
    parser = add("ensemble", _ensemble, "averages over the members of a disordered ensemble")
    parser.add_argument(
        "--plan", type=Path, required=True, help="plan; the files of the members are beside it"
    )
    parser.add_argument("--name", required=True, help="name of the ensemble in the plan")
    choices = ("current", "franck_condon", "marcus")
    parser.add_argument("--protocol", choices=choices, required=True, help="which runs to average")
    add_output(parser)

    table = add("ensemble-table", _table, "write the table of ensembles (CSV)")
    table.add_argument("--ensemble", type=Path, nargs="+", required=True, help="ensemble files")
    table.add_argument("--output", type=Path, required=True, help="table to write; replaced")


def _ensemble(options: argparse.Namespace) -> int:
    from smallpolaron.studies.ensemble_job import ensemble_result, read_members
    from smallpolaron.studies.plan import read_plan
    from smallpolaron.studies.store import write_result

    plan = read_plan(options.plan)
    ensemble = plan.ensemble_named(options.name)
    members = read_members(options.plan.parent, ensemble, options.protocol)
    result = ensemble_result(plan, ensemble, options.protocol, members)
    write_result(options.output, result, overwrite=options.overwrite)
    if result.flagged:
        print(f"{options.output}: left out: {result.notes['left_out']}", file=sys.stderr)
    if "reason" in result.notes:
        print(f"{options.output}: no numbers: {result.notes['reason']}", file=sys.stderr)
    return 0


def _table(options: argparse.Namespace) -> int:
    from smallpolaron.studies.ensemble_table import ENSEMBLE_COLUMNS, ensemble_rows
    from smallpolaron.studies.inputs import read_input
    from smallpolaron.studies.tables import write_table

    results = [read_input(path, ("ensemble",)) for path in options.ensemble]
    write_table(options.output, ENSEMBLE_COLUMNS, ensemble_rows(results))
    return 0
