"""Least-squares fits of conductivity models, in time and in frequency, with honest errors.

All points of a fit weigh the same. Residuals of an exact curve are smooth, so that neighbouring
points tell the same; errors count the independent points only (fit_errors.effective_points).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from smallpolaron.analysis._checks import ComplexArray, FloatArray
from smallpolaron.analysis.fits.conductivity_models import ConductivityModel
from smallpolaron.analysis.fits.fit_errors import Estimate, effective_points, reach, standard_errors
from smallpolaron.analysis.fits.fit_search import BoolArray, Solved, Space, best_fit
from smallpolaron.analysis.fits.fit_targets import Target

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
