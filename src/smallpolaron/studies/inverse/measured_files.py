"""Tables of an experimentalist: a measured conductivity, or measured quantities, as CSV.

Both have one header line; lines that are empty or begin with # are skipped. Every refusal names
file, line and column.
"""

from __future__ import annotations

import csv
import errno
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.analysis.kernel_moments import FEWEST_FREQUENCIES
from smallpolaron.studies.bounded import read_bytes
from smallpolaron.studies.key_names import nearest
from smallpolaron.studies.problems import show
from smallpolaron.studies.store import StoreError

CONDUCTIVITY_COLUMNS: Final = ("frequency_THz", "sigma_real", "sigma_imag")
MEASURED_COLUMNS: Final = ("quantity", "value", "error")
RAD_FS_PER_THZ: Final = 2.0 * math.pi * 1e-3
LARGEST_FILE: Final = 20_000_000
"""Bytes of a table at most."""


@dataclass(frozen=True)
class ConductivityTable:
    """A measured complex conductivity.

    Attributes:
        omega: increasing angular frequencies in rad/fs, (rows,).
        sigma: complex conductivity in any one unit, (rows,).
        error: standard error of its real and of its imaginary part, (rows,); None if not given.
    """

    omega: NDArray[np.float64]
    sigma: NDArray[np.complex128]
    error: NDArray[np.float64] | None


def read_conductivity(path: Path) -> ConductivityTable:
    """Read frequency_THz, sigma_real, sigma_imag and, if there is one, error.

    Raises:
        StoreError: the file cannot be read, has no header, too few rows, or a cell that is not
            usable; the message names file, line and column.
    """
    columns, rows = _table(path, CONDUCTIVITY_COLUMNS, optional=("error",))
    table: list[list[float]] = []
    previous = -1.0
    for line, cells in rows:
        values = [_number(path, line, name, cells[name]) for name in columns]
        row = dict(zip(columns, values, strict=True))
        frequency = row["frequency_THz"]
        if frequency < 0.0:
            raise _fault(path, line, "frequency_THz", f"{frequency:g} is negative", "remove it")
        if frequency <= previous:
            what = f"{frequency:g} does not exceed the row before, {previous:g}"
            raise _fault(path, line, "frequency_THz", what, "sort the rows; keep each once")
        if row["sigma_real"] == row["sigma_imag"] == 0.0:
            what = "the conductivity is 0, and the kernel is its inverse"
            raise _fault(path, line, "sigma_real", what, "remove the row")
        if row.get("error", 0.0) < 0.0:
            raise _fault(path, line, "error", "is negative", "give a standard error >= 0")
        previous = frequency
        table.append([row[name] for name in (*CONDUCTIVITY_COLUMNS, "error") if name in row])
    if len(table) < FEWEST_FREQUENCIES:
        raise StoreError(f"{path}: {len(table)} rows of numbers; at least {FEWEST_FREQUENCIES}")
    data = np.array(table)
    return ConductivityTable(
        data[:, 0] * RAD_FS_PER_THZ,
        data[:, 1] + 1j * data[:, 2],
        data[:, 3] if "error" in columns else None,
    )


def read_measured(path: Path, known: tuple[str, ...]) -> tuple[dict[str, float], dict[str, float]]:
    """Read quantity, value and error.

    Args:
        path: file to read.
        known: quantities that may be named.

    Returns:
        Values and standard errors by quantity.

    Raises:
        StoreError: the file cannot be read or holds what cannot be used.
    """
    _, rows = _table(path, MEASURED_COLUMNS)
    values: dict[str, float] = {}
    errors: dict[str, float] = {}
    for line, cells in rows:
        name = cells["quantity"]
        if name not in known:
            guess = nearest(name, known)
            advice = f"did you mean '{guess}'?" if guess else "use one of " + ", ".join(known)
            raise _fault(path, line, "quantity", f"{show(name)} is not known", advice)
        if name in values:
            raise _fault(path, line, "quantity", f"{name!r} stands twice", "keep one row")
        for column, target in (("value", values), ("error", errors)):
            number = _number(path, line, column, cells[column])
            if number <= 0.0:
                raise _fault(path, line, column, f"{number:g} is not above 0", "correct it")
            target[name] = number
    if not values:
        raise StoreError(f"{path}: no rows after the header; name at least one quantity")
    return values, errors


def _table(
    path: Path, needed: tuple[str, ...], optional: tuple[str, ...] = ()
) -> tuple[tuple[str, ...], Iterator[tuple[int, dict[str, str]]]]:
    """Return the columns of a file and its rows with their line numbers, from 1."""
    lines = enumerate(_split(path), start=1)
    filled = ((n, cells) for n, cells in lines if any(cells) and not cells[0].startswith("#"))
    columns: tuple[str, ...] = ()
    for line, cells in filled:
        columns = tuple(cell.strip() for cell in cells)
        if not set(needed) <= set(columns) or len(set(columns)) < len(columns):
            raise StoreError(
                f"{path}:{line}: needed is a header line with the columns {', '.join(needed)}, "
                f"separated by commas; found: {show(', '.join(columns))}"
            )
        for name in set(columns) - {*needed, *optional}:
            advice = f"allowed: {', '.join((*needed, *optional))}"
            raise _fault(path, line, show(name).strip("'"), "is not a known column", advice)
        break
    else:
        raise StoreError(f"{path}: empty; needed is a header line with {', '.join(needed)}")
    return columns, _rows(path, columns, filled)


def _split(path: Path) -> Iterator[list[str]]:
    """Yield the cells of every line."""
    for number, line in enumerate(_lines(path), start=1):
        try:
            cells = next(csv.reader([line], strict=True), [])
        except csv.Error as error:
            raise StoreError(f"{path}:{number}: not a line of CSV ({error}); correct it") from error
        yield cells


def _lines(path: Path) -> list[str]:
    try:
        text = read_bytes(path, LARGEST_FILE).decode("utf-8-sig")
    except OSError as error:
        advice = "thin out the table" if error.errno == errno.EFBIG else "check the path"
        raise StoreError(f"{path}: cannot read the file ({error.strerror}); {advice}") from error
    except UnicodeDecodeError as error:
        raise StoreError(f"{path}: byte {error.start} is not UTF-8 text; save as CSV") from error
    return text.splitlines()


def _rows(
    path: Path, columns: tuple[str, ...], filled: Iterator[tuple[int, list[str]]]
) -> Iterator[tuple[int, dict[str, str]]]:
    for line, cells in filled:
        if len(cells) != len(columns):
            raise StoreError(f"{path}:{line}: {len(cells)} cells, the header has {len(columns)}")
        yield line, {name: cell.strip() for name, cell in zip(columns, cells, strict=True)}


def _number(path: Path, line: int, column: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise _fault(path, line, column, f"{show(text)} is not a number", "correct it") from None
    if not math.isfinite(number):
        raise _fault(path, line, column, f"{text} is not finite", "remove the row")
    return number


def _fault(path: Path, line: int, column: str, what: str, advice: str) -> StoreError:
    return StoreError(f"{path}:{line}: column {column}: {what}; {advice}")
