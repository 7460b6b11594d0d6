"""Anomalous transport paper, Fig. 2: spreading from the middle and from the wall of a chain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from papers.anomalous2024 import curves
from papers.shared import figure as paper
from smallpolaron.figures import style
from smallpolaron.figures.runs import Run, remarks

SITES: Final = 20
"""Chain of the figure; another one is dotted."""

_DOTTED: Final = (0, (1, 1.2))
_LEGEND: Final[dict[str, Any]] = {
    "fontsize": 8,
    "frameon": True,
    "framealpha": 0.9,
    "edgecolor": "none",
}
_SHORT: Final = {"marcus": "with", "franck_condon": "without"}


@dataclass(frozen=True)
class Place:
    """Runs from one start."""

    title: str
    block: str
    runs: tuple[Run, ...]

    @property
    def shown(self) -> list[Run]:
        """The runs on the chain of the figure."""
        return [run for run in self.runs if run.n_sites == SITES]


def places(runs: Sequence[Run]) -> tuple[Place, Place, Place]:
    """Return the starts in the middle, at the wall, and one site from it.

    Raises:
        ValueError: one of the first two is not there on the chain of the figure.
    """

    def started(title: str, block: str, nearest: int, farthest: int) -> Place:
        sites = range(nearest, farthest + 1)
        chosen = [run for run in runs if curves.to_the_wall(run) in sites]
        order = list(curves.STARTS)
        chosen.sort(key=lambda run: (run.n_sites, order.index(curves.start(run))))
        return Place(title, block, tuple(chosen))

    found = (
        started("in the middle", "chains", 2, max(run.n_sites for run in runs)),
        started("at the wall", "wall", 0, 0),
        started("one site from the wall", "wall", 1, 1),
    )
    for place in found[:2]:
        if not place.shown:
            raise ValueError(
                f"no spreading file of a chain of {SITES} sites with the carrier started "
                f"{place.title}; add it to the block {place.block!r}"
            )
    return found


def draw(middle: Place, wall: Place, percent: float) -> Figure:
    """Draw slope (above) and exponent (below) for two starts."""
    figure = style.new_figure(12.0, 7.4)
    panels = figure.subplots(2, 2, sharex="all", sharey="row")
    for place, upper, lower in zip((middle, wall), panels[0], panels[1], strict=True):
        for run in place.runs:
            line = _look(run)
            upper.plot(run.array("time_fs"), run.array("dmsd_dt"), **line)
            lower.plot(run.array("time_fs"), run.array("alpha"), **line)
        plateaus = list(_plateaus(upper, place, percent))
        marks = [*_times((upper, lower), place), *_exponents(place)]
        upper.axhline(0, color=style.GREY, linewidth=0.8)
        upper.set_title(f"N = {SITES}, started {place.title}")
        curves.paper_axis(upper, share_of_D=0.5)
        lower.axhline(1, color=style.BLACK, linewidth=0.8)
        lower.set(xlabel="time (fs)", ylim=(0.6, 2.4))
        style.legend(upper, [*_names(place), *plateaus], loc="upper left", **_LEGEND)
        style.legend(lower, marks, loc="upper right", **_LEGEND)
    panels[0][0].set_ylabel(curves.SLOPE)
    panels[1][0].set_ylabel(r"$\alpha = \mathrm{d\,ln\,MSD}\,/\,\mathrm{d\,ln}\,t$")
    curves.log_time(panels[0][0], [*middle.runs, *wall.runs])
    panels[0][0].set_ylim(top=1.75 * panels[0][0].get_ylim()[1])  # room for the legend
    style.flagged_note(figure, remarks([*middle.runs, *wall.runs]))
    return figure


def _look(run: Run) -> dict[str, Any]:
    line = curves.LINES[curves.start(run)] if run.n_sites == SITES else _DOTTED
    return curves.look(run, curves.COLOURS[curves.start(run)], line)


def _names(place: Place) -> Iterator[Line2D]:
    """Yield the legend of the curves."""
    for run in place.runs:
        words = f"N = {run.n_sites}, {curves.STARTS[curves.start(run)]}"
        yield Line2D([], [], label=curves.label(run, words), **_look(run))


def _mark(panels: Sequence[Axes], at: float, label: str, **look: Any) -> Line2D:
    """Draw a vertical line, where there is one, and return its legend."""
    if np.isfinite(at):
        for axes in panels:
            axes.axvline(at, linewidth=1.2, **look)
        return Line2D([], [], linewidth=1.2, label=f"{label} = {at:.0f} fs", **look)
    return Line2D([], [], linestyle="", label=f"{label}: not reached")


def _times(panels: Sequence[Axes], place: Place) -> Iterator[Line2D]:
    """Draw tau_P, which both initialisations share, and the tau_R of each; yield the legend."""
    tau_P = place.shown[0].number("tau_P_fs")
    yield _mark(panels, tau_P, "τ_P", color=style.GREEN, linestyle="-.")
    for run in place.shown:
        start = curves.start(run)
        label = f"τ_R, {_SHORT[start]} eq."
        line = (0, (1, 2)) if start == "marcus" else (0, (1, 4))
        yield _mark(
            panels, run.number("tau_R_fs"), label, color=curves.COLOURS[start], linestyle=line
        )


def _plateaus(axes: Axes, place: Place, percent: float) -> Iterator[Line2D]:
    """Shade the diffusive plateaus; yield the legend."""
    for run in place.shown:
        start, slope = curves.start(run), 2 * run.number("plateau_D")
        words = f"plateau, {_SHORT[start]} eq."
        if not np.isfinite(slope):
            yield Line2D([], [], linestyle="", label=f"{words}: none")
            continue
        edges = [run.number("plateau_from_fs"), run.number("plateau_to_fs")]
        half = slope * percent / 100
        look: dict[str, Any] = {"color": curves.COLOURS[start], "alpha": 0.3}
        axes.fill_between(edges, slope - half, slope + half, linewidth=0, **look)
        label = f"{words}: D = {slope / 2:.4f} Å²/fs, {edges[0]:.0f} to {edges[1]:.0f} fs"
        yield Line2D([], [], linewidth=7, label=label, **look)


def _exponents(place: Place) -> Iterator[Line2D]:
    """Yield what alpha is at long times, for the legend."""
    for run in place.shown:
        alpha, spread = run.number("alpha_longtime"), run.number("alpha_longtime_spread")
        words = f"α at long times, {_SHORT[curves.start(run)]} eq. = {alpha:.3f} ± {spread:.3f}"
        yield Line2D([], [], linestyle="", label=words)


def text(percent: float) -> str:
    """Return what is seen, and what decides."""
    return (
        f"Spreading on an open chain of {SITES} sites (longer ones dotted), started in the middle "
        "(left) and on the site at the wall (right): slope of the mean-squared displacement "
        "(above) and its exponent (below), with the lattice equilibrated around the carrier "
        "beforehand or not. "
        f"One tolerance, {percent:g} %, in all rules: from tau_P on the slopes of both "
        f"initialisations differ by at most {percent:g} %; at tau_R the population of the far end "
        f"reaches {percent:g} % of its equilibrium value; on a plateau (shaded) half the slope "
        f"stays within ± {percent:g} % until twice the time at which that began. The times at "
        "other tolerances are in the comparison, plateaus and exponents in the table of regimes. "
        "Alpha above 1 after a start at a wall needs no memory: so does a walk, as the site at the "
        'wall empties. "Next to the wall" may be the site at the wall or the one beside it: the '
        "first is drawn, both are in the table."
    )


def compose(spreading: Sequence[Run], band_percent: float) -> paper.Drawn:
    """Draw the figure from spreading files of open chains."""
    runs = curves.with_start(spreading)
    found = places(runs)
    figure = draw(found[0], found[1], band_percent)
    return figure, curves.slopes(runs), text(band_percent), runs


main = paper.figure_main(compose, "spreading", criteria=("band_percent",))
