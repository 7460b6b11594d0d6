"""The frequency-resolved complex mobility (AC conductivity per carrier)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.figure import Figure

from smallpolaron.figures import style
from smallpolaron.figures.runs import (
    IDENTITY,
    Run,
    column_names,
    parser,
    read_runs,
    remarks,
    run_main,
    window,
)
from smallpolaron.model.units import CM_TO_RAD_FS

COLUMNS = (*IDENTITY, "omega_rad_fs", "omega_cm", "re_mobility_cm2_Vs", "im_mobility_cm2_Vs")
_THZ = 1e3 / (2 * np.pi)


def _positive(run: Run) -> tuple[np.ndarray, np.ndarray]:
    omega, mobility = run.array("omega"), run.array("mobility_ac")
    keep = omega >= 0
    return omega[keep], mobility[keep]


def rows(runs: Sequence[Run]) -> Iterator[style.Row]:
    """Yield the plotted numbers, one row per run and frequency."""
    for run in runs:
        for w, s in zip(*_positive(run), strict=True):
            yield run.identity() | {
                "omega_rad_fs": float(w),
                "omega_cm": float(w / CM_TO_RAD_FS),
                "re_mobility_cm2_Vs": float(s.real),
                "im_mobility_cm2_Vs": float(s.imag),
            }


def draw(runs: Sequence[Run]) -> Figure:
    """Draw the real (left) and imaginary (right) part of the mobility against frequency."""
    figure = style.new_figure()
    panels = figure.subplots(1, 2, sharex=True)
    lines = style.line_styles([run.flagged for run in runs])
    until = 0.0
    for i, (run, line) in enumerate(zip(runs, lines, strict=True)):
        omega, mobility = _positive(run)
        # Im decays as 1/omega, so the real part decides how much is worth showing.
        until = max(until, window(omega, [mobility.real], level=0.02))
        label = run.legend() if style.named(i, len(runs)) else None
        for axes, part in zip(panels, (mobility.real, mobility.imag), strict=True):
            axes.plot(omega / CM_TO_RAD_FS, part, label=label, **line)
    for axes, name in zip(panels, ("Re", "Im"), strict=True):
        axes.axhline(0, color=style.GREY, linewidth=0.8)
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


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from mobility files of one system."""
    options = parser("Frequency-resolved mobility.", "mobility").parse_args(argv)
    runs = read_runs(options.mobility)
    style.save(draw(runs), options.figure)
    style.write_numbers(options.numbers, column_names(COLUMNS, runs), rows(runs))


if __name__ == "__main__":
    run_main(main)
