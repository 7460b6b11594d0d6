"""Anomalous transport paper, Fig. S2: exponent at long times against size and time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from papers.anomalous2024 import curves
from papers.shared import figure as paper
from smallpolaron.figures import style
from smallpolaron.figures.runs import Run, log_samples, remarks, rows_of


@dataclass(frozen=True)
class Reading:
    """One way to read exponent and time off a run."""

    name: str
    alpha: str
    spread: str
    time: str
    marker: str


READINGS: Final = (
    Reading("maximum", "alpha_peak", "", "alpha_peak_fs", "o"),
    Reading(r"mean before $\tau_R$", "alpha_longtime", "alpha_longtime_spread", "tau_R_fs", "s"),
)
"""That of the paper, and ours with arrival as the population of the end."""

_NUMBERS: Final = tuple(name for r in READINGS for name in (r.alpha, r.spread, r.time) if name)


def rows(runs: Sequence[Run]) -> Iterator[style.Row]:
    """Yield one row per run with its numbers, then one per drawn time with its exponent."""
    for run in runs:
        fixed = paper.identity(run) | {
            "start": curves.start(run),
            "start_site": curves.site(run),
        }
        numbers = {name: run.number(name) for name in _NUMBERS}
        yield fixed | numbers | {"remark": run.result.notes.get("alpha_longtime", run.reason)}
        time, alpha = run.array("time_fs"), run.array("alpha")
        i = log_samples(time, curves.FIRST_FS)
        yield from rows_of(fixed, {"time_fs": time[i], "alpha": alpha[i]})


def draw(runs: Sequence[Run]) -> Figure:
    """Draw alpha(t), time against size, and alpha at long times against time and 1/N."""
    figure = style.new_figure(11.5, 8.2)
    exponents, times, by_time, by_size = figure.subplots(2, 2).flat
    _curves(exponents, runs)
    for start in curves.STARTS:
        chosen = [run for run in runs if curves.start(run) == start]
        size = np.array([run.n_sites for run in chosen], dtype=float)
        for reading in READINGS:
            alpha, time = (_numbers(chosen, name) for name in (reading.alpha, reading.time))
            spread = _numbers(chosen, reading.spread) if reading.spread else None
            _points(times, chosen, reading, size, time)
            _points(by_time, chosen, reading, time, alpha, spread)
            _points(by_size, chosen, reading, 1 / size, alpha, spread)
    times.set(xlabel="number of sites N", ylabel=r"time: of the maximum, or $\tau_R$ (fs)")
    by_time.set(xlabel=r"time: of the maximum, or $\tau_R$ (fs)")
    by_size.set(xlabel="1/N", xlim=(0, None))
    for axes in (by_time, by_size):
        axes.set_ylabel(r"$\alpha$ at long times")
        axes.axhline(1, color=style.BLACK, linewidth=0.8)
    style.legend(times, fontsize=8)
    style.flagged_note(figure, remarks(runs))
    return figure


def _numbers(runs: Sequence[Run], name: str) -> NDArray[np.float64]:
    return np.array([run.number(name) for run in runs])


def _curves(axes: Axes, runs: Sequence[Run]) -> None:
    """Draw alpha(t) of every chain near 1, with its maximum."""
    sizes = sorted({run.n_sites for run in runs})
    colours = dict(zip(sizes, style.shades(len(sizes)), strict=True))
    for run in runs:
        time = run.array("time_fs")
        drawn = log_samples(time, curves.FIRST_FS)
        how = curves.spread(run, colours[run.n_sites])
        name = f"N = {run.n_sites}" if curves.start(run) == "marcus" else None
        axes.plot(time[drawn], run.array("alpha")[drawn], label=name, **how)
        peak = run.number("alpha_peak_fs"), run.number("alpha_peak")
        axes.plot(*peak, "o", markersize=5, color=how["color"])
    axes.axhline(1, color=style.BLACK, linewidth=0.8)
    last = max(float(run.array("time_fs")[-1]) for run in runs)
    axes.set(xscale="log", xlim=(curves.FIRST_FS, last), ylim=(0.7, 1.3))
    axes.set(xlabel="time (fs)", ylabel=r"$\alpha = \mathrm{d\,ln\,MSD}/\mathrm{d\,ln}\,t$")
    style.legend(axes, curves.keys(runs), fontsize=8)


def _points(
    axes: Axes,
    runs: Sequence[Run],
    reading: Reading,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    error: NDArray[np.float64] | None = None,
) -> None:
    """Draw one point per run, joined by a line; hollow and red where the run is flagged."""
    if not runs:
        return
    start = curves.start(runs[0])
    colour, line = curves.COLOURS[start], curves.LINES[start]
    name = f"{reading.name}, {curves.STARTS[start]}"
    there = np.isfinite(x) & np.isfinite(y)
    axes.plot(x[there], y[there], color=colour, linestyle=line, linewidth=0.9)
    axes.plot([], [], reading.marker, color=colour, label=name)
    for i in map(int, np.flatnonzero(there)):
        bad = runs[i].flagged
        how = style.marker_style(style.VERMILION if bad else colour, bad)
        spread = None if error is None else error[i]
        axes.errorbar(x[i], y[i], yerr=spread, fmt=reading.marker, ecolor=colour, lw=0.9, **how)


def compose(spreading: Sequence[Run], band_percent: float) -> paper.Drawn:
    """Draw the figure from spreading files of chains that start in the middle."""
    runs = curves.with_start(spreading)
    text = (
        "Exponent of the spreading from the middle of open chains. Top left: alpha against time "
        "(full: with, dashed: without equilibration), dots: its maximum after its least value, "
        "the paper's long-time alpha, whose time is the paper's tau_R. Squares: mean of alpha over "
        "the second half of the time before our tau_R, when the population of the far end reaches "
        f"{band_percent:g} % of its equilibrium value; bars: largest deviation from it "
        "there. Top right: both times against the number of sites. Bottom: both exponents against "
        "their times and against 1/N. A run without a maximum has no dot: why is in the table."
    )
    return draw(runs), rows(runs), text, runs


main = paper.figure_main(compose, "spreading", criteria=("band_percent",))
