"""The section of a study about the baths of every site."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, get_args

import numpy as np
from pydantic import BeforeValidator, Field

from smallpolaron.model.accuracy import BATH_ERROR_PER_ACCURACY, LARGEST_BATH_ERROR
from smallpolaron.model.baths.bath_data import QuantumCorrection
from smallpolaron.model.baths.expansion import Scheme
from smallpolaron.model.baths.sampled_density import Cutoff
from smallpolaron.model.units import CM_TO_RAD_FS
from smallpolaron.study.bath_files import Rows, checked_rows, read_bath, tabulated
from smallpolaron.study.coupling_section import CoupledSection
from smallpolaron.study.resolved.bath import ResolvedBaths
from smallpolaron.study.sections import DEFAULT_ERROR_BOUND, Positive, Section, as_tuple, described
from smallpolaron.support.canonical import exact_product
from smallpolaron.support.problems import MISSING, Problem

BathKind = Literal["debye", "brownian", "ohmic", "table", "correlation", "trajectory"]
MOST_FURTHER_BATHS = 30
"""Largest number of baths of a site beyond the first."""
_DIGITS: Final = 6
"""Digits of what is computed from a table."""

_QUANTITIES: Final[Mapping[BathKind, tuple[str, ...]]] = {
    "debye": ("eta", "gamma"),
    "brownian": ("eta", "gamma", "frequency"),
    "ohmic": ("eta", "gamma"),
}
_OPTIONS: Final[Mapping[BathKind, tuple[str, ...]]] = {
    "brownian": ("huang_rhys",),
    "ohmic": ("exponent", "cutoff"),
    "table": ("file", "omega_cm", "density_cm"),
    "correlation": ("file", "data_temperature_K", "quantum_correction"),
    "trajectory": ("file", "data_temperature_K", "quantum_correction"),
}
"""What each kind of bath has, and may have."""

Column = Annotated[
    tuple[Annotated[float, Field(allow_inf_nan=False)], ...], BeforeValidator(as_tuple)
]


class OneBath(Section):
    """One bath of every site."""

    kind: BathKind = described(
        "debye: J(w) = eta gamma w / (w^2 + gamma^2). brownian: a damped vibration, "
        "J(w) = eta gamma w0^2 w / ((w0^2 - w^2)^2 + gamma^2 w^2). ohmic: as "
        "(w/gamma)^exponent with a cutoff at gamma. table, correlation, trajectory: from a file "
        "(docs/baths.md).",
        "debye",
    )
    eta_cm: Positive | None = described(
        "Coupling strength eta; the reorganisation energy is eta/2. "
        "Give this or eta_over_v, not both.",
        None,
        unit="cm^-1",
    )
    eta_over_v: Positive | None = described(
        "Coupling strength eta in units of the hopping v.", None, unit="v"
    )
    huang_rhys: Positive | None = described(
        "Huang-Rhys factor S of a vibration (kind: brownian), in place of eta: eta = 2 S w0.", None
    )
    gamma_cm: Positive | None = described(
        "Relaxation rate gamma of a Debye bath, damping of a vibration, cutoff frequency of an "
        "ohmic bath. "
        "Give this or gamma_over_v, not both.",
        None,
        unit="cm^-1",
    )
    gamma_over_v: Positive | None = described("The same in units of the hopping v.", None, unit="v")
    frequency_cm: Positive | None = described(
        "Undamped frequency w0 of the vibration, with kind: brownian. "
        "Give this or frequency_over_v, not both.",
        None,
        unit="cm^-1",
    )
    frequency_over_v: Positive | None = described(
        "The same in units of the hopping v.", None, unit="v"
    )
    exponent: Annotated[float, Field(ge=0.1, le=10, allow_inf_nan=False)] | None = described(
        "Power of w in J(w) of an ohmic bath: below 1 sub-Ohmic, above super-Ohmic. null: 1.", None
    )
    cutoff: Cutoff | None = described(
        "Cutoff of an ohmic bath: exp(-w/gamma), exp(-(w/gamma)^2) or none of it above gamma. "
        "null: exponential.",
        None,
        advice="write gamma_cm, in cm^-1, for the cutoff frequency (gamma = omega_c)",
    )
    file: str | None = described(
        "CSV file of a table, correlation or trajectory. What it holds enters the names of "
        "results, its path does not.",
        None,
        min_length=1,
    )
    omega_cm: Column | None = described(
        "Frequencies of a table, in place of a file.", None, unit="cm^-1"
    )
    density_cm: Column | None = described("J(w) at these frequencies.", None, unit="cm^-1")
    data_temperature_K: Annotated[float, Field(gt=0, le=10_000)] | None = described(
        "Temperature to which a correlation or trajectory belongs.", None, unit="K"
    )
    quantum_correction: QuantumCorrection | None = described(
        "How a classical correlation or trajectory becomes J(w): harmonic (S beta w/2) or standard "
        "(S tanh(beta w/2)).",
        None,
    )

    @property
    def needed(self) -> tuple[str, ...]:
        """The quantities that this kind of bath has."""
        return _QUANTITIES.get(self.kind, ())

    @property
    def has_poles(self) -> bool:
        """Whether the spectral density has poles."""
        return self.kind in ("debye", "brownian")

    def rows(self) -> Rows:
        """Return J(w) of a bath that is given by numbers.

        Raises:
            ValueError: they are not a bath; the message says why and what to do.
        """
        if self.omega_cm is not None and self.density_cm is not None:
            return checked_rows(np.array(self.omega_cm), np.array(self.density_cm))
        assert self.file is not None
        assert self.kind in ("table", "correlation", "trajectory")
        return read_bath(self.file, self.kind, self.data_temperature_K, self.quantum_correction)

    def relative(self) -> Iterator[str]:
        """Yield the keys that are given in units of the hopping."""
        for name in ("eta", "gamma", "frequency"):
            if getattr(self, f"{name}_over_v") is not None:
                yield f"{name}_over_v"

    def _in_cm(self, name: str, hopping_cm: float | None) -> float:
        absolute = getattr(self, f"{name}_cm")
        if absolute is not None:
            return float(absolute)
        if name == "eta" and self.huang_rhys is not None:
            return exact_product(2.0 * self.huang_rhys, self._in_cm("frequency", hopping_cm))
        assert hopping_cm is not None  # checked by the study
        return exact_product(float(getattr(self, f"{name}_over_v")), float(hopping_cm))

    def resolved(self, hopping_cm: float | None) -> dict[str, Any]:
        """Return the numbers of a bath of a point in cm^-1; a Debye bath has no others."""
        if self.needed:
            found: dict[str, Any] = {f"{n}_cm": self._in_cm(n, hopping_cm) for n in self.needed}
            if self.kind == "ohmic":
                found |= {"exponent": self.exponent or 1.0, "cutoff": self.cutoff or "exponential"}
            return found if self.kind == "debye" else {**found, "kind": self.kind}
        rows = self.rows()
        table = tabulated(rows)
        sizes = {"eta_cm": 2 * table.reorganisation_energy, "gamma_cm": table.slowest}
        rounded = {key: float(f"{v / CM_TO_RAD_FS:.{_DIGITS}g}") for key, v in sizes.items()}
        return {**rounded, "omega_cm": rows[0], "density_cm": rows[1], "kind": "table"}

    def faults(self) -> Iterator[Problem]:
        """Yield pairs of which exactly one must be given, and options without effect."""
        for name in self.needed:
            ways = [f"{name}_cm", f"{name}_over_v"]
            ways += ["huang_rhys"] if name == "eta" and self.kind == "brownian" else []
            given = [key for key in ways if getattr(self, key) is not None]
            allowed = f"exactly one of {', '.join(ways[:-1])} and {ways[-1]} must be given"
            if not given:
                advice = f"add bath.{name}_cm, or bath.{name}_over_v, here or in every grid block"
                yield Problem(f"{name}_cm", MISSING, allowed + ", a number > 0", advice)
            for more in given[1:]:
                yield Problem(more, getattr(self, more), allowed, f"remove it or {given[0]}")
        known = _keys(self.kind)
        for key in OneBath.model_fields:
            value = getattr(self, key)
            if key != "kind" and key not in known and value is not None:
                kinds = [kind for kind in get_args(BathKind) if key in _keys(kind)]
                allowed = f"has an effect only with kind: {' or '.join(kinds)}; kind is {self.kind}"
                yield Problem(key, value, allowed, f"remove it, or set kind: {kinds[0]}")
        if not self.needed:
            yield from self._table_faults()

    def _table_faults(self) -> Iterator[Problem]:
        inline = [key for key in ("omega_cm", "density_cm") if getattr(self, key) is not None]
        if (self.file is None) == (not inline) or len(inline) == 1:
            both = ", or omega_cm and density_cm," if self.kind == "table" else ""
            allowed = f"a {self.kind} needs a file{both} and nothing else"
            yield Problem("file", self.file or MISSING, allowed, "give one of the two")
            return
        try:
            self.rows()
        except ValueError as error:
            key = "density_cm" if inline else "file"
            value = "(a list)" if inline else self.file
            yield Problem(key, value, str(error), "see docs/baths.md")


def _keys(kind: BathKind) -> set[str]:
    """Return the keys that have an effect on a kind."""
    names = (f"{name}_{unit}" for name in _QUANTITIES.get(kind, ()) for unit in ("cm", "over_v"))
    return {*names, *_OPTIONS.get(kind, ())}


FurtherBaths = Annotated[tuple[OneBath, ...], BeforeValidator(as_tuple)]


class CouplingConfig(CoupledSection, OneBath):
    """A bath and what it couples to."""

    def resolved(self, hopping_cm: float | None) -> dict[str, Any]:
        """Return the numbers of the bath of a point, and the operator unless it is local."""
        return {**super().resolved(hopping_cm), **self.resolved_coupling()}


FurtherCouplings = Annotated[tuple[CouplingConfig, ...], BeforeValidator(as_tuple)]


class BathConfig(CouplingConfig):
    """The baths, how they couple to the carrier, and their expansion in exponentials."""

    decomposition: Scheme | Literal["auto"] = described(
        "Expansion of the bath correlation function in exponentials: by poles (pade, matsubara) "
        "or fitted (aaa, esprit). auto: pade where all baths have poles, else esprit.",
        "auto",
    )
    terms: Annotated[int, Field(ge=0, le=20)] | Literal["auto"] = described(
        "Low-temperature exponentials beyond the poles of the baths, which share them; all "
        "exponentials of a fit; auto: as many as error_bound asks.",
        "auto",
    )
    terminator: bool = described(
        "Treat the remaining exponentials as a delta-correlated term.", True
    )
    error_bound: float | None = described(
        "Largest error of the lineshape function g(t) when terms is auto; null: "
        f"{BATH_ERROR_PER_ACCURACY:g} accuracy, at most {LARGEST_BATH_ERROR}; with hierarchy.depth "
        f"{DEFAULT_ERROR_BOUND}.",
        None,
        gt=0,
        lt=1,
    )
    further_baths: FurtherBaths = described(
        "More baths on every site, beside the one above.",
        (),
        max_length=MOST_FURTHER_BATHS,
        allowed=f"a list of at most {MOST_FURTHER_BATHS} mappings with the keys above",
    )
    further_couplings: FurtherCouplings = described(
        "Couplings beside the one above, each with a bath of its own; they need the section "
        "lattice.",
        (),
        max_length=MOST_FURTHER_BATHS,
        allowed=f"a list of at most {MOST_FURTHER_BATHS} mappings with coupling, elements, kind, "
        "eta_*, gamma_* and frequency_* as above",
    )

    def resolved(self, hopping_cm: float | None) -> dict[str, Any]:
        """Return every bath of every coupling of a point."""
        found = super().resolved(hopping_cm)
        for name in ("further_baths", "further_couplings"):
            several = [
                {"kind": each.kind, **each.resolved(hopping_cm)} for each in getattr(self, name)
            ]
            found |= {name: several} if several else {}
        return found

    def baths_of_point(self, hopping_cm: float | None, error_bound: float | None) -> ResolvedBaths:
        """Return the section of a point; error_bound with its default filled in."""
        return ResolvedBaths(
            **self.resolved(hopping_cm),
            decomposition=self.scheme,
            terms=self.terms,
            terminator=self.terminator,
            error_bound=error_bound,
        )

    @property
    def couplings(self) -> tuple[CouplingConfig, ...]:
        """Every coupling."""
        return (self, *self.further_couplings)

    @property
    def is_plain(self) -> bool:
        """Whether every site has the same baths, and that is all."""
        return self.coupling == "local" and not self.further_couplings

    @property
    def all_baths(self) -> tuple[OneBath, ...]:
        """Every bath of a site."""
        return (self, *self.further_baths)

    @property
    def scheme(self) -> Scheme:
        """The expansion that decomposition stands for."""
        if self.decomposition != "auto":
            return self.decomposition
        return "pade" if all(bath.has_poles for _, bath in self.placed) else "esprit"

    @property
    def poles(self) -> int:
        """Number of exponentials that are poles of the spectral density."""
        if self.scheme not in ("pade", "matsubara"):
            return 0
        return sum(2 if bath.kind == "brownian" else 1 for bath in self.all_baths)

    @property
    def first(self) -> Iterator[tuple[str, OneBath]]:
        """Yield every bath of the first coupling with the key of it, and the dot that follows."""
        yield "bath.", self
        for index, bath in enumerate(self.further_baths):
            yield f"bath.further_baths.{index}.", bath

    @property
    def placed(self) -> Iterator[tuple[str, OneBath]]:
        """Yield every bath of every coupling likewise."""
        yield from self.first
        for index, coupling in enumerate(self.further_couplings):
            yield f"bath.further_couplings.{index}.", coupling

    def faults(self) -> Iterator[Problem]:
        """Yield what is wrong with the first bath, and options without effect."""
        yield from super().faults()
        if self.decomposition in ("pade", "matsubara"):
            without = [bath.kind for _, bath in self.placed if not bath.has_poles]
            if without:
                allowed = f"needs poles, which kind: {without[0]} has not"
                yield Problem("decomposition", self.decomposition, allowed, "use auto")
        if self.error_bound is not None and self.terms != "auto":
            allowed = f"has an effect only with terms: auto; terms is {self.terms}"
            advice = "remove error_bound, or set bath.terms: auto"
            yield Problem("error_bound", self.error_bound, allowed, advice)
