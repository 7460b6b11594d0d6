"""Anomalous transport paper, Fig. 4: spreading on a ring over coupling and rate of the bath."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from papers.anomalous2024 import curves
from papers.anomalous2024.curves import Pair, pairs
from papers.shared import figure as paper
from smallpolaron.figures import style
from smallpolaron.figures.runs import Run, log_samples, rows_of


@dataclass(frozen=True)
class Panel:
    """What one panel shows.

    Attributes:
        ring: the ring from both starts.
        infinite: the infinite lattice from both starts; None if the study lacks it.
        current: D of the infinite lattice by the current; None if the study lacks it.
    """

    ring: Pair
    infinite: Pair | None
    current: Run | None

    @property
    def bath(self) -> tuple[float, float]:
        """Coupling and rate of the bath over the hopping."""
        return paper.eta_over_v(self.ring.marcus), paper.gamma_over_v(self.ring.marcus)

    @property
    def runs(self) -> list[Run]:
        """All runs that are drawn as curves."""
        return [*self.ring.runs, *(self.infinite.runs if self.infinite else ())]

    @property
    def D(self) -> float:
        """Diffusion constant by the current, angstrom^2/fs; NaN without one."""
        return self.current.number("D") if self.current else float("nan")


def panels(rings: Sequence[Run], infinite: Sequence[Run], current: Sequence[Run]) -> list[Panel]:
    """Return one panel per ring with the infinite lattice of the same bath."""
    known = {_bath(pair.marcus): pair for pair in pairs(infinite)}
    currents = {_bath(run): run for run in current}
    return [
        Panel(pair, known.get(_bath(pair.marcus)), currents.get(_bath(pair.marcus)))
        for pair in pairs(rings)
    ]


def _bath(run: Run) -> tuple[float, float]:
    return paper.eta_over_v(run), paper.gamma_over_v(run)


def rows(found: Sequence[Panel]) -> Iterator[style.Row]:
    """Yield one row per run and drawn time."""
    for panel in found:
        for run in panel.runs:
            time, slope, alpha = (run.array(name) for name in ("time_fs", "dmsd_dt", "alpha"))
            fixed = curves.found(run) | {
                "D_green_kubo_A2_fs": panel.D,
                "D_green_kubo_error_A2_fs": (
                    panel.current.number("D_error") if panel.current else float("nan")
                ),
                "D_green_kubo_flagged": panel.current.flagged if panel.current else "",
            }
            i = log_samples(time, curves.FIRST_FS)
            columns = {"time_fs": time[i], "dmsd_dt_A2_fs": slope[i], "alpha": alpha[i]}
            yield from rows_of(fixed, columns)


def verdict(run: Run) -> str:
    """Say in a few words whether and when a run diffuses, and its exponent at long times."""
    exponent = rf"$\alpha$ = {run.number('alpha_longtime'):.2f}"
    if not np.isfinite(run.number("plateau_D")):
        return f"no plateau, {exponent}"
    begin, end = run.number("diffusive/from_fs"), run.number("diffusive/to_fs")
    return f"diffusive {begin:.0f}–{end:.0f} fs, {exponent}"


def draw(found: Sequence[Panel]) -> Figure:
    """Draw slope (above) and exponent (below) for every bath; coupling falls downwards."""
    etas = sorted({panel.bath[0] for panel in found}, reverse=True)
    gammas = sorted({panel.bath[1] for panel in found})
    by_bath = {panel.bath: panel for panel in found}
    figure = style.new_figure(4.1 * len(gammas), 4.1 * len(etas) + 0.4)
    grid = figure.add_gridspec(2 * len(etas), len(gammas), height_ratios=[1.7, 1] * len(etas))
    for i, eta in enumerate(etas):
        for j, gamma in enumerate(gammas):
            upper = figure.add_subplot(grid[2 * i, j])
            lower = figure.add_subplot(grid[2 * i + 1, j], sharex=upper)
            title = rf"$\eta/v$ = {eta:g}, $\gamma/v$ = {gamma:g}"
            upper.tick_params(labelbottom=False)
            if (eta, gamma) in by_bath:
                panel = by_bath[eta, gamma]
                _panel(upper, lower, panel)
                bad = any(run.flagged for run in panel.runs)
                upper.set_title(
                    f"{title} (flagged)" if bad else title,
                    fontsize=10,
                    color=style.VERMILION if bad else style.BLACK,
                )
            else:
                upper.set_title(title, fontsize=10)
                style.message(upper, "not in this study")
                lower.set_axis_off()
            if j == 0:
                upper.set_ylabel(curves.SLOPE)
                lower.set_ylabel(r"$\alpha$")
            if i == len(etas) - 1:
                lower.set_xlabel("time (fs)")
    _legend(figure)
    return figure


def _legend(figure: Figure) -> None:
    """Name every line of the panels once."""
    named: dict[str, Artist] = {}
    for axes in figure.axes:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            named.setdefault(name, handle)
    lines, names = list(named.values()), list(named)
    figure.legend(lines, names, loc="outside upper center", ncols=4, fontsize=9)


def _name(run: Run) -> str:
    return curves.STARTS[curves.start(run)]


def _panel(upper: Axes, lower: Axes, panel: Panel) -> None:
    for run in panel.runs:
        time = run.array("time_fs")
        drawn = log_samples(time, curves.FIRST_FS)
        is_infinite = run not in panel.ring.runs
        how = curves.spread(run, curves.COLOURS[curves.start(run)]) | (
            {"color": style.GREY, "linewidth": 0.9, "zorder": 1} if is_infinite else {}
        )
        name = f"N = {'∞' if is_infinite else run.n_sites}, {_name(run)}"
        upper.plot(time[drawn], run.array("dmsd_dt")[drawn], label=name, **how)
        lower.plot(time[drawn], run.array("alpha")[drawn], **how)
    if np.isfinite(panel.D):
        colour = style.VERMILION if panel.current and panel.current.flagged else style.BLACK
        upper.axhline(2 * panel.D, color=colour, lw=1, ls=":", label="2D, Green–Kubo, N = ∞")
    lower.axhline(1, color=style.BLACK, linewidth=1, linestyle=":")
    _marks(upper, lower, panel.ring)
    last = float(panel.ring.marcus.array("time_fs")[-1])
    upper.set(xscale="log", xlim=(curves.FIRST_FS, last))
    slopes = np.concatenate([run.array("dmsd_dt") for run in panel.ring.runs])
    upper.set_ylim(0, 1.35 * float(np.max(slopes, where=np.isfinite(slopes), initial=1e-9)))
    lower.set(ylim=(0.5, 2.05), yticks=(0.5, 1, 1.5, 2))


def _marks(upper: Axes, lower: Axes, ring: Pair) -> None:
    """Mark tau_P and tau_R and say what each start leads to."""
    for axes in (upper, lower):
        tau_P = ring.marcus.number("tau_P_fs")
        axes.axvline(tau_P, color=style.BLACK, lw=0.8, ls="--", zorder=0, label=r"$\tau_P$")
        for run in ring.runs:
            tau_R, colour = run.number("tau_R_fs"), curves.COLOURS[curves.start(run)]
            name = rf"$\tau_R$, {_name(run)}"
            axes.axvline(tau_R, color=colour, lw=0.8, ls="-.", zorder=0, label=name)
            if np.isfinite(run.number("plateau_D")):
                span = run.number("diffusive/from_fs"), run.number("diffusive/to_fs")
                axes.axvspan(*span, color=colour, alpha=0.1, lw=0)
    words = [f"{'w/' if run is ring.marcus else 'w/o'} eq.: {verdict(run)}" for run in ring.runs]
    upper.text(0.03, 0.98, "\n".join(words), fontsize=8, va="top", transform=upper.transAxes)


def compose(
    rings: Sequence[Run], infinite: Sequence[Run], current: Sequence[Run], band_percent: float
) -> paper.Drawn:
    """Draw the figure from spreading files of rings and what the infinite lattice gives."""
    found = panels(rings, infinite, current)
    text = (
        "Slope of the mean-squared displacement (above) and its exponent alpha (below) after a "
        "start on one site of a ring, bath relaxed beforehand or not; thin grey: the infinite "
        "lattice; dotted: twice the diffusion constant of the infinite lattice from the current, "
        "and alpha = 1. Coupling falls from top to bottom, the bath gets faster from left to "
        "right. Black dashed: tau_P, when both starts meet; dash-dotted in the colour of a start: "
        "tau_R, when the antipode is reached; shaded: diffusive regime, a plateau of the slope; "
        "alpha in the words: mean over the second half of the time before tau_R. Tolerance of all "
        f"rules: {band_percent:g} %. Why a run has no plateau is in the table of regimes."
    )
    runs = [*(run for panel in found for run in panel.runs), *current]
    return draw(found), rows(found), text, runs


main = paper.figure_main(compose, "spreading", "infinite", "mobility", criteria=("band_percent",))
