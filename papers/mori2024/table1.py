"""Mori paper, Table 1: what each of three methods costs on the ring on which it has converged."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from papers.mori2024.fig1 import Method, by_bath
from papers.shared import figure as paper
from smallpolaron.figures import style
from smallpolaron.figures.html import table
from smallpolaron.figures.runs import Run


@dataclass(frozen=True)
class PrintedCost:
    """A row of the printed table."""

    n_sites: int
    before_fs: float | None
    production_fs: float
    tau_K_fs: float
    core_days: float
    memory_GB: float


PRINTED: Final = {
    "current": PrintedCost(6, 725, 269, 235, 0.82, 1.39),
    "marcus": PrintedCost(18, 775, 1081, 655, 20.14, 2.14),
    "franck_condon": PrintedCost(28, None, 3288, 981, 137.3, 4.73),
}
"""Chem. Sci. 2024, 15, 16715, Table 1, for eta/v = 6.26."""


def measured(folder: Path, run: Run) -> tuple[float, float, float]:
    """Return wall seconds, core seconds and peak memory (MB) of the job behind a run.

    They are those of the whole process where the workflow measured it, and NaN otherwise.
    """
    kind = "correlation" if run.result.kind == "mobility" else "population"
    path = folder / kind / f"{run.point}.jsonl"
    if not path.exists():
        return (float("nan"),) * 3
    found = json.loads(path.read_text(encoding="utf-8").splitlines()[-1])
    return float(found["s"]), float(found["cpu_time"]), 1.048576 * float(found["max_rss"])


def at_convergence(method: Method) -> Run | None:
    """Return the run of the first converged size."""
    size = method.table.band.n_sites if method.table else None
    return next((run for run in method.runs if run.n_sites == size), None)


def times(run: Run, kernels: Sequence[Run]) -> tuple[float, float]:
    """Return production time and kernel cutoff of a run, fs.

    Of the current, the time at which the integral has converged; of populations, the time at which
    the diffusive plateau begins.
    """
    if run.result.kind == "mobility":
        kernel = next(each for each in kernels if each.point == run.point)
        return kernel.number("t_eq_band_fs"), kernel.number("tau_K_band_fs")
    return run.number("plateau_from_fs"), run.number("tau_K_band_fs")


def rows(found: Sequence[Method], kernels: Sequence[Run], folder: Path) -> Iterator[style.Row]:
    """Yield one row per method that has converged."""
    for method in found:
        run = at_convergence(method)
        if run is None:
            continue
        production, tau = times(run, kernels)
        wall, core, memory = measured(folder, run)
        printed = PRINTED[method.name]
        yield paper.identity(run) | {
            "method": method.name,
            "before_fs": 0.0,
            "production_fs": production,
            "tau_K_fs": tau,
            "wall_s": wall,
            "core_s": core,
            "memory_MB": memory,
            **{f"printed_{name}": value for name, value in vars(printed).items()},
        }


def compose(
    mobility: Sequence[Run],
    kernels: Sequence[Run],
    populations: Sequence[Run],
    benchmarks: Sequence[Path],
    band_paper_units: float,
) -> paper.Page:
    """Return the table from mobility, kernel and population kernel files."""
    found = [
        row
        for methods in by_bath(mobility, populations, band_paper_units)
        for row in rows(methods, kernels, benchmarks[0])
    ]
    text = (
        "Cost of each method on the first ring on which its mobility has converged (Fig. 1), "
        "beside what is printed in Chem. Sci. 2024, 15, 16715, Table 1. Equilibrium states are "
        "solved for and relaxed baths known in closed form, so nothing is propagated beforehand. "
        "Production: the time by which the integral of C_JJ has converged, or at which the "
        "diffusive plateau of the populations begins. Core-seconds and memory are those of the "
        "whole process, error estimates included, beside whatever else ran on the machine. A "
        "method that has not converged on any ring of the study has no row."
    )
    return found, text, [table(found)]


main = paper.page_main(
    "Table 1: cost of three methods",
    compose,
    *("mobility", "kernel", "population_kernel"),
    criteria=("band_paper_units",),
    files=("benchmarks",),
)
