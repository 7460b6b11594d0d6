"""What the runs of a study say of D, system by system: evidence for the verdict on methods."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, cast

import numpy as np

from papers.anomalous2024.verdict.judge import Cost, Evidence, Integral, Lattice, Method
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
    "convergence/products_equilibrium",
    "convergence/products_production",
    "resolvent/products",
)
_SIZES: Final = (
    "convergence/n_unknowns",
    "convergence/n_equilibrium",
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
    ordered = sorted(systems.items(), key=lambda system: _order(system[1]))
    return {name: _believed(runs) for name, runs in ordered}


def _order(runs: Sequence[Evidence]) -> tuple[float, ...]:
    return tuple(system_columns(runs[0].point_parameters).values())


def _runs(point: Point, results: Path, settings: AnalysisConfig) -> Iterator[Evidence]:
    for protocol in point.protocols:
        if protocol == "current":
            run = read_input(results / "correlation" / f"{point.id}.h5", ("correlation",))
            found = read_input(results / "mobility" / f"{point.id}.h5", ("mobility",))
            yield _green_kubo(point, found, run, settings)
        else:
            name = f"{point.id}__{protocol}.h5"
            run = read_input(results / "population" / name, ("population", "displacement"))
            found = read_input(results / "spreading" / name, ("spreading",))
            yield _einstein(point, _METHODS[protocol], found, run)


def _green_kubo(point: Point, found: Result, run: Result, settings: AnalysisConfig) -> Evidence:
    """Return the integral of C_JJ, if it has settled within the record by the tolerance."""
    time, running = (np.asarray(found.variables[name].data) for name in ("time_fs", "D_running"))
    lattice = _lattice(point)
    reason, needed = found.notes.get("reason", ""), NAN
    if not reason:
        settled = settling_time(time, running, "percent", settings.band_percent)
        unmet = _NEVER_SETTLES if lattice == "chain" else settled.reason
        reason, needed = "" if settled.met else unmet, settled.time_fs
    last = Rung.of(found)
    return Evidence(
        point=point.id,
        method="green_kubo",
        lattice=lattice,
        n_sites=last.n_sites,
        D_A2_fs=NAN if reason else last.D_A2_fs,
        error_A2_fs=NAN if reason else last.error_A2_fs,
        needed_fs=needed,
        record_fs=float(time[-1]),
        cost=_cost(run),
        flagged=found.flagged,
        parameters=point.parameters,
        reason=reason,
        integral=_integral(found),
    )


def _lattice(point: Point) -> Lattice:
    return cast(Lattice, point.parameters.model.topology)  # the paper has no others


def _integral(found: Result) -> Integral | None:
    """Return the running integral of an open chain."""
    if found.parameters["model"]["topology"] != "chain" or "reason" in found.notes:
        return None
    time, running = (np.asarray(found.variables[name].data) for name in ("time_fs", "D_running"))
    failed = set(found.failed_gates) - set(_GATES_OF_THE_END)
    return Integral(time, running, bool(failed))


def _einstein(point: Point, method: Method, found: Result, run: Result) -> Evidence:
    """Return the diffusive plateau of a spreading carrier.

    It is known to be one as soon as it has lasted for as long as a plateau must.
    """
    names = ("plateau_D", "plateau_D_flatness", "plateau_from_fs", "plateau_to_fs")
    D, flatness, first, last = (float(np.real(found.variables[name].data)) for name in names)
    _, _, why = found.notes.get("plateau", "").partition("; ")
    return Evidence(
        point=f"{point.id}__{found.parameters['start']}",
        method=method,
        lattice=_lattice(point),
        n_sites=point.parameters.n_sites,
        D_A2_fs=D,
        error_A2_fs=flatness + float(np.nan_to_num(slope_error(run))),
        needed_fs=min(LEAST_RATIO * first, last),
        record_fs=float(np.asarray(found.variables["time_fs"].data)[-1]),
        cost=_cost(run),
        flagged=found.flagged,
        parameters=point.parameters,
        reason="" if math.isfinite(D) else found.notes.get("reason", why),
    )


def _cost(run: Result) -> Cost:
    """Return what a run has cost; NaN where its file does not say."""

    def values(names: Sequence[str]) -> list[float]:
        found = (run.variables.get(name) for name in names)
        return [float(np.real(variable.data)) for variable in found if variable is not None]

    def provenance(key: str) -> float:
        value = run.provenance.get(key)
        return NAN if value is None else float(value)

    products, sizes = values(_PRODUCTS), values(_SIZES)
    return Cost(
        core_seconds=provenance("core_seconds"),
        memory_MB=provenance("peak_memory_MB"),
        products=sum(products) if products else NAN,
        basis_size=max(sizes, default=NAN),
    )


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
        key = (run.lattice, run.method, run.n_sites)
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
    if (run.lattice, run.method) == ("chain", "green_kubo"):
        return (good, length, *numerics)
    return (good, float(math.isfinite(run.D_A2_fs)), *numerics, length)
