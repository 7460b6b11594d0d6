"""What may be wrong inside a result file that can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from smallpolaron import NUMERICS_VERSION
from smallpolaron.results.kinds import KINDS
from smallpolaron.results.layout import departures
from smallpolaron.results.store import Result, StoreError, check_result, point_content
from smallpolaron.study.parameters import model_of, point_hash
from smallpolaron.study.plan import HASH_DIGITS

_MALFORMED: Final = (KeyError, TypeError, ValueError, AttributeError)
_NAMED: Final = re.compile(rf"-([0-9a-f]{{{HASH_DIGITS}}})(__[a-z_]+)?\.h5")


def faults(path: Path, result: Result) -> list[str]:
    """Return what is wrong with a result, one sentence each; none for a sound one.

    Args:
        path: its file; the hash in the name is compared with the parameters.
        result: what the file holds.
    """
    return [
        *_inconsistencies(result),
        *departures(result),
        *_names(path, result),
        *_systems(result),
    ]


def _inconsistencies(result: Result) -> Iterator[str]:
    try:
        check_result(result)
    except StoreError as error:
        yield str(error)
    for name, variable in result.variables.items():
        if not variable.units or not variable.description:
            yield f"{name} has no unit or no description"


def _names(path: Path, result: Result) -> Iterator[str]:
    """Yield where parameters, their hash and the name of the file disagree."""
    recorded = str(result.provenance.get("configuration_hash", ""))
    parameters = point_content(result.parameters)
    if "propagation" in parameters:  # the kinds that are of one system
        origin: Any = result.provenance
        while isinstance(origin.get("source"), Mapping):  # whose hash a derived file has
            origin = origin["source"]
        version = origin.get("numerics_version", NUMERICS_VERSION)
        try:
            found = point_hash(parameters, int(version))
        except (*_MALFORMED, ArithmeticError) as error:
            found = f"({error})"
        if recorded != found:
            yield (f"the parameters have the hash {found}, recorded is {recorded}")
    named = _NAMED.search(path.name)
    if named and named[1] != recorded[:HASH_DIGITS]:
        yield f"the name says hash {named[1]}, recorded is {recorded[:HASH_DIGITS]}"


def _systems(result: Result) -> Iterator[str]:
    """Yield parameters from which no system can be made, and arrays that are not of its size."""
    parameters = result.parameters
    if KINDS[result.kind].of_many:
        return
    try:
        temperature = parameters["model"]["temperature_K"]
        if type(temperature) not in (int, float) or not 0.0 < temperature < np.inf:
            yield f"parameters/model/temperature_K = {temperature!r} is not a temperature > 0"
        if "propagation" not in parameters:  # a table of numbers has no system
            return
        n_sites = model_of(result.resolved).n_sites
        start = result.resolved.start_site
    except _MALFORMED as error:
        yield f"parameters: {' '.join(str(error).split())}"
        return
    if not 0 <= start < n_sites:
        yield f"parameters/start_site = {start!r}; must be a site from 0 to {n_sites - 1}"
    found = result.variables.get("populations")
    if found is not None and np.shape(found.data)[-1:] != (n_sites,):
        yield f"populations has shape {np.shape(found.data)}; must be (times, {n_sites})"
    yield from _derived(parameters.get("derived"))


def _derived(found: Any) -> Iterator[str]:
    if not isinstance(found, Mapping):
        yield "parameters/derived is missing"
        return
    for name, value in found.items():
        if value is not None and type(value) not in (int, float):
            yield f"parameters/derived/{name} = {value!r}; must be a number or empty"
