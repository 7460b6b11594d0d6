"""Result files that a job is about to use: checked before anything is computed from them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

from smallpolaron.results.store import Result, StoreError, read_result
from smallpolaron.runs.inspection import faults

_MOST_FAULTS: Final = 3


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
