"""Errors of fitted numbers when neighbouring residuals are alike."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from smallpolaron.analysis._checks import FloatArray

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
        digits = max(0, 1 - math.floor(math.log10(self.error))) if self.error > 0.0 else 3
        return f"{self.value:.{min(digits, 12)}f} ± {self.error:.{min(digits, 12)}f}"


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
