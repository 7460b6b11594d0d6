"""Inverse files: emulators over the parameters, their test, and the parameters of a measurement.

What was measured is one of: a point of the study that is held out, a table of quantities, a table
of the complex conductivity, or nothing (then there are maps and a suggestion only).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from smallpolaron.analysis.emulator import Emulator, fit_emulator, training_points
from smallpolaron.analysis.inverse import Measurement, Posterior, measurement, next_point, posterior
from smallpolaron.analysis.kernel_moments import (
    conductivity_noise,
    inverse_conductivity,
    kernel_moments,
    moment_covariance,
)
from smallpolaron.studies.inverse.inverse_variables import (
    map_variables,
    posterior_notes,
    posterior_variables,
    training_variables,
)
from smallpolaron.studies.inverse.measured_files import read_conductivity, read_measured
from smallpolaron.studies.inverse.suggestion import suggested_study
from smallpolaron.studies.inverse.training_set import (
    QUANTITIES,
    Run,
    TrainingSet,
    read_training_set,
)
from smallpolaron.studies.provenance import Stopwatch, collect
from smallpolaron.studies.store import Result, StoreError, write_result

HELD_OUT_ERROR: Final = 0.01
"""Relative error with which the moments of a held-out point count as measured."""

MOMENTS: Final = ("kernel_mean", "kernel_variance")


@dataclass(frozen=True)
class InverseOptions:
    """What the command line of an inverse job says.

    Attributes:
        files: result files of the training points.
        output: result file to write.
        suggestion: study file to write.
        held_out: id of the point that is kept back and found again.
        measured: table of measured quantities.
        sigma: table of a measured conductivity.
        temperature_K: temperature of the measurement; None if not known.
        limit: frequency limit of the moments in rad/fs; None for that of the files.
        overwrite: replace the result file if it is there.
    """

    files: tuple[Path, ...]
    output: Path
    suggestion: Path
    held_out: str | None = None
    measured: Path | None = None
    sigma: Path | None = None
    temperature_K: float | None = None
    limit: float | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class Evidence:
    """What was measured.

    Attributes:
        source: where it comes from, in words.
        data: measured quantities; None if there are none.
        known: parameters that are known, by axis.
        truth: true parameters of a held-out point, else None.
        remarks: what the reader must know of the data.
    """

    source: str
    data: Measurement | None = None
    known: Mapping[str, float] = field(default_factory=dict)
    truth: Run | None = None
    remarks: Mapping[str, str] = field(default_factory=dict)


def run_inverse(options: InverseOptions) -> None:
    """Train on the result files, find the parameters of the measurement, suggest a point.

    Raises:
        StoreError: a file cannot be read, or does not allow what is asked for.
    """
    watch = Stopwatch()
    _check(options)
    training = read_training_set(options.files, options.held_out, options.limit)
    try:
        evidence = gather(training, options)
        emulators, without = fit_all(training)
        found = None
        if evidence.data is not None:
            found = posterior(emulators, evidence.data, evidence.known)
        place, gain = next_point(_of_interest(emulators, evidence), found)
    except ValueError as error:
        raise StoreError(str(error)) from error
    new = dict(zip(training.axes, map(float, place), strict=True))
    result = _result(training, emulators, evidence, found, (new, gain), without, watch)
    write_result(options.output, result, overwrite=options.overwrite)
    options.suggestion.parent.mkdir(parents=True, exist_ok=True)
    text = _suggestion(training, new, result.notes["suggestion"])
    options.suggestion.write_text(text, encoding="utf-8")


def _check(options: InverseOptions) -> None:
    if not options.files:
        raise StoreError("no training points: name --results, or --moments, --mobility, --kernel")
    temperature = options.temperature_K
    if temperature is not None and not (math.isfinite(temperature) and temperature > 0.0):
        raise StoreError(f"--temperature-K {temperature}: must be above 0 K")
    if options.sigma is not None and temperature is None:
        raise StoreError("--sigma needs --temperature-K, the temperature of the measurement")
    if options.output.exists() and not options.overwrite:
        raise StoreError(f"{options.output}: the file exists; remove it or pass --overwrite")


def fit_all(training: TrainingSet) -> tuple[dict[str, Emulator], dict[str, str]]:
    """Fit an emulator to every quantity that enough points have.

    Returns:
        Emulators by quantity, and why the others have none.

    Raises:
        ValueError: no quantity has one; the message says why.
    """
    emulators: dict[str, Emulator] = {}
    without: dict[str, str] = {}
    for name in QUANTITIES:
        values = training.values(name)
        has = np.isfinite(values)
        if not has.any():
            continue
        try:
            points = training_points(training.coordinates(has))
            emulators[name] = fit_emulator(points, values[has], training.errors(name)[has])
        except ValueError as error:
            without[name] = str(error)
    if not emulators:
        raise ValueError("; ".join(f"{name}: {why}" for name, why in without.items()))
    return emulators, without


def gather(training: TrainingSet, options: InverseOptions) -> Evidence:
    """Read what was measured.

    Raises:
        StoreError: a table cannot be used.
        ValueError: the data do not reach the frequency limit, or the temperature is another one.
    """
    if training.held_out is not None:
        return _held_out(training, training.held_out)
    known = _known_temperature(training, options.temperature_K)
    if options.sigma is not None:
        return _from_conductivity(options.sigma, training.limit, known)
    if options.measured is not None:
        values, errors = read_measured(options.measured, tuple(QUANTITIES))
        return Evidence(options.measured.name, measurement(values, errors), known)
    return Evidence("nothing", known=known)


def _held_out(training: TrainingSet, run: Run) -> Evidence:
    missing = [name for name in MOMENTS if name not in run.values]
    if missing:
        raise ValueError(f"held-out point {run.point} has no {' and no '.join(missing)}")
    values = {name: run.values[name] for name in MOMENTS}
    errors = {name: HELD_OUT_ERROR * value for name, value in values.items()}
    known = _known_temperature(training, run.coordinates["temperature_K"])
    text = f"held-out point {run.point}, its moments with an error of {HELD_OUT_ERROR:.0%}"
    return Evidence(text, measurement(values, errors), known, run)


def _known_temperature(training: TrainingSet, temperature_K: float | None) -> dict[str, float]:
    if temperature_K is None:
        return {}
    if "temperature_K" in training.axes:
        return {"temperature_K": temperature_K}
    computed = training.runs[0].coordinates["temperature_K"]
    if not math.isclose(computed, temperature_K, rel_tol=1e-2):
        raise ValueError(
            f"the measurement is at {temperature_K:g} K, all training points at {computed:g} K; "
            "compute points at other temperatures"
        )
    return {}


def _from_conductivity(path: Path, limit: float, known: Mapping[str, float]) -> Evidence:
    table = read_conductivity(path)
    if not math.isfinite(limit):
        raise ValueError("a conductivity needs training points with moments; give moments files")
    try:
        found = kernel_moments(table.omega, inverse_conductivity(table.sigma), [limit])
        noise, origin = table.error, "as given"
        if noise is None:
            scatter = conductivity_noise(table.omega, table.sigma)
            noise, origin = np.full(table.omega.size, scatter), "from the scatter of the table"
        matrix = moment_covariance(table.omega, table.sigma, noise, limit)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    values = dict(zip(MOMENTS, (float(found.mean[0]), float(found.variance[0])), strict=True))
    remarks = {"measured_noise": f"errors of the conductivity {origin}"}
    if found.negative_share > 0.0:
        remarks["negative"] = (
            f"{found.negative_share:.2%} of the kernel spectrum of the table is negative, which "
            "noise or a wrong phase does"
        )
    return Evidence(path.name, measurement(values, {}, matrix), known, remarks=remarks)


def _of_interest(emulators: Mapping[str, Emulator], evidence: Evidence) -> dict[str, Emulator]:
    """Return the emulators whose errors the next point shall reduce: of what was measured."""
    if evidence.data is not None:
        return {name: emulators[name] for name in evidence.data.names}
    most = max(len(emulator.values) for emulator in emulators.values())
    return {name: each for name, each in emulators.items() if len(each.values) == most}


def _result(
    training: TrainingSet,
    emulators: Mapping[str, Emulator],
    evidence: Evidence,
    found: Posterior | None,
    suggestion: tuple[Mapping[str, float], float],
    without: Mapping[str, str],
    watch: Stopwatch,
) -> Result:
    variables = training_variables(training, emulators) | map_variables(emulators)
    notes = {
        "measured": evidence.source,
        "emulators": "; ".join(_fitted(name, each) for name, each in emulators.items()),
        "suggestion": _reason(*suggestion, evidence),
        **evidence.remarks,
    }
    for title, texts in (("left_out", training.left_out), ("no_emulator", without)):
        if texts:
            notes[title] = "; ".join(f"{name}: {text}" for name, text in texts.items())
    if found is not None and evidence.data is not None:
        truth = None
        if evidence.truth is not None:
            truth = np.array([evidence.truth.coordinates[axis] for axis in training.axes])
        variables |= posterior_variables(training, emulators, evidence.data, found, truth)
        notes |= posterior_notes(evidence.data, found, emulators[evidence.data.names[0]].points)
    digest = hashlib.sha256("".join(run.point for run in training.runs).encode()).hexdigest()
    return Result(
        kind="inverse",
        variables=variables,
        parameters=_parameters(training, emulators, evidence),
        gates=(),
        provenance=collect(digest, watch),
        notes=notes,
    )


def _fitted(name: str, emulator: Emulator) -> str:
    lengths = ", ".join(
        f"{axis} {length:.2g}"
        for axis, length in zip(emulator.points.axes, emulator.length_scales, strict=True)
    )
    return (
        f"{name}: {len(emulator.values)} points, lengths over the logarithmic range {lengths}, "
        f"scatter {emulator.noise:.2g}, errors enlarged {emulator.inflation:.3g} times"
    )


def _reason(place: Mapping[str, float], gain: float, evidence: Evidence) -> str:
    where = ", ".join(f"{axis} = {value:g}" for axis, value in place.items())
    over = "the training box" if evidence.data is None else "the posterior"
    return f"{where}: expected to reduce the variance of the emulators over {over} by {gain:.0%}"


def _parameters(
    training: TrainingSet, emulators: Mapping[str, Emulator], evidence: Evidence
) -> dict[str, Any]:
    first = training.runs[0].parameters
    return {
        "study": first["study"],
        "axes": list(training.axes),
        "quantities": list(emulators),
        "training_points": [run.point for run in training.runs],
        "moment_limit_rad_fs": training.limit,
        "known": dict(evidence.known),
        "held_out": None if evidence.truth is None else evidence.truth.point,
        "model": {
            key: first["model"][key] for key in ("topology", "hopping_cm", "lattice_constant_A")
        },
    }


def _suggestion(training: TrainingSet, new: Mapping[str, float], reason: str) -> str:
    """Return the study file, made like the training point nearest in the logarithms."""

    def distance(run: Run) -> float:
        return sum(math.log(run.coordinates[axis] / value) ** 2 for axis, value in new.items())

    nearest = min(training.runs, key=distance)
    bath = {axis: nearest.coordinates[axis] for axis in ("eta_over_v", "gamma_over_v")}
    return suggested_study(dict(nearest.parameters), {**bath, **new}, reason)
