"""The command for the spreading of a carrier from one site: spreading."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from smallpolaron.cli_options import Add, add_output


def add_commands(add: Add) -> None:
    """Add the command."""
    parser = add("spreading", _spreading, "displacement, exponent and regimes of a carrier")
    parser.add_argument("--plan", type=Path, required=True, help="plan, for the criteria")
    parser.add_argument(
        "--population",
        type=Path,
        required=True,
        help="population or displacement result file (HDF5)",
    )
    parser.add_argument(
        "--partner", type=Path, nargs="?", help="the same system from the other start, if any"
    )
    add_output(parser)


def _spreading(options: argparse.Namespace) -> int:
    from smallpolaron.studies.derive import with_criteria
    from smallpolaron.studies.inputs import read_input
    from smallpolaron.studies.plan import read_plan
    from smallpolaron.studies.spreading_job import spreading_result
    from smallpolaron.studies.store import write_result

    settings = read_plan(options.plan).analysis
    source = read_input(options.population, ("population", "displacement"), of_a_point=True)
    path = options.partner
    partner = read_input(path, (source.kind,), of_a_point=True) if path else None
    result = with_criteria(spreading_result(source, partner, settings), settings)
    write_result(options.output, result, overwrite=options.overwrite)
    if "reason" in result.notes:
        print(f"{options.output}: no numbers: {result.notes['reason']}", file=sys.stderr)
    return 0
