"""Arrays and sentences of an inverse file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.derive.derive import Notes
from smallpolaron.inverse.emulator import Emulator, TrainingPoints, inside_hull
from smallpolaron.inverse.inverse import (
    LEVELS,
    Measurement,
    Posterior,
    grid_points,
    level_at,
    parameter_grid,
    predictive,
)
from smallpolaron.inverse.training_set import TrainingSet
from smallpolaron.results.quantity import Variables
from smallpolaron.results.store import Variable

LARGEST_ERROR: Final = 0.3
"""Relative error of a measured quantity from which on the notes warn."""

_AXIS_UNITS = {"eta_over_v": "v", "gamma_over_v": "v", "temperature_K": "K"}
_AXIS_TEXTS = {
    "eta_over_v": "Coupling strength eta over the hopping v",
    "gamma_over_v": "Relaxation rate gamma of the bath over the hopping v",
    "temperature_K": "Temperature",
}


def training_variables(training: TrainingSet, emulators: Mapping[str, Emulator]) -> Variables:
    """Return the training points with what the others predict for each of them."""
    point = ("point",)
    variables = {
        f"training/{axis}": Variable(
            values, point, _AXIS_UNITS[axis], f"{_AXIS_TEXTS[axis]}, training points."
        )
        for axis, values in training.coordinates(np.full(len(training.runs), True)).items()
    }
    for name, emulator in emulators.items():
        quantity, values = training.quantities[name], training.values(name)
        has = np.isfinite(values)
        left = emulator.leave_one_out()
        for folder, entry, units, text in (
            ("training", values[has], quantity.units, "computed"),
            ("left_out", left.predicted, quantity.units, "predicted from the other points"),
            ("left_out_std", left.relative_std, "1", "relative error that prediction claims"),
            ("left_out_z", left.standardised, "1", "log(computed/predicted) over that error"),
        ):
            spread = np.full(has.size, np.nan)
            spread[has] = entry
            variables[f"{folder}/{name}"] = Variable(
                spread, point, units, f"{_capital(quantity.text)}: {text}."
            )
    return variables


def map_variables(training: TrainingSet, emulators: Mapping[str, Emulator]) -> Variables:
    """Return every emulated quantity over the box of its training points."""
    widest = max(emulators.values(), key=lambda emulator: len(emulator.values)).points
    axes = parameter_grid(widest)
    points, shape = grid_points(axes), tuple(axis.size for axis in axes)
    variables = {
        f"map/{name}": Variable(axis, (name,), _AXIS_UNITS[name], f"{_AXIS_TEXTS[name]}.")
        for name, axis in zip(widest.axes, axes, strict=True)
    }
    for name, emulator in emulators.items():
        mean, std = emulator.predict(points)
        quantity = training.quantities[name]
        text = f"{_capital(quantity.text)}, emulated."
        variables[f"map/{name}"] = Variable(
            np.exp(mean).reshape(shape), widest.axes, quantity.units, text
        )
        variables[f"map/{name}_std"] = Variable(
            std.reshape(shape), widest.axes, "1", "Its relative standard error."
        )
    variables["map/inside"] = Variable(
        inside_hull(widest, points).reshape(shape),
        widest.axes,
        "1",
        "Whether the training points surround this one; elsewhere the emulators extrapolate.",
    )
    return variables


def posterior_variables(
    training: TrainingSet,
    emulators: Mapping[str, Emulator],
    data: Measurement,
    found: Posterior,
    truth: NDArray[np.float64] | None,
) -> Variables:
    """Return the posterior, its regions, and what it says of every quantity."""
    dims = tuple(f"fine_{axis}" for axis in training.axes)
    variables = {
        f"posterior/{dim}": Variable(values, (dim,), _AXIS_UNITS[axis], f"{_AXIS_TEXTS[axis]}.")
        for dim, axis, values in zip(dims, training.axes, found.axes, strict=True)
    }
    variables["posterior/weight"] = Variable(
        found.weights, dims, "1", "Probability of each grid point; sums to 1."
    )
    variables["posterior/level"] = Variable(
        found.level, dims, "1", "Probability of the smallest region that reaches the grid point."
    )
    variables["posterior/chi2"] = _scalar(
        found.chi2, "1", "Smallest squared deviation of the measurement from the emulators."
    )
    for index, axis in enumerate(training.axes):
        units, text = _AXIS_UNITS[axis], _AXIS_TEXTS[axis]
        variables[f"posterior/peak/{axis}"] = _scalar(
            float(found.peak[index]), units, f"{text}, most probable."
        )
        variables[f"posterior/mean/{axis}"] = _scalar(
            float(found.mean[index]), units, f"{text}, mean of its logarithm."
        )
        if truth is not None:
            variables[f"truth/{axis}"] = _scalar(
                float(truth[index]), units, f"{text} of the held-out point."
            )
    if truth is not None:
        variables["truth/level"] = _scalar(
            level_at(found, truth), "1", "posterior/level at the held-out point."
        )
    return variables | (
        _region_variables(training.axes, found) | _predicted(training, emulators, data, found)
    )


def _region_variables(axes: tuple[str, ...], found: Posterior) -> Variables:
    regions, dim = found.regions, ("credible",)

    def each(values: list[Any], units: str, text: str) -> Variable:
        return Variable(np.array(values), dim, units, text)

    variables = {
        "region/credible": each(list(LEVELS), "1", "Probability of the credible region."),
        "region/area": each([r.area for r in regions], "1", "Share of the training box it covers."),
        "region/contour": each(
            [r.contour for r in regions], "1", "Posterior over prior density at its edge."
        ),
        "region/modes": each([r.modes for r in regions], "1", "Separate parts, of 5 % or more."),
        "region/at_edge": each(
            [r.at_edge for r in regions], "1", "Whether it touches the edge of the training box."
        ),
    }
    for index, axis in enumerate(axes):
        for side in ("low", "high"):
            values = [float(getattr(region, side)[index]) for region in regions]
            text = f"{_AXIS_TEXTS[axis]}, {side}est in the region."
            variables[f"region/{side}/{axis}"] = each(values, _AXIS_UNITS[axis], text)
    return variables


def _predicted(
    training: TrainingSet, emulators: Mapping[str, Emulator], data: Measurement, found: Posterior
) -> Variables:
    """Return the posterior predictive distribution, and how far the measurement is from it."""
    variables: Variables = {}
    errors = dict(zip(data.names, np.sqrt(np.diag(data.covariance)), strict=True))
    measured = dict(zip(data.names, data.values, strict=True))
    for name, emulator in emulators.items():
        quantity = training.quantities[name]
        units, text = quantity.units, _capital(quantity.text)
        value, std = predictive(emulator, found)
        variables[f"predicted/{name}"] = _scalar(value, units, f"{text}, by the posterior.")
        variables[f"predicted/{name}_std"] = _scalar(std, "1", "Its relative standard error.")
        if name not in measured:
            continue
        z = float(np.log(measured[name] / value) / np.hypot(std, errors[name]))
        variables[f"measured/{name}"] = _scalar(float(measured[name]), units, f"{text}, measured.")
        variables[f"measured/{name}_std"] = _scalar(
            float(errors[name]), "1", "Its relative standard error."
        )
        variables[f"measured/{name}_z"] = _scalar(
            z, "1", "log(measured/predicted) over the error of both."
        )
    return variables


def posterior_notes(data: Measurement, found: Posterior, training: TrainingPoints) -> Notes:
    """Return the outcome in words, with every reason not to trust it."""
    last = found.regions[-1]
    ranges = ", ".join(
        f"{axis} = {peak:.3g} ({low:.3g} to {high:.3g})"
        for axis, peak, low, high in zip(
            training.axes, found.peak, last.low, last.high, strict=True
        )
    )
    notes = {
        "prior": "uniform in the logarithm of every parameter within the box of the training "
        "points, zero outside",
        "posterior": f"{ranges}; in brackets the extent of the region of {last.probability:.0%}, "
        f"which covers {last.area:.2%} of the training box",
    }
    if last.modes > 1:
        notes["modes"] = f"{last.modes} separate regions explain the measurement; see region/modes"
    if last.at_edge:
        notes["edge"] = (
            "the region touches the edge of the training box: the true parameters may lie outside; "
            "compute points there"
        )
    if not bool(inside_hull(training, found.peak[None, :])[0]):
        notes["extrapolated"] = "the most probable point is not surrounded by training points"
    coarse = [
        name
        for name, error in zip(data.names, np.sqrt(np.diag(data.covariance)), strict=True)
        if error > LARGEST_ERROR
    ]
    if coarse:
        notes["coarse"] = (
            f"the error of {' and '.join(coarse)} exceeds {LARGEST_ERROR:.0%} of the value, where "
            "Gaussian errors of logarithms no longer hold; a lower limit of the moments may help"
        )
    if not found.fits:
        notes["misfit"] = (
            f"no parameters within the box explain the measurement (chi2 = {found.chi2:.3g}): the "
            "region means nothing; the material may not be of this model, or errors are too small"
        )
    return notes


def _scalar(value: float, units: str, text: str) -> Variable:
    return Variable(value, (), units, text)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
