"""The command lines of figures: from files to a picture and the numbers that are drawn in it."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from smallpolaron.figures import style
from smallpolaron.figures.runs import one_run, read_runs

_RELATIVE = {
    "re_C_JJ_A2_fs2": "re_C_JJ_over_C0",
    "im_C_JJ_A2_fs2": "im_C_JJ_over_C0",
    "running_integral_A2_fs": "running_integral_over_C0_fs",
    "D_at_cutoff_A2_fs": "integral_over_C0_fs",
    "re_mobility_cm2_Vs": "re_response_over_C0_fs",
    "im_mobility_cm2_Vs": "im_response_over_C0_fs",
    "running_mobility_cm2_Vs": "",
    "mobility_at_cutoff_cm2_Vs": "",
}
"""Columns of plotted numbers for a C_JJ without a scale; those with an empty name are left out."""


Main = Callable[[Sequence[str] | None], None]
"""The main of a figure, which takes the arguments of its command line."""


def figure_main(
    draw: Callable[..., Figure],
    rows: Callable[..., Iterable[style.Row]],
    *kinds: str,
    criteria: Sequence[str] = (),
    single: bool = False,
) -> Main:
    """Return the main of a figure of one system: it writes the picture and its numbers.

    Args:
        draw: returns the picture of runs of every kind, given the criteria by name.
        rows: yields the plotted numbers, from the same.
        kinds: kinds of the result files, each an option.
        criteria: numbers that are options, such as ``band_percent``.
        single: whether it is drawn from one file of one kind, whose run is passed alone.
    """

    def made(*paths: Sequence[Path], figure: Path, numbers: Path, **given: float) -> None:
        runs: list[Any] = [one_run(paths[0][0], kinds[0])] if single else [*map(read_runs, paths)]
        style.save(draw(*runs, **given), figure)
        absolute = single or all(run.is_absolute for some in runs for run in some)
        style.write_numbers(numbers, rows(*runs, **given), None if absolute else _RELATIVE)

    return command(made, kinds, ("figure", "numbers"), criteria)


def command(
    made: Callable[..., None],
    kinds: Sequence[str],
    names: Sequence[str],
    criteria: Sequence[str] = (),
    files: Sequence[str] = (),
) -> Main:
    """Return a main with options for lists of files, single paths and numbers.

    Args:
        made: called with the lists of files of every kind, the rest by name.
        kinds: kinds of result files.
        names: single paths, such as what is written.
        criteria: numbers, such as ``band_percent``.
        files: other lists of files.
    """

    def main(argv: Sequence[str] | None = None) -> None:
        line = argparse.ArgumentParser()
        for name in (*kinds, *files):
            option = f"--{name.replace('_', '-')}"
            line.add_argument(option, type=Path, nargs="+", required=True, metavar="FILE")
        for name, form in [*((n, Path) for n in names), *((n, float) for n in criteria)]:
            line.add_argument(f"--{name.replace('_', '-')}", type=form, required=True)
        given = vars(line.parse_args(argv))
        made(*[given.pop(kind) for kind in kinds], **given)

    return main


def run_main(package: str, arguments: Sequence[str] | None = None) -> None:
    """Run the main of the module that the first argument names.

    A file that cannot be used is a one-line error.

    Args:
        package: where the module is.
        arguments: None for those of the command line.

    Raises:
        SystemExit: it cannot be drawn; the message says why.
    """
    module, *rest = sys.argv[1:] if arguments is None else arguments
    try:
        importlib.import_module(f"{package}.{module}").main(rest)
    except (OSError, KeyError, ValueError) as error:
        text = error.args[0] if isinstance(error, KeyError) and error.args else error
        raise SystemExit(f"error: {text}") from error
