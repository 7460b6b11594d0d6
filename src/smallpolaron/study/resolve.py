"""From a study to the parameters of its point: defaults filled in, absolute units, one spelling."""

from __future__ import annotations

from typing import Any, Literal

from smallpolaron.model.accuracy import (
    BATH_ERROR_PER_ACCURACY,
    GROWTH_PER_ACCURACY,
    LARGEST_BATH_ERROR,
    PRUNING,
    TOLERANCE_PER_ACCURACY,
)
from smallpolaron.study.config import Study
from smallpolaron.study.parameters import (
    Parameters,
    ResolvedAdaptive,
    ResolvedHierarchy,
    ResolvedModel,
    ResolvedPropagation,
)
from smallpolaron.study.resolved.bath import ResolvedBaths
from smallpolaron.study.sections import DEFAULT_ERROR_BOUND, DEFAULT_TOLERANCE, LARGEST_OCCUPATION
from smallpolaron.support.canonical import exact_product


def resolve(study: Study) -> Parameters:
    """Return the parameters of a point of a study."""
    model, rule, run = study.model, study.hierarchy, study.propagation
    lattice = study.resolved_lattice
    own: dict[str, Any] = {"lattice": lattice} if lattice else {}
    return Parameters(
        **own,
        model=ResolvedModel(
            **({} if lattice else {"lattice_constant_A": model.lattice_constant_A}),
            n_sites=study.sites,
            topology=model.topology,
            hopping_cm=study.hopping_cm if lattice else _simplest(model.hopping_cm),
            site_energies_cm=_simplest(model.site_energies_cm),
            temperature_K=model.temperature_K,
        ),
        bath=_bath(study),
        accuracy=None if study.fixed else study.accuracy,
        hierarchy=ResolvedHierarchy(
            depth=rule.depth,
            weights=None if set(rule.weights or (1.0,)) == {1.0} else rule.weights,
            max_excited_sites=rule.max_excited_sites,
            symmetry=_symmetry(study),
        ),
        adaptive=_adaptive(study),
        propagation=ResolvedPropagation(
            duration_fs=run.duration_fs,
            sample_fs=run.sample_fs,
            tolerance=run.tolerance or _tolerance(study),
            equilibrium_tolerance=(run.equilibrium_tolerance or DEFAULT_TOLERANCE)
            if study.fixed
            else None,
            resolvent_frequencies_cm=tuple(sorted(run.resolvent_frequencies_cm)),
        ),
        start_site=study.resolved_start_site,
    )


def _symmetry(study: Study) -> Literal["translation", "reflection", "none"]:
    """Return what symmetry auto stands for; adaptive hierarchies know reflection, too."""
    if study.hierarchy.symmetry != "auto":
        return study.hierarchy.symmetry
    if study.translations:
        return "translation"
    return "reflection" if study.model.mirrored_chain and not study.fixed else "none"


def _bath(study: Study) -> ResolvedBaths:
    bound = study.bath.error_bound
    if bound is None and study.bath.terms == "auto":
        wanted = exact_product(BATH_ERROR_PER_ACCURACY, study.accuracy)
        bound = DEFAULT_ERROR_BOUND if study.fixed else min(wanted, LARGEST_BATH_ERROR)
    return study.bath.baths_of_point(study.hopping_cm, bound)


def _adaptive(study: Study) -> ResolvedAdaptive:
    given = study.adaptive
    if study.fixed:
        return ResolvedAdaptive(growth=None, pruning=None, max_occupation=None)
    growth = exact_product(GROWTH_PER_ACCURACY, study.accuracy)
    return ResolvedAdaptive(
        growth=growth if given.growth is None else given.growth,
        pruning=PRUNING if given.pruning is None else given.pruning,
        max_occupation=given.max_occupation or LARGEST_OCCUPATION,
    )


def _tolerance(study: Study) -> float:
    if study.fixed:
        return DEFAULT_TOLERANCE
    return exact_product(TOLERANCE_PER_ACCURACY, study.accuracy)


def _simplest(value: float | tuple[float, ...]) -> float | tuple[float, ...]:
    if not isinstance(value, tuple):
        return value
    return value[0] if len(set(value)) == 1 else value
