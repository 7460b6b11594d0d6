"""Which points belong to one physical system, whatever their size, lattice and accuracy.

Rings, chains and the infinite lattice of one bath belong together: all are to give the D of the
endless lattice. Lattices whose sites differ have no endless counterpart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from smallpolaron.study.baths import bath_physics, bath_text
from smallpolaron.study.lattice_section import DIRECTIONS
from smallpolaron.study.parameters import number
from smallpolaron.support.canonical import decimal_text, parameter_hash

_NUMERICAL: Final = ("accuracy", "hierarchy", "adaptive", "propagation", "start_site")
_IDENTITY: Final = ("study", "point", "derived", "start")


def physics(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a point, or of a result file, that make it a system of its own."""
    left_out = (*_NUMERICAL, *_IDENTITY)
    kept = {key: value for key, value in parameters.items() if key not in left_out}
    lattice = ("n_sites", "topology")
    model = {key: value for key, value in parameters["model"].items() if key not in lattice}
    return {**kept, "model": model, "bath": bath_physics(parameters)}


def system_name(parameters: Mapping[str, Any]) -> str:
    """Return the name of the system of a point, such as ``eta_cm~323__gamma_cm~41-1a2b3c``.

    The numbers are those of its first bath; the hash covers all.
    """
    eta, gamma = (decimal_text(number(parameters, f"bath.{key}")) for key in ("eta_cm", "gamma_cm"))
    return f"eta_cm~{eta}__gamma_cm~{gamma}-{parameter_hash(physics(parameters))[:6]}"


def lattice_text(parameters: Mapping[str, Any]) -> str:
    """Return the lattice of a point in words."""
    model, section = parameters["model"], parameters.get("lattice")
    if section is None:
        name = {"infinite": "infinite chain", "ring": "ring", "chain": "open chain"}
        size = "" if model["topology"] == "infinite" else f" of {model['n_sites']} sites"
        return name[model["topology"]] + size
    if not section["cells"]:
        return f"cluster of {model['n_sites']} sites"
    sides, own = set(section["boundary"]), len(section["sites_A"])
    sites = f", {own} sites per cell" if own > 1 else ""
    way = section["direction"]
    if way is not None:  # a tensor has none
        names = [word for word, each in DIRECTIONS.items() if list(each) == list(way)]
        sites += f", along {names[0] if names else tuple(way)}"
    if sides == {"infinite"}:
        return f"infinite {len(section['cells'])}D lattice{sites}"
    cells = " × ".join(
        "∞" if side == "infinite" else f"{count}"
        for count, side in zip(section["cells"], section["boundary"], strict=True)
    )
    return f"{' and '.join(sorted(sides))} lattice of {cells} cells{sites}"


def system_title(parameters: Mapping[str, Any]) -> str:
    """Return the system of a uniform point in words."""
    model = parameters["model"]
    return (
        f"{bath_text(parameters)}; v = {model['hopping_cm']:g} cm⁻¹, {model['temperature_K']:g} K"
    )


def system_columns(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Return what tables say of the system of a uniform point: first bath, hopping, temperature."""
    keys = ("bath.eta_cm", "bath.gamma_cm", "model.hopping_cm", "model.temperature_K")
    return {key.partition(".")[2]: number(parameters, key) for key in keys}


def is_uniform(parameters: Mapping[str, Any]) -> bool:
    """Whether all sites and all bonds of a point are alike."""
    model = parameters["model"]
    values = (model["hopping_cm"], model["site_energies_cm"])
    return all(isinstance(value, (int, float)) for value in values)
