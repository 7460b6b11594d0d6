"""A table from a file, be it text, HDF5, .npy or .npz: its columns known, its numbers finite."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import h5py
import numpy as np

from smallpolaron.support.files import read_bytes
from smallpolaron.support.problems import Problem, show
from smallpolaron.support.unavailable import Unreadable, cannot_read, is_unavailable, patiently
from smallpolaron.tables.arrays import parse_numpy, read_hdf5
from smallpolaron.tables.names import (
    Column,
    FileColumns,
    Named,
    Parts,
    RawTable,
    Schema,
    TableError,
    key_of,
    name_faults,
    read_name,
    refuse,
    unknown_column,
)
from smallpolaron.tables.text import parse_text

LARGEST_ROWS: Final = 30_000
"""Testing every cutoff of the kernel takes a minute or so for as many times."""

LARGEST_FILE: Final = 32 * 2**20
"""Bytes of a file at most: LARGEST_ROWS of seven columns take less than half of it."""

HDF5_SUFFIXES: Final = (".h5", ".hdf5", ".hdf", ".he5")
_NPY: Final = b"\x93NUMPY"
_ZIP: Final = b"PK\x03\x04"


def read_table(
    path: Path,
    schema: Schema,
    names: Sequence[str] | None = None,
    most_rows: int = LARGEST_ROWS,
    most_bytes: int = LARGEST_FILE,
) -> RawTable:
    """Read a table, whatever file it is in; docs/own-data.md describes them.

    Args:
        path: file to read.
        schema: what it may hold.
        names: names of the columns, where the file has none or wrong ones; None for its own.
        most_rows: how many rows it may have.
        most_bytes: how large it may be, unless it is HDF5.

    Raises:
        TableError: the file cannot be read, names or units are unknown, or cells are not finite
            numbers; the message holds every problem with line and column.
        Unreadable: it cannot be read now.
    """
    try:
        if path.is_file() and h5py.is_hdf5(path):
            if names is not None:
                raise refuse(path, "names its datasets itself", "leave --columns out")
            return _understood(read_hdf5(path, schema, most_rows), schema)
        content = patiently(lambda: read_bytes(path, most_bytes))
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
        return _understood(parse_numpy(source, content, schema, names, most_rows), schema)
    if content.startswith(_ZIP):
        raise refuse(path, "is not text but a spreadsheet or an archive", "save the sheet as CSV")
    return _understood(parse_text(source, content, schema, names, most_rows), schema)


def _understood(file: FileColumns, schema: Schema) -> RawTable:
    """Return the columns whose names are known.

    Raises:
        TableError: names or units are wrong, or numbers are not finite.
    """
    source, names, line = file.source, file.names, file.line
    if not names:
        needed = ", ".join(q.key for q in schema if q.needed)
        raise refuse(source, f"holds no table with columns {needed}", "name its arrays so")
    found: dict[int, Named] = {}
    left_out, problems = [], []
    for index, name in enumerate(names):
        named = read_name(name, schema)
        if named and named.quantity.units:  # derivatives are in the unit of C
            named = read_name(name, schema, file.units.get(name, ""))
        if named:
            found[index] = named
            continue
        problem = unknown_column(name, schema, line)
        if not name or "did you mean" in problem.advice:
            problems.append(problem)
        left_out.append(name)
    if not found:
        allowed = f"no column has a known name; its columns are {show(', '.join(names))}"
        raise refuse(source, allowed, "name them as docs/own-data.md says, or pass --columns", line)
    problems += name_faults(names, found, schema, line)
    if problems:
        raise TableError(source, problems)
    numeric = [index for index, named in found.items() if not named.quantity.is_text]
    numbers, problems, remarks = file.numbers(numeric)
    columns: dict[str, Column] = {}
    for index, parts in zip(numeric, numbers, strict=True):
        at = line
        if file.lines and "imag" in parts and np.any(parts["imag"].values):
            at = file.lines[int(np.flatnonzero(parts["imag"].values)[0])]
        problems += _take(columns, found[index], names[index], parts, at)
    if problems:
        raise TableError(source, problems)
    if left_out and file.lines:
        remarks.append(f"columns of unknown names were left out: {show(', '.join(left_out))}")
    units: dict[str, str] = {}
    for named in found.values():
        units[named.quantity.key] = units.get(named.quantity.key) or named.unit
    words = {found[i].quantity.key: file.words(i) for i in found.keys() - {*numeric}}
    return RawTable(
        *(source, columns, units, words, file.lines, file.temperature_K),
        remarks=(*file.remarks, *remarks),
    )


def _take(
    columns: dict[str, Column], named: Named, name: str, parts: Parts, line: int
) -> list[Problem]:
    """Add the parts of one column of the file to the table."""
    quantity, part = named.quantity, named.part
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
