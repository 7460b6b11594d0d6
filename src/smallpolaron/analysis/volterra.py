"""Sixth-order quadrature for convolutions, and the Volterra equations of the memory kernel.

Both functions of a convolution are known at positive times only, and the kernel may not be smooth
across zero. The first steps therefore expand both factors in polynomials on positive times; all
later ones use Gregory's rule, the trapezoid rule with end corrections.
"""

from functools import cache
from typing import Final

import numpy as np

from smallpolaron.analysis._checks import ComplexArray, FloatArray

ORDER: Final = 6
"""Order in the time step of the kernel and of a propagation with the whole kernel."""

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


def solve_second_kind(
    source: ComplexArray, factor: ComplexArray, factor_integral: ComplexArray, step: float
) -> ComplexArray:
    """Solve K(t) = source(t) - integral from 0 to t of K(s) factor(t - s) ds.

    Where the factor integrates to -1, as here at long times, errors of its quadrature add up
    without bound. Its exact integral therefore corrects every convolution, as if K(s) were K(t):
    that removes the error made where the factor is least smooth, at small t - s.

    Args:
        source: right-hand side (times,), more than START + 1 values.
        factor: convolution factor (times,).
        factor_integral: exact integral of the factor from zero to every time (times,).
        step: time step in fs.

    Returns:
        K (times,), in the unit of the source; error of order step**6.

    Raises:
        ValueError: if there are too few times.
    """
    times = source.size
    if times <= START + 1:
        raise ValueError(
            f"series has {times} points: the memory kernel needs {START + 2} or more; "
            "store more points"
        )
    K = np.zeros(times, dtype=np.complex128)
    K[0] = source[0]
    bilinear, _ = _start_weights()
    first = START + 1
    coupling = step * np.einsum("nij,j->ni", bilinear, factor[:first])
    coupling += np.diag(factor_integral[:first] - np.sum(coupling, axis=1))
    matrix = np.eye(START) + coupling[1:, 1:]
    K[1:first] = np.linalg.solve(matrix, source[1:first] - coupling[1:, 0] * K[0])
    for n in range(first, times):
        weights = step * gregory_weights(n)
        memory = np.dot(weights[:n] * K[:n], factor[n:0:-1])
        defect = factor_integral[n] - np.dot(weights, factor[: n + 1])
        K[n] = (source[n] - memory) / (1.0 + weights[n] * factor[0] + defect)
    return K


# Implicit Adams rule of order 6: integral over the last step of the derivative at six points.
_ADAMS: Final = np.array([475.0, 1427.0, -798.0, 482.0, -173.0, 27.0]) / 1440.0


def propagate_truncated(
    K: ComplexArray, drift: complex, start: complex, step: float, cutoff: int, times: int
) -> tuple[ComplexArray, ComplexArray]:
    """Solve dC/dt = drift C - integral from 0 to min(t, cutoff) of K(s) C(t - s) ds.

    Args:
        K: kernel (at least cutoff + 1,), per fs^2.
        drift: coefficient of C, per fs.
        start: C at time zero.
        step: time step in fs.
        cutoff: number of steps after which the kernel is zero, at least START.
        times: number of times to compute.

    Returns:
        C and dC/dt, each (times,). Error of order step**6 up to the cutoff. There the second
        derivative of C jumps by K(cutoff) C(0), which limits later times to an error of order
        step**4 times that jump.

    Raises:
        ValueError: if the cutoff is too short or outside the kernel.
    """
    if not START <= cutoff < K.size:
        raise ValueError(f"cutoff = {cutoff} steps: must be {START} to {K.size - 1}")
    total = max(times, cutoff + START + 1)
    C = np.zeros(total, dtype=np.complex128)
    slope = np.zeros(total, dtype=np.complex128)
    C[0], slope[0] = start, drift * start
    bilinear, single = _start_weights()
    first = START + 1
    # C at the first steps is C(0) plus the integral of an interpolated slope; both are linear in C.
    coupling = step * np.einsum("nij,i->nj", bilinear, K[:first])
    rate = drift * np.eye(first) - coupling
    matrix = np.eye(first) - step * single @ rate
    C[:first] = np.linalg.solve(matrix, np.full(first, start, dtype=np.complex128))
    slope[:first] = rate @ C[:first]
    _adams_steps(C, slope, K, drift, step, first, cutoff + 1, cutoff)
    # The second derivative jumps at the cutoff, so the multistep rule starts afresh there.
    _restart_after_cutoff(C, slope, K, drift, step, cutoff)
    _adams_steps(C, slope, K, drift, step, cutoff + first, total, cutoff)
    return C[:times], slope[:times]


def _adams_steps(
    C: ComplexArray,
    slope: ComplexArray,
    K: ComplexArray,
    drift: complex,
    step: float,
    begin: int,
    end: int,
    cutoff: int,
) -> None:
    """Fill C and its slope from begin to end (exclusive), in place."""
    whole = step * gregory_weights(cutoff) * K[: cutoff + 1]
    for n in range(begin, end):
        panels = min(n, cutoff)
        weighted = whole if n >= cutoff else step * gregory_weights(panels) * K[: panels + 1]
        past = np.dot(weighted[1:], C[n - panels : n][::-1])
        known = C[n - 1] + step * np.dot(_ADAMS[1:], slope[n - 5 : n][::-1])
        rate = drift - weighted[0]
        C[n] = (known - step * _ADAMS[0] * past) / (1.0 - step * _ADAMS[0] * rate)
        slope[n] = rate * C[n] - past


def _restart_after_cutoff(
    C: ComplexArray,
    slope: ComplexArray,
    K: ComplexArray,
    drift: complex,
    step: float,
    cutoff: int,
) -> None:
    """Solve the START steps after the cutoff together, from slopes at and after it only."""
    _, single = _start_weights()
    first = START + 1
    weighted = step * gregory_weights(cutoff) * K[: cutoff + 1]
    rate = np.zeros((first, first), dtype=np.complex128)
    past = np.zeros(first, dtype=np.complex128)
    for k in range(first):
        rate[k, : k + 1] = -weighted[k::-1]
        rate[k, k] += drift
        past[k] = np.dot(weighted[k + 1 :], C[k:cutoff][::-1])
    known = C[cutoff] - step * single @ past
    block = np.linalg.solve(np.eye(first) - step * single @ rate, known)
    C[cutoff : cutoff + first] = block
    slope[cutoff : cutoff + first] = rate @ block - past
