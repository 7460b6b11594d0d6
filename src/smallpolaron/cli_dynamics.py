"""The MPI jobs: correlation, population."""

from __future__ import annotations

import argparse
from pathlib import Path

from smallpolaron.cli_options import Add, add_output

_TEXTS = {
    "correlation": "compute the current autocorrelation function of a point (MPI)",
    "population": "compute the populations of a point (MPI)",
}


def add_commands(add: Add) -> None:
    """Add the commands."""
    for name, text in _TEXTS.items():
        parser = add(name, _dynamics, text)
        parser.add_argument("--plan", type=Path, required=True, help="plan of the study (JSON)")
        parser.add_argument("--point", required=True, help="id of the point in the plan")
        parser.add_argument(
            "--ranks", type=_positive, required=True, help="MPI ranks the job was started with"
        )
        if name == "population":
            choices = ("franck_condon", "marcus")
            parser.add_argument("--start", choices=choices, required=True, help="initial bath")
        add_output(parser)


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number >= 1")
    return int(text)


def _dynamics(options: argparse.Namespace) -> int:
    from smallpolaron.studies.signals import stop_requests

    with stop_requests() as request:  # before what takes a second to import
        from smallpolaron.studies.dynamics_jobs import JobOptions, run_job

        job = JobOptions(
            plan=options.plan,
            point=options.point,
            protocol=getattr(options, "start", "current"),
            ranks=options.ranks,
            output=options.output,
            overwrite=options.overwrite,
        )
        return run_job(job, request)
