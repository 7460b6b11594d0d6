"""Mori paper, Fig. 5: spectra of the memory kernel and maps of their mean and variance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from papers.shared import figure as paper
from papers.shared.figure import Map, heat_maps
from smallpolaron.figures import style
from smallpolaron.figures.runs import Run, rows_of

ETA_SHOWN: Final = 2.0
"""eta/v of panel (a), as in the paper (100 cm^-1); the nearest of the map is taken."""
GAMMA_SHOWN: Final = 0.5
"""gamma/v of panel (b), as in the paper (25 cm^-1)."""


def rows(runs: Sequence[Run]) -> Iterator[style.Row]:
    """Yield the spectra, then the moments against their upper frequency limit."""
    for run in runs:
        head = paper.identity(run)
        limit = run.number("limit_used")
        yield head | {
            "kind": "moments",
            "omega_or_limit_rad_fs": limit,
            "spectrum_fs": "",
            "mean_rad_fs": run.number("mean"),
            "variance_rad2_fs2": run.number("variance"),
        }
        omega = run.array("omega")
        inside = omega <= limit
        columns = {
            "omega_or_limit_rad_fs": omega[inside],
            "spectrum_fs": run.array("kernel_spectrum")[inside],
        }
        yield from rows_of(head | {"kind": "spectrum"}, columns)
        columns = {
            "omega_or_limit_rad_fs": run.array("limit"),
            "mean_rad_fs": run.array("mean_limit"),
            "variance_rad2_fs2": run.array("variance_limit"),
        }
        yield from rows_of(head | {"kind": "moments_by_limit"}, columns)


def _spectra(axes: Axes, runs: Sequence[Run], title: str, names: list[str]) -> None:
    looks = style.line_styles([run.flagged for run in runs])
    for run, look, name in zip(runs, looks, names, strict=True):
        omega, spectrum = run.array("omega"), run.array("kernel_spectrum")
        inside = omega <= run.number("limit_used")
        axes.plot(omega[inside], spectrum[inside], label=name, **look)
    axes.set(xlabel=r"$\omega$ (rad fs$^{-1}$)", ylabel=r"$\kappa(\omega)$ (fs)")
    axes.set_title(title)
    style.legend(axes, fontsize=8)


def _by_limit(axes: Axes, runs: Sequence[Run], name: str, label: str) -> None:
    for run, look in zip(runs, style.line_styles([r.flagged for r in runs]), strict=True):
        axes.plot(run.array("limit"), run.array(name), label=paper.system_label(run), **look)
        axes.axvline(run.number("limit_used"), color=style.GREY, linestyle=":", linewidth=1)
    axes.set(xlabel=r"upper limit $\omega_{max}$ (rad fs$^{-1}$)", ylabel=label)
    style.legend(axes, fontsize=7)


def _nearest(values: list[float], wanted: float) -> float:
    return min(values, key=lambda value: abs(value - wanted))


def draw(runs: Sequence[Run]) -> Figure:
    """Draw spectra along both axes of the map, the maps, and the moments against their limit."""
    figure = style.new_figure(12.5, 7.4)
    panels = figure.subplots(2, 3)
    eta = _nearest([paper.eta_over_v(run) for run in runs], ETA_SHOWN)
    gamma = _nearest([paper.gamma_over_v(run) for run in runs], GAMMA_SHOWN)
    fast = [run for run in runs if paper.eta_over_v(run) == eta]
    strong = [run for run in runs if paper.gamma_over_v(run) == gamma]
    fast_names = [f"γ/v = {paper.gamma_over_v(run):g}" for run in fast]
    strong_names = [f"η/v = {paper.eta_over_v(run):g}" for run in strong]
    _spectra(panels[0][0], fast, f"η/v = {eta:g}", fast_names)
    _spectra(panels[0][1], strong, f"γ/v = {gamma:g}", strong_names)
    mean = r"$\langle\omega\rangle_K$ (rad fs$^{-1}$)"
    variance = r"$\sigma_K^2$ (rad$^2$ fs$^{-2}$)"
    maps = (
        Map(lambda run: run.number("mean"), mean, "{:.3f}"),
        Map(lambda run: run.number("variance"), variance, "{:.4f}"),
    )
    heat_maps(panels[1][:2], runs, maps)
    corners = [runs[int(i)] for i in np.unique(np.linspace(0, len(runs) - 1, 5).round())]
    _by_limit(panels[0][2], corners, "mean_limit", mean)
    _by_limit(panels[1][2], corners, "variance_limit", variance)
    return figure


def compose(runs: Sequence[Run]) -> paper.Drawn:
    """Draw the figure from moments files of the map."""
    limits = ", ".join(sorted({f"{run.number('limit_used'):g}" for run in runs}))
    text = (
        "Real part of the memory kernel of the Kubo-transformed current autocorrelation function, "
        f"normalised to 1 over frequencies up to {limits} rad/fs: along the rate of the bath "
        "(upper left) and along the coupling (upper middle); mean (lower left) and variance (lower "
        "middle) of the frequency over the map. Both depend on the upper limit (right; dotted: the "
        "limit used in the maps)."
    )
    return draw(runs), rows(runs), text, runs


main = paper.figure_main(compose, "moments")
