"""Augmented files: Mori kernels with derivatives of the current in the projector.

For each projector and each source of the derivatives: D against the cutoff, the cutoff times and
the memory kernel of the last projected variable.
"""

from __future__ import annotations

from itertools import takewhile
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.analysis.memory.augmented import (
    augmented_kernel,
    augmented_scan,
    difference_derivatives,
)
from smallpolaron.analysis.memory.cutoff import settling_times
from smallpolaron.analysis.mobility import mobility
from smallpolaron.derive.derive import (
    D_UNIT,
    T_EQ,
    TAU_K,
    Notes,
    bands,
    correlation,
    derive,
    note_settling,
    temperature,
)
from smallpolaron.results.quantity import Quantity, time
from smallpolaron.results.store import Result
from smallpolaron.study.sections import AnalysisConfig

PROJECTORS: Final = {"J": 1, "J_dJ": 2, "J_dJ_d2J": 3}
"""Projectors and their numbers of variables: the current and its derivatives."""

SOURCES: Final = ("exact", "differences")
"""Where derivatives come from: the generator, or finite differences of C_JJ."""

_CASES: Final = tuple((name, source) for name in PROJECTORS for source in SOURCES)

QUANTITIES: Final = {
    "time_fs": time(),
    "cutoff_fs": Quantity(
        "fs", "Time after which the kernel is set to zero.", ("cutoff",), kept="finite"
    ),
    **T_EQ,
} | {
    f"{name}/{source}/{key}": quantity
    for name, source in _CASES
    for key, quantity in {
        "D_cutoff": Quantity(
            D_UNIT, "Diffusion constant of the cut kernel; NaN where unstable.", ("cutoff",)
        ),
        "K": Quantity(
            *("fs^-2", "Memory kernel of the last projected variable on itself."),
            *(("time",), complex),
        ),
        **TAU_K,
        "D_kernel": Quantity(D_UNIT, "D of the whole kernel; NaN where it is unstable."),
    }.items()
}


def augmented_result(source: Result, settings: AnalysisConfig) -> Result:
    """Return D against cutoff and cutoff times for projectors with derivatives of the current."""
    axes = dict.fromkeys(("time_fs", "cutoff_fs"), source.array("time_fs"))
    return derive("augmented", source, QUANTITIES, lambda: _augmented(source, settings), axes)


def exact_derivatives(source: Result) -> list[NDArray[np.complex128]]:
    """Return C_JJ and its stored derivatives, as far as they go without a gap."""
    highest = 2 * max(PROJECTORS.values())
    names = ["C_JJ", "dC_JJ", *(f"d{order}C_JJ" for order in range(2, highest + 1))]
    there = takewhile(source.variables.__contains__, names)
    return [np.asarray(source.array(name), dtype=np.complex128) for name in there]


def _augmented(source: Result, settings: AnalysisConfig) -> tuple[dict[str, Any], Notes]:
    C, exact = correlation(source), exact_derivatives(source)
    t, direct = C.time_fs, mobility(C, temperature(source))
    widths = bands(settings)
    differences = difference_derivatives(t, C.values, 2 * max(PROJECTORS.values()))
    derivatives = dict(zip(SOURCES, (exact, differences), strict=True))
    values: dict[str, Any] = {"time_fs": t, "cutoff_fs": t}
    notes: Notes = {}
    for name, origin in _CASES:
        order, key = PROJECTORS[name], f"{name}/{origin}"
        values[f"{key}/K"] = np.full(t.shape, np.nan, dtype=complex)
        values[f"{key}/D_cutoff"] = np.full(t.shape, np.nan)
        try:
            kernel = augmented_kernel(t, derivatives[origin][: 2 * order + 1], order)
            D = augmented_scan(kernel).D
        except ValueError as error:
            notes[f"{key}/reason"] = str(error) + _negative_norm(derivatives[origin], order)
            continue
        settled = settling_times(t, D, direct.D_A2_fs, **widths)
        values |= {f"{key}/K": kernel.K[:, -1, -1], f"{key}/D_cutoff": D}
        values[f"{key}/D_kernel"] = float(D[-1])
        if np.isnan(D[-1]):
            notes[f"{key}/D_kernel"] = (
                "the dynamics with the whole kernel does not decay within the record"
                + _negative_norm(derivatives[origin], order)
            )
        note_settling(values, notes, f"{key}/tau_K", settled)
    note_settling(
        values, notes, "t_eq", settling_times(t, direct.D_running, direct.D_A2_fs, **widths)
    )
    return values, notes


def _negative_norm(derivatives: list[NDArray[np.complex128]], order: int) -> str:
    """Tell when the last projected variable has a negative squared norm."""
    if len(derivatives) < 2 * order:
        return ""
    norm = float((-1.0) ** (order - 1) * derivatives[2 * order - 2][0].real)
    if norm >= 0.0:
        return ""
    return (
        f"; the squared norm of its last variable is negative ({norm:.3g}), as the finite number "
        "of bath terms may make it"
    )
