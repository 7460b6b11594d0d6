"""The baths of a point: from its resolved parameters to the model, and in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from smallpolaron.model.baths.bath import BrownianBath, DebyeBath
from smallpolaron.model.baths.sampled_density import Cutoff, OhmicBath
from smallpolaron.model.baths.spectral_density import BathSum, SpectralDensity
from smallpolaron.model.units import CM_TO_RAD_FS
from smallpolaron.study.bath_files import tabulated
from smallpolaron.study.coupling_section import coupled_baths
from smallpolaron.study.sections import as_tuple
from smallpolaron.support.canonical import Parameters

if TYPE_CHECKING:
    from smallpolaron.study.bath_section import BathConfig, OneBath

_COUPLED: Final = {
    "bond": "on every bond",
    "ssh": "displacing every site",
    "operator": "on an operator per cell",
}

_NUMBERS = ("eta_cm", "gamma_cm", "frequency_cm", "exponent", "cutoff", "omega_cm", "density_cm")
_DIGITS = 6


class BathValues(NamedTuple):
    """The numbers of one bath of a site, cm^-1, as resolved parameters have them.

    A table has eta, twice its reorganisation energy, and gamma, the rate of its memory, for
    whoever wants two numbers.
    """

    kind: str
    eta_cm: float
    gamma_cm: float
    frequency_cm: float | None = None
    exponent: float | None = None
    cutoff: Cutoff | None = None
    omega_cm: tuple[float, ...] | None = None
    density_cm: tuple[float, ...] | None = None


def resolved_baths(bath: BathConfig, hopping_cm: float | None) -> Parameters:
    """Return the resolved parameters that name the baths; a Debye bath alone has no others."""
    first = _resolved(bath, hopping_cm)
    further = {
        str(index): {"kind": "debye", **_resolved(each, hopping_cm)}
        for index, each in enumerate(bath.further_baths, start=1)
    }
    couplings = {
        str(index): {"kind": each.kind, **_resolved(each, hopping_cm), **each.resolved_coupling()}
        for index, each in enumerate(bath.further_couplings, start=1)
    }
    return {
        **first,
        **({"further_baths": further} if further else {}),
        **bath.resolved_coupling(),
        **({"further_couplings": couplings} if couplings else {}),
    }


def _resolved(bath: OneBath, hopping_cm: float | None) -> Parameters:
    found: Parameters = {f"{name}_cm": bath.in_cm(name, hopping_cm) for name in bath.needed}
    if bath.kind == "ohmic":
        found |= {"exponent": bath.exponent or 1.0, "cutoff": bath.cutoff or "exponential"}
    elif not bath.needed:
        rows = bath.rows()
        table = tabulated(rows)
        sizes = {"eta_cm": 2 * table.reorganisation_energy, "gamma_cm": table.slowest}
        found = {key: float(f"{v / CM_TO_RAD_FS:.{_DIGITS}g}") for key, v in sizes.items()}
        found |= {"omega_cm": list(rows[0]), "density_cm": list(rows[1])}
    kind = bath.kind if bath.needed else "table"
    return found if kind == "debye" else {**found, "kind": kind}


def bath_values(parameters: Mapping[str, Any]) -> tuple[BathValues, ...]:
    """Return the numbers of every bath of the first coupling, from resolved parameters."""
    return coupling_values(parameters["bath"])


def coupling_values(bath: Mapping[str, Any]) -> tuple[BathValues, ...]:
    """Return the numbers of every bath of one coupling."""
    further = bath.get("further_baths", {})
    every = [bath, *(further[key] for key in sorted(further, key=int))]
    return tuple(map(_values, every))


def _values(bath: Parameters) -> BathValues:
    numbers: Parameters = {name: as_tuple(bath[name]) for name in _NUMBERS if name in bath}
    return BathValues(bath.get("kind", "debye"), **numbers)


def bath_physics(parameters: Mapping[str, Any]) -> Parameters:
    """Return the resolved parameters that tell one set of baths from another."""
    names = (*_NUMBERS, "kind", "further_baths", "coupling", "elements", "further_couplings")
    return {name: parameters["bath"][name] for name in names if name in parameters["bath"]}


def is_one_debye_bath(parameters: Mapping[str, Any]) -> bool:
    """Whether each site has one Debye bath and that is all, as in both papers."""
    if len(coupled_baths(parameters["bath"])) > 1 or "coupling" in parameters["bath"]:
        return False
    return [each.kind for each in bath_values(parameters)] == ["debye"]


def site_bath(values: tuple[BathValues, ...]) -> SpectralDensity:
    """Return the bath of a site in internal units."""
    baths = tuple(map(_bath, values))
    return baths[0] if len(baths) == 1 else BathSum(baths)


def coupling_cm(parameters: Mapping[str, Any]) -> float:
    """Return the coupling strength of all baths of a site together, cm^-1."""
    return sum(each.eta_cm for each in bath_values(parameters))


def slowest_cm(parameters: Mapping[str, Any]) -> float:
    """Return the slowest rate with which the baths of a site forget, cm^-1."""
    return min(
        _bath(each).slowest / CM_TO_RAD_FS if each.kind in ("brownian", "ohmic") else each.gamma_cm
        for each in bath_values(parameters)
    )


def _bath(values: BathValues) -> SpectralDensity:
    if values.omega_cm is not None and values.density_cm is not None:
        return tabulated((values.omega_cm, values.density_cm))
    eta, gamma = values.eta_cm * CM_TO_RAD_FS, values.gamma_cm * CM_TO_RAD_FS
    if values.exponent is not None and values.cutoff is not None:
        return OhmicBath(eta, gamma, values.exponent, values.cutoff)
    if values.frequency_cm is None:
        return DebyeBath(eta, gamma)
    return BrownianBath(eta, gamma, values.frequency_cm * CM_TO_RAD_FS)


def bath_text(parameters: Mapping[str, Any]) -> str:
    """Return the baths in words: what they couple to, kinds and numbers in cm^-1."""
    texts = []
    for each in coupled_baths(parameters["bath"]):
        baths = "; ".join(map(_text, coupling_values(each)))
        kind = each.get("coupling", "local")
        texts.append(baths if kind == "local" else f"{_COUPLED[kind]}: {baths}")
    return "; ".join(texts)


def _text(values: BathValues) -> str:
    eta = f"η = {values.eta_cm:g} cm⁻¹ (reorganisation energy η/2)"
    text = f"{eta} and γ = {values.gamma_cm:g} cm⁻¹"
    if values.omega_cm is not None:
        return f"tabulated bath of {len(values.omega_cm)} rows with {eta}"
    if values.exponent is not None:
        return f"Ohmic bath (s = {values.exponent:g}, {values.cutoff} cutoff) with {text}"
    if values.frequency_cm is None:
        return f"Debye bath with {text}"
    return f"vibration of {values.frequency_cm:g} cm⁻¹ with {text}"
