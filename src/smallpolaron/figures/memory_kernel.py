"""The memory kernel of the current autocorrelation function."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matplotlib.figure import Figure

from smallpolaron.figures import style
from smallpolaron.figures.commands import figure_main
from smallpolaron.figures.runs import Run, complex_panels, reference, remarks, rows_of, window


def rows(runs: Sequence[Run]) -> Iterator[style.Row]:
    """Yield the plotted numbers, one row per run and sample."""
    for run in runs:
        K = run.array("K")
        columns = {"time_fs": run.array("time_fs"), "re_K_fs-2": K.real, "im_K_fs-2": K.imag}
        yield from rows_of(run.identity(), columns)


def draw(runs: Sequence[Run], criterion: str = "band") -> Figure:
    """Draw the real (left) and imaginary (right) part of K(t) of every run of one system.

    Args:
        runs: kernels.
        criterion: whether the cutoff shown is that of the absolute "band" or of the "percent".
    """
    figure = style.new_figure()
    panels = complex_panels(figure, runs, lambda run: (run.array("time_fs"), run.array("K")))
    until = window(runs[-1].array("time_fs"), [run.array("K") for run in runs])
    shown = reference(runs)
    whose = f"\n({shown.label})" if len(runs) > 1 else ""
    lifetime = shown.number(f"tau_K_{criterion}_fs")
    for axes, name in zip(panels, ("Re", "Im"), strict=True):
        axes.set(xlabel="time (fs)", ylabel=rf"{name} $\mathcal{{K}}$ (fs$^{{-2}}$)")
        if lifetime == lifetime:
            until = min(max(until, 1.1 * lifetime), float(shown.array("time_fs")[-1]))
            axes.axvline(lifetime, color=style.VERMILION, linewidth=1.2, linestyle="-.")
    if lifetime == lifetime:
        panels[0].annotate(
            rf"$\tau_\mathcal{{K}}$ = {lifetime:.0f} fs" + whose,
            (lifetime, 0.97),
            xycoords=("data", "axes fraction"),
            xytext=(-5, 0),
            textcoords="offset points",
            ha="right",
            va="top",
            color=style.VERMILION,
            fontsize=9.5,
        )
    panels[0].set_xlim(0, until)
    style.legend(panels[1], loc="best")
    style.flagged_note(figure, remarks(runs))
    return figure


main = figure_main(draw, rows, "kernel")
