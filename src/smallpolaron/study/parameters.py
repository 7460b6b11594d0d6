"""Resolved parameters of a point: every default filled in, absolute units, one spelling."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, cast

from smallpolaron import NUMERICS_VERSION
from smallpolaron.hierarchy.limits import Truncation
from smallpolaron.model.accuracy import (
    BATH_ERROR_PER_ACCURACY,
    GROWTH_PER_ACCURACY,
    LARGEST_BATH_ERROR,
    PRUNING,
    TOLERANCE_PER_ACCURACY,
)
from smallpolaron.model.baths.bath_set import BathSet
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.baths.expansion import BathExpansion, Scheme
from smallpolaron.model.holstein import HolsteinModel, Topology
from smallpolaron.model.lattice_model import Model
from smallpolaron.model.units import CM_TO_RAD_FS
from smallpolaron.study.baths import (
    BathValues,
    coupling_values,
    is_one_debye_bath,
    resolved_baths,
    site_bath,
)
from smallpolaron.study.coupling_section import coupled_baths, moves_carrier
from smallpolaron.study.sections import DEFAULT_ERROR_BOUND, DEFAULT_TOLERANCE, LARGEST_OCCUPATION
from smallpolaron.support.canonical import (
    Parameters,
    ParameterValue,
    exact_product,
    parameter_hash,
)

if TYPE_CHECKING:
    from smallpolaron.study.config import Study

Given = Mapping[str, Any]


def resolve(study: Study) -> Parameters:
    """Return everything that decides the numbers of a point, and nothing else.

    Energies are in cm^-1, times in fs. Spellings of the same physics resolve alike: equal values
    in a list become one number, eta_over_v becomes eta_cm, symmetry auto becomes what it stands
    for, settings that accuracy decides are filled in. What the engine of the point does not use
    is None.
    """
    model, rule, run = study.model, study.hierarchy, study.propagation
    lattice: Parameters = {}
    if study.lattice.present:
        lattice["lattice"] = study.resolved_lattice
    return {
        "model": {
            "n_sites": study.sites,
            "topology": model.topology,
            "hopping_cm": study.hopping_cm if lattice else _simplest(model.hopping_cm),
            "site_energies_cm": _simplest(model.site_energies_cm),
            **({} if lattice else {"lattice_constant_A": model.lattice_constant_A}),
            "temperature_K": model.temperature_K,
        },
        **lattice,
        "bath": _bath(study),
        "accuracy": None if study.fixed else study.accuracy,
        "hierarchy": {
            "depth": rule.depth,
            "weights": None if set(rule.weights or (1.0,)) == {1.0} else list(rule.weights or ()),
            "max_excited_sites": rule.max_excited_sites,
            "symmetry": _symmetry(study),
        },
        "adaptive": _adaptive(study),
        "propagation": {
            "duration_fs": run.duration_fs,
            "sample_fs": run.sample_fs,
            **_tolerances(study),
            "resolvent_frequencies_cm": sorted(run.resolvent_frequencies_cm),
        },
        "start_site": study.resolved_start_site,
    }


def _symmetry(study: Study) -> str:
    """Return what symmetry auto stands for; adaptive hierarchies know reflection, too."""
    if study.hierarchy.symmetry != "auto":
        return study.hierarchy.symmetry
    if study.translations:
        return "translation"
    return "reflection" if study.model.mirrored_chain and not study.fixed else "none"


def _bath(study: Study) -> Parameters:
    bath = study.bath
    bound = bath.error_bound
    if bound is None and bath.terms == "auto":
        wanted = exact_product(BATH_ERROR_PER_ACCURACY, study.accuracy)
        bound = DEFAULT_ERROR_BOUND if study.fixed else min(wanted, LARGEST_BATH_ERROR)
    return {
        **resolved_baths(bath, study.hopping_cm),
        "decomposition": bath.scheme,
        "terms": bath.terms,
        "terminator": bath.terminator,
        "error_bound": bound,
    }


def _adaptive(study: Study) -> Parameters:
    given = study.adaptive
    if study.fixed:
        return dict.fromkeys(type(given).model_fields)
    growth = exact_product(GROWTH_PER_ACCURACY, study.accuracy)
    return {
        "growth": growth if given.growth is None else given.growth,
        "pruning": PRUNING if given.pruning is None else given.pruning,
        "max_occupation": given.max_occupation or LARGEST_OCCUPATION,
    }


def _tolerances(study: Study) -> Parameters:
    run = study.propagation
    if study.fixed:
        return {
            "tolerance": run.tolerance or DEFAULT_TOLERANCE,
            "equilibrium_tolerance": run.equilibrium_tolerance or DEFAULT_TOLERANCE,
        }
    wanted = exact_product(TOLERANCE_PER_ACCURACY, study.accuracy)
    return {"tolerance": run.tolerance or wanted, "equilibrium_tolerance": None}


def point_hash(parameters: Given, numerics_version: int = NUMERICS_VERSION) -> str:
    """Return the hash that names a point; a cut in excited sites that cuts nothing is no cut."""
    rule = dict(parameters["hierarchy"])
    if rule["max_excited_sites"] == parameters["model"]["n_sites"]:
        rule["max_excited_sites"] = None
    return parameter_hash({**parameters, "hierarchy": rule}, numerics_version)


def is_adaptive(parameters: Given) -> bool:
    """Whether the hierarchy of a point adapts itself to accuracy; else its depth is fixed."""
    return parameters["accuracy"] is not None


def is_infinite(parameters: Given) -> bool:
    """Whether the lattice of a point has no end; its number of sites is then that of a window."""
    if "lattice" in parameters:
        return "infinite" in parameters["lattice"]["boundary"]
    return bool(parameters["model"]["topology"] == "infinite")


def confidence(parameters: Given) -> tuple[bool, float]:
    """Return what orders runs of one system and size: the last is the one to be believed.

    Adaptive before fixed hierarchies, because they know their error; then the finer or deeper.
    """
    if is_adaptive(parameters):
        return True, -number(parameters, "accuracy")
    return False, number(parameters, "hierarchy.depth")


def derived(parameters: Given) -> Parameters:
    """Return what follows from the parameters and helps to read them; not part of the hash.

    ``eta_over_v`` and ``gamma_over_v`` are None unless the hopping is one number > 0 and each site
    has one Debye bath, which they describe;
    ``bath_terms`` is the number K of low-temperature terms in use.
    """
    v = parameters["model"]["hopping_cm"]
    uniform = isinstance(v, (int, float)) and v > 0 and is_one_debye_bath(parameters)
    return {
        "eta_over_v": number(parameters, "bath.eta_cm") / v if uniform else None,
        "gamma_over_v": number(parameters, "bath.gamma_cm") / v if uniform else None,
        "bath_terms": bath_expansion(parameters).low_temperature_terms,
    }


def model_of(parameters: Given) -> Model:
    """Return the model of a point in internal units; the window of an infinite ring as a ring."""
    if "lattice" not in parameters:
        return holstein_model(parameters)
    from smallpolaron.study.lattice_section import lattice_model  # with pydantic, only if needed

    return lattice_model(parameters)


def holstein_model(parameters: Given) -> HolsteinModel:
    """Return the model of a point on a ring or chain; see model_of.

    Raises:
        ValueError: it is on another lattice.
    """
    if "lattice" in parameters:
        raise ValueError("needs a ring, a chain or the infinite line, not another lattice")
    topology = "ring" if is_infinite(parameters) else parameters["model"]["topology"]
    return HolsteinModel(
        n_sites=whole(parameters, "model.n_sites"),
        topology=cast(Topology, topology),
        hopping=_internal(parameters["model"]["hopping_cm"]),
        site_energies=_internal(parameters["model"]["site_energies_cm"]),
        lattice_constant_A=number(parameters, "model.lattice_constant_A"),
        temperature_K=number(parameters, "model.temperature_K"),
    )


def symmetry_of(parameters: Given) -> Literal["auto", "none"]:
    """Return which symmetries the current uses."""
    return "none" if parameters["hierarchy"]["symmetry"] == "none" else "auto"


def population_symmetry(parameters: Given) -> Literal["auto", "none"]:
    """Return which symmetries populations use.

    Symmetry none speaks of those of the lattice. A lattice without any, such as a disordered one,
    leaves Hermiticity, which every start on one site has.
    """
    model = model_of(parameters)
    lattice = model.is_translation_invariant or model.is_mirror_symmetric
    return symmetry_of(parameters) if lattice else "auto"


def bath_expansion(parameters: Given, terms: int | None = None) -> BathExpansion:
    """Return the expansion of the bath of a point, or the one with another number of terms.

    Args:
        parameters: the parameters of the point.
        terms: number of low-temperature terms, of several couplings, or of one that is not local,
            how many more each bath has; None takes what the parameters say, which for "auto" is
            where a run on an adaptive hierarchy starts.

    Raises:
        ValueError: no expansion meets the error bound.
    """
    couplings = coupled_baths(parameters["bath"])
    if len(couplings) == 1 and "coupling" not in parameters["bath"]:
        return _expansion(parameters, parameters["bath"], terms)
    more = terms or 0
    parts = [_expansion(parameters, each, None) for each in couplings]
    if more:
        each_more = [part.low_temperature_terms + more for part in parts]
        parts = [
            _expansion(parameters, each, count)
            for each, count in zip(couplings, each_more, strict=True)
        ]
    return BathSet.joined(*parts, extra_terms=more)


def _expansion(parameters: Given, bath: Given, terms: int | None) -> BathExpansion:
    """Return the expansion of the bath of one coupling.

    A bath that moves the carrier has no terminator: the assisted current would lack its share.
    """
    bound, span = DEFAULT_ERROR_BOUND, 0.0
    if terms is None and parameters["bath"]["terms"] == "auto":
        bound = number(parameters, "bath.error_bound")
        if is_adaptive(parameters):
            span = model_of(parameters).span
    elif terms is None:
        terms = whole(parameters, "bath.terms")
    return _expand(
        coupling_values(bath),
        number(parameters, "model.temperature_K"),
        cast(Scheme, parameters["bath"]["decomposition"]),
        terms,
        bool(parameters["bath"]["terminator"]) and not moves_carrier(bath),
        bound,
        span,
    )


@lru_cache(maxsize=1024)
def _expand(
    baths: tuple[BathValues, ...],
    temperature_K: float,
    scheme: Scheme,
    terms: int | None,
    terminator: bool,
    error_bound: float,
    span: float,
) -> BathExpansion:
    return expand(site_bath(baths), temperature_K, scheme, terms, terminator, error_bound, span)


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
        try:
            value = value[part]
        except (KeyError, TypeError) as error:
            raise KeyError(f"the parameters have no '{key}'") from error
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


def _internal(value: ParameterValue) -> float | tuple[float, ...]:
    if isinstance(value, list):
        return tuple(item * CM_TO_RAD_FS for item in value)
    return float(cast(float, value)) * CM_TO_RAD_FS
