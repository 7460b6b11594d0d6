"""Augmented files: Mori kernels with derivatives of the current in the projector.

For each projector and each source of the derivatives: D against the cutoff, the cutoff times and
the memory kernel of the last projected variable.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.analysis.augmented import (
    augmented_kernel,
    augmented_scan,
    difference_derivatives,
)
from smallpolaron.analysis.cutoff import Settling, SettlingTimes, settling_times
from smallpolaron.analysis.mobility import mobility
from smallpolaron.studies.derive import (
    D_UNIT,
    Notes,
    Series,
    Variables,
    derive,
    empty,
    scalars,
    time_variable,
)
from smallpolaron.studies.sections import AnalysisConfig
from smallpolaron.studies.store import Result, Variable

PROJECTORS: Final = {"J": 1, "J_dJ": 2, "J_dJ_d2J": 3}
"""Projectors and their numbers of variables: the current and its derivatives."""

SOURCES: Final = ("exact", "differences")
"""Where derivatives come from: the generator, or finite differences of C_JJ."""

_CASES: Final = tuple((name, source) for name in PROJECTORS for source in SOURCES)

_SCALARS: Final = {
    "t_eq_band_fs": ("fs", "Time after which the running integral stays in the absolute band."),
    "t_eq_percent_fs": ("fs", "Time after which the running integral stays in the relative band."),
} | {
    f"{name}/{source}/{quantity}": text
    for name, source in _CASES
    for quantity, text in {
        "tau_K_band_fs": ("fs", "Kernel cutoff after which D stays in the absolute band."),
        "tau_K_percent_fs": ("fs", "Kernel cutoff after which D stays in the relative band."),
        "D_kernel": (D_UNIT, "D of the whole kernel; NaN where it is unstable."),
    }.items()
}

Case = tuple[NDArray[np.complex128], NDArray[np.float64], SettlingTimes]
"""Memory kernel, D against the cutoff, cutoff times."""


def augmented_result(source: Result, settings: AnalysisConfig) -> Result:
    """Return D against cutoff and cutoff times for projectors with derivatives of the current."""
    series = Series.of(source)
    exact = exact_derivatives(source)
    return derive(
        "augmented",
        source,
        lambda: _augmented(series, exact, settings),
        lambda: _arrays(series, {}) | scalars(_SCALARS, {}),
    )


def exact_derivatives(source: Result) -> list[NDArray[np.complex128]]:
    """Return C_JJ and its stored derivatives, as far as they go without a gap."""
    highest = 2 * max(PROJECTORS.values())
    names = ["C_JJ", "dC_JJ", *(f"d{order}C_JJ" for order in range(2, highest + 1))]
    found = []
    for name in names:
        if name not in source.variables:
            break
        found.append(np.asarray(source.variables[name].data, dtype=np.complex128))
    return found


def _augmented(
    series: Series, exact: list[NDArray[np.complex128]], settings: AnalysisConfig
) -> tuple[Variables, Notes]:
    t, C = series.time_fs, series.C
    direct = mobility(t, C, series.temperature_K, series.dC, series.d2C)
    bands = {
        "band_paper_units": settings.band_paper_units,
        "band_percent": settings.band_percent,
    }
    differences = difference_derivatives(t, C, 2 * max(PROJECTORS.values()))
    derivatives = dict(zip(SOURCES, (exact, differences), strict=True))
    found: dict[str, Case] = {}
    values: dict[str, float] = {}
    notes: Notes = {}
    for name, source in _CASES:
        order, key = PROJECTORS[name], f"{name}/{source}"
        try:
            kernel = augmented_kernel(t, derivatives[source][: 2 * order + 1], order)
            D = augmented_scan(kernel).D
        except ValueError as error:
            notes[f"{key}/reason"] = str(error) + _negative_norm(derivatives[source], order)
            continue
        times = settling_times(t, D, direct.D_A2_fs, **bands)
        found[key] = (kernel.K[:, -1, -1], D, times)
        values[f"{key}/D_kernel"] = float(D[-1])
        if np.isnan(D[-1]):
            notes[f"{key}/D_kernel"] = (
                "the dynamics with the whole kernel does not decay within the record"
                + _negative_norm(derivatives[source], order)
            )
        _record(values, notes, f"{key}/tau_K", times)
    _record(values, notes, "t_eq", settling_times(t, direct.D_running, direct.D_A2_fs, **bands))
    return _arrays(series, found) | scalars(_SCALARS, values), notes


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


def _record(values: dict[str, float], notes: Notes, name: str, times: SettlingTimes) -> None:
    """Take both settling times over, with the criterion and what limits it."""
    pairs: dict[str, Settling] = {"band": times.band, "percent": times.percent}
    for criterion, settling in pairs.items():
        values[f"{name}_{criterion}_fs"] = settling.time_fs
        reason = f"; {settling.reason}" if settling.reason else ""
        notes[f"{name}_{criterion}_fs"] = settling.criterion + reason


def _arrays(series: Series, found: dict[str, Case]) -> Variables:
    """Return the arrays of all cases; those without numbers hold NaN."""
    t = series.time_fs
    arrays = {
        "time_fs": time_variable(t),
        "cutoff_fs": Variable(t, ("cutoff",), "fs", "Time after which the kernel is set to zero."),
    }
    for name, source in _CASES:
        key = f"{name}/{source}"
        K, D = found[key][:2] if key in found else (empty(t, complex), empty(t))
        arrays[f"{key}/D_cutoff"] = Variable(
            D, ("cutoff",), D_UNIT, "Diffusion constant of the cut kernel; NaN where unstable."
        )
        arrays[f"{key}/K"] = Variable(
            K, ("time",), "fs^-2", "Memory kernel of the last projected variable on itself."
        )
    return arrays
