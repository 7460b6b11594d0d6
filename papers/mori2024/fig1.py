"""Mori paper, Fig. 1: mobility against the number of sites, by the current and by populations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from papers.shared import figure as paper
from smallpolaron.analysis.finite_size import FiniteSizeTable
from smallpolaron.figures import style
from smallpolaron.figures.runs import PAPER_UNIT_A2_FS, Run, size_table
from smallpolaron.model.units import paper_units

REFERENCE_SITES: Final = 20
"""Size of the ring whose current gives the converged value, as in the paper."""

METHODS: Final = {
    "current": "current",
    "marcus": "populations, bath relaxed",
    "franck_condon": "populations, bath unrelaxed",
}
_LOOKS: Final = {
    "current": (style.BLUE, "o"),
    "marcus": (style.VERMILION, "s"),
    "franck_condon": (style.GREEN, "^"),
}


Reading = Callable[[Run], tuple[float, float]]
"""D of a run and how far it is known, angstrom^2/fs; NaN where there is none."""


@dataclass(frozen=True)
class Method:
    """One method for one bath."""

    name: str
    runs: tuple[Run, ...]
    table: FiniteSizeTable | None


def value(run: Run) -> tuple[float, float]:
    """Return D and its error, of a plateau its flatness, angstrom^2/fs; NaN without a plateau."""
    if run.result.kind == "mobility":
        return run.number("D"), run.number("D_error")
    return run.number("plateau_D"), run.number("plateau_D_flatness")


def of_kernel(run: Run) -> float:
    """Return D by the whole kernel of the populations, angstrom^2/fs; NaN for currents."""
    return run.number("D_kernel") if run.result.kind == "population_kernel" else float("nan")


def method_of(run: Run) -> str:
    """Return the method of a file, from its kind and its name."""
    return "current" if run.result.kind == "mobility" else run.point.rpartition("__")[2]


def converged(mobility: Sequence[Run], band: float) -> Run:
    """Return the run of the current whose D counts as converged.

    Raises:
        ValueError: there is no ring of REFERENCE_SITES.
    """
    for run in mobility:
        if run.n_sites == REFERENCE_SITES:
            return run
    raise ValueError(
        f"no ring of {REFERENCE_SITES} sites among the mobility files, which sets the converged "
        f"value ± {band:g}; add it to the block 'sizes'"
    )


def methods(runs: Sequence[Run], reference: Run, band: float, read: Reading) -> list[Method]:
    """Return the methods for one bath, each with its table of sizes."""
    found = []
    for name in METHODS:
        mine = tuple(run for run in runs if method_of(run) == name)
        usable = [run for run in mine if np.isfinite(read(run)[0])]
        limit, D = value(reference)[0], lambda run: read(run)[0]
        table = size_table(usable, limit, D, band_paper_units=band) if usable else None
        found.append(Method(name, mine, table))
    return found


def by_bath(
    mobility: Sequence[Run], kernels: Sequence[Run], band: float, read: Reading = value
) -> list[list[Method]]:
    """Return the methods of every bath, with the larger coupling last.

    Args:
        mobility: runs of the current.
        kernels: runs of populations.
        band: half-width of the band that a converged size stays in, paper units.
        read: what counts as D of a run.
    """
    couplings = sorted({paper.eta_over_v(run) for run in mobility})
    found = []
    for eta in couplings:
        current, populations = (
            [run for run in runs if paper.eta_over_v(run) == eta] for runs in (mobility, kernels)
        )
        found.append(methods([*current, *populations], converged(current, band), band, read))
    return found


def rows(found: Sequence[Method]) -> Iterator[style.Row]:
    """Yield one row per run."""
    for method in found:
        by_size = {row.n_sites: row for row in method.table.rows} if method.table else {}
        first = method.table.band.n_sites if method.table else None
        for run in method.runs:
            D, bar = value(run)
            nan = float("nan")
            error, flatness = (bar, nan) if method.name == "current" else (nan, bar)
            row = by_size.get(run.n_sites)
            yield paper.identity(run) | {
                "method": method.name,
                "D_paper_units": paper_units(D),
                "D_error_paper_units": paper_units(error),
                "D_flatness_paper_units": paper_units(flatness),
                "mobility_cm2_Vs": run.mobility(D),
                "mobility_error_cm2_Vs": run.mobility(error),
                "D_kernel_paper_units": paper_units(of_kernel(run)),
                "difference_paper_units": row.difference_paper if row else float("nan"),
                "first_converged_n_sites": first or "",
                "remark": run.result.notes.get("plateau", run.reason),
            }


def draw(found: Sequence[Sequence[Method]], band: float) -> Figure:
    """Draw one panel per bath; the band is in paper units."""
    figure = style.new_figure(6.2 * len(found), 4.4)
    panels = np.atleast_1d(figure.subplots(1, len(found)))
    for axes, methods_here in zip(panels, found, strict=True):
        _panel(axes, methods_here, band)
    return figure


def _panel(axes: Axes, found: Sequence[Method], band: float) -> None:
    first = found[0]
    assert first.table is not None
    run = first.runs[0]
    centre = run.mobility(first.table.reference_D_A2_fs)
    half = run.mobility(band * PAPER_UNIT_A2_FS)
    style.band(axes, centre, half, alpha=0.2)
    for method in found:
        colour, marker = _LOOKS[method.name]
        sizes = [r.n_sites for r in method.runs]
        D = np.array([value(r) for r in method.runs])
        n = method.table.band.n_sites if method.table else None
        label = f"{METHODS[method.name]}: {f'N = {n}' if n else 'not converged'}"
        axes.errorbar(
            sizes,
            [run.mobility(d) for d in D[:, 0]],
            yerr=[run.mobility(e) for e in D[:, 1]],
            color=colour,
            marker=marker,
            label=label,
            linewidth=1.2,
            markersize=5,
        )
        kernel = [run.mobility(of_kernel(r)) for r in method.runs]
        axes.plot(sizes, kernel, marker, color=colour, markerfacecolor="none", markersize=5)
        if n:
            at = next(run.mobility(value(r)[0]) for r in method.runs if r.n_sites == n)
            axes.plot([n], [at], "o", markersize=15, markerfacecolor="none", color=style.BLACK)
    axes.set(xlabel="number of sites N", ylabel=style.MOBILITY)
    axes.set_ylim(centre - 12 * half, centre + 16 * half)
    axes.set_title(paper.system_label(run))
    style.second_axis(axes, 1 / run.mobility(PAPER_UNIT_A2_FS), r"$2D/a_0^2$ (fs$^{-1}$)")
    style.legend(axes, fontsize=8)


def compose(
    mobility: Sequence[Run], kernels: Sequence[Run], band_paper_units: float
) -> paper.Drawn:
    """Draw the figure from mobility and population kernel files."""
    band = band_paper_units
    found = by_bath(mobility, kernels, band)
    text = (
        "DC mobility against the number of sites by the current (integral of C_JJ), and by the "
        "slope of the mean-squared displacement after a start on one site with the bath relaxed "
        "or not, where it has a diffusive plateau (filled; rings too small for one have no filled "
        "point), and from the whole memory kernel of the populations (hollow). Shaded: the current "
        f"on {REFERENCE_SITES} sites ± {band:g} paper units; rings mark the first size from which "
        "a method stays inside. Bars: estimated errors of the current; of populations, whose error "
        "is not estimated, how flat the plateau is. Points outside the panel are in the table."
    )
    table = [row for methods_here in found for row in rows(methods_here)]
    return draw(found, band), table, text, [*mobility, *kernels]


main = paper.figure_main(compose, "mobility", "population_kernel", criteria=("band_paper_units",))
