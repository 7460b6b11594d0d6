"""Complex frequency-dependent mobility from the Kubo-transformed correlation function."""

import numpy as np
from numpy.typing import ArrayLike

from smallpolaron.analysis._checks import ComplexArray, FloatArray, positive, uniform_times
from smallpolaron.analysis.hermite import half_line_transform, make_series
from smallpolaron.model.units import mobility_cm2


def ac_mobility(
    time_fs: ArrayLike,
    C_kubo: ArrayLike,
    omega: ArrayLike,
    temperature_K: float,
    dC_kubo: ArrayLike | None = None,
    d2C_kubo: ArrayLike | None = None,
) -> ComplexArray:
    """Complex AC mobility; the conductivity is this times charge and carrier density.

    Args:
        time_fs: evenly spaced times from zero in fs, (times,).
        C_kubo: Kubo-transformed current autocorrelation function in angstrom^2/fs^2, (times,),
            real; it should have decayed at the last time.
        omega: angular frequencies in rad/fs, (frequencies,), either sign.
        temperature_K: temperature in K, above zero.
        dC_kubo: first derivative (times,), angstrom^2/fs^3; None for finite differences.
        d2C_kubo: second derivative (times,), angstrom^2/fs^4; None for finite differences.

    Returns:
        Mobility in cm^2/(V s), complex, (frequencies,); its real part at zero frequency is the DC
        mobility. Error of order step**6 at fixed frequency.

    Raises:
        ValueError: if an input is malformed, or C_kubo is complex.

    Source:
        Kubo formula: the mobility is beta times the integral of C_kubo(t) exp(i omega t) over
        positive times (Bhattacharyya, Sayer, Montoya-Castillo, Chem. Sci. 2024, eq. 3).
    """
    if np.iscomplexobj(C_kubo):
        raise ValueError(
            "C_kubo is complex: pass the Kubo transform, which is real, not C_JJ itself; "
            "kubo_transform makes one from the other"
        )
    series = make_series(time_fs, C_kubo, dC_kubo, d2C_kubo, name="C_kubo")
    scale = mobility_cm2(1.0, temperature_K)
    return np.asarray(scale * half_line_transform(series, omega), dtype=np.complex128)


def frequencies(time_fs: ArrayLike, maximum: float, points: int = 400) -> FloatArray:
    """Evenly spaced frequencies from zero for a plot or table.

    Args:
        time_fs: times of the correlation function in fs, (times,).
        maximum: highest angular frequency in rad/fs.
        points: number of frequencies, at least 2.

    Returns:
        Angular frequencies in rad/fs, (points,).

    Raises:
        ValueError: if the maximum is not positive or above the sampling limit pi/step, or there
            are fewer than two points.
    """
    _, step = uniform_times(time_fs, 2)
    limit = np.pi / step
    if positive("maximum", maximum) > limit:
        raise ValueError(
            f"maximum = {maximum} rad/fs: times {step} fs apart resolve up to {limit:.4g} rad/fs; "
            "lower the maximum or sample more finely"
        )
    if points < 2:
        raise ValueError(f"points = {points}: must be 2 or more")
    return np.linspace(0.0, maximum, points)
