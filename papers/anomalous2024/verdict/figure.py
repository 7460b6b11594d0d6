"""Anomalous transport paper: sizes and costs of all methods over coupling and rate of the bath."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.figure import Figure

from papers.anomalous2024.verdict.judge import (
    LATTICES,
    METHOD_WORDS,
    METHODS,
    OUTCOMES,
    Lattice,
    Method,
)
from papers.shared import figure as paper
from papers.shared.figure import Map, heat_maps
from smallpolaron.figures import style
from smallpolaron.figures.runs import Run
from smallpolaron.results.store import read_result
from smallpolaron.study.physical_system import system_name

_COST: Final = "{:.3g}"
FINITE: Final[dict[Lattice, str]] = {"ring": "ring", "chain": "open chain"}


@dataclass(frozen=True)
class Outcome:
    """What a method on a lattice has come to."""

    outcome: str
    largest: int
    n_sites: float
    core_seconds: float


_SERIES: Final = (
    *("system", "lattice", "method", "outcome", "largest_n_sites", "n_sites", "core_seconds"),
    *("cost_factor",),
)
Key = tuple[Lattice, Method]
Verdicts = Mapping[str, Mapping[Key, Outcome]]
NOTHING: Final = Outcome("not computed", 0, float("nan"), float("nan"))


def read_verdicts(path: Path) -> Verdicts:
    """Return the outcomes of a verdict file by system, lattice and method."""
    result = read_result(path, kind="verdict")
    names = result.parameters["system_names"]
    found: dict[str, dict[Key, Outcome]] = {name: {} for name in names}
    columns = [result.array(f"series/{key}") for key in _SERIES]
    for system, lattice, method, code, largest, n_sites, seconds, factor in zip(
        *columns, strict=True
    ):
        outcome = OUTCOMES[code]
        found[names[system]][LATTICES[lattice], METHODS[method]] = Outcome(
            outcome.replace("_", " "),
            int(largest),
            float(n_sites) if outcome == "converged" else float("nan"),
            float(seconds) if np.isfinite(factor) else float("nan"),
        )
    return found


def outcome_of(verdicts: Verdicts, lattice: Lattice, method: Method, run: Run) -> Outcome:
    """Return the outcome of a method for the system of a run."""
    system = verdicts.get(system_name(run.result.resolved), {})
    return system.get((lattice, method), NOTHING)


def size(verdicts: Verdicts, lattice: Lattice, method: Method, run: Run) -> float:
    """Return the size that a method needs."""
    return outcome_of(verdicts, lattice, method, run).n_sites


def instead_of_size(verdicts: Verdicts, lattice: Lattice, method: Method, run: Run) -> str:
    """Return what is written where there is no such size."""
    found = outcome_of(verdicts, lattice, method, run)
    words = {"not converged": f"> {found.largest}", "cannot converge": "never", "undecided": "?"}
    return words.get(found.outcome, "–")


def cost(verdicts: Verdicts, method: Method, run: Run) -> float:
    """Return the core seconds of the cheapest way to a converged D by a method."""
    costs = [outcome_of(verdicts, lattice, method, run).core_seconds for lattice in LATTICES]
    return next((seconds for seconds in costs if np.isfinite(seconds)), float("nan"))


def ratio(verdicts: Verdicts, method: Method, run: Run) -> float:
    """Return what a method costs in units of what Green-Kubo costs."""
    return cost(verdicts, method, run) / cost(verdicts, "green_kubo", run)


def rows(runs: Sequence[Run], verdicts: Verdicts) -> Iterator[style.Row]:
    """Yield one row per point of the map."""
    for run in runs:
        row = paper.identity(run)
        for method in METHODS:
            for lattice in LATTICES:
                found = outcome_of(verdicts, lattice, method, run)
                row[f"{method}_{lattice}_outcome"] = found.outcome
                row[f"{method}_{lattice}_n_sites"] = found.n_sites
            row[f"{method}_core_s"] = cost(verdicts, method, run)
        for method in METHODS[1:]:
            row[f"{method}_over_green_kubo"] = ratio(verdicts, method, run)
        yield row


def draw(runs: Sequence[Run], verdicts: Verdicts) -> Figure:
    """Draw a column per method: sizes of ring and chain, in the same colours, and cost."""
    figure = style.new_figure(12.0, 10.2)
    panels = figure.subplots(3, len(METHODS))
    pairs = [(lattice, method) for lattice in FINITE for method in METHODS]
    sizes = [size(verdicts, *pair, run) for pair in pairs for run in runs]
    found = [n_sites for n_sites in sizes if np.isfinite(n_sites)]
    limits = (min(found), max(found)) if found else None
    maps = [
        Map(
            partial(size, verdicts, lattice, method),
            *(f"{METHOD_WORDS[method]}: N of the {FINITE[lattice]}", "{:.0f}", limits),
            partial(instead_of_size, verdicts, lattice, method),
        )
        for lattice, method in pairs
    ]
    first, *others = METHODS
    maps.append(Map(partial(cost, verdicts, first), f"{METHOD_WORDS[first]}: cost (core s)", _COST))
    maps += [
        Map(
            partial(ratio, verdicts, method),
            *(f"{METHOD_WORDS[method]}: cost over {METHOD_WORDS[first]}", _COST),
        )
        for method in others
    ]
    heat_maps(panels.flat, runs, maps)
    return figure


def compose(runs: Sequence[Run], verdict: Sequence[Path], band_percent: float) -> paper.Drawn:
    """Draw the figure from the verdict file and the mobility files of the map."""
    verdicts = read_verdicts(verdict[0])
    text = (
        "Number of sites from which on D of every larger ring (upper row) or open chain (middle "
        f"row) of the study is within ±{band_percent:g} % of the infinite lattice: by the "
        "integral of C_JJ (left), by the diffusive plateau of a carrier that starts on one site, "
        "lattice relaxed (middle) or not (right). Lower row: core seconds of the cheapest lattice "
        "on which a method gives D, for the others relative to Green-Kubo. Sizes are limited to "
        "those of the study: > marks the largest one where it has not sufficed; a dash: not "
        "computed, or without cost because nothing has converged; ?: undecided, the table of the "
        "verdict says why. On an open chain the integral of C_JJ can never converge. Parameters "
        "below are those of the map; those of every run are in the table of the verdict."
    )
    return draw(runs, verdicts), rows(runs, verdicts), text, runs


main = paper.figure_main(compose, "mobility", criteria=("band_percent",), files=("verdict",))
