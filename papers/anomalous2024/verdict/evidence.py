"""What the runs of a study say of D, system by system: evidence for the verdict on methods."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from papers.anomalous2024.verdict.judge import Evidence, Integral, Lattice, Method
from smallpolaron.analysis.memory.cutoff import settling_time
from smallpolaron.analysis.spreading.plateau import LEAST_RATIO
from smallpolaron.derive.derive import NAN
from smallpolaron.derive.spreading_job import slope_error
from smallpolaron.planning.climb import Rung
from smallpolaron.results.store import Result
from smallpolaron.runs.inputs import read_input
from smallpolaron.study.physical_system import is_uniform, system_columns, system_name
from smallpolaron.study.plan import Plan, Point
from smallpolaron.study.sections import AnalysisConfig, Protocol

_METHODS: Final[dict[Protocol, Method]] = {
    "current": "green_kubo",
    "marcus": "einstein_relaxed",
    "franck_condon": "einstein_unrelaxed",
}
_NEVER_SETTLES: Final = "the integral on an open chain falls to 0, however long the record"
_GATES_OF_THE_END: Final = ("settled", "long_time_decay")
_PRODUCTS: Final = (
    *("convergence/products_equilibrium", "convergence/products_production"),
    "resolvent/products",
)
_SIZES: Final = (
    *("convergence/n_unknowns", "convergence/n_equilibrium"),
    "resolvent/n_unknowns",
)


def gather(plan: Plan, results: Path) -> dict[str, list[Evidence]]:
    """Return the evidence of a study by the names of its physical systems.

    Systems are ordered by coupling, bath and temperature. Of every method, lattice and size there
    is one run: the one that is to be believed.

    Raises:
        StoreError: a result file that the plan asks for is missing or damaged.
    """
    systems: dict[str, list[Evidence]] = {}
    for point in plan.points:
        if is_uniform(point.parameters):
            found = systems.setdefault(system_name(point.parameters), [])
            found += _runs(point, results, plan.analysis)
    ordered = sorted(
        systems.items(), key=lambda s: tuple(system_columns(s[1][0].point_parameters).values())
    )
    return {name: _believed(runs) for name, runs in ordered}


def _runs(point: Point, results: Path, settings: AnalysisConfig) -> Iterator[Evidence]:
    for protocol in point.protocols:
        if protocol == "current":
            run = read_input(results / "correlation" / f"{point.id}.h5", ("correlation",))
            found = read_input(results / "mobility" / f"{point.id}.h5", ("mobility",))
            own = _green_kubo(found, settings)
        else:
            name = f"{point.id}__{protocol}.h5"
            run = read_input(results / "population" / name, ("population", "displacement"))
            found = read_input(results / "spreading" / name, ("spreading",))
            own = _einstein(found, run)
        yield Evidence(
            **{"point": point.id, **own, **_cost(run)},
            method=_METHODS[protocol],
            lattice=cast(Lattice, point.parameters.model.topology),  # the paper has no others
            n_sites=point.parameters.n_sites,
            record_fs=float(found.array("time_fs")[-1]),
            flagged=found.flagged,
            parameters=point.parameters,
        )


def _green_kubo(found: Result, settings: AnalysisConfig) -> dict[str, Any]:
    """Return the integral of C_JJ, if it has settled within the record by the tolerance."""
    time, running = found.array("time_fs"), found.array("D_running")
    is_chain = found.parameters["model"]["topology"] == "chain"
    reason, needed, integral = found.notes.get("reason", ""), NAN, None
    if not reason:
        settled = settling_time(time, running, "percent", settings.band_percent)
        needed = settled.time_fs
        reason = "" if settled.met else _NEVER_SETTLES if is_chain else settled.reason
        if is_chain:
            failed = set(found.failed_gates) - set(_GATES_OF_THE_END)
            integral = Integral(time, running, bool(failed))
    last = Rung.of(found)
    D, error = (NAN, NAN) if reason else (last.D_A2_fs, last.error_A2_fs)
    return {"D": D, "D_error": error, "needed_fs": needed, "reason": reason, "integral": integral}


def _einstein(found: Result, run: Result) -> dict[str, Any]:
    """Return the diffusive plateau of a spreading carrier.

    It is known to be one as soon as it has lasted for as long as a plateau must.
    """
    D, flatness, first, last = (
        found.number(f"plateau_{name}") for name in ("D", "D_flatness", "from_fs", "to_fs")
    )
    why = found.notes.get("plateau", "").partition("; ")[2]
    return {
        "point": f"{run.parameters['point']}__{run.parameters['start']}",
        "D": D,
        "D_error": flatness + float(np.nan_to_num(slope_error(run))),
        "needed_fs": min(LEAST_RATIO * first, last),
        "reason": "" if math.isfinite(D) else found.notes.get("reason", why),
    }


def _cost(run: Result) -> dict[str, float]:
    """Return what a run has cost; NaN where its file does not say."""
    products, sizes = (
        [run.number(name) for name in names if name in run.variables]
        for names in (_PRODUCTS, _SIZES)
    )
    seconds, memory = (run.provenance.get(key) for key in ("core_seconds", "peak_memory_MB"))
    return {
        "core_seconds": NAN if seconds is None else float(seconds),
        "memory_MB": NAN if memory is None else float(memory),
        "products": sum(products) if products else NAN,
        "basis_size": max(sizes, default=NAN),
    }


def _believed(runs: Sequence[Evidence]) -> list[Evidence]:
    """Choose one run per lattice, method and size.

    Starts nearer to an end of a chain than others are left out: they are experiments on walls.
    """
    farthest: dict[tuple[str, int], int] = {}
    for run in runs:
        size = run.lattice, run.n_sites
        farthest[size] = max(farthest.get(size, 0), _margin(run))
    best: dict[tuple[str, str, int], Evidence] = {}
    for run in runs:
        if run.method != "green_kubo" and _margin(run) < farthest[run.lattice, run.n_sites]:
            continue
        key = (*run.key, run.n_sites)
        if key not in best or _trust(run) > _trust(best[key]):
            best[key] = run
    return list(best.values())


def _margin(run: Evidence) -> int:
    """Return the number of sites between the start and the nearer end of a chain."""
    if run.lattice != "chain" or run.method == "green_kubo":
        return 0
    site = run.point_parameters.start_site
    return min(site, run.n_sites - 1 - site)


def _trust(run: Evidence) -> tuple[float, ...]:
    """Return what orders runs of one size: the last is the one to be believed.

    Of the current on a chain it is the longest, which shows how the integral decays.
    """
    kind, fineness = run.point_parameters.confidence
    growth = run.point_parameters.adaptive.growth or 0.0
    numerics = (float(kind), fineness, -growth)
    good, length = float(not run.flagged), run.record_fs
    if run.key == ("chain", "green_kubo"):
        return (good, length, *numerics)
    return (good, float(math.isfinite(run.D)), *numerics, length)
