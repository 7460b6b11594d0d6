"""The study configuration: what a user may write, with units, ranges and defaults.

The models are the single source: the JSON schema for editors and the table in the documentation
are generated from them. A configuration file is one `Study`; keys that its grid supplies may be
missing from the sections.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from smallpolaron.studies.problems import MISSING, Problem

Protocol = Literal["current", "franck_condon", "marcus"]
POPULATION_PROTOCOLS: tuple[Protocol, ...] = ("franck_condon", "marcus")
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
DEFAULT_ERROR_BOUND = 5e-3
"""Bound on the error of the lineshape function (dimensionless) when the user gives none."""


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _field(description: str, default: Any = ..., *, unit: str = "", **rules: Any) -> Any:
    """Return a field with its description and unit; rules are limits such as gt and le."""
    extra: dict[str, Any] = {key: rules.pop(key) for key in ("allowed", "advice") if key in rules}
    if unit:
        extra["unit"] = unit
    if "advice" in extra or "allowed" in extra or unit:
        rules["json_schema_extra"] = extra
    return Field(default, description=description, **rules)


Energy = Annotated[float, Field(ge=-100_000, le=100_000, allow_inf_nan=False)]
Weight = Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)]
Time = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Range = Annotated[tuple[Time, ...], BeforeValidator(_as_tuple)]
Energies = Annotated[tuple[Energy, ...], BeforeValidator(_as_tuple)]
Weights = Annotated[tuple[Weight, ...], BeforeValidator(_as_tuple)]


class Section(BaseModel):
    """Base of all sections: immutable, strict types, no unknown keys, cross-checks collected."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    def faults(self) -> Iterator[Problem]:
        """Yield what is wrong between the fields; keys are relative to the section."""
        yield from ()

    @model_validator(mode="after")
    def _no_faults(self) -> Section:
        faults = list(self.faults())
        if faults:
            raise PydanticCustomError("faults", "inconsistent values", {"faults": faults})
        return self


class ModelConfig(Section):
    """The electronic system: one carrier on sites with nearest-neighbour hopping."""

    n_sites: int = _field("Number of sites.", ge=2, le=255)
    topology: Literal["ring", "chain"] = _field("Periodic ring or open chain.", "ring")
    hopping_cm: Energy | Energies = _field(
        "Hopping v: one value, or one per bond (ring: n_sites, chain: n_sites - 1).",
        50.0,
        unit="cm^-1",
    )
    site_energies_cm: Energy | Energies = _field(
        "Site energies: one value for all sites, or one per site.", 0.0, unit="cm^-1"
    )
    lattice_constant_A: float = _field(
        "Distance between neighbouring sites.", 5.0, unit="angstrom", gt=0, le=1000
    )
    temperature_K: float = _field("Temperature.", 300.0, unit="K", gt=0, le=100_000)

    @property
    def bonds(self) -> int:
        """Number of bonds."""
        return self.n_sites if self.topology == "ring" else self.n_sites - 1

    @property
    def uniform_hopping_cm(self) -> float | None:
        """The hopping when it is the same on every bond, else None; cm^-1."""
        values = self.hopping_cm
        if not isinstance(values, tuple):
            return values
        return values[0] if len(set(values)) == 1 else None

    @property
    def homogeneous_ring(self) -> bool:
        """Whether every translation by one site leaves the Hamiltonian unchanged."""
        energies = self.site_energies_cm
        level = not isinstance(energies, tuple) or len(set(energies)) == 1
        return self.topology == "ring" and level and self.uniform_hopping_cm is not None

    def faults(self) -> Iterator[Problem]:
        """Yield sizes that do not fit together."""
        if self.topology == "ring" and self.n_sites < 3:
            advice = "use at least 3 sites, or model.topology: chain"
            yield Problem("n_sites", self.n_sites, "must be >= 3 on a ring", advice)
        for name, length in (("hopping_cm", self.bonds), ("site_energies_cm", self.n_sites)):
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) != length:
                what = "bond" if name == "hopping_cm" else "site"
                allowed = f"must hold {length} numbers, one per {what}, for n_sites = "
                allowed += f"{self.n_sites} on a {self.topology}; {len(value)} given"
                yield Problem(name, value, allowed, "give one number, or a list of that length")


class BathConfig(Section):
    """The Debye bath of every site, J(w) = eta gamma w / (w^2 + gamma^2), and its expansion."""

    eta_cm: Positive | None = _field(
        "Coupling strength eta; the reorganisation energy is eta/2. "
        "Give this or eta_over_v, not both.",
        None,
        unit="cm^-1",
    )
    eta_over_v: Positive | None = _field(
        "Coupling strength eta in units of the hopping v.", None, unit="v"
    )
    gamma_cm: Positive | None = _field(
        "Relaxation rate gamma (cutoff frequency). Give this or gamma_over_v, not both.",
        None,
        unit="cm^-1",
    )
    gamma_over_v: Positive | None = _field(
        "Relaxation rate gamma in units of the hopping v.", None, unit="v"
    )
    decomposition: Literal["pade", "matsubara"] = _field(
        "Expansion of the bath correlation function in exponentials.", "pade"
    )
    terms: Annotated[int, Field(ge=0, le=20)] | Literal["auto"] = _field(
        "Low-temperature exponentials beyond the Debye pole; auto: as many as error_bound asks.",
        "auto",
    )
    terminator: bool = _field("Treat the remaining exponentials as a delta-correlated term.", True)
    error_bound: float | None = _field(
        "Largest error of the lineshape function g(t) when terms is auto; "
        f"null: {DEFAULT_ERROR_BOUND}.",
        None,
        gt=0,
        lt=1,
    )

    def faults(self) -> Iterator[Problem]:
        """Yield pairs of which exactly one must be given, and options without effect."""
        for name in ("eta", "gamma"):
            absolute, relative = getattr(self, f"{name}_cm"), getattr(self, f"{name}_over_v")
            allowed = f"exactly one of {name}_cm (cm^-1) and {name}_over_v must be given"
            if absolute is None and relative is None:
                advice = f"add bath.{name}_cm, or bath.{name}_over_v, here or in every grid block"
                yield Problem(f"{name}_cm", MISSING, allowed + ", a number > 0", advice)
            elif absolute is not None and relative is not None:
                yield Problem(f"{name}_over_v", relative, allowed, f"remove it or {name}_cm")
        if self.error_bound is not None and self.terms != "auto":
            allowed = f"has an effect only with terms: auto; terms is {self.terms}"
            advice = "remove error_bound, or set bath.terms: auto"
            yield Problem("error_bound", self.error_bound, allowed, advice)


class HierarchyConfig(Section):
    """How the hierarchy of auxiliary density operators is truncated."""

    depth: int = _field("Largest (weighted) sum of bath excitations.", ge=1, le=255)
    weights: Weights | None = _field(
        "Weight of an excitation of each bath term in the depth; terms + 1 values. "
        "null: all equal.",
        None,
    )
    max_excited_sites: int | None = _field(
        "Largest number of sites whose baths are excited at the same time. null: no limit.",
        None,
        ge=1,
        le=255,
    )
    symmetry: Literal["auto", "translation", "none"] = _field(
        "translation keeps the translation-invariant part only (homogeneous rings); "
        "auto uses it where it holds.",
        "auto",
    )


class PropagationConfig(Section):
    """Times and tolerances of a run."""

    duration_fs: float = _field("Length of the production run.", unit="fs", gt=0, le=1_000_000)
    sample_fs: float = _field("Time between stored samples.", 1.0, unit="fs", gt=0, le=10_000)
    tolerance: float = _field(
        "Local error of the propagation per fs, relative to the norm of the state.",
        1e-7,
        unit="fs^-1",
        ge=1e-13,
        le=1e-2,
    )
    equilibrium_tolerance: float = _field(
        "Relative rate of change |L rho|/|rho| at which the equilibrium state counts as reached "
        "(protocol current).",
        1e-7,
        unit="fs^-1",
        ge=1e-13,
        le=1e-2,
    )

    def faults(self) -> Iterator[Problem]:
        """Yield times that do not fit together."""
        if self.sample_fs >= self.duration_fs:
            allowed = f"must be smaller than duration_fs = {self.duration_fs} fs"
            yield Problem("sample_fs", self.sample_fs, allowed, "sample more often or run longer")
        elif self.duration_fs / self.sample_fs > 1e6:
            allowed = "must give at most 1000000 samples in duration_fs"
            yield Problem("sample_fs", self.sample_fs, allowed, "sample less often")


class AnalysisConfig(Section):
    """Criteria of the analysis; they do not enter the names of computed files."""

    band_paper_units: float = _field(
        "Half width of the band around the converged value that defines cutoff times, "
        "in units of 2 D / bohr^2.",
        0.002,
        unit="fs^-1",
        gt=0,
        le=100,
    )
    band_percent: float = _field(
        "The same, relative to the converged value.", 1.0, unit="%", gt=0, lt=100
    )
    frequency_max_cm: float = _field(
        "Largest frequency of the stored spectra.", 4000.0, unit="cm^-1", gt=0, le=100_000
    )
    drude_smith_range_fs: Range | None = _field(
        "First and last time of the Drude-Smith fit; null: the whole record.",
        None,
        unit="fs",
        allowed="a list of two numbers, from >= 0 and to > from, or null",
    )

    def faults(self) -> Iterator[Problem]:
        """Yield a fit range that is not one."""
        span = self.drude_smith_range_fs
        if span is not None and (len(span) != 2 or not span[0] < span[1]):
            allowed = "must be a list of two numbers, from >= 0 and to > from, or null"
            yield Problem("drude_smith_range_fs", span, allowed, "write [from, to] in fs")


class ResourcesConfig(Section):
    """Limits for the jobs; they do not enter the names of computed files."""

    max_ranks: int = _field("Largest number of MPI ranks of one job.", 64, ge=2, le=100_000)
    unknowns_per_rank: int = _field(
        "Unknowns one rank should hold.", 50_000, ge=1, le=1_000_000_000
    )
    max_unknowns: int = _field(
        "Largest hierarchy that is planned at all; larger points are refused.",
        50_000_000,
        ge=1,
        le=1_000_000_000_000,
    )


class Study(Section):
    """One parameter point of a study, or a study without its grid."""

    study: str = _field(
        "Name of the study; results go to results/<study>/.",
        pattern=NAME_PATTERN,
        allowed="1 to 64 letters, digits, '_' or '-', starting with a letter or digit",
        advice="use a plain name such as my_study",
    )
    model: ModelConfig = _field("The electronic system.")
    bath: BathConfig = _field("The bath of every site.")
    hierarchy: HierarchyConfig = _field("Truncation of the hierarchy.")
    propagation: PropagationConfig = _field("Times and tolerances.")
    protocols: Annotated[tuple[Protocol, ...], BeforeValidator(_as_tuple)] = _field(
        "What to compute: current (equilibrium current autocorrelation), franck_condon and marcus "
        "(populations after placing the carrier on one site, bath unrelaxed or relaxed).",
        ("current",),
        min_length=1,
        allowed="a non-empty list of current, franck_condon, marcus, each at most once",
    )
    start_site: int | None = _field(
        "Site on which the population protocols start, counted from 0. "
        "null: 0 on rings, the middle of chains.",
        None,
        ge=0,
    )
    analysis: AnalysisConfig = _field("Criteria of the analysis.", AnalysisConfig())
    resources: ResourcesConfig = _field("Limits for the jobs.", ResourcesConfig())

    @property
    def populations(self) -> tuple[Protocol, ...]:
        """The population protocols asked for."""
        return tuple(p for p in self.protocols if p in POPULATION_PROTOCOLS)

    @property
    def resolved_start_site(self) -> int:
        """The start site with the default filled in."""
        if self.start_site is not None:
            return self.start_site
        return 0 if self.model.topology == "ring" else self.model.n_sites // 2

    def faults(self) -> Iterator[Problem]:
        """Yield conflicts between the sections."""
        yield from self._hopping_faults()
        yield from self._hierarchy_faults()
        yield from self._protocol_faults()
        span, end = self.analysis.drude_smith_range_fs, self.propagation.duration_fs
        if span is not None and span[1] > end:
            allowed = f"must end within propagation.duration_fs = {end} fs"
            key = "analysis.drude_smith_range_fs"
            yield Problem(key, span, allowed, "shorten the range or run longer")

    def _hopping_faults(self) -> Iterator[Problem]:
        v = self.model.uniform_hopping_cm
        for name in ("eta_over_v", "gamma_over_v"):
            value = getattr(self.bath, name)
            if value is None or (v is not None and v > 0):
                continue
            allowed = "needs one hopping > 0 for all bonds; model.hopping_cm is "
            allowed += "not uniform" if v is None else f"{v}"
            advice = f"give bath.{name.replace('over_v', 'cm')} in cm^-1 instead"
            yield Problem(f"bath.{name}", value, allowed, advice)

    def _hierarchy_faults(self) -> Iterator[Problem]:
        rule, terms = self.hierarchy, self.bath.terms
        if rule.symmetry == "translation" and not self.model.homogeneous_ring:
            allowed = "needs a ring with equal site energies and equal hopping"
            advice = "use auto or none"
            yield Problem("hierarchy.symmetry", rule.symmetry, allowed, advice)
        if rule.weights is not None:
            if terms == "auto":
                allowed = "needs a fixed number of bath terms; bath.terms is auto"
                advice = "set bath.terms to a whole number"
                yield Problem("hierarchy.weights", rule.weights, allowed, advice)
            elif len(rule.weights) != terms + 1:
                allowed = f"must hold bath.terms + 1 = {terms + 1} numbers > 0"
                yield Problem("hierarchy.weights", rule.weights, allowed, "one weight per term")
        if rule.max_excited_sites is not None and rule.max_excited_sites > self.model.n_sites:
            allowed = f"must be at most model.n_sites = {self.model.n_sites}"
            advice = "use null for no limit"
            yield Problem("hierarchy.max_excited_sites", rule.max_excited_sites, allowed, advice)

    def _protocol_faults(self) -> Iterator[Problem]:
        if len(set(self.protocols)) != len(self.protocols):
            yield Problem("protocols", self.protocols, "names a protocol twice", "name each once")
        if self.start_site is not None:
            if not self.populations:
                allowed = "has an effect only with the protocols franck_condon or marcus"
                yield Problem("start_site", self.start_site, allowed, "remove it")
            elif self.start_site >= self.model.n_sites:
                allowed = f"must be a whole number from 0 to {self.model.n_sites - 1}"
                advice = f"model.n_sites is {self.model.n_sites}; sites count from 0"
                yield Problem("start_site", self.start_site, allowed, advice)
        if "current" in self.protocols and not any(_as_list(self.model.hopping_cm)):
            allowed = "must not be 0 on every bond for the protocol current"
            advice = "without hopping no current flows; use a population protocol"
            yield Problem("model.hopping_cm", self.model.hopping_cm, allowed, advice)
        explicit = "equilibrium_tolerance" in self.propagation.model_fields_set
        if explicit and "current" not in self.protocols:
            allowed = "has an effect only with the protocol current"
            value = self.propagation.equilibrium_tolerance
            yield Problem("propagation.equilibrium_tolerance", value, allowed, "remove it")


def _as_list(value: float | tuple[float, ...]) -> list[float]:
    return list(value) if isinstance(value, tuple) else [value]


SECTIONS: dict[str, type[Section]] = {
    "model": ModelConfig,
    "bath": BathConfig,
    "hierarchy": HierarchyConfig,
    "propagation": PropagationConfig,
    "analysis": AnalysisConfig,
    "resources": ResourcesConfig,
}
