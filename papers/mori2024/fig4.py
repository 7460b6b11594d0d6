"""Mori paper, Fig. 4: what Drude-Smith makes of an exact correlation function, and its rivals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from papers.mori2024.targets import drude_smith
from papers.shared import figure as paper
from papers.shared.page import in_words
from smallpolaron.analysis.fits.conductivity_models import DRUDE_SMITH, MODELS
from smallpolaron.figures import style
from smallpolaron.figures.runs import Run, rows_of, window

_LOOKS: Final = (
    {"color": style.GREY, "linestyle": ":"},
    {"color": style.ORANGE, "linestyle": "-"},
    {"color": style.BLUE, "linestyle": "--"},
    {"color": style.SKY, "linestyle": "--"},
    {"color": style.GREEN, "linestyle": "-."},
    {"color": style.PURPLE, "linestyle": "-."},
)
_MOST_FREQUENCY: Final = 0.15
"""Largest frequency drawn, rad/fs."""


def rows(run: Run) -> Iterator[style.Row]:
    """Yield the exact curve and all fits in time."""
    fits = {f"fit_{model.name}": run.array(f"{model.name}/time/fit") for model in MODELS}
    columns = {"time_fs": run.array("time_fs"), "exact": run.array("curve"), **fits}
    yield from rows_of(paper.identity(run), columns)


def draw(run: Run) -> Figure:
    """Draw the fit with its two terms, all models' residuals, and the conductivity."""
    figure = style.new_figure(12.5, 4.0)
    left, middle, right = figure.subplots(1, 3)
    end = 2.5 * window(run.array("time_fs"), [run.array("curve")], 0.05)
    _fit(left, run, end)
    inset = left.inset_axes((0.5, 0.42, 0.48, 0.45))
    _fit(inset, run, 0.06 * end)
    inset.set(xlabel="", ylabel="", ylim=(0.75, 1.02))
    inset.tick_params(labelsize=7)
    for model, look in zip(MODELS, _LOOKS, strict=True):
        residual = run.array(f"{model.name}/time/fit") - run.array("curve")
        rms = 100 * run.number(f"{model.name}/time/rms")
        middle.plot(run.array("time_fs"), residual, label=f"{model.title} ({rms:.2g} %)", **look)
    middle.set(xlim=(0, end), xlabel="time (fs)", ylabel="fit − exact, over C(0)")
    style.legend(middle, fontsize=7, title="rms residual", title_fontsize=7)
    _conductivity(right, run)
    return figure


def _fit(axes: Axes, run: Run, end: float) -> None:
    time = run.array("time_fs")
    c, k = (run.number(f"{DRUDE_SMITH.name}/time/{name}") for name in ("c", "k"))
    axes.plot(time, run.array("curve"), color=style.BLACK, label="exact")
    fit = run.array(f"{DRUDE_SMITH.name}/time/fit")
    axes.plot(time, fit, color=style.ORANGE, label=f"Drude–Smith, c = {c:.3f}, k = {k:.4f} fs⁻¹")
    decay = np.exp(-k * time)
    axes.plot(time, decay, color=style.ORANGE, linestyle=":", label="its two terms")
    axes.plot(time, c * k * time * decay, color=style.ORANGE, linestyle=":")
    axes.set(xlim=(0, end), xlabel="time (fs)", ylabel=r"$C^{Kubo}(t)/C^{Kubo}(0)$")
    if end > 50:
        axes.set_ylim(-0.42, 1.05)
        style.legend(axes, fontsize=7, loc="lower right")


def _conductivity(axes: Axes, run: Run) -> None:
    omega = run.array("omega")
    inside = omega <= _MOST_FREQUENCY
    curves = {
        "exact": (run.array("mobility_ac"), style.BLACK),
        "fit in frequency": (run.array(f"{DRUDE_SMITH.name}/frequency/fit"), style.BLUE),
        "fit in the THz window": (run.array(f"{DRUDE_SMITH.name}/window/fit"), style.GREEN),
    }
    for label, (curve, colour) in curves.items():
        axes.plot(omega[inside], curve.real[inside], color=colour, label=f"Re, {label}")
        axes.plot(omega[inside], curve.imag[inside], color=colour, linestyle="--")
    axes.axvspan(run.number("window_from"), run.number("window_to"), color=style.GREY, alpha=0.2)
    axes.set(xlabel=r"$\omega$ (rad fs$^{-1}$)", ylabel=r"$\mu(\omega)$ (cm$^2$ V$^{-1}$ s$^{-1}$)")
    exact = run.array("mobility_ac")[inside]
    axes.set_ylim(1.3 * min(0.0, exact.real.min(), exact.imag.min()), 1.3 * exact.real.max())
    style.legend(axes, fontsize=7, title="dashed: Im", title_fontsize=7)


def compose(runs: Sequence[Run]) -> paper.Drawn:
    """Draw the figure from the conductivity models file of one point."""
    (run,) = runs
    text = (
        "Kubo-transformed current autocorrelation function with the Drude–Smith form (1 + c k t) "
        "exp(−k t) fitted over the whole record (left; inset: early times), residuals of all "
        "models (middle), and the complex mobility with Drude–Smith fitted in frequency, over all "
        "of it and within the window where terahertz experiments measure (right, shaded). "
        f"{run.result.notes.get('verdict', '')}{in_words(drude_smith(runs))}"
    )
    return draw(run), rows(run), text, runs


main = paper.figure_main(compose, "conductivity_models")
