"""The sections of a study: what a user may write, with units, ranges and defaults."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from smallpolaron.model.accuracy import GROWTH_PER_ACCURACY, PRUNING, TOLERANCE_PER_ACCURACY
from smallpolaron.support.problems import MISSING, Problem

Protocol = Literal["current", "franck_condon", "marcus"]
POPULATION_PROTOCOLS: tuple[Protocol, ...] = ("franck_condon", "marcus")
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
DEFAULT_ERROR_BOUND = 5e-3
"""Bound on the error of the lineshape function (dimensionless) of a fixed hierarchy when the user
gives none."""
DEFAULT_TOLERANCE = 1e-7
"""Both tolerances of a fixed hierarchy, 1/fs, when the user gives none."""
LARGEST_OCCUPATION = 255
"""Largest number of excitations of one bath mode that a label holds."""
DEFAULT_WINDOW = 41
"""Sites of the window on an infinite ring when the user gives none."""
MOST_FREQUENCIES = 1000
"""Frequencies at which a run may solve; each takes about as long as the solve for D."""
CONVERGED = "converged"
"""Number of sites that stands for a finite-size ladder."""
SMALLEST = 1e-9
"""Energies and rates other than 0, cm^-1, and their ratios: far below what any result can show, far
above where arithmetic overflows."""


def as_tuple(value: object) -> object:
    """Return a list as a tuple, so that strict models accept YAML lists."""
    return tuple(value) if isinstance(value, list) else value


def described(description: str, default: Any = ..., *, unit: str = "", **rules: Any) -> Any:
    """Return a field with its description and unit; rules are limits such as gt and le."""
    extra: dict[str, Any] = {key: rules.pop(key) for key in ("allowed", "advice") if key in rules}
    if unit:
        extra["unit"] = unit
    if "advice" in extra or "allowed" in extra or unit:
        rules["json_schema_extra"] = extra
    return Field(default, description=description, **rules)


SiteCount = Annotated[int, Field(ge=2, le=255)]
Energy = Annotated[float, Field(ge=-100_000, le=100_000, allow_inf_nan=False)]
Weight = Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]
Positive = Annotated[float, Field(ge=SMALLEST, le=100_000, allow_inf_nan=False)]
Time = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Range = Annotated[tuple[Time, ...], BeforeValidator(as_tuple)]
Energies = Annotated[tuple[Energy, ...], BeforeValidator(as_tuple)]
Weights = Annotated[tuple[Weight, ...], BeforeValidator(as_tuple)]


class Section(BaseModel):
    """Base of all sections: immutable, strict types, no unknown keys, cross-checks collected."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    def faults(self) -> Iterator[Problem]:
        """Yield what is wrong between the fields; keys are relative to the section."""
        yield from ()

    def said(self, key: str) -> Any:
        """Return the value of a key, dotted where it is in a section of this one."""
        return reduce(getattr, key.split("."), self)

    def is_given(self, key: str) -> bool:
        """Whether a key was written with a value."""
        section, _, name = key.rpartition(".")
        home = self.said(section) if section else self
        return name in home.model_fields_set and getattr(home, name) not in (None, ())

    def fault(self, key: str, allowed: str, advice: str) -> Problem:
        """Return what is wrong with the value of a key."""
        value = self.said(key)
        return Problem(key, MISSING if value is None else value, allowed, advice)

    @model_validator(mode="after")
    def _no_faults(self) -> Section:
        faults = list(self.faults())
        if faults:
            raise PydanticCustomError("faults", "inconsistent values", {"faults": faults})
        return self


class ModelConfig(Section):
    """The electronic system: one carrier on sites with nearest-neighbour hopping."""

    n_sites: SiteCount | Literal["converged"] | None = described(
        "Number of sites; on an infinite ring the odd number of sites around the carrier that "
        f"are followed. null: {DEFAULT_WINDOW} on an infinite ring; a ring or chain needs it; the "
        "section lattice says it otherwise. "
        "converged: as many as it takes, see ladder (rings and chains, protocol current).",
        None,
    )
    topology: Literal["ring", "chain", "infinite", "lattice"] = described(
        "Periodic ring, open chain, or infinite ring (no hierarchy.depth); lattice, as it is where "
        "the section lattice is given, for any other.",
        "ring",
    )
    hopping_cm: Energy | Energies = described(
        "Hopping v: one value, or one per bond (ring: n_sites, chain: n_sites - 1; lattice: one "
        "per bond of a cell, each times the hopping of that bond).",
        50.0,
        unit="cm^-1",
    )
    site_energies_cm: Energy | Energies = described(
        "Site energies: one value for all sites, one per site, or one per site of a cell.",
        0.0,
        unit="cm^-1",
    )
    lattice_constant_A: float = described(
        "Distance between neighbouring sites.", 5.0, unit="angstrom", gt=0, le=1000
    )
    temperature_K: float = described("Temperature.", 300.0, unit="K", ge=1e-3, le=100_000)

    @property
    def sites(self) -> int:
        """Number of sites with the default filled in."""
        return self.n_sites if isinstance(self.n_sites, int) else DEFAULT_WINDOW

    @property
    def bonds(self) -> int:
        """Number of bonds."""
        return self.sites - 1 if self.topology == "chain" else self.sites

    @property
    def uniform_hopping_cm(self) -> float | None:
        """The hopping when it is the same on every bond, else None; cm^-1."""
        values = self.hopping_cm
        if not isinstance(values, tuple):
            return values
        return values[0] if len(set(values)) == 1 else None

    @property
    def level(self) -> bool:
        """Whether all sites have the same energy."""
        energies = self.site_energies_cm
        return not isinstance(energies, tuple) or len(set(energies)) == 1

    @property
    def homogeneous_ring(self) -> bool:
        """Whether every translation by one site leaves the Hamiltonian unchanged."""
        return self.topology != "chain" and self.level and self.uniform_hopping_cm is not None

    @property
    def mirrored_chain(self) -> bool:
        """Whether reflection about its middle leaves a chain unchanged."""
        lists = [v for v in (self.hopping_cm, self.site_energies_cm) if isinstance(v, tuple)]
        return self.topology == "chain" and all(v == v[::-1] for v in lists)

    def faults(self) -> Iterator[Problem]:
        """Yield sizes that do not fit together, and hoppings that are neither 0 nor anything."""
        hoppings = self.hopping_cm if isinstance(self.hopping_cm, tuple) else (self.hopping_cm,)
        if any(0.0 < abs(hopping) < SMALLEST for hopping in hoppings):
            allowed = f"must be 0, or at least {SMALLEST:g} in size"
            yield self.fault("hopping_cm", allowed, "write 0 for none")
        if self.topology == "lattice":
            for name in filter(self.is_given, ("n_sites", "lattice_constant_A")):
                allowed = "has no effect on the lattice of the section lattice"
                advice = "remove it; lattice.cells and lattice.spacing_A say it"
                yield self.fault(name, allowed, advice)
            return
        lists = {"hopping_cm": self.bonds, "site_energies_cm": self.sites}
        if self.n_sites == CONVERGED:
            if self.topology == "infinite":
                allowed = "has no meaning on an infinite ring, which has no size"
                yield self.fault("n_sites", allowed, "use a ring or a chain, or leave it out")
            for name in lists:
                if isinstance(getattr(self, name), tuple):
                    allowed = "must be one number where model.n_sites is converged"
                    advice = "name the number of sites, or give one number"
                    yield self.fault(name, allowed, advice)
        elif self.topology == "infinite":
            if self.sites % 2 == 0 or self.sites < 3:
                allowed = "must be an odd number >= 3 on an infinite ring: the window of sites "
                advice = f"leave it out for {DEFAULT_WINDOW}"
                yield self.fault("n_sites", allowed + "followed", advice)
            for name, alike in zip(
                lists, (self.uniform_hopping_cm is not None, self.level), strict=True
            ):
                if not alike:
                    allowed = "must be one number on an infinite ring"
                    yield self.fault(name, allowed, "use a ring or a chain")
        elif self.n_sites is None:
            allowed = f"must be a whole number >= 2 and <= 255 on a {self.topology}"
            advice = "add model.n_sites, in its section or in every grid block"
            yield self.fault("n_sites", allowed, advice)
        else:
            if self.topology == "ring" and self.sites < 3:
                advice = "use at least 3 sites, or model.topology: chain"
                yield self.fault("n_sites", "must be >= 3 on a ring", advice)
            for name, length in lists.items():
                value = getattr(self, name)
                if isinstance(value, tuple) and len(value) != length:
                    what = "bond" if name == "hopping_cm" else "site"
                    allowed = f"must hold {length} numbers, one per {what}, for n_sites = "
                    allowed += f"{self.n_sites} on a {self.topology}; {len(value)} given"
                    advice = "give one number, a list of that length, or vary it in the grid"
                    yield self.fault(name, allowed, advice)


class HierarchyConfig(Section):
    """Expert and reference: a fixed hierarchy. Leave it out to have `accuracy` decide."""

    depth: int | None = described(
        "Largest (weighted) sum of bath excitations of a fixed hierarchy. "
        "null: the hierarchy adapts itself to accuracy.",
        None,
        ge=1,
        le=255,
    )
    weights: Weights | None = described(
        "Weight of an excitation of each bath term in the depth; terms + 1 values. "
        "null: all equal. Only with depth.",
        None,
    )
    max_excited_sites: int | None = described(
        "Largest number of sites whose baths are excited at the same time. null: no limit. "
        "Only with depth.",
        None,
        ge=1,
        le=255,
    )
    symmetry: Literal["auto", "translation", "none"] = described(
        "translation keeps the translation-invariant part only (homogeneous rings); "
        "auto uses it where it holds, an adaptive hierarchy also reflection; none: no symmetry.",
        "auto",
    )


class AdaptiveConfig(Section):
    """Expert settings of the hierarchy that adapts itself; `accuracy` decides what is null."""

    growth: float | None = described(
        "An element enters when its amplitude relative to the initial state would exceed this. "
        f"null: {GROWTH_PER_ACCURACY:g} accuracy.",
        None,
        ge=1e-12,
        lt=1,
    )
    pruning: float | None = described(
        f"It leaves below this fraction of growth; 0: never. null: {PRUNING:g}.", None, ge=0, le=1
    )
    max_occupation: int | None = described(
        f"Largest number of excitations of one bath term of one site. null: {LARGEST_OCCUPATION}.",
        None,
        ge=1,
        le=LARGEST_OCCUPATION,
    )


class PropagationConfig(Section):
    """Times and tolerances of a run."""

    duration_fs: float = described("Length of the production run.", unit="fs", gt=0, le=1_000_000)
    sample_fs: float = described("Time between stored samples.", 1.0, unit="fs", gt=0, le=10_000)
    tolerance: float | None = described(
        "Expert: local error of the propagation per fs, relative to the norm of the state. "
        f"null: {TOLERANCE_PER_ACCURACY:g} accuracy; with hierarchy.depth {DEFAULT_TOLERANCE:g}.",
        None,
        unit="fs^-1",
        ge=1e-13,
        le=1e-2,
    )
    equilibrium_tolerance: float | None = described(
        "Relative rate of change |L rho|/|rho| at which the equilibrium state counts as reached "
        f"(protocol current, only with hierarchy.depth). null: {DEFAULT_TOLERANCE:g}.",
        None,
        unit="fs^-1",
        ge=1e-13,
        le=1e-2,
    )
    resolvent_frequencies_cm: Energies = described(
        "Frequencies at which the integral of exp(i w t) C_JJ is also computed by linear solve "
        "(protocol current, not with hierarchy.depth).",
        (),
        unit="cm^-1",
        max_length=MOST_FREQUENCIES,
        allowed=f"a list of at most {MOST_FREQUENCIES} numbers from -100000 to 100000",
    )

    def faults(self) -> Iterator[Problem]:
        """Yield times that do not fit together."""
        if self.sample_fs >= self.duration_fs:
            allowed = f"must be smaller than duration_fs = {self.duration_fs} fs"
            yield self.fault("sample_fs", allowed, "sample more often or run longer")
        elif self.duration_fs / self.sample_fs > 1e6:
            allowed = "must give at most 1000000 samples in duration_fs"
            yield self.fault("sample_fs", allowed, "sample less often")
        chosen = self.resolvent_frequencies_cm
        if len(set(chosen)) != len(chosen):
            yield self.fault(
                "resolvent_frequencies_cm", "names a frequency twice", "name each once"
            )


class AnalysisConfig(Section):
    """Criteria of the analysis; they do not enter the names of computed files."""

    band_paper_units: float = described(
        "Half width of the band around the converged value that defines cutoff times, "
        "in units of 2 D / bohr^2.",
        0.002,
        unit="fs^-1",
        gt=0,
        le=100,
    )
    band_percent: float = described(
        "The same, relative to the converged value.", 1.0, unit="%", gt=0, lt=100
    )
    frequency_max_cm: float = described(
        "Largest frequency of the stored spectra.", 4000.0, unit="cm^-1", gt=0, le=100_000
    )
    drude_smith_range_fs: Range | None = described(
        "First and last time of the Drude-Smith fit; null: the whole record.",
        None,
        unit="fs",
        allowed="a list of two numbers, from >= 0 and to > from, or null",
    )

    def faults(self) -> Iterator[Problem]:
        """Yield an invalid range of the fit."""
        span = self.drude_smith_range_fs
        if span is not None and (len(span) != 2 or not span[0] < span[1]):
            allowed = "must be a list of two numbers, from >= 0 and to > from, or null"
            yield self.fault("drude_smith_range_fs", allowed, "write [from, to] in fs")


class ResourcesConfig(Section):
    """Limits for the jobs; they do not enter the names of computed files."""

    max_ranks: int = described("Largest number of MPI ranks of one job.", 64, ge=2, le=100_000)
    unknowns_per_rank: int = described(
        "Unknowns one rank should hold.", 50_000, ge=1, le=1_000_000_000
    )
    max_unknowns: int = described(
        "Largest hierarchy. A fixed one that is larger is refused at once, an adaptive one stops "
        "when it would grow beyond.",
        50_000_000,
        ge=1,
        le=1_000_000_000_000,
    )
    checkpoint_minutes: float | None = described(
        "Wall time between two checkpoints of a job on an adaptive hierarchy; longer where writing "
        "one takes more than a hundredth of it. null or 0: none.",
        15.0,
        unit="min",
        ge=0,
        le=100_000,
    )
    batch_minutes: float | None = described(
        "Many small jobs are packed into batches, each one process that takes about so long; small "
        "is what takes no longer itself (docs/cluster.md). null or 0: none.",
        10.0,
        unit="min",
        ge=0,
        le=100_000,
    )
    cache: str | None = described(
        "Folder by which studies share results: a job whose result is there, with the same hash "
        "and an unbroken checksum, takes it. null: none.",
        None,
        min_length=1,
        max_length=1000,
    )
    max_core_hours: float | None = described(
        "Budget: a study whose jobs are expected to take more together is refused before any of "
        "them runs (docs/cost.md). null: no budget.",
        None,
        unit="core-hours",
        gt=0,
        le=1e9,
    )
    core_speed: float | None = described(
        "Speed of a core that computes, relative to the machine of the cost model. null: as fast; "
        "the command cost measures it where the processor is another one.",
        None,
        ge=1e-3,
        le=1000,
    )
