"""Anomalous transport paper, Fig. S4: populations after a start at the end of an open chain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from papers.anomalous2024 import curves
from papers.anomalous2024.curves import Pair, pairs
from papers.shared import figure as paper
from smallpolaron.figures import style
from smallpolaron.figures.runs import Run, log_samples, remarks, rows_of

SITES: Final = (0, 1, 2, 3, 4, 5, 7, 9, 12)
"""Sites drawn, counted from the end where the carrier starts, as far as the chain has them."""
LEAST: Final = 1e-3
"""Start of the logarithmic population axis: below it a site counts as not yet reached."""


def drawn_sites(run: Run) -> list[int]:
    """Return the drawn sites of a run."""
    return [site for site in SITES if site < run.n_sites]


def equilibrium(run: Run, correlations: Sequence[Run]) -> NDArray[np.float64]:
    """Return the exact equilibrium populations of the chain of a run, (N,).

    Raises:
        ValueError: no correlation file is of the same chain.
    """
    for found in correlations:
        if (found.n_sites, paper.system_label(found)) == (run.n_sites, paper.system_label(run)):
            return np.asarray(found.array("equilibrium/density_matrix").diagonal().real)
    raise ValueError(
        f"{run.point}: no correlation file of a chain of {run.n_sites} sites with "
        f"{paper.system_label(run)}, which holds the equilibrium populations; add it to the block "
        "'chains_current'"
    )


def rows(runs: Sequence[Run], correlations: Sequence[Run]) -> Iterator[style.Row]:
    """Yield one row per run, drawn site and drawn time."""
    for run in runs:
        P, settled = run.array("populations").real, equilibrium(run, correlations)
        time = run.array("time_fs")
        for site in drawn_sites(run):
            i = log_samples(time, curves.FIRST_FS)
            fixed = {"start": curves.start(run), "start_site": curves.site(run), "site": site}
            columns = {"time_fs": time[i], "population": P[i, site]}
            for row in rows_of(paper.identity(run) | fixed, columns):
                yield {**row, "equilibrium": float(settled[site])}


def draw(found: Sequence[Pair], correlations: Sequence[Run]) -> Figure:
    """Draw one panel per start site with both initialisations."""
    figure = style.new_figure(6.0 * len(found) + 1.2, 4.8)
    panels = np.atleast_1d(figure.subplots(1, len(found), sharex=True, sharey=True))
    for axes, pair in zip(panels, found, strict=True):
        for run in pair.runs:
            _curves(axes, run)
        for level in equilibrium(pair.marcus, correlations)[drawn_sites(pair.marcus)]:
            axes.axhline(level, color=style.GREY, linewidth=1.4, zorder=0)
        axes.set(xscale="log", yscale="log", xlabel="time (fs)", ylim=(LEAST, 1.1))
        axes.set_xlim(curves.FIRST_FS, float(pair.marcus.array("time_fs")[-1]))
        axes.set_title(f"start on site {curves.site(pair.marcus)}", fontsize=10)
    panels[0].set_ylabel("population")
    lines = curves.keys([run for pair in found for run in pair.runs])
    lines.append(Line2D([], [], color=style.GREY, linewidth=1.4, label="equilibrium"))
    handles, _ = panels[0].get_legend_handles_labels()
    figure.legend(handles=[*handles, *lines], loc="outside right upper", fontsize=8)
    style.flagged_note(figure, remarks([run for pair in found for run in pair.runs]))
    return figure


def _curves(axes: Axes, run: Run) -> None:
    time, P = run.array("time_fs"), run.array("populations").real
    drawn, sites = log_samples(time, curves.FIRST_FS), drawn_sites(run)
    for site, colour in zip(sites, style.shades(len(sites))[::-1], strict=True):
        first = curves.start(run) == "marcus"
        how = curves.spread(run, colour)
        axes.plot(time[drawn], P[drawn, site], label=f"site {site}" if first else None, **how)


def approach(run: Run, settled: NDArray[np.float64]) -> dict[str, list[int]]:
    """Return how every site comes near its equilibrium population, as far as the record tells.

    Returns:
        Sites that at the end of the record are above and fall, above and still rise (these will
        come from above, too), below and rise, below and fall, or not yet reached.
    """
    last = run.array("populations").real[-1]
    above, falls = last > settled, run.array("dpopulations").real[-1] < 0
    reached = last >= LEAST
    kinds = {
        "above and falling": above & falls,
        "above and still rising": above & ~falls,
        "below and rising": ~above & ~falls & reached,
        "below and falling": ~above & falls & reached,
        f"not reached (below {LEAST:g})": ~above & ~reached,
    }
    return {name: [int(s) for s in np.flatnonzero(these)] for name, these in kinds.items()}


def statement(run: Run, settled: NDArray[np.float64]) -> str:
    """Say what approach found."""
    found = [f"{name}: {_spans(sites)}" for name, sites in approach(run, settled).items() if sites]
    return (
        f"Start on site {curves.site(run)} {curves.STARTS[curves.start(run)]}, sites at "
        f"{run.array('time_fs')[-1]:g} fs against their equilibrium value: {'; '.join(found)}."
    )


def _spans(sites: Sequence[int]) -> str:
    """Return increasing numbers as text, consecutive ones as a span."""
    starts = [s for s in sites if s - 1 not in sites]
    ends = [s for s in sites if s + 1 not in sites]
    return ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in zip(starts, ends, strict=True))


def compose(population: Sequence[Run], correlations: Sequence[Run]) -> paper.Drawn:
    """Draw the figure from population files of one chain and its equilibrium state."""
    runs = curves.with_start(population)
    found = pairs(runs)
    said = [statement(run, equilibrium(run, correlations)) for run in runs]
    text = (
        "Populations of several sites of an open chain, counted from its end, after a start at "
        "that end, with (full) and without (dashed) equilibration of the lattice; grey: exact "
        "equilibrium populations of the same sites from the equilibrium state of the chain. "
        "Populations sum to 1, hence not all sites can come from above: a classical walk ends as "
        f"cos(π(j + ½)/N), above equilibrium on the nearer half only. {' '.join(said)}"
    )
    return draw(found, correlations), rows(runs, correlations), text, runs


main = paper.figure_main(compose, "population", "correlation")
