"""Tables as arrays: HDF5, .npy and .npz.

In HDF5, datasets at the root of the file count, with attributes ``units``; the layout of this
project's own result files is such a table. Arrays of unknown names are left alone.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from smallpolaron.own_data.table_format import LARGEST_ROWS, Schema, TableError, read_name, refuse
from smallpolaron.results.attributes import Unfit, read_value
from smallpolaron.results.store import Unreadable
from smallpolaron.support.problems import Problem
from smallpolaron.support.unavailable import cannot_read, is_unavailable, patiently

_TEMPERATURE: Final = "temperature_K"


@dataclass(frozen=True)
class ArrayTable:
    """Series of one length, real or complex, (rows,) each.

    Attributes:
        source: name of the file.
        columns: by name.
        units: as written, by name; without those that are only in the name.
        temperature_K: temperature written in the file, or None.
    """

    source: str
    columns: Mapping[str, NDArray[Any]]
    units: Mapping[str, str]
    temperature_K: float | None = None


def read_hdf5(path: Path, schema: Schema) -> ArrayTable:
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
            _check_shapes(str(path), found)
            units = {
                name: str(read_value(item, "units")) if "units" in item.attrs else ""
                for name, item in found.items()
            }
            columns = {name: np.asarray(item[()]) for name, item in found.items()}
            return ArrayTable(str(path), columns, units, _temperature(file))
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


def _check_shapes(source: str, found: Mapping[str, h5py.Dataset | NDArray[Any]]) -> None:
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
        elif item.shape[0] > LARGEST_ROWS:
            allowed = f"{name} has {item.shape[0]} values; a table may have {LARGEST_ROWS}"
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
    source: str, content: bytes, schema: Schema, names: Sequence[str] | None
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
            return _named(source, loaded, names)
        chosen = [name for name in loaded if read_name(name, schema) or name == _TEMPERATURE]
        arrays = {name: loaded[name] for name in chosen or loaded.files[:1]}
    except (ValueError, EOFError, OSError, KeyError, MemoryError, zipfile.BadZipFile) as error:
        if isinstance(error, TableError):
            raise
        allowed = f"damaged, or not numbers as NumPy stores them ({error})"
        raise refuse(source, allowed, "store it again, as numbers") from error
    temperature = arrays.pop(_TEMPERATURE, None)
    if len(arrays) == 1 and (len(loaded.files) == 1 or next(iter(arrays.values())).ndim != 1):
        arrays = dict(_named(source, next(iter(arrays.values())), names).columns)
    _check_shapes(source, arrays)
    T = None if temperature is None else float(np.real(temperature).reshape(-1)[0])
    return ArrayTable(source, arrays, {}, T)


def _named(source: str, array: NDArray[Any], names: Sequence[str] | None) -> ArrayTable:
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
    _check_shapes(source, columns)
    return ArrayTable(source, columns, {})
