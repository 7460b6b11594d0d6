"""The model of a script: lattice, hopping, temperature, coupling, and what makes it a point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from smallpolaron.api.arguments import explained
from smallpolaron.api.couplings import Local
from smallpolaron.api.energies import Energies, ModelError, in_cm
from smallpolaron.api.lattice import section
from smallpolaron.model.lattice import Lattice
from smallpolaron.planning.study import plan_document
from smallpolaron.study.physical_system import lattice_text
from smallpolaron.study.plan import Point
from smallpolaron.study.sections import Protocol, ResourcesConfig
from smallpolaron.study.yamlfile import Document
from smallpolaron.support.problems import ConfigurationError, Problem

STUDY: Final = "script"
"""Name of the study that the results of scripts belong to."""

MOST_ELEMENTS: int = ResourcesConfig().max_unknowns
_MOST_SHOWN: Final = 8
"""Energies that are printed one by one."""

_SHORT: Final = {"propagation": {"duration_fs": 2.0}}

_ARGUMENTS: Final = {
    "model.n_sites": "lattice.cells",
    "model.topology": "lattice",
    "model.lattice_constant_A": "lattice.spacing_A",
    "lattice.kind": "lattice",
    "lattice.direction": "direction",
    "model": "",
    "propagation": "",
    "bath": "coupling",
    "disorder.site_energy_cm": "disorder.site_energies_cm",
    "protocols": "start",
    "resources.max_unknowns": "max_elements",
    "hierarchy.symmetry": "symmetry",
}
"""Keys of a study, or sections, and what a script calls them."""


@explained
@dataclass(frozen=True)
class Disorder:
    """Static disorder: site energies and hoppings that are drawn for every realisation.

    Attributes:
        site_energies_cm: width of the distribution that is added to the site energies, cm^-1.
        hopping_cm: width of the one that is added to the hopping, bond by bond, cm^-1.
        distribution: "normal" (width = standard deviation), "uniform" (full width) or
            "exponential" (below the given value only, mean depth = width).
        seed: seed of the draws; realisation k depends on seed and k only.
    """

    site_energies_cm: float | None = None
    hopping_cm: float | None = None
    distribution: str = "normal"
    seed: int = 0

    def section(self) -> dict[str, object]:
        """Return it as the section of a study."""
        found: dict[str, object] = {"seed": self.seed}
        widths = {"site_energy": self.site_energies_cm, "hopping": self.hopping_cm}
        for name, width in widths.items():
            if width is not None:
                found |= {f"{name}_cm": width, f"{name}_distribution": self.distribution}
        return found


@explained
@dataclass(frozen=True, kw_only=True, repr=False)
class Model:
    """One carrier on a lattice whose sites couple to vibrations.

    H = sum_i e_i |i><i| + sum_<ij> v_ij (|i><j| + |j><i|) + baths; docs/model.md.

    Attributes:
        lattice: where the sites are.
        hopping_cm: v, cm^-1: one number, or one per bond. It multiplies the hoppings that the
            lattice has: 1 makes them cm^-1 (hopping_meV = 1: meV). Bonds are those of the cell on
            lattices, all bonds on rings and open chains.
        temperature_K: temperature, K.
        coupling: how the carrier couples to the baths: Local, Bond, SSH, Coupling, or a list of
            them, each with baths of its own.
        site_energies_cm: e_i, cm^-1: one number, one per site, or one per site of a cell.
        hopping_meV: hopping_cm in meV, in its place.
        site_energies_meV: site_energies_cm in meV, in its place.
        disorder: what is drawn besides; None for nothing.
        direction: along which the current flows and displacements are measured: "x", "y", "z",
            "xy", ... or numbers; not for chains, which have one only.
        realisation: number of the draw, from 0; None stands for all of them, see realisations().

    Raises:
        ModelError: the model is invalid.
    """

    lattice: Lattice
    hopping_cm: Energies | None = None
    temperature_K: float
    coupling: Local | Sequence[Local]
    site_energies_cm: Energies | None = None
    hopping_meV: Energies | None = None
    site_energies_meV: Energies | None = None
    disorder: Disorder | None = None
    direction: str | Sequence[float] = "x"
    realisation: int | None = None

    def __post_init__(self) -> None:
        """Convert to cm^-1 and refuse an invalid model."""
        for name, default in (("hopping", None), ("site_energies", 0.0)):
            given = (getattr(self, f"{name}_cm"), getattr(self, f"{name}_meV"))
            object.__setattr__(self, f"{name}_cm", in_cm("Model", name, *given, default))
            object.__setattr__(self, f"{name}_meV", None)
        if not isinstance(self.lattice, Lattice):
            raise ModelError("Model", [Problem("lattice", repr(self.lattice), "must be a Lattice")])
        if not self._couplings or not all(isinstance(each, Local) for each in self._couplings):
            allowed = "must be a Local, Bond, SSH or Coupling, or a list of them"
            raise ModelError("Model", [Problem("coupling", repr(self.coupling), allowed)])
        # whether it can be computed; how long a run is has no influence on that
        self._plan("franck_condon", _SHORT)

    def replace(self, **changes: Any) -> Model:
        """Return the model with other values: ``model.replace(temperature_K=200)``."""
        for name in ("hopping", "site_energies"):
            if f"{name}_meV" in changes:
                changes.setdefault(f"{name}_cm", None)
        return replace(self, **changes)

    def realisations(self, count: int) -> list[Model]:
        """Return the first draws of a disordered model, each a model of its own.

        Raises:
            ModelError: there is no disorder.
        """
        if self.disorder is None:
            allowed = "must be given: a model without disorder has one realisation only"
            raise ModelError("Model", [Problem("disorder", None, allowed, "run the model itself")])
        return [replace(self, realisation=number) for number in range(count)]

    def point(self, protocol: Protocol, numerics: Mapping[str, Any]) -> Point:
        """Return the point of a study that a run of this model is, with the same hash.

        Args:
            protocol: what is computed.
            numerics: accuracy and sections that say how.

        Raises:
            ModelError: what cannot be run, all of it.
        """
        if self.disorder is not None and self.realisation is None:
            allowed = "stands for many lattices; a run needs one of them"
            advice = "run each of model.realisations(count) and average"
            raise ModelError("Model", [Problem("disorder", str(self.disorder), allowed, advice)])
        return self._plan(protocol, numerics)

    def _plan(self, protocol: Protocol, numerics: Mapping[str, Any]) -> Point:
        data: dict[str, object] = {
            "study": STUDY,
            **self._sections(),
            "protocols": [protocol],
        }
        member = self.realisation or 0
        if self.disorder is not None:
            data["disorder"] = self.disorder.section() | {"members": member + 1}
        bath = {**self._baths(), **numerics.get("bath", {})}
        try:
            plan = plan_document(
                Document("Model", {**data, **numerics, "bath": bath}, {}), within_budget=False
            )
        except ConfigurationError as error:
            problems = [replace(each, key=_argument(each.key)) for each in error.problems]
            raise ModelError("Model", problems) from None
        return plan.points[member]

    @property
    def _couplings(self) -> tuple[Local, ...]:
        given = self.coupling
        return tuple(given) if isinstance(given, (list, tuple)) else (given,)  # type: ignore[return-value]

    def _baths(self) -> dict[str, object]:
        first, *further = self._couplings
        # what adds up to one bath without the section further_baths: a mode of its own per bath
        sections = [part.section() for each in further for part in each.parted()]
        return first.section() | ({"further_couplings": sections} if sections else {})

    def _sections(self) -> dict[str, dict[str, object]]:
        way = self.direction
        plain = len(self._couplings) == 1 and self._couplings[0].kind == "local"
        along = way if isinstance(way, str) else [float(w) for w in way]
        found = section(self.lattice, along, whole=not plain)
        if way == "tensor":
            allowed = "must be one direction; tensor is for studies"
            advice = "use mobility_tensor(model, duration_fs)"
            raise ModelError("Model", [Problem("direction", way, allowed, advice)])
        if "lattice" not in found and way != "x":
            allowed = "must be left out: a chain has one direction only"
            raise ModelError("Model", [Problem("direction", way, allowed, "remove it")])
        found["model"] |= {
            "hopping_cm": _plain(self.hopping_cm),
            "site_energies_cm": _plain(self.site_energies_cm),
            "temperature_K": _plain(self.temperature_K),
        }
        return found

    def __repr__(self) -> str:
        """Return lattice, energies, temperature, couplings and disorder, a line each."""
        rows = {
            "lattice": lattice_text(self._plan("franck_condon", _SHORT).parameters),
            "hopping": _energies_text(self.hopping_cm),
            "site energies": _energies_text(self.site_energies_cm) if self.site_energies_cm else "",
            "temperature": f"{self.temperature_K:g} K",
            "coupling": ", ".join(map(repr, self._couplings)),
            "disorder": "" if self.disorder is None else str(self.disorder),
            "realisation": "" if self.realisation is None else str(self.realisation),
        }
        return "\n".join(["Model", *(f"  {k:<13}  {v}" for k, v in rows.items() if v)])

    def __str__(self) -> str:
        """Return the model in words."""
        v = self.hopping_cm
        hopping = f"v = {v:g} cm⁻¹" if isinstance(v, float) else f"{np.asarray(v).size} hoppings"
        parameters = self._plan("franck_condon", _SHORT).parameters
        return f"{lattice_text(parameters)}; {hopping}; {self.temperature_K:g} K"


def how_computed(
    duration_fs: float,
    accuracy: float,
    sample_fs: float,
    bath_terms: int | str,
    max_elements: int,
) -> dict[str, Any]:
    """Return how a run is computed, in the sections of a study."""
    return {
        "accuracy": accuracy,
        "propagation": {"duration_fs": duration_fs, "sample_fs": sample_fs},
        "bath": {"terms": bath_terms},
        "resources": {"max_unknowns": max_elements},
    }


def _energies_text(energies: Energies | None) -> str:
    """Return energies in cm^-1 in words; of many the range."""
    values = np.atleast_1d(np.asarray(energies, dtype=float))
    if len(values) > _MOST_SHOWN:
        return f"{len(values)} from {values.min():g} to {values.max():g} cm⁻¹"
    return ", ".join(f"{value:g}" for value in values) + " cm⁻¹"


def _argument(key: str) -> str:
    """Return what a script calls a key of a study."""
    if key in _ARGUMENTS:
        return _ARGUMENTS[key]
    section, _, name = key.partition(".")
    place = _ARGUMENTS.get(section, section)
    return f"{place}.{name}" if place and name else name or place


def _plain(value: Any) -> object:
    """Return numbers as a study file has them: NumPy's scalars become Python's."""
    if isinstance(value, tuple):
        return list(value)
    return value.item() if hasattr(value, "item") else value
