"""Files of conductivity models: fits of Drude-Smith and its rivals, in time and in frequency.

Every model is fitted three times: to the correlation function, to its transform up to a limit,
and to the transform within the window of terahertz experiments, there with a free amplitude.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.analysis.fits.conductivity_models import MODELS, ConductivityModel
from smallpolaron.analysis.fits.fit_targets import frequency_target, time_target
from smallpolaron.analysis.fits.model_choice import (
    RESOLUTION,
    Ranked,
    rank,
    ranking_text,
    trust_drude_smith,
    window_text,
)
from smallpolaron.analysis.fits.model_fits import fit_models
from smallpolaron.analysis.mobility import ac_mobility
from smallpolaron.derive.derive import MU, Notes, derive, kubo, temperature
from smallpolaron.model.units import CM_TO_RAD_FS, RAD_FS_PER_THZ, mobility_cm2
from smallpolaron.results.quantity import Quantity, Table, omega, time
from smallpolaron.results.store import Result
from smallpolaron.study.sections import AnalysisConfig

LARGEST_CM: Final = 1000.0
"""Largest frequency of the fits in frequency."""

FREQUENCIES: Final = 601
"""Frequencies from zero to LARGEST_CM, evenly spaced."""

WINDOW_THZ: Final = (0.2, 2.5)
"""Window in which conductivities are measured and fitted."""

TIME: Final = "time"
FREQUENCY: Final = "frequency"
WINDOW: Final = "window"

_SUMMARY: Final = {
    "time_fs": time(),
    "curve": Quantity("1", "Kubo transform of C_JJ over its value at 0.", ("time",)),
    "omega": omega(),
    "mobility_ac": Quantity(
        MU, "Complex mobility, the transform of the curve.", ("omega",), complex
    ),
    "trusted": Quantity("1", "1 if Drude-Smith may be trusted, 0 if not.", kept="there"),
    "class": Quantity(
        "1", "Class of Drude-Smith in time: 2 good, 1 rough, 0 misses.", kept="there"
    ),
    "dc_good": Quantity("1", "1 if its DC mobility is within 5 % of the exact one.", kept="there"),
    "beaten": Quantity("1", "Number of models that are decisively better in time.", kept="there"),
    "window_from": Quantity("rad fs^-1", "First frequency of the window."),
    "window_to": Quantity("rad fs^-1", "Last frequency of the window."),
}
_AXIS = {TIME: ("fs", "Time"), FREQUENCY: ("rad fs^-1", "Frequency")}
_AXIS[WINDOW] = _AXIS[FREQUENCY]


def _table(model: ConductivityModel, kind: str) -> Table:
    """Return the quantities of one fit."""
    reference = "C(0)" if kind == TIME else "the largest modulus of the mobility in the range"
    units, axis = _AXIS[kind]
    fit = (
        Quantity("1", "Fitted curve over the exact C(0), at all times.", ("time",))
        if kind == TIME
        else Quantity(MU, "Fitted complex mobility, at all frequencies.", ("omega",), complex)
    )
    table = {
        "rms": ("1", f"Root mean square residual over {reference}."),
        "residual_max": ("1", f"Largest residual over {reference}."),
        "residual_max_at": (units, f"{axis} of the largest residual."),
        "points_effective": ("1", "Independent points, from the correlation of the residuals."),
        "aicc": ("1", "Akaike's criterion for few points; infinite if they are too few."),
        "bic": ("1", "Bayesian criterion."),
        "delta_aicc": ("1", "AICc above the smallest of all models."),
        "delta_bic": ("1", "BIC above the smallest of all models."),
        "dc_ratio": ("1", "DC mobility of the fit over the exact one."),
        "class": ("1", "Class by the largest residual: 2 good, 1 rough, 0 misses."),
    }
    named = [(p.name, p.units, p.meaning) for p in model.parameters]
    if kind == WINDOW:
        named.append(("amplitude", "1", "C(0) of the fit over the exact one."))
    for name, unit, meaning in named:
        table[name] = (unit, meaning)
        table[f"{name}_error"] = (unit, f"Standard error of {name}; NaN at a limit.")
        table[f"{name}_low"] = (unit, f"Lower end of the 95 % interval of {name}.")
        table[f"{name}_high"] = (unit, f"Upper end of the 95 % interval of {name}.")
        table[f"{name}_at_limit"] = ("1", f"1 if {name} is at a limit of its range, else 0.")
    found = {"fit": fit} | {name: Quantity(*both) for name, both in table.items()}
    return {f"{model.name}/{kind}/{name}": quantity for name, quantity in found.items()}


QUANTITIES: Final[Table] = {
    **_SUMMARY,
    **{
        name: quantity
        for model in MODELS
        for kind in (TIME, FREQUENCY, WINDOW)
        for name, quantity in _table(model, kind).items()
    },
}


def conductivity_models_result(source: Result, settings: AnalysisConfig) -> Result:
    """Return the fits of all models to the Kubo transform in a mobility result.

    The fits in time use the range of times of the Drude-Smith fit.
    """
    omega = np.linspace(0.0, LARGEST_CM * CM_TO_RAD_FS, FREQUENCIES)
    return derive(
        "conductivity_models",
        source,
        QUANTITIES,
        lambda: _models(source, omega, settings),
        {"time_fs": source.array("time_fs"), "omega": omega},
    )


def _models(
    source: Result, omega: NDArray[np.float64], settings: AnalysisConfig
) -> tuple[dict[str, Any], Notes]:
    C, T = kubo(source), temperature(source)
    scale = mobility_cm2(float(C.values[0].real), T)
    exact = ac_mobility(C, omega, T)
    target = time_target(C.time_fs, C.values.real, settings.drude_smith_range_fs)
    low, high = (bound * RAD_FS_PER_THZ for bound in WINDOW_THZ)
    inside = (omega >= low) & (omega <= high)
    window = exact[inside] / scale
    targets = {
        TIME: target,
        FREQUENCY: frequency_target(omega, exact / scale, target),
        WINDOW: frequency_target(omega[inside], window, target, free_amplitude=True),
    }
    resolution = float(source.parameters.get("accuracy") or RESOLUTION)
    ranked = {kind: rank(fit_models(MODELS, each), resolution) for kind, each in targets.items()}
    trust = trust_drude_smith(ranked[TIME])
    values: dict[str, Any] = {
        "time_fs": C.time_fs,
        "curve": C.values.real / C.values[0].real,
        "omega": omega,
        "mobility_ac": exact,
        "trusted": float(trust.trusted),
        "class": float(trust.quality),
        "dc_good": float(trust.dc_good),
        "beaten": float(len(trust.beaten_by)),
        "window_from": float(omega[inside][0]),
        "window_to": float(omega[inside][-1]),
    }
    for kind, fits in ranked.items():
        for one in fits:
            curve = one.fit.time(C.time_fs) if kind == TIME else scale * one.fit.frequency(omega)
            found = {"fit": curve, **_numbers(one)}
            values |= {f"{one.fit.model.name}/{kind}/{name}": x for name, x in found.items()}
    notes = {"verdict": trust.text, "window": window_text(ranked[WINDOW], ranked[TIME])}
    return values, notes | {f"ranking_{k}": ranking_text(fits) for k, fits in ranked.items()}


def _numbers(one: Ranked) -> dict[str, float]:
    fit = one.fit
    values = {
        "rms": fit.rms,
        "residual_max": fit.largest,
        "residual_max_at": fit.largest_at,
        "points_effective": fit.effective,
        "aicc": one.aicc,
        "bic": one.bic,
        "delta_aicc": one.delta_aicc,
        "delta_bic": one.delta_bic,
        "dc_ratio": fit.dc_ratio,
        "class": float(one.quality),
    }
    for name, found in fit.estimates.items():
        values[name] = found.value
        for part in ("error", "low", "high", "at_limit"):
            values[f"{name}_{part}"] = float(getattr(found, part))
    return values
