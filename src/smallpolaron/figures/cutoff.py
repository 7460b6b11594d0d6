"""How early the simulation may stop: mobility against the cutoff of the memory kernel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from smallpolaron.figures import style
from smallpolaron.figures.commands import figure_main
from smallpolaron.figures.runs import PAPER_UNIT_A2_FS, Run, reference, remarks, rows_of

TIMES = (
    # variable, words, marker, colour
    ("tau_K_band_fs", r"$\tau_\mathcal{K}$, band", "o", style.VERMILION),
    ("t_eq_band_fs", r"$t_\mathrm{eq}$, band", "s", style.BLUE),
    ("tau_K_percent_fs", r"$\tau_\mathcal{K}$, percent", "^", style.ORANGE),
    ("t_eq_percent_fs", r"$t_\mathrm{eq}$, percent", "v", style.SKY),
)


def rows(kernels: Sequence[Run], integrals: Sequence[Run], **_: float) -> Iterator[style.Row]:
    """Yield both mobility curves of every run and then its four cutoff times."""
    by_point = {run.point: run for run in integrals}
    for run in kernels:
        direct = by_point[run.point]
        curves = (
            ("truncated kernel", run.array("cutoff_fs"), run.array("D_cutoff")),
            ("direct integral", direct.array("time_fs"), direct.array("D_running")),
        )
        for route, times, values in curves:
            columns = {
                "cutoff_fs": times,
                "mobility_at_cutoff_cm2_Vs": run.mobility(1.0) * values,
                "D_at_cutoff_A2_fs": values,
            }
            yield from rows_of(run.identity() | {"route": route}, columns)
        for name, *_words in TIMES:
            yield run.identity() | {"route": name, "cutoff_fs": run.number(name)}


def _curves(axes: Axes, run: Run, direct: Run, band_paper_units: float) -> None:
    """Draw mobility against cutoff time of one run, with the band and the marked times."""
    if run.reason:
        style.message(axes, f"{run.label}: {run.reason}")
        return
    factor, centre, first = 1.0, float(direct.array("D_running")[-1]), 2
    if run.is_absolute:  # a band of fixed width, and times defined by it, need a scale of C_JJ
        factor, first = run.mobility(1.0), 0
        centre = factor * direct.number("D")
        half = run.mobility(band_paper_units * PAPER_UNIT_A2_FS)
        style.band(axes, centre, half, label=f"converged ± {band_paper_units:g} paper units")
    marks = TIMES[first : first + 2]
    routes = (
        (run, "cutoff_fs", "D_cutoff", "kernel cut at τ", "-", style.VERMILION, marks[0]),
        (direct, "time_fs", "D_running", "integral cut at t", "--", style.BLUE, marks[1]),
    )
    last = 0.0
    for source, clock, name, words, line, colour, (key, symbol, marker, _) in routes:
        times, values = source.array(clock), factor * source.array(name)
        axes.plot(times, values, color=colour, linestyle=line, label=words)
        mark = run.number(key)
        if np.isfinite(mark):
            last = max(last, mark)
            value = float(np.interp(mark, times, values))
            look = style.marker_style(colour, run.flagged)
            words = symbol.split(",")[0] + f" = {mark:.0f} fs"
            axes.plot([mark], [value], marker, zorder=5, label=words, ls="", **look)
        else:
            axes.plot([], [], " ", label=symbol.split(",")[0] + ": run too short to tell")
    end = float(direct.array("time_fs")[-1])
    axes.set_xlim(0, min(end, 1.8 * last) if last else end)
    top = 1.35 * centre
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, min(0.0, 0.2 * centre)), max(min(high, 2.5 * top), top))
    axes.set(
        xlabel="cutoff time τ or t (fs)",
        ylabel=style.MOBILITY
        if run.is_absolute
        else rf"integral of $C_{{JJ}}$ ({direct.units('D_running')})",
        title=run.legend(),
    )
    axes.legend(loc="lower right")


def _lifetimes(axes: Axes, runs: Sequence[Run]) -> None:
    """Draw all four cutoff times of every run against the number of sites."""
    sites = np.array([run.size for run in runs])
    names = []
    times = TIMES if runs[0].is_absolute else TIMES[2:]
    for shift, (key, words, marker, colour) in zip((-0.12, -0.04, 0.04, 0.12), times, strict=False):
        values = np.array([run.number(key) for run in runs])
        for x, y, run in zip(sites + shift, values, runs, strict=True):
            look = style.marker_style(colour, run.flagged)
            axes.plot([x], [y], marker, linestyle="", **look)
        found = words if np.isfinite(values).any() else f"{words}: not reached"
        names.append(Line2D([], [], color=colour, marker=marker, linestyle="", label=found))
    axes.set(
        xlabel="number of sites N",
        ylabel="time (fs)",
        title="cutoff times of every run",
        xlim=(float(sites.min()) - 0.5, float(sites.max()) + 0.5),
    )
    axes.set_xticks(sorted(set(sites.tolist())))
    if runs[0].is_table:
        axes.set_xticks([0], [runs[0].label])
        axes.set_xlabel("")
    axes.margins(y=0.1)
    axes.set_ylim(bottom=0)
    axes.legend(handles=names, loc="best")


def draw(kernels: Sequence[Run], integrals: Sequence[Run], band_paper_units: float) -> Figure:
    """Draw mobility against cutoff for the reference run and the cutoff times of all runs.

    Args:
        kernels: kernel results of one system.
        integrals: mobility results of the same points.
        band_paper_units: half width of the band that defines the times, in 2 D / bohr^2.
    """
    figure = style.new_figure()
    left, right = figure.subplots(1, 2, width_ratios=(1.35, 1.0))
    shown = reference(kernels)
    direct = next(run for run in integrals if run.point == shown.point)
    _curves(left, shown, direct, band_paper_units)
    _lifetimes(right, kernels)
    style.flagged_note(figure, remarks(kernels))
    return figure


main = figure_main(draw, rows, "kernel", "mobility", criteria=("band_paper_units",))
