"""Plain Python mappings, texts and gates as HDF5 attributes, and back without loss.

Nested mappings become groups; None becomes an empty attribute; lists become arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import h5py
import numpy as np

from smallpolaron.analysis.gates import Gate
from smallpolaron.support.problems import show


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
    """Return what write_mapping wrote, as plain Python values; Unfit if it holds a dataset."""
    content = {key: read_value(group, key) for key in group.attrs}
    return content | {key: read_mapping(item) for key, item in subgroups(group)}


def read_value(item: h5py.Group | h5py.Dataset, name: str) -> Any:
    """Return an attribute as a plain Python value; Unfit if it is missing."""
    if name not in item.attrs:
        raise Unfit(f"{_place(item)}: attribute {name} is missing")
    value = item.attrs[name]
    if isinstance(value, h5py.Empty):
        return [] if value.dtype.kind == "S" else None
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    return value


def read_text(item: h5py.Dataset | h5py.Group, name: str) -> str:
    """Return an attribute that must be a text; Unfit if it is missing or something else."""
    value = read_value(item, name)
    if not isinstance(value, str):
        raise Unfit(f"{_place(item)}: attribute {name} = {show(value)}; must be a text")
    return value


def read_gates(group: h5py.Group) -> tuple[Gate, ...]:
    """Return the quality gates, one per subgroup; Unfit if one lacks or garbles an attribute."""
    return tuple(_gate(name, each) for name, each in subgroups(group))


def _gate(name: str, group: h5py.Group) -> Gate:
    value, bound, passed = (read_value(group, key) for key in ("value", "bound", "passed"))
    for key, found in (("value", value), ("bound", bound)):
        if type(found) not in (int, float):
            raise Unfit(f"quality/{name}: attribute {key} = {show(found)}; must be a number")
    if type(passed) is not bool:
        raise Unfit(f"quality/{name}: attribute passed = {show(passed)}; must be true or false")
    return Gate(name, value, bound, passed, read_text(group, "meaning"))


def subgroup(group: h5py.Group, name: str) -> h5py.Group:
    """Return a member that must be a group; Unfit if it is missing or a dataset."""
    item = group.get(name)
    if not isinstance(item, h5py.Group):
        place = f"{group.name}/{name}".strip("/")
        raise Unfit(f"{place} is {'missing' if item is None else 'a dataset; must be a group'}")
    return item


def subgroups(group: h5py.Group) -> Iterator[tuple[str, h5py.Group]]:
    """Yield the members of a group by name, all of which must be groups."""
    return ((name, subgroup(group, name)) for name in group)


def datasets(file: h5py.File, beside: Sequence[str] = ()) -> dict[str, h5py.Dataset]:
    """Return the datasets of a file by their path; none of them is read.

    Raises:
        Unfit: one holds other than numbers and texts of fixed length.
    """
    found: dict[str, h5py.Dataset] = {}

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset) and name.partition("/")[0] not in beside:
            require_numbers(name, item)
            found[name] = item

    file.visititems(visit)
    return dict(sorted(found.items(), key=lambda pair: pair[0].split("/")))


def require_numbers(name: str, dataset: h5py.Dataset) -> None:
    """Refuse a dataset (Unfit) that holds other than numbers and texts of fixed length."""
    if dataset.dtype.kind not in "biufcS":
        what = "objects" if dataset.dtype.kind == "O" else str(dataset.dtype)[:60]
        raise Unfit(f"{name} holds {what}; must hold numbers or texts of fixed length")
    if dataset.shape is None:
        raise Unfit(f"{name} has no shape; must be an array or a number")


def _place(item: h5py.Group | h5py.Dataset) -> str:
    return item.name.lstrip("/") or "the file"
