"""The frequency-resolved complex mobility (AC conductivity per carrier)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.figure import Figure

from smallpolaron.figures import style
from smallpolaron.figures.commands import figure_main
from smallpolaron.figures.runs import Run, complex_panels, remarks, rows_of, window
from smallpolaron.model.units import CM_TO_RAD_FS

_THZ = 1e3 / (2 * np.pi)


def _positive(run: Run) -> tuple[np.ndarray, np.ndarray]:
    omega, mobility = run.array("omega"), run.array("mobility_ac")
    keep = omega >= 0
    return omega[keep], mobility[keep]


def rows(runs: Sequence[Run]) -> Iterator[style.Row]:
    """Yield the plotted numbers, one row per run and frequency."""
    for run in runs:
        omega, mobility = _positive(run)
        columns = {
            "omega_rad_fs": omega,
            "omega_cm": omega / CM_TO_RAD_FS,
            "re_mobility_cm2_Vs": mobility.real,
            "im_mobility_cm2_Vs": mobility.imag,
        }
        yield from rows_of(run.identity(), columns)


def draw(runs: Sequence[Run]) -> Figure:
    """Draw the real (left) and imaginary (right) part of the mobility against frequency."""
    figure = style.new_figure()
    curves = {run.point: _positive(run) for run in runs}
    # Im decays as 1/omega, so the real part decides how much is worth showing.
    until = max(window(omega, [found.real], level=0.02) for omega, found in curves.values())
    shown = {point: (omega / CM_TO_RAD_FS, found) for point, (omega, found) in curves.items()}
    panels = complex_panels(figure, runs, lambda run: shown[run.point])
    for axes, name in zip(panels, ("Re", "Im"), strict=True):
        axes.set(
            xlabel=r"$\omega/2\pi c$ (cm$^{-1}$)",
            ylabel=rf"{name} $\mu(\omega)$ ({runs[0].units('mobility_ac')})",
        )
        factor = CM_TO_RAD_FS * _THZ
        top = axes.secondary_xaxis("top", functions=style.proportional(factor))
        top.set_xlabel("frequency (THz)")
    # without any number there is no range to choose
    panels[0].set_xlim(0, until / CM_TO_RAD_FS or None)
    style.legend(panels[0])
    style.flagged_note(figure, remarks(runs))
    return figure


main = figure_main(draw, rows, "mobility")
