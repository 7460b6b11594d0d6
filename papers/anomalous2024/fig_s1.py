"""Anomalous transport paper, Fig. S1: the tail of the current correlation on open chains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from papers.anomalous2024 import curves
from papers.shared import figure as paper
from smallpolaron.figures import style
from smallpolaron.figures.runs import Run, reference, remarks, rows_of, window

_WALK: Final[dict[str, Any]] = {"linestyle": (0, (1, 1.2)), "linewidth": 1.1, "marker": ""}
_KEY: Final = Line2D([], [], color=style.GREY, **_WALK, label="walk between the walls")


def rows(chains: Sequence[Run], long: Run, infinite: Run) -> Iterator[style.Row]:
    """Yield one row per record and time."""
    for record, run in [*(("chains", run) for run in chains), ("long", long)]:
        C = run.array("C_JJ")
        columns = {
            "time_fs": run.array("time_fs"),
            "re_C_JJ_A2_fs2": C.real,
            "im_C_JJ_A2_fs2": C.imag,
            "walk_A2_fs2": curves.walk(run, infinite).C,
        }
        yield from rows_of(paper.identity(run) | {"record": record}, columns)


def draw(chains: Sequence[Run], long: Run, infinite: Run) -> Figure:
    """Draw the tails of Re C_JJ (inset: the beginning), and minus Re C_JJ on logarithmic axes."""
    figure = style.new_figure(12.0, 4.6)
    left, right = figure.subplots(1, 2)
    looks = curves.family(chains)
    seen = window(chains[0].array("time_fs"), [run.array("C_JJ").real for run in chains])
    _tails(left, chains, infinite, seen)
    for run, look in zip(chains, looks, strict=True):
        _logarithmic(right, run, infinite, run.legend(), **look)
    words = curves.label(long, f"N = {long.n_sites}, long record")
    _logarithmic(right, long, infinite, words, **curves.look(long, style.ORANGE))
    right.set(xscale="log", yscale="log", xlabel="time (fs)")
    right.set_xlim(0.1 * seen, float(long.array("time_fs")[-1]))
    right.set_ylabel(r"$-\mathrm{Re}\,C_{JJ}$ (Å$^2$ fs$^{-2}$)")
    style.legend(right, [_KEY], fontsize=8.5)
    style.flagged_note(figure, remarks([*chains, long, infinite]))
    return figure


def _tails(axes: Axes, chains: Sequence[Run], infinite: Run, seen: float) -> None:
    """Draw the tails, which begin at the time from which on no more than 1 % is to be seen."""
    inset = axes.inset_axes((0.42, 0.1, 0.55, 0.4))
    lowest = 0.0
    for run, look in zip(chains, curves.family(chains), strict=True):
        time, C = run.array("time_fs"), run.array("C_JJ").real
        axes.plot(time, C, label=run.legend(), **look)
        axes.plot(time, curves.walk(run, infinite).C, **look | _WALK)
        inset.plot(time, C, **look)
        lowest = min(lowest, float(np.min(C[time >= seen])))
    for panel in (axes, inset):
        panel.axhline(0, color=style.GREY, linewidth=0.8)
    inset.set_xlim(0, seen)
    inset.tick_params(labelsize=7)
    axes.set(xlim=(0, float(chains[0].array("time_fs")[-1])), ylim=(2.2 * lowest, -0.8 * lowest))
    axes.set(xlabel="time (fs)", ylabel=r"$\mathrm{Re}\,C_{JJ}$ (Å$^2$ fs$^{-2}$)")
    style.legend(axes, [_KEY], fontsize=8.5, loc="upper right", ncols=2)


def _logarithmic(axes: Axes, run: Run, infinite: Run, label: str, **look: Any) -> None:
    """Draw minus Re C_JJ where it is positive, and the walk."""
    time = run.array("time_fs")
    axes.plot(time, _positive(-run.array("C_JJ").real), label=label, **look)
    axes.plot(time, _positive(-curves.walk(run, infinite).C), **look | _WALK)


def _positive(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(values > 0.0, values, np.nan)


def text(chains: Sequence[Run], long: Run, infinite: Run) -> str:
    """Return what is seen, and what decides."""
    at = min(float(run.array("time_fs")[-1]) for run in chains)
    tails = "; ".join(f"N = {run.n_sites}: {_value(run, at, infinite)}" for run in chains)
    slowest = curves.walk(long, infinite).slowest_fs
    end = float(long.array("time_fs")[-1])
    return (
        "Real part of the current autocorrelation function on open chains: the tails (left; inset: "
        "the beginning) and minus the same on logarithmic axes, with the long record (right). It "
        f"approaches zero from below. At {at:g} fs, with that of a walk that hops between the "
        "walls with D of the infinite ring (dotted; C = -d²⟨X(t)X(0)⟩/dt², no adjustable "
        f"number) in brackets, Å²/fs²: {tails}. J = dX/dt and X is bounded on an open "
        "chain: the integral of Re C_JJ over all times is exactly 0, and the tail is what takes "
        "back D. It is smaller on longer chains, as 1/N at first, but lasts longer, as N²: "
        f"{slowest / 1000:.3g} ps for N = {long.n_sites}, where {_value(long, end, infinite)} "
        f"remain after {end / 1000:g} ps."
    )


def _value(run: Run, at: float, infinite: Run) -> str:
    here = int(np.argmin(np.abs(run.array("time_fs") - at)))
    walk = curves.walk(run, infinite).C[here]
    return f"{run.array('C_JJ')[here].real:.2e} ({walk:.2e})"


def compose(
    chains: Sequence[Run], longest: Sequence[Run], references: Sequence[Run]
) -> paper.Drawn:
    """Draw the figure from correlation files of open chains and mobility of the infinite ring."""
    long, infinite = longest[-1], reference(references)
    curves.same_bath([*chains, long], infinite)
    found = (chains, long, infinite)
    return draw(*found), rows(*found), text(*found), [*chains, long, infinite]


main = paper.figure_main(compose, "correlation", "long", "reference")
