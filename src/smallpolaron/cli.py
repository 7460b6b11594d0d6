"""The command line: `python -m smallpolaron COMMAND`. The rules of the workflow call it."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import smallpolaron
from smallpolaron.cli_analysis import add_commands as add_analysis_commands
from smallpolaron.cli_cost import add_commands as add_cost_commands
from smallpolaron.cli_crate import add_commands as add_crate_commands
from smallpolaron.cli_dynamics import add_commands as add_dynamics_commands
from smallpolaron.cli_ensemble import add_commands as add_ensemble_commands
from smallpolaron.cli_inverse import add_commands as add_inverse_commands
from smallpolaron.cli_ladder import add_commands as add_ladder_commands
from smallpolaron.cli_options import Command
from smallpolaron.cli_rerun import add_commands as add_rerun_commands
from smallpolaron.cli_spreading import add_commands as add_spreading_commands
from smallpolaron.cli_status import add_commands as add_status_commands
from smallpolaron.cli_table import add_commands as add_table_commands
from smallpolaron.cli_verdict import add_commands as add_verdict_commands
from smallpolaron.cli_verify import add_commands as add_verify_commands
from smallpolaron.studies.signals import CTRL_C_STATUS

_EXTRAS = {"matplotlib": "figures", "sklearn": "inverse", "rocrate": "workflow"}
"""What the library does without, and what brings it."""
USAGE_STATUS = 2
"""Exit status for a request that cannot be met: bad configuration, plan, file or option."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    Errors that the user can mend are printed as plain lines; anything else is a traceback.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # names of files need not be text; σ not Latin-1
        is_utf8 = sys.stdout.encoding.lower().replace("-", "") == "utf8"
        sys.stdout.reconfigure(errors="surrogateescape" if is_utf8 else "backslashreplace")
    options = _parser().parse_args(arguments)
    command: Command = options.command
    _one_thread()
    try:
        status = command(options)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        _say("interrupted")
        return CTRL_C_STATUS
    except Exception as error:
        _say(_explained(error))
        return USAGE_STATUS


def _say(line: str) -> None:
    """Print one line to standard error, if it takes it: the status says that there was an error."""
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def give_up_unsaid() -> None:
    """Drop what standard output and error did not take, say on a full disk.

    Python would try again at its very end and make a failed attempt the exit status, 120, of a job
    whose result is written.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _explained(error: Exception) -> str:
    """Return an error that the user can mend as a plain line; raise any other again."""
    # these take long to import: not before a job is ready for signals
    from smallpolaron.studies.plan import PlanError
    from smallpolaron.studies.problems import ConfigurationError
    from smallpolaron.studies.store import StoreError
    from smallpolaron.studies.textfile import NotWritable

    if isinstance(error, ConfigurationError):
        return str(error)
    if isinstance(error, (PlanError, StoreError, NotWritable)):
        return f"error: {error}"
    if isinstance(error, ModuleNotFoundError) and (extra := _EXTRAS.get(f"{error.name}")):
        return f'error: {error.name} is not installed; pip install "smallpolaron[{extra}]"'
    if isinstance(error, OSError):  # no permission, a full disk, a folder where a file should be
        where = f"{error.filename}: " if error.filename else ""
        return f"error: {where}{error.strerror or error}; check path and space"
    raise error


def _one_thread() -> None:
    """Keep the numerical libraries to one thread; must come before they are loaded.

    MPI ranks are the parallelism. Snakemake sets these variables to the threads of a rule, that is
    to all ranks of a job; every rank would then start as many threads, and a job with two ranks
    on two cores took ten times longer.
    """
    for library in ("OMP", "OPENBLAS", "GOTO", "MKL", "BLIS", "VECLIB_MAXIMUM"):
        os.environ[f"{library}_NUM_THREADS"] = "1"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="smallpolaron", description="Mobility of small polarons from exact dynamics."
    )
    parser.add_argument("--version", action="version", version=smallpolaron.__version__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    validate = _add(commands, "validate", _validate, "check a study and print its plan")
    validate.add_argument("configuration", type=Path, nargs="+", help="study file (YAML)")

    plan = _add(commands, "plan", _plan, "write the plan of a study (JSON)")
    plan.add_argument("--config", type=Path, required=True, help="study file (YAML)")
    plan.add_argument("--output", type=Path, required=True, help="plan to write; replaced")

    schema = _add(commands, "schema", _schema, "renew config/schema.json, docs/configuration.md")
    schema.add_argument("--check", action="store_true", help="only tell whether they are current")
    schema.add_argument("--root", type=Path, default=Path(), help="checkout (default: here)")

    add_dynamics_commands(partial(_add, commands))
    add_analysis_commands(partial(_add, commands))
    add_inverse_commands(partial(_add, commands))
    _add_tables(commands)
    add_spreading_commands(partial(_add, commands))
    add_ensemble_commands(partial(_add, commands))
    add_ladder_commands(partial(_add, commands))
    add_table_commands(partial(_add, commands))
    add_verdict_commands(partial(_add, commands))
    add_verify_commands(partial(_add, commands))
    add_rerun_commands(partial(_add, commands))
    add_status_commands(partial(_add, commands))
    add_cost_commands(partial(_add, commands))
    add_crate_commands(partial(_add, commands))
    return parser


if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def _add(commands: Commands, name: str, command: Command, text: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.set_defaults(command=command)
    return parser


def _add_tables(commands: Commands) -> None:
    tables = _add(commands, "tables", _tables, "write all tables of a study (CSV)")
    tables.add_argument(
        "--plan", type=Path, required=True, help="plan; result files are looked for beside it"
    )
    tables.add_argument("--output-folder", type=Path, required=True, help="folder for the tables")

    points = _add(commands, "points", _points, "write the table of jobs and what they need (CSV)")
    points.add_argument("--plan", type=Path, required=True, help="plan of the study (JSON)")
    points.add_argument("--output", type=Path, required=True, help="table to write; replaced")

    quality = _add(commands, "quality", _quality, "write the table of all quality gates (CSV)")
    quality.add_argument("--results", type=Path, nargs="+", required=True, help="result files")
    quality.add_argument("--output", type=Path, required=True, help="table to write; replaced")

    size = _add(commands, "finite-size", _finite_size, "write mobility against size (CSV)")
    size.add_argument("--plan", type=Path, required=True, help="plan, for the criteria")
    size.add_argument("--mobility", type=Path, nargs="+", required=True, help="mobility files")
    size.add_argument("--output", type=Path, required=True, help="table to write; replaced")


def _validate(options: argparse.Namespace) -> int:
    from smallpolaron.studies.problems import ConfigurationError
    from smallpolaron.studies.study import load_plan
    from smallpolaron.studies.tables import plan_text

    status = 0
    for path in options.configuration:
        try:
            print(plan_text(load_plan(path)))
        except ConfigurationError as error:
            print(error, file=sys.stderr)
            status = USAGE_STATUS
    return status


def _plan(options: argparse.Namespace) -> int:
    from smallpolaron.studies.plan import write_plan
    from smallpolaron.studies.study import load_plan

    write_plan(options.output, load_plan(options.config))
    return 0


def _schema(options: argparse.Namespace) -> int:
    from smallpolaron.studies.schema import generated_files, outdated

    try:
        if options.check:
            found = outdated(options.root)
            for path in found:
                print(f"{path}: out of date; run: python -m smallpolaron schema", file=sys.stderr)
            return 1 if found else 0
        for path, text in generated_files(options.root).items():
            path.write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        print(f"error: {error}; run this in a checkout, or name it with --root", file=sys.stderr)
        return USAGE_STATUS
    return 0


def _tables(options: argparse.Namespace) -> int:
    from smallpolaron.studies.study_tables import write_all

    write_all(options.plan, options.output_folder)
    return 0


def _points(options: argparse.Namespace) -> int:
    from smallpolaron.studies.plan import read_plan
    from smallpolaron.studies.tables import POINT_COLUMNS, point_rows, write_table

    write_table(options.output, POINT_COLUMNS, point_rows(read_plan(options.plan)))
    return 0


def _quality(options: argparse.Namespace) -> int:
    from smallpolaron.studies.inputs import read_input
    from smallpolaron.studies.tables import QUALITY_COLUMNS, quality_rows, write_table

    results = [read_input(path) for path in options.results]
    write_table(options.output, QUALITY_COLUMNS, quality_rows(results))
    return 0


def _finite_size(options: argparse.Namespace) -> int:
    from smallpolaron.studies.finite_size_table import FINITE_SIZE_COLUMNS, finite_size_rows
    from smallpolaron.studies.inputs import read_input
    from smallpolaron.studies.plan import read_plan
    from smallpolaron.studies.tables import write_table

    settings = read_plan(options.plan).analysis
    results = [read_input(path, ("mobility",), of_a_point=True) for path in options.mobility]
    write_table(options.output, FINITE_SIZE_COLUMNS, finite_size_rows(results, settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
