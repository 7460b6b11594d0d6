"""Tables that describe a bath: J(w), C(t) and trajectories, read and turned into J(w) in cm^-1.

The names of the columns say the units, so that none is guessed.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from smallpolaron.model.baths.bath_data import (
    EXACT,
    QuantumCorrection,
    from_correlation,
    from_trajectory,
)
from smallpolaron.model.baths.sampled_density import TabulatedBath
from smallpolaron.model.units import CM_TO_RAD_FS
from smallpolaron.support.unavailable import Unreadable
from smallpolaron.tables.names import TableError
from smallpolaron.tables.read import read_table
from smallpolaron.tables.schemas import (
    BATH_CORRELATION,
    DENSITY,
    ENERGY_UNITS,
    FREQUENCY_UNITS,
    SQUARE_UNITS,
    TIME_UNITS,
    TRAJECTORY,
)

TableKind = Literal["table", "correlation", "trajectory"]
Rows = tuple[tuple[float, ...], tuple[float, ...]]
"""Frequencies and J, cm^-1."""

_LAYOUT: Final = {
    "table": (DENSITY, "omega_cm,J_cm or omega_meV,J_meV"),
    "correlation": (
        BATH_CORRELATION,
        "t_fs,re_cm2,im_cm2 or t_fs,re_meV2,im_meV2, without im where C(t) is classical",
    ),
    "trajectory": (TRAJECTORY, "t_fs and one column per site whose name ends in _cm or _meV"),
}
_MOST_ROWS: Final = 1_000_000
_MOST_BYTES: Final = 2**28
"""Size of a trajectory, which is as long as its noise demands."""
_LAST_CM: Final = (5.0, 200_000.0)
_ENERGY_CM: Final = (1e-3, 50_000.0)
"""Last frequency and reorganisation energy, cm^-1, beyond which units must be wrong."""
_LARGE_CM: Final = 5000.0
"""Reorganisation energy, cm^-1, from which units may be wrong."""


def read_bath(
    path: str | Path,
    kind: TableKind,
    temperature_K: float | None = None,
    quantum_correction: QuantumCorrection | None = None,
) -> Rows:
    """Read a table and return J(w).

    Args:
        path: a table as every command reads it; see docs/baths.md.
        kind: what it holds.
        temperature_K: temperature of a C(t) or trajectory, K.
        quantum_correction: how a classical one becomes J(w).

    Raises:
        ValueError: it cannot be read, or is not a bath; the message says why and what to do.
    """
    try:
        stamp = Path(path).stat()
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror}); paths start where you are") from error
    changed = (stamp.st_mtime_ns, stamp.st_size)
    return _read(str(path), changed, kind, temperature_K, quantum_correction)


@lru_cache(maxsize=64)
def _read(
    path: str,
    changed: tuple[int, int],
    kind: TableKind,
    temperature_K: float | None,
    quantum_correction: QuantumCorrection | None,
) -> Rows:
    schema, header = _LAYOUT[kind]
    try:
        table = read_table(Path(path), schema, most_rows=_MOST_ROWS, most_bytes=_MOST_BYTES)
    except TableError as error:
        said = "; ".join(problem.text(Path(path).name) for problem in error.problems[:3])
        raise ValueError(f"cannot be used ({said}); the header must be {header}") from error
    except Unreadable as error:
        raise ValueError(str(error)) from error
    values = {key: column.values for key, column in table.columns.items()}
    if kind == "table":
        omega = FREQUENCY_UNITS[table.units["frequency"]] / CM_TO_RAD_FS * values["frequency"]
        return checked_rows(omega, ENERGY_UNITS[table.units["J"]] * values["J"])
    t = TIME_UNITS[table.units["time"]] * values.pop("time")
    if kind == "correlation":
        C = SQUARE_UNITS[table.units["C"]] * table.complex("C")
        return correlation_rows(t, C, temperature_K, quantum_correction)
    energies = ENERGY_UNITS[table.units["energy"]] * np.array(list(values.values()))
    return trajectory_rows(t, energies, temperature_K, quantum_correction)


def checked_rows(omega_cm: NDArray[np.float64], J_cm: NDArray[np.float64]) -> Rows:
    """Return the rows of a table of J(w) in cm^-1 that is a spectral density.

    Raises:
        ValueError: it is not one, or its units must be wrong.
    """
    rows = (tuple(map(float, omega_cm)), tuple(map(float, J_cm)))
    bath = tabulated(rows)
    energy = bath.reorganisation_energy / CM_TO_RAD_FS
    for name, value, (low, high) in (
        ("the last frequency", rows[0][-1], _LAST_CM),
        ("the reorganisation energy (1/pi) int J/w dw", energy, _ENERGY_CM),
    ):
        if not low <= value <= high:
            raise ValueError(
                f"{name} is {value:.3g} cm^-1, outside {low:g} to {high:g}: both columns must be "
                "in cm^-1 (or meV, named so), not in eV, rad/fs, THz or hartree"
            )
    if energy > _LARGE_CM:
        warnings.warn(
            f"the reorganisation energy (1/pi) int J/w dw of a table is {energy:.3g} cm^-1, above "
            f"{_LARGE_CM:g}, where few materials are: check its units",
            stacklevel=2,
        )
    return rows


def tabulated(rows: Rows) -> TabulatedBath:
    """Return the bath of a table in internal units."""
    omega, J = (tuple(value * CM_TO_RAD_FS for value in column) for column in rows)
    return TabulatedBath(omega, J)


def correlation_rows(
    time_fs: NDArray[np.float64],
    correlation_cm2: NDArray[np.complex128],
    temperature_K: float | None,
    quantum_correction: QuantumCorrection | None,
    error: float = EXACT,
) -> Rows:
    """Return J(w) in cm^-1 of a C(t) in cm^-2; see model.bath_data.from_correlation."""
    temperature = _temperature(temperature_K)
    c = np.asarray(correlation_cm2 * CM_TO_RAD_FS**2, dtype=np.complex128)
    return _rows(from_correlation(time_fs, c, temperature, quantum_correction, error))


def trajectory_rows(
    time_fs: NDArray[np.float64],
    energies_cm: NDArray[np.float64],
    temperature_K: float | None,
    quantum_correction: QuantumCorrection | None,
) -> Rows:
    """Return J(w) in cm^-1 of energies in cm^-1; see model.bath_data.from_trajectory."""
    if quantum_correction is None:
        raise ValueError("comes from classical dynamics: name quantum_correction")
    temperature = _temperature(temperature_K)
    values = np.asarray(energies_cm, dtype=float) * CM_TO_RAD_FS
    return _rows(from_trajectory(time_fs, values, temperature, quantum_correction))


def _temperature(given: float | None) -> float:
    if given is None:
        raise ValueError("belongs to a temperature: give it, in K")
    return given


def _rows(bath: TabulatedBath) -> Rows:
    columns = (np.array(column) / CM_TO_RAD_FS for column in (bath.omega, bath.J))
    omega, J = ([float(f"{value:.6g}") for value in column] for column in columns)
    return checked_rows(np.array(omega), np.array(J))
