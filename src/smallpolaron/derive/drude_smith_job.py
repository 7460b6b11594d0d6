"""Drude-Smith files: the fit of the Kubo transform with its errors and a verdict."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from smallpolaron.analysis.fits.drude_smith import fit_drude_smith
from smallpolaron.derive.derive import Notes, derive
from smallpolaron.results.quantity import Quantity, time
from smallpolaron.results.store import Result
from smallpolaron.study.sections import AnalysisConfig

QUANTITIES = {
    "time_fs": time(),
    "fit": Quantity(
        *("1", "Fitted curve (1 + c k t) exp(-k t), relative to C_kubo(0).", ("time",)),
        kept="finite",
    ),
    "c": Quantity(
        "1", "Persistence of velocity of the Drude-Smith form, held within -1 to 0.", kept="finite"
    ),
    "c_error": Quantity("1", "Its standard error; NaN at a limit of that range."),
    "k": Quantity("fs^-1", "Collision rate of the Drude-Smith form.", kept="finite"),
    "k_error": Quantity("fs^-1", "Its standard error."),
    "residual": Quantity("1", "Root mean square residual relative to C_kubo(0)."),
    "residual_max": Quantity("1", "Largest residual relative to C_kubo(0)."),
    "r_squared": Quantity("1", "Coefficient of determination."),
    "dc_ratio": Quantity("1", "DC mobility of the fit over that of the data."),
    "fit_from_fs": Quantity("fs", "First time of the fit."),
    "fit_to_fs": Quantity("fs", "Last time of the fit."),
    "free_c": Quantity("1", "c of the best fit when c is not held within -1 to 0."),
    "free_k": Quantity("fs^-1", "Collision rate of that fit."),
    "free_residual": Quantity("1", "Root mean square residual of that fit."),
    "drude_k": Quantity("fs^-1", "Decay rate of the plain Drude form, c = 0."),
    "drude_k_error": Quantity("fs^-1", "Its standard error."),
    "drude_residual": Quantity("1", "Root mean square residual of the plain Drude form."),
}


def drude_smith_result(source: Result, settings: AnalysisConfig) -> Result:
    """Return the Drude-Smith fit of the Kubo transform in a mobility result."""
    time_fs = np.asarray(source.variables["time_fs"].data, dtype=np.float64)
    C_kubo = np.asarray(source.variables["C_kubo"].data, dtype=np.float64)
    return derive(
        "drude_smith",
        source,
        QUANTITIES,
        lambda: _drude_smith(time_fs, C_kubo, settings),
        {"time_fs": time_fs},
    )


def _drude_smith(
    time_fs: NDArray[np.float64], C_kubo: NDArray[np.float64], settings: AnalysisConfig
) -> tuple[dict[str, Any], Notes]:
    span = settings.drude_smith_range_fs
    found = fit_drude_smith(time_fs, C_kubo, None if span is None else (span[0], span[1]))
    own = {name: getattr(found, name) for name in QUANTITIES if name != "time_fs"}
    return {"time_fs": time_fs, **own}, {"verdict": found.verdict}
