"""Memory kernels of correlation matrices: more than one projected variable.

Convention: dC/dt = drift C - integral from 0 to t of K(s) C(t - s) ds, with drift = dC(0) C(0)^-1
and matrices acting from the left. Series are (times, ..., m, m); axes in between number
independent problems, such as the wave numbers of a ring, which are solved together.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from smallpolaron.analysis._checks import FloatArray, uniform_times
from smallpolaron.analysis.differences import STENCIL, differentiate
from smallpolaron.analysis.memory.volterra import Matrices, right_divide, solve_second_kind

LARGEST_CONDITION: Final = 1e10
"""Condition number of C(0), scaled to a unit diagonal, beyond which its inverse is rounding."""


@dataclass(frozen=True)
class MatrixKernel:
    """Memory kernel of a correlation matrix, with what its equation of motion needs besides.

    Attributes:
        time_fs: times in fs, (times,).
        K: kernel, fs^-2, (times, ..., m, m). As a matrix between variables of different units
            each element carries the ratio of theirs besides.
        integral: integral of K from zero to every time, fs^-1, in the same shape. It has its own
            Volterra equation, which needs only dC, and is therefore the more accurate one.
        drift: dC(0) C(0)^-1, fs^-1, (..., m, m).
        C0: C(0), (..., m, m).
    """

    time_fs: FloatArray
    K: Matrices
    integral: Matrices
    drift: Matrices
    C0: Matrices


def matrix_memory_kernel(
    time_fs: ArrayLike, C: ArrayLike, dC: ArrayLike, d2C: ArrayLike | None = None
) -> MatrixKernel:
    """Memory kernel of a correlation matrix by Volterra inversion.

    Args:
        time_fs: evenly spaced times from zero in fs, (times,).
        C: correlation matrices (times, ..., m, m), real or complex, symmetric or not.
        dC: their first derivative, per fs.
        d2C: their second derivative, per fs^2; None for finite differences of dC of order 8.

    Returns:
        MatrixKernel; error of order step**6. With m = 1 it is that of memory_kernel.

    Raises:
        ValueError: if an input is malformed or too short, C(0) cannot be inverted safely, or the
            kernel grows beyond the largest number.

    Source:
        Derivative of the generalized quantum master equation for several projected variables
        (Bhattacharyya, Sayer, Montoya-Castillo, Chem. Sci. 2024, eq. 1), and its integral by
        parts: K + K * F = drift F - d2C C(0)^-1 and M + M * F = drift C C(0)^-1 - F, where
        F = dC C(0)^-1, M is the integral of K and the star a convolution.
    """
    time, step = uniform_times(time_fs, STENCIL if d2C is None else 2)
    values = _matrices("C", C, time.size)
    first = _matrices("dC", dC, time.size, values.shape)
    second = (
        _differentiate(first, step)
        if d2C is None
        else _matrices("d2C", d2C, time.size, values.shape)
    )
    C0 = values[0]
    relative, factor, bend = _over_start(np.stack([values, first, second]), C0)
    drift = factor[0]
    sources = [drift @ factor - bend, drift @ relative - factor]
    area = relative - np.eye(C0.shape[-1])
    with np.errstate(over="ignore", invalid="ignore"):
        found = solve_second_kind(np.concatenate(sources, axis=-2), factor, area, step)
    finite = np.all(np.isfinite(found.reshape(len(found), -1)), axis=1)
    if not finite.all():
        raise ValueError(
            f"the memory kernel exceeds all numbers from {time[np.argmin(finite)]:g} fs on: it "
            "grows exponentially; project on fewer variables, or give derivatives that belong "
            "together"
        )
    K, integral = np.split(found, 2, axis=-2)
    return MatrixKernel(time, K, integral, drift, C0)


def _matrices(
    name: str, values: ArrayLike, times: int, shape: tuple[int, ...] | None = None
) -> Matrices:
    """Return a finite series of square matrices, real or complex."""
    array = np.asarray(values)
    array = array.astype(np.complex128 if np.iscomplexobj(array) else np.float64)
    wrong = array.ndim < 3 or array.shape[-1] != array.shape[-2] or len(array) != times
    if wrong or (shape is not None and array.shape != shape):
        wanted = f"({times}, ..., m, m)" if shape is None else f"{shape}, as C"
        raise ValueError(
            f"{name} has shape {array.shape}: must be {wanted}; give one square matrix per time"
        )
    bad = int(np.sum(~np.isfinite(array)))
    if bad:
        raise ValueError(
            f"{name}: {bad} of {array.size} values not finite; remove or recompute them"
        )
    return array


def _differentiate(matrices: Matrices, step: float) -> Matrices:
    """Differentiate every element of a series of matrices."""
    flat = matrices.reshape(len(matrices), -1).T
    columns = [differentiate(element, step, 1) for element in flat]
    return np.stack(columns, axis=1).reshape(matrices.shape)


def _over_start(matrices: Matrices, C0: Matrices) -> Matrices:
    """Multiply matrices by C(0)^-1 from the right, each variable scaled to unit size first."""
    diagonal = np.abs(np.diagonal(C0, axis1=-2, axis2=-1))
    size = 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    scale: NDArray[np.float64] = size[..., None, :]
    scaled = size[..., :, None] * C0 * scale
    condition = float(np.max(np.linalg.cond(scaled)))
    if not condition <= LARGEST_CONDITION:
        raise ValueError(
            f"C(0) of {C0.shape[-1]} projected variables has condition number {condition:.3g} "
            f"(after scaling; allowed: {LARGEST_CONDITION:g}), so they depend on each other at "
            "time zero; project on fewer of them"
        )
    return right_divide(matrices * scale, np.broadcast_to(scaled, matrices.shape)) * scale
