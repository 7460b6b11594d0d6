"""What a result file of each kind holds at least: names, dimensions and units of its variables.

docs/results.md describes all variables; these are the ones that a reader may rely on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smallpolaron.results.kinds import KINDS
from smallpolaron.results.quantity import Table
from smallpolaron.results.store import Result


class Required(NamedTuple):
    """What a required variable must be.

    Attributes:
        dims: names of its dimensions.
        units: its units.
        finite: whether it is finite in every run that gives numbers; others may be NaN where
            something was not found.
        is_complex: whether it may be complex.
        optional: whether a file may do without.
    """

    dims: tuple[str, ...]
    units: str
    finite: bool = False
    is_complex: bool = False
    optional: bool = False


_T: Final = ("time",)
_C: Final = "angstrom^2 fs^-2"
_D: Final = "angstrom^2 fs^-1"
_MU: Final = "cm^2 V^-1 s^-1"
_TIME: Final = {"time_fs": Required(_T, "fs", True)}
_OMEGA: Final = {"omega": Required(("omega",), "rad fs^-1", True)}
_MSD: Final = {
    "msd": Required(_T, "angstrom^2", True),
    "dmsd_dt": Required(_T, _D, True),
    "d2msd_dt2": Required(_T, _C, True),
}
_DERIVATIVES: Final = {
    f"d{order if order > 1 else ''}C_JJ": Required(
        _T, f"angstrom^2 fs^-{order + 2}", True, is_complex=True, optional=True
    )
    for order in range(1, 7)
}
_SOLVES: Final = {
    "errors/D/total": Required((), _D, optional=True),
    "errors/D/finite_time": Required((), _D, optional=True),
    "resolvent/D": Required((), _D, optional=True),
    "resolvent/frequency": Required(("frequency",), "rad fs^-1", True, optional=True),
    "resolvent/current_transform": Required(("frequency",), _D, is_complex=True, optional=True),
}
_GIVEN: Final[Mapping[str, Mapping[str, Required]]] = {
    "correlation": {
        **_TIME,
        "C_JJ": Required(_T, _C, True, is_complex=True),
        **_DERIVATIVES,
        **_SOLVES,
    },
    "population": {
        **_TIME,
        "populations": Required(("time", "site"), "1", True, is_complex=True),
        "dpopulations": Required(("time", "site"), "fs^-1", True, is_complex=True),
        "d2populations": Required(("time", "site"), "fs^-2", True, is_complex=True),
    },
    "displacement": {**_TIME, **_MSD},
    "ladder": {
        "n_sites": Required(("n_sites",), "1", True),
        "D": Required(("n_sites",), _D),
        "D_error": Required(("n_sites",), _D),
        "converged_n_sites": Required((), "1"),
        "D_infinity": Required((), _D),
    },
    "ensemble": {},
    "verdict": {
        "runs/system": Required(("run",), "1", True),
        "runs/D": Required(("run",), _D),
        "runs/D_error": Required(("run",), _D),
        "systems/reference_D": Required(("system",), _D),
        "systems/reference_D_error": Required(("system",), _D),
    },
    "inverse": {},
}
"""Of runs and studies; what an ensemble or an inverse file holds depends on the request."""


def layout(kind: str) -> Mapping[str, Required]:
    """Return what a result of a kind holds at least; of derived kinds from their quantities."""
    if kind in _GIVEN:
        return _GIVEN[kind]
    table: Table = KINDS[kind].module.QUANTITIES
    return {
        name: Required(q.dims, q.units, q.kept == "finite", q.dtype is complex, q.optional)
        for name, q in table.items()
        if q.kept
    }


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
        data = np.asarray(variable.data)
        if data.dtype.kind not in ("biufc" if required.is_complex else "biuf"):
            wanted = "numbers" if required.is_complex else "real numbers"
            yield f"{name} holds {data.dtype}; must hold {wanted}"
            continue
        if (variable.dims, variable.units) != (required.dims, required.units):
            yield (
                f"{name} has dimensions {variable.dims} and unit {variable.units!r}; must have "
                f"{required.dims} and {required.units!r}"
            )
        if required.finite and not empty and not np.all(np.isfinite(data)):
            yield f"{name} holds values that are not finite, although the run gives numbers"
        if name == "time_fs" and not _rises_from_zero(data):
            yield "time_fs does not rise from 0"


def _rises_from_zero(times: NDArray[Any]) -> bool:
    return times.size > 0 and bool(times.flat[0] == 0 and np.all(np.diff(times) > 0))
