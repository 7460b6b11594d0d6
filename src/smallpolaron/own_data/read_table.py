"""The one reader of tables from outside: text, HDF5, .npy and .npz, for every command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from smallpolaron.own_data.array_table import ArrayTable, parse_numpy, read_hdf5
from smallpolaron.own_data.table_format import (
    Column,
    Named,
    RawTable,
    Schema,
    TableError,
    key_of,
    name_faults,
    read_name,
    refuse,
    unknown_column,
)
from smallpolaron.own_data.text_table import (
    TextTable,
    decimal_comma,
    parse_text,
    read_numbers,
)
from smallpolaron.results.store import Unreadable
from smallpolaron.support.files import read_bytes
from smallpolaron.support.problems import Problem, show
from smallpolaron.support.unavailable import cannot_read, is_unavailable, patiently

LARGEST_FILE: Final = 32 * 2**20
"""Bytes of a file at most: LARGEST_ROWS of seven columns take less than half of it."""

HDF5_SUFFIXES: Final = (".h5", ".hdf5", ".hdf", ".he5")
_NPY: Final = b"\x93NUMPY"
_ZIP: Final = b"PK\x03\x04"


def read_table(path: Path, schema: Schema, names: Sequence[str] | None = None) -> RawTable:
    """Read a table, whatever file it is in; docs/own-data.md describes them.

    Args:
        path: file to read; at most LARGEST_FILE bytes.
        schema: what it may hold.
        names: names of the columns, where the file has none or wrong ones; None for its own.

    Raises:
        TableError: the file cannot be read, names or units are unknown, or cells are not finite
            numbers; the message holds every problem with line and column.
        Unreadable: it cannot be read now.
    """
    try:
        if path.is_file() and h5py.is_hdf5(path):
            if names is not None:
                raise refuse(path, "names its datasets itself", "leave --columns out")
            return _from_arrays(read_hdf5(path, schema), schema)
        content = patiently(lambda: read_bytes(path, LARGEST_FILE))
    except OSError as error:
        if is_unavailable(error):
            raise Unreadable(cannot_read(path, error)) from error
        advice = "check path and permissions; keep every n-th row if it is too large"
        raise refuse(path, f"cannot read the file ({error.strerror or error})", advice) from error
    source = str(path)
    if path.suffix.lower() in HDF5_SUFFIXES:
        advice = "copy it again, or name a text table .csv or .txt"
        raise refuse(path, "not an HDF5 file, or a truncated one", advice)
    if content.startswith(_NPY) or (content.startswith(_ZIP) and path.suffix.lower() == ".npz"):
        return _from_arrays(parse_numpy(source, content, schema, names), schema)
    if content.startswith(_ZIP):
        raise refuse(path, "is not text but a spreadsheet or an archive", "save the sheet as CSV")
    return _from_text(parse_text(source, content, schema, names), schema)


def _identified(
    source: str, names: Sequence[str], units: Mapping[str, str], schema: Schema, line: int
) -> tuple[dict[int, Named], list[str], list[Problem]]:
    """Return what the names say by index, which were left out, and what is wrong with them."""
    said = {i: read_name(name, schema, units.get(name, "")) for i, name in enumerate(names)}
    found = {index: named for index, named in said.items() if named}
    problems, left_out = [], []
    for index, name in enumerate(names):
        if index not in found:
            problem = unknown_column(name, schema, line)
            if not name or "did you mean" in problem.advice:
                problems.append(problem)
            left_out.append(name)
    if not found:
        allowed = f"no column has a known name; its columns are {show(', '.join(names))}"
        raise refuse(source, allowed, "name them as docs/own-data.md says, or pass --columns", line)
    return found, left_out, problems + list(name_faults(names, found, schema, line))


def _units(found: Mapping[int, Named]) -> dict[str, str]:
    units: dict[str, str] = {}
    for quantity, _, unit in found.values():
        units[quantity.key] = units.get(quantity.key) or unit
    return units


def _from_text(table: TextTable, schema: Schema) -> RawTable:
    found, left_out, problems = _identified(table.source, table.names, {}, schema, table.line)
    if problems:
        raise TableError(table.source, problems)
    numbers = [index for index, named in found.items() if not named.quantity.is_text]
    has_comma = decimal_comma(table, numbers)
    columns: dict[str, Column] = {}
    for index in numbers:
        parts, faults = read_numbers(table, index, has_comma)
        line = table.line
        if "imag" in parts and np.any(parts["imag"].values):
            line = table.rows[int(np.flatnonzero(parts["imag"].values)[0])][0]
        problems += faults or _take(columns, found[index], table.names[index], parts, line)
    if problems:
        raise TableError(table.source, problems)
    remarks = [*table.remarks, *(["decimal commas"] if has_comma else [])]
    if left_out:
        remarks.append(f"columns of unknown names were left out: {show(', '.join(left_out))}")
    words = {
        named.quantity.key: table.cells(index)
        for index, named in found.items()
        if named.quantity.is_text
    }
    return RawTable(
        table.source,
        columns,
        _units(found),
        words,
        tuple(line for line, _ in table.rows),
        remarks=tuple(remarks),
    )


def _from_arrays(table: ArrayTable, schema: Schema) -> RawTable:
    names = list(table.columns)
    units = {n: u for n, u in table.units.items() if _has_units(n, schema)}
    if not names:
        needed = ", ".join(q.key for q in schema if q.needed)
        raise refuse(table.source, f"holds no table with columns {needed}", "name its arrays so")
    found, _, problems = _identified(table.source, names, units, schema, 0)
    columns: dict[str, Column] = {}
    for index, named in found.items():
        if named.quantity.is_text:
            raise refuse(table.source, "holds numbers only, no words", "write it as CSV")
        data = table.columns[names[index]]
        spacing = float(np.finfo(data.dtype).eps) if data.dtype.kind in "fc" else 0.0
        parts = {"real": _column(names[index], data.real, spacing)}
        if data.dtype.kind == "c":
            parts["imag"] = _column(f"Im {names[index]}", data.imag, spacing)
        problems += _take(columns, named, names[index], parts)
    problems += [fault for column in columns.values() for fault in _not_finite(column)]
    if problems:
        raise TableError(table.source, problems)
    return RawTable(table.source, columns, _units(found), temperature_K=table.temperature_K)


def _has_units(name: str, schema: Schema) -> bool:
    """Whether the unit that a file gives for an array counts: derivatives are in that of C."""
    named = read_name(name, schema)
    return named is not None and bool(named.quantity.units)


def _column(name: str, data: NDArray[Any], spacing: float) -> Column:
    values = np.asarray(data, dtype=np.float64)
    return Column(name, values, 0.5 * spacing * np.abs(values))


def _take(
    columns: dict[str, Column], named: Named, name: str, parts: Mapping[str, Column], line: int = 0
) -> list[Problem]:
    """Add the parts of one column of the file to the table."""
    quantity, part, _ = named
    if "imag" in parts and not np.any(parts["imag"].values) and (part or not quantity.has_parts):
        parts = {"real": parts["real"]}  # savetxt writes all columns as complex where one is
    if "imag" in parts and (part or not quantity.has_parts):
        allowed = f"column {name} is complex: must be real"
        return [Problem("", None, allowed, "store one part, or name the column without one", line)]
    taken = {key_of(named): parts["real"]} if parts else {}
    if "imag" in parts:
        taken[key_of(named._replace(part="imag"))] = parts["imag"]
    twice = [key for key in taken if key in columns]
    columns.update(taken)
    if not twice:
        return []
    allowed = f"columns {name} and {twice[0]} mean the same"
    return [Problem("", None, allowed, "keep one of them", line)]


def _not_finite(column: Column) -> Iterator[Problem]:
    for row in np.flatnonzero(~np.isfinite(column.values)):
        advice = "correct or recompute the row"
        value = float(column.values[row])
        yield Problem(f"{column.name}[{row}]", value, "must be a finite number", advice)
