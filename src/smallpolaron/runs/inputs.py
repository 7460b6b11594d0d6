"""Result files that are about to be used: read, and checked for what may be wrong inside."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from smallpolaron import NUMERICS_VERSION
from smallpolaron.results.kinds import KINDS
from smallpolaron.results.layout import departures
from smallpolaron.results.store import Result, check_result, point_content, read_result
from smallpolaron.study.parameters import model_of, point_hash
from smallpolaron.study.plan import HASH_DIGITS
from smallpolaron.support.problems import StoreError

_MOST_FAULTS: Final = 3
_MALFORMED: Final = (KeyError, TypeError, ValueError, AttributeError)
_NAMED: Final = re.compile(rf"-([0-9a-f]{{{HASH_DIGITS}}})(__[a-z_]+)?\.h5")


def read_input(path: Path, kinds: Collection[str] = (), *, of_a_point: bool = False) -> Result:
    """Read a result, or say why it must not be used.

    Beyond read_result, the variables that the kind must have are compared with its layout, and the
    parameters with their hash and with the name of the file.

    Args:
        path: result file.
        kinds: kinds that are accepted; empty for any.
        of_a_point: refuse results of a table of numbers, which no study describes.

    Raises:
        StoreError: as read_result, or it is of another kind, or its content does not fit together.
    """
    result = read_result(path)
    if kinds and result.kind not in kinds:
        wanted = "' or '".join(kinds)
        raise StoreError(
            f"{path}: holds a result of kind '{result.kind}', needed is '{wanted}'; name one"
        )
    if of_a_point and "propagation" not in result.parameters:
        raise StoreError(
            f"{path}: its parameters lack the section propagation: it is of a table of numbers, "
            "not of a point of a study; give results of points"
        )
    found = faults(path, result)
    if found:
        told = "; ".join(found[:_MOST_FAULTS])
        more = f"; and {len(found) - _MOST_FAULTS} more" if len(found) > _MOST_FAULTS else ""
        raise StoreError(
            f"{path}: does not fit together: {told}{more}; restore it from a copy, or delete it "
            "and run its job again"
        )
    return result


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
    if KINDS[result.kind].of_many or "propagation" not in result.parameters:
        return
    try:
        n_sites, start = model_of(result.resolved).n_sites, result.resolved.start_site
    except _MALFORMED as error:
        yield f"parameters: {' '.join(str(error).split())}"
        return
    if not 0 <= start < n_sites:
        yield f"parameters/start_site = {start!r}; must be a site from 0 to {n_sites - 1}"
    found = result.variables.get("populations")
    if found is not None and np.shape(found.data)[-1:] != (n_sites,):
        yield f"populations has shape {np.shape(found.data)}; must be (times, {n_sites})"
