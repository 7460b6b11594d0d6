"""Mori paper, Fig. 2: C_JJ, its memory kernel, and mobility against cutoff time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from papers.mori2024.targets import settling
from papers.shared import figure as paper
from papers.shared.page import in_words
from smallpolaron.figures import style
from smallpolaron.figures.runs import Run, rows_of, window
from smallpolaron.model.units import paper_units

_COLOURS: Final = (style.BLUE, style.VERMILION, style.GREEN)
Group = tuple[Run, Run, Run]
"""Correlation, kernel and mobility file of one point."""


def groups(
    correlation: Sequence[Run], kernel: Sequence[Run], mobility: Sequence[Run]
) -> list[Group]:
    """Return the three files of every point."""
    kernels = {run.point: run for run in kernel}
    mobilities = {run.point: run for run in mobility}
    return [(run, kernels[run.point], mobilities[run.point]) for run in correlation]


def rows(found: Sequence[Group]) -> Iterator[style.Row]:
    """Yield one row per point and time."""
    for correlation, kernel, mobility in found:
        C, K = correlation.array("C_JJ"), kernel.array("K")
        running = paper_units(1.0) * mobility.array("D_running")
        cutoff = paper_units(1.0) * kernel.array("D_cutoff")
        columns = {
            "time_fs": correlation.array("time_fs"),
            "C_real": C.real,
            "C_imag": C.imag,
            "K_real": K.real,
            "K_imag": K.imag,
            "D_running_paper_units": running,
            "D_cutoff_paper_units": cutoff,
        }
        times = {"t_eq_fs": "t_eq_band_fs", "tau_K_fs": "tau_K_band_fs"}
        marks = {name: kernel.number(key) for name, key in times.items()}
        for row in rows_of(paper.identity(correlation), columns):
            yield {**row, **marks}


def draw(found: Sequence[Group], band: float) -> Figure:
    """Draw the three panels; the band is in paper units."""
    figure = style.new_figure(11.5, 3.9)
    left, middle, right = figure.subplots(1, 3)
    inset = right.inset_axes((0.45, 0.12, 0.52, 0.45))
    end = max(window(c.array("time_fs"), [c.array("C_JJ")], 0.002) for c, _, _ in found)
    for (correlation, kernel, mobility), colour in zip(found, _COLOURS, strict=False):
        time, label = correlation.array("time_fs"), paper.system_label(correlation)
        first = abs(correlation.array("C_JJ")[0])
        _complex(left, time, correlation.array("C_JJ") / first, colour, label)
        _complex(middle, time, kernel.array("K"), colour, label)
        running = paper_units(1.0) * mobility.array("D_running")
        t_eq, tau = kernel.number("t_eq_band_fs"), kernel.number("tau_K_band_fs")
        right.plot(time, running, color=colour, label=f"{label}: t_eq = {t_eq:.0f} fs")
        cutoff = paper_units(1.0) * kernel.array("D_cutoff")
        inset.plot(kernel.array("cutoff_fs"), cutoff, color=colour, label=f"{tau:.0f} fs")
        for axes, mark in ((right, t_eq), (inset, tau)):
            style.band(axes, running[-1], band, colour, alpha=0.2)
            axes.axvline(mark, color=colour, linestyle=":", linewidth=1.0)
    left.set(xlabel="time (fs)", ylabel=r"$C_{JJ}(t)/C_{JJ}(0)$", xlim=(0, end))
    middle.set(xlabel="time (fs)", ylabel=r"$K(t)$ (fs$^{-2}$)", xlim=(0, end))
    right.set(xlabel="upper limit of the integral (fs)", xlim=(0, 2 * end))
    right.set_ylabel(r"$2D/a_0^2$ (fs$^{-1}$)")
    last = [paper_units(1.0) * m.array("D_running")[-1] for _, _, m in found]
    inset.set(xlim=(0.5 * end, 2 * end), ylim=(min(last) - 6 * band, max(last) + 6 * band))
    inset.set_title(r"from $K$ cut at $\tau$ (fs)", fontsize=8)
    inset.tick_params(labelsize=7)
    for axes in (left, middle):
        style.legend(axes, fontsize=8)
    style.legend(right, fontsize=8, loc="upper right")
    style.legend(inset, title=r"$\tau_K$", fontsize=7, title_fontsize=7)
    return figure


def _complex(
    axes: Axes,
    time: NDArray[np.float64],
    values: NDArray[np.complex128],
    colour: str,
    label: str,
) -> None:
    axes.plot(time, values.real, color=colour, label=f"Re, {label}")
    axes.plot(time, values.imag, color=colour, linestyle="--", label=f"Im, {label}")


def compose(
    correlation: Sequence[Run],
    kernel: Sequence[Run],
    mobility: Sequence[Run],
    band_paper_units: float,
) -> paper.Drawn:
    """Draw the figure from correlation, kernel and mobility files of the same points."""
    found = groups(correlation, kernel, mobility)
    printed = in_words(settling(kernel, mobility, (), band_paper_units))
    text = (
        "Current autocorrelation function (left, relative to its first value), its Mori memory "
        "kernel (middle), and the diffusion constant in paper units (right): integral of Re C_JJ "
        "up to a time, and, in the inset, the integral of the dynamics with the kernel cut at tau. "
        f"Bands: the last value ± {band_paper_units:g}; dotted lines: t_eq and tau_K, from "
        f"which on a curve stays inside.{printed}"
    )
    runs = [each for _, each, _ in found]
    return draw(found, band_paper_units), rows(found), text, runs


main = paper.figure_main(
    compose, "correlation", "kernel", "mobility", criteria=("band_paper_units",)
)
