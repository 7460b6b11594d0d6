"""Anyone's correlation function: a table of C(t) read, judged and brought to one unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from smallpolaron.own_data.table_checks import (
    Times,
    conjugate_faults,
    derivative_faults,
    function_faults,
    read_times,
    unit_faults,
    unit_suspicions,
)
from smallpolaron.support.problems import MISSING, Problem
from smallpolaron.tables.names import ARBITRARY, RawTable, TableError, spelt_unit, unknown_unit
from smallpolaron.tables.read import read_table
from smallpolaron.tables.schemas import C_UNITS, CORRELATION, TIME_UNITS

Kind = Literal["quantum", "classical"]
ComplexArray = NDArray[np.complex128]


@dataclass(frozen=True)
class CorrelationTable:
    """A correlation function fit for analysis.

    Attributes:
        time_fs: even times from 0, fs, (times,).
        C: correlation function, angstrom^2/fs^2, (times,); with a scale of its own divided by C(0).
        dC: its first derivative per fs, (times,), or None.
        d2C: its second derivative per fs^2, (times,), or None.
        temperature_K: temperature, K.
        kind: quantum: complex, C(-t) = C(t)*; classical: real, in place of the Kubo transform.
        is_absolute: whether the unit of C is known, so that D and the mobility have a value.
        rounding: largest rounding of C as it was stored, relative to C(0).
        remarks: what had to be assumed when the file was read.
    """

    time_fs: NDArray[np.float64]
    C: ComplexArray
    dC: ComplexArray | None
    d2C: ComplexArray | None
    temperature_K: float
    kind: Kind
    is_absolute: bool
    rounding: float
    remarks: tuple[str, ...] = ()


def read_correlation_table(
    path: str | Path,
    temperature_K: float | None = None,
    *,
    kind: Kind = "quantum",
    unit: str | None = None,
    columns: Sequence[str] | None = None,
) -> CorrelationTable:
    """Read a table of C(t): text, HDF5, .npy or .npz; docs/own-data.md describes them.

    Args:
        path: file to read.
        temperature_K: temperature in K; None if the file holds it.
        kind: quantum for a complex function of time, classical for a real one.
        unit: unit of C where the file does not say it, such as ``angstrom^2/fs^2``; without one
            only the shape of C is used.
        columns: names of the columns where the file has none.

    Returns:
        CorrelationTable, on the even times that the stored ones stand for.

    Raises:
        TableError: everything that is wrong with the file, each with its place, what is allowed
            and what to do.
    """
    table = read_table(Path(path), CORRELATION, columns)
    T, unit = _settled(table, temperature_K, unit)
    times = read_times(table)
    problems = times if isinstance(times, list) else list(unit_faults(times, T))
    problems += function_faults(table, kind == "classical")
    if problems or isinstance(times, list):
        raise TableError(table.source, problems)
    return _converted(table, times, T, kind, unit)


def _settled(table: RawTable, temperature_K: float | None, unit: str | None) -> tuple[float, str]:
    """Return temperature and unit of C from what the file and the user say."""
    problems = []
    T = table.temperature_K if temperature_K is None else temperature_K
    if T is None:
        advice = "pass --temperature-K"
        problems.append(Problem("temperature_K", MISSING, "must be a number > 0, in K", advice))
    elif not (math.isfinite(T) and T > 0.0):
        problems.append(Problem("temperature_K", T, "must be a finite number > 0, in K"))
    elif table.temperature_K not in (None, T):
        allowed = f"the file says {table.temperature_K:g} K, --temperature-K {T:g} K"
        problems.append(Problem("", None, allowed, "leave --temperature-K out, or correct it"))
    written = table.units.get("C", "")
    given = spelt_unit(unit) if unit else written
    given = given if given in ("", *C_UNITS, ARBITRARY) else None
    if given is None:
        problems.append(unknown_unit("--unit", str(unit), (*C_UNITS, ARBITRARY)))
    elif written not in ("", given):
        allowed = f"the file says C is in {written}, --unit {given}"
        problems.append(Problem("", None, allowed, "leave --unit out, or correct the file"))
    if problems or T is None or given is None:
        raise TableError(table.source, problems)
    return T, given or ARBITRARY


def _converted(
    table: RawTable, time_fs: Times, temperature_K: float, kind: Kind, unit: str
) -> CorrelationTable:
    start = float(table.columns["C_real"].values[0])
    scale = C_UNITS.get(unit, 1.0 / start)
    per_fs = 1.0 / TIME_UNITS[table.units["time"]]
    C = scale * table.complex("C")
    dC = scale * per_fs * table.complex("dC") if "dC_real" in table.columns else None
    d2C = scale * per_fs**2 * table.complex("d2C") if "d2C_real" in table.columns else None
    problems = list(derivative_faults(time_fs, C, dC, "C"))
    if dC is not None:
        problems += derivative_faults(time_fs, dC, d2C, "dC")
    if kind == "quantum":
        problems += conjugate_faults(time_fs, C, temperature_K)
    if problems:
        raise TableError(table.source, problems)
    doubts = unit_suspicions(time_fs, C, temperature_K) if kind == "quantum" else ()
    parts = [table.columns[name] for name in ("C_real", "C_imag") if name in table.columns]
    return CorrelationTable(
        time_fs=time_fs,
        C=C,
        dC=dC,
        d2C=d2C,
        temperature_K=temperature_K,
        kind=kind,
        is_absolute=unit != ARBITRARY,
        rounding=max(float(np.max(part.rounding)) for part in parts) / start,
        remarks=(*table.remarks, *doubts),
    )
