"""Commands that the rules of the workflow call; nobody types them, so `--help` leaves them out.

There is one for every kind of result that is derived from another, see results/kinds.py.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from smallpolaron.cli.options import (
    WHOLE_ABOVE_0,
    Decorator,
    command,
    file,
    files,
    output,
    path,
    plan,
    table,
)
from smallpolaron.results.kinds import Kind, derived

if TYPE_CHECKING:
    from smallpolaron.results.store import Result

_STARTS = ["franck_condon", "marcus"]


def _write(output: Path, overwrite: bool, result: Result) -> None:
    from smallpolaron.results.store import write_result

    write_result(output, result, overwrite=overwrite)
    if "reason" in result.notes:
        print(f"{output}: no numbers: {result.notes['reason']}", file=sys.stderr)


def _job(job_plan: Path, **options: Any) -> int:
    from smallpolaron.support.signals import stop_requests

    with stop_requests() as request:  # before what takes a second to import
        from smallpolaron.runs.dynamics_jobs import JobOptions, run_job

        return run_job(JobOptions(plan=job_plan, **options), request)


def _of_point(function: Any) -> Any:
    """Add the options of a job of one point."""
    ranks = click.option("--ranks", type=WHOLE_ABOVE_0, required=True, help="MPI ranks of the job")
    point = click.option("--point", required=True, help="id of the point in the plan")
    return plan(point(ranks(output(function))))


@command("correlation", hidden=True)
@_of_point
def correlation(plan: Path, **options: Any) -> int:
    """Compute the current autocorrelation function of a point (MPI)."""
    return _job(plan, protocol="current", **options)


@command("population", hidden=True)
@click.option("--start", type=click.Choice(_STARTS), required=True, help="initial bath")
@_of_point
def population(plan: Path, start: str, **options: Any) -> int:
    """Compute the populations of a point (MPI)."""
    return _job(plan, protocol=start, **options)


@command("batch", hidden=True)
@file("--batches", "batches of the run (JSON)")
@click.option("--name", required=True, help="name of the batch")
@file("--output", "record of its steps to write (JSON); replaced")
def batch(batches: Path, name: str, output: Path) -> int:
    """Run the small steps of a batch, one after the other in this process."""
    from smallpolaron.cli import main
    from smallpolaron.cli.batch import make_batch
    from smallpolaron.planning.batches import read_batches
    from smallpolaron.support.signals import stop_requests

    def run(words: list[str]) -> int:
        if words[0] != "figures":
            return main(words)
        from smallpolaron.figures.commands import run_main

        run_main("smallpolaron.figures", words[1:])
        return 0

    found = {
        name: batch for stage in read_batches(batches).values() for name, batch in stage.items()
    }
    if name not in found:
        raise click.UsageError(f"{batches} has no batch {name}: run the workflow again")
    with stop_requests() as request:
        return make_batch(found[name].steps, run, request, output)


def derivation(kind: Kind) -> click.Command:
    """Return the command that derives results of a kind."""
    text = f"{kind.source} result file (HDF5)"
    name = f"--{kind.source.replace('_', '-')}"
    source = files(name, f"{text}s") if kind.takes_many else file(name, text)

    more: list[Decorator] = []
    if kind.files == "partner":
        more = [path("--partner", "the same system from the other start, if any")]
    if kind.files == "starts":
        text = "start from which all is seen (default: the one next to the middle)"
        more = [click.option("--start-site", type=int, help=text)]

    def derive(plan: Path, output: Path, overwrite: bool, **given: Any) -> None:
        from smallpolaron.derive.derive import derive_kind

        partner, start = given.pop("partner", None), given.pop("start_site", None)
        (found,) = given.values()
        sources = found if kind.takes_many else [found]
        _write(output, overwrite, derive_kind(kind, plan, sources, partner, start))

    derive.__doc__ = f"{kind.title}."
    options: Any = derive
    for option in (output, *more, source, plan):
        options = option(options)
    return command(kind.command, hidden=True)(options)


@command("ensemble", hidden=True)
@plan
@click.option("--name", required=True, help="name of the ensemble in the plan")
@click.option(
    "--protocol",
    type=click.Choice(["current", *_STARTS]),
    required=True,
    help="which runs to average",
)
@output
def ensemble(plan: Path, name: str, protocol: Any, output: Path, overwrite: bool) -> None:
    """Averages over the members of a disordered ensemble, whose files are beside the plan."""
    from smallpolaron.derive.ensemble_job import ensemble_result, read_members
    from smallpolaron.study.plan import read_plan

    study = read_plan(plan)
    found = study.ensemble_named(name)
    members = read_members(plan.parent, found, protocol)
    result = ensemble_result(study, found, protocol, members)
    _write(output, overwrite, result)
    if result.flagged:
        print(f"{output}: left out: {result.notes['left_out']}", file=sys.stderr)


@command("climb", hidden=True)
@plan
@click.option("--name", required=True, help="name of the ladder in the plan")
@files("--mobility", "mobility files of its sizes so far, increasing")
@file("--output", "decision to write; replaced")
def climb(plan: Path, name: str, mobility: tuple[Path, ...], output: Path) -> None:
    """Decide whether a ladder needs its next size (JSON)."""
    from smallpolaron.derive.ladder_job import verdict_of
    from smallpolaron.planning.jobs import write_decision
    from smallpolaron.runs.inputs import read_input
    from smallpolaron.study.plan import read_plan

    study = read_plan(plan)
    found = [read_input(path, ("mobility",), of_a_point=True) for path in mobility]
    verdict = verdict_of(study, study.ladder_named(name), found)
    write_decision(output, verdict)
    print(f"{name}: {verdict.text}")


@command("ladder", hidden=True)
@plan
@click.option("--name", required=True, help="name of the ladder in the plan")
@files("--mobility", "mobility files of its sizes so far, increasing")
@path("--infinite-ring", "its mobility file, if any")
@output
def ladder(
    plan: Path,
    name: str,
    mobility: tuple[Path, ...],
    infinite_ring: Path | None,
    output: Path,
    overwrite: bool,
) -> None:
    """Convergence and limit of a finished ladder."""
    from smallpolaron.derive.ladder_job import ladder_result
    from smallpolaron.runs.inputs import read_input
    from smallpolaron.study.plan import read_plan

    study = read_plan(plan)
    found = [read_input(path, ("mobility",), of_a_point=True) for path in mobility]
    ring = read_input(infinite_ring, ("mobility",), of_a_point=True) if infinite_ring else None
    _write(output, overwrite, ladder_result(study, study.ladder_named(name), found, ring))


@command("tables", hidden=True)
@plan
@file("--output-folder", "folder for the tables and the answers")
@path("--figures-folder", "folder for the page about the quality gates, if it is to be written")
def tables(plan: Path, output_folder: Path, figures_folder: Path | None) -> None:
    """Write what is about all results of a study, whose files are beside the plan.

    These are its tables (CSV), its answers (JSON) and the page about its quality gates. They are
    made together, because to read thousands of files takes longer than to write all that.
    """
    from smallpolaron.api.answers import answers_from, write_answers
    from smallpolaron.derive.result_tables import write_tables
    from smallpolaron.derive.study_results import read_study_results

    found = read_study_results(plan.parent)
    write_tables(found, output_folder)
    write_answers(output_folder / "answers.json", answers_from(found))
    if figures_folder:
        from smallpolaron.figures.quality import write_quality

        write_quality(found, figures_folder)
    for name, why in found.missing.items():
        print(f"left out: {name}: {why}", file=sys.stderr)


def table_of(kind: str, title: str) -> click.Command:
    """Return the command that writes the table of all results of a kind."""

    def write(output: Path, **given: tuple[Path, ...]) -> None:
        from smallpolaron.derive import result_tables as tables
        from smallpolaron.derive.tables import write_table
        from smallpolaron.runs.inputs import read_input

        found = [read_input(path, (kind,)) for path in given[kind]]
        columns, rows = tables.BY_KIND[kind]
        write_table(output, columns, rows(found))

    write.__doc__ = f"Write the table of {title} (CSV)."
    options: Any = table(files(f"--{kind}", f"{kind} files")(write))
    return command(f"{kind}-table", hidden=True)(options)


COMMANDS = (
    *(correlation, population, batch),
    *(derivation(kind) for kind in derived().values()),
    *(ensemble, climb, ladder, tables),
    *(table_of("ladder", "ladders"), table_of("ensemble", "disordered ensembles")),
)
