"""Physical systems of a study: points that differ only in size or in numerical parameters."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from smallpolaron.study.baths import bath_physics, bath_text
from smallpolaron.study.parameters import is_adaptive, lookup
from smallpolaron.study.physical_system import lattice_text
from smallpolaron.study.plan import Ensemble, Ladder, Point
from smallpolaron.study.sections import Protocol
from smallpolaron.support.canonical import decimal_text

PHYSICS: Final = (
    "model.topology",
    "model.hopping_cm",
    "model.site_energies_cm",
    "model.lattice_constant_A",
    "model.temperature_K",
)
"""Parameters that, with the baths, make two points different systems; everything else is size or
accuracy."""


@dataclass(frozen=True)
class System:
    """Points drawn in one figure.

    Attributes:
        name: short name for paths, unique in the study and independent of the points in it.
        title: what the report calls it, such as ``ring, η = 100 cm⁻¹ (2 v), γ = 50 cm⁻¹ (1 v)``.
        description: all physical parameters in words.
        points: identifiers of its points, in the order of the study.
    """

    name: str
    title: str
    description: str
    points: tuple[str, ...]


def _ratio(value: float, v: Any) -> str:
    if isinstance(v, (int, float)) and v > 0:
        return f" ({value / v:.3g} v)"
    return ""


def _title(parameters: Mapping[str, Any]) -> str:
    model, bath = parameters["model"], parameters["bath"]
    v, eta, gamma = model["hopping_cm"], float(bath["eta_cm"]), float(bath["gamma_cm"])
    frequency = bath.get("frequency_cm")
    vibration = "" if frequency is None else f"ω₀ = {frequency:g} cm⁻¹{_ratio(frequency, v)}, "
    count = len(bath.get("further_baths", {}))
    more = f"{count} more bath{'s' * (count > 1)}, " if count else ""
    topology = "infinite ring" if model["topology"] == "infinite" else model["topology"]
    topology = lattice_text(parameters) if topology == "lattice" else topology
    return (
        f"{topology}, η = {eta:g} cm⁻¹{_ratio(eta, v)}, "
        f"γ = {gamma:g} cm⁻¹{_ratio(gamma, v)}, {vibration}{more}{model['temperature_K']:g} K"
    )


def _listed(value: Any, unit: str) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(f"{item:g}" for item in value) + f" {unit}"
    return f"{value:g} {unit}"


_TOPOLOGIES: Final = {
    "ring": "Periodic ring",
    "chain": "Open chain",
    "infinite": "Infinite ring",
}


def _description(parameters: Mapping[str, Any]) -> str:
    model = parameters["model"]
    a = model.get("lattice_constant_A")
    constant = "" if a is None else f"lattice constant {a:g} Å, "
    return (
        f"{_TOPOLOGIES.get(model['topology']) or lattice_text(parameters)}, "
        f"hopping v = {_listed(model['hopping_cm'], 'cm⁻¹')}, "
        f"site energies {_listed(model['site_energies_cm'], 'cm⁻¹')}, "
        f"{constant}"
        f"temperature {model['temperature_K']:g} K, "
        f"{bath_text(parameters)}"
    )


def _name(parameters: Mapping[str, Any]) -> str:
    physics = {key: parameters["model"].get(key.partition(".")[2]) for key in PHYSICS}
    if "lattice" in parameters:
        physics["lattice"] = parameters["lattice"]
    physics |= {f"bath.{key}": value for key, value in bath_physics(parameters).items()}
    text = json.dumps(physics, sort_keys=True, default=list)
    digest = hashlib.sha256(text.encode()).hexdigest()[:6]
    model, bath = parameters["model"], parameters["bath"]
    eta, gamma = decimal_text(bath["eta_cm"]), decimal_text(bath["gamma_cm"])
    return f"{model['topology']}__eta_cm~{eta}__gamma_cm~{gamma}-{digest}"


def group(points: Sequence[tuple[str, Mapping[str, Any]]]) -> list[System]:
    """Return the systems of a study in the order of their first points."""
    found: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for point in points:
        found.setdefault(_name(point[1]), []).append(point)
    return [
        System(
            name,
            _title(members[0][1]),
            _description(members[0][1]),
            tuple(identifier for identifier, _ in members),
        )
        for name, members in found.items()
    ]


def drawn(parameters: Mapping[str, Any]) -> str:
    """Return the static disorder of an ensemble in words."""
    disorder = parameters["disorder"]
    names = {"site_energy": "site energies", "hopping": "hoppings"}
    texts = [
        f"{disorder[f'{key}_distribution']} distribution of {words} of width "
        f"{disorder[f'{key}_cm']:g} cm⁻¹"
        for key, words in names.items()
        if disorder[f"{key}_cm"] is not None
    ]
    return f"{' and '.join(texts)}, {disorder['members']} members, seed {disorder['seed']}"


def listed(values: Iterable[Any]) -> str:
    """Return the different values of a parameter as text, numbers in increasing order."""
    different = {repr(value): value for value in values}.values()
    numbers = [v for v in different if isinstance(v, (int, float)) and not isinstance(v, bool)]
    words = [str(v) for v in different if v not in numbers]
    return ", ".join([*(decimal_text(v) for v in sorted(numbers)), *words])


def numerics(parameters: Sequence[Mapping[str, Any]]) -> str:
    """Return the numerical parameters of the runs of a system in words, for a caption."""

    def values(key: str) -> str:
        return listed(lookup(p, key) for p in parameters)

    adaptive = [p for p in parameters if is_adaptive(p)]
    engines = []
    if adaptive:
        accuracy = listed(p["accuracy"] for p in adaptive)
        engines.append(f"adaptive hierarchy with accuracy {accuracy}")
    if len(adaptive) < len(parameters):
        depths = listed(p["hierarchy"]["depth"] for p in parameters if not is_adaptive(p))
        engines.append(f"hierarchy depth {depths}")
    return (
        f"{' and '.join(engines)}, "
        f"{values('bath.decomposition')} expansion of the bath with "
        f"{values('bath.terms')} low-temperature terms, "
        f"step tolerance {values('propagation.tolerance')}, "
        f"{values('propagation.duration_fs')} fs stored every "
        f"{values('propagation.sample_fs')} fs"
    )


def about_runs(
    system: System, points: Sequence[Point], left_out: Collection[str]
) -> dict[str, str]:
    """Return title and text for the caption of a system.

    Args:
        system: the system.
        points: its points.
        left_out: ids of those that were not computed.
    """
    sites = listed(p.parameters["model"]["n_sites"] for p in points if p.id not in left_out)
    runs = (
        f"**System.** {system.description}. **Runs.** N = {sites}; "
        f"{numerics([p.parameters for p in points])}. A run that failed a quality gate is named "
        "under the figure and drawn dashed or with a hollow marker."
    )
    return {"title": system.title, "runs": runs}


def about_ensemble(ensemble: Ensemble, protocol: Protocol) -> dict[str, Any]:
    """Return what the caption of an ensemble needs."""
    (system,) = group([(ensemble.name, ensemble.parameters)])
    return {
        "title": f"{system.title}, disordered",
        "system": system.description,
        "disorder": drawn(ensemble.parameters),
        "numerics": numerics([ensemble.parameters]),
        "n_sites": ensemble.parameters["model"]["n_sites"],
        "protocol": protocol,
    }


def about_sizes(system: System, ladder: Ladder, tolerance: str) -> dict[str, Any]:
    """Return what the caption of a ladder needs.

    Args:
        system: that of its sizes.
        ladder: the ladder.
        tolerance: largest change of D that counts as none, in words.
    """
    return {
        "title": system.title,
        "system": system.description,
        "numerics": numerics([ladder.rungs[0].parameters]),
        "sizes": ", ".join(map(str, ladder.sizes)),
        "tolerance": tolerance,
        "check": ladder.check is not None,
    }
