"""Diffusion constant and mobility, DC from the time integral and AC from the Kubo transform."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from smallpolaron.analysis._checks import ComplexArray, FloatArray
from smallpolaron.analysis.hermite import Series, cumulative_integral, half_line_transform
from smallpolaron.model.units import mobility_cm2, paper_units

TAIL_FRACTION: Final = 0.1
"""Share of the record, at its end, over which the remaining drift is measured."""

DECAYED: Final = 1e-3
"""Share of the largest |Re C| below which an end that no longer decays is small enough to bound."""


@dataclass(frozen=True)
class Mobility:
    """Transport coefficients of one correlation function.

    Attributes:
        D_running: integral of Re C from zero to every time, angstrom^2/fs, (times,).
        D_A2_fs: diffusion constant, the last value of D_running, angstrom^2/fs.
        D_error_record_A2_fs: larger of the drift of D_running over the last tenth of the record and
            the estimated integral beyond its end, angstrom^2/fs; infinite if C does not decay.
        D_paper: D in the unit of the reference papers, 2 D/bohr^2.
        mobility_cm2: DC mobility in cm^2/(V s).
    """

    D_running: FloatArray
    D_A2_fs: float
    D_error_record_A2_fs: float
    D_paper: float
    mobility_cm2: float


def mobility(C: Series, temperature_K: float) -> Mobility:
    """Diffusion constant and DC mobility, with what the end of the record leaves open.

    Args:
        C: correlation function in angstrom^2/fs^2, complex or real, at least 20 times.
        temperature_K: temperature in K, above zero.

    Raises:
        ValueError: if there are fewer than 20 times, or the temperature is not positive.

    Source:
        Green-Kubo relation: D is the integral of Re C over positive times; mobility_cm2 has the
        Einstein relation.
    """
    if C.time_fs.size < 20:
        raise ValueError(
            f"time_fs has {C.time_fs.size} points: the drift at the end of the record needs "
            "20 or more; store more points"
        )
    running = np.asarray(cumulative_integral(C).real)
    window = max(2, round(TAIL_FRACTION * running.size))
    D = float(running[-1])
    drift = float(np.max(np.abs(running[-window:] - D)))
    tail = _tail_bound(np.abs(C.values.real), window, C.step)
    return Mobility(
        D_running=running,
        D_A2_fs=D,
        D_error_record_A2_fs=max(drift, tail),
        D_paper=paper_units(D),
        mobility_cm2=mobility_cm2(D, temperature_K),
    )


def _tail_bound(magnitude: FloatArray, window: int, step: float) -> float:
    """Integral of an exponential envelope through the peaks of the last two windows.

    If C does not decay over these, its last size is taken to persist for another record, or, above
    DECAYED of the maximum, the bound is infinite.
    """
    last = float(np.max(magnitude[-window:]))
    before = float(np.max(magnitude[-2 * window : -window]))
    if last == 0.0:
        return 0.0
    if last >= before:
        is_small = last <= DECAYED * float(np.max(magnitude))
        return last * step * magnitude.size if is_small else float("inf")
    return last * window * step / float(np.log(before / last))


def ac_mobility(C_kubo: Series, omega: ArrayLike, temperature_K: float) -> ComplexArray:
    """Complex AC mobility; the conductivity is this times charge and carrier density.

    Args:
        C_kubo: Kubo-transformed current autocorrelation function in angstrom^2/fs^2; it should
            have decayed at the last time.
        omega: angular frequencies in rad/fs, (frequencies,), either sign.
        temperature_K: temperature in K, above zero.

    Returns:
        Mobility in cm^2/(V s), complex, (frequencies,); its real part at zero frequency is the DC
        mobility. Error of order step**6 at fixed frequency.

    Raises:
        ValueError: if a frequency is not finite, or C_kubo is complex.

    Source:
        Kubo formula: the mobility is beta times the integral of C_kubo(t) exp(i omega t) over
        positive times (Bhattacharyya, Sayer, Montoya-Castillo, Chem. Sci. 2024, eq. 3).
    """
    if np.any(C_kubo.values.imag):
        raise ValueError(
            "C_kubo is complex: pass the Kubo transform, which is real, not C_JJ itself; "
            "kubo_transform makes one from the other"
        )
    return mobility_cm2(1.0, temperature_K) * half_line_transform(C_kubo, omega)
