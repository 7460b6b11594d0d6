"""Anomalous transport paper, Fig. S3: density on an open chain from both initialisations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LogNorm, Normalize, SymLogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from papers.anomalous2024 import curves
from papers.anomalous2024.curves import Pair, pairs
from papers.shared import figure as paper
from smallpolaron.figures import style
from smallpolaron.figures.runs import Run, log_samples, remarks

SAMPLES: Final = 160
"""Times drawn; the table holds these."""
LEAST: Final = 1e-4
"""Smallest population with a colour of its own; differences below it are drawn linearly."""


def sampled(pair: Pair) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the drawn times and the populations at them with and without equilibration.

    Returns:
        Times in fs, (times,); populations, (times, N) each.

    Raises:
        ValueError: both runs differ in their times.
    """
    time = pair.marcus.array("time_fs")
    if not np.array_equal(time, pair.franck_condon.array("time_fs")):
        raise ValueError(f"{pair.marcus.point}: both runs must have the same times")
    drawn = log_samples(time, curves.FIRST_FS, SAMPLES)
    densities = [run.array("populations").real[drawn] for run in pair.runs]
    return time[drawn], densities[0], densities[1]


def rows(pair: Pair) -> Iterator[style.Row]:
    """Yield one row per drawn time and site; a point is flagged if one of its runs is."""
    fixed = paper.identity(pair.marcus) | {
        "point": pair.marcus.point.rpartition("__")[0],
        "flagged": any(run.flagged for run in pair.runs),
    }
    start = curves.site(pair.marcus)
    for time, relaxed, unrelaxed in zip(*sampled(pair), strict=True):
        for site, (one, other) in enumerate(zip(relaxed, unrelaxed, strict=True)):
            yield fixed | {
                "time_fs": float(time),
                "site": site,
                "distance_in_sites": site - start,
                "P_with_equilibration": float(one),
                "P_without_equilibration": float(other),
                "difference": float(one - other),
            }


def draw(pair: Pair) -> Figure:
    """Draw the density with and without equilibration and, below them, the difference."""
    figure = style.new_figure(12.5, 4.4)
    panels = figure.subplots(1, 3, sharex=True, sharey=True)
    time, relaxed, unrelaxed = sampled(pair)
    sites = np.arange(relaxed.shape[1]) - curves.site(pair.marcus)
    density = LogNorm(LEAST, 1.0)
    for axes, run, values in zip(panels, pair.runs, (relaxed, unrelaxed), strict=False):
        _map(axes, time, sites, values.clip(LEAST), "viridis", density)
        axes.set_title(curves.label(run, curves.STARTS[curves.start(run)]), fontsize=10)
    figure.colorbar(panels[1].collections[0], ax=panels[:2], label=r"population $P_j$")
    difference = relaxed - unrelaxed
    largest = float(np.max(np.abs(difference)))
    linear = min(10 * LEAST, largest)
    symmetric = SymLogNorm(linear, vmin=-largest, vmax=largest)
    _map(panels[2], time, sites, difference, "RdBu_r", symmetric)
    panels[2].set_title("with minus without equilibration", fontsize=10)
    figure.colorbar(panels[2].collections[0], ax=panels[2], label=r"difference of $P_j$")
    panels[0].set_ylabel("distance from the start (sites)")
    panels[0].yaxis.set_major_locator(MaxNLocator(integer=True))
    panels[0].set(xscale="log", xlim=(time[0], time[-1]))
    style.flagged_note(figure, remarks(pair.runs))
    return figure


def _map(
    axes: Axes,
    time: NDArray[np.float64],
    sites: NDArray[np.int64],
    values: NDArray[np.float64],
    colours: str | Colormap,
    scale: Normalize,
) -> None:
    axes.pcolormesh(time, sites, values.T, cmap=colours, norm=scale, shading="nearest")
    axes.set_xlabel("time (fs)")
    axes.grid(False)


def meeting(pair: Pair) -> str:
    """Say how far both densities are apart in the beginning and in the end."""
    time, relaxed, unrelaxed = sampled(pair)
    apart = 0.5 * np.sum(np.abs(relaxed - unrelaxed), axis=1)
    most = int(np.argmax(apart))
    return (
        "Half the sum over sites of the difference, the share of the carrier that is elsewhere, is "
        f"at most {apart[most]:.3f}, at {time[most]:g} fs, and {apart[-1]:.4f} at {time[-1]:g} fs."
    )


def compose(population: Sequence[Run]) -> paper.Drawn:
    """Draw the figure from the population files of one chain from both initialisations."""
    found = pairs(curves.with_start(population))
    if len(found) > 1:
        names = ", ".join(pair.marcus.point for pair in found)
        raise ValueError(f"population files of several points: give those of one ({names})")
    text = (
        "Population of every site of an open chain against time after a start on one site, with "
        "(left) and without (middle) equilibration of the lattice around the carrier, and their "
        f"difference (right). Populations below {LEAST:g} are drawn as {LEAST:g}; the colours of "
        f"the difference are logarithmic to both sides, linear below {10 * LEAST:g}. "
        f"{meeting(found[0])}"
    )
    return draw(found[0]), rows(found[0]), text, found[0].runs


main = paper.figure_main(compose, "population")
