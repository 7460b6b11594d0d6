"""What a result file says of itself: texts, notes and quality gates, checked on reading."""

from __future__ import annotations

import h5py

from smallpolaron.analysis.gates import Gate
from smallpolaron.results import attributes
from smallpolaron.support.hdf5_inputs import Unfit, subgroups
from smallpolaron.support.problems import show


def read_text(item: h5py.Dataset | h5py.Group, name: str) -> str:
    """Return an attribute that must be a text.

    Raises:
        Unfit: it is missing or something else.
    """
    value = attributes.read_value(item, name)
    if not isinstance(value, str):
        raise Unfit(f"{item.name[1:]}: attribute {name} = {show(value)}; must be a text")
    return value


def read_notes(group: h5py.Group) -> dict[str, str]:
    """Return all attributes of a group; every one must be a text.

    Raises:
        Unfit: one is not.
    """
    return {name: read_text(group, name) for name in group.attrs}


def read_gates(group: h5py.Group) -> tuple[Gate, ...]:
    """Return the quality gates, one per subgroup.

    Raises:
        Unfit: one lacks an attribute or has one of another type.
    """
    return tuple(_gate(name, each) for name, each in subgroups(group))


def _gate(name: str, group: h5py.Group) -> Gate:
    value, bound = (attributes.read_value(group, key) for key in ("value", "bound"))
    passed = attributes.read_value(group, "passed")
    for key, found in (("value", value), ("bound", bound)):
        if type(found) not in (int, float):
            raise Unfit(f"quality/{name}: attribute {key} = {show(found)}; must be a number")
    if type(passed) is not bool:
        raise Unfit(f"quality/{name}: attribute passed = {show(passed)}; must be true or false")
    return Gate(name, value, bound, passed, read_text(group, "meaning"))
