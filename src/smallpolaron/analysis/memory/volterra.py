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

_CORRECTION: Final = np.array([-193 / 288, 77 / 240, -7 / 30, 73 / 720, -3 / 160])
"""Gregory's weights less 1 at the points next to an end: differences up to order 4."""


def gregory_weights(panels: int) -> FloatArray:
    """Weights of Gregory's rule of order 6 for steps of length one, (panels + 1,), 4 or more.

    Source:
        Trapezoid rule with end corrections in forward and backward differences up to order 4.
    """
    if panels < 4:
        raise ValueError(f"panels = {panels}: the sixth-order rule needs 4 or more")
    weights = np.ones(panels + 1)
    weights[: _CORRECTION.size] += _CORRECTION
    weights[-_CORRECTION.size :] += _CORRECTION[::-1]
    return weights


@cache
def _start_weights() -> tuple[FloatArray, FloatArray]:
    """Integrals from 0 to n of L_i(s) L_j(n-s), (n, i, j), and of L_j(s), (n, j).

    L_i are the Lagrange polynomials on the nodes 0 to START.
    """
    from scipy.interpolate import krogh_interpolate  # takes a while to import

    nodes = np.arange(START + 1.0)
    unit = np.eye(nodes.size)
    gauss, weights = np.polynomial.legendre.leggauss(nodes.size)
    half = 0.5 * nodes[:, None]
    points = half * (gauss + 1.0)  # (n, p)
    left, right = (
        krogh_interpolate(nodes, unit, at.ravel()).reshape(*points.shape, -1)
        for at in (points, nodes[:, None] - points)
    )
    bilinear = np.einsum("np,npi,npj->nij", half * weights, left, right)
    return bilinear, np.einsum("np,npj->nj", half * weights, left)


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
    """Left (..., p, m) times the inverse of right (..., m, m); LinAlgError if one is singular."""
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
