"""Fitted logarithms: what is expected, and how uncertain it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

RealArray = NDArray[np.float64]


@dataclass(frozen=True)
class Regression:
    """A fitted logarithm.

    Attributes:
        names: features, by name.
        coefficients: one per feature.
        spread: standard deviation of the residuals of systems left out of the fit.
        covariance: of the coefficients, in units of the squared spread, shape (f, f).
    """

    names: tuple[str, ...]
    coefficients: tuple[float, ...]
    spread: float
    covariance: tuple[tuple[float, ...], ...]

    def at(self, values: Mapping[str, float]) -> float:
        """Return the expected logarithm."""
        return float(np.dot(self.coefficients, self._row(values)))

    def deviation(self, values: Mapping[str, float]) -> float:
        """Return its standard deviation; it grows away from the jobs that were fitted."""
        return sqrt(self.spread**2 + self.shared(values, values))

    def shared(self, values: Mapping[str, float], others: Mapping[str, float]) -> float:
        """Return the covariance of two jobs that uncertain coefficients cause."""
        inner = self._row(values) @ np.asarray(self.covariance) @ self._row(others)
        return self.spread**2 * float(inner)

    def _row(self, values: Mapping[str, float]) -> RealArray:
        return np.array([values[name] for name in self.names])
