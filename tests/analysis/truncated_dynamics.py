"""Dynamics with the kernel cut to zero after a time, propagated, and other checks of kernels.

The package finds D of a cut kernel in closed form; here the equation of motion is solved for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from smallpolaron.analysis._checks import (
    ComplexArray,
    FloatArray,
    positive,
    real_series,
    value_at_zero,
)
from smallpolaron.analysis.differences import differentiate
from smallpolaron.analysis.fits.conductivity_models import DRUDE_SMITH
from smallpolaron.analysis.hermite import Series, half_line_transform, make_series
from smallpolaron.analysis.memory.kernel import MemoryKernel, memory_kernel
from smallpolaron.analysis.memory.kernel_moments import (
    FEWEST_FREQUENCIES,
    KernelMoments,
    kernel_moments,
)
from smallpolaron.analysis.memory.matrix_kernel import MatrixKernel
from smallpolaron.analysis.memory.population_kernel import PopulationKernel, _from_start
from smallpolaron.analysis.memory.volterra import (
    START,
    Matrices,
    _block_matrix,
    _column,
    _row,
    _start_weights,
    gregory_weights,
)
from smallpolaron.model.units import mobility_cm2

# Implicit Adams rule of order 6: integral over the last step of the derivative at six points.
_ADAMS: Final = np.array([475.0, 1427.0, -798.0, 482.0, -173.0, 27.0]) / 1440.0


def propagate_truncated(
    K: Matrices, drift: Matrices, start: Matrices, step: float, cutoff: int, times: int
) -> tuple[Matrices, Matrices]:
    """Solve dC/dt = drift C - integral from 0 to min(t, cutoff) of K(s) C(t - s) ds.

    Args:
        K: kernel (at least cutoff + 1, ..., m, m), per fs^2.
        drift: coefficient of C, per fs, (..., m, m).
        start: C at time zero, (..., m, p).
        step: time step in fs.
        cutoff: number of steps after which the kernel is zero, at least START.
        times: number of times to compute.

    Returns:
        C and dC/dt, each (times, ..., m, p). Error of order step**6 up to the cutoff. There the
        second derivative of C jumps by K(cutoff) C(0), which limits later times to an error of
        order step**4 times that jump.

    Raises:
        ValueError: if the cutoff is too short or outside the kernel.
    """
    if not START <= cutoff < len(K):
        raise ValueError(f"cutoff = {cutoff} steps: must be {START} to {len(K) - 1}")
    total = max(times, cutoff + START + 1)
    run = _Run.at(start, K[: cutoff + 1], drift, step, total)
    run.solve_start(start)
    run.adams_steps(START + 1, cutoff + 1)
    # The second derivative jumps at the cutoff, so the multistep rule starts afresh there.
    run.restart_after_cutoff()
    run.adams_steps(cutoff + START + 1, total)
    C, slope = (_from_column(part, run.size)[::-1] for part in (run.C, run.slope))
    return C[:times], slope[:times]


@dataclass(frozen=True)
class _Run:
    """A propagation under way. C and its slope stand below each other, the last time on top.

    Attributes:
        C: solution, (..., total m, p).
        slope: dC/dt, likewise.
        K: kernel up to the cutoff, (cutoff + 1, ..., m, m).
        row: its matrices side by side.
        drift: coefficient of C, (..., m, m).
        step: time step in fs.
        total: number of times.
    """

    C: Matrices
    slope: Matrices
    K: Matrices
    row: Matrices
    drift: Matrices
    step: float
    total: int

    @classmethod
    def at(cls, start: Matrices, K: Matrices, drift: Matrices, step: float, total: int) -> _Run:
        shape = (*start.shape[:-2], total * start.shape[-2], start.shape[-1])
        C = np.zeros(shape, dtype=np.result_type(K, drift, start, float))
        return cls(C, np.zeros_like(C), K, _row(K), drift, step, total)

    @property
    def size(self) -> int:
        return int(self.drift.shape[-1])

    @property
    def cutoff(self) -> int:
        return len(self.K) - 1

    def part(self, begin: int, end: int) -> slice:
        """Rows of C and slope that hold the times from begin to end (exclusive)."""
        return slice((self.total - end) * self.size, (self.total - begin) * self.size)

    def weighted(self, panels: int) -> Matrices:
        """Gregory weights times the kernel of the first steps, side by side."""
        weights = self.step * gregory_weights(panels)
        return self.row[..., : (panels + 1) * self.size] * np.repeat(weights, self.size)

    def integral(self) -> Matrices:
        """Integrals of the interpolated slope over START + 1 times, as a matrix."""
        _, single = _start_weights()
        return self.step * np.kron(single, np.eye(self.size))

    def solve_block(self, begin: int, known: Matrices, rate: Matrices, past: Matrices) -> None:
        """Solve START + 1 times together: C is known plus the integral of rate C - past.

        All are given in the order of time; the slope is interpolated by a polynomial.
        """
        integral = self.integral()
        matrix = np.eye(len(integral)) - integral @ rate
        C = np.linalg.solve(matrix, known - integral @ past)
        part = self.part(begin, begin + START + 1)
        for target, values in ((self.C, C), (self.slope, rate @ C - past)):
            target[..., part, :] = _column(_from_column(values, self.size)[::-1])

    def solve_start(self, start: Matrices) -> None:
        """Solve the first START + 1 times."""
        bilinear, _ = _start_weights()
        first = START + 1
        rate = -self.step * np.einsum("nij,i...->nj...", bilinear, self.K[:first])
        rate[np.arange(first), np.arange(first)] += self.drift
        known = np.concatenate([start] * first, axis=-2)
        self.solve_block(0, known, _block_matrix(rate), np.zeros_like(known))

    def adams_steps(self, begin: int, end: int) -> None:
        """Solve the times from begin to end (exclusive), step by step."""
        size, unit = self.size, np.eye(self.size)
        adams = self.step * np.kron(_ADAMS, unit)
        for n in range(begin, end):
            panels = min(n, self.cutoff)
            if n == begin or n <= self.cutoff:  # later nothing of this changes
                weighted = self.weighted(panels)
                rate = self.drift - weighted[..., :size]
                implicit = np.linalg.inv(unit - adams[:, :size] @ rate)
            past = weighted[..., size:] @ self.C[..., self.part(n - panels, n), :]
            known = adams[:, size:] @ self.slope[..., self.part(n - 5, n), :]
            known += self.C[..., self.part(n - 1, n), :] - adams[:, :size] @ past
            now = self.part(n, n + 1)
            self.C[..., now, :] = implicit @ known
            self.slope[..., now, :] = rate @ self.C[..., now, :] - past

    def restart_after_cutoff(self) -> None:
        """Solve the START steps after the cutoff, from slopes at and after it only."""
        first, size = START + 1, self.size
        weighted = self.weighted(self.cutoff)
        rate = np.zeros((first, first, *self.drift.shape), dtype=self.C.dtype)
        past = []
        for k in range(first):
            for j in range(k + 1):
                rate[k, j] = -weighted[..., (k - j) * size : (k - j + 1) * size]
            rate[k, k] += self.drift
            before = self.C[..., self.part(k, self.cutoff), :]
            past.append(weighted[..., (k + 1) * size :] @ before)
        here = self.C[..., self.part(self.cutoff, self.cutoff + 1), :]
        known = np.concatenate([here] * first, axis=-2)
        self.solve_block(self.cutoff, known, _block_matrix(rate), np.concatenate(past, axis=-2))


def propagate_matrix(
    kernel: MatrixKernel, cutoff_fs: float, duration_fs: float, start: Matrices | None = None
) -> tuple[FloatArray, Matrices, Matrices]:
    """Correlation matrix from the kernel cut to zero after a time.

    Args:
        kernel: memory kernel.
        cutoff_fs: time after which the kernel is zero, in fs; the nearest stored time is used, at
            least six steps.
        duration_fs: length of the result in fs; may exceed the kernel's own record.
        start: value at time zero, (..., m, p), such as some columns of C(0); None for C(0).

    Returns:
        Times in fs, C and dC/dt, each (times, ..., m, p). Error of order step**6 up to the
        cutoff; later of order step**4 times the size of the kernel at the cutoff.

    Raises:
        ValueError: if the cutoff is below six steps or beyond the kernel, or the duration is not
            positive.

    Source:
        Kernel-truncated generalized quantum master equation (Chem. Sci. 2024, eq. 1).
    """
    step = float(kernel.time_fs[1])
    cutoff = round(positive("cutoff_fs", cutoff_fs) / step)
    if not START <= cutoff < len(kernel.K):
        raise ValueError(
            f"cutoff_fs = {cutoff_fs} fs: must be from {START * step:.6g} fs (six steps) to "
            f"{kernel.time_fs[-1]:.6g} fs, the end of the kernel"
        )
    times = round(positive("duration_fs", duration_fs) / step) + 1
    begin = kernel.C0 if start is None else start
    C, slope = propagate_truncated(kernel.K, kernel.drift, begin, step, cutoff, times)
    return np.arange(times, dtype=np.float64) * step, C, slope


def propagate(
    kernel: MemoryKernel, cutoff_fs: float, duration_fs: float
) -> tuple[FloatArray, ComplexArray, ComplexArray]:
    """Correlation function from the kernel cut to zero after a time.

    Args:
        kernel: memory kernel.
        cutoff_fs: time after which the kernel is zero, in fs; the nearest stored time is used, at
            least six steps.
        duration_fs: length of the result in fs; may exceed the kernel's own record.

    Returns:
        Times in fs, C and dC/dt, each (times,). Error of order step**6 up to the cutoff; later of
        order step**4 times the size of the kernel at the cutoff.

    Raises:
        ValueError: if the cutoff is below six steps or beyond the kernel, or the duration is not
            positive.

    Source:
        Kernel-truncated generalized quantum master equation (Chem. Sci. 2024, eq. 1).
    """
    matrix = MatrixKernel(
        kernel.time_fs,
        kernel.K[:, None, None],
        kernel.integral[:, None, None],
        np.array([[kernel.drift]]),
        np.array([[kernel.C0]]),
    )
    time, C, slope = propagate_matrix(matrix, cutoff_fs, duration_fs)
    return time, C[:, 0, 0], slope[:, 0, 0]


def propagated_D(kernel: MemoryKernel, cutoff_fs: float, duration_fs: float) -> tuple[float, float]:
    """Diffusion constant from propagating the truncated equation of motion.

    Args:
        kernel: memory kernel.
        cutoff_fs: time after which the kernel is zero, in fs.
        duration_fs: length of the propagation in fs; long enough for C to decay.

    Returns:
        Integral of Re C, in the unit of C times fs, and the largest |C|/|C(0)| in the last tenth
        of the propagation: if that is not small, the integral is no diffusion constant.

    Raises:
        ValueError: as propagate, or if the duration is less than six steps beyond the cutoff.

    Source:
        Green-Kubo integral of the kernel-truncated correlation function.
    """
    time, C, _ = propagate(kernel, cutoff_fs, duration_fs)
    cutoff = round(cutoff_fs / float(kernel.time_fs[1]))
    rest = time.size - 1 - cutoff
    if rest < START:
        raise ValueError(
            f"duration_fs = {duration_fs} fs: must exceed cutoff_fs = {cutoff_fs} fs by at least "
            f"{START * float(kernel.time_fs[1]):.6g} fs"
        )
    # Two pieces, because the second derivative of C jumps at the cutoff.
    integral = gregory_weights(cutoff) @ C[: cutoff + 1].real
    integral += gregory_weights(rest) @ C[cutoff:].real
    window = max(2, time.size // 10)
    leftover = float(np.max(np.abs(C[-window:])) / abs(kernel.C0))
    return float(kernel.time_fs[1]) * float(integral), leftover


def truncated_slope(
    kernel: PopulationKernel, cutoff_fs: float, duration_fs: float
) -> tuple[FloatArray, FloatArray]:
    """Half the slope of the mean-squared displacement with the kernel cut to zero after a time.

    Args:
        kernel: population kernel.
        cutoff_fs: time after which the kernel is zero, in fs, at least six steps.
        duration_fs: length of the result in fs.

    Returns:
        Times in fs and half of dMSD/dt on the finite ring or chain, angstrom^2/fs, (times,).

    Raises:
        ValueError: as propagate_matrix.

    Source:
        Kernel-truncated population equation from the start site.
    """
    equation, column = kernel.equation, kernel.column
    begin = equation.C0[..., column : column + 1]
    time, _, slope = propagate_matrix(equation, cutoff_fs, duration_fs, begin)
    return time, 0.5 * _from_start(slope, 0, kernel.to_sites) @ kernel.squares_A2


def kubo_kernel(kubo: Series) -> MemoryKernel:
    """Memory kernel of a Kubo-transformed correlation function.

    Args:
        kubo: Kubo transform with its derivatives.

    Returns:
        MemoryKernel; its drift is zero and its kernel real, because the function is real and even.
        Where Re C has a cusp at time zero, as with a delta-correlated terminator, K diverges there
        like a logarithm, and its first four values are limited by the time step. So that this
        stays local, K is here the derivative of its integral, which remains finite.

    Raises:
        ValueError: if the record is too short or the function vanishes at time zero.

    Source:
        As memory_kernel, with the Kubo transform in place of C; differentiated by order 8.
    """
    slope = kubo.first.copy()
    slope[0] = 0.0
    kernel = memory_kernel(make_series(kubo.time_fs, kubo.values, slope, kubo.second))
    return replace(kernel, K=differentiate(kernel.integral, float(kernel.time_fs[1]), 1))


def moments_of_series(
    time_fs: ArrayLike,
    C: ArrayLike,
    limits: ArrayLike,
    dC: ArrayLike | None = None,
    d2C: ArrayLike | None = None,
) -> KernelMoments:
    """Moments of the kernel spectrum of a correlation function given in time.

    Args:
        time_fs: evenly spaced times from zero in fs, (times,).
        C: Kubo transform (times,), real, decayed at the last time.
        limits: upper limits in rad/fs, (limits,).
        dC: first derivative (times,); None for finite differences.
        d2C: second derivative (times,); None for finite differences.

    Returns:
        KernelMoments. Frequencies are taken four times as densely as the record resolves.

    Raises:
        ValueError: as kernel_spectrum and kernel_moments.

    Source:
        As kernel_spectrum and kernel_moments.
    """
    highest = positive("the highest of limits", float(np.max(real_series("limits", limits))))
    duration = float(real_series("time_fs", time_fs)[-1])
    points = max(4 * FEWEST_FREQUENCIES, int(np.ceil(4.0 * highest * duration / np.pi))) + 1
    omega = np.linspace(0.0, highest, points)
    return kernel_moments(omega, kernel_spectrum(time_fs, C, omega, dC, d2C).real, limits)


def drude_smith_curve(time_fs: ArrayLike, c: float, k: float) -> FloatArray:
    """Drude-Smith correlation function, normalised to 1 at time zero.

    Args:
        time_fs: times in fs, any shape.
        c: persistence of velocity; 0 gives the Drude form.
        k: collision rate, fs^-1.

    Returns:
        (1 + c k t) exp(-k t), same shape.

    Source:
        Bhattacharyya, Sayer, Montoya-Castillo, Chem. Sci. 2024, eq. 8.
    """
    terms = DRUDE_SMITH.time_terms(np.asarray(time_fs, dtype=np.float64), (k,))
    return np.asarray(terms[0] + c * terms[1], dtype=np.float64)


def drude_smith_mobility(
    omega: ArrayLike, C0: float, c: float, k: float, temperature_K: float
) -> ComplexArray:
    """Drude-Smith mobility as a function of frequency.

    Args:
        omega: angular frequencies in rad/fs, (frequencies,).
        C0: C_kubo(0) in angstrom^2/fs^2.
        c: persistence of velocity; 0 gives the Drude form.
        k: collision rate, fs^-1, above zero.
        temperature_K: temperature in K, above zero.

    Returns:
        Complex mobility in cm^2/(V s), (frequencies,).

    Raises:
        ValueError: if k or the temperature is not positive.

    Source:
        Half-line transform of the Drude-Smith form times beta: with tau = 1/k it is C0 tau /
        (1 - i omega tau) times (1 + c/(1 - i omega tau)) (Smith, Phys. Rev. B 2001, 64, 155106).
    """
    terms = DRUDE_SMITH.frequency_terms(np.asarray(omega, dtype=np.float64), (positive("k", k),))
    D = C0 * (terms[0] + c * terms[1])
    return np.asarray(mobility_cm2(1.0, temperature_K) * D, dtype=np.complex128)


def kernel_spectrum(
    time_fs: ArrayLike,
    C: ArrayLike,
    omega: ArrayLike,
    dC: ArrayLike | None = None,
    d2C: ArrayLike | None = None,
) -> ComplexArray:
    """Half-line transform of the memory kernel, without solving for the kernel in time.

    Args:
        time_fs: evenly spaced times from zero in fs, (times,).
        C: correlation function (times,), decayed at the last time; C_JJ or its Kubo transform.
        omega: angular frequencies in rad/fs, (frequencies,).
        dC: exact first derivative (times,); None for finite differences.
        d2C: exact second derivative (times,); None for finite differences.

    Returns:
        Integral of K(t) exp(i omega t) over positive times, fs^-1, (frequencies,).

    Raises:
        ValueError: if an input is malformed or C(0) = 0.

    Source:
        Transform of the equation of motion: drift plus i omega plus C(0) over the half-line
        transform of C.
    """
    series = make_series(time_fs, C, dC, d2C)
    C0 = value_at_zero("C", series.values)
    frequencies = np.asarray(omega, dtype=np.float64)
    transform = half_line_transform(series, frequencies)
    return complex(series.first[0]) / C0 + 1j * frequencies + C0 / transform


def _from_column(column: Matrices, size: int) -> Matrices:
    """Undo _column for matrices of some number of rows."""
    blocks = column.reshape(*column.shape[:-2], -1, size, column.shape[-1])
    return np.moveaxis(blocks, -3, 0)
