"""Drude-Smith files: the fit of the Kubo transform with its errors and a verdict."""

from __future__ import annotations

from typing import Any

from smallpolaron.analysis.fits.drude_smith import DrudeSmithFit, fit_drude_smith
from smallpolaron.derive.derive import Notes, derive
from smallpolaron.results.quantity import Table, table_of, time
from smallpolaron.results.store import Result
from smallpolaron.study.sections import AnalysisConfig

QUANTITIES: Table = {"time_fs": time(), **table_of(DrudeSmithFit)}


def drude_smith_result(source: Result, settings: AnalysisConfig) -> Result:
    """Return the Drude-Smith fit of the Kubo transform in a mobility result."""
    time_fs, C_kubo = source.array("time_fs"), source.array("C_kubo")

    def analysis() -> tuple[dict[str, Any], Notes]:
        found = fit_drude_smith(time_fs, C_kubo, settings.drude_smith_range_fs)
        values = {name: getattr(found, name) for name in QUANTITIES if name != "time_fs"}
        return {"time_fs": time_fs, **values}, {"verdict": found.verdict}

    return derive("drude_smith", source, QUANTITIES, analysis, {"time_fs": time_fs})
