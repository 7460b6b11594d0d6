"""Maintain the cost model: `python -m benchmarks.cost calibrate FOLDER ...`, or check."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.cost.calibrate import calibrate
from benchmarks.cost.check import compare, leave_systems_out
from benchmarks.cost.check_report import report
from smallpolaron.cost.model import MODEL_FILE, CostModelError, core_speed, read_model, write_model
from smallpolaron.cost.records import read_records
from smallpolaron.results.provenance import cpu_model
from smallpolaron.support.files import write_text


def main(argv: Sequence[str] | None = None) -> None:
    """Fit the cost model to finished jobs, or compare its estimates with them.

    Raises:
        StoreError: a folder holds no finished job.
        CostModelError: jobs of another machine, or too few to learn from.
    """
    parser = argparse.ArgumentParser(prog="benchmarks.cost", description=__doc__)
    parser.add_argument("task", choices=("calibrate", "check"))
    parser.add_argument("folders", type=Path, nargs="+", help="folders of results")
    parser.add_argument("--output", type=Path, help="model, or report, to write")
    options = parser.parse_args(argv)
    if options.task == "calibrate":
        _calibrate(options.folders, options.output or MODEL_FILE)
    else:
        _check(options.folders, options.output)


def _calibrate(folders: Sequence[Path], output: Path) -> None:
    records = read_records(folders)
    others = {record.machine for record in records} - {cpu_model()}
    if others:
        raise CostModelError(
            f"jobs ran on {', '.join(sorted(others))}, this machine is a {cpu_model()}: "
            "calibrate where they ran, its speed goes into the model"
        )
    model = calibrate(records, core_speed())
    write_model(output, model)
    for name, family in model.families.items():
        spread = ", ".join(f"{what} {fit.spread:.2f}" for what, fit in family.fits.items())
        print(f"{name}: {family.records} jobs of {family.systems} systems; spread of ln: {spread}")
    print(f"{output}: written")


def _check(folders: Sequence[Path], output: Path | None) -> None:
    records, model = read_records(folders), read_model()
    command = f"python -m benchmarks.cost check {' '.join(map(str, folders))}"
    command += f" --output {output}" if output else ""
    text = report(command, model.studies, leave_systems_out(records), compare(model, records))
    if output:
        write_text(output, text)
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
