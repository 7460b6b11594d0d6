"""Drude-Smith files: the fit of the Kubo transform with its errors and a verdict."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smallpolaron.analysis.drude_smith import fit_drude_smith
from smallpolaron.analysis.kubo import kubo_transform
from smallpolaron.studies.config import AnalysisConfig
from smallpolaron.studies.derive import (
    Notes,
    Series,
    Variables,
    derive,
    empty,
    scalars,
    time_variable,
)
from smallpolaron.studies.store import Result, Variable

_FIT_SCALARS = {
    "c": ("1", "Persistence of velocity of the Drude-Smith form."),
    "c_error": ("1", "Its standard error."),
    "k": ("fs^-1", "Collision rate of the Drude-Smith form."),
    "k_error": ("fs^-1", "Its standard error."),
    "residual": ("1", "Root mean square residual relative to C_kubo(0)."),
    "residual_max": ("1", "Largest residual relative to C_kubo(0)."),
    "r_squared": ("1", "Coefficient of determination."),
    "dc_ratio": ("1", "DC mobility of the fit over that of the data."),
    "fit_from_fs": ("fs", "First time of the fit."),
    "fit_to_fs": ("fs", "Last time of the fit."),
    "drude_k": ("fs^-1", "Decay rate of the plain Drude form, c = 0."),
    "drude_k_error": ("fs^-1", "Its standard error."),
    "drude_residual": ("1", "Root mean square residual of the plain Drude form."),
}


def drude_smith_result(source: Result, settings: AnalysisConfig) -> Result:
    """Return the Drude-Smith fit of the Kubo transform of a correlation result."""
    return derive("drude_smith", source, lambda s: _drude_smith(s, settings), _no_drude_smith)


def _drude_smith(series: Series, settings: AnalysisConfig) -> tuple[Variables, Notes]:
    kubo = kubo_transform(series.time_fs, series.C, series.temperature_K, series.dC, series.d2C)
    span = settings.drude_smith_range_fs
    found = fit_drude_smith(kubo.time_fs, kubo.C, None if span is None else (span[0], span[1]))
    values = {
        "c": found.c,
        "c_error": found.c_error,
        "k": found.k,
        "k_error": found.k_error,
        "residual": found.rms,
        "residual_max": found.max_residual,
        "r_squared": found.r_squared,
        "dc_ratio": found.dc_ratio,
        "fit_from_fs": found.fit_from_fs,
        "fit_to_fs": found.fit_to_fs,
        "drude_k": found.drude.k,
        "drude_k_error": found.drude.k_error,
        "drude_residual": found.drude.rms,
    }
    arrays = _fit_arrays(series, found.fitted)
    return arrays | scalars(_FIT_SCALARS, values), {"verdict": found.verdict}


def _fit_arrays(series: Series, fit: NDArray[np.float64]) -> Variables:
    text = "Fitted curve (1 + c k t) exp(-k t), relative to C_kubo(0)."
    return {"time_fs": time_variable(series), "fit": Variable(fit, ("time",), "1", text)}


def _no_drude_smith(series: Series) -> Variables:
    return _fit_arrays(series, empty(series)) | scalars(_FIT_SCALARS, {})
