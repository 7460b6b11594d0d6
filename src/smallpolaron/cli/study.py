"""Commands about a study before and while it runs: validate, plan, status, cost."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smallpolaron.cli.options import (
    ABOVE_0,
    PATH,
    USAGE_STATUS,
    WHOLE_ABOVE_0,
    changes,
    command,
    file,
    path,
    study_file,
)

if TYPE_CHECKING:
    from smallpolaron.cost.evidence import Evidence
    from smallpolaron.planning.jobs import Job
    from smallpolaron.study.plan import Plan

_CLEAR = "\x1b[H\x1b[2J"


@command("validate")
@click.argument("configuration", type=PATH, nargs=-1, required=True)
@changes
def validate(configuration: tuple[Path, ...], changes: dict[str, str]) -> int:
    """Check studies (YAML) and print their plans."""
    from smallpolaron.planning.outlook import plan_text
    from smallpolaron.planning.study import load_plan
    from smallpolaron.support.problems import ConfigurationError

    status = 0
    for each in configuration:
        try:
            print(plan_text(load_plan(each, changes)))
        except ConfigurationError as error:
            print(error, file=sys.stderr)
            status = USAGE_STATUS
    return status


@command("plan")
@file("--config", "study file (YAML)")
@file("--output", "plan to write; replaced")
@changes
def plan(config: Path, output: Path, changes: dict[str, str]) -> None:
    """Write the plan of a study (JSON)."""
    from smallpolaron.planning.study import load_plan
    from smallpolaron.study.plan import write_plan

    write_plan(output, load_plan(config, changes))


@command("status")
@study_file
@changes
@path("--results", "folder of its results (default: results/<study>)")
@click.option(
    "--watch",
    type=ABOVE_0,
    is_flag=False,
    flag_value=5.0,
    metavar="[SECONDS]",
    help="show it again every few seconds (default: 5) until all jobs are done",
)
@click.option(
    "--cores",
    type=WHOLE_ABOVE_0,
    default=os.cpu_count() or 1,
    help="cores the rest will run on, for the time left (default: those of this machine)",
)
def status(
    configuration: Path,
    changes: dict[str, str],
    results: Path | None,
    watch: float | None,
    cores: int,
) -> int:
    """Show the progress of the MPI jobs of a study."""
    from smallpolaron.planning.status import status as state_of
    from smallpolaron.planning.status import status_lines
    from smallpolaron.planning.study import load_plan
    from smallpolaron.support.problems import StoreError

    study = load_plan(configuration, changes)
    if results and not results.is_dir():
        raise StoreError(f"{results}: no such folder; give that of the results of a study")
    folder = results or Path("results") / study.study
    if not folder.is_dir():
        print(
            f"nothing has been run here: there is no folder {folder} in {Path.cwd()}; go to the "
            "folder of the run, or name the results with --results",
            file=sys.stderr,
        )
    try:
        while True:
            found = state_of(study, folder)
            text = "\n".join(status_lines(study.study, found, cores))
            # a terminal is refreshed, a file keeps every state
            print(f"{_CLEAR}{text}" if watch and sys.stdout.isatty() else text, flush=True)
            ended = not any(each.state in ("running", "waiting") for each in found)
            if watch is None or ended:
                return 1 if any(each.state in ("failed", "unreadable") for each in found) else 0
            time.sleep(watch)
    except KeyboardInterrupt:
        return 0


@command("cost")
@study_file
@changes
@click.option(
    "--budget",
    type=ABOVE_0,
    metavar="HOURS",
    help="refuse a study of more core-hours (default: its resources.max_core_hours)",
)
@path("--table", "write all jobs as a table (CSV)")
@click.option("--all", "everything", is_flag=True, help="list all jobs")
@path(
    "--results",
    "folder of results whose finished jobs correct the estimates (default: results/<study>)",
)
@click.option(
    "--probe", is_flag=True, help="run a short probe of every kind of job first; seconds each"
)
def cost(
    configuration: Path,
    changes: dict[str, str],
    budget: float | None,
    table: Path | None,
    everything: bool,
    results: Path | None,
    probe: bool,
) -> int:
    """Predict what the MPI jobs of a study will take."""
    from smallpolaron.cost.model import CostModelError
    from smallpolaron.derive.tables import write_table
    from smallpolaron.planning.bill import (
        BUDGET_ADVICE,
        COLUMNS,
        all_jobs,
        bill,
        bill_lines,
        bill_rows,
        overdraft,
    )
    from smallpolaron.planning.study import load_plan

    study = load_plan(configuration, changes, within_budget=False)
    try:
        jobs = all_jobs(study)
        known = _known(study, jobs, results, probe)
        items = bill(study, jobs, speed=_speed(study), known=known)
    except CostModelError as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE_STATUS
    for line in bill_lines(study.study, items, everything=everything):
        print(line)
    if table:
        write_table(table, COLUMNS, bill_rows(items))
    limit = budget or study.resources.max_core_hours
    refusal = overdraft(items, limit) if limit else None
    if refusal:
        print(f"error: {refusal}; {BUDGET_ADVICE}", file=sys.stderr)
    return USAGE_STATUS if refusal else 0


def _speed(study: Plan) -> float:
    """Return the speed of a core relative to that of the model: as set, or measured elsewhere."""
    from smallpolaron.cost.model import core_speed, read_model
    from smallpolaron.results.provenance import cpu_model

    model = read_model()
    if study.resources.core_speed:
        return study.resources.core_speed
    if cpu_model() == model.machine:
        return 1.0
    speed = core_speed() / model.speed
    print(
        f"this {cpu_model()} is {speed:.2g} times as fast as the {model.machine} of the cost "
        "model; for another machine set resources.core_speed",
        file=sys.stderr,
    )
    return speed


def _known(study: Plan, jobs: Sequence[Job], results: Path | None, probe: bool) -> list[Evidence]:
    """Return what finished jobs of the study and probes tell."""
    from smallpolaron.cost.evidence import finished
    from smallpolaron.cost.model import read_model
    from smallpolaron.cost.records import finished_jobs, read_records

    model = read_model()
    known: list[Evidence] = []
    folder = results or Path("results") / study.study
    records = read_records([folder]) if results else finished_jobs(folder)
    if records:
        known = finished(model, records)
        print(f"{folder}: {len(records)} finished jobs correct the estimates", file=sys.stderr)
    if probe:
        from smallpolaron.launch import leave_launchers

        leave_launchers()  # MPI would take this process for one of their ranks
        from smallpolaron.planning.probe import probe_jobs

        known += probe_jobs(model, jobs)
    return known


COMMANDS = (validate, plan, status, cost)
