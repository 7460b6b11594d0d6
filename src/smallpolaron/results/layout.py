"""What a result file of each kind holds at least: names, dimensions and units of its variables.

docs/results.md describes all variables; these are the ones that a reader may rely on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smallpolaron.results.kinds import KINDS
from smallpolaron.results.quantity import Table
from smallpolaron.results.run_quantities import TABLES
from smallpolaron.results.store import Result


def layout(kind: str) -> Table:
    """Return the quantities that a result of a kind holds at least, or in this form if at all."""
    table: Table = TABLES[kind] if kind in TABLES else KINDS[kind].module.QUANTITIES
    return {name: quantity for name, quantity in table.items() if quantity.kept}


def departures(result: Result) -> Iterator[str]:
    """Yield what a result lacks of the layout of its kind, one sentence each.

    A run that gives no numbers says so: a note ``reason``, or the failed gate ``stability``.
    """
    unstable = any(gate.name == "stability" and not gate.passed for gate in result.gates)
    empty = unstable or "reason" in result.notes
    for name, required in layout(result.kind).items():
        variable = result.variables.get(name)
        if variable is None:
            if not required.optional:
                yield f"{name} is missing"
            continue
        data, is_complex = np.asarray(variable.data), required.dtype is complex
        if data.dtype.kind not in ("biufc" if is_complex else "biuf"):
            wanted = "numbers" if is_complex else "real numbers"
            yield f"{name} holds {data.dtype}; must hold {wanted}"
            continue
        if (variable.dims, variable.units) != (required.dims, required.units):
            yield (
                f"{name} has dimensions {variable.dims} and unit {variable.units!r}; must have "
                f"{required.dims} and {required.units!r}"
            )
        if required.kept == "finite" and not empty and not np.all(np.isfinite(data)):
            yield f"{name} holds values that are not finite, although the run gives numbers"
        if name == "time_fs" and not _rises_from_zero(data):
            yield "time_fs does not rise from 0"


def _rises_from_zero(times: NDArray[Any]) -> bool:
    return times.size > 0 and bool(times.flat[0] == 0 and np.all(np.diff(times) > 0))
