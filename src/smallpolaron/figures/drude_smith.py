"""The Drude–Smith form against the computed Kubo-transformed correlation function."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smallpolaron.figures import style
from smallpolaron.figures.commands import figure_main
from smallpolaron.figures.runs import Run, reference, remarks, rows_of, window
from smallpolaron.support.numbers import with_error


def rows(fits: Sequence[Run], integrals: Sequence[Run]) -> Iterator[style.Row]:
    """Yield per run one row of parameters and then the curves."""
    by_point = {run.point: run for run in integrals}
    for run in fits:
        yield run.identity() | {
            "c": run.number("c"),
            "c_error": run.number("c_error"),
            "k_fs": run.number("k"),
            "k_error_fs": run.number("k_error"),
        }
        direct = by_point[run.point]
        times, C = direct.array("time_fs"), direct.array("C_kubo")
        fit = np.interp(times, run.array("time_fs"), run.array("fit"))
        columns = {"time_fs": times, "C_kubo_normalised": C / C[0], "fit": fit}
        yield from rows_of(run.identity(), columns)


def _curves(axes: Axes, below: Axes, fit: Run, direct: Run) -> None:
    if fit.reason:
        style.message(axes, f"{fit.label}: {fit.reason}")
        return
    times = direct.array("time_fs")
    C = direct.array("C_kubo") / direct.array("C_kubo")[0]
    c, k = fit.number("c"), fit.number("k")
    decay = np.exp(-k * times)
    model = np.interp(times, fit.array("time_fs"), fit.array("fit"))
    axes.plot(times, C, color=style.BLACK, linewidth=2.2, label="computed")
    axes.plot(times, model, color=style.VERMILION, label="Drude–Smith fit")
    axes.plot(times, decay, color=style.ORANGE, ls=":", label=r"$e^{-kt}$")
    axes.plot(times, c * k * times * decay, color=style.SKY, ls="--", label=r"$c\,kt\,e^{-kt}$")
    axes.axhline(0, color=style.GREY, linewidth=0.8)
    axes.set_ylabel(r"$C^\mathrm{Kubo}(t)/C^\mathrm{Kubo}(0)$")
    axes.set_title(fit.legend())
    axes.legend()
    axes.set_xlim(0, window(times, [C, model]))
    below.plot(times, C - model, color=style.BLACK, linewidth=1.2)
    below.axhline(0, color=style.GREY, linewidth=0.8)
    below.set(xlabel="time (fs)", ylabel="computed\n− fit")


def _fitted(value: float, error: float) -> str:
    if np.isnan(value):
        return "–"
    if np.isnan(error):
        return f"{value:.3g} (at its limit)"
    return with_error(value, error)


def _table(axes: Axes, fits: Sequence[Run]) -> None:
    """Write c and k of every run."""
    lines = [
        [
            fit.legend().replace(" (flagged)", "*"),
            _fitted(fit.number("c"), fit.number("c_error")),
            _fitted(fit.number("k"), fit.number("k_error")),
            f"{100 * fit.number('residual'):.1f} %",
        ]
        for fit in fits[-12:]
    ]
    axes.set_axis_off()
    table = axes.table(
        cellText=lines,
        colLabels=["run", "c", "k (fs$^{-1}$)", "residual"],
        cellLoc="center",
        loc="upper center",
        colWidths=[0.32, 0.25, 0.28, 0.15],
        edges="horizontal",
    )
    table.auto_set_font_size(False)
    table.set_fontsize(9.5)
    table.scale(1.0, 1.45)
    for column in range(4):
        table[0, column].get_text().set_fontweight("bold")
        for row, fit in enumerate(fits[-12:], start=1):
            if fit.flagged:
                table[row, column].get_text().set_color(style.VERMILION)
    shown = reference(fits)
    verdict = shown.result.notes.get("verdict", "")
    notes = [
        "residual: rms of computed − fit over C(0)",
        *textwrap.wrap(f"{shown.label}: {verdict}" if verdict else "", 78),
    ]
    if any(fit.flagged for fit in fits):
        notes.append("* flagged: a quality gate failed")
    axes.text(
        0.0, 0.0, "\n".join(notes), transform=axes.transAxes, ha="left", va="bottom", fontsize=9
    )


def draw(fits: Sequence[Run], integrals: Sequence[Run]) -> Figure:
    """Draw C_kubo with its fit and the difference (left) and the fitted parameters (right)."""
    figure = style.new_figure(11.0, 4.4)
    grid = figure.add_gridspec(2, 2, width_ratios=(1.1, 1.0), height_ratios=(3.2, 1.0))
    upper = figure.add_subplot(grid[0, 0])
    lower = figure.add_subplot(grid[1, 0], sharex=upper)
    upper.tick_params(labelbottom=False)
    shown = reference(fits)
    _curves(upper, lower, shown, next(run for run in integrals if run.point == shown.point))
    _table(figure.add_subplot(grid[:, 1]), fits)
    style.flagged_note(figure, remarks(fits))
    return figure


main = figure_main(draw, rows, "drude_smith", "mobility")
