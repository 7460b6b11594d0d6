"""The command for the comparison of methods over a whole study: verdict."""

from __future__ import annotations

import argparse
from pathlib import Path

from smallpolaron.cli_options import Add


def add_commands(add: Add) -> None:
    """Add the command."""
    text = "compare Green-Kubo and mean-squared displacement over a study: convergence and cost"
    parser = add("verdict", _verdict, text)
    parser.add_argument(
        "--plan", type=Path, required=True, help="plan; result files are looked for beside it"
    )
    parser.add_argument("--output", type=Path, required=True, help="result file to write (HDF5)")
    parser.add_argument("--table", type=Path, required=True, help="table to write (CSV); replaced")
    parser.add_argument("--page", type=Path, required=True, help="page to write (HTML); replaced")
    parser.add_argument("--overwrite", action="store_true", help="replace a result that is there")


def _verdict(options: argparse.Namespace) -> int:
    from smallpolaron.studies.store import write_result
    from smallpolaron.studies.tables import write_table
    from smallpolaron.studies.verdict_job import judge_study, verdict_result
    from smallpolaron.studies.verdict_table import VERDICT_COLUMNS, verdict_rows, write_verdict_page

    plan, judged = judge_study(options.plan)
    write_result(options.output, verdict_result(plan, judged), overwrite=options.overwrite)
    write_table(options.table, VERDICT_COLUMNS, verdict_rows(judged))
    write_verdict_page(options.page, plan, judged)
    return 0
