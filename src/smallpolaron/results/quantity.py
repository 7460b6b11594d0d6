"""The numbers that a result file holds: one declaration each, of which all else follows.

A kind of result has one table of quantities. The stored variables, those of a run that gives no
numbers, the layout that readers may rely on and the documentation are made from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from smallpolaron.results.store import Variable

Variables = dict[str, Variable]

_MISSING: Final[Mapping[type, Any]] = {float: np.nan, complex: np.nan, int: -1, bool: False}
"""What stands for a missing value."""


@dataclass(frozen=True)
class Quantity:
    """One named number or array of a kind of result.

    Attributes:
        units: units as text; "1" for dimensionless.
        text: what it is, one sentence.
        dims: names of its dimensions; () for a scalar.
        dtype: float, complex, int or bool.
        kept: what a reader may rely on: "finite" that it is there and finite in every run that
            gives numbers, "there" that it is there, if only as NaN, "typed" that it has these
            dimensions and units if it is there, "" nothing.
        optional: whether a file may do without.
    """

    units: str
    text: str
    dims: tuple[str, ...] = ()
    dtype: type = float
    kept: Literal["finite", "there", "typed", ""] = ""
    optional: bool = False

    def variable(self, data: Any) -> Variable:
        """Return the stored variable with some data."""
        return Variable(data, self.dims, self.units, self.text)


Table = dict[str, Quantity]
"""The quantities of a kind, by name; a slash in a name makes a group."""


def table_of(made: type) -> Table:
    """Return the quantities that the fields of a class of results declare, by their names."""
    return {each.name: Quantity(**each.metadata) for each in fields(made) if each.metadata}


def time(text: str = "Time.") -> Quantity:
    """Return the time axis of a result."""
    return Quantity("fs", text, ("time",), kept="finite")


def omega() -> Quantity:
    """Return the frequency axis of a result."""
    return Quantity("rad fs^-1", "Angular frequency.", ("omega",), kept="finite")


def variables(table: Table, values: Mapping[str, Any]) -> Variables:
    """Return the stored variables of a result; scalars without a value are NaN.

    Raises:
        KeyError: an array that must be there has no data, or the table has no such quantity.
    """
    if unknown := values.keys() - table.keys():
        raise KeyError(f"no quantity {min(unknown)!r} is declared")
    found = {}
    for name, quantity in table.items():
        if name in values:
            found[name] = quantity.variable(values[name])
        elif not quantity.optional:
            if quantity.dims:
                raise KeyError(f"the quantity {name!r} has no data")
            found[name] = quantity.variable(_MISSING[quantity.dtype])
    return found


def missing(table: Table, axes: Mapping[str, NDArray[Any]], **sizes: int) -> Variables:
    """Return the variables of a run that gives no numbers.

    Args:
        table: the quantities.
        axes: data of the coordinates, by name; the first dimension of each gets its length.
        sizes: lengths of the dimensions that have no coordinate.
    """
    length = {table[name].dims[0]: len(data) for name, data in axes.items()} | sizes
    empty: dict[str, Any] = {
        name: np.full([length[dim] for dim in q.dims], _MISSING[q.dtype], dtype=q.dtype)
        for name, q in table.items()
        if q.dims and name not in axes and (not q.optional or length.keys() >= set(q.dims))
    }
    return variables(table, {**empty, **axes})
