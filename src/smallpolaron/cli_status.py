"""The command that tells how far a study is: status."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from smallpolaron.cli_options import (
    Add,
    add_configuration,
    number_above_0,
    whole_number_above_0,
)

_CLEAR = "\x1b[H\x1b[2J"


def add_commands(add: Add) -> None:
    """Add the command."""
    parser = add("status", _status, "tell how far the MPI jobs of a study are")
    add_configuration(parser)
    parser.add_argument(
        "--results", type=Path, help="folder of its results (default: results/<study>)"
    )
    parser.add_argument(
        "--watch",
        type=number_above_0,
        nargs="?",
        const=5.0,
        metavar="SECONDS",
        help="show it again every few seconds (default: 5) until all jobs are done",
    )
    parser.add_argument(
        "--cores",
        type=whole_number_above_0,
        default=os.cpu_count() or 1,
        help="cores the rest will run on, for the time left (default: those of this machine)",
    )


def _status(options: argparse.Namespace) -> int:
    from smallpolaron.studies.status import status, status_lines
    from smallpolaron.studies.store import StoreError
    from smallpolaron.studies.study import load_plan

    plan = load_plan(options.configuration)
    if options.results and not options.results.is_dir():
        raise StoreError(f"{options.results}: no such folder; give that of the results of a study")
    results = options.results or Path("results") / plan.study
    if not results.is_dir():
        print(
            f"nothing has been run here: there is no folder {results} in {Path.cwd()}; go to the "
            "folder of the run, or name the results with --results",
            file=sys.stderr,
        )
    try:
        while True:
            found = status(plan, results)
            text = "\n".join(status_lines(plan.study, found, options.cores))
            # a terminal is refreshed, a file keeps every state
            print(f"{_CLEAR}{text}" if options.watch and sys.stdout.isatty() else text, flush=True)
            ended = not any(each.state in ("running", "waiting") for each in found)
            if options.watch is None or ended:
                return 1 if any(each.state in ("failed", "unreadable") for each in found) else 0
            time.sleep(options.watch)
    except KeyboardInterrupt:
        return 0
