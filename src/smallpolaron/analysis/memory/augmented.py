"""Mori memory kernels of the current with its time derivatives in the projector.

The projected variables are J, dJ/dt, ..., d^(m-1)J/dt^(m-1). In a stationary state a correlation
function depends on the difference of its two times only, so a derivative of the second operator
is minus one of the first: the correlation matrix is C_ab(t) = (-1)^b d^(a+b)C/dt^(a+b), with C the
current autocorrelation function. By construction dC_ab/dt = C_(a+1)b, hence every row of drift and
kernel but the last is trivial: drift_ab = 1 for b = a + 1, else 0, and no kernel. The equation of
motion is thus one equation of order m for C, with a kernel for each derivative below the m-th.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from smallpolaron.analysis._checks import ComplexArray, FloatArray, complex_series, uniform_times
from smallpolaron.analysis.differences import STENCIL, differentiate
from smallpolaron.analysis.memory.matrix_kernel import MatrixKernel, matrix_memory_kernel
from smallpolaron.analysis.memory.truncation import CutoffScan, scan_cutoffs


def difference_derivatives(time_fs: ArrayLike, C: ArrayLike, count: int) -> list[ComplexArray]:
    """Derivatives of a series by repeated nine-point finite differences.

    Args:
        time_fs: evenly spaced times from zero in fs, (times,), at least nine.
        C: correlation function (times,).
        count: highest derivative, 0 or more.

    Returns:
        C and its derivatives up to that order, each (times,). Even ones are second differences of
        the even one before, odd ones first differences of it. Error of order step**8, within a
        few stencils of either end of order step**(9 - k) for the k-th. The rounding of the table
        is amplified by about (2/step)**k.

    Raises:
        ValueError: if an input is malformed or too short.

    Source:
        Chem. Sci. 2024, 15, 16715 augments the projector with numerical derivatives, of a table.
    """
    time, step = uniform_times(time_fs, STENCIL)
    found = [complex_series("C", C, time.size)]
    for order in range(1, count + 1):
        even = found[(order - 1) // 2 * 2]
        found.append(differentiate(even, step, 2 - order % 2))
    return found


def correlation_matrix(
    derivatives: Sequence[ComplexArray], order: int, shift: int = 0
) -> ComplexArray:
    """Correlation matrices of J and its derivatives below an order m, (times, m, m).

    They are (-1)^b times the derivative of C of order a + b + shift: with a shift, the time
    derivative of that order of the matrix. The derivatives, C first, must go up to 2 m - 2 + shift.
    """
    rows = [[(-1.0) ** b * derivatives[a + b + shift] for b in range(order)] for a in range(order)]
    return np.moveaxis(np.array(rows), -1, 0)


def augmented_kernel(
    time_fs: ArrayLike, derivatives: Sequence[ArrayLike], order: int
) -> MatrixKernel:
    """Memory kernel of the current with its derivatives below an order in the projector.

    Args:
        time_fs: evenly spaced times from zero in fs, (times,).
        derivatives: C, dC, d2C, ... in angstrom^2/fs^2 and per fs each, (times,); exact ones or
            those of difference_derivatives. Up to 2 order - 1 they are needed; the next one, if
            given, makes the kernel exact, too, which otherwise is differenced from its integral's
            equation.
        order: number m of projected variables: 1 for {J}, 2 for {J, dJ}, 3 for {J, dJ, d2J}.

    Returns:
        MatrixKernel with m x m matrices. With m = 1 it is that of memory_kernel. The last diagonal
        element of K is the next memory kernel in Mori's continued fraction.

    Raises:
        ValueError: if an input is malformed, derivatives are missing, or the derivatives depend on
            each other at time zero.

    Source:
        Mori's projection (Chem. Sci. 2024, 15, 16715, Fig. 3 right) with the variables above.
    """
    if order < 1:
        raise ValueError(f"order = {order}: must be 1 or more projected variables")
    if len(derivatives) < 2 * order:
        raise ValueError(
            f"{len(derivatives) - 1} derivatives of C are given: a projector with {order} "
            f"variables needs {2 * order - 1}; recompute the correlation function with them"
        )
    time, _ = uniform_times(time_fs, 2)
    series = [complex_series(f"derivatives[{k}]", d, time.size) for k, d in enumerate(derivatives)]
    return matrix_memory_kernel(
        time,
        correlation_matrix(series, order),
        correlation_matrix(series, order, 1),
        correlation_matrix(series, order, 2) if len(series) > 2 * order else None,
    )


def augmented_D(kernel: MatrixKernel) -> FloatArray:
    """Diffusion constant for every cutoff, stable or not, in the unit of C times fs, (times,).

    It is Re of the first element of (integral of K up to the cutoff - drift)^-1 C(0), the integral
    over all positive times of the truncated equation of motion; NaN where that matrix is singular.
    It means something only where C then decays: see augmented_scan.
    """
    matrix = kernel.integral - kernel.drift
    with np.errstate(over="ignore", invalid="ignore"):  # of a kernel that grows
        singular = np.linalg.det(matrix) == 0.0
    safe = np.where(singular[:, None, None], np.eye(matrix.shape[-1]), matrix)
    found = np.linalg.solve(safe, np.broadcast_to(kernel.C0, safe.shape))[:, 0, 0].real
    return np.where(singular, np.nan, found)


def augmented_scan(kernel: MatrixKernel) -> CutoffScan:
    """Diffusion constant from the kernel cut at every stored time, as by cutoff_scan for J alone.

    Raises:
        ValueError: if there are fewer than nine times, or the kernel is too large for its record,
            as one that grows or that comes from differences of a noisy table.

    Source:
        cutoff_scan with the determinant of z - drift + integral up to the cutoff of K(s) exp(-z s)
        ds. Since only the last rows of drift and K matter, it is the polynomial of scan_cutoffs.
    """
    return scan_cutoffs(
        kernel.time_fs,
        kernel.drift[-1],
        kernel.K[:, -1],
        kernel.integral[:, -1],
        augmented_D(kernel),
    )
