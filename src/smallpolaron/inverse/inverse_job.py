"""Inverse files: emulators over the parameters, their test, and the parameters of a measurement.

What was measured is one of: a point of the study that is held out, a table of quantities, a table
of the complex conductivity, or nothing (then there are maps and a suggestion only).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from smallpolaron.analysis.memory.kernel_moments import (
    inverse_conductivity,
    kernel_moments,
    moment_covariance,
    reaches,
)
from smallpolaron.analysis.window_shape import SHAPE, Window
from smallpolaron.inverse.emulator import Emulator, fit_emulator, training_points
from smallpolaron.inverse.inverse import Measurement, Posterior, measurement, next_point, posterior
from smallpolaron.inverse.inverse_variables import (
    map_variables,
    posterior_notes,
    posterior_variables,
    training_variables,
)
from smallpolaron.inverse.suggestion import suggestion
from smallpolaron.inverse.training_set import (
    QUANTITIES,
    Run,
    TrainingSet,
    read_training_set,
    with_window,
)
from smallpolaron.own_data.conductivity_table import (
    ConductivityTable,
    read_conductivity,
    read_measured,
)
from smallpolaron.results.provenance import Stopwatch, collect
from smallpolaron.results.store import Result, write_result
from smallpolaron.support.files import shown_name, write_text
from smallpolaron.support.problems import ConfigurationError, StoreError

HELD_OUT_ERROR: Final = 0.01
"""Relative error with which the moments of a held-out point count as measured."""

MOMENTS: Final = ("kernel_mean", "kernel_variance")


@dataclass(frozen=True)
class InverseOptions:
    """What the command line of an inverse job says."""

    files: tuple[Path, ...]
    output: Path
    suggestion: Path
    held_out: str | None = None
    measured: Path | None = None
    sigma: Path | None = None
    temperature_K: float | None = None
    limit: float | None = None
    overwrite: bool = False
    columns: tuple[str, ...] | None = None
    conjugate: bool = False


@dataclass(frozen=True)
class Evidence:
    """What was measured.

    Attributes:
        source: where it comes from, in words.
        data: measured quantities; None if there are none.
        known: parameters that are known, by axis.
        truth: true parameters of a held-out point, else None.
        remarks: what the reader must know of the data.
        mirrored: the data with the other sign of the imaginary part, where that matters.
    """

    source: str
    data: Measurement | None = None
    known: Mapping[str, float] = field(default_factory=dict)
    truth: Run | None = None
    remarks: Mapping[str, str] = field(default_factory=dict)
    mirrored: Measurement | None = None


def run_inverse(options: InverseOptions) -> Mapping[str, str]:
    """Train on the result files, find the parameters of the measurement, suggest a point.

    Returns:
        The notes of the result.

    Raises:
        StoreError: a file cannot be read, or does not allow what is asked for.
        TableError: a table cannot be read.
    """
    watch = Stopwatch()
    _check(options)
    training = read_training_set(options.files, options.held_out, options.limit)
    try:
        training, evidence = gather(training, options)
        emulators, without = fit_all(training)
        found = None
        if evidence.data is not None:
            found = posterior(emulators, evidence.data, evidence.known)
            evidence = _with_sign(evidence, emulators, found)
        place, gain = next_point(_of_interest(emulators, evidence), found)
    except ConfigurationError:
        raise
    except ValueError as error:
        left_out = "; ".join(f"{point}: {why}" for point, why in training.left_out.items())
        rest = f"; points left out: {left_out}" if left_out else ""
        raise StoreError(f"{error}{rest}") from error
    new = dict(zip(training.axes, map(float, place), strict=True))
    result = _result(training, emulators, evidence, found, (new, gain), without, watch)
    write_result(options.output, result, overwrite=options.overwrite)
    write_text(options.suggestion, suggestion(training, new, result.notes["suggestion"]))
    return result.notes


def _check(options: InverseOptions) -> None:
    T, sigma, output = options.temperature_K, options.sigma, options.output
    faults = {
        "no training points: name --results, or --moments, --mobility, --kernel": not options.files,
        f"--temperature-K {T}: must be above 0 K": T is not None and not 0.0 < T < math.inf,
        "--sigma needs --temperature-K, the temperature of the measurement": sigma and T is None,
        "--conjugate is of a conductivity: give --sigma, too": options.conjugate and not sigma,
        "--columns names those of a table: give --sigma or --measured": (
            options.columns and not (sigma or options.measured)
        ),
        f"{output}: the file exists; remove it or pass --overwrite": (
            output.exists() and not options.overwrite
        ),
    }
    for message, is_one in faults.items():
        if is_one:
            raise StoreError(message)


def fit_all(training: TrainingSet) -> tuple[dict[str, Emulator], dict[str, str]]:
    """Fit an emulator to every quantity that enough points have.

    Returns:
        Emulators by quantity, and why the others have none.

    Raises:
        ValueError: no quantity has one; the message says why.
    """
    emulators: dict[str, Emulator] = {}
    without: dict[str, str] = {}
    for name in training.quantities:
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


def gather(training: TrainingSet, options: InverseOptions) -> tuple[TrainingSet, Evidence]:
    """Read what was measured.

    Returns:
        The training points, with quantities that this measurement calls for; and what it says.

    Raises:
        TableError: a table cannot be used.
        StoreError: the training points lack what it calls for.
        ValueError: the data do not reach a given frequency limit, or the temperature is another.
    """
    if training.held_out is not None:
        return training, _held_out(training, training.held_out)
    known = _known_temperature(training, options.temperature_K)
    if options.sigma is not None:
        table = read_conductivity(options.sigma, options.columns, conjugate=options.conjugate)
        try:
            by_moments = options.limit is not None or reaches(table.omega, training.limit)
            if by_moments:
                return training, _by_moments(table, options.sigma, training.limit, known)
            return _by_shape(table, options.sigma, training, known)
        except ValueError as error:
            raise StoreError(f"{options.sigma}: {error}") from error
    if options.measured is not None:
        values, errors = read_measured(options.measured, tuple(QUANTITIES), options.columns)
        return training, Evidence(shown_name(options.measured), measurement(values, errors), known)
    return training, Evidence("nothing", known=known)


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


def _by_moments(
    table: ConductivityTable, path: Path, limit: float, known: Mapping[str, float]
) -> Evidence:
    if not math.isfinite(limit):
        raise ValueError("a limit needs training points with moments; give moments files")
    found = kernel_moments(table.omega, inverse_conductivity(table.sigma), [limit])
    matrix = moment_covariance(table.omega, table.sigma, table.noise.error, limit)
    values = dict(zip(MOMENTS, (float(found.mean[0]), float(found.variance[0])), strict=True))
    remarks = _remarks(table, f"moments of the kernel up to {limit:g} rad/fs")
    if found.negative_share > 0.0:
        remarks["negative"] = (
            f"{found.negative_share:.2%} of the kernel spectrum of the table is negative, which "
            "noise or a wrong phase does"
        )
    return Evidence(shown_name(path), measurement(values, {}, matrix), known, remarks=remarks)


def _by_shape(
    table: ConductivityTable, path: Path, training: TrainingSet, known: Mapping[str, float]
) -> tuple[TrainingSet, Evidence]:
    """Take the shape of sigma within a window that the moments of the kernel do not fit into."""
    window = Window(table.omega, table.noise.error)
    numbers, matrix = window.shape(table.sigma)
    mirror = np.array([1.0, 1.0, -1.0, -1.0, -1.0])
    low, high = table.omega[0], table.omega[-1]
    remarks = _remarks(
        table,
        f"shape of the conductivity itself between {low:.4g} and {high:.4g} rad/fs; the table "
        "does not reach the frequency limit of the moments, or begins too late for it",
    )
    data, mirrored = (
        Measurement(SHAPE, np.exp(signs * numbers), matrix * np.outer(signs, signs))
        for signs in (np.ones(len(SHAPE)), mirror)
    )
    evidence = Evidence(shown_name(path), data, known, remarks=remarks, mirrored=mirrored)
    return with_window(training, window), evidence


def _remarks(table: ConductivityTable, used: str) -> dict[str, str]:
    remarks = {"measured_by": used, "measured_noise": table.noise.text}
    others = [text for text in table.remarks if text != table.noise.text]
    return remarks | ({"measured_table": "; ".join(others)} if others else {})


def _with_sign(evidence: Evidence, emulators: Mapping[str, Emulator], found: Posterior) -> Evidence:
    """Add the suspicion that the table is the complex conjugate, if only that can be explained."""
    if found.fits or evidence.mirrored is None:
        return evidence
    if not posterior(emulators, evidence.mirrored, evidence.known).fits:
        return evidence
    text = (
        "SUSPECT: the complex conjugate of the table is explained, the table is not: is it made "
        "for exp(+i omega t)? Then pass --conjugate"
    )
    return replace(evidence, remarks={**evidence.remarks, "sign": text})


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
    variables = training_variables(training, emulators)
    variables |= map_variables(training, emulators)
    (place, gain), over = suggestion, "the training box" if found is None else "the posterior"
    where = ", ".join(f"{axis} = {value:g}" for axis, value in place.items())
    notes = {
        "measured": evidence.source,
        "emulators": "; ".join(_fitted(name, each) for name, each in emulators.items()),
        "suggestion": f"{where}: expected to reduce the variance of the emulators over {over} "
        f"by {gain:.0%}",
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
