"""From measured quantities back to the parameters: posterior on a grid, and what to compute next.

The prior is uniform in the logarithm of every parameter within the box of the training points and
zero outside; measured quantities have Gaussian errors of their logarithms, to which the variance
of the emulator is added.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import label
from scipy.stats import chi2

from smallpolaron.analysis._checks import FloatArray, positive, real_series
from smallpolaron.inverse.emulator import Emulator, TrainingPoints

Axes = tuple[FloatArray, ...]
"""Values of each parameter on a grid."""

LEVELS: Final = (0.68, 0.90)
"""Probabilities of the credible regions."""

SMALLEST_MODE: Final = 0.05
"""Share of the probability below which a separate part of the region is not called a mode."""

UNLIKELY: Final = 0.01
"""Probability of a worse fit below which the measurement contradicts every point of the box."""

GRID_POINTS: Final = {1: 401, 2: 101, 3: 25}
CANDIDATES: Final = {1: 49, 2: 25, 3: 9}
_NEGLIGIBLE: Final = 1e-4
_SAME: Final = 0.01


@dataclass(frozen=True)
class Measurement:
    """Measured quantities.

    Attributes:
        names: quantities, in order.
        values: their values, above zero, (quantities,).
        covariance: covariance of their logarithms, (quantities, quantities).
    """

    names: tuple[str, ...]
    values: FloatArray
    covariance: FloatArray


@dataclass(frozen=True)
class CredibleRegion:
    """Smallest region that holds a given probability.

    Attributes:
        probability: probability asked for; the region holds at least as much.
        area: its share of the box, in the logarithms of the parameters.
        contour: posterior density at its edge, relative to that of the prior.
        low: smallest value of each parameter in it, (axes,).
        high: largest value of each parameter in it, (axes,).
        modes: number of separate parts that hold 5 % of the probability or more each.
        at_edge: whether it touches the edge of the box, so that the truth may lie outside.
    """

    probability: float
    area: float
    contour: float
    low: FloatArray
    high: FloatArray
    modes: int
    at_edge: bool


@dataclass(frozen=True)
class Posterior:
    """Posterior of the parameters on a grid that is even in their logarithms.

    Attributes:
        axes: values of each parameter, (points of that axis,); one value where it is known.
        weights: probability of each grid point, one dimension per axis; sums to 1.
        level: probability of the smallest region that reaches each grid point: the region of 68 %
            is where it is at most 0.68.
        peak: grid point of highest probability, (axes,).
        mean: mean of the logarithms, as parameter values, (axes,).
        regions: credible regions of 68 % and 90 %.
        chi2: squared deviation of the measurement at the point that fits it best.
        fits: whether chance alone would give a worse one in more than 1 % of cases.
    """

    axes: Axes
    weights: FloatArray
    level: FloatArray
    peak: FloatArray
    mean: FloatArray
    regions: tuple[CredibleRegion, ...]
    chi2: float
    fits: bool


def measurement(
    values: Mapping[str, float], errors: Mapping[str, float], covariance: ArrayLike | None = None
) -> Measurement:
    """Measured quantities with their errors.

    Args:
        values: value of each quantity, above zero.
        errors: standard error of each, in the same unit, above zero.
        covariance: covariance matrix of the values in place of independent errors, (n, n).

    Returns:
        Measurement; errors of the logarithms are errors over values.

    Raises:
        ValueError: if there is no quantity, a value or an error is not positive, or the matrix
            does not fit.
    """
    names = tuple(values)
    if not names:
        raise ValueError("values: needs at least one measured quantity")
    found = np.array([positive(name, values[name]) for name in names])
    if covariance is None:
        own = [positive(f"error of {name}", errors[name]) for name in names]
        matrix = np.diag(np.square(own))
    else:
        matrix = np.asarray(covariance, dtype=np.float64)
    if matrix.shape != (len(names), len(names)) or np.any(np.linalg.eigvalsh(matrix) < 0.0):
        raise ValueError(
            f"covariance has shape {matrix.shape}: must be a covariance matrix of the "
            f"{len(names)} quantities"
        )
    return Measurement(names, found, matrix / np.outer(found, found))


def parameter_grid(training: TrainingPoints, known: Mapping[str, float] | None = None) -> Axes:
    """Values of each parameter, even in the logarithm, over the box of the training points.

    Args:
        training: training points.
        known: parameters that are known, such as the temperature, with their values.

    Returns:
        One array per axis: 401, 101 or 25 values with one, two or three axes; a single value where
        the parameter is known.

    Raises:
        ValueError: if a known parameter is not an axis, or lies outside the box.
    """
    given = dict(known or {})
    for name, value in given.items():
        if name not in training.axes:
            raise ValueError(f"{name}: the training points have only {', '.join(training.axes)}")
        axis = training.axes.index(name)
        if not training.low[axis] <= value <= training.high[axis]:
            raise ValueError(
                f"{name} = {value:g}: the training points cover {training.low[axis]:g} to "
                f"{training.high[axis]:g}; compute points there"
            )
    count = GRID_POINTS[len(training.axes)]
    return tuple(
        np.array([given[name]]) if name in given else np.geomspace(low, high, count)
        for name, low, high in zip(training.axes, training.low, training.high, strict=True)
    )


def grid_points(axes: Axes) -> FloatArray:
    """Every point of a grid, (product of the axes, axes), the last axis fastest."""
    return np.stack([a.ravel() for a in np.meshgrid(*axes, indexing="ij")], axis=1)


def posterior(
    emulators: Mapping[str, Emulator],
    measured: Measurement,
    known: Mapping[str, float] | None = None,
) -> Posterior:
    """Posterior of the parameters for measured quantities.

    Args:
        emulators: emulators with the same training points, by quantity, among them all that were
            measured; they are taken as independent of each other.
        measured: measured quantities.
        known: parameters that are known, such as the temperature, with their values.

    Returns:
        Posterior. Its grid is found in two steps: over the box of the training points, then as
        many points over the part of it that holds all but 1e-4 of the probability.

    Raises:
        ValueError: if a measured quantity has no emulator, or as parameter_grid.

    Source:
        Bayes' theorem with a Gaussian likelihood; generalises the crossing of two contour lines
        in Bhattacharyya, Sayer, Montoya-Castillo, Chem. Sci. 2024, Fig. 6.
    """
    for name in measured.names:
        if name not in emulators:
            raise ValueError(
                f"'{name}' was measured, but the training points give "
                f"{', '.join(emulators) or 'nothing'}"
            )
    training = emulators[measured.names[0]].points
    box = parameter_grid(training, known)
    weights, _ = _weigh(emulators, measured, box)
    axes = _closer(box, _levels(weights) <= 1.0 - _NEGLIGIBLE)
    weights, squared = _weigh(emulators, measured, axes)
    level = _levels(weights)
    points = grid_points(axes)
    share = _extent(axes) / _extent(box)
    smallest = float(squared.min())
    return Posterior(
        axes,
        weights,
        level,
        points[int(np.argmax(weights))],
        np.exp(weights.ravel() @ np.log(points)),
        tuple(_region(axes, weights, level, wanted, box, share) for wanted in LEVELS),
        smallest,
        bool(chi2.sf(smallest, len(measured.names)) > UNLIKELY),
    )


def _weigh(
    emulators: Mapping[str, Emulator], measured: Measurement, axes: Axes
) -> tuple[FloatArray, FloatArray]:
    """Probability of every grid point, and the squared deviation of the measurement there."""
    predicted = [emulators[name].predict(grid_points(axes)) for name in measured.names]
    deviation = np.log(measured.values) - np.stack([mean for mean, _ in predicted], axis=1)
    variance = np.stack([std**2 for _, std in predicted], axis=1)
    matrices = measured.covariance + variance[:, :, None] * np.eye(len(measured.names))
    solved = np.linalg.solve(matrices, deviation[..., None])[..., 0]
    squared = np.sum(deviation * solved, axis=1)
    logs = -0.5 * (squared + np.linalg.slogdet(matrices)[1])
    weights = np.exp(logs - logs.max())
    return (weights / weights.sum()).reshape([axis.size for axis in axes]), squared


def _closer(axes: Axes, kept: NDArray[np.bool_]) -> Axes:
    """As many points over the part of a grid that is kept, with one point beyond on every side."""
    places = np.argwhere(kept)
    return tuple(
        np.geomspace(axis[max(first - 1, 0)], axis[min(last + 1, axis.size - 1)], axis.size)
        for axis, first, last in zip(axes, places.min(axis=0), places.max(axis=0), strict=True)
    )


def _extent(axes: Axes) -> float:
    """Area or volume of a grid in the logarithms of its parameters."""
    return float(np.prod([np.log(a[-1] / a[0]) if a.size > 1 else 1.0 for a in axes]))


def _levels(weights: FloatArray) -> FloatArray:
    order = np.argsort(weights, axis=None, kind="stable")[::-1]
    level = np.empty(weights.size)
    # What is more probable than the point itself, so that the peak belongs to every region.
    level[order] = np.cumsum(weights.ravel()[order]) - weights.ravel()[order]
    return level.reshape(weights.shape)


def _region(
    axes: Axes, weights: FloatArray, level: FloatArray, wanted: float, box: Axes, share: float
) -> CredibleRegion:
    inside = level <= wanted
    places = np.argwhere(inside)
    first, last = places.min(axis=0), places.max(axis=0)
    low = np.array([axis[i] for axis, i in zip(axes, first, strict=True)])
    high = np.array([axis[i] for axis, i in zip(axes, last, strict=True)])
    parts, count = label(inside, np.ones((3,) * inside.ndim))
    masses = [float(weights[parts == part].sum()) for part in range(1, count + 1)]
    touches = [
        axis.size > 1 and (np.isclose(a, axis[0]) or np.isclose(b, axis[-1]))
        for axis, a, b in zip(box, low, high, strict=True)
    ]
    return CredibleRegion(
        probability=wanted,
        area=float(np.mean(inside)) * share,
        contour=float(weights[inside].min()) * weights.size / share,
        low=low,
        high=high,
        modes=sum(mass >= SMALLEST_MODE for mass in masses),
        at_edge=any(touches),
    )


def level_at(found: Posterior, point: ArrayLike) -> float:
    """Probability of the smallest region that reaches a point (axes,), to the nearest grid point.

    Raises:
        ValueError: if the point does not have one positive value per axis.
    """
    values = real_series("point", point)
    if values.size != len(found.axes) or np.any(values <= 0.0):
        raise ValueError(f"point = {values}: needs {len(found.axes)} values above 0")
    nearest = tuple(
        int(np.argmin(np.abs(np.log(axis / value))))
        for axis, value in zip(found.axes, values, strict=True)
    )
    return float(found.level[nearest])


def predictive(emulator: Emulator, found: Posterior) -> tuple[float, float]:
    """Moments of the posterior predictive distribution of a quantity, measured or not.

    Returns:
        exp(mean of the logarithm), and the standard deviation of the logarithm, from the spread
        over the posterior and from the emulator.
    """
    weights = found.weights.ravel()
    mean, std = emulator.predict(grid_points(found.axes))
    centre = float(weights @ mean)
    variance = float(weights @ (std**2 + (mean - centre) ** 2))
    return float(np.exp(centre)), float(np.sqrt(variance))


def next_point(
    emulators: Mapping[str, Emulator], found: Posterior | None = None
) -> tuple[FloatArray, float]:
    """Point whose computation is expected to teach most.

    Args:
        emulators: emulators with the same training points, by quantity.
        found: posterior whose region matters; None if nothing was measured: the whole box.

    Returns:
        Parameter values of two significant digits, (axes,), none of them a training point; and
        the share by which it would reduce the variance of the emulators' logarithms, averaged
        over the quantities and over the posterior (or the box).

    Raises:
        ValueError: if there is no emulator, or every readable point has been computed.

    Source:
        Cohn, Neural Networks 9, 1071 (1996): computing x reduces the variance at y by
        cov(x, y)**2 over the variance at x.
    """
    if not emulators:
        raise ValueError("emulators: needs at least one")
    training = next(iter(emulators.values())).points
    candidates = _readable(training)
    points, weights = _where_it_matters(training, found)
    gain = np.zeros(len(candidates))
    for emulator in emulators.values():
        _, here = emulator.predict(candidates)
        _, there = emulator.predict(points)
        shared = emulator.covariance(candidates, points) ** 2 @ weights
        gain += shared / here**2 / (weights @ there**2)
    best = int(np.argmax(gain))
    return candidates[best], float(gain[best]) / len(emulators)


def _readable(training: TrainingPoints) -> FloatArray:
    """Candidates of two significant digits in the box that are not training points."""
    count = CANDIDATES[len(training.axes)]
    axes = []
    for low, high in zip(training.low, training.high, strict=True):
        rounded = {float(f"{value:.2g}") for value in np.geomspace(low, high, count)}
        axes.append(sorted(value for value in rounded if low <= value <= high))
    points = np.array(list(product(*axes))).reshape(-1, len(training.axes))
    if points.size:
        distance = training.scaled(points)[:, None, :] - training.scaled(training.coordinates)
        points = points[np.min(np.max(np.abs(distance), axis=2), axis=1) > _SAME]
    if not points.size:
        raise ValueError(
            "no readable point is left within the box of the training points; extend the grid"
        )
    return points


def _where_it_matters(
    training: TrainingPoints, found: Posterior | None
) -> tuple[FloatArray, FloatArray]:
    if found is None:
        points = grid_points(parameter_grid(training))
        return points, np.full(len(points), 1.0 / len(points))
    weights = found.weights.ravel()
    kept = weights > _NEGLIGIBLE * weights.max()
    return grid_points(found.axes)[kept], weights[kept] / weights[kept].sum()
