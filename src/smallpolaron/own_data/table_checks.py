"""What makes a table of C(t) unfit for analysis, each with its place and the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.analysis.gates import detailed_balance
from smallpolaron.analysis.hermite import cumulative_integral, make_series
from smallpolaron.analysis.kubo import spectra
from smallpolaron.model.units import beta
from smallpolaron.support.problems import Problem
from smallpolaron.tables.names import RawTable
from smallpolaron.tables.schemas import TIME_UNITS

FEWEST_ROWS: Final = 20
"""Differences of order 8 need nine times, on every second one too; the end of D needs twenty."""

SMALLEST_STEP_FS: Final = 1e-3
"""Times closer than an attosecond are times in another unit: no carrier moves as fast."""

EVEN: Final = 0.05
"""Rounding of a printed time is allowed for up to this share of the step."""

RELATIVE_ROUNDING: Final = 1e-9
"""Rounding of times that were summed up step by step."""

NOT_DECAYED: Final = 0.5
"""Share of C(0) that the last tenth of a record must have fallen below to have decayed at all."""

UNRESOLVED: Final = 0.5
"""Change over the first step, relative to C(0), above which differences mean nothing."""

REAL_AT_ZERO: Final = 1e-3
"""Im C(0) over C(0) that printing with three digits may leave."""

LARGEST_EXCESS: Final = 0.01
"""Excess of |C(t)| over C(0), relative, that an approximate calculation may have."""

DERIVATIVE_MISMATCH: Final = 0.02
"""Distance of C from the integral of its derivative, relative to C(0), that coarse steps leave."""

CONJUGATE: Final = 0.1
"""Violation of detailed balance that is gross, and the share of it that a sign may leave."""


Times = NDArray[np.float64]
"""Even times from 0 in fs, (rows,)."""


def read_times(table: RawTable) -> Times | list[Problem]:
    """Return the even times that the printed ones stand for, or why there are none."""
    t = table.columns["time"].values
    if t.size < FEWEST_ROWS:
        advice = "store the function for longer or more finely"
        allowed = f"has {t.size} rows; the analysis needs {FEWEST_ROWS}, the kernel more to be good"
        return [Problem("", None, allowed, advice)]
    problems = [
        table.problem(
            "time", int(row), "must be later than the row before", "sort by time; drop repeats"
        )
        for row in np.flatnonzero(np.diff(t) <= 0.0) + 1
    ]
    if t[0] != 0.0:
        advice = "keep the times from 0 on" if t[0] < 0.0 else "add the row at time 0"
        problems.insert(0, table.problem("time", 0, "must be 0 in the first row", advice))
    if problems:
        return problems
    step = _even_step(t, table.columns["time"].rounding)
    if step is None:
        return [_uneven(table)]
    return step * TIME_UNITS[table.units["time"]] * np.arange(t.size, dtype=np.float64)


def _even_step(t: NDArray[np.float64], rounding: NDArray[np.float64]) -> float | None:
    """Return the step of which all times are multiples within their rounding, if there is one."""
    count = np.arange(1, t.size)
    mean = float(t[-1]) / (t.size - 1)
    room = np.minimum(rounding[1:], EVEN * mean) + RELATIVE_ROUNDING * t[1:]
    low, high = float(np.max((t[1:] - room) / count)), float(np.min((t[1:] + room) / count))
    return min(max(mean, low), high) if low <= high else None


def _uneven(table: RawTable) -> Problem:
    steps = np.diff(table.columns["time"].values)
    change = np.abs(np.diff(steps))
    row = int(np.argmax(change >= 0.5 * np.max(change))) + 1
    allowed = (
        f"times must be even; the step to this row is {steps[row]:g} {table.units['time']}, "
        f"to the row before {steps[row - 1]:g}"
    )
    return table.problem(
        "time", row + 1, allowed, "add missing rows, print more digits, or resample to even times"
    )


def unit_faults(time_fs: Times, temperature_K: float) -> Iterator[Problem]:
    """Yield times that cannot be in the unit they are said to be in."""
    thermal = beta(temperature_K)
    if time_fs[1] < SMALLEST_STEP_FS:
        allowed = f"the time step is {time_fs[1]:.3g} fs; must be {SMALLEST_STEP_FS:g} fs or more"
        yield Problem("", None, allowed, "are the times in seconds or ps? write them in fs")
    elif time_fs[-1] <= thermal:
        allowed = (
            f"the record ends at {time_fs[-1]:.4g} fs; must be longer than hbar/(k_B T) = "
            f"{thermal:.4g} fs at {temperature_K:g} K"
        )
        advice = "are the times in ps? is the temperature right? else store a longer record"
        yield Problem("", None, allowed, advice)


def function_faults(table: RawTable, classical: bool) -> Iterator[Problem]:
    """Yield what shows that C is not an autocorrelation function, or cannot be analysed.

    Tables that are too short to be judged have no such faults.
    """
    real = table.columns["C_real"].values
    if real.size < FEWEST_ROWS:
        return
    if real[0] <= 0.0:
        advice = "check the sign and that this is an autocorrelation function"
        yield table.problem("C_real", 0, "must be > 0 at time 0: it is a mean square", advice)
        return
    yield from _part_faults(table, classical)
    C = table.complex("C")
    size = np.abs(C) / real[0]
    over = np.flatnonzero(size > 1.0 + LARGEST_EXCESS)
    if over.size:
        allowed = f"|C| is {size[over[0]]:.4g} times C(0) here; it can never exceed C(0)"
        advice = "not an equilibrium autocorrelation function: check column and order of rows"
        yield table.problem("C_real", int(over[0]), allowed, advice)
    last = float(np.max(size[-(size.size // 10) :]))
    if last > NOT_DECAYED:
        allowed = (
            f"C has not decayed: in the last tenth of the record |C| is still {last:.3g} C(0); "
            f"must be below {NOT_DECAYED:g}"
        )
        yield Problem("", None, allowed, "check the unit of time, or store a longer record")
    jump = float(abs(C[1] - C[0])) / real[0]
    if jump > UNRESOLVED:
        allowed = f"C changes by {jump:.3g} C(0) in the first step; must be below {UNRESOLVED:g}"
        yield table.problem("C_real", 1, allowed, "check the unit of time, or sample more finely")


def _part_faults(table: RawTable, classical: bool) -> Iterator[Problem]:
    """Yield what is wrong with real and imaginary parts, given the kind of function."""
    start = float(table.columns["C_real"].values[0])
    for name in ("C", "dC", "d2C"):
        present = {part for part in ("real", "imag") if f"{name}_{part}" in table.columns}
        wanted = {"real"} if classical else {"real", "imag"}
        for part in sorted(wanted - present) if present else ():
            advice = "a classical function has none: pass --kind classical" if name == "C" else ""
            allowed = f"has no column {name}_{part}; a quantum function is complex"
            yield Problem("", None, allowed, advice or "add it, or leave the derivative out")
        imaginary = table.columns.get(f"{name}_imag")
        if classical and imaginary is not None and np.any(imaginary.values):
            row = int(np.flatnonzero(imaginary.values)[0])
            advice = "leave the column out, or pass --kind quantum"
            yield table.problem(f"{name}_imag", row, "a classical function is real", advice)
    if "d2C_real" in table.columns and "dC_real" not in table.columns:
        yield Problem("", None, "has d2C but not dC", "give both, dC alone, or neither")
    if classical or "C_imag" not in table.columns:
        return
    imaginary = table.columns["C_imag"]
    if abs(imaginary.values[0]) > REAL_AT_ZERO * start:
        allowed = f"must be 0 at time 0, to {REAL_AT_ZERO:g} of C(0): C(0) is a mean square"
        advice = "check that this is an autocorrelation function of a Hermitian operator"
        yield table.problem("C_imag", 0, allowed, advice)
    elif not np.any(imaginary.values):
        allowed = f"{imaginary.name} is 0 everywhere; no quantum function at finite T is real"
        yield Problem("", None, allowed, "classical or Kubo-transformed? pass --kind classical")


def derivative_faults(
    time_fs: Times, C: NDArray[np.complex128], dC: NDArray[np.complex128] | None, name: str
) -> Iterator[Problem]:
    """Yield a derivative whose integral is not the function, as in a wrong unit."""
    if dC is None:
        return
    integral = cumulative_integral(make_series(time_fs, dC)) + C[0]
    away = np.abs(integral - C) / float(np.max(np.abs(C)))
    worst = int(np.argmax(away))
    if away[worst] > DERIVATIVE_MISMATCH:
        allowed = (
            f"d{name} is not the derivative of {name}: its integral to {time_fs[worst]:g} fs "
            f"is off by {away[worst]:.2g} of the largest |{name}|; may be {DERIVATIVE_MISMATCH:g}"
        )
        advice = "give it per unit of the time column, or leave it out"
        yield Problem("", None, allowed, advice)


def _imbalance(
    time_fs: Times, C: NDArray[np.complex128], temperature_K: float, factor: float = 1.0
) -> float:
    """Return by what share of the spectrum detailed balance fails, with times times a factor."""
    found = spectra(make_series(factor * time_fs, C), temperature_K)
    return detailed_balance(found.omega, found.full, temperature_K).value


def conjugate_faults(
    time_fs: Times, C: NDArray[np.complex128], temperature_K: float
) -> Iterator[Problem]:
    """Yield the complex conjugate of C in place of C: the spectrum is then that at -omega."""
    as_given, conjugate = (_imbalance(time_fs, c, temperature_K) for c in (C, C.conj()))
    if as_given > CONJUGATE and conjugate < CONJUGATE * as_given:
        allowed = (
            "Im C has the wrong sign: detailed balance fails by "
            f"{as_given:.2g} of the spectrum, with the other sign by {conjugate:.2g}"
        )
        advice = "change the sign of the imaginary part; needed is C(t) = <J(t) J(0)>"
        yield Problem("", None, allowed, advice)


def unit_suspicions(
    time_fs: Times, C: NDArray[np.complex128], temperature_K: float
) -> Iterator[str]:
    """Yield a unit of time in which detailed balance holds, where it fails in the one given.

    Times in another unit scale the frequencies, and with them the Boltzmann factors.
    """
    as_given = _imbalance(time_fs, C, temperature_K)
    for unit, factor in (("ps", 1e3), ("fs", 1e-3)):
        other = _imbalance(time_fs, C, temperature_K, factor)
        if as_given > CONJUGATE and other < CONJUGATE**2 * as_given:
            yield (
                f"SUSPECT: the times look like {unit}: detailed balance fails by {as_given:.2g} of "
                f"the spectrum as the table stands, by {other:.2g} so; correct the header"
            )
