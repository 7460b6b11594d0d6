"""Gaussian-process emulator: a quantity known at a few parameter points, with an error, everywhere.

Parameters and quantity enter by their logarithms: all are positive, and transport varies over
decades. An error of the logarithm is a relative error.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial import ConvexHull
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from smallpolaron.analysis._checks import FloatArray, real_series

POINTS_PER_AXIS: Final = 3
"""Training points needed per parameter."""

HULL_MARGIN: Final = 0.05
"""Distance from the convex hull of the training points, as a share of their range, within which a
prediction still counts as inside."""

_LENGTHS: Final = (0.1, 20.0)
_SCALES: Final = (1e-2, 1e4)
_NOISE: Final = (1e-8, 0.5)
_RESTARTS: Final = 4
_SEED: Final = 20240816
_JITTER: Final = 1e-10
_FLAT: Final = 1e-3


@dataclass(frozen=True)
class TrainingPoints:
    """Where a quantity is known.

    Attributes:
        axes: names of the parameters.
        coordinates: their values, all above zero, (points, axes).
        low: smallest value of each parameter, (axes,).
        high: largest value of each parameter, (axes,).
    """

    axes: tuple[str, ...]
    coordinates: FloatArray
    low: FloatArray
    high: FloatArray

    def scaled(self, points: ArrayLike) -> FloatArray:
        """Logarithms of parameter values, 0 at the lowest and 1 at the highest, same shape."""
        given = np.asarray(points, dtype=np.float64)
        if given.ndim != 2 or given.shape[1] != len(self.axes) or not np.all(given > 0.0):
            raise ValueError(
                f"points have shape {given.shape}: must be (points, {len(self.axes)}), values "
                f"above 0 of {', '.join(self.axes)}"
            )
        scaled = np.log(given / self.low) / np.log(self.high / self.low)
        return np.asarray(scaled, dtype=np.float64)


@dataclass(frozen=True)
class LeaveOneOut:
    """What the other points say of each training point, at the fitted kernel.

    Attributes:
        predicted: predicted quantity, (points,).
        relative_std: predicted standard deviation of its logarithm, noise included, (points,).
        standardised: (true - predicted)/std of the logarithms; of unit size if the emulator
            knows its own error, (points,).
    """

    predicted: FloatArray
    relative_std: FloatArray
    standardised: FloatArray


@dataclass(frozen=True)
class Emulator:
    """Fitted Gaussian process of the logarithm of one quantity.

    Attributes:
        points: training points.
        values: the quantity there, (points,).
        length_scales: correlation lengths, in units of each parameter's logarithmic range.
        amplitude: standard deviation of the process, of the logarithm.
        noise: fitted standard deviation of scatter between points, relative.
        inflation: factor, 1 or more, by which all standard deviations are enlarged, so that the
            leave-one-out residuals have no more than unit size.
        level: mean of the logarithms, about which the process varies.
        factor: Cholesky factor of the covariance of the training values.
        weights: inverse of that covariance times the logarithms less their mean, (points,).
    """

    points: TrainingPoints
    values: FloatArray
    length_scales: FloatArray
    amplitude: float
    noise: float
    inflation: float
    level: float
    factor: tuple[NDArray[np.float64], bool]
    weights: FloatArray

    def _kernel(self, a: FloatArray, b: FloatArray) -> FloatArray:
        shape = Matern(length_scale=self.length_scales, nu=2.5)
        return np.asarray(self.amplitude**2 * shape(a, b), dtype=np.float64)

    def predict(self, points: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation of the natural logarithm of the quantity, each (points,).

        The latter holds the fitted scatter.

        Raises:
            ValueError: if the points, (points, axes), do not fit the axes or are not positive.

        Source:
            Rasmussen and Williams, Gaussian Processes for Machine Learning, eqs. 2.23 and 2.24.
        """
        cross = self._kernel(self.points.scaled(points), self._trained())
        mean = self.level + cross @ self.weights
        explained = np.einsum("ij,ji->i", cross, cho_solve(self.factor, cross.T))
        variance = np.maximum(self.amplitude**2 - explained, 0.0) + self.noise**2
        return mean, self.inflation * np.sqrt(variance)

    def covariance(self, a: ArrayLike, b: ArrayLike) -> FloatArray:
        """Covariance of the logarithm between two sets of points (points, axes), without scatter.

        It is (first points, second points), enlarged like the variance of predict.
        """
        first, second = self.points.scaled(a), self.points.scaled(b)
        known = cho_solve(self.factor, self._kernel(self._trained(), second))
        free = self._kernel(first, second) - self._kernel(first, self._trained()) @ known
        return np.asarray(self.inflation**2 * free)

    def leave_one_out(self) -> LeaveOneOut:
        """Predict each training point from the others; standard deviations are not inflated.

        Source:
            Rasmussen and Williams, eq. 5.12.
        """
        return _leave_one_out(self.factor, self.weights, np.log(self.values))

    def _trained(self) -> FloatArray:
        return self.points.scaled(self.points.coordinates)


def training_points(coordinates: Mapping[str, ArrayLike]) -> TrainingPoints:
    """Check where a quantity is known.

    Args:
        coordinates: values of each parameter, all above zero, (points,) each.

    Raises:
        ValueError: if there are fewer than three points per parameter, a parameter has one value
            only or values that are not positive, a point stands twice, or all points lie on one
            line or plane.
    """
    axes = tuple(coordinates)
    if not axes:
        raise ValueError("coordinates: needs at least one parameter")
    length = real_series(axes[0], coordinates[axes[0]]).size
    columns = np.stack([real_series(axis, coordinates[axis], length) for axis in axes], axis=1)
    if length < POINTS_PER_AXIS * len(axes):
        raise ValueError(
            f"{length} training points for {', '.join(axes)}: at least "
            f"{POINTS_PER_AXIS * len(axes)} are needed; compute more points"
        )
    low, high = columns.min(axis=0), columns.max(axis=0)
    for axis, least, most in zip(axes, low, high, strict=True):
        if least <= 0.0:
            raise ValueError(f"{axis} = {least}: must be above 0; its logarithm is used")
        if least == most:
            raise ValueError(f"{axis} is {least} for all points: leave it out, or vary it")
    if len(np.unique(columns, axis=0)) < length:
        raise ValueError("coordinates: a point stands twice; keep one run of each")
    points = TrainingPoints(axes, columns, low, high)
    offsets = points.scaled(columns) - points.scaled(columns).mean(axis=0)
    if np.linalg.matrix_rank(offsets, tol=_FLAT) < len(axes):
        raise ValueError(
            f"the training points lie on one line or plane in the logarithms of {', '.join(axes)}: "
            "add points beside it"
        )
    return points


def fit_emulator(
    points: TrainingPoints, values: ArrayLike, relative_errors: ArrayLike | None = None
) -> Emulator:
    """Fit a Gaussian process to one quantity.

    Args:
        points: training points.
        values: the quantity there, above zero, (points,).
        relative_errors: known relative standard errors of the values, (points,); None if unknown.
            Scatter beyond them is fitted in either case.

    Returns:
        Emulator with an anisotropic Matérn kernel (nu = 5/2) around a constant level; amplitude,
        lengths and scatter maximise the likelihood, from several starts with a fixed seed.

    Raises:
        ValueError: if a value is not positive, an error is negative, or shapes differ.

    Source:
        Rasmussen and Williams, chapters 2 and 5; scikit-learn's GaussianProcessRegressor finds
        the parameters of the kernel.
    """
    known = real_series("values", values, len(points.coordinates))
    if np.any(known <= 0.0):
        raise ValueError(f"values: {known.min()} is not above 0; their logarithm is used")
    own = np.zeros_like(known) if relative_errors is None else _errors(relative_errors, known.size)
    logs = np.log(known)
    level, spread = float(np.mean(logs)), float(np.std(logs))
    spread = spread if spread > 0.0 else 1.0
    inputs = points.scaled(points.coordinates)
    fitted = _fit(inputs, (logs - level) / spread, (own / spread) ** 2)
    amplitude = spread * float(np.sqrt(fitted.k1.k1.constant_value))
    noise = spread * float(np.sqrt(fitted.k2.noise_level))
    lengths = np.atleast_1d(np.asarray(fitted.k1.k2.length_scale, dtype=np.float64))
    matrix = amplitude**2 * Matern(length_scale=lengths, nu=2.5)(inputs)
    matrix += np.diag(own**2 + noise**2 + _JITTER * amplitude**2)
    factor = cho_factor(matrix, lower=True)
    weights = np.asarray(cho_solve(factor, logs - level), dtype=np.float64)
    standardised = _leave_one_out(factor, weights, logs).standardised
    inflation = max(1.0, float(np.sqrt(np.mean(standardised**2))))
    return Emulator(points, known, lengths, amplitude, noise, inflation, level, factor, weights)


def _errors(errors: ArrayLike, length: int) -> FloatArray:
    checked = real_series("relative_errors", errors, length)
    if np.any(checked < 0.0):
        raise ValueError("relative_errors: holds a negative standard error; give zero or more")
    return checked


def _fit(inputs: FloatArray, targets: FloatArray, variances: FloatArray) -> ConstantKernel:
    kernel = ConstantKernel(1.0, _SCALES) * Matern(
        length_scale=np.ones(inputs.shape[1]), length_scale_bounds=_LENGTHS, nu=2.5
    ) + WhiteKernel(1e-4, _NOISE)
    regressor = GaussianProcessRegressor(
        kernel, alpha=variances + _JITTER, n_restarts_optimizer=_RESTARTS, random_state=_SEED
    )
    with warnings.catch_warnings():
        # A length at its upper bound: the quantity hardly depends on that parameter.
        warnings.simplefilter("ignore", ConvergenceWarning)
        regressor.fit(inputs, targets)
    return regressor.kernel_


def _leave_one_out(
    factor: tuple[NDArray[np.float64], bool], weights: FloatArray, logs: FloatArray
) -> LeaveOneOut:
    inverse = np.diag(cho_solve(factor, np.eye(logs.size)))
    residual = weights / inverse
    std = 1.0 / np.sqrt(inverse)
    return LeaveOneOut(np.exp(logs - residual), std, residual / std)


def inside_hull(training: TrainingPoints, points: ArrayLike) -> NDArray[np.bool_]:
    """Tell which of the points (points, axes) lie among the training points, (points,).

    That is within their convex hull in the logarithms of the parameters, or within 5 % of their
    range from it. A prediction elsewhere is an extrapolation and not to be trusted.
    """
    scaled = training.scaled(points)
    if len(training.axes) == 1:
        return np.abs(scaled[:, 0] - 0.5) <= 0.5 + HULL_MARGIN
    faces = ConvexHull(training.scaled(training.coordinates)).equations
    outside = scaled @ faces[:, :-1].T + faces[:, -1]
    return np.asarray(np.max(outside, axis=1) <= HULL_MARGIN)
