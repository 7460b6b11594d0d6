"""What may be wrong inside a result file that can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from smallpolaron import NUMERICS_VERSION
from smallpolaron.studies.dynamics_jobs import point_parameters
from smallpolaron.studies.layout import departures
from smallpolaron.studies.parameters import point_hash
from smallpolaron.studies.plan import HASH_DIGITS
from smallpolaron.studies.store import Result, StoreError, check_result

_NAMED: Final = re.compile(rf"-([0-9a-f]{{{HASH_DIGITS}}})(__[a-z_]+)?\.h5")


def faults(path: Path, result: Result) -> list[str]:
    """Return what is wrong with a result, one sentence each; none for a sound one.

    Args:
        path: its file; the hash in the name is compared with the parameters.
        result: what the file holds.
    """
    return [*_inconsistencies(result), *departures(result), *_names(path, result)]


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
    parameters = point_parameters(dict(result.parameters))
    if "propagation" in parameters:  # the kinds that are of one system
        version = int(result.provenance.get("numerics_version", NUMERICS_VERSION))
        try:
            found = point_hash(parameters, version)
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            found = f"({error})"
        if recorded != found:
            yield (f"the parameters have the hash {found}, recorded is {recorded}")
    named = _NAMED.search(path.name)
    if named and named[1] != recorded[:HASH_DIGITS]:
        yield f"the name says hash {named[1]}, recorded is {recorded[:HASH_DIGITS]}"
