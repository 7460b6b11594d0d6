"""Two results of one job, variable by variable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from smallpolaron.results.store import Result, Variable

Agreement = Literal[
    "identical", "within tolerance", "differs", "diagnostic differs", "missing", "new"
]

DIAGNOSTICS: Final = (
    "convergence/",
    "errors/",
    "equilibrium/residual",
    "equilibrium/hermiticity",
    "resolvent/residual",
    "resolvent/products",
    "resolvent/n_unknowns",
)
"""Prefixes of the names of variables that describe the run, not the physics. Some measure rounding
itself: on another number of ranks, hermiticity was 1e-17 and changed by 70 %."""

ORIGIN: Final = (
    "package_version",
    "numerics_version",
    "git_commit",
    "ranks",
    "python_version",
    "numpy_version",
    "scipy_version",
    "numba_version",
    "petsc_version",
    "mpi_library",
    "cpu_model",
)
"""Entries of the provenance that may explain a difference."""


@dataclass(frozen=True)
class Comparison:
    """How one part of two results agrees.

    Attributes:
        name: variable, or ``quality/<gate>``, ``notes/<name>``.
        agreement: identical (every bit), within tolerance, differs, diagnostic differs (it
            describes the run, not the physics), missing (only the first has it) or new (only the
            second has it).
        difference: largest difference over the largest finite value; None where not numbers.
    """

    name: str
    agreement: Agreement
    difference: float | None = None

    @property
    def agrees(self) -> bool:
        """Whether the second result reproduces the first in this.

        What only the second has, as a later version that stores more, contradicts nothing, but for
        the reason why it has no numbers.
        """
        if self.agreement == "new":
            return self.name != "notes/reason"
        return self.agreement in ("identical", "within tolerance", "diagnostic differs")


def compare(old: Result, new: Result, tolerance: float) -> list[Comparison]:
    """Compare variables, the verdicts of the gates and the notes of two results.

    Args:
        old: the result that was there.
        new: the one made again.
        tolerance: largest difference, relative to the largest finite value of a variable.
    """
    parts = (
        ("", old.variables, new.variables),
        ("quality/", _verdicts(old), _verdicts(new)),
        ("notes/", old.notes, new.notes),
    )
    return [
        _compared(f"{place}{key}", one.get(key), two.get(key), tolerance)
        for place, one, two in parts
        for key in dict.fromkeys([*one, *two])
    ]


def _verdicts(result: Result) -> dict[str, bool]:
    return {gate.name: gate.passed for gate in result.gates}


def _compared(name: str, old: Any, new: Any, tolerance: float) -> Comparison:
    if old is None or new is None:
        return Comparison(name, "new" if old is None else "missing")
    if isinstance(old, Variable) and isinstance(new, Variable):
        return _variable(name, old, new, tolerance)
    return Comparison(name, "identical" if old == new else "differs")


def _variable(name: str, old: Variable, new: Variable, tolerance: float) -> Comparison:
    if (old.dims, old.units) != (new.dims, new.units):
        return Comparison(name, "differs")
    a, b = np.asarray(old.data), np.asarray(new.data)
    if a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes():
        return Comparison(name, "identical", 0.0)
    difference = relative_difference(a, b)
    if difference <= tolerance:
        return Comparison(name, "within tolerance", difference)
    differs: Agreement = "diagnostic differs" if name.startswith(DIAGNOSTICS) else "differs"
    return Comparison(name, differs, difference)


def relative_difference(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return the largest |a - b| over the largest finite |a|; infinite if not comparable.

    Values that are not finite must be the same in both.
    """
    if a.shape != b.shape:
        return float("inf")
    finite = np.isfinite(a)
    if not np.array_equal(finite, np.isfinite(b)):
        return float("inf")
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return float("inf")
    if not finite.any():
        return 0.0
    one, two = np.asarray(a[finite], complex), np.asarray(b[finite], complex)
    largest, scale = float(np.max(np.abs(one - two))), float(np.max(np.abs(one)))
    return largest / scale if scale > 0 else (0.0 if largest == 0 else float("inf"))


def origin_warnings(old: Result, new: Result) -> list[str]:
    """Return what differs in the origin of two results and may explain a difference."""
    first, second = old.provenance, new.provenance
    found = [
        f"{key}: {first.get(key)} then, {second.get(key)} now"
        for key in ORIGIN
        if first.get(key) != second.get(key)
    ]
    for words, provenance in (("then", first), ("now", second)):
        if provenance.get("git_dirty"):
            found.append(f"git_dirty: the code had changes that were not committed, {words}")
    return found
