"""Complex frequency-dependent mobility from the Kubo-transformed correlation function."""

import numpy as np
from numpy.typing import ArrayLike

from smallpolaron.analysis._checks import ComplexArray
from smallpolaron.analysis.hermite import Series, half_line_transform
from smallpolaron.model.units import mobility_cm2


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
