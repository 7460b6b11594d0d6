"""Kernel files: Mori memory kernel, D against its cutoff, cutoff and equilibration times."""

from __future__ import annotations

from typing import Any

import numpy as np

from smallpolaron.analysis.memory.cutoff import settling_times
from smallpolaron.analysis.memory.kernel import memory_kernel, step_check
from smallpolaron.analysis.memory.truncation import cutoff_scan
from smallpolaron.analysis.mobility import mobility
from smallpolaron.derive.derive import (
    D_UNIT,
    MU,
    T_EQ,
    TAU_K,
    Notes,
    bands,
    correlation,
    derive,
    errors_of_D,
    note_settling,
    temperature,
)
from smallpolaron.model.units import mobility_cm2
from smallpolaron.results.quantity import Quantity, time
from smallpolaron.results.store import Result
from smallpolaron.study.sections import AnalysisConfig

_CUTOFF = ("cutoff",)
QUANTITIES = {
    "time_fs": time(),
    "K": Quantity("fs^-2", "Mori memory kernel of C_JJ.", ("time",), complex, "finite"),
    "cutoff_fs": Quantity(
        "fs", "Time after which the kernel is set to zero.", _CUTOFF, kept="finite"
    ),
    "D_cutoff": Quantity(
        *(D_UNIT, "Diffusion constant of the cut kernel; NaN where it is unstable.", _CUTOFF),
        kept="there",
    ),
    "mobility_cutoff": Quantity(MU, "The same as DC mobility.", _CUTOFF),
    "growing_modes": Quantity(
        "1", "Growing modes of the dynamics with the cut kernel.", _CUTOFF, int
    ),
    **TAU_K,
    **T_EQ,
    "D_kernel": Quantity(D_UNIT, "D of the whole kernel.", kept="there"),
    "D_kernel_error": Quantity(D_UNIT, "Error of D and step_check_D_change; NaN if not estimated."),
    "step_check_D_change": Quantity("1", "Relative change of D when every second time is dropped."),
    "step_check_K_change": Quantity("1", "Largest change of K then, relative to the largest K."),
}


def kernel_result(source: Result, settings: AnalysisConfig) -> Result:
    """Return memory kernel, D against its cutoff, and both papers' cutoff times."""
    axes = dict.fromkeys(("time_fs", "cutoff_fs"), source.array("time_fs"))
    return derive("kernel", source, QUANTITIES, lambda: _kernel(source, settings), axes)


def _kernel(source: Result, settings: AnalysisConfig) -> tuple[dict[str, Any], Notes]:
    C, T = correlation(source), temperature(source)
    direct = mobility(C, T)
    kernel = memory_kernel(C)
    scan = cutoff_scan(kernel)
    check = step_check(C)
    widths = bands(settings)
    settled = {
        "tau_K": settling_times(scan.cutoff_fs, scan.D, direct.D_A2_fs, **widths),
        "t_eq": settling_times(C.time_fs, direct.D_running, direct.D_A2_fs, **widths),
    }
    error, _ = errors_of_D(source, direct.D_error_record_A2_fs)
    values: dict[str, Any] = {
        "time_fs": C.time_fs,
        "K": kernel.K,
        "cutoff_fs": scan.cutoff_fs,
        "D_cutoff": scan.D,
        "mobility_cutoff": mobility_cm2(1.0, T) * scan.D,
        "growing_modes": scan.growing_modes.astype(np.int64),
        "D_kernel": check.D_fine,
        "D_kernel_error": error + abs(check.D_fine) * check.D_change,
        "step_check_D_change": check.D_change,
        "step_check_K_change": check.kernel_change,
    }
    notes: Notes = {}
    for name, pair in settled.items():
        note_settling(values, notes, name, pair)
    return values, notes
