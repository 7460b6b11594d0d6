"""Training points of the emulators: one run for each parameter point, with what it found."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.analysis.mobility import ac_mobility
from smallpolaron.analysis.window_shape import SHAPE, Window
from smallpolaron.derive.derive import kubo
from smallpolaron.derive.moments_job import moments_result
from smallpolaron.results.store import Result
from smallpolaron.runs.inputs import read_input
from smallpolaron.study.parameters import Parameters
from smallpolaron.study.sections import AnalysisConfig
from smallpolaron.support.problems import StoreError

AXES: Final = ("eta_over_v", "gamma_over_v", "temperature_K")
"""Parameters that may vary between training points."""

TRAINING_KINDS: Final = ("moments", "mobility", "kernel")
_MOMENTS: Final = ("mean", "variance")


@dataclass(frozen=True)
class Quantity:
    """A quantity that is emulated."""

    kind: str
    variable: str
    units: str
    text: str


QUANTITIES: Final = {
    "kernel_mean": Quantity("moments", "mean", "rad fs^-1", "mean frequency of the kernel"),
    "kernel_variance": Quantity(
        "moments", "variance", "rad^2 fs^-2", "variance of the frequency of the kernel"
    ),
    "mobility": Quantity("mobility", "mobility", "cm^2 V^-1 s^-1", "DC mobility"),
    "tau_K": Quantity("kernel", "tau_K_percent_fs", "fs", "kernel cutoff, relative band"),
}


@dataclass(frozen=True)
class Run:
    """What is taken from the files of one run.

    Attributes:
        point: id of the point.
        parameters: its parameters as its file holds them.
        resolved: its resolved parameters.
        flagged: whether a quality gate failed.
        coordinates: value of each of AXES.
        values: quantities found, by name.
        errors: their relative errors, where known.
        limit: frequency limit of the moments in rad/fs; NaN without moments.
        curve: mobility result that has a Kubo transform; else None.
    """

    point: str
    parameters: Mapping[str, Any]
    resolved: Parameters
    flagged: bool
    coordinates: Mapping[str, float]
    values: Mapping[str, float]
    errors: Mapping[str, float]
    limit: float
    curve: Result | None = None


@dataclass(frozen=True)
class TrainingSet:
    """Runs the emulators are trained on.

    Attributes:
        runs: one per parameter point.
        axes: those of AXES that vary between them.
        held_out: the run that is kept back, or None.
        left_out: why other runs are not used, by point.
        limit: frequency limit of the moments in rad/fs; NaN without moments.
        quantities: what is emulated, by name.
    """

    runs: tuple[Run, ...]
    axes: tuple[str, ...]
    held_out: Run | None
    left_out: Mapping[str, str]
    limit: float
    quantities: Mapping[str, Quantity] = field(default_factory=lambda: QUANTITIES)

    def coordinates(self, chosen: NDArray[np.bool_]) -> dict[str, NDArray[np.float64]]:
        """Return the values of the axes of the chosen runs."""
        return {
            axis: np.array([run.coordinates[axis] for run in self.runs])[chosen]
            for axis in self.axes
        }

    def values(self, name: str) -> NDArray[np.float64]:
        """Return a quantity of every run; NaN where it has none."""
        return np.array([run.values.get(name, math.nan) for run in self.runs])

    def errors(self, name: str) -> NDArray[np.float64]:
        """Return the known relative error of a quantity of every run; 0 where unknown."""
        return np.array([run.errors.get(name, 0.0) for run in self.runs])


def with_window(training: TrainingSet, window: Window) -> TrainingSet:
    """Return training points that also hold the shape of sigma within a measured window.

    Its numbers are stored as their exponentials: the emulators take the logarithm of everything.

    Raises:
        StoreError: the files give no curves of the mobility.
    """
    runs = []
    for run in training.runs:
        if run.curve is not None:
            sigma = ac_mobility(kubo(run.curve), window.omega, run.coordinates["temperature_K"])
            with suppress(ValueError):  # a curve that has no such shape teaches nothing of it
                shape, _ = window.shape(sigma)
                found = dict(zip(SHAPE, np.exp(shape).tolist(), strict=True))
                run = replace(run, values={**run.values, **found})
        runs.append(run)
    if not any(SHAPE[0] in run.values for run in runs):
        raise StoreError(
            "the training points have no mobility files with curves, which a fit of the "
            "conductivity within its window needs; name --results or --mobility"
        )
    low, high = window.omega[0], window.omega[-1]
    texts = {
        name: f"exp({name}) of the conductivity between {low:.4g} and {high:.4g} rad/fs"
        for name in SHAPE
    }
    new = {name: Quantity("mobility", "mobility_ac", "1", text) for name, text in texts.items()}
    return replace(training, runs=tuple(runs), quantities={**training.quantities, **new})


def files_of(folders: Iterable[Path]) -> list[Path]:
    """Return the files with training quantities in the folders of studies.

    Raises:
        StoreError: a folder has none.
    """
    found: list[Path] = []
    for folder in folders:
        here = [path for kind in TRAINING_KINDS for path in sorted((folder / kind).glob("*.h5"))]
        if not here:
            raise StoreError(
                f"{folder}: holds no {', '.join(f'{kind}/*.h5' for kind in TRAINING_KINDS)}; name "
                "the folder of a study's results, such as results/demo"
            )
        found += here
    return found


def read_training_set(
    paths: Iterable[Path], held_out: str | None = None, limit: float | None = None
) -> TrainingSet:
    """Collect training points from result files of the kinds moments, mobility and kernel.

    Args:
        paths: result files; those of one run belong together.
        held_out: id of a point that is kept back, with all runs of the same parameters.
        limit: frequency limit of the moments in rad/fs, one of those the files hold; None for
            that of their scalars.

    Raises:
        StoreError: a file cannot be read or has no moments at the limit, the runs belong to
            different systems or limits, nothing varies, or the held-out point is not there or
            flagged.
    """
    runs = _runs(paths, limit)
    kept_back = _held_out(runs, held_out)
    left_out: dict[str, str] = {}
    best: dict[tuple[float, ...], Run] = {}
    for run in sorted(runs, key=_trust):
        reason = _unfit(run, kept_back)
        if reason:
            left_out[run.point] = reason
            continue
        place = tuple(run.coordinates[axis] for axis in AXES)
        if place in best:
            left_out[best[place].point] = f"superseded by {run.point}"
        best[place] = run
    chosen = tuple(best[place] for place in sorted(best))
    _check_same(chosen if kept_back is None else (*chosen, kept_back))
    axes = tuple(axis for axis in AXES if len({run.coordinates[axis] for run in chosen}) > 1)
    if not axes:
        raise StoreError(
            f"{len(chosen)} usable training points: nothing to learn from; at least eta_over_v or "
            "gamma_over_v must vary between unflagged runs"
        )
    limits = [run.limit for run in chosen if math.isfinite(run.limit)]
    return TrainingSet(chosen, axes, kept_back, left_out, limits[0] if limits else math.nan)


def _runs(paths: Iterable[Path], limit: float | None) -> list[Run]:
    """Read all files and join those of one run; moments follow from a mobility without them."""
    groups: dict[str, dict[str, Result]] = {}
    names: dict[str, Path] = {}
    for path in paths:
        result = read_input(path, TRAINING_KINDS)
        digest = str(result.provenance.get("configuration_hash", path.stem))
        groups.setdefault(digest, {})[result.kind] = result
        names[digest] = path
    for digest, group in groups.items():
        if "moments" not in group and _curve(group.get("mobility")) is not None:
            group["moments"] = moments_result(group["mobility"], AnalysisConfig())
        if limit is not None and "moments" in group and "reason" not in group["moments"].notes:
            group["moments"] = _with_limit(names[digest], group["moments"], limit)
    return [_run(group) for group in groups.values()]


def _with_limit(path: Path, result: Result, limit: float) -> Result:
    """Return moments with those up to another limit as its scalars."""
    stored = result.array("limit")
    places = np.flatnonzero(np.isclose(stored, limit))
    if not places.size:
        raise StoreError(
            f"{path}: has no moments up to {limit:g} rad/fs; its limits are "
            + ", ".join(f"{each:g}" for each in stored)
        )
    chosen = {name: float(result.array(f"{name}_limit")[places[0]]) for name in _MOMENTS}
    chosen["limit_used"] = limit
    variables = {
        name: replace(variable, data=chosen[name]) if name in chosen else variable
        for name, variable in result.variables.items()
    }
    return replace(result, variables=variables)


def _run(group: Mapping[str, Result]) -> Run:
    first = next(iter(group.values()))
    ratios = first.parameters["derived"]
    found = {name: _number(group, each.kind, each.variable) for name, each in QUANTITIES.items()}
    values = {name: value for name, value in found.items() if 0.0 < value < math.inf}
    return Run(
        point=str(first.parameters["point"]),
        parameters=first.parameters,
        resolved=first.resolved,
        flagged=any(result.flagged for result in group.values()),
        coordinates={
            **{axis: np.nan if ratios[axis] is None else ratios[axis] for axis in AXES[:2]},
            "temperature_K": first.resolved.model.temperature_K,
        },
        values=values,
        errors=_mobility_error(group["mobility"]) if "mobility" in values else {},
        limit=_number(group, "moments", "limit_used"),
        curve=_curve(group.get("mobility")),
    )


def _curve(mobility: Result | None) -> Result | None:
    if mobility is None or not {"time_fs", "C_kubo"} <= mobility.variables.keys():
        return None
    return mobility if np.all(np.isfinite(mobility.array("C_kubo"))) else None


def _number(group: Mapping[str, Result], kind: str, name: str) -> float:
    return group[kind].number(name) if kind in group else math.nan


def _mobility_error(result: Result) -> dict[str, float]:
    """Return the relative error of the mobility: the full estimate, else that of the record."""
    errors = map(result.number, ("D_error", "D_error_record"))
    known = [error for error in errors if math.isfinite(error)]
    return {"mobility": abs(known[0] / result.number("D"))} if known else {}


def _trust(run: Run) -> tuple[bool, int, tuple[bool, float], str]:
    """Return what orders runs of one system: the last is the one to be believed."""
    point = run.resolved
    return point.is_infinite, point.n_sites, point.confidence, run.point


def _held_out(runs: list[Run], wanted: str | None) -> Run | None:
    if wanted is None:
        return None
    for run in runs:
        if run.point == wanted:
            if run.flagged or not run.values:
                raise StoreError(f"held-out point {wanted}: flagged or without numbers")
            return run
    raise StoreError(
        f"held-out point {wanted!r} is not among the files; there are: "
        + ", ".join(sorted(run.point for run in runs)[:10])
    )


def _unfit(run: Run, held_out: Run | None) -> str:
    if not all(math.isfinite(value) for value in run.coordinates.values()):
        return "no uniform hopping or other baths than one Debye bath, hence no eta/v and gamma/v"
    places = (run.coordinates, held_out.coordinates if held_out else {})
    if held_out and all(math.isclose(*(place[axis] for place in places)) for axis in AXES):
        return "held out"
    if run.flagged:
        return "flagged by a quality gate"
    return "" if run.values else "no numbers"


def _check_same(runs: tuple[Run, ...]) -> None:
    """Refuse runs of different systems: eta/v and gamma/v do not tell them apart."""
    for name, describe in (("model", _system), ("frequency limit of the moments", _limit)):
        found = sorted({text for run in runs if (text := describe(run))})
        if len(found) > 1:
            raise StoreError(
                f"the runs differ in more than eta, gamma and temperature; {name}: "
                f"{' and '.join(found[:3])}; give files of one system"
            )


def _system(run: Run) -> str:
    model = dict(run.parameters["model"])
    if model["topology"] == "lattice":
        raise StoreError(f"{run.point}: is on a lattice; the map is made of rings and chains only")
    for key in ("n_sites", "temperature_K"):
        model.pop(key)
    if model["topology"] == "infinite":
        model["topology"] = "ring"
    return json.dumps(model, sort_keys=True)


def _limit(run: Run) -> str:
    return f"{run.limit:g} rad/fs" if math.isfinite(run.limit) else ""
