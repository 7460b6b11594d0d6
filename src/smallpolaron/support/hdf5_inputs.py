"""HDF5 files from anywhere: looked at before anything in them is read.

A file can lead its reader to other files (soft and external links, external and virtual storage),
round in circles (several hard links to one group), or to allocate far more than it holds (declared
shapes without data, compression). Only what is in the file itself, of plain type and of bounded
size is read.
"""

from __future__ import annotations

import math
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import h5py

LARGEST_EXPANDED: Final = 1 << 30
"""Bytes of memory that all datasets of a file may take together; more only if the file itself is
as large, as it is when nothing in it is compressed."""
LARGEST_ATTRIBUTE: Final = 1 << 24
"""Bytes of memory that one attribute may take."""
MOST_MEMBERS: Final = 100_000
"""Groups and datasets of a file."""

_LINKS: Final = {h5py.h5l.TYPE_SOFT: "a soft", h5py.h5l.TYPE_EXTERNAL: "an external"}
_NUMBERS: Final = "biuf"
_TEXT_OR_NUMBERS: Final = _NUMBERS + "S"


class Unfit(ValueError):
    """Something in an HDF5 file that is not read; the message names it and says why."""


def has_member(group: h5py.Group, name: str) -> bool:
    """Whether a group has a member of a name, be it a link to nowhere; no link is followed."""
    return bool(group.id.links.exists(_key(name)))


def _key(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def member(group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset:
    """Return a member of a group that is in the file itself and has no other name.

    Raises:
        Unfit: there is none, a link to elsewhere, one of several hard links, or something else.
    """
    place = posixpath.join(group.name, name).lstrip("/")
    if not has_member(group, name):
        raise Unfit(f"{place} is missing")
    kind = group.id.links.get_info(_key(name)).type
    if kind != h5py.h5l.TYPE_HARD:
        text = _LINKS.get(kind, "a user-defined")
        raise Unfit(f"{place} is {text} link; links are not followed")
    item = group[name]
    if not isinstance(item, (h5py.Group, h5py.Dataset)):
        raise Unfit(f"{place} is neither a group nor a dataset")
    if h5py.h5o.get_info(item.id).rc != 1:
        raise Unfit(f"{place} has several names (hard links); must have one")
    return item


def subgroup(group: h5py.Group, name: str) -> h5py.Group:
    """Return a member that must be a group.

    Raises:
        Unfit: as member, or it is a dataset.
    """
    item = member(group, name)
    if not isinstance(item, h5py.Group):
        raise Unfit(f"{item.name.lstrip('/')} is a dataset; must be a group")
    return item


def subgroups(group: h5py.Group) -> Iterator[tuple[str, h5py.Group]]:
    """Yield the members of a group by name, all of which must be groups; see subgroup.

    Raises:
        Unfit: as subgroup, or there are too many.
    """
    if len(group) > MOST_MEMBERS:
        raise Unfit(f"{group.name.lstrip('/')} has more than {MOST_MEMBERS} groups")
    for name in group:
        yield name, subgroup(group, name)


def datasets(file: h5py.Group, beside: Sequence[str] = ()) -> dict[str, h5py.Dataset]:
    """Return the datasets below a group by their path; none of them is read.

    Args:
        file: the group or file.
        beside: members of it that are left out.

    Raises:
        Unfit: as member, or there are too many.
    """
    found: dict[str, h5py.Dataset] = {}
    waiting = [(name, file) for name in sorted(set(file) - set(beside), reverse=True)]
    seen = 0
    while waiting:
        name, parent = waiting.pop()
        item = member(parent, name)
        seen += 1
        if isinstance(item, h5py.Group):
            waiting += [(each, item) for each in sorted(item, reverse=True)]
        else:
            found[item.name.lstrip("/")] = item
        if seen + len(waiting) > MOST_MEMBERS:
            raise Unfit(f"more than {MOST_MEMBERS} groups and datasets")
    return found


def require_readable(found: Mapping[str, h5py.Dataset], file_bytes: int) -> None:
    """Check datasets before any of them is read.

    Args:
        found: datasets by name.
        file_bytes: size of their file.

    Raises:
        Unfit: as plain_bytes, or all together are too large.
    """
    sizes = {name: plain_bytes(name, dataset) for name, dataset in found.items()}
    total, most = sum(sizes.values()), max(LARGEST_EXPANDED, file_bytes)
    if total > most:
        name = max(sizes, key=sizes.__getitem__)
        raise Unfit(
            f"{name} declares shape {found[name].shape}, {sizes[name]} bytes; all datasets of this "
            f"file together may take {most}"
        )


def plain_bytes(name: str, dataset: h5py.Dataset) -> int:
    """Return the bytes of memory that a dataset takes.

    Raises:
        Unfit: it keeps its values in other files, or holds other than numbers and texts of fixed
            length.
    """
    created = dataset.id.get_create_plist()
    if created.get_layout() == h5py.h5d.VIRTUAL or created.get_external_count():
        raise Unfit(f"{name} keeps its values in other files; must hold them itself")
    try:
        kind = dataset.dtype.kind
    except TypeError as error:  # a type that NumPy does not have
        raise Unfit(f"{name} holds an unknown type ({error}); must hold numbers") from error
    if kind not in _TEXT_OR_NUMBERS + "c":
        what = "objects" if kind == "O" else str(dataset.dtype)[:60]
        raise Unfit(f"{name} holds {what}; must hold numbers or texts of fixed length")
    if dataset.shape is None:
        raise Unfit(f"{name} has no shape; must be an array or a number")
    return int(math.prod(dataset.shape) * dataset.dtype.itemsize)


def read_attribute(item: h5py.Group | h5py.Dataset, name: str) -> Any:
    """Return an attribute as h5py reads it.

    Raises:
        Unfit: it is missing, too large, or holds other than texts, numbers and truth values.
    """
    place = f"{item.name.lstrip('/') or 'the file'}: attribute {name}"
    if name not in item.attrs:
        raise Unfit(f"{place} is missing")
    found = item.attrs.get_id(name)
    dtype, shape = found.dtype, found.shape or ()
    if dtype.kind not in _TEXT_OR_NUMBERS and h5py.check_string_dtype(dtype) is None:
        raise Unfit(f"{place} holds {str(dtype)[:60]}; must be texts, numbers or truth values")
    size = math.prod(shape) * int(dtype.itemsize)
    if size > LARGEST_ATTRIBUTE:
        raise Unfit(f"{place} has shape {shape}, {size} bytes; may have {LARGEST_ATTRIBUTE}")
    return item.attrs[name]
