"""Linear fits of logarithms, with the spread that jobs of unknown systems show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.cost.model import Regression

RealArray = NDArray[np.float64]

PRIOR_SD: Final = 5.0
"""Standard deviation of the coefficients before anything is known: exponents of power laws are a
few at most. It keeps features that the jobs seen do not vary from running wild."""

TYPICAL_SPREAD: Final = 0.3
"""Spread by which the prior is weighed before the spread is known."""

LARGEST_RESIDUAL: Final = 1.4
"""A job that the fit of the others misses by more than a factor of four, and by more than
ROBUST_DEVIATIONS, is left out: such as the first on a machine, which compile for minutes."""

ROBUST_DEVIATIONS: Final = 4.0

LEAST_SPREAD: Final = 0.05


def fit(
    names: Sequence[str],
    jobs: Sequence[Mapping[str, float]],
    logs: RealArray,
    groups: Sequence[Hashable],
) -> Regression:
    """Fit logarithms by features.

    Args:
        names: features to fit by; the first is constant.
        jobs: features of every job, n of them.
        logs: what is fitted, shape (n,).
        groups: jobs of one system share a group; the spread is that of groups left out.

    Raises:
        ValueError: fewer than two groups.
    """
    if len(set(groups)) < 2:
        raise ValueError("a fit needs jobs of two systems at least")
    rows = np.array([[job[name] for name in names] for job in jobs])
    kept = np.ones(len(logs), dtype=bool)
    for _ in range(3):
        kept = _credible(logs - rows @ _solve(rows[kept], logs[kept], _some(groups, kept))[0])
    rows, logs, groups = rows[kept], logs[kept], _some(groups, kept)
    coefficients, covariance = _solve(rows, logs, groups)
    squares = left_out_residuals(rows, logs, groups) ** 2 * _weights(groups)
    spread = max(LEAST_SPREAD, float(np.sqrt(squares.sum() / len(set(groups)))))
    return Regression(
        tuple(names),
        tuple(map(float, coefficients)),
        spread,
        tuple(tuple(map(float, row)) for row in covariance),
    )


def left_out_residuals(rows: RealArray, logs: RealArray, groups: Sequence[Hashable]) -> RealArray:
    """Return the residuals of every group under the fit of all others, shape (n,).

    One fit tells them all: with H = X A^-1 X^T W they are (1 - H_gg)^-1 r_g.
    """
    coefficients, inverse = _solve(rows, logs, groups)
    residuals, weights = logs - rows @ coefficients, _weights(groups)
    for members in _members(groups):
        own = rows[members] @ inverse @ rows[members].T * weights[members]
        residuals[members] = np.linalg.solve(np.eye(len(members)) - own, residuals[members])
    return residuals


def _members(groups: Sequence[Hashable]) -> list[list[int]]:
    found: dict[Hashable, list[int]] = {}
    for index, group in enumerate(groups):
        found.setdefault(group, []).append(index)
    return list(found.values())


def _credible(residuals: RealArray) -> NDArray[np.bool_]:
    centred = np.abs(residuals - np.median(residuals))
    robust = 1.4826 * float(np.median(centred))
    kept: NDArray[np.bool_] = centred <= max(LARGEST_RESIDUAL, ROBUST_DEVIATIONS * robust)
    return kept


def _some(groups: Sequence[Hashable], chosen: NDArray[np.bool_]) -> list[Hashable]:
    return [group for group, wanted in zip(groups, chosen, strict=True) if wanted]


def _weights(groups: Sequence[Hashable]) -> RealArray:
    """Return weights by which every system counts once, however many jobs it has."""
    count = Counter(groups)
    return np.array([1.0 / count[group] for group in groups])


def _solve(
    rows: RealArray, logs: RealArray, groups: Sequence[Hashable]
) -> tuple[RealArray, RealArray]:
    """Return coefficients and their covariance; the constant has no prior."""
    prior = np.full(rows.shape[1], (TYPICAL_SPREAD / PRIOR_SD) ** 2)
    prior[0] = 0.0
    weighted = rows.T * _weights(groups)
    inverse: RealArray = np.linalg.pinv(weighted @ rows + np.diag(prior)).astype(np.float64)
    return inverse @ weighted @ logs, inverse
