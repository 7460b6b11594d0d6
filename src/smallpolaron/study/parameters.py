"""The parameters of a point: every default filled in, absolute units, one spelling."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

from smallpolaron import NUMERICS_VERSION
from smallpolaron.hierarchy.limits import Truncation
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.baths.expansion import BathExpansion, BathSet, Scheme
from smallpolaron.model.disorder import Distribution
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.lattice_model import Model
from smallpolaron.model.units import CM_TO_RAD_FS
from smallpolaron.study.resolved.base import Resolved
from smallpolaron.study.resolved.bath import ResolvedBaths, ResolvedCoupling
from smallpolaron.study.resolved.lattice import ResolvedLattice
from smallpolaron.study.sections import DEFAULT_ERROR_BOUND
from smallpolaron.support.canonical import parameter_hash


class ResolvedModel(Resolved):
    """The electronic system."""

    n_sites: int | Literal["converged"]
    topology: Literal["ring", "chain", "infinite", "lattice"]
    hopping_cm: float | tuple[float, ...] | None
    site_energies_cm: float | tuple[float, ...]
    lattice_constant_A: float | None = None
    temperature_K: float


class ResolvedHierarchy(Resolved):
    """The rule of a fixed hierarchy, and the symmetry in use."""

    depth: int | None
    weights: tuple[float, ...] | None
    max_excited_sites: int | None
    symmetry: Literal["translation", "reflection", "none"]


class ResolvedAdaptive(Resolved):
    """Settings of the hierarchy that adapts itself; None of a fixed one."""

    growth: float | None = None
    pruning: float | None = None
    max_occupation: int | None = None


class ResolvedPropagation(Resolved):
    """Times and tolerances."""

    duration_fs: float
    sample_fs: float
    tolerance: float
    equilibrium_tolerance: float | None
    resolvent_frequencies_cm: tuple[float, ...] = ()


class ResolvedDisorder(Resolved):
    """Where the draws of an ensemble, or of one member of it, come from."""

    seed: int
    site_energy_cm: float | None
    site_energy_distribution: Distribution | None
    hopping_cm: float | None
    hopping_distribution: Distribution | None
    members: int | None = None
    member: int | None = None


class Parameters(Resolved):
    """Everything that decides the numbers of a point, and nothing else.

    Energies are in cm^-1, times in fs. Spellings of the same physics are alike: equal values in a
    list are one number, eta_over_v is eta_cm, symmetry auto is what it stands for, settings that
    accuracy decides are filled in. What the hierarchy of the point does not use is None.
    """

    model: ResolvedModel
    lattice: ResolvedLattice | None = None
    bath: ResolvedBaths
    accuracy: float | None = None  # early files lack it, and other defaults
    hierarchy: ResolvedHierarchy
    adaptive: ResolvedAdaptive = ResolvedAdaptive()
    propagation: ResolvedPropagation
    start_site: int
    disorder: ResolvedDisorder | None = None

    @property
    def n_sites(self) -> int:
        """Number of sites, of the window where they are infinitely many.

        Raises:
            TypeError: the parameters are those of a ladder, which has several.
        """
        if not isinstance(self.model.n_sites, int):
            raise TypeError("a ladder has several numbers of sites")
        return self.model.n_sites

    @property
    def is_adaptive(self) -> bool:
        """Whether the hierarchy adapts itself to accuracy; else its depth is fixed."""
        return self.accuracy is not None

    @property
    def is_infinite(self) -> bool:
        """Whether the lattice has no end."""
        return self.lattice.is_infinite if self.lattice else self.model.topology == "infinite"

    @property
    def confidence(self) -> tuple[bool, float]:
        """What orders runs of one system and size: the last is the one to be believed.

        Adaptive before fixed hierarchies, because they know their error; then the finer or deeper.
        """
        if self.accuracy is not None:
            return True, -self.accuracy
        return False, float(self.hierarchy.depth or 0)

    @property
    def hash(self) -> str:
        """The hash that names the point."""
        return point_hash(self.content())

    def changed(self, **sections: Any) -> Parameters:
        """Return parameters with other values: ``changed(model={"temperature_K": 200})``."""
        return Parameters(**_laid_over(self.content(), sections))


def _laid_over(content: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return content | {
        key: {**content.get(key, {}), **value} if isinstance(value, dict) else value
        for key, value in changes.items()
    }


def point_hash(content: dict[str, Any], numerics_version: int = NUMERICS_VERSION) -> str:
    """Return the hash that names a point; a cut in excited sites that cuts nothing is no cut.

    Args:
        content: the parameters of the point as plain data, such as a result file holds them.
        numerics_version: version of the numerics.
    """
    rule = dict(content["hierarchy"])
    if rule["max_excited_sites"] == content["model"]["n_sites"]:
        rule["max_excited_sites"] = None
    return parameter_hash({**content, "hierarchy": rule}, numerics_version)


def derived(parameters: Parameters) -> dict[str, int | float | None]:
    """Return what follows from the parameters and helps to read them; not part of the hash.

    ``eta_over_v`` and ``gamma_over_v`` are None unless the hopping is one number > 0 and each site
    has one Debye bath, which they describe;
    ``bath_terms`` is the number K of low-temperature terms in use.
    """
    v, bath = parameters.model.hopping_cm, parameters.bath
    ratios: list[float | None] = [None, None]
    if isinstance(v, float) and v > 0 and bath.is_one_debye_bath:
        ratios = [bath.eta_cm / v, bath.gamma_cm / v]
    return {
        "eta_over_v": ratios[0],
        "gamma_over_v": ratios[1],
        "bath_terms": bath_expansion(parameters).low_temperature_terms,
    }


def model_of(parameters: Parameters) -> Model:
    """Return the model of a point in internal units; the window of an infinite ring as a ring."""
    model, lattice = parameters.model, parameters.lattice
    if lattice is None:
        return holstein_model(parameters)
    return lattice.model(model.site_energies_cm, model.temperature_K, parameters.bath)


def holstein_model(parameters: Parameters) -> HolsteinModel:
    """Return the model of a point on a ring or chain; see model_of.

    Raises:
        ValueError: it is on another lattice.
    """
    model = parameters.model
    if model.hopping_cm is None or model.lattice_constant_A is None:
        raise ValueError("needs a ring, a chain or the infinite line, not another lattice")
    return HolsteinModel(
        n_sites=parameters.n_sites,
        topology="chain" if model.topology == "chain" else "ring",
        hopping=_internal(model.hopping_cm),
        site_energies=_internal(model.site_energies_cm),
        lattice_constant_A=model.lattice_constant_A,
        temperature_K=model.temperature_K,
    )


def symmetry_of(parameters: Parameters) -> Literal["auto", "none"]:
    """Return which symmetries the current uses."""
    return "none" if parameters.hierarchy.symmetry == "none" else "auto"


def population_symmetry(parameters: Parameters) -> Literal["auto", "none"]:
    """Return which symmetries populations use.

    Symmetry none speaks of those of the lattice. A lattice without any, such as a disordered one,
    leaves Hermiticity, which every start on one site has.
    """
    model = model_of(parameters)
    moved = model.is_translation_invariant and model.sites.n_cells > 1
    lattice = moved or model.is_mirror_symmetric
    return symmetry_of(parameters) if lattice else "auto"


def bath_expansion(parameters: Parameters, terms: int | None = None) -> BathExpansion:
    """Return the expansion of the bath of a point, or the one with another number of terms.

    Args:
        parameters: the parameters of the point.
        terms: number of low-temperature terms, of several couplings, or of one that is not local,
            how many more each bath has; None takes what the parameters say, which for "auto" is
            where a run on an adaptive hierarchy starts.

    Raises:
        ValueError: no expansion meets the error bound.
    """
    couplings = parameters.bath.couplings
    if parameters.bath.is_plain:
        return _expansion(parameters, parameters.bath, terms)
    more = terms or 0
    parts = [_expansion(parameters, each, None) for each in couplings]
    if more:
        each_more = [part.low_temperature_terms + more for part in parts]
        parts = [
            _expansion(parameters, each, count)
            for each, count in zip(couplings, each_more, strict=True)
        ]
    return BathSet.joined(*parts, extra_terms=more)


def _expansion(
    parameters: Parameters, coupling: ResolvedCoupling, terms: int | None
) -> BathExpansion:
    """Return the expansion of the bath of one coupling.

    A bath that moves the carrier has no terminator: the assisted current would lack its share.
    """
    bath, bound, span = parameters.bath, DEFAULT_ERROR_BOUND, 0.0
    if terms is None and bath.terms != "auto":
        terms = bath.terms
    elif terms is None:
        bound = bath.error_bound or bound
        span = model_of(parameters).span if parameters.is_adaptive else 0.0
    terminator = bath.terminator and not coupling.moves_carrier
    temperature = parameters.model.temperature_K
    return _expand(coupling, temperature, bath.decomposition, terms, terminator, bound, span)


@lru_cache(maxsize=1024)
def _expand(
    coupling: ResolvedCoupling,
    temperature_K: float,
    scheme: Scheme,
    terms: int | None,
    terminator: bool,
    error_bound: float,
    span: float,
) -> BathExpansion:
    density = coupling.total_density
    return expand(density, temperature_K, scheme, terms, terminator, error_bound, span)


def truncation(parameters: Parameters) -> Truncation:
    """Return the truncation rule of a point with a fixed hierarchy.

    Raises:
        ValueError: weights and depth together exceed what a label holds.
    """
    rule = parameters.hierarchy
    assert rule.depth is not None
    return Truncation(rule.depth, rule.weights, rule.max_excited_sites)


def _internal(value: float | tuple[float, ...]) -> float | tuple[float, ...]:
    if isinstance(value, tuple):
        return tuple(item * CM_TO_RAD_FS for item in value)
    return value * CM_TO_RAD_FS
