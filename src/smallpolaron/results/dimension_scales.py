"""Dimension scales of a result file: readers such as xarray find axes by them."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import h5py
import numpy as np

if TYPE_CHECKING:
    from smallpolaron.results.store import Variable

INDEX_MARK: Final = "index_of_dimension"
"""Attribute of an index, which is made for readers and is no variable of the result."""


def attach_scales(file: h5py.File, variables: Mapping[str, Variable]) -> None:
    """Give every dimension of the variables of a file a scale: its coordinate, or else an index."""
    dims = {
        dim: np.shape(variable.data)[axis]
        for variable in variables.values()
        for axis, dim in enumerate(variable.dims)
    }
    scales = {}
    for dim, length in dims.items():
        name = _coordinate(dim, variables)
        if name is None:
            name = _index_name(dim, variables)
            index = file.create_dataset(name, data=np.arange(length))
            index.attrs["units"] = "1"
            index.attrs["description"] = f"Index of the dimension {dim}, from 0."
            index.attrs[INDEX_MARK] = dim
        file[name].make_scale(dim)
        scales[dim] = file[name]
    for name, variable in variables.items():
        for axis, dim in enumerate(variable.dims):
            file[name].dims[axis].label = dim
            if file[name] != scales[dim]:
                file[name].dims[axis].attach_scale(scales[dim])


def _coordinate(dim: str, variables: Mapping[str, Variable]) -> str | None:
    """Return the variable that gives the values along a dimension: ``time_fs`` for ``time``."""
    for name, variable in variables.items():
        last = name.rpartition("/")[2]
        if variable.dims == (dim,) and (last == dim or last.startswith(dim + "_")):
            return name
    return None


def _index_name(dim: str, variables: Mapping[str, Variable]) -> str:
    """Return the name of an index: in the innermost group of all variables of its dimension.

    At the root it would hide variables of that name in groups from readers such as xarray.
    """
    users = [f"/{name}" for name, each in variables.items() if dim in each.dims]
    return posixpath.join(posixpath.commonpath(map(posixpath.dirname, users)), dim)
