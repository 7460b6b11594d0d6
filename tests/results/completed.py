"""Invented results with a few numbers that matter, completed to files that pass every check."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from smallpolaron.results.layout import layout
from smallpolaron.results.quantity import Quantity
from smallpolaron.results.store import Result, Variable, point_content
from smallpolaron.study.parameters import point_hash

LENGTH = 3
"""Of a dimension that no number of the result has, but for sites."""


def completed(result: Result) -> Result:
    """Return it with all variables and units its kind must have, derived numbers and hash.

    What is added is lawful and means nothing: axes rise from 0, the rest is 0.

    Args:
        result: of one point; its parameters are complete.
    """
    parameters = {"derived": {}, **result.parameters}
    lengths = {
        dim: length
        for variable in result.variables.values()
        for dim, length in zip(variable.dims, np.shape(variable.data), strict=True)
    } | {"site": result.resolved.n_sites}
    variables = dict(result.variables)
    for name, required in layout(result.kind).items():
        if name in variables:
            variables[name] = replace(variables[name], units=required.units)
        elif not required.optional:
            variables[name] = invented(name, required, lengths)
    digest = point_hash(point_content(parameters))
    provenance = {**result.provenance, "configuration_hash": digest}
    return replace(result, variables=variables, parameters=parameters, provenance=provenance)


def invented(name: str, required: Quantity, lengths: dict[str, int]) -> Variable:
    """Return a variable that obeys the layout."""
    shape = tuple(lengths.get(dim, LENGTH) for dim in required.dims)
    is_axis = name.removesuffix("_fs") == "".join(required.dims)
    data = np.arange(float(shape[0])) if is_axis else np.zeros(shape)
    return Variable(data, required.dims, required.units, "Invented.")
