"""Spreading from one site: mean-squared displacement and its growth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from matplotlib.figure import Figure
from numpy.typing import NDArray

from smallpolaron.derive.spreading_job import spreading_run
from smallpolaron.figures import style
from smallpolaron.figures.commands import figure_main
from smallpolaron.figures.runs import Run, remarks, rows_of

_LINES = {"franck_condon": "-", "marcus": "-."}
_NAMES = {"franck_condon": "Franck–Condon", "marcus": "Marcus"}


def _curves(run: Run) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    found = spreading_run(run.result)
    return found.time_fs, found.msd_A2, found.dmsd


def rows(runs: Sequence[Run]) -> Iterator[style.Row]:
    """Yield the plotted numbers, one row per run and sample."""
    for run in runs:
        fixed = run.identity() | {"start": run.parameter("start")}
        names = ("time_fs", "msd_A2", "dmsd_dt_A2_fs")
        yield from rows_of(fixed, dict(zip(names, _curves(run), strict=True)))


def draw(runs: Sequence[Run]) -> Figure:
    """Draw the mean-squared displacement (left) and half its slope, D(t) (right)."""
    figure = style.new_figure()
    left, right = figure.subplots(1, 2, sharex=True)
    sizes = sorted({run.n_sites for run in runs})
    colours = dict(zip(sizes, style.shades(len(sizes)), strict=True))
    broken = iter(style.line_styles([run.flagged for run in runs if run.flagged]))
    for i, run in enumerate(runs):
        times, msd, slope = _curves(run)
        start = str(run.parameter("start"))
        trusted = {"color": colours[run.n_sites], "linestyle": _LINES[start]}
        look = next(broken) if run.flagged else trusted
        words = f"{run.label}, {_NAMES[start]}" + (" (flagged)" if run.flagged else "")
        label = words if style.named(i, len(runs)) else None
        left.plot(times, msd, label=label, **look)
        right.plot(times, slope / 2, **look)
    left.set(xlabel="time (fs)", ylabel="mean-squared displacement (Å$^2$)")
    right.set(
        xlabel="time (fs)", ylabel=r"$\frac{1}{2}\,\mathrm{d\,MSD}/\mathrm{d}t$ (Å$^2$ fs$^{-1}$)"
    )
    right.axhline(0, color=style.GREY, linewidth=0.8)
    left.set_xlim(left=0)
    style.legend(left)
    style.flagged_note(figure, remarks(runs))
    return figure


main = figure_main(draw, rows, "population")
