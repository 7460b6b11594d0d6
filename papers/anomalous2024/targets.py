"""Numbers and statements of the anomalous transport paper, each with what the runs give for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from papers.anomalous2024 import curves
from papers.anomalous2024.curves import Pair, pairs
from papers.shared import figure as paper
from papers.shared.comparison import matching
from papers.shared.page import NAN, Target
from smallpolaron.analysis.memory.cutoff import settling_time
from smallpolaron.figures.runs import Run, size_table, with_error
from smallpolaron.model.units import paper_units

LONG_FS: Final = (1000.0, 5000.0, 10000.0, 25000.0)
"""Times at which the integral of a long run is read; the last is the printed length."""
PRINTED_TAU_P: Final = 550.0
PRINTED_TAU_R: Final = 1600.0
PRINTED_WALL_ALPHA: Final = 1.05
PRINTED_RING_TIME: Final = 700.0
CHAIN_SITES: Final = 20
"""Size of the chain of Fig. 2."""
EINSTEIN_PERCENT: Final = 0.5
"""Largest difference of both diffusion constants of the infinite lattice."""
LAST_SHARE: Final = 0.2
"""The end of a record over which the slope of the MSD shall have stopped changing."""


def _system(run: Run) -> str:
    return f"{run.parameter('model.topology')}, {run.label}, {paper.system_label(run)}"


def _start(run: Run) -> str:
    return f"{_system(run)}, {curves.STARTS[curves.start(run)]}"


def long_integral(runs: Sequence[Run]) -> Iterator[Target]:
    """Yield what is left of the integral of C_JJ on a long chain at several times (Fig. 1)."""
    for run in runs:
        time, D = run.array("time_fs"), run.array("D_running")
        top = int(np.argmax(D))
        for at in LONG_FS:
            inside = time[-1] >= at
            words = f"maximum {paper_units(float(D[top])):.4g} paper units at {time[top]:g} fs"
            yield Target.of(
                *(run, "Fig. 1", f"integral of C_JJ up to {at / 1000:g} ps over its maximum", "1"),
                float(np.interp(at, time, D)) / float(D[top]) if inside else NAN,
                system=_system(run),
                remark=run.reason or (words if inside else f"the record ends at {time[-1]:g} fs"),
            )


def chain_times(runs: Sequence[Run]) -> Iterator[Target]:
    """Yield tau_P and tau_R of the chain of Fig. 2 by every rule and tolerance.

    Raises:
        ValueError: the chain has been run from one initialisation only.
    """
    for pair in pairs([run for run in runs if run.n_sites == CHAIN_SITES]):
        # Both runs of a pair hold the same tau_P.
        yield from _by_tolerance(
            pair.marcus, "tau_P", PRINTED_TAU_P, "slopes differ by at most", _apart(pair)
        )
        first = pair.marcus
        why = first.result.notes.get("tau_P_alpha_fs", first.reason)
        at = first.number("tau_P_alpha_fs")
        yield _fig2(first, "tau_P, exponents meet", PRINTED_TAU_P, at, why)
        for run in pair.runs:
            yield from _by_tolerance(run, "tau_R", PRINTED_TAU_R, "far end filled to", _filled(run))
            words, at = "tau_R, time of the maximum of alpha", run.number("alpha_peak_fs")
            yield _fig2(run, words, PRINTED_TAU_R, at, _peak(run))


def _fig2(
    run: Run,
    quantity: str,
    printed: float,
    value: float,
    remark: str,
    error: float = NAN,
    unit: str = "fs",
) -> Target:
    where = _system(run) if quantity.startswith("tau_P, slopes") else _start(run)
    more = {"system": where, "printed": printed, "error": error, "remark": remark}
    return Target.of(run, "Fig. 2", quantity, unit, value, **more)


def _by_tolerance(
    run: Run, name: str, printed: float, words: str, percent_printed: float
) -> Iterator[Target]:
    """Yield a time at every stored tolerance; the printed one belongs to percent_printed.

    NaN in its place says that the printed time is too late to tell.
    """
    times = run.array(f"{name}_tolerance_fs")
    remark = f"the printed time belongs to {percent_printed:.2g} %"
    if not np.isfinite(percent_printed):
        remark = "the printed time lies after tau_R"
    for percent, time in zip(run.array("tolerance_percent"), times, strict=True):
        quantity = f"{name}, {words} {percent:g} %"
        yield _fig2(run, quantity, printed, float(time), run.reason or remark)


def _apart(pair: Pair) -> float:
    """Return how far the slopes of a pair are apart from the printed tau_P on, in percent.

    What comes after tau_R does not count; NaN if nothing is left.
    """
    time = pair.marcus.array("time_fs")
    until = float(np.nanmin([np.inf, *(run.number("tau_R_fs") for run in pair.runs)]))
    one, other = (
        run.array("dmsd_dt")[(time >= PRINTED_TAU_P) & (time <= until)] for run in pair.runs
    )
    apart = 200 * np.abs(one - other) / (np.abs(one) + np.abs(other))
    return float(np.max(apart)) if apart.size else NAN


def _filled(run: Run) -> float:
    """Return the filling of the far end at the printed tau_R, in percent."""
    distances = run.array("boundary_distance")
    filling = run.array("boundary_filling")[:, distances == distances.max()].mean(axis=1)
    return 100 * float(np.interp(PRINTED_TAU_R, run.array("time_fs"), filling))


def _peak(run: Run) -> str:
    """Say where alpha is largest at long times, or why there is no maximum."""
    if np.isfinite(run.number("alpha_peak")):
        return f"alpha = {run.number('alpha_peak'):.3f} at {run.number('alpha_peak_fs'):g} fs"
    return run.result.notes.get("alpha_longtime", run.reason).rpartition("; ")[2]


def exponents(wall: Sequence[Run], chains: Sequence[Run]) -> Iterator[Target]:
    """Yield alpha at long times, from the wall and on the longest chain from the middle."""
    for run in wall:
        place = f"start on site {curves.site(run)}"
        yield from _alphas(run, f"alpha at long times, {place}", PRINTED_WALL_ALPHA)
    longest = max((run.n_sites for run in chains), default=0)
    for run in chains:
        if run.n_sites == longest:
            yield from _alphas(run, "alpha at long times, start in the middle", 1.0)


def _alphas(run: Run, quantity: str, printed: float) -> Iterator[Target]:
    rule = run.result.notes.get("alpha_longtime", run.reason).partition(",")[0]
    for words, value, spread, remark in (
        ("mean", run.number("alpha_longtime"), run.number("alpha_longtime_spread"), rule),
        ("maximum", run.number("alpha_peak"), NAN, _peak(run)),
    ):
        yield _fig2(run, f"{quantity}, {words}", printed, value, remark, spread, "1")


def ring_current(
    figure: str,
    runs: Sequence[Run],
    infinite: Sequence[Run],
    band: float,
    printed_sites: int,
) -> Iterator[Target]:
    """Yield D of the largest ring and the first converged size (Figs. 3 and S5).

    Args:
        figure: Fig. 3 or S5.
        runs: the current on rings of one bath.
        infinite: the current on infinite lattices; that of the same bath is the converged value.
        band: half-width of the band that a converged size stays in, paper units.
        printed_sites: printed size from which it has converged.
    """
    good = [run for run in runs if np.isfinite(run.number("D"))]
    if not good:
        return
    largest = max(good, key=lambda run: run.n_sites)
    printed = next((p.value for p in matching(largest.result.resolved, ("D_paper",))), NAN)
    limit = paper.pick(infinite, paper.eta_over_v(largest), paper.gamma_over_v(largest))
    for run in (largest, *([limit] if limit else [])):
        yield Target.of(
            *(run, figure, "integral of C_JJ (paper units)", "fs⁻¹", run.number("D_paper")),
            system=_system(run),
            printed=printed,
            error=paper_units(run.number("D_error")),
            remark=f"D = {with_error(run, 'D')} Å²/fs, {with_error(run, 'mobility')} cm²/(V s)",
        )
    yield _first_size(figure, good, limit, band, printed_sites)


def _first_size(
    figure: str, runs: Sequence[Run], limit: Run | None, band: float, printed: int
) -> Target:
    sizes = size_table(runs, limit.number("D") if limit else None, band_paper_units=band)
    found, tried = sizes.band.n_sites, sorted(run.n_sites for run in runs)
    below = [n for n in tried if found is not None and n < found]
    against = "the infinite lattice" if limit else f"N = {tried[-1]}"
    remark = f"within ±{band:g} paper units of {against}; sizes tried: {', '.join(map(str, tried))}"
    return Target.of(
        *(runs[0], figure, "first converged N", "sites", NAN if found is None else found),
        system=f"ring, {paper.system_label(runs[0])}",
        printed=printed,
        error=0.5 * (found - below[-1]) if found is not None and below else NAN,
        flagged=False,
        remark="; ".join(filter(None, (remark, sizes.band.reason))),
    )


def ring_time(runs: Sequence[Run], band: float) -> Iterator[Target]:
    """Yield the time by which the integral has converged on the slowest of the rings (Fig. 3)."""
    good = [run for run in runs if np.isfinite(run.number("D"))]
    if not good:
        return
    times = [
        settling_time(run.array("time_fs"), run.array("D_running"), "band", band).time_fs
        for run in good
    ]
    each = [f"{time:g} (N = {run.n_sites})" for run, time in zip(good, times, strict=True)]
    yield Target.of(
        *(good[0], "Fig. 3", "time by which the integral has converged on all rings", "fs"),
        float(np.max(times)),
        system=f"ring, {paper.system_label(good[0])}",
        printed=PRINTED_RING_TIME,
        flagged=any(run.flagged for run in good),
        remark=f"within ±{band:g} paper units of its last value: {', '.join(each)}",
    )


def einstein(spreading: Sequence[Run], current: Sequence[Run]) -> Iterator[Target]:
    """Yield the difference of both diffusion constants on infinite lattices, in percent.

    Half the slope of the mean-squared displacement is taken at the end of the record.
    """
    for run in spreading:
        other = paper.pick(current, paper.eta_over_v(run), paper.gamma_over_v(run))
        if other is None:
            continue
        time, D = run.array("time_fs"), 0.5 * run.array("dmsd_dt")
        end, green_kubo = run.number("D_end"), other.number("D")
        late = D[time >= (1 - LAST_SHARE) * time[-1]]
        drift = float(late.max() - late.min())
        difference = 100 * (end / green_kubo - 1)
        inside = abs(difference) <= EINSTEIN_PERCENT
        yield Target.of(
            *(run, "Eqs. 1, 2", "D by Einstein against Green–Kubo", "%", difference),
            system=_start(run),
            error=100 * (drift + np.nan_to_num(other.number("D_error"))) / green_kubo,
            flagged=run.flagged or other.flagged or not inside,
            remark=f"{with_error(run, 'D_end')} and {with_error(other, 'D')} Å²/fs; "
            f"{'within' if inside else 'NOT within'} {EINSTEIN_PERCENT:g} %; slope at "
            f"{time[-1]:g} fs, alpha {run.array('alpha')[-1]:.3f}",
        )
