"""Finite-difference derivatives of evenly sampled series, of high order up to both ends."""

import numpy as np

from smallpolaron.analysis._checks import ComplexArray, FloatArray

STENCIL = 9
"""Points per stencil: order 8 for first derivatives, 7 (at the ends) or 8 for second ones."""


def stencil_weights(offsets: FloatArray, derivative: int) -> FloatArray:
    """Weights of the finite-difference formula on given points that is exact for polynomials.

    Args:
        offsets: distances of the points from the evaluation point in units of the step, (points,).
        derivative: order of the derivative, below the number of points.

    Returns:
        Weights (points,); the derivative is the weighted sum divided by step**derivative.
    """
    count = offsets.size
    if derivative >= count:
        raise ValueError(f"derivative = {derivative}: needs more than {derivative} points")
    scale = float(np.max(np.abs(offsets)))
    powers = np.vander(offsets / scale, count, increasing=True).T
    target = np.zeros(count)
    target[derivative] = float(np.prod(np.arange(1, derivative + 1))) / scale**derivative
    return np.asarray(np.linalg.solve(powers, target), dtype=np.float64)


def differentiate(values: ComplexArray, step: float, derivative: int) -> ComplexArray:
    """Derivative of an evenly sampled series, centred inside and one-sided at both ends.

    No values at negative times are invented: correlation functions of dissipative systems are not
    smooth across time zero.

    Args:
        values: series (times,), at least nine points.
        step: distance of the points in fs.
        derivative: 1 or 2.

    Returns:
        Derivative (times,), in the unit of the values per fs**derivative; error of order
        step**8 (first derivative) or step**7 at the ends and step**8 inside (second).

    Raises:
        ValueError: if there are fewer than nine points or the derivative is not 1 or 2.
    """
    if values.size < STENCIL:
        raise ValueError(
            f"series has {values.size} points: derivatives by finite differences need {STENCIL}; "
            "store more points or pass exact derivatives"
        )
    if derivative not in (1, 2):
        raise ValueError(f"derivative = {derivative}: must be 1 or 2")
    half = STENCIL // 2
    points = np.arange(STENCIL, dtype=np.float64)
    result = np.empty_like(values)
    centred = stencil_weights(points - half, derivative)
    result[half:-half] = np.convolve(values, centred[::-1], mode="valid")
    for near in range(half):
        weights = stencil_weights(points - near, derivative)
        result[near] = weights @ values[:STENCIL]
        sign = -1.0 if derivative == 1 else 1.0
        result[-1 - near] = sign * (weights @ values[::-1][:STENCIL])
    return result / step**derivative
