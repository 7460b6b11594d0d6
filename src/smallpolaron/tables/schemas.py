"""What the tables of every command hold: the quantities, their names in files, and units.

docs/own-data.md, docs/inverse.md and docs/baths.md list them.
"""

from __future__ import annotations

from typing import Final

from smallpolaron.model.units import CM_TO_RAD_FS, MEV_TO_CM, RAD_FS_PER_THZ
from smallpolaron.tables.names import ANGULAR, ARBITRARY, Quantity, Schema

TIME_UNITS: Final = {"fs": 1.0, "ps": 1000.0}
"""Accepted units of time, in fs."""

C_UNITS: Final = {"angstrom^2/fs^2": 1.0, "angstrom^2/ps^2": 1e-6, "nm^2/ps^2": 1e-4}
"""Accepted absolute units of C, in angstrom^2/fs^2."""

FREQUENCY_UNITS: Final = {
    "THz": RAD_FS_PER_THZ,
    "GHz": 1e-3 * RAD_FS_PER_THZ,
    "Hz": 1e-12 * RAD_FS_PER_THZ,
    "cm^-1": CM_TO_RAD_FS,
    "meV": MEV_TO_CM * CM_TO_RAD_FS,
    "eV": 1e3 * MEV_TO_CM * CM_TO_RAD_FS,
    "rad/fs": 1.0,
    "rad/ps": 1e-3,
    "rad/s": 1e-15,
}
"""Accepted units of frequency, in rad/fs."""

SIGMA_UNITS: Final = {"S/cm": 1.0, "S/m": 0.01, "kS/m": 10.0, "mS/cm": 1e-3}
"""Units of a conductivity that are converted into each other, in S/cm; any other is kept."""

ENERGY_UNITS: Final = {"cm^-1": 1.0, "meV": MEV_TO_CM}
"""Units of energies of a bath, in cm^-1."""

SQUARE_UNITS: Final = {"cm^-2": 1.0, "meV^2": MEV_TO_CM**2}
"""Units of their correlation functions, in cm^-2."""

_TIME: Final = Quantity(
    *("time", ("time", "t", "zeit", "temps", "tiempo", "tempo"), tuple(TIME_UNITS)),
    needed=True,
    needs_unit=True,
)
_FREQUENCY: Final = Quantity(
    "frequency",
    (
        *("frequency", "freq", "f", "nu", "frequenz", "energy", "e", "photon_energy"),
        *("frequence", "frecuencia", "frequencia", "frequenza"),
        *("energie", "wavenumber", "wellenzahl", *ANGULAR),
    ),
    tuple(FREQUENCY_UNITS),
    needed=True,
    needs_unit=True,
)
_C_UNITS: Final = (*C_UNITS, ARBITRARY)
_SIGMA_UNITS: Final = (*SIGMA_UNITS, ARBITRARY)

CORRELATION: Final[Schema] = (
    _TIME,
    Quantity(
        "C",
        (
            *("c", "c_jj", "c_t", "c_jj_t", "cjj", "cjj_t", "jj", "j_t_j_0", "j_t_j", "v_t_v_0"),
            *("acf", "vacf", "correlation", "correlation_function"),
        ),
        _C_UNITS,
        has_parts=True,
        needed=True,
    ),
    Quantity("dC", ("dc", "dc_jj"), has_parts=True),
    Quantity("d2C", ("d2c", "d2c_jj"), has_parts=True),
)
"""A correlation function; see docs/own-data.md."""

CONDUCTIVITY: Final[Schema] = (
    _FREQUENCY,
    Quantity(
        "sigma",
        (
            *("sigma", "conductivity", "leitfahigkeit", "leitfaehigkeit", "sigma_w", "sigma_omega"),
            *("conductivite", "conductividad", "condutividade", "conducibilita", "conduttivita"),
            *("photoconductivity", "sheet_conductivity", "delta_sigma", "δ_sigma"),
        ),
        _SIGMA_UNITS,
        has_parts=True,
        needed=True,
        keeps_unit=True,
    ),
    Quantity(
        "error",
        (
            *("error", "err", "std", "stderr", "standard_error", "uncertainty", "fehler"),
            *("sd", "standard_deviation", "standardabweichung", "unsicherheit", "ecart_type"),
            *("erreur", "incertitude"),
            *("sigma_error", "error_sigma", "sigma_err", "sigma_std", "dsigma", "d_sigma"),
        ),
        _SIGMA_UNITS,
        has_parts=True,
        keeps_unit=True,
    ),
)
"""A complex conductivity; see docs/inverse.md."""

MEASURED: Final[Schema] = (
    Quantity("quantity", ("quantity", "name"), needed=True, is_text=True),
    Quantity("value", ("value", "wert"), needed=True),
    Quantity("error", ("error", "err", "std", "standard_error", "fehler"), needed=True),
)
"""Measured quantities; see docs/inverse.md."""

_ENERGY: Final = (tuple(ENERGY_UNITS), False, True, True)

DENSITY: Final[Schema] = (
    _FREQUENCY,
    Quantity("J", ("j", "j_w", "j_omega", "density", "spectral_density"), *_ENERGY),
)
"""A spectral density; this and the next two: see docs/baths.md."""

BATH_CORRELATION: Final[Schema] = (
    _TIME,
    Quantity(
        *("C", ("c", "correlation"), tuple(SQUARE_UNITS)),
        has_parts=True,
        needed=True,
        needs_unit=True,
    ),
)
"""A correlation function of site energies."""

TRAJECTORY: Final[Schema] = (_TIME, Quantity("energy", (), *_ENERGY, is_any=True))
"""Site energies along a trajectory, a column of any name for each site."""
