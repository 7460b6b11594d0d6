"""The baths of a point: from its resolved parameters to the model, and in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smallpolaron.model.bath import BrownianBath, DebyeBath
from smallpolaron.model.spectral_density import BathSum, SpectralDensity
from smallpolaron.model.units import CM_TO_RAD_FS
from smallpolaron.study.bath_section import BathConfig, OneBath
from smallpolaron.support.canonical import Parameters

BathValues = tuple[float, float, float | None]
"""eta, gamma, and the frequency of a vibration, cm^-1; None for a Debye bath."""


def resolved_baths(bath: BathConfig, hopping_cm: float | None) -> Parameters:
    """Return the resolved parameters that name the baths; a Debye bath alone has no others."""
    first = _resolved(bath, hopping_cm)
    further = {
        str(index): {"kind": each.kind, **_resolved(each, hopping_cm)}
        for index, each in enumerate(bath.further_baths, start=1)
    }
    kind: Parameters = {} if bath.kind == "debye" else {"kind": bath.kind}
    return {**first, **kind, **({"further_baths": further} if further else {})}


def _resolved(bath: OneBath, hopping_cm: float | None) -> Parameters:
    return {f"{name}_cm": bath.in_cm(name, hopping_cm) for name in bath.needed}


def bath_values(parameters: Mapping[str, Any]) -> tuple[BathValues, ...]:
    """Return the numbers of every bath of a site, from resolved parameters."""
    bath = parameters["bath"]
    further = bath.get("further_baths", {})
    every = [bath, *(further[key] for key in sorted(further, key=int))]
    return tuple((each["eta_cm"], each["gamma_cm"], each.get("frequency_cm")) for each in every)


def bath_physics(parameters: Mapping[str, Any]) -> Parameters:
    """Return the resolved parameters that tell one set of baths from another."""
    names = ("eta_cm", "gamma_cm", "kind", "frequency_cm", "further_baths")
    return {name: parameters["bath"][name] for name in names if name in parameters["bath"]}


def is_one_debye_bath(parameters: Mapping[str, Any]) -> bool:
    """Whether each site has one Debye bath, as in both papers."""
    return [frequency for _, _, frequency in bath_values(parameters)] == [None]


def site_bath(values: tuple[BathValues, ...]) -> SpectralDensity:
    """Return the bath of a site in internal units."""
    baths = tuple(_bath(*each) for each in values)
    return baths[0] if len(baths) == 1 else BathSum(baths)


def coupling_cm(parameters: Mapping[str, Any]) -> float:
    """Return the coupling strength of all baths of a site together, cm^-1."""
    return sum(eta for eta, _, _ in bath_values(parameters))


def slowest_cm(parameters: Mapping[str, Any]) -> float:
    """Return the slowest rate with which the baths of a site forget, cm^-1."""
    return min(
        gamma if frequency is None else _bath(eta, gamma, frequency).slowest / CM_TO_RAD_FS
        for eta, gamma, frequency in bath_values(parameters)
    )


def _bath(eta_cm: float, gamma_cm: float, frequency_cm: float | None) -> SpectralDensity:
    eta, gamma = eta_cm * CM_TO_RAD_FS, gamma_cm * CM_TO_RAD_FS
    if frequency_cm is None:
        return DebyeBath(eta, gamma)
    return BrownianBath(eta, gamma, frequency_cm * CM_TO_RAD_FS)


def bath_text(parameters: Mapping[str, Any]) -> str:
    """Return the baths of a site in words: kinds and numbers in cm^-1."""
    return "; ".join(_text(*each) for each in bath_values(parameters))


def _text(eta_cm: float, gamma_cm: float, frequency_cm: float | None) -> str:
    text = f"η = {eta_cm:g} cm⁻¹ (reorganisation energy η/2) and γ = {gamma_cm:g} cm⁻¹"
    if frequency_cm is None:
        return f"Debye bath with {text}"
    return f"vibration of {frequency_cm:g} cm⁻¹ with {text}"
