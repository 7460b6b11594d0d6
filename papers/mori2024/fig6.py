"""Mori paper, Fig. 6: the Hamiltonian found back from the moments of a memory kernel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from papers.shared import figure as paper
from smallpolaron.figures import style
from smallpolaron.figures.runs import Run, one_run

AXES: Final = ("eta_over_v", "gamma_over_v")
QUANTITIES: Final = {
    "kernel_mean": (r"$\langle\omega\rangle_K$", style.BLUE),
    "kernel_variance": (r"$\sigma_K^2$", style.GREEN),
}


def rows(found: Run) -> Iterator[style.Row]:
    """Yield truth, most probable point, credible regions, moments and emulated maps."""
    for what in ("truth", "posterior/peak", "posterior/mean"):
        if f"{what}/{AXES[0]}" in found.result.variables:
            yield {"what": what, **{axis: found.number(f"{what}/{axis}") for axis in AXES}}
    for index, share in enumerate(found.array("region/credible")):
        for side in ("low", "high"):
            edge = {axis: float(found.array(f"region/{side}/{axis}")[index]) for axis in AXES}
            yield {"what": f"{100 * float(share):.0f} % region, {side}", **edge}
    for name in QUANTITIES:
        variable = found.result.variables[f"measured/{name}"]
        yield {
            "what": f"measured {name}",
            "value": found.number(f"measured/{name}"),
            "relative_error": found.number(f"measured/{name}_std"),
            "unit": variable.units,
        }
        mean, error = found.array(f"map/{name}"), found.array(f"map/{name}_std")
        for i, eta in enumerate(found.array(f"map/{AXES[0]}")):
            for j, gamma in enumerate(found.array(f"map/{AXES[1]}")):
                yield {
                    "what": f"emulated {name}",
                    AXES[0]: float(eta),
                    AXES[1]: float(gamma),
                    "value": float(mean[i, j]),
                    "relative_error": float(error[i, j]),
                    "unit": variable.units,
                }


def draw(found: Run) -> Figure:
    """Draw both contours with their bands, the credible regions, and the true parameters."""
    figure = style.new_figure(10.5, 4.6)
    whole, close = figure.subplots(1, 2)
    for axes in (whole, close):
        _contours(axes, found)
        _region(axes, found)
        _points(axes, found)
        axes.set(xlabel=r"$\gamma/v$", ylabel=r"$\eta/v$")
    low, high = (
        [float(found.array(f"region/{side}/{axis}")[-1]) for axis in AXES]
        for side in ("low", "high")
    )
    truth = [found.number(f"truth/{axis}") for axis in AXES]
    for set_limits, left, right, true in zip(
        (close.set_ylim, close.set_xlim), low, high, truth, strict=True
    ):
        left, right = min(left, true), max(right, true)
        set_limits(left - 0.6 * (right - left), right + 0.6 * (right - left))
    whole.set_title("the box of the map")
    close.set_title("around the credible regions")
    style.legend(whole, fontsize=8)
    return figure


def _contours(axes: Axes, found: Run) -> None:
    eta, gamma = (found.array(f"map/{axis}") for axis in AXES)
    for name, (label, colour) in QUANTITIES.items():
        measured, values = found.number(f"measured/{name}"), found.array(f"map/{name}")
        error = np.hypot(found.array(f"map/{name}_std"), found.number(f"measured/{name}_std"))
        axes.contour(gamma, eta, values, levels=[measured], colors=colour)
        deviation = np.abs(np.log(values / measured)) / error
        axes.contourf(gamma, eta, deviation, levels=[0, 1], colors=colour, alpha=0.15)
        axes.plot([], [], color=colour, label=f"{label} as measured, ± its error")


def _region(axes: Axes, found: Run) -> None:
    eta, gamma = (found.array(f"posterior/fine_{axis}") for axis in AXES)
    shares = [float(share) for share in found.array("region/credible")]
    level = found.array("posterior/level")
    axes.contour(gamma, eta, level, levels=shares, colors=style.BLACK, linewidths=1)
    words = " and ".join(f"{100 * share:.0f} %" for share in shares)
    axes.plot([], [], color=style.BLACK, linewidth=1, label=f"credible regions, {words}")


def _points(axes: Axes, found: Run) -> None:
    trained = [found.array(f"training/{axis}") for axis in AXES]
    axes.plot(trained[1], trained[0], "*", color=style.GREY, markersize=7, label="computed points")
    for what, mark, colour, label in (
        ("posterior/peak", "o", style.VERMILION, "most probable"),
        ("truth", "D", style.BLACK, "true"),
    ):
        eta, gamma = (found.number(f"{what}/{axis}") for axis in AXES)
        axes.plot([gamma], [eta], mark, color=colour, label=f"{label}: ({eta:.3g}, {gamma:.3g})")


def compose(runs: Sequence[Run], inverse: Sequence[Path]) -> paper.Drawn:
    """Draw the figure from the inverse file and the moments files it learned from."""
    found = one_run(inverse[0], "inverse")
    text = (
        "Coupling and rate of the bath found back from mean and variance of the kernel spectrum of "
        "a point that the emulators never saw (diamond). Lines: where the emulated moments equal "
        "the measured ones, with bands of one standard error; black: credible regions; stars: the "
        f"points the emulators learned from. {found.result.notes.get('posterior', '')}."
    )
    return draw(found), rows(found), text, runs


main = paper.figure_main(compose, "moments", files=("inverse",))
