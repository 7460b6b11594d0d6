"""Kernel files: Mori memory kernel, D against its cutoff, cutoff and equilibration times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smallpolaron.analysis.cutoff import Settling, settling_times
from smallpolaron.analysis.kernel import memory_kernel, step_check
from smallpolaron.analysis.mobility import mobility
from smallpolaron.analysis.truncation import cutoff_scan
from smallpolaron.model.units import mobility_cm2
from smallpolaron.studies.derive import (
    D_UNIT,
    MU,
    Notes,
    Series,
    Variables,
    derive,
    empty,
    errors_of_D,
    scalars,
    time_variable,
)
from smallpolaron.studies.sections import AnalysisConfig
from smallpolaron.studies.store import Result, Variable

_KERNEL_SCALARS = {
    "tau_K_band_fs": ("fs", "Kernel cutoff after which D stays in the absolute band."),
    "tau_K_percent_fs": ("fs", "Kernel cutoff after which D stays in the relative band."),
    "t_eq_band_fs": ("fs", "Time after which the running integral stays in the absolute band."),
    "t_eq_percent_fs": ("fs", "Time after which the running integral stays in the relative band."),
    "D_kernel": (D_UNIT, "D of the whole kernel."),
    "D_kernel_error": (D_UNIT, "Error of D and step_check_D_change; NaN if not estimated."),
    "step_check_D_change": ("1", "Relative change of D when every second time is dropped."),
    "step_check_K_change": ("1", "Largest change of K then, relative to the largest K."),
}


def kernel_result(source: Result, settings: AnalysisConfig) -> Result:
    """Return memory kernel, D against its cutoff, and both papers' cutoff times."""
    series = Series.of(source)
    return derive(
        "kernel", source, lambda: _kernel(series, source, settings), lambda: _no_kernel(series)
    )


def _kernel(series: Series, source: Result, settings: AnalysisConfig) -> tuple[Variables, Notes]:
    t, C, dC, d2C = series.time_fs, series.C, series.dC, series.d2C
    direct = mobility(t, C, series.temperature_K, dC, d2C)
    kernel = memory_kernel(t, C, dC, d2C)
    scan = cutoff_scan(kernel)
    check = step_check(t, C, dC, d2C)
    bands = {
        "band_paper_units": settings.band_paper_units,
        "band_percent": settings.band_percent,
    }
    times = {
        "tau_K": settling_times(scan.cutoff_fs, scan.D, direct.D_A2_fs, **bands),
        "t_eq": settling_times(t, direct.D_running, direct.D_A2_fs, **bands),
    }
    error, _ = errors_of_D(source, direct.D_error_record_A2_fs)
    values: dict[str, float] = {
        "D_kernel": check.D_fine,
        "D_kernel_error": error + abs(check.D_fine) * check.D_change,
        "step_check_D_change": check.D_change,
        "step_check_K_change": check.kernel_change,
    }
    notes: Notes = {}
    for name, pair in times.items():
        for criterion, found in (("band", pair.band), ("percent", pair.percent)):
            values[f"{name}_{criterion}_fs"] = found.time_fs
            _note(notes, f"{name}_{criterion}_fs", found)
    arrays = _kernel_arrays(
        series, kernel.K, scan.cutoff_fs, scan.D, scan.growing_modes.astype(np.int64)
    )
    return arrays | scalars(_KERNEL_SCALARS, values), notes


def _note(notes: Notes, name: str, found: Settling) -> None:
    notes[name] = found.criterion + (f"; {found.reason}" if found.reason else "")


def _kernel_arrays(
    series: Series,
    K: NDArray[np.complex128],
    cutoff_fs: NDArray[np.float64],
    D: NDArray[np.float64],
    growing_modes: NDArray[np.int64],
) -> Variables:
    axis = ("cutoff",)
    scale = mobility_cm2(1.0, series.temperature_K)
    return {
        "time_fs": time_variable(series.time_fs),
        "K": Variable(K, ("time",), "fs^-2", "Mori memory kernel of C_JJ."),
        "cutoff_fs": Variable(cutoff_fs, axis, "fs", "Time after which the kernel is set to zero."),
        "D_cutoff": Variable(
            D, axis, D_UNIT, "Diffusion constant of the cut kernel; NaN where it is unstable."
        ),
        "mobility_cutoff": Variable(scale * D, axis, MU, "The same as DC mobility."),
        "growing_modes": Variable(
            growing_modes, axis, "1", "Growing modes of the dynamics with the cut kernel."
        ),
    }


def _no_kernel(series: Series) -> Variables:
    nothing = empty(series.time_fs)
    arrays = _kernel_arrays(
        series,
        empty(series.time_fs, complex),
        series.time_fs,
        nothing,
        np.full(nothing.shape, -1, dtype=np.int64),
    )
    return arrays | scalars(_KERNEL_SCALARS, {})
