"""Arrays and sentences of an inverse file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.derive.derive import Notes
from smallpolaron.inverse.emulator import Emulator, TrainingPoints, inside_hull
from smallpolaron.inverse.inverse import (
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

_AXES: Final = {
    "eta_over_v": ("v", "Coupling strength eta over the hopping v"),
    "gamma_over_v": ("v", "Relaxation rate gamma of the bath over the hopping v"),
    "temperature_K": ("K", "Temperature"),
}
"""Unit of each parameter, and what it is."""

_STD: Final = "Its relative standard error."


def _axis(name: str, values: Any, text: str = "", dims: tuple[str, ...] = ()) -> Variable:
    """Return values of a parameter; text follows what it is."""
    units, what = _AXES[name]
    return Variable(values, dims, units, f"{what}{text}.")


def training_variables(training: TrainingSet, emulators: Mapping[str, Emulator]) -> Variables:
    """Return the training points with what the others predict for each of them."""
    point = ("point",)
    variables = {
        f"training/{axis}": _axis(axis, values, ", training points", point)
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
        f"map/{name}": _axis(name, values, dims=(name,))
        for name, values in zip(widest.axes, axes, strict=True)
    }

    def add(name: str, values: NDArray[Any], units: str, text: str) -> None:
        variables[f"map/{name}"] = Variable(values.reshape(shape), widest.axes, units, text)

    for name, emulator in emulators.items():
        mean, std = emulator.predict(points)
        quantity = training.quantities[name]
        add(name, np.exp(mean), quantity.units, f"{_capital(quantity.text)}, emulated.")
        add(f"{name}_std", std, "1", _STD)
    text = "Whether the training points surround this one; elsewhere the emulators extrapolate."
    add("inside", inside_hull(widest, points), "1", text)
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
        f"posterior/{dim}": _axis(axis, values, dims=(dim,))
        for dim, axis, values in zip(dims, training.axes, found.axes, strict=True)
    }
    variables |= {
        "posterior/weight": Variable(
            found.weights, dims, "1", "Probability of each grid point; sums to 1."
        ),
        "posterior/level": Variable(
            *(found.level, dims, "1"),
            "Probability of the smallest region that reaches the grid point.",
        ),
        "posterior/chi2": Variable(
            *(found.chi2, (), "1"),
            "Smallest squared deviation of the measurement from the emulators.",
        ),
    }
    for i, axis in enumerate(training.axes):
        variables[f"posterior/peak/{axis}"] = _axis(axis, float(found.peak[i]), ", most probable")
        mean = float(found.mean[i])
        variables[f"posterior/mean/{axis}"] = _axis(axis, mean, ", mean of its logarithm")
        if truth is not None:
            variables[f"truth/{axis}"] = _axis(axis, float(truth[i]), " of the held-out point")
    if truth is not None:
        level, text = level_at(found, truth), "posterior/level at the held-out point."
        variables["truth/level"] = Variable(level, (), "1", text)
    return variables | (
        _region_variables(training.axes, found) | _predicted(training, emulators, data, found)
    )


def _region_variables(axes: tuple[str, ...], found: Posterior) -> Variables:
    regions, dim = found.regions, ("credible",)
    texts = {
        "probability": ("credible", "Probability of the credible region."),
        "area": ("area", "Share of the training box it covers."),
        "contour": ("contour", "Posterior over prior density at its edge."),
        "modes": ("modes", "Separate parts, of 5 % or more."),
        "at_edge": ("at_edge", "Whether it touches the edge of the training box."),
    }
    variables = {
        f"region/{name}": Variable(np.array([getattr(r, key) for r in regions]), dim, "1", text)
        for key, (name, text) in texts.items()
    }
    for index, axis in enumerate(axes):
        for side in ("low", "high"):
            values = np.array([float(getattr(region, side)[index]) for region in regions])
            variables[f"region/{side}/{axis}"] = _axis(
                axis, values, f", {side}est in the region", dim
            )
    return variables


def _predicted(
    training: TrainingSet, emulators: Mapping[str, Emulator], data: Measurement, found: Posterior
) -> Variables:
    """Return the posterior predictive distribution, and how far the measurement is from it."""
    variables: Variables = {}

    def add(name: str, number: float, text: str, units: str = "1") -> None:
        variables[name] = Variable(float(number), (), units, text)

    errors = dict(zip(data.names, np.sqrt(np.diag(data.covariance)), strict=True))
    measured = dict(zip(data.names, data.values, strict=True))
    for name, emulator in emulators.items():
        units, text = training.quantities[name].units, _capital(training.quantities[name].text)
        value, std = predictive(emulator, found)
        add(f"predicted/{name}", value, f"{text}, by the posterior.", units)
        add(f"predicted/{name}_std", std, _STD)
        if name in measured:
            add(f"measured/{name}", measured[name], f"{text}, measured.", units)
            add(f"measured/{name}_std", errors[name], _STD)
            z = np.log(measured[name] / value) / np.hypot(std, errors[name])
            add(f"measured/{name}_z", z, "log(measured/predicted) over the error of both.")
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


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
