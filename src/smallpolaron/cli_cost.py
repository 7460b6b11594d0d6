"""The command that tells what a study will take before it is submitted: cost."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from smallpolaron.cli_options import Add, add_configuration, number_above_0

if TYPE_CHECKING:
    from smallpolaron.studies.cost.evidence import Evidence
    from smallpolaron.studies.jobs import Job
    from smallpolaron.studies.plan import Plan

OVER_BUDGET = 2
"""Exit status of a study beyond its budget."""


def add_commands(add: Add) -> None:
    """Add the command."""
    parser = add("cost", _cost, "tell what the MPI jobs of a study will take")
    add_configuration(parser)
    parser.add_argument(
        "--budget",
        type=number_above_0,
        metavar="HOURS",
        help="refuse a study of more core-hours (default: its resources.max_core_hours)",
    )
    parser.add_argument("--table", type=Path, help="write all jobs as a table (CSV)")
    parser.add_argument("--all", action="store_true", help="list all jobs")
    parser.add_argument(
        "--results",
        type=Path,
        help="folder of results whose finished jobs correct the estimates "
        "(default: results/<study>)",
    )
    parser.add_argument(
        "--probe",
        action="store_true",
        help="run a short probe of every kind of job first; seconds each",
    )
    other = parser.add_mutually_exclusive_group()
    other.add_argument(
        "--calibrate",
        type=Path,
        nargs="+",
        metavar="FOLDER",
        help="make the cost model anew from the finished jobs in folders of results",
    )
    other.add_argument(
        "--check",
        type=Path,
        nargs="+",
        metavar="FOLDER",
        help="compare estimates with the finished jobs in folders of results",
    )
    parser.add_argument("--output", type=Path, help="file for --calibrate or --check")


def _cost(options: argparse.Namespace) -> int:
    from smallpolaron.studies.cost.model import CostModelError

    try:
        if options.calibrate:
            return _calibrate(options.calibrate, options.output)
        if options.check:
            return _check(options.check, options.output)
        if options.output:
            raise CostModelError("--output is for --calibrate and --check; give --table FILE.csv")
        return _bill(options)
    except CostModelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _calibrate(folders: Sequence[Path], output: Path | None) -> int:
    from smallpolaron.studies.cost.calibrate import calibrate
    from smallpolaron.studies.cost.model import MODEL_FILE, CostModelError, write_model
    from smallpolaron.studies.cost.records import read_records
    from smallpolaron.studies.cost.speed import core_speed
    from smallpolaron.studies.provenance import cpu_model

    records = read_records(folders)
    others = {record.machine for record in records} - {cpu_model()}
    if others:
        raise CostModelError(
            f"jobs ran on {', '.join(sorted(others))}, this machine is a {cpu_model()}: "
            "calibrate where they ran, its speed goes into the model"
        )
    model = calibrate(records, core_speed())
    target = output or MODEL_FILE
    write_model(target, model)
    for name, family in model.families.items():
        spread = ", ".join(f"{what} {fit.spread:.2f}" for what, fit in family.fits.items())
        print(f"{name}: {family.records} jobs of {family.systems} systems; spread of ln: {spread}")
    print(f"{target}: written")
    return 0


def _check(folders: Sequence[Path], output: Path | None) -> int:
    from smallpolaron.studies.cost.check import compare, leave_systems_out
    from smallpolaron.studies.cost.check_report import report
    from smallpolaron.studies.cost.model import read_model
    from smallpolaron.studies.cost.records import read_records
    from smallpolaron.studies.textfile import write_text

    records, model = read_records(folders), read_model()
    command = f"python -m smallpolaron cost --check {' '.join(map(str, folders))}"
    command += f" --output {output}" if output else ""
    text = report(command, model.studies, leave_systems_out(records), compare(model, records))
    if output:
        write_text(output, text)
    else:
        print(text, end="")
    return 0


def _bill(options: argparse.Namespace) -> int:
    from smallpolaron.studies.cost.bill import (
        BUDGET_ADVICE,
        COLUMNS,
        all_jobs,
        bill,
        bill_lines,
        bill_rows,
        overdraft,
    )
    from smallpolaron.studies.study import load_plan
    from smallpolaron.studies.tables import write_table

    plan = load_plan(options.configuration, within_budget=False)
    jobs, speed = all_jobs(plan), _speed(plan)
    items = bill(plan, jobs, speed=speed, known=_known(plan, jobs, options))
    for line in bill_lines(plan.study, items, everything=options.all):
        print(line)
    if options.table:
        write_table(options.table, COLUMNS, bill_rows(items))
    budget = options.budget or plan.resources.max_core_hours
    refusal = overdraft(items, budget) if budget else None
    if refusal:
        print(f"error: {refusal}; {BUDGET_ADVICE}", file=sys.stderr)
    return OVER_BUDGET if refusal else 0


def _speed(plan: Plan) -> float:
    """Return the speed of a core relative to that of the model: as set, or measured elsewhere."""
    from smallpolaron.studies.cost.model import read_model
    from smallpolaron.studies.cost.speed import core_speed
    from smallpolaron.studies.provenance import cpu_model

    model = read_model()
    if plan.resources.core_speed:
        return plan.resources.core_speed
    if cpu_model() == model.machine:
        return 1.0
    speed = core_speed() / model.speed
    print(
        f"this {cpu_model()} is {speed:.2g} times as fast as the {model.machine} of the cost "
        "model; for another machine set resources.core_speed",
        file=sys.stderr,
    )
    return speed


def _known(plan: Plan, jobs: Sequence[Job], options: argparse.Namespace) -> list[Evidence]:
    """Return what finished jobs of the study and probes tell."""
    from smallpolaron.studies.cost.evidence import finished
    from smallpolaron.studies.cost.model import read_model
    from smallpolaron.studies.cost.records import finished_jobs, read_records

    model = read_model()
    known: list[Evidence] = []
    folder = options.results or Path("results") / plan.study
    records = read_records([folder]) if options.results else finished_jobs(folder)
    if records:
        known = finished(model, records)
        print(f"{folder}: {len(records)} finished jobs correct the estimates", file=sys.stderr)
    if options.probe:
        from smallpolaron.launch import leave_launchers

        leave_launchers()  # MPI would take this process for one of their ranks
        from smallpolaron.studies.cost.probe import probe_jobs

        known += probe_jobs(model, jobs)
    return known
