"""Moments files: normalised spectrum of the Kubo memory kernel, its moments against their limit.

The stored complex mobility and C_kubo at time zero give the kernel exactly: the mobility was
transformed with both exact derivatives, which the stored C_kubo no longer has.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from smallpolaron.analysis.memory.kernel_moments import (
    MOMENT_LIMIT,
    KernelMoments,
    inverse_conductivity,
    kernel_moments,
)
from smallpolaron.derive.derive import Notes, derive, temperature
from smallpolaron.model.units import mobility_cm2
from smallpolaron.results.quantity import Quantity, omega
from smallpolaron.results.store import Result
from smallpolaron.study.sections import AnalysisConfig

LIMITS: Final = np.round(np.arange(0.10, 1.001, 0.02), 2)
"""Upper frequency limits in rad/fs for which the moments are stored, as far as the data go."""

COMPARED_LIMIT: Final = 0.60
"""A second limit, named in the notes beside the chosen one, in rad/fs."""

NEGATIVE_SHARE: Final = 1e-3
"""Negative share of the spectrum from which on the notes say so."""

QUANTITIES = {
    "omega": omega(),
    "kernel_spectrum": Quantity(
        "fs",
        "Real part of the Kubo memory kernel, normalised to 1 up to limit_used.",
        ("omega",),
        kept="finite",
    ),
    "limit": Quantity("rad fs^-1", "Upper frequency limit.", ("limit",)),
    "mean_limit": Quantity("rad fs^-1", "Mean frequency up to each limit.", ("limit",)),
    "variance_limit": Quantity(
        "rad^2 fs^-2", "Variance of the frequency up to each limit.", ("limit",)
    ),
    "limit_used": Quantity("rad fs^-1", "Upper frequency limit of the moments below."),
    "mean": Quantity(
        "rad fs^-1", "Mean frequency of the kernel spectrum up to limit_used.", kept="there"
    ),
    "variance": Quantity("rad^2 fs^-2", "Variance of the frequency.", kept="there"),
    "skewness": Quantity("1", "Third central moment over variance^(3/2).", kept="there"),
    "kurtosis": Quantity(
        "1", "Fourth central moment over the squared variance; 3 for a Gaussian.", kept="there"
    ),
    "norm": Quantity("fs^-2", "Integral of Re K up to limit_used."),
    "negative_share": Quantity(
        "1", "Negative part of the spectrum over its magnitude; 0 if physical."
    ),
}


def moments_result(source: Result, settings: AnalysisConfig, limit: float = MOMENT_LIMIT) -> Result:
    """Return kernel spectrum and moments of a mobility result.

    Args:
        source: mobility result.
        settings: criteria of the study; `frequency_max_cm` decided how far its spectra go.
        limit: upper frequency limit of the moments given as scalars, in rad/fs.
    """
    omega = source.array("omega")
    axes = {"omega": omega[omega >= 0.0], "limit": LIMITS[:1]}
    return derive("moments", source, QUANTITIES, lambda: _moments(source, settings, limit), axes)


def _moments(
    source: Result, settings: AnalysisConfig, limit: float
) -> tuple[dict[str, Any], Notes]:
    omega = source.array("omega")
    mobility, omega = source.array("mobility_ac")[omega >= 0.0], omega[omega >= 0.0]
    if omega[-1] < limit:
        raise ValueError(
            f"the spectra end at {omega[-1]:.4g} rad/fs, before the limit of the moments, "
            f"{limit:g} rad/fs; raise analysis.frequency_max_cm = {settings.frequency_max_cm:g}, "
            "or sample more often"
        )
    unit = mobility_cm2(float(source.array("C_kubo")[0].real), temperature(source))
    spectrum = unit * inverse_conductivity(mobility)
    chosen = kernel_moments(omega, spectrum, [limit])
    curve = kernel_moments(omega, spectrum, [each for each in LIMITS if each <= omega[-1]])
    values = {
        "omega": omega,
        "kernel_spectrum": spectrum / chosen.norm[0],
        "limit": curve.limit,
        "mean_limit": curve.mean,
        "variance_limit": curve.variance,
        "limit_used": limit,
        "negative_share": chosen.negative_share,
    }
    names = ("mean", "variance", "skewness", "kurtosis", "norm")
    values |= {name: float(getattr(chosen, name)[0]) for name in names}
    return values, _notes(chosen, curve)


def _notes(chosen: KernelMoments, curve: KernelMoments) -> Notes:
    notes = {"limit": f"moments up to {_text(chosen)}"}
    beside = np.flatnonzero(np.isclose(curve.limit, COMPARED_LIMIT))
    if beside.size:
        notes["limit"] += f"; up to {_text(curve, int(beside[0]))}"
    if chosen.negative_share > NEGATIVE_SHARE:
        notes["negative"] = (
            f"{chosen.negative_share:.2%} of the kernel spectrum is negative, which that of a "
            "decaying correlation function cannot be: the record is too short or inaccurate"
        )
    return notes


def _text(found: KernelMoments, index: int = 0) -> str:
    return (
        f"{found.limit[index]:.2f} rad/fs: mean {found.mean[index]:.4g} rad/fs, variance "
        f"{found.variance[index]:.4g} rad^2/fs^2"
    )
