"""Diffusion constant against the cutoff of the memory kernel, with a stability verdict for each."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.analysis._checks import ComplexArray, FloatArray
from smallpolaron.analysis.hermite import make_series, panel_weights
from smallpolaron.analysis.memory.kernel import MemoryKernel, closed_form_D

ON_AXIS: Final = 1e-9
"""Distance of a zero from the real frequencies, in steps of frequency, that is rounding."""

LARGEST_PHASE_STEP: Final = 2.0
"""Phase change between neighbouring frequencies, in rad, above which a root so close to the real
frequencies is present that the truncated dynamics decays more slowly than the record is long."""

POINTS_PER_RECORD: Final = 2.0
"""Frequencies of the stability test per inverse record length."""

MOST_FREQUENCIES: Final = 200_000
"""Frequencies of the stability test at most; only a kernel that grows, or is noise, needs more."""


@dataclass(frozen=True)
class CutoffScan:
    """Diffusion constant for every cutoff time of the kernel.

    Attributes:
        cutoff_fs: cutoff times in fs, (times,).
        D: diffusion constant in the unit of C times fs, (times,); NaN where not stable.
        stable: whether the truncated dynamics decays within the record, (times,).
        growing_modes: number of modes of the truncated dynamics that grow, (times,), not counting
            one that neither grows nor decays to rounding.
    """

    cutoff_fs: FloatArray
    D: FloatArray
    stable: NDArray[np.bool_]
    growing_modes: NDArray[np.int64]


def cutoff_scan(kernel: MemoryKernel) -> CutoffScan:
    """Diffusion constant from the kernel, (times,), nine or more, cut at every stored time.

    A cutoff counts as stable if no mode of the truncated dynamics grows and none lies so close to
    growth that the record could not tell.

    Raises:
        ValueError: if the kernel has fewer than nine times, or is too large for its record.

    Source:
        D: integral of the truncated equation of motion over all positive times. Stability: argument
        principle for z - drift + integral up to the cutoff of K(s) exp(-z s) ds, whose zeros with
        positive real part are the growing modes; they are counted by the winding of its phase along
        the imaginary axis.
    """
    return scan_cutoffs(
        kernel.time_fs,
        np.array([kernel.drift]),
        kernel.K[:, None],
        kernel.integral[:, None],
        closed_form_D(kernel),
    )


def scan_cutoffs(
    time_fs: FloatArray,
    drift: ComplexArray,
    K: ComplexArray,
    integral: ComplexArray,
    closed_form: FloatArray,
) -> CutoffScan:
    """Keep the diffusion constants of those cutoffs whose dynamics is stable.

    The dynamics is one equation of order m for C, with a drift, (m,), and a kernel and its
    integral, (times, m), for C itself and for each of its derivatives below the m-th: d^m C/dt^m =
    sum over b of drift_b d^b C/dt^b - integral of K_b(s) d^b C(t - s)/dt^b ds. closed_form is D for
    every cutoff as if all were stable.

    Source:
        Argument principle for z^m + sum over b of z^b [k_b(z) - drift_b], where k_b is the integral
        up to the cutoff of K_b(s) exp(-z s) ds; see cutoff_scan, also for what is raised.
    """
    growing, unresolved = _growing_modes(time_fs, drift, K, integral)
    stable = (growing == 0) & ~unresolved
    return CutoffScan(time_fs, np.where(stable, closed_form, np.nan), stable, growing)


def _growing_modes(
    time_fs: FloatArray, drift: ComplexArray, K: ComplexArray, integral: ComplexArray
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    times, order = K.shape
    # By parts: the transform of K up to the cutoff is that of its integral M times i omega, plus
    # the boundary term. M stays smooth where K may diverge.
    series = [make_series(time_fs, integral[:, b], K[:, b], name="K") for b in range(order)]
    step = series[0].step
    ends = np.array([[s.values, s.first, s.second] for s in series])
    # Fujiwara's bound on the zeros: beyond it the leading term outweighs all others, so no phase
    # can be missed.
    sizes = np.abs(drift) + np.sum(np.abs(K), axis=0) * step
    largest = 2.0 * float(np.max(sizes ** (1.0 / np.arange(order, 0, -1))))
    spacing = 1.0 / (POINTS_PER_RECORD * float(time_fs[-1]))
    if 2.0 * largest / spacing > MOST_FREQUENCIES:
        raise ValueError(
            f"the memory kernel reaches {float(np.max(np.abs(K))):.3g}, so large that no cutoff "
            f"can be tested for stability at time steps of {step:g} fs: it grows with time, or is "
            "noise of numerical derivatives; project on fewer variables or use exact derivatives"
        )
    points = 2 * int(np.ceil(largest / spacing)) + 1
    omega = np.linspace(-largest, largest, points)
    weights = panel_weights(-omega * step, step)
    powers = (1j * omega) ** np.arange(order + 1)[:, None]
    transform = np.zeros((order, points), dtype=np.complex128)
    growing = np.zeros(times, dtype=np.int64)
    unresolved = np.zeros(times, dtype=np.bool_)
    for n in range(times):
        phase = np.exp(-1j * omega * time_fs[n])
        coefficients = 1j * omega * transform + np.outer(integral[n], phase) - drift[:, None]
        characteristic = powers[order] + np.sum(powers[:order] * coefficients, axis=0)
        turns = np.angle(characteristic[1:] * np.conj(characteristic[:-1]))
        # a zero on the axis, as that of the drift alone, is on either side by rounding
        on_axis = _closest_to_zero(characteristic) < ON_AXIS * spacing**order
        if not on_axis:
            growing[n] = round(0.5 * order - float(np.sum(turns)) / (2.0 * np.pi))
        unresolved[n] = on_axis or float(np.max(np.abs(turns))) > LARGEST_PHASE_STEP
        if n + 1 < times:
            panel = ends[:, :, n] @ weights[:3] + ends[:, :, n + 1] @ weights[3:]
            transform += phase * panel
    return growing, unresolved


def _closest_to_zero(curve: ComplexArray) -> float:
    """Distance of the origin from the chords between neighbouring points of a curve."""
    chords = np.diff(curve)
    along = -np.real(np.conj(chords) * curve[:-1])
    lengths = np.maximum(np.abs(chords) ** 2, np.finfo(np.float64).tiny)
    return float(np.min(np.abs(curve[:-1] + np.clip(along / lengths, 0.0, 1.0) * chords)))
