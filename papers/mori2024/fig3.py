"""Mori paper, Fig. 3: what memory kernels save, over the map of coupling and rate of the bath."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from matplotlib.figure import Figure

from papers.shared import figure as paper
from papers.shared.figure import Map, heat_maps
from smallpolaron.figures import style
from smallpolaron.figures.runs import Run

PROJECTORS: Final = {"J": "J", "J_dJ": "J, dJ/dt", "J_dJ_d2J": "J, dJ/dt, d²J/dt²"}
SOURCES: Final = {"exact": "exact derivatives", "differences": "numerical differences"}


def tau(run: Run, projector: str, source: str) -> float:
    """Return the kernel cutoff of a projector by the relative band, fs."""
    return run.number(f"{projector}/{source}/tau_K_percent_fs")


def saving(run: Run, projector: str, source: str) -> float:
    """Return the cutoff with an augmented projector over that with J alone."""
    return tau(run, projector, source) / tau(run, "J", "exact")


def first(run: Run) -> float:
    """Return the cutoff of the kernel over that of the integral itself."""
    return tau(run, "J", "exact") / run.number("t_eq_percent_fs")


def rows(runs: Sequence[Run]) -> Iterator[style.Row]:
    """Yield one row per point of the map."""
    for run in runs:
        cutoffs = {
            f"tau_K_{source}_{projector}_fs": tau(run, projector, source)
            for source in SOURCES
            for projector in PROJECTORS
        }
        ratios = {
            f"saving_{source}_{projector}": saving(run, projector, source)
            for source in SOURCES
            for projector in list(PROJECTORS)[1:]
        }
        yield (
            paper.identity(run)
            | cutoffs
            | ratios
            | {
                "t_eq_fs": run.number("t_eq_percent_fs"),
                "tau_K_over_t_eq": first(run),
            }
        )


def draw(runs: Sequence[Run]) -> Figure:
    """Draw the map of the scalar kernel and those of the augmented projectors."""
    figure = style.new_figure(12.0, 7.6)
    scalar = (
        Map(first, r"$\tau_K/t_{eq}$", limits=(0.0, 1.1)),
        Map(lambda run: run.number("t_eq_percent_fs"), r"$t_{eq}$ (fs)", "{:.0f}"),
    )
    for panels, whole, (source, words) in zip(
        figure.subplots(2, 3), scalar, SOURCES.items(), strict=True
    ):
        augmented = (
            Map(
                partial(saving, projector=projector, source=source),
                f"τ_K({{{PROJECTORS[projector]}}})/τ_K(J), {words}",
                limits=(0.0, 1.5),
            )
            for projector in list(PROJECTORS)[1:]
        )
        heat_maps(panels, runs, [whole, *augmented])
    return figure


def compose(runs: Sequence[Run], band_percent: float) -> paper.Drawn:
    """Draw the figure from augmented files of the map."""
    text = (
        f"Times after which D stays within ±{band_percent:g} % of its converged value: "
        "t_eq of the running integral of C_JJ (lower left), tau_K of the memory kernel of J "
        "relative to it (upper left), and tau_K with derivatives of J in the projector over that "
        "of J alone (middle and right), with derivatives from the generator (upper row) and from "
        "differences of the stored C_JJ (lower row). A dash: not met within the record."
    )
    return draw(runs), rows(runs), text, runs


main = paper.figure_main(compose, "augmented", criteria=("band_percent",))
