"""Least-squares fits of conductivity models, in time and in frequency, with honest errors.

All points of a fit weigh the same. Residuals of an exact curve are smooth, so that neighbouring
points tell the same; errors count the independent points only (effective_points).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from smallpolaron.analysis._checks import ComplexArray, FloatArray
from smallpolaron.analysis.fits.conductivity_models import ConductivityModel
from smallpolaron.analysis.fits.fit_search import BoolArray, Solved, Space, best_fit
from smallpolaron.analysis.fits.fit_targets import Target
from smallpolaron.support.numbers import with_error

CONFIDENCE: Final = 0.95
"""Probability with which an interval is to hold the true value."""

_WEAKEST: Final = 1e-6
"""Relative strength below which a combination of slopes counts as zero."""


@dataclass(frozen=True)
class Estimate:
    """One fitted number.

    Attributes:
        value: best value.
        error: standard error; NaN if the value is at a limit, infinite if small changes of it,
            alone or with others, leave the curve as it is.
        low: lower end of the 95 % interval, within the range allowed; NaN at a limit.
        high: upper end.
        at_limit: whether the value is at a limit: of the model, or of the rates tried.
    """

    value: float
    error: float
    low: float
    high: float
    at_limit: bool

    @property
    def text(self) -> str:
        """The value with its error, or why there is none."""
        if self.at_limit:
            return f"{self.value:.3g} (at a limit)"
        if not math.isfinite(self.error):
            return f"{self.value:.3g} (not determined)"
        return with_error(self.value, self.error)


def effective_points(residual: ArrayLike) -> float:
    """Number of independent points among residuals in order, (points,) or (channels, points).

    It is n min(1, 3/kurtosis)/(1 + 2 sum of rho_j), with the autocorrelation rho_j summed up to its
    first zero. The kurtosis, 3 for noise, takes out stretches where residuals vanish: a tail of
    zeros adds no points.

    Source:
        Variance of a mean of correlated numbers (Bartlett, J. R. Stat. Soc. Suppl. 1946, 8, 27).
    """
    data = np.atleast_2d(np.asarray(residual, dtype=np.float64))
    scale = float(np.max(np.abs(data)))
    if scale == 0.0:
        return float(data.size)
    data = data / scale
    power = np.abs(np.fft.rfft(data, 2 * data.shape[1], axis=1)) ** 2
    correlation = np.fft.irfft(power, axis=1).sum(axis=0)[: data.shape[1]]
    rho = correlation / correlation[0]
    ends = np.flatnonzero(rho <= 0.0)
    together = 1.0 + 2.0 * float(np.sum(rho[1 : ends[0] if ends.size else None]))
    kurtosis = data.size * float(np.sum(data**4)) / float(np.sum(data**2)) ** 2
    return data.size * min(1.0, 3.0 / kurtosis) / together


def standard_errors(
    slopes: FloatArray, squares: float, effective: float, combinations: ArrayLike | None = None
) -> FloatArray:
    """Standard errors of nonlinear least squares with correlated residuals.

    Args:
        slopes: derivatives of all points by the fitted numbers, (points, numbers).
        squares: sum of the squared residuals.
        effective: number of independent points.
        combinations: linear combinations of the numbers whose errors are asked for, (errors,
            numbers); None for the numbers themselves.

    Returns:
        Roots of the diagonal of squares/(effective - numbers) (slopes^T slopes)^-1, between the
        combinations, (errors,); infinite for what the slopes cannot tell. The difference counts as
        one if it is smaller.
    """
    norms = np.sqrt(np.sum(slopes**2, axis=0))
    scale = np.where(norms > 0.0, norms, 1.0)
    _, strengths, modes = np.linalg.svd(slopes / scale, full_matrices=False)
    weak = strengths < _WEAKEST
    asked = np.eye(scale.size) if combinations is None else np.atleast_2d(combinations)
    sizes = np.sqrt(np.sum((asked / scale) ** 2, axis=1, keepdims=True))
    shares = (asked / scale / np.where(sizes > 0.0, sizes, 1.0)) @ modes.T
    variance = np.sum((shares[:, ~weak] / strengths[~weak]) ** 2, axis=1)
    errors = np.sqrt(variance * squares / _freedom(effective, slopes.shape[1])) * sizes[:, 0]
    errors[np.any(np.abs(shares[:, weak]) > _WEAKEST, axis=1)] = np.inf
    return np.asarray(errors, dtype=np.float64)


def reach(effective: float, numbers: int) -> float:
    """Half width of the 95 % interval over the standard error (Student's t)."""
    return float(stdtrit(_freedom(effective, numbers), 0.5 + CONFIDENCE / 2.0))


def _freedom(effective: float, numbers: int) -> float:
    return max(effective - numbers, 1.0)


_STEP = 1e-6
"""Step of the coordinates by which products of fitted numbers are differentiated."""


@dataclass(frozen=True)
class ModelFit:
    """Least-squares fit of a model.

    Attributes:
        model: the model.
        target: what it was fitted to.
        estimates: by name of the parameter; "amplitude", C(0) of the fit over the exact one, too
            if it was free.
        rms: rms residual over the unit of the target; a complex residual counts as two.
        largest: largest residual over that unit; of a complex residual, its modulus.
        largest_at: its time in fs or frequency in rad/fs.
        effective: number of independent points.
        dc_ratio: DC mobility of the fit over the exact one; NaN if that is not known.
        combined: where the amplitude A is free: ``sigma_0`` = A/k, the Drude conductivity of all
            carriers, and ``sigma_dc``, the conductivity at rest, in the unit of the values.
    """

    model: ConductivityModel
    target: Target
    estimates: Mapping[str, Estimate]
    rms: float
    largest: float
    largest_at: float
    effective: float
    dc_ratio: float
    combined: Mapping[str, Estimate] = field(default_factory=dict)

    @property
    def values(self) -> tuple[float, ...]:
        """Parameters in the order of the model."""
        return tuple(self.estimates[p.name].value for p in self.model.parameters)

    @property
    def amplitude(self) -> float:
        """C(0) of the fit over the exact one; 1 where it was not fitted."""
        return self.estimates["amplitude"].value if self.target.free_amplitude else 1.0

    def time(self, time_fs: ArrayLike) -> FloatArray:
        """Fitted curve at any times in fs, relative to the exact C(0)."""
        return self.amplitude * self.model.time(time_fs, self.values)

    def frequency(self, omega: ArrayLike) -> ComplexArray:
        """Its transform in fs, at any frequencies in rad/fs."""
        return self.amplitude * self.model.frequency(omega, self.values)


def fit_models(models: Sequence[ConductivityModel], target: Target) -> tuple[ModelFit, ...]:
    """Fit models to a target: the least-squares optima within the ranges of their parameters.

    The 95 % intervals of rates are symmetric in ln k. Simpler models first saves time.
    """
    solved: Solved = {}
    return tuple(_fit(model, target, solved) for model in models)


def fit_model(model: ConductivityModel, target: Target) -> ModelFit:
    """Fit one model; see fit_models."""
    return _fit(model, target, {})


def _fit(model: ConductivityModel, target: Target, solved: Solved) -> ModelFit:
    space = Space.of(model, target)
    x, held = best_fit(space, solved)
    residual = space.residual(x)
    effective = effective_points(residual)
    size = np.sqrt(np.sum(residual**2, axis=0))
    worst = int(np.argmax(size))
    dc = space.parts(x)[2] * model.dc(space.natural(x)[: len(model.parameters)].tolist())
    return ModelFit(
        model=model,
        target=target,
        estimates=_estimates(space, x, held, effective),
        rms=float(np.sqrt(np.mean(residual**2))),
        largest=float(size[worst]),
        largest_at=float(target.axis[worst]),
        effective=effective,
        dc_ratio=dc / target.exact_dc if target.exact_dc else float("inf"),
        combined=_combined(space, x, held, effective) if target.free_amplitude else {},
    )


def _combined(
    space: Space, x: FloatArray, held: BoolArray, effective: float
) -> dict[str, Estimate]:
    """Products of fitted numbers; their errors follow from how those vary together."""
    count = len(space.model.parameters)

    def values(at: FloatArray) -> FloatArray:
        natural = space.natural(at)
        dc = natural[-1] * space.model.dc(natural[:count].tolist())
        return np.array([natural[-1] / natural[0], dc])

    steps = _STEP * np.eye(x.size)
    low, high = space.low[:count], space.high[:count]
    gradients = []
    for step in steps:
        ends = [x + step, x - step]
        for end in ends:  # shares must stay within their ranges
            end[:count] = np.clip(end[:count], low, high)
        gradients.append((values(ends[0]) - values(ends[1])) / np.sum(ends[0] - ends[1]))
    slopes, here = space.slopes(x)[:, ~held], values(x)
    squares = _squares(space, x, effective)
    combinations = np.array(gradients).T[:, ~held]
    errors = standard_errors(slopes, squares, effective, combinations)
    half_width = reach(effective, slopes.shape[1]) * errors
    return {
        name: Estimate(float(v), float(e), float(v - h), float(v + h), False)
        for name, v, e, h in zip(("sigma_0", "sigma_dc"), here, errors, half_width, strict=True)
    }


def _squares(space: Space, x: FloatArray, effective: float) -> float:
    """Sum of squared residuals that errors follow from: known errors are never made smaller."""
    least = max(effective - x.size, 1.0) if space.target.has_errors else 0.0
    return max(space.cost(x), least)


def _estimates(
    space: Space, x: FloatArray, held: BoolArray, effective: float
) -> dict[str, Estimate]:
    spread = np.full(x.size, np.nan)
    slopes = space.slopes(x)[:, ~held]
    spread[~held] = standard_errors(slopes, _squares(space, x, effective), effective)
    half_width = reach(effective, slopes.shape[1]) * spread
    value = space.natural(x)
    error = np.where(space.is_log, value, 1.0) * spread
    low = space.natural(np.clip(x - half_width, space.low, space.high))
    high = space.natural(np.clip(x + half_width, space.low, space.high))
    names = [p.name for p in space.model.parameters] + ["amplitude"]
    return {
        names[i]: Estimate(
            float(value[i]), float(error[i]), float(low[i]), float(high[i]), bool(held[i])
        )
        for i in range(x.size)
    }
