"""The study configuration: one file is one `Study`.

The models are the single source: the JSON schema for editors and the table in the documentation
are generated from them. Keys that the grid of a study supplies may be missing from its sections.

Without `hierarchy.depth` the hierarchy adapts itself to `accuracy`; with it the hierarchy is fixed
by the rule in `hierarchy`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, partial
from typing import Annotated, Any, Final

import numpy as np
from pydantic import BeforeValidator, model_validator

from smallpolaron.model.lattice_model import LatticeModel
from smallpolaron.study.bath_section import BathConfig
from smallpolaron.study.disorder_section import DISORDERED, DisorderConfig
from smallpolaron.study.ladder_section import LadderConfig
from smallpolaron.study.lattice_section import MOST_BONDS, LatticeConfig
from smallpolaron.study.resolved.lattice import ResolvedLattice
from smallpolaron.study.sections import (
    CONVERGED,
    NAME_PATTERN,
    POPULATION_PROTOCOLS,
    AdaptiveConfig,
    AnalysisConfig,
    HierarchyConfig,
    ModelConfig,
    PropagationConfig,
    Protocol,
    ResourcesConfig,
    Section,
    as_tuple,
    described,
)
from smallpolaron.support.problems import Problem


class Study(Section):
    """One parameter point of a study, or a study without its grid."""

    study: str = described(
        "Name of the study; results go to results/<study>/.",
        pattern=NAME_PATTERN,
        allowed="1 to 64 letters, digits, '_' or '-', starting with a letter or digit",
        advice="use a plain name such as my_study",
    )
    paper: str | None = described(
        "Paper whose figures and tables this study regenerates: a folder of papers/, such as "
        "mori2024 (Chem. Sci. 2024, 15, 16715) or anomalous2024 (arXiv:2309.09509). Its figures "
        "find their points by the names of the grid blocks. null: none.",
        None,
        pattern=NAME_PATTERN,
    )
    model: ModelConfig = described("The electronic system.")
    lattice: LatticeConfig = described("A lattice beyond rings and chains.", LatticeConfig())
    bath: BathConfig = described("The baths of every site.")
    accuracy: float = described(
        "Largest error of C_JJ(t) relative to C_JJ(0), of populations, or, on an infinite ring, of "
        "dMSD/dt relative to its mean. Decides the hierarchy, the bath terms, the steps and the "
        "solvers. Not with hierarchy.depth.",
        1e-3,
        ge=1e-6,
        le=0.1,
    )
    hierarchy: HierarchyConfig = described("Truncation of a fixed hierarchy.", HierarchyConfig())
    adaptive: AdaptiveConfig = described("Expert settings of the adaptive one.", AdaptiveConfig())
    propagation: PropagationConfig = described("Times and tolerances.")
    protocols: Annotated[tuple[Protocol, ...], BeforeValidator(as_tuple)] = described(
        "What to compute: current (equilibrium current autocorrelation), franck_condon and marcus "
        "(populations after placing the carrier on one site, bath unrelaxed or relaxed; on an "
        "infinite ring its mean-squared displacement).",
        ("current",),
        min_length=1,
        allowed="a non-empty list of current, franck_condon, marcus, each at most once",
    )
    start_site: int | None = described(
        "Site on which the population protocols start, counted from 0. "
        "null: 0 on rings and lattices, the middle of chains. Not where it is infinite.",
        None,
        ge=0,
    )
    disorder: DisorderConfig = described("Static disorder.", DisorderConfig())
    ladder: LadderConfig = described("Sizes for model.n_sites: converged.", LadderConfig())
    analysis: AnalysisConfig = described("Criteria of the analysis.", AnalysisConfig())
    resources: ResourcesConfig = described("Limits for the jobs.", ResourcesConfig())

    @model_validator(mode="before")
    @classmethod
    def _lattice_is_a_topology(cls, data: Any) -> Any:
        """Spare those who give the section lattice to say model.topology: lattice."""
        if isinstance(data, dict) and isinstance(given := data.get("lattice"), dict):
            model = data.get("model", {})
            if given.get("kind") is not None and isinstance(model, dict):
                return {**data, "model": {"topology": "lattice", **model}}
        return data

    @cached_property
    def resolved_lattice(self) -> ResolvedLattice | None:
        """The lattice of the section lattice as a point has it; None for rings and chains."""
        return self.lattice.resolved(self.model.hopping_cm) if self.lattice.present else None

    @cached_property
    def lattice_model(self) -> LatticeModel | None:
        """The model on the lattice of the section lattice; None for rings and chains.

        Raises:
            ValueError: there is none.
        """
        lattice, model = self.resolved_lattice, self.model
        if lattice is None:
            return None
        bath = self.bath.baths_of_point(self.hopping_cm, None)
        return lattice.model(model.site_energies_cm, model.temperature_K, bath)

    @property
    def sites(self) -> int:
        """Number of sites, of the window where they are infinitely many."""
        return self.lattice_model.n_sites if self.lattice_model else self.model.sites

    @property
    def infinite(self) -> bool:
        """Whether there are infinitely many sites."""
        there = self.lattice_model
        return there.is_infinite if there else self.model.topology == "infinite"

    @property
    def translations(self) -> bool:
        """Whether there are translations that leave the Hamiltonian alone."""
        there = self.lattice_model
        return there.is_translation_invariant if there else self.model.homogeneous_ring

    @property
    def hopping_cm(self) -> float | None:
        """The hopping if it is one for all bonds; of a lattice the largest, in size; cm^-1."""
        lattice = self.resolved_lattice
        return self.model.uniform_hopping_cm if lattice is None else lattice.largest_hopping_cm

    @property
    def populations(self) -> tuple[Protocol, ...]:
        """The population protocols asked for."""
        return tuple(p for p in self.protocols if p in POPULATION_PROTOCOLS)

    @property
    def resolved_start_site(self) -> int:
        """The start site with the default filled in."""
        if self.start_site is not None:
            return self.start_site
        return self.model.sites // 2 if self.model.topology == "chain" else 0

    @property
    def has_infinite_check(self) -> bool:
        """Whether a ladder of this study is compared with the infinite ring."""
        ring = self.model.topology == "ring" and self.hierarchy.symmetry != "none"
        return self.ladder.check_infinite and ring and not self.fixed

    @property
    def fixed(self) -> bool:
        """Whether the hierarchy is fixed by hierarchy.depth rather than adaptive."""
        return self.hierarchy.depth is not None

    def faults(self) -> Iterator[Problem]:
        """Yield conflicts between the sections."""
        if self.lattice.present or self.model.topology == "lattice":
            problems = list(self._lattice_faults())
            yield from problems
            if problems:
                return
        yield from self._coupling_faults()
        yield from self._disorder_faults()
        if self.model.n_sites == CONVERGED:  # every size is checked on its own
            if self.populations:
                allowed = "must be current only where model.n_sites is converged"
                advice = "give other protocols a grid block of their own with numbers of sites"
                yield self.fault("protocols", allowed, advice)
            return
        for keys, when, applies in EFFECTIVE:
            for key in filter(self.is_given, () if applies(self.said) else keys):
                yield self.fault(key, f"has an effect only {when}", "remove it")
        if self.fixed:
            yield from self._truncation_faults()
        yield from self._protocol_faults()
        yield from self._ring_faults()
        span, end = self.analysis.drude_smith_range_fs, self.propagation.duration_fs
        if span is not None and span[1] > end:
            allowed = f"must end within propagation.duration_fs = {end} fs"
            yield self.fault(
                "analysis.drude_smith_range_fs", allowed, "shorten the range or run longer"
            )

    def _disorder_faults(self) -> Iterator[Problem]:
        """Yield widths where nothing can be drawn."""
        for name in filter(lambda name: self.is_given(f"disorder.{name}_cm"), DISORDERED):
            key = f"disorder.{name}_cm"
            if self.infinite:
                allowed = "has no meaning on an infinite lattice, whose sites are all alike"
                yield self.fault(key, allowed, "use a large finite one")
            elif name == "hopping" and self.resolved_lattice is not None:
                yield from self._drawn_bond_faults(self.resolved_lattice)
            if self.model.n_sites == CONVERGED:
                allowed = "needs a number of sites; model.n_sites is converged"
                yield self.fault(key, allowed, "vary model.n_sites in the grid instead")
            if self.hierarchy.symmetry == "translation":
                allowed = "leaves no translation symmetry; hierarchy.symmetry is translation"
                yield self.fault(key, allowed, "use hierarchy.symmetry: auto")

    def _drawn_bond_faults(self, lattice: ResolvedLattice) -> Iterator[Problem]:
        """Yield lattices whose hoppings cannot be drawn bond by bond."""
        key, cells = "disorder.hopping_cm", int(np.prod(lattice.cells, dtype=int))
        if any(im for *_, im in lattice.bonds):
            allowed = "is added to real hoppings; a bond of this lattice has a complex one"
            yield self.fault(key, allowed, "give real hoppings, or draw site energies only")
        if cells > 1 and any(each.coupling == "operator" for each in self.bath.couplings):
            allowed = "leaves no two cells alike; coupling: operator is one per cell"
            advice = "use a cluster, another coupling, or draw site energies only"
            yield self.fault(key, allowed, advice)
        if (count := cells * max(len(lattice.bonds), len(lattice.sites_A))) > MOST_BONDS:
            allowed = f"is stored bond by bond: at most {MOST_BONDS} bonds; here {count}"
            yield self.fault(key, allowed, "use fewer cells, or draw site energies only")

    def _coupling_faults(self) -> Iterator[Problem]:
        """Yield units without a hopping, couplings without a lattice, and diverging currents."""
        v = self.hopping_cm
        for place, bath in () if v is not None and v > 0 else self.bath.placed:
            for name in bath.relative():
                allowed = "needs one hopping > 0 for all bonds; model.hopping_cm is "
                allowed += "not uniform" if v is None else f"{v}"
                advice = f"give {place}{name.replace('over_v', 'cm')} in cm^-1 instead"
                yield Problem(f"{place}{name}", getattr(bath, name), allowed, advice)
        if self.bath.is_plain:
            return
        if not self.lattice.present:
            allowed = "goes with the section lattice only, unless it is local and the only one"
            advice = "add the lattice: a chain is of kind custom with one vector, site and bond"
            yield self.fault("bath.coupling", allowed, advice)
        for index, each in enumerate(self.bath.couplings):
            if not (each.moves_carrier and "current" in self.protocols):
                continue
            own = [(f"bath.further_couplings.{index - 1}.", each)] if index else self.bath.first
            for place, bath in own:
                if bath.kind == "debye":
                    allowed = "must not be debye where the bath moves the carrier: <X^2> of the "
                    allowed += "assisted current diverges with the number of bath terms"
                    yield Problem(f"{place}kind", bath.kind, allowed, "use kind: brownian")

    def _truncation_faults(self) -> Iterator[Problem]:
        """Yield what does not fit a fixed hierarchy."""
        rule, terms = self.hierarchy, self.bath.terms
        if rule.weights is not None:
            if terms == "auto":
                allowed = "needs a fixed number of bath terms; bath.terms is auto"
                yield self.fault("hierarchy.weights", allowed, "set bath.terms to a whole number")
            elif len(rule.weights) != terms + (poles := self.bath.poles):
                allowed = f"must hold bath.terms + {poles} = {terms + poles} numbers > 0"
                yield self.fault("hierarchy.weights", allowed, "one weight per term")
        if rule.max_excited_sites is not None and rule.max_excited_sites > self.sites:
            allowed = f"must be at most model.n_sites = {self.sites}"
            yield self.fault("hierarchy.max_excited_sites", allowed, "use null for no limit")

    def _lattice_faults(self) -> Iterator[Problem]:
        """Yield what does not fit the lattice of the section lattice."""
        model = self.model
        if not self.lattice.present or model.topology != "lattice":
            allowed = "goes with the section lattice, and only with model.topology: lattice"
            yield self.fault("model.topology", allowed, "remove one of the two")
            return
        made, v = self.lattice.lattice, model.hopping_cm
        if isinstance(v, tuple) and len(v) != len(made.bonds):
            allowed = f"must be one number, or {len(made.bonds)}, one per bond of a cell"
            yield self.fault("model.hopping_cm", allowed, "give one per bond, in their order")
            return
        for index, each in enumerate(self.bath.couplings):
            place = f"bath.further_couplings.{index - 1}." if index else "bath."
            try:
                each.require_fit(made)
            except ValueError as error:
                allowed = f"does not fit: {error}"
                yield Problem(f"{place}elements", "(a list)", allowed, "correct it")
                return
        try:
            there = self.lattice_model
            assert there is not None
            flows = bool(np.any(there.flows) or there.modes.moves_carrier)
        except ValueError as error:
            key, value = "lattice.cells", tuple(map(float, made.cells))
            if isinstance(model.site_energies_cm, tuple):
                key, value = "model.site_energies_cm", model.site_energies_cm
            yield Problem(key, value, f"does not fit: {error}", "correct it")
            return
        if not flows and ("current" in self.protocols or there.is_infinite):
            allowed = "must have bonds along it whose hopping is not 0, or nothing flows"
            advice = "choose another direction; a cluster needs lattice.sites_A for a current"
            yield self.fault("lattice.direction", allowed, advice)
        if self.fixed and not (self.bath.is_plain and not there.is_infinite):
            allowed = "is for finite lattices with the local coupling alone"
            yield self.fault("hierarchy.depth", allowed, "remove it")

    def _ring_faults(self) -> Iterator[Problem]:
        symmetry = self.hierarchy.symmetry
        if not self.infinite:
            if symmetry == "translation" and not self.translations:
                allowed = "needs a ring with equal site energies and equal hopping"
                yield self.fault("hierarchy.symmetry", allowed, "use auto or none")
            return
        if self.fixed:
            allowed = f"has no fixed hierarchy; hierarchy.depth is {self.hierarchy.depth}"
            advice = "remove hierarchy.depth, or use a ring"
            yield Problem("model.topology", "infinite", allowed, advice)
        if self.populations and not self._hops:
            allowed = "must not be 0 on an infinite ring: the carrier stays where it starts"
            yield self.fault("model.hopping_cm", allowed, "give a hopping")
        if symmetry == "none":
            allowed = "must be auto or translation on an infinite ring"
            yield self.fault("hierarchy.symmetry", allowed, "leave it out")

    def _protocol_faults(self) -> Iterator[Problem]:
        if len(set(self.protocols)) != len(self.protocols):
            yield self.fault("protocols", "names a protocol twice", "name each once")
        if self.start_site is not None and self.populations:
            if self.infinite:
                allowed = "has no meaning on an infinite lattice: it starts in cell 0"
                yield self.fault("start_site", allowed, "remove it, or use a ring")
            elif self.start_site >= self.sites:
                allowed = f"must be a whole number from 0 to {self.sites - 1}"
                advice = f"there are {self.sites} sites; they count from 0"
                yield self.fault("start_site", allowed, advice)
        if "current" in self.protocols and not (self.disorder.hopping_cm or self._hops):
            allowed = "must not be 0 on every bond for the protocol current"
            advice = "without hopping no current flows; use a population protocol"
            yield self.fault("model.hopping_cm", allowed, advice)

    @property
    def _hops(self) -> bool:
        """Whether any hopping is not 0."""
        v = self.model.hopping_cm
        return any(v) if isinstance(v, tuple) else bool(v)


Said = Callable[[str], Any]
"""What a study says of a dotted key."""


def _has(protocols: Iterable[Protocol], said: Said) -> bool:
    given = said("protocols") or ("current",)
    return isinstance(given, (list, tuple)) and any(each in given for each in protocols)


def _is_drawn(names: Iterable[str], said: Said) -> bool:
    return any(said(f"disorder.{name}_cm") for name in names)


EFFECTIVE: Final[tuple[tuple[tuple[str, ...], str, Callable[[Said], bool]], ...]] = (
    (
        (
            *("accuracy", "propagation.resolvent_frequencies_cm"),
            *(f"adaptive.{key}" for key in AdaptiveConfig.model_fields),
        ),
        "without hierarchy.depth",
        lambda said: said("hierarchy.depth") is None,
    ),
    (
        (
            *("hierarchy.weights", "hierarchy.max_excited_sites"),
            "propagation.equilibrium_tolerance",
        ),
        "with hierarchy.depth",
        lambda said: said("hierarchy.depth") is not None,
    ),
    (
        ("propagation.equilibrium_tolerance", "propagation.resolvent_frequencies_cm"),
        "with the protocol current",
        partial(_has, ("current",)),
    ),
    (
        ("start_site",),
        "with the protocols franck_condon or marcus",
        partial(_has, POPULATION_PROTOCOLS),
    ),
    *(
        (
            (f"disorder.{name}_distribution",),
            f"with disorder.{name}_cm",
            partial(_is_drawn, (name,)),
        )
        for name in DISORDERED
    ),
    (
        ("disorder.seed", "disorder.members"),
        "with disorder.site_energy_cm or disorder.hopping_cm",
        partial(_is_drawn, DISORDERED),
    ),
)
"""Keys that have an effect only under a condition, in words and as a function. In a grid whose
points differ in it, such a key in a section is meant for the points it applies to."""

SECTIONS: dict[str, type[Section]] = {
    "model": ModelConfig,
    "lattice": LatticeConfig,
    "bath": BathConfig,
    "hierarchy": HierarchyConfig,
    "adaptive": AdaptiveConfig,
    "propagation": PropagationConfig,
    "disorder": DisorderConfig,
    "ladder": LadderConfig,
    "analysis": AnalysisConfig,
    "resources": ResourcesConfig,
}
