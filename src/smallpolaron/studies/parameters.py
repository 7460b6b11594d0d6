"""Resolved parameters of a point: every default filled in, absolute units, one spelling."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

from smallpolaron.hierarchy.truncation import Truncation
from smallpolaron.model.bath import BathExpansion, DebyeBath, Scheme, expand
from smallpolaron.model.holstein import HolsteinModel, Topology
from smallpolaron.model.units import CM_TO_RAD_FS
from smallpolaron.studies.canonical import (
    Parameters,
    ParameterValue,
    exact_product,
    parameter_hash,
)
from smallpolaron.studies.config import DEFAULT_ERROR_BOUND, Study

Given = Mapping[str, Any]


def resolve(study: Study) -> Parameters:
    """Return everything that decides the numbers of a point, and nothing else.

    Energies are in cm^-1, times in fs. Spellings of the same physics resolve alike: equal values
    in a list become one number, eta_over_v becomes eta_cm, symmetry auto becomes what it stands
    for.
    """
    model, bath, rule, run = study.model, study.bath, study.hierarchy, study.propagation
    symmetry = rule.symmetry
    if symmetry == "auto":
        symmetry = "translation" if model.homogeneous_ring else "none"
    auto = bath.terms == "auto"
    return {
        "model": {
            "n_sites": model.n_sites,
            "topology": model.topology,
            "hopping_cm": _simplest(model.hopping_cm),
            "site_energies_cm": _simplest(model.site_energies_cm),
            "lattice_constant_A": model.lattice_constant_A,
            "temperature_K": model.temperature_K,
        },
        "bath": {
            "eta_cm": _absolute(study, "eta"),
            "gamma_cm": _absolute(study, "gamma"),
            "decomposition": bath.decomposition,
            "terms": bath.terms,
            "terminator": bath.terminator,
            "error_bound": (bath.error_bound or DEFAULT_ERROR_BOUND) if auto else None,
        },
        "hierarchy": {
            "depth": rule.depth,
            "weights": None if set(rule.weights or (1.0,)) == {1.0} else list(rule.weights or ()),
            "max_excited_sites": rule.max_excited_sites,
            "symmetry": symmetry,
        },
        "propagation": {
            "duration_fs": run.duration_fs,
            "sample_fs": run.sample_fs,
            "tolerance": run.tolerance,
            "equilibrium_tolerance": run.equilibrium_tolerance,
        },
        "start_site": study.resolved_start_site,
    }


def point_hash(parameters: Given) -> str:
    """Return the hash that names a point; a cut in excited sites that cuts nothing is no cut."""
    rule = dict(parameters["hierarchy"])
    if rule["max_excited_sites"] == parameters["model"]["n_sites"]:
        rule["max_excited_sites"] = None
    return parameter_hash({**parameters, "hierarchy": rule})


def derived(parameters: Given) -> Parameters:
    """Return what follows from the parameters and helps to read them; not part of the hash.

    ``eta_over_v`` and ``gamma_over_v`` are None unless the hopping is one number > 0;
    ``bath_terms`` is the number K of low-temperature terms in use.
    """
    v = parameters["model"]["hopping_cm"]
    uniform = isinstance(v, (int, float)) and v > 0
    return {
        "eta_over_v": number(parameters, "bath.eta_cm") / v if uniform else None,
        "gamma_over_v": number(parameters, "bath.gamma_cm") / v if uniform else None,
        "bath_terms": bath_expansion(parameters).n_terms - 1,
    }


def holstein_model(parameters: Given) -> HolsteinModel:
    """Return the model of a point in internal units."""
    return HolsteinModel(
        n_sites=whole(parameters, "model.n_sites"),
        topology=cast(Topology, parameters["model"]["topology"]),
        hopping=_internal(parameters["model"]["hopping_cm"]),
        site_energies=_internal(parameters["model"]["site_energies_cm"]),
        lattice_constant_A=number(parameters, "model.lattice_constant_A"),
        temperature_K=number(parameters, "model.temperature_K"),
    )


def bath_expansion(parameters: Given) -> BathExpansion:
    """Return the expansion of the bath of a point.

    Raises:
        ValueError: no expansion meets the error bound, or gamma coincides with a pole.
    """
    terms = parameters["bath"]["terms"]
    return _expand(
        number(parameters, "bath.eta_cm"),
        number(parameters, "bath.gamma_cm"),
        number(parameters, "model.temperature_K"),
        cast(Scheme, parameters["bath"]["decomposition"]),
        None if terms == "auto" else whole(parameters, "bath.terms"),
        bool(parameters["bath"]["terminator"]),
        number(parameters, "bath.error_bound") if terms == "auto" else DEFAULT_ERROR_BOUND,
    )


@lru_cache(maxsize=1024)
def _expand(
    eta_cm: float,
    gamma_cm: float,
    temperature_K: float,
    scheme: Scheme,
    terms: int | None,
    terminator: bool,
    error_bound: float,
) -> BathExpansion:
    bath = DebyeBath(eta_cm * CM_TO_RAD_FS, gamma_cm * CM_TO_RAD_FS)
    return expand(bath, temperature_K, scheme, terms, terminator, error_bound)


def truncation(parameters: Given) -> Truncation:
    """Return the truncation rule of a point.

    Raises:
        ValueError: weights and depth together exceed what a label holds.
    """
    rule = parameters["hierarchy"]
    weights, limit = rule["weights"], rule["max_excited_sites"]
    return Truncation(
        depth=whole(parameters, "hierarchy.depth"),
        weights=tuple(weights) if isinstance(weights, list) else None,
        max_excited_sites=limit if limit is None else whole(rule, "max_excited_sites"),
    )


def lookup(parameters: Given, key: str) -> Any:
    """Return the value of a dotted key.

    Raises:
        KeyError: there is no such parameter.
    """
    value: Any = parameters
    for part in key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise KeyError(f"the parameters have no '{key}'")
        value = value[part]
    return value


def number(parameters: Given, key: str) -> float:
    """Return a parameter that must be a number."""
    value = lookup(parameters, key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{key} = {value!r}: a number is needed")
    return float(value)


def whole(parameters: Given, key: str) -> int:
    """Return a parameter that must be a whole number."""
    value = lookup(parameters, key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{key} = {value!r}: a whole number is needed")
    return value


def _simplest(value: float | tuple[float, ...]) -> float | list[float]:
    if not isinstance(value, tuple):
        return value
    return value[0] if len(set(value)) == 1 else list(value)


def _absolute(study: Study, name: str) -> float:
    absolute = getattr(study.bath, f"{name}_cm")
    if absolute is not None:
        return float(absolute)
    v = study.model.uniform_hopping_cm
    assert v is not None  # checked by the model
    return exact_product(float(getattr(study.bath, f"{name}_over_v")), float(v))


def _internal(value: ParameterValue) -> float | tuple[float, ...]:
    if isinstance(value, list):
        return tuple(item * CM_TO_RAD_FS for item in value)
    return float(cast(float, value)) * CM_TO_RAD_FS
