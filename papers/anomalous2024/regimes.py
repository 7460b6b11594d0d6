"""Anomalous transport paper: the regimes of every run of populations, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, get_args

import numpy as np

from papers.anomalous2024 import curves
from papers.shared import figure as paper
from smallpolaron.analysis.spreading.regimes import Kind
from smallpolaron.figures import style
from smallpolaron.figures.html import Cell, table
from smallpolaron.figures.runs import Run, error_of, with_error

KINDS: Final[tuple[str, ...]] = get_args(Kind)


def rows(runs: Sequence[Run]) -> Iterator[style.Row]:
    """Yield one row per run and regime; one with the reason for a run without numbers."""
    for run in runs:
        fixed = paper.identity(run) | {
            "start": curves.start(run),
            "start_site": curves.site(run),
            "tau_P_fs": run.number("tau_P_fs"),
            "tau_R_fs": run.number("tau_R_fs"),
            "plateau_D_A2_fs": run.number("plateau_D"),
            "plateau_D_error_A2_fs": error_of(run, "plateau_D"),
            "plateau_D_flatness_A2_fs": run.number("plateau_D_flatness"),
            "plateau": run.result.notes.get("plateau", ""),
        }
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


def page(runs: Sequence[Run]) -> tuple[str, list[str]]:
    """Return the summary and the table: a line per run, a column per regime."""
    head = ["system", "start", "τ_P (fs)", "τ_R (fs)", *KINDS, "plateau D (Å²/fs)"]
    lines = []
    for run in runs:
        look = "fail" if run.flagged else ""
        where = f"{run.parameter('model.topology')}, {run.label}"
        lines.append(
            [
                Cell(paper.system_label(run), curves.label(run, where), "text"),
                Cell(curves.STARTS[curves.start(run)], f"site {curves.site(run)}", "text"),
                _time(run.number("tau_P_fs")),
                _time(run.number("tau_R_fs")),
                *(_regime(run, kind) for kind in KINDS),
                _plateau(run, look),
            ]
        )
    with_plateau = sum(bool(np.isfinite(run.number("plateau_D"))) for run in runs)
    flagged = sum(run.flagged for run in runs)
    text = (
        f"Regimes of {len(runs)} runs of populations: {with_plateau} have a diffusive plateau, "
        f"{flagged} are flagged. Times in fs; small: what was found, or why there is no plateau. "
        "The rules are described in docs/analysis.md."
    )
    return text, [table([Cell(name) for name in head], lines)]


def _time(value: float) -> Cell:
    return Cell(f"{value:.0f}") if np.isfinite(value) else Cell("–", look="none")


def _regime(run: Run, kind: str) -> Cell:
    begin, end = limits(run, kind)
    if not np.isfinite(begin):
        return Cell("–", look="none")
    return Cell(f"{begin:.0f} to {end:.0f}", run.result.notes.get(kind, ""), "text")


def _plateau(run: Run, look: str) -> Cell:
    D, why = run.number("plateau_D"), run.result.notes.get("plateau", run.reason)
    if not np.isfinite(D):
        return Cell("none", why.partition("; ")[2] or why, look or "text")
    flat = f"flat within {run.number('plateau_D_flatness'):.1g}"
    return Cell(with_error(run, "plateau_D"), flat, look)


def compose(runs: Sequence[Run]) -> paper.Page:
    """Return the table from spreading files."""
    return rows(runs), *page(runs)


main = paper.page_main("Regimes of spreading", compose, "spreading")
