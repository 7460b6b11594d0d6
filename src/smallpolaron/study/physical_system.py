"""Which points belong to one physical system, whatever their size, lattice and accuracy.

Rings, chains and the infinite lattice of one bath belong together: all are to give the D of the
endless lattice. So do lattices of more dimensions, but one with an open side is as wide as it is.
Lattices whose sites differ have no endless counterpart.
"""

from __future__ import annotations

from typing import Any, Final

from smallpolaron.model.lattice import Boundary
from smallpolaron.study.parameters import Parameters
from smallpolaron.support.canonical import decimal_text, parameter_hash

_NUMERICAL: Final = ("accuracy", "hierarchy", "adaptive", "propagation", "start_site")
_TOPOLOGIES: Final = {"infinite": "infinite chain", "ring": "ring", "chain": "open chain"}
_BOUNDARIES: Final[dict[str, Boundary]] = {
    "infinite": "infinite",
    "ring": "periodic",
    "chain": "open",
}


def physics(parameters: Parameters) -> dict[str, Any]:
    """Return, as plain data, the parameters that make a point a system of its own."""
    content = parameters.content()
    kept = {key: value for key, value in content.items() if key not in _NUMERICAL}
    lattice = ("n_sites", "topology")
    model = {key: value for key, value in content["model"].items() if key not in lattice}
    if there := parameters.lattice:
        sides = zip(there.cells, there.boundary, strict=True)
        width = [count if side == "open" else 0 for count, side in sides]
        kept["lattice"] = {**kept["lattice"], "cells": width, "boundary": []}
    return {**kept, "model": model, "bath": parameters.bath.physics}


def boundaries(parameters: Parameters) -> tuple[Boundary, ...]:
    """Return how the lattice of a point ends, by dimension; () for a cluster."""
    if parameters.lattice is not None:
        return parameters.lattice.boundary
    return (_BOUNDARIES[parameters.model.topology],)


def system_name(parameters: Parameters) -> str:
    """Return the name of the system of a point, such as ``eta_cm~323__gamma_cm~41-1a2b3c``.

    The numbers are those of its first bath; the hash covers all.
    """
    eta, gamma = decimal_text(parameters.bath.eta_cm), decimal_text(parameters.bath.gamma_cm)
    return f"eta_cm~{eta}__gamma_cm~{gamma}-{parameter_hash(physics(parameters))[:6]}"


def lattice_text(parameters: Parameters) -> str:
    """Return the lattice of a point in words."""
    model = parameters.model
    if parameters.lattice is not None:
        return parameters.lattice.text(model.n_sites)
    size = "" if model.topology == "infinite" else f" of {model.n_sites} sites"
    return _TOPOLOGIES[model.topology] + size


def system_title(parameters: Parameters) -> str:
    """Return the system of a uniform point in words."""
    v, temperature = parameters.model.hopping_cm, parameters.model.temperature_K
    return f"{parameters.bath.description}; v = {v:g} cm⁻¹, {temperature:g} K"


def system_columns(parameters: Parameters) -> dict[str, Any]:
    """Return what tables say of the system of a uniform point: first bath, hopping, temperature."""
    bath, model = parameters.bath, parameters.model
    return {
        "eta_cm": bath.eta_cm,
        "gamma_cm": bath.gamma_cm,
        "hopping_cm": model.hopping_cm,
        "temperature_K": model.temperature_K,
    }


def is_uniform(parameters: Parameters) -> bool:
    """Whether all sites and all bonds of a point are alike."""
    model = parameters.model
    return all(isinstance(v, float) for v in (model.hopping_cm, model.site_energies_cm))
