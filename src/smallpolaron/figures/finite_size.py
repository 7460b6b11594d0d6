"""Mobility against the number of sites, and from which size on it no longer changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smallpolaron.analysis.finite_size import FiniteSizeTable
from smallpolaron.figures import style
from smallpolaron.figures.commands import figure_main
from smallpolaron.figures.runs import PAPER_UNIT_A2_FS, Run, remarks, size_table
from smallpolaron.model.units import paper_units

_COLOURS = (style.BLUE, style.VERMILION, style.GREEN, style.PURPLE, style.ORANGE, style.SKY)
_MARKERS = "osD^vP"


@dataclass(frozen=True)
class Series:
    """Runs that differ in nothing but the number of sites."""

    name: str
    runs: tuple[Run, ...]
    table: FiniteSizeTable


def series_of(runs: Sequence[Run], band_paper_units: float, band_percent: float) -> list[Series]:
    """Split the runs of one system into series, the one with most trusted runs first.

    Runs that gave no number are left out.
    """
    found: dict[str, list[Run]] = {}
    for run in runs:
        if not np.isfinite(run.number("D")):
            continue
        found.setdefault(run.label.partition(", ")[2], []).append(run)
    result = []
    for name, members in found.items():
        table = size_table(members, band_paper_units=band_paper_units, band_percent=band_percent)
        result.append(Series(name, tuple(members), table))

    def importance(series: Series) -> tuple[int, tuple[bool, float]]:
        good = sum(not run.flagged for run in series.runs)
        return good, max(run.result.resolved.confidence for run in series.runs)

    return sorted(result, key=importance, reverse=True)


def rows(found: Sequence[Series]) -> Iterator[style.Row]:
    """Yield one row per run."""
    for series in found:
        for run, row in zip(series.runs, series.table.rows, strict=True):
            error = run.number("D_error")
            yield run.identity() | {
                "series": series.name,
                "D_A2_fs": row.D_A2_fs,
                "D_error_A2_fs": error,
                "D_paper_units": row.D_paper,
                "D_error_paper_units": paper_units(error),
                "mobility_cm2_Vs": row.mobility_cm2,
                "mobility_error_cm2_Vs": run.mobility(error),
                "difference_percent": row.difference_percent,
                "first_converged_n_sites_band": series.table.band.n_sites or "",
                "first_converged_n_sites_percent": series.table.percent.n_sites or "",
            }


def _draw_series(axes: Axes, series: Series, index: int) -> None:
    colour, marker = _COLOURS[index % len(_COLOURS)], _MARKERS[index % len(_MARKERS)]
    runs, label = series.runs, series.name or "computed"
    style.points(
        axes,
        [run.n_sites for run in runs],
        [run.mobility(run.number("D")) for run in runs],
        [run.mobility(run.number("D_error")) for run in runs],
        [run.flagged for run in runs],
        (colour, colour),
        (label, f"{series.name} (flagged)".strip()),
        fmt=f"{marker}-",
    )


def _draw_verdict(axes: Axes, series: Series, band_paper_units: float) -> None:
    """Shade the band around the reference of a series and ring the first converged size."""
    table, run = series.table, series.runs[0]
    if not np.isfinite(table.reference_D_A2_fs):
        axes.set_title("no run passes its quality gates: no converged value", fontsize=10)
        return
    centre = run.mobility(table.reference_D_A2_fs)
    half = run.mobility(band_paper_units * PAPER_UNIT_A2_FS)
    style.band(axes, centre, half, label=f"largest N ± {band_paper_units:g} paper units")
    first = table.band.n_sites
    if first is None:
        axes.set_title(f"not converged: {table.band.reason}", fontsize=10, wrap=True)
        return
    value = next(row.mobility_cm2 for row in table.rows if row.n_sites == first)
    label = f"first converged: N = {first}"
    axes.plot([first], [value], "o", ms=15, mfc="none", mec=style.BLACK, ls="", label=label)


def draw(runs: Sequence[Run], found: Sequence[Series], band_paper_units: float) -> Figure:
    """Draw mobility against N, with the band that defines convergence.

    Args:
        runs: all runs of one system.
        found: series of one system; the band belongs to the first.
        band_paper_units: half width of the band in 2 D / bohr^2.
    """
    figure = style.new_figure(7.2, 4.2)
    axes = figure.subplots()
    sizes = sorted({run.n_sites for run in runs})
    if not found:
        style.message(axes, "no run of this system gave a number")
        style.flagged_note(figure, remarks(runs))
        return figure
    for index, series in enumerate(found):
        _draw_series(axes, series, index)
    _draw_verdict(axes, found[0], band_paper_units)
    window = found[0].runs[0].infinite
    axes.set(
        xlabel=f"number of sites {'of the window on the infinite ring' if window else 'N'}",
        ylabel=style.MOBILITY,
        xlim=(sizes[0] - 0.5, sizes[-1] + 0.5),
    )
    axes.set_xticks(sizes if len(sizes) <= 16 else sizes[:: -(-len(sizes) // 16)])
    style.second_axis(axes, 1 / runs[0].mobility(PAPER_UNIT_A2_FS), style.PAPER_D)
    axes.margins(y=0.15)
    style.legend(axes)
    style.flagged_note(figure, remarks(runs))
    return figure


main = figure_main(
    lambda runs, **bands: draw(runs, series_of(runs, **bands), bands["band_paper_units"]),
    lambda runs, **bands: rows(series_of(runs, **bands)),
    "mobility",
    criteria=("band_paper_units", "band_percent"),
)
