"""Tables as arrays: HDF5, .npy and .npz. Only plain numbers of bounded size are read from them.

In HDF5, datasets at the root of the file count, with attributes ``units``; the layout of this
project's own result files is such a table. Arrays of unknown names are left alone.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from smallpolaron.own_data.table_format import (
    LARGEST_ROWS,
    Schema,
    TableError,
    read_name,
    refuse,
)
from smallpolaron.results.store import Unreadable
from smallpolaron.support.hdf5_inputs import (
    Unfit,
    has_member,
    member,
    plain_bytes,
    read_attribute,
)
from smallpolaron.support.problems import Problem
from smallpolaron.support.unavailable import cannot_read, is_unavailable, open_hdf5, patiently

_LARGEST_HEADER: Final = 10_000
_TEMPERATURE: Final = "temperature_K"


@dataclass(frozen=True)
class ArrayTable:
    """Series of one length with names that are known.

    Attributes:
        source: name of the file.
        columns: by name; real or complex numbers, (rows,).
        units: units as written, by name; without those that are only in the name.
        temperature_K: temperature written in the file, or None.
    """

    source: str
    columns: Mapping[str, NDArray[Any]]
    units: Mapping[str, str]
    temperature_K: float | None = None


def read_hdf5(path: Path, schema: Schema) -> ArrayTable:
    """Read a table from an HDF5 file.

    Args:
        path: file to read; of its datasets only those with a known name are looked at.
        schema: what it may hold.

    Raises:
        TableError: truncated, or datasets that are not numbers, or of a wrong or too large shape.
        Unreadable: it cannot be read now.
    """
    try:
        with patiently(lambda: open_hdf5(path)) as file:
            return _read_hdf5(str(path), file, schema)
    except Unfit as error:
        raise refuse(path, str(error), "write it again, as docs/own-data.md says") from error
    except (OSError, RuntimeError) as error:
        if is_unavailable(error):
            raise Unreadable(cannot_read(path, error)) from error
        reason = " ".join(str(error).split())
        raise refuse(path, f"truncated or damaged HDF5 file ({reason})", "copy it again") from error


def _read_hdf5(source: str, file: h5py.File, schema: Schema) -> ArrayTable:
    found = {}
    for name in file:
        if read_name(name, schema) and isinstance(item := member(file, name), h5py.Dataset):
            plain_bytes(name, item)
            found[name] = item
    _check_shapes(source, {name: (item.dtype, item.shape) for name, item in found.items()})
    units = {name: _unit(item) for name, item in found.items()}
    columns = {name: np.asarray(item[()]) for name, item in found.items()}
    return ArrayTable(source, columns, units, _temperature(file))


def _unit(dataset: h5py.Dataset) -> str:
    value = read_attribute(dataset, "units") if "units" in dataset.attrs else ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _temperature(file: h5py.File) -> float | None:
    """Return the temperature of the file: at its root, or where own results have it."""
    places = [file]
    for name in ("parameters", "model"):
        if isinstance(places[-1], h5py.Group) and has_member(places[-1], name):
            places.append(member(places[-1], name))
    for place in (places[0], places[-1]):
        if _TEMPERATURE in place.attrs:
            value = np.asarray(read_attribute(place, _TEMPERATURE))
            if value.dtype.kind in "iuf" and value.size == 1:
                return float(value.reshape(()))
    return None


def _check_shapes(
    source: str, found: Mapping[str, tuple[np.dtype[Any], tuple[int, ...] | None]]
) -> None:
    """Refuse what are not series of numbers of one length.

    Raises:
        TableError: holds every fault.
    """
    problems = []
    length: int | None = None
    for name, (dtype, shape) in found.items():
        allowed = advice = ""
        if dtype.kind not in "iufc":
            allowed = f"{name} holds {dtype}: must be real or complex numbers"
            advice = "store complex numbers as NumPy does, in HDF5 as compounds (r, i)"
        elif shape is None or len(shape) != 1:
            allowed = f"{name} has shape {shape}: must be one series, (rows,)"
            advice = "store one function, on one axis"
        elif shape[0] > LARGEST_ROWS:
            allowed = f"{name} has {shape[0]} values; a table may have {LARGEST_ROWS}"
            advice = "keep every n-th, or cut the end of the record"
        elif length is not None and shape[0] != length:
            allowed = f"{name} has {shape[0]} values, others {length}"
            advice = "store one value per row"
        else:
            length = shape[0]
        if allowed:
            problems.append(Problem("", None, allowed, advice))
    if problems:
        raise TableError(source, problems)


def parse_npy(source: str, content: bytes, names: Sequence[str] | None) -> ArrayTable:
    """Read a table from the bytes of an .npy file: an array with named fields, or of two axes.

    Args:
        source: name of the file.
        content: its bytes.
        names: names of the columns, where the array has none.

    Raises:
        TableError: not numbers, truncated, without names, or of a wrong or too large shape.
    """
    return _named(source, _array(source, source, content), names)


def parse_npz(
    source: str, content: bytes, schema: Schema, names: Sequence[str] | None
) -> ArrayTable:
    """Read a table from the bytes of an .npz file: an array per column, or one array of all.

    ``temperature_K`` may be one of the arrays. Others of unknown names are left alone.

    Raises:
        TableError: as parse_npy, or a member would expand to more than the largest table.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            items = {item.filename.removesuffix(".npy"): item for item in archive.infolist()}
            chosen = [name for name in items if read_name(name, schema) or name == _TEMPERATURE]
            if len(items) == 1:
                chosen = list(items)
            for name in chosen:
                if items[name].file_size > _largest(len(schema) * 2):
                    allowed = f"{name} takes {items[name].file_size} bytes; too large for a table"
                    raise refuse(source, allowed, "store fewer rows")
            arrays = {
                name: _array(source, name, archive.read(items[name]), alone=name == _TEMPERATURE)
                for name in chosen
            }
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise refuse(
            source, f"truncated or damaged .npz file ({error})", "copy it again"
        ) from error
    temperature = arrays.pop(_TEMPERATURE, None)
    if len(arrays) == 1 and (len(items) == 1 or next(iter(arrays.values())).ndim != 1):
        found = _named(source, next(iter(arrays.values())), names)
        arrays = dict(found.columns)
    _check_shapes(source, {name: (array.dtype, array.shape) for name, array in arrays.items()})
    T = None if temperature is None else float(np.real(temperature).reshape(-1)[0])
    return ArrayTable(source, arrays, {}, T)


def _largest(columns: int) -> int:
    return _LARGEST_HEADER + 16 * LARGEST_ROWS * columns


def _array(source: str, name: str, content: bytes, alone: bool = False) -> NDArray[Any]:
    """Return the array in the bytes of an .npy file; pickled objects are never read."""
    stream = io.BytesIO(content)
    try:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(stream, max_header_size=_LARGEST_HEADER)
        kinds = {field.kind for field, *_ in (dtype.fields or {"": (dtype,)}).values()}
        size = math.prod(shape) * dtype.itemsize
        if not kinds <= set("iufc") or size > len(content) or (alone and math.prod(shape) != 1):
            what = f"{name} holds {shape} of {str(dtype)[:60]}"
            raise refuse(
                source, f"{what}; must hold numbers, all of them in the file", "store it again"
            )
        stream.seek(0)
        return np.asarray(
            npy.read_array(stream, allow_pickle=False, max_header_size=_LARGEST_HEADER)
        )
    except TableError:
        raise
    except (ValueError, EOFError, OverflowError, SyntaxError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise refuse(
            source, f"{name} is damaged or not NumPy's ({reason})", "store it again"
        ) from error


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
    _check_shapes(source, {name: (column.dtype, column.shape) for name, column in columns.items()})
    return ArrayTable(source, columns, {})
