"""The current autocorrelation function and its running integral."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from smallpolaron.figures import style
from smallpolaron.figures.commands import figure_main
from smallpolaron.figures.runs import Run, family, remarks, rows_of, window


def rows(runs: Sequence[Run], integrals: Sequence[Run]) -> Iterator[style.Row]:
    """Yield the plotted numbers, one row per run and sample."""
    by_point = {run.point: run for run in integrals}
    for run in runs:
        C, D = run.array("C_JJ"), by_point[run.point].array("D_running")
        columns = {
            "time_fs": run.array("time_fs"),
            "re_C_JJ_A2_fs2": C.real,
            "im_C_JJ_A2_fs2": C.imag,
            "running_integral_A2_fs": D,
            "running_mobility_cm2_Vs": run.mobility(1.0) * D,
        }
        yield from rows_of(run.identity(), columns)


def draw(runs: Sequence[Run], integrals: Sequence[Run]) -> Figure:
    """Draw C_JJ (left: real and imaginary part) and its running integral (right)."""
    figure = style.new_figure()
    left, right = figure.subplots(1, 2)
    correlations = {run.point: run.array("C_JJ") for run in runs}
    for whole, look in family(integrals):
        times, C = whole.array("time_fs"), correlations[whole.point]
        left.plot(times, C.real, **look)
        left.plot(times, C.imag, **look | {"linewidth": 1.0, "linestyle": (0, (1, 1))})
        right.plot(times, whole.array("D_running"), **look)
    left.axhline(0, color=style.GREY, linewidth=0.8)
    left.set_xlim(0, window(runs[0].array("time_fs"), [run.array("C_JJ") for run in runs]))
    left.set(xlabel="time (fs)", ylabel=f"$C_{{JJ}}$ ({runs[0].units('C_JJ')})")
    parts = [
        Line2D([], [], color=style.BLACK, label="real part"),
        Line2D([], [], color=style.BLACK, linewidth=1.0, linestyle=(0, (1, 1)), label="imaginary"),
    ]
    left.legend(handles=parts)
    right.set(
        xlabel="upper limit of the integral (fs)",
        ylabel=r"$\int_0^t \mathrm{Re}\,C_{JJ}\,\mathrm{d}t'$"
        f" ({integrals[0].units('D_running')})",
        xlim=(0, float(np.max(runs[-1].array("time_fs")))),
    )
    if runs[0].is_absolute:
        style.second_axis(right, runs[0].mobility(1.0), style.MOBILITY)
    style.legend(right)
    style.flagged_note(figure, remarks(integrals))
    return figure


main = figure_main(draw, rows, "correlation", "mobility")
