"""Plain Python mappings as HDF5 attributes, and back without loss.

Nested mappings become groups; None becomes an empty attribute; lists become arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np


class Unfit(ValueError):
    """Something in an HDF5 file that is not read; the message names it and says why."""


def write_mapping(group: h5py.Group, content: Mapping[str, Any]) -> None:
    """Write a mapping of texts, numbers, booleans, None, lists and mappings to a group.

    Raises:
        TypeError: a value of another type.
    """
    for key, value in content.items():
        if isinstance(value, Mapping):
            write_mapping(group.create_group(key), value)
        else:
            group.attrs[key] = _encode(key, value)


def _encode(key: str, value: Any) -> Any:
    if value is None:
        return h5py.Empty("f")
    if isinstance(value, (list, tuple)):
        if not value:
            return h5py.Empty("S1")
        if all(isinstance(item, str) for item in value):
            return np.array(value, dtype=h5py.string_dtype())
        return np.array(value)
    if isinstance(value, (str, bool, int, float, np.bool_, np.integer, np.floating)):
        return value
    raise TypeError(f"{key} = {value!r}: only texts, numbers, booleans, None and lists are stored")


def read_mapping(group: h5py.Group) -> dict[str, Any]:
    """Return what write_mapping wrote, as plain Python values."""
    content = {key: read_value(group, key) for key in group.attrs}
    return content | {key: read_mapping(item) for key, item in group.items()}


def read_value(item: h5py.Group | h5py.Dataset, name: str) -> Any:
    """Return an attribute as a plain Python value; Unfit if it is missing."""
    if name not in item.attrs:
        raise Unfit(f"{item.name.lstrip('/') or 'the file'}: attribute {name} is missing")
    value = item.attrs[name]
    if isinstance(value, h5py.Empty):
        return [] if value.dtype.kind == "S" else None
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    return value


def datasets(file: h5py.File, beside: Sequence[str] = ()) -> dict[str, h5py.Dataset]:
    """Return the datasets of a file by their path, but those in some groups; none is read."""
    found: dict[str, h5py.Dataset] = {}

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset) and name.partition("/")[0] not in beside:
            found[name] = item

    file.visititems(visit)
    return dict(sorted(found.items(), key=lambda pair: pair[0].split("/")))
