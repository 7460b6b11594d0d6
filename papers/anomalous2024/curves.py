"""What the figures of the anomalous transport paper share: looks, axes, marks, pairs of runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from papers.shared import figure as paper
from smallpolaron.analysis.spreading.confined_walk import ConfinedWalk, confined_walk
from smallpolaron.figures import style
from smallpolaron.figures.runs import Run, error_of, rows_of
from smallpolaron.model.units import paper_units
from smallpolaron.study.sections import POPULATION_PROTOCOLS

STARTS: Final = {"marcus": "with equilibration", "franck_condon": "without equilibration"}
"""Initialisations of the lattice, as the paper calls them."""

LINES: Final[dict[str, Any]] = {"marcus": "-", "franck_condon": (0, (5, 2))}
"""Line of each of them."""

COLOURS: Final = {"marcus": style.BLUE, "franck_condon": style.ORANGE}
"""Colour of each of them, where it does not stand for the size."""

_CROSSES: Final[dict[str, Any]] = {
    "marker": "x",
    "markersize": 4.5,
    "markeredgecolor": style.VERMILION,
}
FIRST_FS: Final = 10.0
"""Start of the logarithmic time axis where only some samples are drawn."""

PAPER_UNIT: Final = r"$2D/a_0^2$ (fs$^{-1}$)"
SLOPE: Final = r"$\mathrm{d\,MSD}/\mathrm{d}t$ (Å$^2$ fs$^{-1}$)"
INTEGRAL: Final = r"$\int_0^t \mathrm{Re}\,C_{JJ}\,\mathrm{d}t'$ (Å$^2$ fs$^{-1}$)"
LIMIT: Final = "upper limit of the integral (fs)"


def start(run: Run) -> str:
    """Return the initialisation of a run of populations."""
    return str(run.parameter("start"))


def with_start(runs: Sequence[Run]) -> list[Run]:
    """Return runs whose labels name the initialisation, too."""
    return [replace(run, label=f"{run.label}, {STARTS[start(run)]}") for run in runs]


def site(run: Run) -> int:
    """Return the site a run of populations starts on."""
    return int(run.parameter("start_site"))


def to_the_wall(run: Run) -> int:
    """Return how many sites lie between the start and the nearest end of a chain."""
    return min(site(run), run.n_sites - 1 - site(run))


def look(run: Run, colour: str, line: Any = "-") -> dict[str, Any]:
    """Return the look of a curve: its colour and line; with red crosses when it is flagged."""
    found = {"color": colour, "linestyle": line}
    if run.flagged and not run.reason:  # crosses need numbers to be set apart evenly
        return found | _CROSSES | {"markevery": 0.15}
    return found


def family(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return the looks of runs of increasing size, from light to dark."""
    return [look(run, colour) for run, colour in zip(runs, style.shades(len(runs)), strict=True)]


def spread(run: Run, colour: str, line: Any = None) -> dict[str, Any]:
    """Return the look of a run of populations, whose line tells the initialisation."""
    return look(run, colour, LINES[start(run)] if line is None else line)


def label(run: Run, text: str) -> str:
    """Return a text for the legend, with a word when the run is flagged."""
    return f"{text} (flagged)" if run.flagged else text


def keys(runs: Sequence[Run]) -> list[Line2D]:
    """Return the legend of the initialisations that occur, and of flagged runs if there are any."""
    found = {start(run) for run in runs}
    lines = [
        Line2D([], [], color=style.BLACK, linestyle=LINES[name], label=words)
        for name, words in STARTS.items()
        if name in found
    ]
    if any(run.flagged for run in runs):
        lines.append(Line2D([], [], linestyle="", **_CROSSES, label="flagged"))
    return lines


def paper_axis(axes: Axes, share_of_D: float = 1.0) -> None:
    """Add a second axis in the unit of the paper.

    Args:
        axes: what its first axis shows, in angstrom^2/fs, is D divided by share_of_D.
        share_of_D: 1 for D, 1/2 for the slope of the mean-squared displacement.
    """
    style.second_axis(axes, paper_units(share_of_D), PAPER_UNIT)


def log_time(axes: Axes, runs: Sequence[Run]) -> None:
    """Set a logarithmic time axis from the first stored time after zero to the last."""
    first = min(float(run.array("time_fs")[1]) for run in runs)
    last = max(float(run.array("time_fs")[-1]) for run in runs)
    axes.set(xscale="log", xlim=(first, last))


def usable(runs: Sequence[Run]) -> list[Run]:
    """Return the runs of the current that gave a diffusion constant."""
    return [run for run in runs if np.isfinite(run.number("D"))]


def walk(run: Run, infinite: Run) -> ConfinedWalk:
    """Return the current of a walk on the chain of a run, with D of the infinite ring.

    Raises:
        ValueError: the infinite ring has no diffusion constant.
    """
    D = infinite.number("D")
    if not np.isfinite(D):
        raise ValueError(f"{infinite.point} has no diffusion constant: {infinite.reason}")
    spacing = float(run.parameter("model.lattice_constant_A"))
    return confined_walk(run.array("time_fs"), run.n_sites, spacing, D)


def integrals(runs: Sequence[Run], name: str) -> Iterator[style.Row]:
    """Yield one row per run of the current and time."""
    for run in runs:
        D = run.array("D_running")
        columns = {
            "time_fs": run.array("time_fs"),
            "A2_fs": D,
            "paper_units": paper_units(1.0) * D,
        }
        fixed = {"curve": name, "start": "", "start_site": ""}
        yield from rows_of(paper.identity(run) | fixed, columns)


def found(run: Run) -> dict[str, object]:
    """Return what tables say of a run of populations: start, characteristic times, plateau."""
    return paper.identity(run) | {
        "start": start(run),
        "start_site": site(run),
        **{name: run.number(name) for name in ("tau_P_fs", "tau_R_fs")},
        "plateau_D_A2_fs": run.number("plateau_D"),
        "plateau_D_error_A2_fs": error_of(run, "plateau_D"),
        "plateau_D_flatness_A2_fs": run.number("plateau_D_flatness"),
        **{name: run.number(name) for name in ("plateau_from_fs", "plateau_to_fs")},
    }


def slopes(runs: Sequence[Run]) -> Iterator[style.Row]:
    """Yield one row per run of populations and time, with the characteristic times of the run."""
    for run in runs:
        slope = run.array("dmsd_dt")
        columns = {
            "time_fs": run.array("time_fs"),
            "A2_fs": slope,
            "paper_units": paper_units(0.5) * slope,
            "alpha": run.array("alpha"),
        }
        yield from rows_of({"curve": "dMSD/dt", **found(run)}, columns)


def same_bath(runs: Sequence[Run], infinite: Run) -> None:
    """Refuse runs that are not of one bath.

    Raises:
        ValueError: one of them has another coupling, or another rate of the bath.
    """
    wanted = paper.system_label(infinite)
    for run in runs:
        if paper.system_label(run) != wanted:
            raise ValueError(
                f"{run.point} has {paper.system_label(run)}, the infinite ring {infinite.point} "
                f"{wanted}: give runs of one bath"
            )


@dataclass(frozen=True)
class Pair:
    """The runs of one point."""

    marcus: Run
    franck_condon: Run

    @property
    def runs(self) -> tuple[Run, Run]:
        """Both runs."""
        return self.marcus, self.franck_condon


def pairs(runs: Sequence[Run]) -> list[Pair]:
    """Return the runs of every point in pairs, in the order in which the points come.

    Raises:
        ValueError: a point has been run from one initialisation only.
    """
    found: dict[str, dict[str, Run]] = {}
    for run in runs:
        found.setdefault(run.point.rpartition("__")[0], {})[str(run.parameter("start"))] = run
    for point, both in found.items():
        for start in POPULATION_PROTOCOLS:
            if start not in both:
                raise ValueError(
                    f"{point}: no run with start {start}; give its file as well, or add {start} "
                    "to the protocols of its block"
                )
    return [Pair(**both) for both in found.values()]
