"""What the figures of a paper share: their command line, their files, their captions.

Every figure is written as PDF and PNG with the plotted numbers (CSV) and a caption (text).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from smallpolaron.figures import style
from smallpolaron.figures.commands import Main, command
from smallpolaron.figures.html import write_page
from smallpolaron.figures.runs import Run, read_runs
from smallpolaron.figures.systems import listed, numerics
from smallpolaron.support.files import write_text

Value = Callable[[Run], float]
"""A number of a run."""

Drawn = tuple[Figure, Iterable[style.Row], str, Sequence[Run]]
"""A figure, its plotted numbers, what its caption says, and the runs that it is of."""

Page = tuple[Iterable[style.Row], str, Sequence[str]]
"""The numbers of a page, its summary, and its parts."""


def figure_main(
    compose: Callable[..., Drawn],
    *kinds: str,
    criteria: Sequence[str] = (),
    files: Sequence[str] = (),
) -> Main:
    """Return the main of a figure, which writes it as PDF and PNG, its numbers and its caption.

    Args:
        compose: makes it of the runs of every kind; criteria and files are passed by name.
        kinds: kinds of the result files, each an option.
        criteria: numbers that are options.
        files: other files that are options.
    """

    def made(*paths: Sequence[Path], stem: Path, **given: Any) -> None:
        figure, rows, text, runs = compose(*map(read, paths), **given)
        style.write_numbers(stem.with_suffix(".csv"), rows)
        for suffix in (".pdf", ".png"):
            style.save(figure, stem.with_suffix(suffix))
        write_text(stem.with_suffix(".txt"), caption(text, runs))

    return command(made, kinds, ("stem",), criteria, files)


def page_main(
    title: str,
    compose: Callable[..., Page],
    *kinds: str,
    criteria: Sequence[str] = (),
    files: Sequence[str] = (),
) -> Main:
    """Return the main of a page of HTML with its numbers; see figure_main."""

    def made(*paths: Sequence[Path], numbers: Path, page: Path, **given: Any) -> None:
        rows, summary, parts = compose(*map(read, paths), **given)
        style.write_numbers(numbers, rows)
        write_page(page, title, summary, parts)

    return command(made, kinds, ("numbers", "page"), criteria, files)


def identity(run: Run) -> dict[str, object]:
    """Return the first columns of a table for one run."""
    return {
        "point": run.point,
        "topology": run.parameter("model.topology"),
        "n_sites": run.n_sites,
        "eta_over_v": eta_over_v(run),
        "gamma_over_v": gamma_over_v(run),
        "temperature_K": run.temperature_K,
        "flagged": run.flagged,
    }


def eta_over_v(run: Run) -> float:
    """Return the coupling over the hopping.

    Raises:
        ValueError: the run has other baths than one Debye bath per site.
    """
    if not run.result.resolved.bath.is_one_debye_bath:
        raise ValueError(
            f"{run.point}: {run.result.resolved.bath.description}; the figures of the papers are "
            "drawn over coupling and rate of one Debye bath per site: give other baths a study of "
            "their own, or a grid block that no figure of the paper reads"
        )
    return round(float(run.parameter("bath.eta_cm")) / float(run.parameter("model.hopping_cm")), 9)


def gamma_over_v(run: Run) -> float:
    """Return the rate of the bath over the hopping."""
    return round(
        float(run.parameter("bath.gamma_cm")) / float(run.parameter("model.hopping_cm")), 9
    )


def system_label(run: Run) -> str:
    """Return the bath of a run for a legend."""
    return f"η/v = {eta_over_v(run):g}, γ/v = {gamma_over_v(run):g}"


def pick(runs: Sequence[Run], eta: float, gamma: float) -> Run | None:
    """Return the first run with these ratios to the hopping."""
    for run in runs:
        if abs(eta_over_v(run) - eta) < 1e-6 and abs(gamma_over_v(run) - gamma) < 1e-6:
            return run
    return None


def read(paths: Sequence[Path]) -> list[Run]:
    """Read result files of one kind, ordered by coupling, rate of the bath, size."""
    return sorted(
        read_runs(paths), key=lambda r: (eta_over_v(r), gamma_over_v(r), r.n_sites, r.point)
    )


def caption(text: str, runs: Sequence[Run]) -> str:
    """Return a caption: what is drawn, then parameters, method, accuracy and flagged points."""
    parameters = [run.result.resolved for run in runs]
    model = [p.model for p in parameters]
    hopping = listed(m.hopping_cm for m in model)
    system = (
        f"Dispersive Holstein model, {listed(m.topology for m in model)}, "
        f"N = {listed(m.n_sites for m in model)} (of an infinite ring: its window), "
        f"v = {hopping} cm⁻¹, T = {listed(m.temperature_K for m in model)} K, "
        f"lattice constant {listed(m.lattice_constant_A for m in model)} Å, "
        f"η/v = {listed(eta_over_v(r) for r in runs)}, "
        f"γ/v = {listed(gamma_over_v(r) for r in runs)} (reorganisation energy η/2)."
    )
    bad = [f"{run.point} ({', '.join(run.failed_gates)})" for run in runs if run.flagged]
    silent = [f"{run.point} ({run.reason})" for run in runs if run.reason]
    parts = [text, system, f"Method: HEOM, {numerics(parameters)}."]
    parts.append(f"Flagged points: {'; '.join(bad)}." if bad else "No point is flagged.")
    if silent:
        parts.append(f"Without numbers: {'; '.join(silent)}.")
    return "\n".join(parts) + "\n"


_DARK: Final = 0.45
"""Brightness of a cell below which its number is written in white."""


class Map(NamedTuple):
    """What a map of coupling and rate of the bath shows.

    Attributes:
        value: the number of a run.
        title: what it is.
        form: how it is written.
        limits: range of the colours; None for that of the numbers.
        instead: what is written where the number is NaN.
    """

    value: Value
    title: str
    form: str = "{:.2f}"
    limits: tuple[float, float] | None = None
    instead: Callable[[Run], str] = lambda run: "–"


def heat_maps(panels: Iterable[Axes], runs: Sequence[Run], maps: Iterable[Map]) -> None:
    """Draw maps, one a panel, with the number of every point; flagged points are framed in red.

    Args:
        panels: where to draw.
        runs: one run per point of the map; points that are missing stay white.
        maps: what to draw.
    """
    for axes, each in zip(panels, maps, strict=True):
        _heat_map(axes, runs, each)


def _heat_map(axes: Axes, runs: Sequence[Run], shown: Map) -> None:
    etas = sorted({eta_over_v(run) for run in runs})
    gammas = sorted({gamma_over_v(run) for run in runs})
    found = np.full((len(etas), len(gammas)), np.nan)
    for run in runs:
        found[etas.index(eta_over_v(run)), gammas.index(gamma_over_v(run))] = shown.value(run)
    finite = found[np.isfinite(found)]
    low, high = shown.limits or ((finite.min(), finite.max()) if finite.size else (0.0, 1.0))
    edges = np.arange(len(gammas) + 1), np.arange(len(etas) + 1)
    picture = axes.pcolormesh(*edges, found, cmap="viridis", vmin=low, vmax=high)
    axes.figure.colorbar(picture, ax=axes)
    for run in runs:
        row, column = etas.index(eta_over_v(run)), gammas.index(gamma_over_v(run))
        number = found[row, column]
        shade = float(np.mean(picture.cmap(picture.norm(number))[:3]))
        axes.text(
            column + 0.5,
            row + 0.5,
            shown.form.format(number) if np.isfinite(number) else shown.instead(run),
            ha="center",
            va="center",
            fontsize=8,
            color="white" if np.isfinite(number) and shade < _DARK else style.BLACK,
        )
        if run.flagged:
            place = (column + 0.04, row + 0.04)
            axes.add_patch(Rectangle(place, 0.92, 0.92, fill=False, ec=style.VERMILION, lw=2))
    axes.grid(False)
    axes.set_xticks(np.arange(len(gammas)) + 0.5, [f"{g:g}" for g in gammas])
    axes.set_yticks(np.arange(len(etas)) + 0.5, [f"{e:g}" for e in etas])
    axes.set(xlabel=r"$\gamma/v$", ylabel=r"$\eta/v$")
    axes.set_title(shown.title, fontsize=9)
