"""The commands that derive results from one run: kernel, augmented, mobility and others."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from smallpolaron.cli_options import Add, add_output

if TYPE_CHECKING:
    from smallpolaron.studies.sections import AnalysisConfig
    from smallpolaron.studies.store import Result


def add_commands(add: Add) -> None:
    """Add the commands."""
    texts = {
        "kernel": ("correlation", _kernel, "memory kernel and cutoff times of a run"),
        "augmented": ("correlation", _augmented, "memory kernels with derivatives of the current"),
        "mobility": ("correlation", _mobility, "DC and frequency-resolved mobility of a run"),
        "drude-smith": ("mobility", _drude_smith, "Drude-Smith fit of a run"),
        "conductivity-models": ("mobility", _conductivity_models, "Drude-Smith and its rivals"),
        "moments": ("mobility", _moments, "moments of the memory kernel of a run"),
    }
    for name, (source, command, text) in texts.items():
        parser = add(name, command, text)
        parser.add_argument("--plan", type=Path, required=True, help="plan, for the criteria")
        parser.add_argument(
            f"--{source}", type=Path, required=True, help=f"{source} result file (HDF5)"
        )
        add_output(parser)

    parser = add("population-kernel", _population_kernel, "memory kernel of populations")
    parser.add_argument("--plan", type=Path, required=True, help="plan, for the criteria")
    parser.add_argument(
        "--population",
        type=Path,
        nargs="+",
        required=True,
        help="population files: one of a ring, one for each start site of a chain",
    )
    parser.add_argument(
        "--start-site",
        type=int,
        help="start from which kernel and D are seen (default: the one next to the middle)",
    )
    add_output(parser)


def _analyse(
    options: argparse.Namespace,
    kind: str,
    analysis: Callable[[Result, AnalysisConfig], Result],
) -> int:
    from smallpolaron.studies.derive import with_criteria
    from smallpolaron.studies.inputs import read_input
    from smallpolaron.studies.plan import read_plan

    settings = read_plan(options.plan).analysis
    source = read_input(getattr(options, kind), (kind,))
    return _write(options, with_criteria(analysis(source, settings), settings))


def _write(options: argparse.Namespace, result: Result) -> int:
    from smallpolaron.studies.store import write_result

    write_result(options.output, result, overwrite=options.overwrite)
    if "reason" in result.notes:
        print(f"{options.output}: no numbers: {result.notes['reason']}", file=sys.stderr)
    return 0


def _kernel(options: argparse.Namespace) -> int:
    from smallpolaron.studies.kernel_job import kernel_result

    return _analyse(options, "correlation", kernel_result)


def _augmented(options: argparse.Namespace) -> int:
    from smallpolaron.studies.augmented_job import augmented_result

    return _analyse(options, "correlation", augmented_result)


def _population_kernel(options: argparse.Namespace) -> int:
    from smallpolaron.studies.derive import with_criteria
    from smallpolaron.studies.inputs import read_input
    from smallpolaron.studies.plan import read_plan
    from smallpolaron.studies.population_kernel_job import population_kernel_result

    settings = read_plan(options.plan).analysis
    sources = [read_input(path, ("population",), of_a_point=True) for path in options.population]
    result = population_kernel_result(sources, settings, options.start_site)
    return _write(options, with_criteria(result, settings))


def _mobility(options: argparse.Namespace) -> int:
    from smallpolaron.studies.mobility_job import mobility_result

    return _analyse(options, "correlation", mobility_result)


def _drude_smith(options: argparse.Namespace) -> int:
    from smallpolaron.studies.drude_smith_job import drude_smith_result

    return _analyse(options, "mobility", drude_smith_result)


def _conductivity_models(options: argparse.Namespace) -> int:
    from smallpolaron.studies.conductivity_models_job import conductivity_models_result

    return _analyse(options, "mobility", conductivity_models_result)


def _moments(options: argparse.Namespace) -> int:
    from smallpolaron.studies.moments_job import moments_result

    return _analyse(options, "mobility", moments_result)
