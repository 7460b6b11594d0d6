"""What a study answers: a mobility with error and verdict per system, and what to distrust."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from smallpolaron.api.outcome import system_text
from smallpolaron.api.values import Value
from smallpolaron.model.units import mobility_cm2
from smallpolaron.planning.jobs import computed
from smallpolaron.planning.present import absences, present
from smallpolaron.results.store import Result
from smallpolaron.runs.inputs import read_input
from smallpolaron.study.physical_system import physics
from smallpolaron.study.plan import read_plan
from smallpolaron.support.canonical import parameter_hash

ROUGH: Final = 0.1
"""A relative error above which a mobility is called rough."""
_UNITS: Final = "cm^2 V^-1 s^-1"
_ADVICE: Final = {
    "long_time_decay": "raise propagation.duration_fs",
    "settled": "raise propagation.duration_fs; an open chain has no mobility, use a ring",
    "error_estimate": "give it more memory, or ask for a larger accuracy",
    "capped": "raise adaptive.max_elements, or ask for a larger accuracy",
    "stability": "use the adaptive hierarchy, or one that is deeper",
    "frontier_weight": "raise hierarchy.depth, or use accuracy instead",
    "production_frontier_weight": "raise hierarchy.depth, or use accuracy instead",
}


@dataclass(frozen=True)
class Answer:
    """The mobility of one physical system.

    Attributes:
        system: lattice, hopping, temperature and baths in words.
        mobility: with its error, cm^2/(V s).
        verdict: "trust", "rough" or "do not use".
        why: what the verdict rests on, and what to do where it is not "trust".
        point: the run it comes from, or the ensemble.
    """

    system: str
    mobility: Value
    verdict: str
    why: str
    point: str


@dataclass(frozen=True)
class Answers:
    """All of a study.

    Attributes:
        study: name of the study.
        systems: in the order of the study.
        missing: runs that have no result, with the reason.
    """

    study: str
    systems: tuple[Answer, ...]
    missing: Mapping[str, str]

    def __str__(self) -> str:
        """Return a line per system, those to distrust with the reason below."""
        lines = [f"study {self.study}"]
        if not self.systems:
            lines.append("  no mobility: no run of the protocol current has been analysed")
        for each in self.systems:
            lines += [f"  {each.mobility}  {each.verdict}", f"    {each.system}"]
            if each.why:
                lines.append(f"    {each.why}")
        if self.missing:
            lines.append(f"  missing: {len(self.missing)} runs; smallpolaron status says why")
        return "\n".join(lines)


def study_answers(folder: Path) -> Answers:
    """Return what the results of a study say so far.

    Args:
        folder: results/<study>, with its plan.json.

    Raises:
        PlanError: there is no plan that can be used.
        StoreError: a result file is damaged.
    """
    whole_plan = computed(read_plan(folder / "plan.json"), folder)
    plan = present(whole_plan, folder)
    members = {name for ensemble in plan.ensembles for name in ensemble.members}
    mobilities = [
        read_input(folder / "mobility" / f"{point.id}.h5", ("mobility",))
        for point in plan.with_protocol("current")
        if point.id not in members  # their mean counts, not any of them
    ]
    ensembles = [
        read_input(folder / "ensemble" / f"{name}.h5", ("ensemble",))
        for ensemble in plan.ensembles
        for protocol, name in ensemble.run_names.items()
        if protocol == "current"
    ]
    found = (*answers_of(mobilities), *map(_of_ensemble, ensembles))
    return Answers(plan.study, found, absences(whole_plan, folder))


def answers_of(mobilities: Sequence[Result]) -> tuple[Answer, ...]:
    """Return the answer of every physical system among mobility results."""
    return tuple(map(_of_system, _systems(mobilities)))


def _systems(mobilities: Sequence[Result]) -> Iterator[list[Result]]:
    """Yield the results of every physical system, the one to be believed last."""
    groups: dict[str, list[Result]] = {}
    for result in mobilities:
        groups.setdefault(parameter_hash(physics(result.resolved)), []).append(result)
    for members in groups.values():
        yield sorted(members, key=_credit)


def _credit(result: Result) -> tuple[Any, ...]:
    """Return what orders runs of one system."""
    model = result.parameters["model"]
    return (
        math.isfinite(_scalar(result, "mobility")),
        not result.flagged,
        {"chain": 0, "ring": 1}.get(model["topology"], 2),
        result.resolved.n_sites,
        result.resolved.confidence,
    )


def _scalar(result: Result, name: str) -> float:
    return float(np.real(result.variables[name].data))


def _of_system(members: Sequence[Result]) -> Answer:
    result = members[-1]
    mobility = Value(_scalar(result, "mobility"), _scalar(result, "mobility_error"), _UNITS)
    verdict, why = _judged(result, mobility)
    if verdict != "do not use" and (remark := _size_remark(members, mobility)):
        verdict, why = "rough", "; ".join(filter(None, (why, remark)))
    point = str(result.parameters["point"])
    return Answer(system_text(dict(result.parameters)), mobility, verdict, why, point)


def _judged(result: Result, mobility: Value) -> tuple[str, str]:
    """Return the verdict on one run and its reason."""
    if not math.isfinite(mobility.value):
        return "do not use", result.notes.get("reason", "it gave no number")
    if result.flagged:
        reasons = [
            f"{gate.name} is {gate.value:.2g}, allowed {gate.bound:.2g}"
            + (f" ({_ADVICE[gate.name]})" if gate.name in _ADVICE else "")
            for gate in result.gates
            if not gate.passed
        ]
        return "do not use", "; ".join(reasons)
    if not math.isfinite(mobility.error):
        return "rough", "no error estimate; use accuracy in place of hierarchy.depth"
    if mobility.error > ROUGH * abs(mobility.value):
        relative = mobility.error / abs(mobility.value) if mobility.value else math.inf
        return "rough", f"its error is {100 * relative:.0f} %; ask for a smaller accuracy"
    return "trust", ""


def _size_remark(members: Sequence[Result], mobility: Value) -> str:
    """Return what speaks against the size of a finite lattice; empty if nothing does."""
    parameters = members[-1].parameters
    if parameters["model"]["topology"] != "ring" or "disorder" in parameters:
        return ""
    size = members[-1].resolved.n_sites
    smaller = [each for each in members[:-1] if not each.flagged and each.resolved.n_sites < size]
    if not smaller:
        return f"one size only, {size} sites: compare with a larger ring or topology: infinite"
    other = smaller[-1]
    change = abs(_scalar(other, "mobility") / mobility.value - 1)
    own = mobility.error + _scalar(other, "mobility_error")
    if change * abs(mobility.value) <= own or change <= 0.01:
        return ""
    before = other.resolved.n_sites
    return f"{100 * change:.0f} % from {before} to {size} sites: compute larger rings"


def _of_ensemble(result: Result) -> Answer:
    temperature = result.resolved.model.temperature_K
    mean, low, high = (
        mobility_cm2(_scalar(result, name), temperature) for name in ("D", "D_low", "D_high")
    )
    mobility = Value(mean, (high - low) / 2, _UNITS)
    verdict, why = _judged(result, mobility)
    system = f"mean over disorder, with its interval; {system_text(dict(result.parameters))}"
    return Answer(system, mobility, verdict, why, str(result.parameters["point"]))
