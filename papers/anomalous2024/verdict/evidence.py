"""What the runs of a study say of D, system by system: evidence for the verdict on methods."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from papers.anomalous2024.verdict.judge import Cost, Evidence, Integral, Method
from smallpolaron.analysis.memory.cutoff import settling_time
from smallpolaron.analysis.spreading.plateau import LEAST_RATIO
from smallpolaron.derive.derive import NAN
from smallpolaron.derive.spreading_job import slope_error
from smallpolaron.planning.climb import Rung
from smallpolaron.results.store import Result
from smallpolaron.runs.inputs import read_input
from smallpolaron.study.parameters import confidence, is_adaptive, number, whole
from smallpolaron.study.physical_system import is_uniform, physics, system_columns, system_name
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


@dataclass(frozen=True)
class System:
    """A physical system with the evidence of a study.

    Attributes:
        name: short name, unique in the study.
        physics: its parameters: all but size, lattice and what is numerical.
        evidence: one run per method, lattice and size: the one that is to be believed.
        parameters: resolved parameters of every run, in the order of the evidence.
    """

    name: str
    physics: Mapping[str, Any]
    evidence: tuple[Evidence, ...]
    parameters: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class _Run:
    point: Point
    evidence: Evidence


def gather(plan: Plan, results: Path) -> list[System]:
    """Return the systems of a study with their evidence, ordered by coupling, bath, temperature.

    Raises:
        StoreError: a result file that the plan asks for is missing or damaged.
    """
    groups: dict[str, list[_Run]] = {}
    for point in plan.points:
        if is_uniform(point.parameters):
            groups.setdefault(system_name(point.parameters), []).extend(
                _runs(point, results, plan.analysis)
            )
    return sorted((_system(name, runs) for name, runs in groups.items()), key=_order)


def _order(system: System) -> tuple[float, ...]:
    return tuple(system_columns(system.physics).values())


def _runs(point: Point, results: Path, settings: AnalysisConfig) -> Iterator[_Run]:
    for protocol in point.protocols:
        if protocol == "current":
            run = read_input(results / "correlation" / f"{point.id}.h5", ("correlation",))
            found = read_input(results / "mobility" / f"{point.id}.h5", ("mobility",))
            yield _Run(point, _green_kubo(point, found, run, settings))
        else:
            name = f"{point.id}__{protocol}.h5"
            run = read_input(results / "population" / name, ("population", "displacement"))
            found = read_input(results / "spreading" / name, ("spreading",))
            yield _Run(point, _einstein(point, _METHODS[protocol], found, run))


def _green_kubo(point: Point, found: Result, run: Result, settings: AnalysisConfig) -> Evidence:
    """Return the integral of C_JJ, if it has settled within the record by the tolerance."""
    time, running = (np.asarray(found.variables[name].data) for name in ("time_fs", "D_running"))
    lattice = point.parameters["model"]["topology"]
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
        reason=reason,
        integral=_integral(found),
    )


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
        lattice=point.parameters["model"]["topology"],
        n_sites=whole(point.parameters, "model.n_sites"),
        D_A2_fs=D,
        error_A2_fs=flatness + float(np.nan_to_num(slope_error(run))),
        needed_fs=min(LEAST_RATIO * first, last),
        record_fs=float(np.asarray(found.variables["time_fs"].data)[-1]),
        cost=_cost(run),
        flagged=found.flagged,
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


def _system(name: str, runs: Sequence[_Run]) -> System:
    best: dict[tuple[str, str, int], _Run] = {}
    for run in _from_the_middle(runs):
        each = run.evidence
        key = (each.lattice, each.method, each.n_sites)
        if key not in best or _trust(run) > _trust(best[key]):
            best[key] = run
    return System(
        name,
        physics(runs[0].point.parameters),
        tuple(run.evidence for run in best.values()),
        tuple(run.point.parameters for run in best.values()),
    )


def _from_the_middle(runs: Sequence[_Run]) -> list[_Run]:
    """Leave out starts nearer to an end of a chain than others: they are experiments on walls."""
    farthest: dict[tuple[str, int], int] = {}
    for run in runs:
        key = (run.evidence.lattice, run.evidence.n_sites)
        farthest[key] = max(farthest.get(key, 0), _margin(run))
    return [
        run
        for run in runs
        if run.evidence.method == "green_kubo"
        or _margin(run) == farthest[run.evidence.lattice, run.evidence.n_sites]
    ]


def _margin(run: _Run) -> int:
    """Return the number of sites between the start and the nearer end of a chain."""
    if run.evidence.lattice != "chain" or run.evidence.method == "green_kubo":
        return 0
    site = whole(run.point.parameters, "start_site")
    return min(site, run.evidence.n_sites - 1 - site)


def _trust(run: _Run) -> tuple[float, ...]:
    """Return what orders runs of one size: the last is the one to be believed.

    Of the current on a chain it is the longest, which shows how the integral decays.
    """
    each, parameters = run.evidence, run.point.parameters
    kind, fineness = confidence(parameters)
    growth = number(parameters, "adaptive.growth") if is_adaptive(parameters) else 0.0
    numerics = (float(kind), fineness, -growth)
    good, length = float(not each.flagged), each.record_fs
    if (each.lattice, each.method) == ("chain", "green_kubo"):
        return (good, length, *numerics)
    return (good, float(math.isfinite(each.D_A2_fs)), *numerics, length)
