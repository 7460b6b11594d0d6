"""Numbers printed in the Mori paper, each with what the runs of a study give for it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from papers.mori2024.fig1 import METHODS, Method, by_bath, method_of, value
from papers.mori2024.table1 import PRINTED, at_convergence, times
from papers.shared import figure as paper
from papers.shared.page import NAN, Target
from smallpolaron.figures.runs import Run
from smallpolaron.model.units import paper_units

PRINTED_C: Final = -0.58
PRINTED_K: Final = 0.0161
PRINTED_MEAN: Final = 0.096
PRINTED_VARIANCE: Final = 0.0057
FIGURE_SITES: Final = 6
"""Size of the ring of Fig. 2."""


def sizes(mobility: Sequence[Run], populations: Sequence[Run], band: float) -> Iterator[Target]:
    """Yield the first converged N of every method and bath (Fig. 1), by two readings of D."""
    plateau = "D of populations is the mean over their diffusive plateau"
    yield from _sizes(by_bath(mobility, populations, band), band, METHODS, plateau)
    printed = "D of populations is half the slope at the end of the printed production time"
    populations_only = [name for name in METHODS if name != "current"]
    found = by_bath(mobility, populations, band, at_printed_time)
    yield from _sizes(found, band, populations_only, printed)


def at_printed_time(run: Run) -> tuple[float, float]:
    """Return D of the current, or half the slope at the end of the printed production run."""
    name = method_of(run)
    if name == "current":
        return value(run)
    end, time = PRINTED[name].production_fs, run.array("time_fs")
    if time[-1] < end:
        return NAN, NAN
    return float(np.interp(end, time, run.array("D_slope"))), NAN


def _sizes(
    found: Sequence[Sequence[Method]], band: float, names: Collection[str], reading: str
) -> Iterator[Target]:
    for methods in found:
        for method in methods:
            if method.name not in names:
                continue
            run = at_convergence(method)
            tried = sorted({r.n_sites for r in method.runs})
            below = [n for n in tried if run is not None and n < run.n_sites]
            remark = f"sizes tried: {', '.join(map(str, tried))}; band ±{band:g} paper units"
            remark += f"; {reading}" if method.name != "current" else ""
            if method.table and not run:
                remark += f"; {method.table.band.reason}"
            yield Target(
                id="Fig. 1",
                quantity=f"first converged N, {METHODS[method.name]}",
                system=paper.system_label(method.runs[0]) if method.runs else "",
                printed=PRINTED[method.name].n_sites,
                computed=run.n_sites if run else NAN,
                error=0.5 * (run.n_sites - below[-1]) if run and below else NAN,
                unit="sites",
                flagged=bool(run and run.flagged),
                remark=remark,
            )


def settling(
    kernels: Sequence[Run],
    mobility: Sequence[Run],
    populations: Sequence[Run],
    band: float,
) -> Iterator[Target]:
    """Yield t_eq and tau_K of the ring of Fig. 2, and tau_K of the populations of Table 1."""
    by_point = {run.point: run for run in mobility}
    printed = PRINTED["current"]
    for kernel in kernels:
        if kernel.n_sites != FIGURE_SITES:
            continue
        run = by_point[kernel.point]
        time, D = run.array("time_fs"), run.number("D")
        curves = {
            "t_eq": (run.array("D_running"), "t_eq_band_fs", printed.production_fs),
            "tau_K": (kernel.array("D_cutoff"), "tau_K_band_fs", printed.tau_K_fs),
        }
        for name, (curve, key, printed_fs) in curves.items():
            yield Target.of(
                *(kernel, "Fig. 2", f"{name} of the current", "fs", kernel.number(key)),
                system=f"{paper.system_label(run)}, N = {FIGURE_SITES}",
                printed=printed_fs,
                error=0.5 * float(time[1] - time[0]),
                remark=_which_band(time, curve, D, printed_fs, band),
            )
    for run in populations:
        name = method_of(run)
        if run.n_sites != PRINTED[name].n_sites:
            continue
        production, tau = times(run, kernels)
        for quantity, note, printed_fs, computed in (
            ("tau_K", "tau_K_band_fs", PRINTED[name].tau_K_fs, tau),
            ("production time", "plateau", PRINTED[name].production_fs, production),
        ):
            yield Target.of(
                *(run, "Table 1", f"{quantity}, {METHODS[name]}", "fs", computed),
                system=f"{paper.system_label(run)}, N = {run.n_sites}",
                printed=printed_fs,
                remark=run.result.notes.get(note, ""),
            )


def _which_band(
    time: NDArray[np.float64], curve: NDArray[np.float64], D: float, wanted: float, band: float
) -> str:
    """Say which band would have given the printed time."""
    away = np.where(np.isfinite(curve), np.abs(curve - D), np.inf)
    beyond = np.maximum.accumulate(away[::-1])[::-1]
    at = paper_units(float(beyond[int(np.searchsorted(time, wanted))]))
    return f"a band of ±{band:g} paper units; the printed time belongs to one of ±{at:.4f}"


def drude_smith(models: Sequence[Run]) -> Iterator[Target]:
    """Yield c and k of Fig. 4."""
    for run in models:
        for name, printed, unit in (("c", PRINTED_C, "1"), ("k", PRINTED_K, "fs⁻¹")):
            prefix = f"drude_smith/time/{name}"
            yield Target.of(
                *(run, "Fig. 4", f"Drude–Smith {name}", unit, run.number(prefix)),
                printed=printed,
                error=run.number(f"{prefix}_error"),
                remark="fit in time over the whole record, amplitude from C(0)",
            )


def kernel_moments(moments: Sequence[Run]) -> Iterator[Target]:
    """Yield mean and variance of the kernel spectrum of the held-out point (Fig. 6)."""
    for run in moments:
        limit = run.number("limit_used")
        remark = f"up to {limit:g} rad/fs; the moments depend on this limit (Fig. 5)"
        for name, array, printed, unit in (
            ("mean", "mean_limit", PRINTED_MEAN, "rad fs⁻¹"),
            ("variance", "variance_limit", PRINTED_VARIANCE, "rad² fs⁻²"),
        ):
            yield Target.of(
                *(run, "Fig. 6", f"kernel {name}", unit, run.number(name)),
                printed=printed,
                remark=f"{remark}; the printed one belongs to {_at_value(run, array, printed)}",
            )


def _at_value(run: Run, name: str, printed: float) -> str:
    values, limits = run.array(name), run.array("limit")
    crossings = np.flatnonzero(np.diff(np.sign(values - printed)))
    if not crossings.size:
        return "none of the limits tried"
    i = int(crossings[0])
    share = (printed - values[i]) / (values[i + 1] - values[i])
    return f"{limits[i] + share * (limits[i + 1] - limits[i]):.2f} rad/fs"


def back_mapping(inverse: Run) -> Iterator[Target]:
    """Yield the parameters found back beside the true ones (Fig. 6)."""
    for axis, name in (("eta_over_v", "η/v"), ("gamma_over_v", "γ/v")):
        low, high = (float(inverse.array(f"region/{side}/{axis}")[-1]) for side in ("low", "high"))
        share = 100 * float(inverse.array("region/credible")[-1])
        peak = inverse.number(f"posterior/peak/{axis}")
        yield Target.of(
            *(inverse, "Fig. 6", f"{name} found back", "1", peak),
            system="held out",
            printed=inverse.number(f"truth/{axis}"),
            error=0.5 * (high - low),
            remark=f"printed: the true value; error: half the {share:.0f} % region, "
            f"{low:.3g} to {high:.3g}",
        )
