"""Measurements in tables: a complex conductivity with its noise, or quantities with errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.analysis.fits.measured_conductivity import Noise, judged_noise
from smallpolaron.analysis.memory.kernel_moments import FEWEST_FREQUENCIES
from smallpolaron.model.units import RAD_FS_PER_THZ
from smallpolaron.support.key_names import nearest
from smallpolaron.support.problems import Problem, show
from smallpolaron.tables.names import RawTable, TableError, refuse
from smallpolaron.tables.read import read_table
from smallpolaron.tables.schemas import CONDUCTIVITY, FREQUENCY_UNITS, MEASURED, SIGMA_UNITS

USUAL_THZ: Final = (0.05, 150.0)
"""Range in which the last frequency of a conductivity of carriers lies; 1 rad/fs is 159 THz."""

NEGATIVE: Final = 5.0
"""Re sigma below zero by as many errors casts doubt on the table."""


@dataclass(frozen=True)
class ConductivityTable:
    """A measured complex conductivity.

    Attributes:
        source: name of the file.
        omega: increasing angular frequencies in rad/fs, (rows,).
        sigma: complex conductivity for exp(-i omega t), in ``unit``, (rows,).
        noise: its standard errors.
        unit: unit of sigma as the file has it; may be empty.
        remarks: what was assumed and what is suspected.
    """

    source: str
    omega: NDArray[np.float64]
    sigma: NDArray[np.complex128]
    noise: Noise
    unit: str
    remarks: tuple[str, ...]


def read_conductivity(
    path: Path, columns: Sequence[str] | None = None, *, conjugate: bool = False
) -> ConductivityTable:
    """Read frequencies, a complex conductivity and its errors, if any; see docs/inverse.md.

    Raises:
        TableError: as read_table; fewer than eight rows, frequencies that are negative or out of
            order, vanishing conductivities, errors that are negative or partly zero.
    """
    table = read_table(path, CONDUCTIVITY, columns)
    order, problems = _order(table)
    problems += list(_faults(table))
    if problems:
        raise TableError(table.source, problems)
    scale = FREQUENCY_UNITS[table.units["frequency"]]
    omega = scale * table.columns["frequency"].values[order]
    sigma = table.complex("sigma")[order]
    sigma = sigma.conj() if conjugate else sigma
    parts = (table.columns[f"sigma_{part}"].rounding for part in ("real", "imag"))
    rounding = max(float(np.median(part)) for part in parts)
    error = _error(table)
    try:
        noise = judged_noise(omega, sigma, None if error is None else error[order], rounding)
    except ValueError as fault:
        raise refuse(path, str(fault), "correct the table") from fault
    remarks = [*table.remarks, noise.text, *_suspicions(table, omega, sigma, noise)]
    if conjugate:
        remarks.append("the sign of the imaginary part was changed as asked")
    unit = table.units.get("sigma", "")
    return ConductivityTable(table.source, omega, sigma, noise, unit, tuple(remarks))


def _order(table: RawTable) -> tuple[slice, list[Problem]]:
    """Return how to sort the rows by frequency, and those that are out of order."""
    frequency = table.columns["frequency"].values
    if frequency.size < FEWEST_FREQUENCIES:
        allowed = f"{frequency.size} rows of numbers; at least {FEWEST_FREQUENCIES} are needed"
        return slice(None), [Problem("", None, allowed, "give more of the spectrum")]
    falls = bool(np.median(np.diff(frequency)) < 0.0)
    steps = -np.diff(frequency) if falls else np.diff(frequency)
    text = f"must {'fall' if falls else 'rise'} from row to row"
    advice = "sort the rows; keep each once"
    problems = [
        table.problem("frequency", int(row), text, advice)
        for row in np.flatnonzero(steps <= 0.0) + 1
    ]
    problems += [
        table.problem("frequency", int(row), "must not be negative", "remove the row")
        for row in np.flatnonzero(frequency < 0.0)
    ]
    return slice(None, None, -1) if falls else slice(None), problems


def _faults(table: RawTable) -> Iterator[Problem]:
    if "sigma_imag" not in table.columns:
        advice = "add sigma_imag; the real part alone does not determine a model"
        yield Problem("", None, "has no imaginary part of the conductivity", advice)
        return
    both = table.columns["sigma_real"].values, table.columns["sigma_imag"].values
    for row in np.flatnonzero((both[0] == 0.0) & (both[1] == 0.0)):
        allowed = "the conductivity is 0, and the kernel is its inverse"
        yield table.problem("sigma_real", int(row), allowed, "remove the row")
    for key in ("error_real", "error_imag"):
        if key in table.columns:
            for row in np.flatnonzero(table.columns[key].values < 0.0):
                yield table.problem(key, int(row), "is negative", "give a standard error > 0")
    units = {table.units.get(key, "") for key in ("sigma", "error")} - {""}
    if len(units) > 1 and not units <= SIGMA_UNITS.keys():
        allowed = f"conductivity and error are in {' and '.join(sorted(units))}"
        yield Problem("", None, allowed, "give both in one unit")


def _error(table: RawTable) -> NDArray[np.float64] | None:
    """Return the standard error of either part in the unit of sigma: the root mean square."""
    given = [table.columns[k].values for k in ("error_real", "error_imag") if k in table.columns]
    if not given:
        return None
    units = [table.units.get(key, "") for key in ("error", "sigma")]
    factor = 1.0
    if all(unit in SIGMA_UNITS for unit in units):
        factor = SIGMA_UNITS[units[0]] / SIGMA_UNITS[units[1]]
    return np.asarray(factor * np.sqrt(np.mean(np.square(given), axis=0)), dtype=np.float64)


def _suspicions(
    table: RawTable, omega: NDArray[np.float64], sigma: NDArray[np.complex128], noise: Noise
) -> Iterator[str]:
    """Yield what the numbers make one doubt."""
    last = float(omega[-1]) / RAD_FS_PER_THZ
    low, high = USUAL_THZ
    if not low <= last <= high:
        unit = table.units["frequency"]
        raw = float(omega[-1]) / FREQUENCY_UNITS[unit] / RAD_FS_PER_THZ
        others = [name for name, by in FREQUENCY_UNITS.items() if low <= raw * by <= high]
        yield (
            f"SUSPECT: the frequencies end at {last:.3g} THz when read in {unit}; are they in "
            f"{' or '.join(others) or 'another unit'}? Then correct the header"
        )
    bad = sigma.real < -NEGATIVE * noise.error
    if np.any(bad):
        yield (
            f"SUSPECT: Re σ is negative in {np.count_nonzero(bad)} of {omega.size} rows, as no "
            "passive material's is: phase, background or order of the columns"
        )


def read_measured(
    path: Path, known: tuple[str, ...], columns: Sequence[str] | None = None
) -> tuple[dict[str, float], dict[str, float]]:
    """Read quantity, value and error.

    Returns:
        Values and standard errors by quantity.

    Raises:
        TableError: the file cannot be read or holds what cannot be used.
    """
    table = read_table(path, MEASURED, columns)
    names, problems = table.words["quantity"], []
    for row, (name, line) in enumerate(zip(names, table.lines, strict=True)):
        if name not in known:
            guess = nearest(name, known)
            advice = f"did you mean '{guess}'?" if guess else "use one of " + ", ".join(known)
            problems.append(Problem("quantity", name, "is not known", advice, line))
        elif name in names[:row]:
            allowed = f"{show(name)} stands twice"
            problems.append(Problem("", None, allowed, "keep one row", line))
        for key in ("value", "error"):
            if table.columns[key].values[row] <= 0.0:
                problems.append(table.problem(key, row, "must be above 0", "correct it"))
    if not names:
        raise refuse(path, "has no rows after the header", "name at least one quantity")
    if problems:
        raise TableError(table.source, problems)
    values, errors = (table.columns[key].values.tolist() for key in ("value", "error"))
    return dict(zip(names, values, strict=True)), dict(zip(names, errors, strict=True))
