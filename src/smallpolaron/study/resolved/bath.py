"""The baths of a point: their numbers in cm^-1, their spectral densities, what they couple to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BeforeValidator, PlainSerializer

from smallpolaron.model import coupling as couplings
from smallpolaron.model.baths.bath import BrownianBath, DebyeBath
from smallpolaron.model.baths.expansion import Scheme
from smallpolaron.model.baths.sampled_density import Cutoff, OhmicBath
from smallpolaron.model.baths.spectral_density import BathSum, SpectralDensity
from smallpolaron.model.coupling import Coupling, Element
from smallpolaron.model.lattice import Lattice
from smallpolaron.model.units import CM_TO_RAD_FS
from smallpolaron.study.bath_files import tabulated
from smallpolaron.study.resolved.base import Resolved

CouplingKind = Literal["local", "bond", "ssh", "operator"]

_MODES: Final = {
    "local": couplings.local,
    "bond": couplings.bonds,
    "ssh": couplings.displacements,
}
_COUPLED: Final = {
    "bond": "on every bond",
    "ssh": "displacing every site",
    "operator": "on an operator per cell",
}
_NUMERICAL: Final = {"decomposition", "terms", "terminator", "error_bound"}
_T = TypeVar("_T")


def _listed(value: Any) -> Any:
    """Return the values of a mapping with the keys 1, 2, ... in their order."""
    return [value[key] for key in sorted(value, key=int)] if isinstance(value, Mapping) else value


def _numbered(values: tuple[Resolved, ...]) -> dict[str, Any]:
    return {str(index): each.content() for index, each in enumerate(values, start=1)}


Numbered = Annotated[tuple[_T, ...], BeforeValidator(_listed), PlainSerializer(_numbered)]
"""Several sections, written as a mapping with the keys 1, 2, ..."""


class ResolvedBath(Resolved):
    """One bath of a site.

    A table has eta, twice its reorganisation energy, and gamma, the rate of its memory, for
    readers that need two numbers.
    """

    eta_cm: float
    gamma_cm: float
    frequency_cm: float | None = None
    exponent: float | None = None
    cutoff: Cutoff | None = None
    omega_cm: tuple[float, ...] | None = None
    density_cm: tuple[float, ...] | None = None
    kind: Literal["debye", "brownian", "ohmic", "table"] = "debye"

    @property
    def density(self) -> SpectralDensity:
        """The spectral density in internal units."""
        if self.omega_cm is not None and self.density_cm is not None:
            return tabulated((self.omega_cm, self.density_cm))
        eta, gamma = self.eta_cm * CM_TO_RAD_FS, self.gamma_cm * CM_TO_RAD_FS
        if self.exponent is not None and self.cutoff is not None:
            return OhmicBath(eta, gamma, self.exponent, self.cutoff)
        if self.frequency_cm is None:
            return DebyeBath(eta, gamma)
        return BrownianBath(eta, gamma, self.frequency_cm * CM_TO_RAD_FS)

    @property
    def slowest_cm(self) -> float:
        """The rate with which the bath forgets, cm^-1."""
        if self.kind in ("debye", "table"):
            return self.gamma_cm
        return self.density.slowest / CM_TO_RAD_FS

    @property
    def text(self) -> str:
        """The bath in words."""
        eta = f"η = {self.eta_cm:g} cm⁻¹ (reorganisation energy η/2)"
        text = f"{eta} and γ = {self.gamma_cm:g} cm⁻¹"
        if self.omega_cm is not None:
            return f"tabulated bath of {len(self.omega_cm)} rows with {eta}"
        if self.exponent is not None:
            return f"Ohmic bath (s = {self.exponent:g}, {self.cutoff} cutoff) with {text}"
        if self.frequency_cm is None:
            return f"Debye bath with {text}"
        return f"vibration of {self.frequency_cm:g} cm⁻¹ with {text}"


class ResolvedCoupling(ResolvedBath):
    """The baths of one coupling, and the operator that they multiply."""

    further_baths: Numbered[ResolvedBath] = ()
    coupling: CouplingKind = "local"
    elements: tuple[tuple[float, ...], ...] = ()

    @property
    def baths(self) -> tuple[ResolvedBath, ...]:
        """Every bath."""
        return (self, *self.further_baths)

    @property
    def total_density(self) -> SpectralDensity:
        """The spectral density of all baths in internal units."""
        found = tuple(bath.density for bath in self.baths)
        return found[0] if len(found) == 1 else BathSum(found)

    @property
    def operator(self) -> tuple[Element, ...]:
        """The elements of coupling: operator."""
        elements = []
        for first, second, *cells, re, im in self.elements:
            steps, d = tuple(map(int, cells)), len(cells) // 2
            elements.append(Element(int(first), int(second), steps[:d], complex(re, im), steps[d:]))
        return tuple(elements)

    @property
    def moves_carrier(self) -> bool:
        """Whether the baths take the carrier from site to site."""
        if self.coupling == "operator":
            return any(not each.is_diagonal for each in self.operator)
        return self.coupling != "local"

    def modes(self, lattice: Lattice, bath: int) -> tuple[Coupling, ...]:
        """Return the modes of a cell, coupled to the bath of a number.

        Raises:
            ValueError: the lattice cannot have them.
        """
        if self.coupling == "operator":
            return (Coupling(self.operator, bath),)
        return tuple(_MODES[self.coupling](lattice, bath))


class ResolvedBaths(ResolvedCoupling):
    """The section bath of a point: every coupling, and the expansion in exponentials."""

    further_couplings: Numbered[ResolvedCoupling] = ()
    decomposition: Scheme
    terms: int | Literal["auto"]
    terminator: bool
    error_bound: float | None

    @property
    def couplings(self) -> tuple[ResolvedCoupling, ...]:
        """Every coupling, each with baths of its own."""
        return (self, *self.further_couplings)

    @property
    def is_plain(self) -> bool:
        """Whether every site has the same baths, and that is all."""
        return self.coupling == "local" and not self.further_couplings

    @property
    def is_one_debye_bath(self) -> bool:
        """Whether each site has one Debye bath and that is all, as in both papers."""
        return self.is_plain and [bath.kind for bath in self.baths] == ["debye"]

    def modes_of(self, lattice: Lattice) -> tuple[Coupling, ...]:
        """Return the modes of a cell; () where every site has a bath and that is all.

        Raises:
            ValueError: the lattice cannot have them.
        """
        if self.is_plain:
            return ()
        every = enumerate(self.couplings)
        return tuple(mode for i, each in every for mode in each.modes(lattice, i))

    @property
    def coupling_cm(self) -> float:
        """Coupling strength of all baths of a site together, cm^-1."""
        return sum(bath.eta_cm for bath in self.baths)

    @property
    def slowest_of_all_cm(self) -> float:
        """The slowest rate with which the baths of a site forget, cm^-1."""
        return min(bath.slowest_cm for bath in self.baths)

    @property
    def physics(self) -> dict[str, Any]:
        """What tells one set of baths from another, as plain data."""
        return {k: value for k, value in self.content().items() if k not in _NUMERICAL}

    @property
    def description(self) -> str:
        """All baths in words: what they couple to, kinds and numbers in cm^-1."""
        texts = []
        for each in self.couplings:
            baths = "; ".join(bath.text for bath in each.baths)
            told = _COUPLED.get(each.coupling)
            texts.append(f"{told}: {baths}" if told else baths)
        return "; ".join(texts)
