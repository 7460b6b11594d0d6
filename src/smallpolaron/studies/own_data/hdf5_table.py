"""Tables of C(t) in HDF5: the layout of this project's own result files, of which few parts count.

Needed are ``time_fs`` and ``C_JJ`` (complex), or ``C_real`` and ``C_imag``, at the root of the
file, with attributes ``units``.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from smallpolaron.studies.hdf5_inputs import (
    Unfit,
    has_member,
    member,
    plain_bytes,
    read_attribute,
)
from smallpolaron.studies.own_data.table_format import (
    LARGEST_ROWS,
    Column,
    RawTable,
    TableError,
    read_name,
    read_units,
    refuse,
)
from smallpolaron.studies.problems import Problem
from smallpolaron.studies.store import StoreError
from smallpolaron.studies.unavailable import cannot_read, is_unavailable, open_hdf5, patiently


def read_hdf5(path: Path) -> RawTable:
    """Read a table of C(t) from an HDF5 file; its form is in docs/own-data.md.

    Args:
        path: file to read; of its datasets only those with a known name are looked at.

    Raises:
        TableError: truncated, datasets missing, not numbers, of a wrong or too large shape, not
            finite, or in unknown units; the message holds every problem.
    """
    try:
        with patiently(lambda: open_hdf5(path)) as file:
            return _read(str(path), file)
    except Unfit as error:
        raise refuse(path, str(error), "write it anew, as docs/own-data.md says") from error
    except (OSError, RuntimeError) as error:
        if is_unavailable(error):
            raise StoreError(cannot_read(path, error)) from error
        reason = " ".join(str(error).split())
        raise refuse(path, f"truncated or damaged HDF5 file ({reason})", "copy it anew") from error


def _read(source: str, file: h5py.File) -> RawTable:
    named = _datasets(source, file)
    units, problems = read_units(named)
    length = file[named["time"][0]].size
    for quantity, (name, _) in named.items():
        problems += _shape_faults(quantity, file[name], length)
    if problems:
        raise TableError(source, problems)
    columns: dict[str, Column] = {}
    for quantity, (name, _) in named.items():
        columns[quantity] = _column(quantity, name, file[name])
    problems = [fault for column in columns.values() for fault in _not_finite(column)]
    if problems:
        raise TableError(source, problems)
    return RawTable(source, columns, units, (), _temperature(file))


def _datasets(source: str, file: h5py.File) -> dict[str, tuple[str, str]]:
    """Return name and unit of the dataset of every quantity; derivatives without their unit."""
    named: dict[str, tuple[str, str]] = {}
    problems = []
    for name in file:
        known = read_name(name)
        if known is None or not isinstance(dataset := member(file, name), h5py.Dataset):
            continue
        plain_bytes(name, dataset)
        quantity, unit = known
        is_both = dataset.dtype.kind == "c" and quantity.endswith("_real")
        for part in (quantity, quantity.replace("_real", "_imag"))[: 1 + is_both]:
            if part in named:
                allowed = f"datasets {named[part][0]} and {name} mean the same"
                problems.append(Problem("", None, allowed, "keep one of them"))
            named[part] = (name, "" if part.startswith("d") else _unit(dataset) or unit)
    for quantity, usual in (("time", "time_fs"), ("C_real", "C_JJ or C_real")):
        if quantity not in named:
            allowed = f"has no dataset {usual}"
            problems.append(Problem("", None, allowed, "add it at the root of the file"))
    if problems:
        raise TableError(source, problems)
    return named


def _unit(dataset: h5py.Dataset) -> str:
    value = read_attribute(dataset, "units") if "units" in dataset.attrs else ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _shape_faults(quantity: str, dataset: h5py.Dataset, length: int) -> list[Problem]:
    name, shape, kind = dataset.name.strip("/"), dataset.shape, dataset.dtype.kind
    allowed = advice = ""
    if kind not in "iufc":
        allowed = f"{name} holds {dataset.dtype}: must be real or complex numbers"
        advice = "store complex numbers as h5py does, as compounds (r, i)"
    elif kind == "c" and (quantity == "time" or dataset.name.endswith("_imag")):
        allowed, advice = f"{name} is complex: must be real", "store the real part"
    elif shape is None or len(shape) != 1:
        allowed = f"{name} has shape {shape}: must be one series, (times,)"
        advice = "store one function, on one axis"
    elif shape[0] > LARGEST_ROWS:
        allowed = f"{name} has {shape[0]} values; a table may have {LARGEST_ROWS}"
        advice = "keep every n-th, or cut the end of the record"
    elif shape[0] != length:
        allowed = f"{name} has {shape[0]} values, the times {length}"
        advice = "store one value per time"
    return [Problem("", None, allowed, advice)] if allowed else []


def _column(quantity: str, name: str, dataset: h5py.Dataset) -> Column:
    """Return the part of a dataset that is the quantity."""
    data = np.asarray(dataset[()])
    if quantity.endswith("_imag") and data.dtype.kind == "c":
        name, part = f"Im {name}", data.imag
    else:
        part = data.real
    spacing = float(np.finfo(data.dtype).eps) if data.dtype.kind in "fc" else 0.0
    values = np.asarray(part, dtype=np.float64)
    return Column(name, values, 0.5 * spacing * np.abs(values))


def _not_finite(column: Column) -> list[Problem]:
    bad = np.flatnonzero(~np.isfinite(column.values))
    return [
        Problem(
            f"{column.name}[{row}]",
            float(column.values[row]),
            "must be a finite number",
            "remove or recompute it; times must stay even",
        )
        for row in bad
    ]


def _temperature(file: h5py.File) -> float | None:
    """Return the temperature of the file: at its root, or where own results have it."""
    places = [file]
    for name in ("parameters", "model"):
        if isinstance(places[-1], h5py.Group) and has_member(places[-1], name):
            places.append(member(places[-1], name))
    for place in (places[0], places[-1]):
        if "temperature_K" in place.attrs:
            value = np.asarray(read_attribute(place, "temperature_K"))
            if value.dtype.kind in "iuf" and value.size == 1:
                return float(value.reshape(()))
    return None
