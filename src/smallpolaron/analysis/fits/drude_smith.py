"""Drude-Smith and Drude fits of the Kubo-transformed correlation function, with a verdict."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from smallpolaron.analysis._checks import FloatArray
from smallpolaron.analysis.declared import quantity
from smallpolaron.analysis.fits.conductivity_models import DRUDE, DRUDE_SMITH, PHYSICAL_C
from smallpolaron.analysis.fits.fit_targets import time_target
from smallpolaron.analysis.fits.model_fits import Estimate, ModelFit, fit_model

GOOD_MAX: Final = 0.03
"""Largest residual over C(0) up to which a fit describes the curve. The verdict rests on the
largest residual, not the rms, which any record can dilute with a tail of zeros."""

ROUGH_MAX: Final = 0.10
"""Largest residual over C(0) up to which a fit still has the overall shape."""

GOOD_DC: Final = 0.05
"""Relative error of the DC mobility up to which a fit may stand in for it."""

WELL_DEPTH: Final = 0.01
"""Depth over C(0) from which a negative well is worth mentioning."""

_ANY_C: Final = replace(
    DRUDE_SMITH, shares=(replace(DRUDE_SMITH.shares[0], low=-np.inf, high=np.inf),)
)


class Quality(IntEnum):
    """Class of a fit by its largest residual; a larger number is better."""

    MISSES = 0
    ROUGH = 1
    GOOD = 2


def quality(largest: float) -> Quality:
    """Class of a fit: GOOD up to GOOD_MAX, ROUGH up to ROUGH_MAX.

    Args:
        largest: largest residual, relative to C(0) or to the largest modulus of the transform.
    """
    if largest <= GOOD_MAX:
        return Quality.GOOD
    return Quality.ROUGH if largest <= ROUGH_MAX else Quality.MISSES


@dataclass(frozen=True, kw_only=True)
class DrudeSmithFit:
    """Least-squares fit of (1 + c k t) exp(-k t), the Drude-Smith form.

    The standard errors count independent residuals only (model_fits.effective_points). Where the
    form is wrong, they say how sharply the best parameters are defined, not how right they are.

    Errors are standard errors; that of c is NaN if it is at a limit of its range. Residuals are
    relative to C(0), within the range of the fit; dc_ratio and fit are of the whole record.
    """

    fit: FloatArray = quantity(
        *("1", "Fitted curve (1 + c k t) exp(-k t), relative to C_kubo(0).", ("time",)),
        kept="finite",
    )
    c: float = quantity(
        "1", "Persistence of velocity of the Drude-Smith form, held within -1 to 0.", kept="finite"
    )
    c_error: float = quantity("1", "Its standard error; NaN at a limit of that range.")
    k: float = quantity("fs^-1", "Collision rate of the Drude-Smith form.", kept="finite")
    k_error: float = quantity("fs^-1", "Its standard error.")
    residual: float = quantity("1", "Root mean square residual relative to C_kubo(0).")
    residual_max: float = quantity("1", "Largest residual relative to C_kubo(0).")
    r_squared: float = quantity("1", "Coefficient of determination.")
    dc_ratio: float = quantity("1", "DC mobility of the fit over that of the data.")
    fit_from_fs: float = quantity("fs", "First time of the fit.")
    fit_to_fs: float = quantity("fs", "Last time of the fit.")
    free_c: float = quantity("1", "c of the best fit when c is not held within -1 to 0.")
    free_k: float = quantity("fs^-1", "Collision rate of that fit.")
    free_residual: float = quantity("1", "Root mean square residual of that fit.")
    drude_k: float = quantity("fs^-1", "Decay rate of the plain Drude form, c = 0.")
    drude_k_error: float = quantity("fs^-1", "Its standard error.")
    drude_residual: float = quantity("1", "Root mean square residual of the plain Drude form.")
    verdict: str


def fit_drude_smith(
    time_fs: ArrayLike,
    C_kubo: ArrayLike,
    fit_range_fs: Sequence[float] | None = None,
) -> DrudeSmithFit:
    """Fit the Drude-Smith form to a Kubo-transformed correlation function.

    Args:
        time_fs: evenly spaced times from zero in fs, (times,).
        C_kubo: Kubo-transformed correlation function (times,), real; it is divided by its value
            at time zero, which is therefore not fitted.
        fit_range_fs: first and last time of the fit in fs; None for the whole record.

    Raises:
        ValueError: if an input is malformed, C_kubo(0) is not positive, the range is empty, outside
            the record or holds fewer than ten times, or no fit converges.

    Source:
        Bhattacharyya, Sayer, Montoya-Castillo, Chem. Sci. 2024, eq. 8 and Fig. 4.
    """
    whole = time_target(time_fs, C_kubo)
    target = time_target(time_fs, C_kubo, fit_range_fs)
    found, drude = fit_model(DRUDE_SMITH, target), fit_model(DRUDE, target)
    c, k = found.estimates["c"], found.estimates["k"]
    if k.at_limit:
        raise ValueError(
            "C_kubo: no decay rate fits within the record; look at the curve, it may not decay, "
            "or choose another fit_range_fs"
        )
    free = fit_model(_ANY_C, target)
    fitted, curve = found.time(whole.axis), whole.values[0]
    spread = float(np.sum((target.values - np.mean(target.values)) ** 2))
    squares = found.rms**2 * target.values.size
    return DrudeSmithFit(
        c=c.value,
        c_error=c.error,
        k=k.value,
        k_error=k.error,
        free_c=free.estimates["c"].value,
        free_k=free.estimates["k"].value,
        free_residual=free.rms,
        fit_from_fs=float(target.axis[0]),
        fit_to_fs=float(target.axis[-1]),
        residual=found.rms,
        residual_max=found.largest,
        r_squared=1.0 - squares / spread if spread else float("nan"),
        dc_ratio=found.dc_ratio,
        fit=fitted,
        drude_k=drude.estimates["k"].value,
        drude_k_error=drude.estimates["k"].error,
        drude_residual=drude.rms,
        verdict=_verdict(found)
        + _shape_difference(whole.axis, curve, fitted, found.largest)
        + _range_remark(c, free),
    )


def _verdict(found: ModelFit) -> str:
    size = f"rms residual {100 * found.rms:.2g} % of C(0), "
    size += f"largest {100 * found.largest:.2g} % at {found.largest_at:g} fs"
    dc = f"its DC mobility is {found.dc_ratio:.3g} times the exact one"
    reached = quality(found.largest)
    if reached is Quality.GOOD:
        text = f"Drude–Smith describes this correlation function: {size}; {dc}."
    elif reached is Quality.ROUGH:
        text = (
            f"Drude–Smith has the overall shape but misses details: {size}; {dc}. "
            "It should not be trusted for the conductivity at high frequency."
        )
    else:
        text = (
            f"Drude–Smith misses this correlation function: {size}; {dc}. It should not be "
            "trusted for the conductivity, nor its c and k be read as material properties."
        )
    if abs(found.dc_ratio - 1.0) > GOOD_DC:
        text += " Do not use it for the DC mobility."
    return text


def _shape_difference(
    time: FloatArray, curve: FloatArray, fitted: FloatArray, largest: float
) -> str:
    """Compare what the eye sees: the negative well of data and fit."""
    if quality(largest) is Quality.GOOD:
        return ""
    data_low, fit_low = int(np.argmin(curve)), int(np.argmin(fitted))
    has_well, fit_well = curve[data_low] < -WELL_DEPTH, fitted[fit_low] < -WELL_DEPTH
    if has_well and fit_well:
        return (
            f" The negative well reaches {curve[data_low]:.2g} C(0) at {time[data_low]:g} fs in "
            f"the data, {fitted[fit_low]:.2g} C(0) at {time[fit_low]:g} fs in the fit."
        )
    if has_well:
        return f" The negative well at {time[data_low]:g} fs is absent from the fit."
    if fit_well:
        return f" The fit has a negative well at {time[fit_low]:g} fs that the data do not have."
    return ""


def _range_remark(c: Estimate, free: ModelFit) -> str:
    low, high = PHYSICAL_C
    text = f" c is at the limit of its range, {c.value:g}." if c.at_limit else ""
    free_c = free.estimates["c"].value
    if not low <= free_c <= high:
        text += (
            f" Without limits the fit prefers c = {free_c:.3g} (rms residual "
            f"{100 * free.rms:.2g} %), which the model excludes: -1 to 0."
        )
    return text
