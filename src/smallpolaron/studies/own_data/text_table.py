"""Tables of C(t) as text: comma, semicolon, tab or blanks between the columns, one header line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.studies.own_data.table_format import (
    LARGEST_ROWS,
    Column,
    RawTable,
    TableError,
    read_name,
    read_units,
    refuse,
    unknown_column,
)
from smallpolaron.studies.problems import Problem, show

LARGEST_FILE: Final = 32 * 2**20
"""Bytes of a text file at most: LARGEST_ROWS of seven columns take less than half of it."""

_SEPARATORS: Final = (";", "\t", ",")
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_NOT_FINITE: Final = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_FORTRAN: Final = re.compile(r"[+-]?[\d.]+[dD][+-]?\d+", re.ASCII)


@dataclass(frozen=True)
class _Layout:
    """Where the names and the rows are: lines counted from 1, the cells of each as text."""

    source: str
    names: list[str]
    line: int
    rows: list[tuple[int, list[str]]]


def read_text(path: Path) -> RawTable:
    """Read a text table whose header names the columns; its form is in docs/own-data.md.

    The separator is the first of semicolon, tab and comma that the header contains, else blanks.
    Numbers have a decimal point whatever the locale.

    Args:
        path: file to read; at most LARGEST_FILE bytes.

    Raises:
        TableError: too large, not text, no header, unknown columns or units, or cells that are no
            finite numbers; the message holds every problem with its line.
    """
    layout = _layout(str(path), _decoded(path))
    units, quantities = _header(layout)
    cells = _cells(layout)
    columns = {}
    problems: list[Problem] = []
    for index, quantity in quantities.items():
        texts = [row[index] for row in cells]
        name = layout.names[index]
        for (line, _), text in zip(layout.rows, texts, strict=True):
            problems += _faults(name, text, line)
        if not problems:
            values = np.array([float(text) for text in texts])
            columns[quantity] = Column(name, values, _rounding(texts, values))
    if problems:
        raise TableError(layout.source, problems)
    return RawTable(layout.source, columns, units, tuple(line for line, _ in layout.rows))


def _decoded(path: Path) -> str:
    size = path.stat().st_size
    if size > LARGEST_FILE:
        allowed = f"holds {size} bytes; a text table may have {LARGEST_FILE}"
        raise refuse(path, allowed, "keep every n-th row or fewer digits, or write HDF5")
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        advice = "save it as plain text (UTF-8) or as HDF5"
        raise refuse(path, f"is not text: byte {error.start} is no UTF-8", advice) from error
    control = _CONTROL.search(text)
    if control is not None:
        advice = "save it as plain text (UTF-8), such as CSV, or as HDF5"
        allowed = f"is not text: character {control.start()} is {show(control[0])}"
        raise refuse(path, allowed, advice)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _layout(source: str, text: str) -> _Layout:
    """Find the header: the first line that is no comment, or a comment just above the numbers."""
    comment = (0, "")
    lines = [(n, line.strip(" ")) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    for position, (number, line) in enumerate(lines):
        if line.startswith("#"):
            comment = (number, line.lstrip("# "))
            continue
        first = _split(line, _separator(line))[0]
        is_header = _NUMBER.fullmatch(first) is None and not _NOT_FINITE.fullmatch(first)
        header_line, header = (number, line) if is_header else comment
        separator = _separator(header)
        below = [item for item in lines[position + is_header :] if not item[1].startswith("#")]
        if len(below) > LARGEST_ROWS:
            allowed = f"has {len(below)} rows; a table may have {LARGEST_ROWS}"
            raise refuse(source, allowed, "keep every n-th row, or cut the end of the record")
        rows = [(n, _split(item, separator)) for n, item in below]
        return _Layout(source, _split(header, separator), header_line, rows)
    raise refuse(source, "holds no table", "write a header line, then one row per time")


def _separator(line: str) -> str | None:
    return next((mark for mark in _SEPARATORS if mark in line), None)


def _split(line: str, separator: str | None) -> list[str]:
    return [cell.strip().strip('"') for cell in line.split(separator)]


def _header(layout: _Layout) -> tuple[tuple[str, str], dict[int, str]]:
    """Return the units, and the quantity of every column."""
    found = {index: read_name(name) for index, name in enumerate(layout.names)}
    line = layout.line
    if not any(found.values()):
        allowed = "has no header line that names its columns, such as time_fs,C_real,C_imag"
        raise refuse(layout.source, allowed, "add one above the first row")
    problems = [unknown_column(layout.names[i], line) for i, item in found.items() if not item]
    named: dict[str, tuple[str, str]] = {}
    for index, item in found.items():
        if item and item[0] in named:
            allowed = f"columns {named[item[0]][0]} and {layout.names[index]} mean the same"
            problems.append(Problem("", None, allowed, "keep one of them", line))
        elif item:
            named[item[0]] = (layout.names[index], item[1])
    for quantity in ("time", "C_real"):
        if quantity not in named:
            allowed = f"has no column {quantity}; its columns are {show(', '.join(layout.names))}"
            problems.append(Problem("", None, allowed, "add it, or correct its name", line))
    units = ("", "")
    if "time" in named:
        units, more = read_units(named, line)
        problems += more
    if problems:
        raise TableError(layout.source, problems)
    return units, {index: item[0] for index, item in found.items() if item}


def _cells(layout: _Layout) -> list[list[str]]:
    """Return the cells of all rows, each with as many as there are columns."""
    wanted = len(layout.names)
    problems = [
        Problem("", None, f"row of {len(cells)} cells; the header has {wanted}", _HINT, line)
        for line, cells in layout.rows
        if len(cells) != wanted
    ]
    if problems:
        raise TableError(layout.source, problems)
    return [cells for _, cells in layout.rows]


_HINT: Final = "the separator of all lines is that of the header: ; or tab or , or blanks"


def _faults(name: str, text: str, line: int) -> list[Problem]:
    if _NUMBER.fullmatch(text):
        if np.isfinite(float(text)):
            return []
        return [Problem(name, text, "is too large for a number", "correct it", line)]
    if _NOT_FINITE.fullmatch(text):
        advice = "remove or recompute it; times must stay even"
        return [Problem(name, text, "must be a finite number", advice, line)]
    advice = "correct it"
    if not text:
        advice = "write a value in every cell"
    elif "," in text:
        advice = "write a decimal point, not a comma"
    elif _FORTRAN.fullmatch(text):
        advice = "write the exponent with E, not D"
    elif "j" in text or "i" in text:
        advice = "write real and imaginary part into two columns"
    return [Problem(name, text, "must be a number such as -1.5e-3", advice, line)]


def _rounding(texts: list[str], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return half of the last digit of every number, as fixed or floating format prints it.

    A printed column has either a fixed number of decimals or a fixed number of digits; trailing
    zeros may be missing. The most decimals and the most digits of the column tell which.
    """
    parts = [Decimal(text).as_tuple() for text in texts]
    decimals = max((-int(part.exponent) for part in parts), default=0)
    digits = max((len(part.digits) for part in parts), default=1)
    sizes = np.abs(values)
    order = np.floor(np.log10(sizes, out=np.full(sizes.shape, -np.inf), where=sizes > 0.0))
    stored = np.finfo(np.float64).eps * sizes
    return 0.5 * np.maximum(np.maximum(10.0**-decimals, 10.0 ** (order + 1 - digits)), stored)
