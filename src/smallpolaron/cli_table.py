"""The commands for data of your own: analyse a correlation function, fit a conductivity."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from smallpolaron.cli_options import Add, add_columns, add_conjugate

CRITERIA = {
    "band_paper_units": None,
    "band_percent": None,
    "frequency_max_cm": None,
    "drude_smith_range_fs": ("FROM", "TO"),
}
"""Settings of the section analysis that are options here, and the names of several values."""


def add_commands(add: Add) -> None:
    """Add the command."""
    text = "analyse the correlation function in a table of your own (docs/own-data.md)"
    parser = add("analyse", _analyse, text)
    parser.add_argument("table", type=Path, help="C(t): text, HDF5, .npy or .npz")
    parser.add_argument(
        "--output-folder", type=Path, required=True, help="folder for results and summary"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace results that are there")
    parser.add_argument("--temperature-K", type=float, help="needed unless the file holds it")
    parser.add_argument(
        "--kind",
        choices=("quantum", "classical"),
        default="quantum",
        help="quantum (default): complex C; classical: real C, in place of the Kubo transform",
    )
    parser.add_argument("--unit", help="unit of C if the file has none, such as angstrom^2/fs^2")
    add_columns(parser)
    parser.add_argument(
        "--skip",
        nargs="+",
        choices=("augmented", "drude_smith", "conductivity_models", "moments"),
        default=[],
        help="results to leave out; conductivity_models and augmented take the longest",
    )
    for name, values in CRITERIA.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=float,
            nargs=len(values) if values else None,
            metavar=values,
            help=f"as analysis.{name} of a study (docs/configuration.md)",
        )

    _add_fit(add)


def _add_fit(add: Add) -> None:
    text = "fit Drude-Smith and its rivals to a measured conductivity (docs/inverse.md)"
    parser = add("fit", _fit, text)
    parser.add_argument("table", type=Path, help="frequency, Re and Im of sigma, error if known")
    parser.add_argument("--output-folder", type=Path, help="folder (default: NAME-fit)")
    parser.add_argument("--overwrite", action="store_true", help="replace results that are there")
    add_columns(parser)
    add_conjugate(parser)


def _fit(options: argparse.Namespace) -> int:
    from smallpolaron.studies.own_data.conductivity_fit import (
        SUMMARY,
        FitRequest,
        fit_table,
        messages,
    )

    folder = options.output_folder or Path(f"{options.table.stem}-fit")
    request = FitRequest(
        options.table, folder, options.columns, options.conjugate, options.overwrite
    )
    for line in messages(*fit_table(request), folder / SUMMARY):
        print(line)
    return 0


def _analyse(options: argparse.Namespace) -> int:
    from smallpolaron.studies.own_data.table_analysis import (
        SUMMARY,
        TableRequest,
        analyse_table,
        analysis_settings,
    )

    request = TableRequest(
        table=options.table,
        output_folder=options.output_folder,
        temperature_K=options.temperature_K,
        kind=options.kind,
        unit=options.unit,
        columns=options.columns,
        settings=analysis_settings({name: getattr(options, name) for name in CRITERIA}),
        overwrite=options.overwrite,
        skip=tuple(options.skip),
    )
    results = analyse_table(request)
    if "table" in results["correlation"].notes:
        print(f"{request.table}: {results['correlation'].notes['table']}", file=sys.stderr)
    for kind, result in results.items():
        if "reason" in result.notes:
            print(f"{kind}: no numbers: {result.notes['reason']}", file=sys.stderr)
    print(options.output_folder / SUMMARY)
    return 0
