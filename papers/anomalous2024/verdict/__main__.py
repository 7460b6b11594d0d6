"""Compare Green-Kubo and mean-squared displacement over a study: convergence and cost."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from papers.anomalous2024.verdict.result import judge_study, verdict_result
from papers.anomalous2024.verdict.table import VERDICT_COLUMNS, verdict_rows, write_verdict_page
from smallpolaron.derive.tables import write_table
from smallpolaron.figures.runs import run_main
from smallpolaron.results.store import write_result


def main(argv: Sequence[str] | None = None) -> None:
    """Write the verdict on the methods of a study as result file, table and page."""
    parser = argparse.ArgumentParser(prog="papers.anomalous2024.verdict", description=__doc__)
    parser.add_argument(
        "--plan", type=Path, required=True, help="plan; result files are looked for beside it"
    )
    parser.add_argument("--output", type=Path, required=True, help="result file to write (HDF5)")
    parser.add_argument("--table", type=Path, required=True, help="table to write (CSV); replaced")
    parser.add_argument("--page", type=Path, required=True, help="page to write (HTML); replaced")
    parser.add_argument("--overwrite", action="store_true", help="replace a result that is there")
    options = parser.parse_args(argv)
    plan, judged = judge_study(options.plan)
    write_result(options.output, verdict_result(plan, judged), overwrite=options.overwrite)
    write_table(options.table, VERDICT_COLUMNS, verdict_rows(judged))
    write_verdict_page(options.page, plan, judged)


if __name__ == "__main__":
    run_main(main)
