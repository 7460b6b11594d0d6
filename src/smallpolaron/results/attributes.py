"""Plain Python mappings as HDF5 attributes, and back without loss.

Nested mappings become groups; None becomes an empty attribute; lists become arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from smallpolaron.support.hdf5_inputs import read_attribute, subgroups


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
    """Return what write_mapping wrote, as plain Python values.

    Raises:
        Unfit: it holds what write_mapping does not write.
    """
    content = {key: read_value(group, key) for key in group.attrs}
    for key, item in subgroups(group):
        content[key] = read_mapping(item)
    return content


def read_value(item: h5py.Group | h5py.Dataset, name: str) -> Any:
    """Return an attribute as a plain Python value.

    Raises:
        Unfit: it is missing, too large, or of a type that is not written.
    """
    value = read_attribute(item, name)
    if isinstance(value, h5py.Empty):
        return [] if value.dtype.kind == "S" else None
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    return value
