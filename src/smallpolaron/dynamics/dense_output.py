"""Derivatives of observables between the steps of a Taylor propagation.

The series of a step is truncated so that its sum is right; its p-th derivative, at the end of the
step, is worse by a factor of order (terms/length)**p. At the begin of a step, however, the terms
are exact derivatives. So each derivative is interpolated between the begins of two steps.
"""

from dataclasses import dataclass
from functools import cache
from math import factorial

import numpy as np
from numpy.typing import NDArray

from smallpolaron.hierarchy.views import ComplexArray

_MATCHED = 6
"""Derivatives matched at either end, as far as the series have them."""


@dataclass(frozen=True)
class Segment:
    """Observables over one step as polynomials in s = (t - start) / length.

    Attributes:
        start: beginning of the step, fs.
        length: step size, fs.
        coefficients: shape (terms, orders, operators).
    """

    start: float
    length: float
    coefficients: ComplexArray

    def at(self, time_fs: NDArray[np.float64]) -> ComplexArray:
        """Observables at times within the step, shape (times, orders, operators)."""
        s = (time_fs - self.start) / self.length
        powers = np.vander(s, len(self.coefficients), increasing=True)
        return np.asarray(np.einsum("tk,kpo->tpo", powers, self.coefficients))


def derivatives_at_begin(segment: Segment, first: int, count: int) -> ComplexArray:
    """Derivatives of order first, first + 1, ... where the segment begins.

    Args:
        segment: one step, with values only (orders = 1).
        first: lowest order of derivative.
        count: how many orders.

    Returns:
        Shape (count, operators), per fs**order; zero beyond the terms of the series, which were
        too small to matter.
    """
    c = segment.coefficients[:, 0, :]
    found = np.zeros((count, c.shape[1]), complex)
    for j, order in enumerate(range(first, min(first + count, len(c)))):
        found[j] = c[order] * (factorial(order) / segment.length**order)
    return found


def interpolate_derivative(
    segment: Segment, following: Segment, order: int, time_fs: NDArray[np.float64]
) -> ComplexArray:
    """Derivative of the observables at times within a step, from the series at both its ends.

    Args:
        segment: the step.
        following: the series of the next step, or at the end of the propagation.
        order: order of the derivative.
        time_fs: times within the step, fs.

    Returns:
        Shape (times, operators), per fs**order.

    Source:
        Hermite interpolation with several derivatives at two points.
    """
    terms = min(len(segment.coefficients), len(following.coefficients))
    matched = max(1, min(_MATCHED, terms - order))
    h = segment.length
    scale = h ** np.arange(matched)[:, None]
    left = derivatives_at_begin(segment, order, matched) * scale
    right = derivatives_at_begin(following, order, matched) * scale
    coefficients = _two_point(matched) @ np.concatenate([left, right])
    s = (time_fs - segment.start) / h
    return np.asarray(np.vander(s, 2 * matched, increasing=True) @ coefficients)


@cache
def _two_point(matched: int) -> NDArray[np.float64]:
    """Matrix from derivatives by s at 0 and at 1 to the coefficients of the polynomial in s."""
    size = 2 * matched
    conditions = np.zeros((size, size))
    for j in range(matched):
        conditions[j, j] = factorial(j)
        for k in range(j, size):
            conditions[matched + j, k] = factorial(k) / factorial(k - j)
    return np.asarray(np.linalg.inv(conditions))
