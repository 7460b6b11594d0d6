"""Sixth-order quadrature for convolutions, and the Volterra equations of memory kernels.

Kernels are series of matrices (times, ..., m, m), which act from the left; axes between the times
and the matrices number independent problems, solved together. A scalar kernel is (times, 1, 1).
Real input is solved in real arithmetic.

Both functions of a convolution are known at positive times only, and the kernel may not be smooth
across zero. The first steps therefore expand both factors in polynomials on positive times; all
later ones use Gregory's rule, the trapezoid rule with end corrections.
"""

from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.analysis._checks import FloatArray

Matrices = NDArray[Any]
"""Real or complex matrices, (times, ..., m, m)."""


START: Final = 6
"""Steps solved together at the start; the shortest kernel that can be used has as many."""

# Gregory's end corrections: coefficients of the differences of order 1 to 4.
_GREGORY: Final = (1.0 / 12.0, 1.0 / 24.0, 19.0 / 720.0, 3.0 / 160.0)


def _difference_row(order: int, length: int) -> FloatArray:
    row = np.array([1.0])
    for _ in range(order):
        row = np.convolve(row, [-1.0, 1.0])
    return np.pad(row, (0, length - row.size))


def _end_correction() -> FloatArray:
    """Difference between Gregory's weights and 1 at the points next to an end."""
    length = len(_GREGORY) + 1
    correction = np.zeros(length)
    correction[0] = -0.5
    for order, coefficient in enumerate(_GREGORY, start=1):
        sign = 1.0 if order % 2 == 1 else -1.0
        correction += sign * coefficient * _difference_row(order, length)
    return correction


_CORRECTION: Final = _end_correction()


def gregory_weights(panels: int) -> FloatArray:
    """Weights of Gregory's rule of order 6 for steps of length one.

    Args:
        panels: number of steps, at least 4.

    Returns:
        Weights (panels + 1,).

    Raises:
        ValueError: if there are fewer than 4 steps.

    Source:
        Trapezoid rule with end corrections in forward and backward differences up to order 4.
    """
    if panels < len(_GREGORY):
        raise ValueError(f"panels = {panels}: the sixth-order rule needs {len(_GREGORY)} or more")
    weights = np.ones(panels + 1)
    weights[: _CORRECTION.size] += _CORRECTION
    weights[-_CORRECTION.size :] += _CORRECTION[::-1]
    return weights


def _lagrange(nodes: int, points: FloatArray) -> FloatArray:
    """Lagrange polynomials on nodes 0, 1, ... at the given points; shape (nodes, points)."""
    values = np.ones((nodes, points.size))
    for i in range(nodes):
        for k in range(nodes):
            if k != i:
                values[i] *= (points - k) / (i - k)
    return values


@cache
def _start_weights() -> tuple[FloatArray, FloatArray]:
    """Integrals from 0 to n of L_i(s) L_j(n-s), (n, i, j), and of L_j(s), (n, j)."""
    size = START + 1
    gauss, gauss_weights = np.polynomial.legendre.leggauss(size)
    bilinear = np.zeros((size, size, size))
    single = np.zeros((size, size))
    for n in range(1, size):
        points = 0.5 * n * (gauss + 1.0)
        weights = 0.5 * n * gauss_weights
        left = _lagrange(size, points)
        right = _lagrange(size, n - points)
        bilinear[n] = np.einsum("p,ip,jp->ij", weights, left, right)
        single[n] = left @ weights
    return bilinear, single


def _row(matrices: Matrices) -> Matrices:
    """Put matrices (times, ..., p, m) side by side: (..., p, times m)."""
    moved = np.moveaxis(matrices, 0, -2)
    return moved.reshape(*moved.shape[:-2], -1)


def _column(matrices: Matrices) -> Matrices:
    """Put matrices (times, ..., m, p) below each other: (..., times m, p)."""
    moved = np.moveaxis(matrices, 0, -3)
    return moved.reshape(*moved.shape[:-3], -1, moved.shape[-1])


def _block_matrix(blocks: Matrices) -> Matrices:
    """Join blocks (i, j, ..., m, p), block row i and block column j, to one matrix."""
    moved = np.moveaxis(blocks, (0, 1), (-4, -2))
    rows, columns = moved.shape[-4] * moved.shape[-3], moved.shape[-2] * moved.shape[-1]
    return moved.reshape(*moved.shape[:-4], rows, columns)


def right_divide(left: Matrices, right: Matrices) -> Matrices:
    """Left times the inverse of right, for matrices in the last two axes.

    Args:
        left: matrices (..., p, m).
        right: matrices (..., m, m), none singular.

    Returns:
        Quotient (..., p, m).

    Raises:
        numpy.linalg.LinAlgError: if a right matrix is singular.
    """
    solved = np.linalg.solve(np.swapaxes(right, -1, -2), np.swapaxes(left, -1, -2))
    return np.swapaxes(solved, -1, -2)


def solve_second_kind(
    source: Matrices, factor: Matrices, factor_integral: Matrices, step: float
) -> Matrices:
    """Solve K(t) = source(t) - integral from 0 to t of K(s) factor(t - s) ds.

    Where the factor integrates to -1, as here at long times, errors of its quadrature add up
    without bound. Its exact integral therefore corrects every convolution, as if K(s) were K(t):
    that removes the error made where the factor is least smooth, at small t - s.

    Args:
        source: right-hand side (times, ..., p, m), more than START + 1 times. Its rows are
            independent of each other.
        factor: convolution factor (times, ..., m, m).
        factor_integral: exact integral of the factor from zero to every time, in its shape.
        step: time step in fs.

    Returns:
        K, in the shape and unit of the source; error of order step**6.

    Raises:
        ValueError: if there are too few times.
    """
    times, size = source.shape[0], source.shape[-1]
    if times <= START + 1:
        raise ValueError(
            f"series has {times} points: the memory kernel needs {START + 2} or more; "
            "store more points"
        )
    first = START + 1
    begin = _solve_start(source[:first], factor[:first], factor_integral[:first], step)
    K = np.zeros((*begin.shape[:-1], times * size), dtype=begin.dtype)
    K[..., : first * size] = begin
    reverse = _column(factor[::-1])
    unit = np.eye(size)
    for n in range(first, times):
        weights = step * gregory_weights(n)
        weighted = K[..., : n * size] * np.repeat(weights[:n], size)
        memory = weighted @ reverse[..., (times - 1 - n) * size : (times - 1) * size, :]
        defect = factor_integral[n] - np.tensordot(weights, factor[: n + 1], axes=1)
        now = right_divide(source[n] - memory, unit + weights[n] * factor[0] + defect)
        K[..., n * size : (n + 1) * size] = now
    return np.moveaxis(K.reshape(*K.shape[:-1], times, size), -2, 0)


def _solve_start(
    source: Matrices, factor: Matrices, factor_integral: Matrices, step: float
) -> Matrices:
    """Solve the first START + 1 times together; K side by side, (..., p, (START + 1) m)."""
    bilinear, _ = _start_weights()
    coupling = step * np.einsum("nij,j...->in...", bilinear, factor)
    same = np.arange(START + 1)
    coupling[same, same] += factor_integral - np.sum(coupling, axis=0)
    matrix = np.eye(START * source.shape[-1]) + _block_matrix(coupling[1:, 1:])
    known = _row(source[1:] - source[0] @ coupling[0, 1:])
    return np.concatenate([source[0], right_divide(known, matrix)], axis=-1)
