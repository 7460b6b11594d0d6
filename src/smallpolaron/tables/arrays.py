"""Tables as arrays: HDF5, .npy and .npz.

In HDF5, datasets at the root of the file count, with attributes ``units``; the layout of this
project's own result files is such a table. Arrays of unknown names are left alone.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from smallpolaron.support.attributes import Unfit, read_value
from smallpolaron.support.problems import Problem
from smallpolaron.support.unavailable import Unreadable, cannot_read, is_unavailable, patiently
from smallpolaron.tables.names import (
    Column,
    FileColumns,
    Parts,
    Schema,
    TableError,
    read_name,
    refuse,
)

_TEMPERATURE: Final = "temperature_K"


@dataclass(frozen=True)
class ArrayTable(FileColumns):
    """Series of one length.

    Attributes:
        columns: real or complex, (rows,) each.
    """

    columns: tuple[NDArray[Any], ...] = ()

    def words(self, index: int) -> list[str]:
        """Refuse: arrays hold numbers."""
        raise refuse(self.source, "holds numbers only, no words", "write it as CSV")

    def numbers(self, indices: Sequence[int]) -> tuple[list[Parts], list[Problem], list[str]]:
        """Return the numbers of columns, rounded as their type is."""
        found: list[Parts] = []
        problems = []
        for name, data in ((self.names[index], self.columns[index]) for index in indices):
            spacing = float(np.finfo(data.dtype).eps) if data.dtype.kind in "fc" else 0.0
            parts = {"real": _column(name, data.real, spacing)}
            if data.dtype.kind == "c":
                parts["imag"] = _column(f"Im {name}", data.imag, spacing)
            found.append(parts)
            problems += [fault for part in parts.values() for fault in _not_finite(part)]
        return found, problems, []


def _column(name: str, data: NDArray[Any], spacing: float) -> Column:
    values = np.asarray(data, dtype=np.float64)
    return Column(name, values, 0.5 * spacing * np.abs(values))


def _not_finite(column: Column) -> Iterator[Problem]:
    for row in np.flatnonzero(~np.isfinite(column.values)):
        advice = "correct or recompute the row"
        value = float(column.values[row])
        yield Problem(f"{column.name}[{row}]", value, "must be a finite number", advice)


def _table(
    source: str,
    found: Mapping[str, NDArray[Any]],
    units: Mapping[str, str] | None = None,
    temperature_K: float | None = None,
) -> ArrayTable:
    return ArrayTable(
        *(source, tuple(found), units or {}),
        temperature_K=temperature_K,
        columns=tuple(found.values()),
    )


def read_hdf5(path: Path, schema: Schema, most_rows: int) -> ArrayTable:
    """Read a table from an HDF5 file.

    Raises:
        TableError: truncated, or datasets that are not numbers, or of a wrong or too large shape.
        Unreadable: it cannot be read now.
    """
    try:
        with patiently(lambda: h5py.File(path, "r", locking=False)) as file:
            found = {
                name: item
                for name in file
                if read_name(name, schema) and isinstance(item := file.get(name), h5py.Dataset)
            }
            _check_shapes(str(path), found, most_rows)
            units = {
                name: str(read_value(item, "units")) if "units" in item.attrs else ""
                for name, item in found.items()
            }
            columns = {name: np.asarray(item[()]) for name, item in found.items()}
            return _table(str(path), columns, units, _temperature(file))
    except Unfit as error:
        raise refuse(path, str(error), "write it again, as docs/own-data.md says") from error
    except (OSError, RuntimeError, TypeError) as error:
        if is_unavailable(error):
            raise Unreadable(cannot_read(path, error)) from error
        reason = " ".join(str(error).split())
        raise refuse(path, f"truncated or damaged HDF5 file ({reason})", "copy it again") from error


def _temperature(file: h5py.File) -> float | None:
    """Return the temperature of the file: at its root, or where own results have it."""
    for place in (file, file.get("parameters/model")):
        if place is not None and _TEMPERATURE in place.attrs:
            value = read_value(place, _TEMPERATURE)
            if type(value) in (int, float):
                return float(value)
    return None


def _check_shapes(
    source: str, found: Mapping[str, h5py.Dataset | NDArray[Any]], most_rows: int
) -> None:
    """Refuse what are not series of numbers of one length, with every fault."""
    problems = []
    length: int | None = None
    for name, item in found.items():
        allowed = advice = ""
        if item.dtype.kind not in "iufc":
            allowed = f"{name} holds {item.dtype}: must be real or complex numbers"
            advice = "store complex numbers as NumPy does, in HDF5 as compounds (r, i)"
        elif item.shape is None or len(item.shape) != 1:
            allowed = f"{name} has shape {item.shape}: must be one series, (rows,)"
            advice = "store one function, on one axis"
        elif item.shape[0] > most_rows:
            allowed = f"{name} has {item.shape[0]} values; a table may have {most_rows}"
            advice = "keep every n-th, or cut the end of the record"
        elif length is not None and item.shape[0] != length:
            allowed = f"{name} has {item.shape[0]} values, others {length}"
            advice = "store one value per row"
        else:
            length = item.shape[0]
        if allowed:
            problems.append(Problem("", None, allowed, advice))
    if problems:
        raise TableError(source, problems)


def parse_numpy(
    source: str, content: bytes, schema: Schema, names: Sequence[str] | None, most_rows: int
) -> ArrayTable:
    """Read a table from the bytes of an .npy or .npz file.

    It is one array, with named fields or of two axes, or an array per column. ``temperature_K`` may
    be one of the arrays.

    Raises:
        TableError: not numbers, truncated, without names, or of a wrong or too large shape.
    """
    try:
        loaded = np.load(io.BytesIO(content), allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return _table(source, _named(source, loaded, names, most_rows))
        chosen = [name for name in loaded if read_name(name, schema) or name == _TEMPERATURE]
        arrays = {name: loaded[name] for name in chosen or loaded.files[:1]}
    except (ValueError, EOFError, OSError, KeyError, MemoryError, zipfile.BadZipFile) as error:
        if isinstance(error, TableError):
            raise
        allowed = f"damaged, or not numbers as NumPy stores them ({error})"
        raise refuse(source, allowed, "store it again, as numbers") from error
    temperature = arrays.pop(_TEMPERATURE, None)
    if len(arrays) == 1 and (len(loaded.files) == 1 or next(iter(arrays.values())).ndim != 1):
        arrays = _named(source, next(iter(arrays.values())), names, most_rows)
    _check_shapes(source, arrays, most_rows)
    T = None if temperature is None else float(np.real(temperature).reshape(-1)[0])
    return _table(source, arrays, temperature_K=T)


def _named(
    source: str, array: NDArray[Any], names: Sequence[str] | None, most_rows: int
) -> dict[str, NDArray[Any]]:
    """Return the columns of one array: its fields, or those of its axes that has the names."""
    if array.dtype.names:
        columns = {name: array[name] for name in array.dtype.names}
    elif names is None:
        advice = "pass --columns, or store fields or an .npz with names such as time_fs, C"
        raise refuse(source, f"has shape {array.shape} and no names of columns", advice)
    else:
        whole = array.T if array.ndim == 2 and array.shape[1] == len(names) else array
        if whole.ndim != 2 or whole.shape[0] != len(names):
            allowed = f"has shape {array.shape}; --columns names {len(names)} columns"
            raise refuse(source, allowed, "name every column once")
        columns = dict(zip(names, whole, strict=True))
    _check_shapes(source, columns, most_rows)
    return columns
