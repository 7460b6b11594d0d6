"""The command that finds the parameters behind a measurement: inverse."""

from __future__ import annotations

import argparse
from pathlib import Path

from smallpolaron.cli_options import Add, add_columns, add_conjugate, add_output


def add_commands(add: Add) -> None:
    """Add the command."""
    parser = add("inverse", _inverse, "find the parameters behind a measurement")
    texts = {"results": "folders of results", "moments": "moments files"}
    texts |= {"mobility": "mobility files", "kernel": "kernel files"}
    for name, text in texts.items():
        parser.add_argument(
            f"--{name}", type=Path, nargs="+", default=[], help=f"{text} to learn from"
        )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--held-out", metavar="POINT", help="point to keep back and find again")
    source.add_argument("--measured", type=Path, help="table of measured quantities")
    source.add_argument("--sigma", type=Path, help="table of a measured conductivity")
    parser.add_argument("--temperature-K", type=float, help="temperature of the measurement")
    parser.add_argument("--limit", type=float, help="frequency limit of the moments in rad/fs")
    add_columns(parser)
    add_conjugate(parser)
    parser.add_argument("--suggestion", type=Path, required=True, help="study to write (YAML)")
    add_output(parser)


def _inverse(options: argparse.Namespace) -> int:
    from smallpolaron.studies.inverse.inverse_job import InverseOptions, run_inverse
    from smallpolaron.studies.inverse.training_set import files_of

    notes = run_inverse(
        InverseOptions(
            files=(
                *options.moments,
                *options.mobility,
                *options.kernel,
                *files_of(options.results),
            ),
            output=options.output,
            suggestion=options.suggestion,
            held_out=options.held_out,
            measured=options.measured,
            sigma=options.sigma,
            temperature_K=options.temperature_K,
            limit=options.limit,
            overwrite=options.overwrite,
            columns=options.columns,
            conjugate=options.conjugate,
        )
    )
    for name, text in notes.items():
        if name not in ("emulators", "left_out"):
            print(f"{name}: {text}")
    return 0
