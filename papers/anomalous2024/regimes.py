"""Anomalous transport paper: the regimes of every run of populations, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, get_args

import numpy as np

from papers.anomalous2024 import curves
from papers.shared import figure as paper
from smallpolaron.analysis.spreading.regimes import Kind
from smallpolaron.figures import style
from smallpolaron.figures.html import table
from smallpolaron.figures.runs import Run

KINDS: Final[tuple[str, ...]] = get_args(Kind)


def rows(runs: Sequence[Run]) -> Iterator[style.Row]:
    """Yield one row per run and regime; one with the reason for a run without numbers."""
    for run in runs:
        fixed = curves.found(run) | {"plateau": run.result.notes.get("plateau", "")}
        if run.reason:
            yield fixed | {"statement": run.reason}
        for kind in found(run):
            begin, end = limits(run, kind)
            yield fixed | {
                "regime": kind,
                "from_fs": begin,
                "to_fs": end,
                "statement": run.result.notes.get(kind, ""),
            }


def limits(run: Run, kind: str) -> tuple[float, float]:
    """Return begin and end of a regime in fs; NaN if the run does not have it."""
    return run.number(f"{kind}/from_fs"), run.number(f"{kind}/to_fs")


def found(run: Run) -> list[str]:
    """Return the regimes of a run in the order of time."""
    there = [kind for kind in KINDS if np.isfinite(limits(run, kind)[0])]
    return sorted(there, key=lambda kind: limits(run, kind))


def compose(runs: Sequence[Run]) -> paper.Page:
    """Return the table from spreading files."""
    with_plateau = sum(bool(np.isfinite(run.number("plateau_D"))) for run in runs)
    text = (
        f"Regimes of {len(runs)} runs of populations: {with_plateau} have a diffusive plateau, "
        f"{sum(run.flagged for run in runs)} are flagged. The rules are described in "
        "docs/analysis.md."
    )
    found = list(rows(runs))
    return found, text, [table(found)]


main = paper.page_main("Regimes of spreading", compose, "spreading")
