"""Anomalous transport paper, Fig. 1: an open chain by its current, and by spreading on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from papers.anomalous2024 import curves
from papers.shared import figure as paper
from smallpolaron.figures import style
from smallpolaron.figures.runs import Run, reference, remarks, with_error
from smallpolaron.model.units import paper_units


@dataclass(frozen=True)
class Chains:
    """What is drawn."""

    current: tuple[Run, ...]
    long: Run
    infinite: Run
    spreading: tuple[Run, ...]

    @property
    def runs(self) -> tuple[Run, ...]:
        """All runs."""
        return (*self.current, self.long, self.infinite, *self.spreading)


def rows(found: Chains) -> list[style.Row]:
    """Return one row per curve and time."""
    current = [*found.current, found.long, found.infinite]
    integrals = "integral of Re C_JJ"
    return [*curves.integrals(current, integrals), *curves.slopes(found.spreading)]


def draw(found: Chains) -> Figure:
    """Draw the integrals of the current (left) and the slopes of the displacement (right)."""
    figure = style.new_figure(12.0, 5.0)
    left, right = figure.subplots(1, 2)
    _current(left, found)
    _spreading(right, found)
    style.flagged_note(figure, remarks(found.runs))
    return figure


def _current(axes: Axes, found: Chains) -> None:
    inset = axes.inset_axes((0.42, 0.7, 0.55, 0.27))
    for run, line in zip(found.current, curves.family(found.current), strict=True):
        axes.plot(run.array("time_fs"), run.array("D_running"), label=run.legend(), **line)
    D, time = found.infinite.number("D"), found.long.array("time_fs") / 1000
    look = curves.look(found.long, style.BLUE)
    inset.plot(time, found.long.array("D_running"), label=found.long.legend(), **look)
    walk = curves.walk(found.long, found.infinite).D_running
    inset.plot(time, walk, color=style.ORANGE, linestyle=(0, (4, 2)), label="walk")
    style.legend(inset, fontsize=7.5, loc="lower left")
    for panel in (axes, inset):
        label = curves.label(found.infinite, "N = ∞ (ring)")
        panel.axhline(D, label=label, **curves.look(found.infinite, style.BLACK, ":"))
        panel.axhline(0, color=style.GREY, linewidth=0.8)
    inset.set_xlabel("upper limit (ps)", fontsize=7.5, labelpad=1)
    inset.tick_params(labelsize=7)
    inset.set_xlim(0, float(time[-1]))
    end = max(float(run.array("time_fs")[-1]) for run in found.current)
    axes.set(xlabel=curves.LIMIT, ylabel=curves.INTEGRAL, xlim=(0, end))
    axes.set_ylim(top=1.45 * axes.get_ylim()[1])  # room for the inset
    axes.set_title("open chain, current in equilibrium")
    curves.paper_axis(axes)
    style.legend(axes, fontsize=8.5, loc="lower right", ncols=2)


def _spreading(axes: Axes, found: Chains) -> None:
    inset = axes.inset_axes((0.56, 0.61, 0.41, 0.34))
    sizes = sorted({run.n_sites for run in found.spreading})
    colours = dict(zip(sizes, style.shades(len(sizes)), strict=True))
    for run in found.spreading:
        line = curves.spread(run, colours[run.n_sites])
        panels = (axes, inset) if run.n_sites == sizes[-1] else (axes,)
        for panel in panels:
            panel.plot(run.array("time_fs"), run.array("dmsd_dt"), **line)
    D = found.infinite.number("D")
    for panel in (axes, inset):
        panel.axhline(2 * D, **curves.look(found.infinite, style.BLACK, ":"))
        panel.axhline(0, color=style.GREY, linewidth=0.8)
    curves.log_time(axes, found.spreading)
    axes.set_ylim(top=1.45 * axes.get_ylim()[1])  # room for the inset
    inset.set_xlim(0, float(found.spreading[-1].array("time_fs")[-1]))
    inset.set_title(f"N = {sizes[-1]}, linear time (fs)", fontsize=8)
    inset.tick_params(labelsize=7)
    axes.set(xlabel="time (fs)", ylabel=curves.SLOPE)
    axes.set_title("open chain, carrier started in the middle")
    curves.paper_axis(axes, share_of_D=0.5)
    named = [Line2D([], [], color=colours[n], label=f"N = {n}") for n in sizes]
    keys = [*named, *curves.keys(found.spreading)]
    style.legend(axes, keys, fontsize=8.5, loc="lower center")


def text(found: Chains, percent: float) -> str:
    """Return what is seen, and what decides."""
    ends = "; ".join(f"N = {run.n_sites}: {_last(run)}" for run in (*found.current, found.long))
    D = with_error(found.infinite, "D_paper")
    return (
        "Open chains. Left: integral of Re C_JJ against its upper limit; inset: the long record, "
        "and a walk that hops between the walls with D of the infinite ring (dashed). The integral "
        "passes D of the infinite ring (dotted, "
        f"{D} paper units, 2 D/bohr²), has no plateau, and goes to 0: J = dX/dt and the "
        "position X is bounded on an open chain, so that the integral over all times is exactly 0. "
        f"Last values, paper units: {ends}. "
        "Right: slope of the mean-squared displacement after a start in the middle; inset: the "
        "largest chain in linear time; dotted: 2 D of the infinite ring. Diffusive plateaus "
        f"(tolerance ± {percent:g} %) are in the table of regimes."
    )


def _last(run: Run) -> str:
    return f"{paper_units(run.number('D')):.4g} at {run.array('time_fs')[-1]:g} fs"


def compose(
    mobility: Sequence[Run],
    long: Sequence[Run],
    infinite: Sequence[Run],
    spreading: Sequence[Run],
    band_percent: float,
) -> paper.Drawn:
    """Draw the figure from mobility and spreading files of open chains."""
    found = Chains(
        current=tuple(mobility),
        long=long[-1],
        infinite=reference(infinite),
        spreading=tuple(curves.with_start(spreading)),
    )
    curves.same_bath(found.runs, found.infinite)
    return draw(found), rows(found), text(found, band_percent), found.runs


main = paper.figure_main(
    compose, "mobility", "long", "reference", "spreading", criteria=("band_percent",)
)
