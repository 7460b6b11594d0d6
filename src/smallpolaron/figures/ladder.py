"""Mobility against the number of sites of a ladder, with its limit of infinitely many sites."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smallpolaron.derive.result_tables import infinite_ring_usable
from smallpolaron.figures import style
from smallpolaron.figures.commands import figure_main
from smallpolaron.figures.runs import PAPER_UNIT_A2_FS, Run

_INFINITY = 1.15
"""Where the values of infinitely many sites are drawn, in units of the largest size."""


def rows(run: Run) -> Iterator[style.Row]:
    """Yield one row per size, and one each for the extrapolation and the infinite ring."""
    columns = (run.array(name) for name in ("n_sites", "D", "D_error", "usable"))
    for n_sites, D, error, usable in zip(*columns, strict=True):
        yield _row(run, "size", int(n_sites), float(D), float(error), bool(usable))
    for what, name, usable in (
        ("extrapolation", "D_infinity", not run.flagged),
        ("infinite ring", "D_infinite_ring", infinite_ring_usable(run.result)),
    ):
        D, error = run.number(name), run.number(f"{name}_error")
        if np.isfinite(D):
            yield _row(run, what, "", D, error, bool(usable))


def _row(
    run: Run, what: str, n_sites: object, D: float, error: float, usable: bool
) -> dict[str, object]:
    return {
        "ladder": run.point,
        "what": what,
        "n_sites": n_sites,
        "D_A2_fs": D,
        "D_error_A2_fs": error,
        "mobility_cm2_Vs": run.mobility(D),
        "mobility_error_cm2_Vs": run.mobility(error),
        "usable": usable,
        "flagged": run.flagged,
    }


def _draw_sizes(axes: Axes, run: Run) -> None:
    n, D, error = (run.array(name) for name in ("n_sites", "D", "D_error"))
    usable = run.array("usable").astype(bool)
    there, unit = np.isfinite(D), run.mobility(1.0)
    style.points(axes, n[there], unit * D[there], unit * error[there], ~usable[there])


def _draw_limit(axes: Axes, run: Run, x: float) -> None:
    """Draw the fitted curve, the extrapolation with its band, and the infinite ring."""
    centre, half = (run.mobility(run.number(f"D_infinity{part}")) for part in ("", "_error"))
    if np.isfinite(centre):
        n, D = run.array("curve_n_sites"), run.array("curve_D")
        seen = n <= run.array("n_sites").max()
        axes.plot(n[seen], run.mobility(1.0) * D[seen], "-", color=style.GREY, linewidth=1.0)
        style.band(axes, centre, half)
        label = "extrapolation, 95 %"
        axes.errorbar([x], [centre], [half], fmt="D", color=style.GREEN, capsize=3, label=label)
    ring = run.mobility(run.number("D_infinite_ring"))
    if np.isfinite(ring):
        usable = infinite_ring_usable(run.result)
        colour = style.BLACK if usable else style.VERMILION
        label = "infinite ring" if usable else "infinite ring (flagged)"
        axes.axhline(ring, color=colour, linewidth=1.0, linestyle=(0, (4, 2)))
        error = run.mobility(run.number("D_infinite_ring_error"))
        axes.errorbar([x], [ring], [error], fmt="x", color=colour, capsize=3, label=label)


def draw(run: Run) -> Figure:
    """Draw mobility against N of one ladder."""
    figure = style.new_figure(7.2, 4.2)
    axes = figure.subplots()
    title = textwrap.fill(run.result.notes["verdict"], 80)
    axes.set_title(title, color=style.VERMILION if run.flagged else style.BLACK)
    if not np.isfinite(run.array("D")).any():
        style.message(axes, "no size of this ladder gave a number")
        return figure
    sizes = [int(n) for n in run.array("n_sites")]
    x = _INFINITY * sizes[-1]
    _draw_sizes(axes, run)
    _draw_limit(axes, run, x)
    axes.set(xlabel="number of sites N", ylabel=style.MOBILITY)
    axes.set_xticks([*sizes, x], [*(str(n) for n in sizes), "∞"])
    style.second_axis(axes, 1 / run.mobility(PAPER_UNIT_A2_FS), style.PAPER_D)
    axes.margins(y=0.15)
    style.legend(axes)
    if run.failed_gates:
        style.flagged_note(figure, [f"this ladder ({', '.join(run.failed_gates)})"])
    return figure


main = figure_main(draw, rows, "ladder", single=True)
