"""Anomalous transport paper, Figs. 3 and S5: the current on rings converges with time and size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from papers.anomalous2024 import curves
from papers.shared import figure as paper
from papers.shared.comparison import Printed, matching
from smallpolaron.analysis.finite_size import FiniteSizeTable
from smallpolaron.analysis.memory.cutoff import settling_time
from smallpolaron.figures import style
from smallpolaron.figures.runs import PAPER_UNIT_A2_FS, Run, reference, remarks, rows_of, size_table
from smallpolaron.model.units import paper_units
from smallpolaron.support.numbers import with_error


@dataclass(frozen=True)
class Sizes:
    """Rings of one bath against the infinite ring."""

    rings: tuple[Run, ...]
    infinite: Run
    band: float
    table: FiniteSizeTable
    printed: Printed | None

    @property
    def runs(self) -> tuple[Run, ...]:
        """All runs."""
        return (*self.rings, self.infinite)

    @property
    def reach(self) -> tuple[float, float]:
        """D of the infinite ring and the half-width of the band around it, angstrom^2/fs."""
        return self.table.reference_D_A2_fs, self.band * PAPER_UNIT_A2_FS

    def t_eq(self, run: Run) -> float:
        """Return when the integral of a run has come to its last value for good, fs."""
        D = run.array("D_running")
        if not np.isfinite(D).all():
            return float("nan")
        return settling_time(run.array("time_fs"), D, "band", self.band).time_fs


def sizes(rings: Sequence[Run], infinite: Sequence[Run], band: float) -> Sizes:
    """Compare rings with the infinite ring of the same bath.

    Args:
        rings: mobility results of rings.
        infinite: those of the infinite ring; the best one counts.
        band: half-width in paper units.

    Raises:
        ValueError: no ring, or no infinite ring, has a diffusion constant, or the baths differ.
    """
    best = reference(infinite)
    found = curves.usable(rings)
    if not found or not curves.usable([best]):
        without = "ring" if not found else "infinite ring"
        raise ValueError(
            f"no {without} has a diffusion constant: see notes/reason in the mobility files"
        )
    curves.same_bath(rings, best)
    table = size_table(found, best.number("D"), band_paper_units=band)
    numbers = matching(best.result.resolved, ["D_paper"])
    return Sizes(tuple(rings), best, band, table, numbers[0] if numbers else None)


def rows(found: Sizes) -> Iterator[style.Row]:
    """Yield one row per run and time."""
    for run in found.runs:
        D = run.number("D")
        fixed = paper.identity(run) | {
            "D_A2_fs": D,
            "D_error_A2_fs": run.number("D_error"),
            "D_paper_units": paper_units(D),
            "D_error_paper_units": paper_units(run.number("D_error")),
            "difference_paper_units": paper_units(D - found.table.reference_D_A2_fs),
            "t_eq_fs": found.t_eq(run),
            "first_converged_n_sites": found.table.band.n_sites or "",
            "printed_paper_units": found.printed.value if found.printed else "",
        }
        D_running = run.array("D_running")
        columns = {
            "time_fs": run.array("time_fs"),
            "D_running_A2_fs": D_running,
            "D_running_paper_units": paper_units(1.0) * D_running,
        }
        yield from rows_of(fixed, columns)


def draw(found: Sizes) -> Figure:
    """Draw the integrals against their limit, the end enlarged, and their last values against N."""
    figure = style.new_figure(11.5, 4.4)
    left, right = figure.subplots(1, 2, width_ratios=(1.25, 1.0))
    inset = left.inset_axes((0.42, 0.1, 0.55, 0.38))
    for run, line in zip(found.rings, curves.family(found.rings), strict=True):
        for axes in (left, inset):
            axes.plot(run.array("time_fs"), run.array("D_running"), label=run.legend(), **line)
    for axes in (left, inset):
        line = curves.look(found.infinite, style.BLACK)
        label = found.infinite.legend()
        time = found.infinite.array("time_fs")
        axes.plot(time, found.infinite.array("D_running"), label=label, **line)
        _printed(axes, found)
    _band(inset, found)
    end = max(float(run.array("time_fs")[-1]) for run in found.runs)
    left.set(xlabel=curves.LIMIT, ylabel=curves.INTEGRAL, xlim=(0, end))
    left.set_title(paper.system_label(found.infinite))
    curves.paper_axis(left)
    left.set_ylim(top=1.3 * left.get_ylim()[1])  # room for the legend
    centre, half = found.reach
    inset.set(xlim=(0.25 * end, end), ylim=(centre - 3 * half, centre + 3 * half))
    inset.tick_params(labelsize=7)
    left.indicate_inset_zoom(inset, edgecolor=style.GREY)
    style.legend(left, fontsize=7.5, loc="upper right", ncols=3)
    _sizes(right, found)
    style.flagged_note(figure, remarks(found.runs))
    return figure


def _band(axes: Axes, found: Sizes) -> None:
    centre, half = found.reach
    style.band(axes, centre, half)


def _printed(axes: Axes, found: Sizes) -> None:
    if found.printed is not None:
        axes.axhline(
            found.printed.value * PAPER_UNIT_A2_FS,
            color=style.GREY,
            linestyle="--",
            linewidth=1.2,
            label=f"printed: {found.printed.text}",
        )


def _sizes(axes: Axes, found: Sizes) -> None:
    """Draw the last values against the number of sites."""
    centre, _ = found.reach
    look = curves.look(found.infinite, style.BLACK)
    _band(axes, found)
    ours = f"N = ∞: {paper_units(centre):.4g}, band ± {found.band:g}"
    axes.axhline(centre, **look, label=curves.label(found.infinite, ours))
    _printed(axes, found)
    used = curves.usable(found.rings)
    style.points(
        axes,
        [run.n_sites for run in used],
        [run.number("D") for run in used],
        [run.number("D_error") for run in used],
        [run.flagged for run in used],
        labels=("rings", "rings (flagged)"),
        fmt="o-",
        capsize=0,
    )
    first = found.table.band.n_sites
    if first:
        D = next(row.D_A2_fs for row in found.table.rows if row.n_sites == first)
        label = f"in the band from N = {first} on"
        axes.plot([first], [D], "o", markersize=15, mfc="none", mec=style.BLACK, ls="", label=label)
    axes.set(xlabel="number of sites N", ylabel=r"$D$ (Å$^2$ fs$^{-1}$)")
    axes.set_xticks([run.n_sites for run in found.rings])
    low, high = axes.get_ylim()
    axes.set_ylim(low - 0.35 * (high - low), high)  # room for the legend
    curves.paper_axis(axes)
    style.legend(axes, fontsize=8.5, loc="lower right")


def text(found: Sizes) -> str:
    """Return what is seen, and what decides."""
    settled = [found.t_eq(run) for run in found.rings]
    latest = max(settled) if np.isfinite(settled).all() else float("nan")
    first = found.table.band
    size = f"N = {first.n_sites}" if first.n_sites else f"no size ({first.reason})"
    printed = f" Dashed, printed: {found.printed.text} paper units." if found.printed else ""
    when = f"by {latest:g} fs" if np.isfinite(latest) else "not on every ring within the record"
    D = paper_units(found.infinite.number("D"))
    error = paper_units(found.infinite.number("D_error"))
    return (
        "Integral of Re C_JJ on rings against its upper limit (left; inset: its end enlarged; "
        "shaded: the band), and its last value, D, against the number of sites (right; error bars: "
        "estimated errors). "
        f"Black: the infinite ring, D = {with_error(D, error)} paper units (2 D/bohr²).{printed} "
        f"Every integral has come within ± {found.band:g} paper units of its last value {when}. "
        f"First size from which on D stays within ± {found.band:g} paper units of the infinite "
        f"ring: {size}."
    )


def compose(rings: Sequence[Run], infinite: Sequence[Run], band_paper_units: float) -> paper.Drawn:
    """Draw the figure from mobility files of rings and of the infinite ring."""
    found = sizes(rings, infinite, band_paper_units)
    return draw(found), rows(found), text(found), found.runs


main = paper.figure_main(compose, "rings", "infinite", criteria=("band_paper_units",))
