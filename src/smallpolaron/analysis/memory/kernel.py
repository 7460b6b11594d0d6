"""Scalar Mori memory kernel of a correlation function, and dynamics with a truncated kernel.

Convention: dC/dt = drift C - integral from 0 to t of K(s) C(t - s) ds, with drift = dC(0)/C(0).
"""

from dataclasses import dataclass

import numpy as np

from smallpolaron.analysis._checks import ComplexArray, FloatArray, value_at_zero
from smallpolaron.analysis.hermite import Series
from smallpolaron.analysis.memory.matrix_kernel import matrix_memory_kernel


@dataclass(frozen=True)
class MemoryKernel:
    """Memory kernel with what its equation of motion needs besides.

    Attributes:
        time_fs: times in fs, (times,).
        K: kernel, fs^-2, (times,), complex.
        integral: integral of K from zero to every time, fs^-1, (times,), complex. It has its own
            Volterra equation, which needs only dC, and is therefore the more accurate one.
        drift: dC(0)/C(0), fs^-1.
        C0: C(0), in the unit of C.
    """

    time_fs: FloatArray
    K: ComplexArray
    integral: ComplexArray
    drift: complex
    C0: complex


@dataclass(frozen=True)
class StepCheck:
    """Kernel on the stored times against the kernel from every second one.

    Attributes:
        kernel_change: largest change of K on common times over the largest |K|.
        D_fine: closed-form D of the whole kernel, in the unit of C times fs.
        D_change: its relative change; the error at the stored step is about 1/63 of it once
            the sixth order shows.
    """

    kernel_change: float
    D_fine: float
    D_change: float


def memory_kernel(C: Series) -> MemoryKernel:
    """Memory kernel of a correlation function, complex or real, by Volterra inversion.

    Returns:
        MemoryKernel; error of order step**6 for either kind of derivative. Finite differences of
        a table amplify its rounding: about 10/step**2 times the relative error of the table.

    Raises:
        ValueError: if the series is too short, or C(0) = 0.

    Source:
        Derivative of the generalized quantum master equation (Bhattacharyya, Sayer,
        Montoya-Castillo, Chem. Sci. 2024, eq. 1): K C(0) is drift times dC minus d2C minus the
        convolution of K with dC, a Volterra equation of the second kind. Integrating the memory
        term by parts gives one for the integral of K: it is drift times C minus dC minus the
        convolution of that integral with dC, over C(0).
    """
    C0 = value_at_zero("C", C.values)
    matrices = (x[:, None, None] for x in (C.values, C.first, C.second))
    found = matrix_memory_kernel(C.time_fs, *matrices)
    K, integral, drift = found.K[:, 0, 0], found.integral[:, 0, 0], complex(found.drift[0, 0])
    return MemoryKernel(C.time_fs, K, integral, drift, C0)


def closed_form_D(kernel: MemoryKernel) -> FloatArray:
    """Diffusion constant for every cutoff, stable or not, in the unit of C times fs, (times,).

    It is Re of C(0)/(integral of K up to the cutoff - drift), the integral over all positive times
    of the truncated equation of motion, and means something only where C then decays: see
    cutoff_scan.
    """
    denominator = kernel.integral - kernel.drift
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((kernel.C0 / denominator).real, dtype=np.float64)


def step_check(C: Series) -> StepCheck:
    """Measure how much the time step matters, by dropping every second time.

    Raises:
        ValueError: if there are fewer than 17 times.
    """
    if C.time_fs.size < 17:
        raise ValueError(f"time_fs has {C.time_fs.size} points: at least 17 are needed here")
    odd = (C.time_fs.size - 1) // 2 * 2 + 1
    fine, coarse = (memory_kernel(C.part(slice(0, odd, stride))) for stride in (1, 2))
    D_fine, D_coarse = float(closed_form_D(fine)[-1]), float(closed_form_D(coarse)[-1])
    return StepCheck(
        kernel_change=float(np.max(np.abs(fine.K[::2] - coarse.K)) / np.max(np.abs(fine.K))),
        D_fine=D_fine,
        D_change=abs(D_coarse - D_fine) / abs(D_fine) if D_fine else float("inf"),
    )
