"""Units: internally hbar = 1, energies and rates in rad/fs, times in fs, lengths in angstrom.

Wavenumbers, kelvin and cm^2/(V s) appear only where data enter or leave the program.
"""

import math
from typing import Final

# The SI defines these four; typed, because importing scipy.constants would take a third of a
# second of every job.
_LIGHT_CM_S: Final = 2.99792458e10
_PLANCK_J_S: Final = 6.62607015e-34
_BOLTZMANN_J_K: Final = 1.380649e-23
_CHARGE_C: Final = 1.602176634e-19

SECONDS_PER_FS: Final[float] = 1e-15
CM2_S_PER_A2_FS: Final[float] = 1e-8**2 / SECONDS_PER_FS
"""cm^2/s in one angstrom^2/fs (0.1)."""

CM_TO_RAD_FS: Final[float] = 2.0 * math.pi * _LIGHT_CM_S * SECONDS_PER_FS
"""Angular frequency in rad/fs of one cm^-1; with hbar = 1 also its energy."""

RAD_FS_PER_THZ: Final[float] = 2.0e-3 * math.pi
"""Angular frequency in rad/fs of one THz."""

MEV_TO_CM: Final[float] = 8.065543937
"""cm^-1 in one meV: the elementary charge over h c."""

KB_CM: Final[float] = _BOLTZMANN_J_K / (_PLANCK_J_S * _LIGHT_CM_S)
"""Boltzmann constant in cm^-1 per K."""

KB_RAD_FS: Final[float] = _BOLTZMANN_J_K / (_PLANCK_J_S / (2.0 * math.pi)) * SECONDS_PER_FS
"""Boltzmann constant over hbar in rad/fs per K."""

BOHR_A: Final[float] = 0.529177210903
"""Bohr radius in angstrom (CODATA 2018)."""


def _checked_temperature(temperature_K: float) -> float:
    if not (math.isfinite(temperature_K) and temperature_K > 0.0):
        raise ValueError(
            f"temperature_K = {temperature_K}: must be a finite number above 0 K; "
            "give the temperature in kelvin"
        )
    return float(temperature_K)


def thermal_energy(temperature_K: float) -> float:
    """Thermal energy k_B T.

    Args:
        temperature_K: temperature in K, above zero.

    Returns:
        k_B T / hbar in rad/fs.

    Raises:
        ValueError: if the temperature is not finite and positive.
    """
    return KB_RAD_FS * _checked_temperature(temperature_K)


def beta(temperature_K: float) -> float:
    """Inverse thermal energy.

    Args:
        temperature_K: temperature in K, above zero.

    Returns:
        hbar / (k_B T) in fs/rad.

    Raises:
        ValueError: if the temperature is not finite and positive.
    """
    return 1.0 / thermal_energy(temperature_K)


def mobility_cm2(D_A2_fs: float, temperature_K: float) -> float:
    """Mobility of one elementary charge from its diffusion constant.

    Args:
        D_A2_fs: diffusion constant in angstrom^2/fs.
        temperature_K: temperature in K, above zero.

    Returns:
        Mobility in cm^2/(V s).

    Raises:
        ValueError: if the temperature is not finite and positive.

    Source:
        Einstein relation: the mobility is e0 times D over k_B T.
    """
    thermal_volts = _BOLTZMANN_J_K * _checked_temperature(temperature_K) / _CHARGE_C
    return CM2_S_PER_A2_FS * D_A2_fs / thermal_volts


def paper_units(D_A2_fs: float) -> float:
    """Diffusion constant as the number printed in the two reference papers.

    Args:
        D_A2_fs: diffusion constant in angstrom^2/fs.

    Returns:
        2 D / a_0^2 per fs, with a_0 the Bohr radius.

    Source:
        Bhattacharyya, Sayer, Montoya-Castillo, Chem. Sci. 2024, 15, 16715: the printed mobilities
        are the integral of C_JJ over all times, negative and positive, with lengths in bohr.
    """
    return 2.0 * D_A2_fs / BOHR_A**2
