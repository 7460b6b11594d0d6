"""Runs the benchmarks and writes the report: python benchmarks/run.py [--only NAME ...] [--quick].

A full run writes benchmarks/report; partial and quick runs write results/benchmarks, so that every
number of the committed report is from one run.
"""

import argparse
import json
import sys
import time
import traceback
from pathlib import Path
from types import ModuleType

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import (
    checkpoints,
    equilibrium,
    fmo,
    growth,
    machine,
    product,
    propagators,
    qutip_rings,
    random_points,
    ranks,
    table1,
)
from benchmarks.harness import ROOT, CaseFailed, Data, Harness
from benchmarks.markdown import bounds_table, number, section, table

SECTIONS: dict[str, ModuleType] = {
    "table1": table1,
    "qutip": qutip_rings,
    "fmo": fmo,
    "growth": growth,
    "product": product,
    "ranks": ranks,
    "random": random_points,
    "propagators": propagators,
    "equilibrium": equilibrium,
    "checkpoints": checkpoints,
}
"""Name on the command line and the module: TITLE, measure(harness), render(data)."""

COMMITTED = ROOT / "benchmarks" / "report"
SCRATCH = ROOT / "results" / "benchmarks"


def main(arguments: list[str]) -> int:
    """Run what was asked for; returns the exit status: 1 if a benchmark failed to run."""
    options = _parse(arguments)
    complete = not options.only and not options.quick
    folder = options.output or (COMMITTED if complete else SCRATCH)
    if options.render:
        report = json.loads((folder / "report.json").read_text())
        (folder / "report.md").write_text(render(report))
        return 0
    report = {"quick": options.quick, "machine": machine.describe(), "sections": {}}
    for name, module in SECTIONS.items():
        if options.only and name not in options.only:
            continue
        print(f"== {name}: {module.TITLE}", flush=True)
        began = time.monotonic()
        data = _measure(module, Harness(options.quick, lambda line: print(line, flush=True)))
        seconds = time.monotonic() - began
        report["sections"][name] = {"seconds": seconds, **data}
        # what there is after every section: hours of work must not hang on the last one
        _write(report, SCRATCH)
    if folder != SCRATCH:
        _write(report, folder)
    print(f"Report: {folder / 'report.md'}")
    return int(any("failed" in data for data in report["sections"].values()))


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run the benchmarks and write the report.")
    parser.add_argument("--only", nargs="+", choices=list(SECTIONS), help="only these")
    parser.add_argument("--quick", action="store_true", help="small cases: does it work?")
    parser.add_argument("--render", action="store_true", help="only rewrite report.md")
    parser.add_argument("--output", type=Path, help="folder of the report")
    return parser.parse_args(arguments)


def _measure(module: ModuleType, harness: Harness) -> Data:
    try:
        data: Data = module.measure(harness)
    except (CaseFailed, ArithmeticError, LookupError, TypeError, ValueError) as error:
        # one broken benchmark must not cost the others
        traceback.print_exc()
        return {"failed": f"{type(error).__name__}: {error}"}
    return data


def _write(report: Data, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(report, indent=1, allow_nan=False) + "\n")
    (folder / "report.md").write_text(render(report))


def render(report: Data) -> str:
    """The whole report as Markdown."""
    sections = report["sections"]
    host = report["machine"]
    minutes = sum(data["seconds"] for data in sections.values()) / 60
    facts = table(
        ("", ""),
        [
            ("date", host["date"]),
            ("processor", host["cpu"]),
            ("cores", str(host["cores"])),
            ("last-level cache", f"{host['last_level_cache_mb']:.0f} MiB"),
            ("memory", f"{host['ram_gb']:.0f} GB"),
            ("system", f"{host['kernel']}, Python {host['python']}"),
            ("MPI", host["mpi"]),
            ("versions", ", ".join(f"{k} {v}" for k, v in host["versions"].items())),
            ("commit", host["commit"]),
            ("load before the run", number(host["load_before"], 2)),
            ("length of the run", f"{minutes:.0f} min"),
        ],
    )
    parts = ["# Benchmarks", "Written by `make bench`; every number is from this one run.", facts]
    if report["quick"]:
        parts.append("**Quick run: small cases and loose accuracy; the bounds are not meant.**")
    bounds = [b for data in sections.values() for b in data.get("bounds", [])]
    if bounds:
        parts += ["## Bounds", bounds_table(bounds)]
    for name, data in sections.items():
        module = SECTIONS[name]
        parts.append(f"## {module.TITLE}")
        if "failed" in data:
            parts.append(f"**This benchmark did not run:**\n\n```\n{data['failed']}\n```")
            continue
        parts.append(module.render(data).rstrip())
    return section(*parts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
