"""A number per (coupling, rate of the bath) drawn as a map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from papers.shared.figure import Value, eta_over_v, gamma_over_v
from smallpolaron.figures import style
from smallpolaron.figures.runs import Run

_DARK: Final = 0.45
"""Brightness of a cell below which its number is written in white."""


def heat_map(
    figure: Figure,
    axes: Axes,
    runs: Sequence[Run],
    value: Value,
    title: str,
    form: str = "{:.2f}",
    limits: tuple[float, float] | None = None,
    instead: Callable[[Run], str] = lambda run: "–",
) -> None:
    """Draw a map with the number of every point; flagged points are framed in red.

    Args:
        figure: the figure, for the colour bar.
        axes: where to draw.
        runs: one run per point of the map; points that are missing stay white.
        value: the number of a run.
        title: what is drawn.
        form: how a number is written.
        limits: range of the colours; None for that of the numbers.
        instead: what is written where the number is NaN; a dash if not given.
    """
    etas = sorted({eta_over_v(run) for run in runs})
    gammas = sorted({gamma_over_v(run) for run in runs})
    found = np.full((len(etas), len(gammas)), np.nan)
    for run in runs:
        found[etas.index(eta_over_v(run)), gammas.index(gamma_over_v(run))] = value(run)
    low, high = limits or _range(found)
    picture = axes.pcolormesh(
        np.arange(len(gammas) + 1),
        np.arange(len(etas) + 1),
        found,
        cmap="viridis",
        vmin=low,
        vmax=high,
    )
    figure.colorbar(picture, ax=axes)
    for run in runs:
        row, column = etas.index(eta_over_v(run)), gammas.index(gamma_over_v(run))
        number = found[row, column]
        shade = float(np.mean(picture.cmap(picture.norm(number))[:3]))
        axes.text(
            column + 0.5,
            row + 0.5,
            form.format(number) if np.isfinite(number) else instead(run),
            ha="center",
            va="center",
            fontsize=8,
            color="white" if np.isfinite(number) and shade < _DARK else style.BLACK,
        )
        if run.flagged:
            axes.add_patch(_frame(column, row))
    axes.grid(False)
    axes.set_xticks(np.arange(len(gammas)) + 0.5, [f"{g:g}" for g in gammas])
    axes.set_yticks(np.arange(len(etas)) + 0.5, [f"{e:g}" for e in etas])
    axes.set(xlabel=r"$\gamma/v$", ylabel=r"$\eta/v$")
    axes.set_title(title, fontsize=9)


def _range(found: NDArray[np.float64]) -> tuple[float, float]:
    finite = found[np.isfinite(found)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def _frame(column: int, row: int) -> Rectangle:
    return Rectangle(
        (column + 0.04, row + 0.04), 0.92, 0.92, fill=False, edgecolor=style.VERMILION, linewidth=2
    )
