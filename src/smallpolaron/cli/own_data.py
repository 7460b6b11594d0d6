"""Commands for the user's own data: analyse a correlation function, fit or invert a measurement."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from smallpolaron.cli.options import (
    PATH,
    columns,
    command,
    conjugate,
    file,
    files,
    output,
    overwrite,
    path,
)
from smallpolaron.results.kinds import OPTIONAL

_CRITERIA = {
    "band_paper_units": 1,
    "band_percent": 1,
    "frequency_max_cm": 1,
    "drude_smith_range_fs": 2,
}
"""Settings of the section analysis that are options here, and how many numbers each has."""


def _criteria(function: Any) -> Any:
    for name, count in reversed(_CRITERIA.items()):
        text = f"as analysis.{name} of a study (docs/configuration.md)"
        option = f"--{name.replace('_', '-')}"
        function = click.option(option, name, type=float, nargs=count, help=text)(function)
    return function


@command("analyse")
@click.argument("table", type=PATH)
@file("--output-folder", "folder for results and summary")
@overwrite
@click.option("--temperature-K", "temperature_K", type=float, help="unless the file holds it")
@click.option(
    "--kind",
    type=click.Choice(["quantum", "classical"]),
    default="quantum",
    help="quantum (default): complex C; classical: real C, in place of the Kubo transform",
)
@click.option("--unit", help="unit of C if the file has none, such as angstrom^2/fs^2")
@columns
@click.option(
    "--skip",
    type=click.Choice(OPTIONAL),
    multiple=True,
    help="results to leave out; conductivity_models and augmented take the longest",
)
@_criteria
def analyse(
    table: Path,
    output_folder: Path,
    **options: Any,
) -> None:
    """Analyse C(t) in a table of your own: text, HDF5, .npy or .npz (docs/own-data.md)."""
    from smallpolaron.api.outcomes import wrapped
    from smallpolaron.own_data.table_analysis import SUMMARY, analyse_table
    from smallpolaron.study.validation import analysis_settings

    names = ("temperature_K", "kind", "unit", "columns", "skip", "overwrite")
    given = {name: options.pop(name) for name in names}
    results = analyse_table(table, output_folder, analysis_settings(options), **given)
    for note in ("table", "scale"):
        if note in results["correlation"].notes:
            print(f"{table}: {results['correlation'].notes[note]}", file=sys.stderr)
    for name, result in results.items():
        if "reason" in result.notes:
            print(f"{name}: no numbers: {result.notes['reason']}", file=sys.stderr)
    for name in ("mobility", "kernel", "drude_smith"):
        if name in results:
            print(wrapped(results[name]))
    print(output_folder / SUMMARY)


@command("fit")
@click.argument("table", type=PATH)
@path("--output-folder", "folder (default: NAME-fit)")
@overwrite
@columns
@conjugate
def fit(
    table: Path,
    output_folder: Path | None,
    **options: Any,
) -> None:
    """Fit Drude-Smith and its rivals to a measured conductivity (docs/inverse.md)."""
    from smallpolaron.own_data.conductivity_fit import SUMMARY, fit_table, messages

    folder = output_folder or Path(f"{table.stem}-fit")
    for line in (*messages(*fit_table(table, folder, **options)), folder / SUMMARY):
        print(line)


@command("inverse")
@files("--results", "folders of results to learn from", required=False)
@files("--moments", "moments files to learn from", required=False)
@files("--mobility", "mobility files to learn from", required=False)
@files("--kernel", "kernel files to learn from", required=False)
@click.option("--held-out", metavar="POINT", help="point to keep back and find again")
@path("--measured", "table of measured quantities")
@path("--sigma", "table of a measured conductivity")
@click.option("--temperature-K", "temperature_K", type=float, help="that of the measurement")
@click.option("--limit", type=float, help="frequency limit of the moments in rad/fs")
@columns
@conjugate
@file("--suggestion", "study to write (YAML)")
@output
def inverse(
    results: tuple[Path, ...],
    moments: tuple[Path, ...],
    mobility: tuple[Path, ...],
    kernel: tuple[Path, ...],
    **options: Any,
) -> None:
    """Find the parameters behind a measurement."""
    from smallpolaron.inverse.inverse_job import InverseOptions, run_inverse
    from smallpolaron.inverse.training_set import files_of

    given = [name for name in ("held_out", "measured", "sigma") if options[name] is not None]
    if len(given) > 1:
        first, other = (f"--{name.replace('_', '-')}" for name in given[:2])
        raise click.UsageError(f"{other} is not allowed with {first}: give one of them")
    learned = (*moments, *mobility, *kernel, *files_of(results))
    for name, text in run_inverse(InverseOptions(files=learned, **options)).items():
        if name not in ("emulators", "left_out"):
            print(f"{name}: {text}")


COMMANDS = (analyse, fit, inverse)
