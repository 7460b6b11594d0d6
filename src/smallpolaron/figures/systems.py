"""Physical systems of a study: points that differ only in size or in numerical parameters."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from smallpolaron.study.parameters import Parameters
from smallpolaron.study.physical_system import lattice_text, physics
from smallpolaron.study.plan import Ensemble, Ladder, Point
from smallpolaron.study.sections import Protocol
from smallpolaron.support.canonical import decimal_text, parameter_hash


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


def _title(parameters: Parameters) -> str:
    model, bath = parameters.model, parameters.bath
    v, frequency = model.hopping_cm, bath.frequency_cm
    vibration = "" if frequency is None else f"ω₀ = {frequency:g} cm⁻¹{_ratio(frequency, v)}, "
    count = len(bath.further_baths)
    more = f"{count} more bath{'s' * (count > 1)}, " if count else ""
    named = {"infinite": "infinite ring", "lattice": ""}.get(model.topology, model.topology)
    return (
        f"{named or lattice_text(parameters)}, η = {bath.eta_cm:g} cm⁻¹{_ratio(bath.eta_cm, v)}, "
        f"γ = {bath.gamma_cm:g} cm⁻¹{_ratio(bath.gamma_cm, v)}, {vibration}{more}"
        f"{model.temperature_K:g} K"
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


def _description(parameters: Parameters) -> str:
    model = parameters.model
    a = model.lattice_constant_A
    constant = "" if a is None else f"lattice constant {a:g} Å, "
    return (
        f"{_TOPOLOGIES.get(model.topology) or lattice_text(parameters)}, "
        f"hopping v = {_listed(model.hopping_cm, 'cm⁻¹')}, "
        f"site energies {_listed(model.site_energies_cm, 'cm⁻¹')}, "
        f"{constant}"
        f"temperature {model.temperature_K:g} K, "
        f"{parameters.bath.description}"
    )


def _name(parameters: Parameters) -> str:
    """Return the name of a system of a figure; of lattices each size is one."""
    eta, gamma = decimal_text(parameters.bath.eta_cm), decimal_text(parameters.bath.gamma_cm)
    own = physics(parameters) | {"lattice": parameters.content().get("lattice")}
    digest = parameter_hash(own)[:6]
    return f"{parameters.model.topology}__eta_cm~{eta}__gamma_cm~{gamma}-{digest}"


def group(points: Sequence[tuple[str, Parameters]]) -> list[System]:
    """Return the systems of a study in the order of their first points."""
    found: dict[str, list[tuple[str, Parameters]]] = {}
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


def drawn(parameters: Parameters) -> str:
    """Return the static disorder of an ensemble in words."""
    disorder = parameters.disorder
    assert disorder is not None
    texts = [
        f"{shape} distribution of {words} of width {width:g} cm⁻¹"
        for words, width, shape in (
            ("site energies", disorder.site_energy_cm, disorder.site_energy_distribution),
            ("hoppings", disorder.hopping_cm, disorder.hopping_distribution),
        )
        if width is not None
    ]
    return f"{' and '.join(texts)}, {disorder.members} members, seed {disorder.seed}"


def listed(values: Iterable[Any]) -> str:
    """Return the different values of a parameter as text, numbers in increasing order."""
    different = {repr(value): value for value in values}.values()
    numbers = [v for v in different if isinstance(v, (int, float)) and not isinstance(v, bool)]
    words = [str(v) for v in different if v not in numbers]
    return ", ".join([*(decimal_text(v) for v in sorted(numbers)), *words])


def numerics(parameters: Sequence[Parameters]) -> str:
    """Return the numerical parameters of the runs of a system in words, for a caption."""
    baths, runs = [p.bath for p in parameters], [p.propagation for p in parameters]
    engines = []
    if accuracies := [p.accuracy for p in parameters if p.is_adaptive]:
        engines.append(f"adaptive hierarchy with accuracy {listed(accuracies)}")
    if depths := [p.hierarchy.depth for p in parameters if not p.is_adaptive]:
        engines.append(f"hierarchy depth {listed(depths)}")
    return (
        f"{' and '.join(engines)}, "
        f"{listed(bath.decomposition for bath in baths)} expansion of the bath with "
        f"{listed(bath.terms for bath in baths)} low-temperature terms, "
        f"step tolerance {listed(run.tolerance for run in runs)}, "
        f"{listed(run.duration_fs for run in runs)} fs stored every "
        f"{listed(run.sample_fs for run in runs)} fs"
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
    sites = listed(p.parameters.n_sites for p in points if p.id not in left_out)
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
        "n_sites": ensemble.parameters.n_sites,
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
