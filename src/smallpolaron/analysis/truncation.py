"""Diffusion constant against the cutoff of the memory kernel, with a stability verdict for each."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.analysis._checks import FloatArray
from smallpolaron.analysis.hermite import make_series, panel_weights
from smallpolaron.analysis.kernel import MemoryKernel, closed_form_D, propagate
from smallpolaron.analysis.volterra import START, gregory_weights

LARGEST_PHASE_STEP: Final = 2.0
"""Phase change between neighbouring frequencies, in rad, above which a root so close to the real
frequencies is present that the truncated dynamics decays more slowly than the record is long."""

POINTS_PER_RECORD: Final = 2.0
"""Frequencies of the stability test per inverse record length."""


@dataclass(frozen=True)
class CutoffScan:
    """Diffusion constant for every cutoff time of the kernel.

    Attributes:
        cutoff_fs: cutoff times in fs, (times,).
        D: diffusion constant in the unit of C times fs, (times,); NaN where not stable.
        stable: whether the truncated dynamics decays within the record, (times,).
        growing_modes: number of modes of the truncated dynamics that grow, (times,).
    """

    cutoff_fs: FloatArray
    D: FloatArray
    stable: NDArray[np.bool_]
    growing_modes: NDArray[np.int64]


def cutoff_scan(kernel: MemoryKernel) -> CutoffScan:
    """Diffusion constant from the kernel cut at every stored time.

    Args:
        kernel: memory kernel, (times,), at least nine.

    Returns:
        CutoffScan. A cutoff counts as stable if no mode of the truncated dynamics grows and none
        lies so close to growth that the record could not tell.

    Raises:
        ValueError: if the kernel has fewer than nine times.

    Source:
        D: integral of the truncated equation of motion over all positive times. Stability:
        argument principle for z - drift + integral up to the cutoff of K(s) exp(-z s) ds, whose
        zeros with positive real part are the growing modes; they are counted by the winding of
        its phase along the imaginary axis.
    """
    growing, unresolved = _growing_modes(kernel)
    stable = (growing == 0) & ~unresolved
    D = np.where(stable, closed_form_D(kernel), np.nan)
    return CutoffScan(kernel.time_fs, D, stable, growing)


def _growing_modes(kernel: MemoryKernel) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    # By parts: the transform of K up to the cutoff is that of its integral M times i omega, plus
    # the boundary term. M stays smooth where K may diverge.
    series = make_series(kernel.time_fs, kernel.integral, kernel.K, name="K")
    # Beyond this frequency the leading term z outweighs all others, so no phase can be missed.
    largest = 2.0 * (abs(kernel.drift) + float(np.sum(np.abs(kernel.K))) * kernel.step)
    spacing = 1.0 / (POINTS_PER_RECORD * float(kernel.time_fs[-1]))
    points = 2 * int(np.ceil(largest / spacing)) + 1
    omega = np.linspace(-largest, largest, points)
    weights = panel_weights(-omega * kernel.step, kernel.step)
    ends = np.stack([series.values, series.first, series.second])
    transform = np.zeros(points, dtype=np.complex128)
    growing = np.zeros(kernel.K.size, dtype=np.int64)
    unresolved = np.zeros(kernel.K.size, dtype=np.bool_)
    for n in range(kernel.K.size):
        phase = np.exp(-1j * omega * kernel.time_fs[n])
        boundary = phase * kernel.integral[n]
        characteristic = 1j * omega * (1.0 + transform) - kernel.drift + boundary
        turns = np.angle(characteristic[1:] * np.conj(characteristic[:-1]))
        growing[n] = round(0.5 - float(np.sum(turns)) / (2.0 * np.pi))
        unresolved[n] = float(np.max(np.abs(turns))) > LARGEST_PHASE_STEP
        if n + 1 < kernel.K.size:
            panel = ends[:, n] @ weights[:3] + ends[:, n + 1] @ weights[3:]
            transform += phase * panel
    return growing, unresolved


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
    cutoff = round(cutoff_fs / kernel.step)
    rest = time.size - 1 - cutoff
    if rest < START:
        raise ValueError(
            f"duration_fs = {duration_fs} fs: must exceed cutoff_fs = {cutoff_fs} fs by at least "
            f"{START * kernel.step:.6g} fs"
        )
    # Two pieces, because the second derivative of C jumps at the cutoff.
    integral = gregory_weights(cutoff) @ C[: cutoff + 1].real
    integral += gregory_weights(rest) @ C[cutoff:].real
    window = max(2, time.size // 10)
    leftover = float(np.max(np.abs(C[-window:])) / abs(kernel.C0))
    return kernel.step * float(integral), leftover
