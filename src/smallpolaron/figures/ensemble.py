"""A disordered ensemble: the mean with its confidence band, and every member."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from smallpolaron.figures import style
from smallpolaron.figures.commands import figure_main
from smallpolaron.figures.runs import Run, rows_of


@dataclass(frozen=True)
class Panel:
    """One curve of an ensemble."""

    name: str
    factor: float
    label: str


_LENGTH2 = "Å$^2$"
POPULATION = (
    Panel("msd", 1.0, f"mean-squared displacement ({_LENGTH2})"),
    Panel(
        "dmsd_dt",
        0.5,
        rf"$D(t) = \frac{{1}}{{2}}\,\mathrm{{d\,MSD}}/\mathrm{{d}}t$ ({_LENGTH2} fs$^{{-1}}$)",
    ),
)
CURRENT = (
    Panel("C_JJ", 1.0, rf"$\mathrm{{Re}}\,C_{{JJ}}(t)$ ({_LENGTH2} fs$^{{-2}}$)"),
    Panel("D_running", 1.0, rf"integral of $\mathrm{{Re}}\,C_{{JJ}}$ ({_LENGTH2} fs$^{{-1}}$)"),
)


def panels(run: Run) -> tuple[Panel, ...]:
    """Return what is drawn of an ensemble."""
    return POPULATION if "msd" in run.result.variables else CURRENT


def _curve(run: Run, panel: Panel, end: str = "") -> NDArray[np.float64]:
    return np.asarray(panel.factor * np.real(run.array(panel.name + end)))


def rows(run: Run) -> Iterator[style.Row]:
    """Yield one row per quantity and time: the mean and its interval."""
    for panel in panels(run):
        fixed = {
            "ensemble": run.result.parameters["point"],
            "start": run.result.parameters.get("start", ""),
            "flagged": run.flagged,
            "quantity": panel.name if panel.factor == 1.0 else "D(t)",
        }
        ends = {"mean": "", "low": "_low", "high": "_high"}
        curves = {name: _curve(run, panel, end) for name, end in ends.items()}
        yield from rows_of(fixed, {"time_fs": run.array("time_fs"), **curves})


def _draw_panel(axes: Axes, run: Run, panel: Panel) -> None:
    time, used = run.array("time_fs"), run.array("members/used").astype(bool)
    members = panel.factor * np.real(run.array(f"members/{panel.name}"))
    broken = style.line_styles([True] * int(np.sum(~used)))
    axes.plot(time, members[used].T, color=style.GREY, linewidth=0.5, alpha=0.6)
    for member, look in zip(members[~used], broken, strict=True):
        axes.plot(time, member, **look)
    low, high = _curve(run, panel, "_low"), _curve(run, panel, "_high")
    axes.fill_between(time, low, high, color=style.BLUE, alpha=0.35, linewidth=0, zorder=3)
    axes.plot(time, _curve(run, panel), color=style.BLUE, label="mean, 95 % band", zorder=4)
    axes.plot([], [], color=style.GREY, linewidth=0.5, label=f"{np.sum(used)} members")
    axes.set(xlabel="time (fs)", ylabel=panel.label)
    axes.set_xlim(0, time[-1])


def _left_out(run: Run) -> list[str]:
    """Return the members left out of the averages, with the reasons."""
    text = run.result.notes["left_out"]
    return [] if text == "none" else text.split("; ")


def draw(run: Run) -> Figure:
    """Draw mean and members: MSD and D(t) of populations, C_JJ and its integral of the current."""
    figure = style.new_figure()
    pair = figure.subplots(1, 2)
    for axes, panel in zip(pair, panels(run), strict=True):
        _draw_panel(axes, run, panel)
    right = pair[1]
    D, low, high = (run.number(name) for name in ("D", "D_low", "D_high"))
    if np.isfinite(D):
        right.axhspan(low, high, color=style.GREEN, alpha=0.25, linewidth=0, label="D, 95 %")
    if run.reason:
        style.message(right, run.reason)
    style.legend(pair[0])
    style.legend(right)
    style.flagged_note(figure, _left_out(run))
    return figure


main = figure_main(draw, rows, "ensemble", single=True)
