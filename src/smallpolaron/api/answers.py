"""What a study answers: a mobility with error and verdict per system, and what to distrust.

Of a lattice whose tensor was computed, the mobilities along its principal axes.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from textwrap import indent
from typing import Any, Final

from pydantic import TypeAdapter

from smallpolaron.api.outcome import system_text
from smallpolaron.api.tensor import MobilityTensor
from smallpolaron.api.values import Value
from smallpolaron.derive.derive import MU
from smallpolaron.derive.study_results import StudyResults, read_study_results
from smallpolaron.model.units import mobility_cm2
from smallpolaron.results.kinds import POINTS_NOTE
from smallpolaron.results.store import Result
from smallpolaron.study.parameters import Parameters
from smallpolaron.study.physical_system import boundaries, physics
from smallpolaron.support.canonical import parameter_hash
from smallpolaron.support.files import read_json, write_text

ROUGH: Final = 0.1
"""A relative error above which a mobility is called rough."""
VERDICTS: Final = ("trust", "rough", "do not use")
FEW_SYSTEMS: Final = 20
"""So many the first page of the report shows; the verdicts of more are counted."""
_ADVICE: Final = {
    "long_time_decay": "raise propagation.duration_fs",
    "settled": "raise propagation.duration_fs; an open chain has no mobility, use a ring",
    "error_estimate": "give it more memory, or ask for a larger accuracy",
    "capped": "raise adaptive.max_elements, or ask for a larger accuracy",
    "stability": "use the adaptive hierarchy, or one that is deeper",
    "frontier_weight": "raise hierarchy.depth, or use accuracy instead",
    "production_frontier_weight": "raise hierarchy.depth, or use accuracy instead",
}


_LARGEST_FILE: Final = 100_000_000


@dataclass(frozen=True)
class Answer:
    """The mobility of one physical system.

    Attributes:
        system: lattice, hopping, temperature and baths in words.
        mobility: with its error, cm^2/(V s); of a tensor the largest principal one.
        along: of a tensor the principal mobilities by their axes, the largest first; those that
            are 0 because the lattice does not extend there are left out. Else empty.
        verdict: one of VERDICTS.
        why: what the verdict rests on, and what to do where it is not "trust".
        point: the run it comes from, or the ensemble.
    """

    system: str
    mobility: Value
    along: Mapping[str, Value]
    verdict: str
    why: str
    point: str

    @property
    def mobilities(self) -> tuple[str, ...]:
        """The mobility in words, or those along all principal axes."""
        each = tuple(f"{value} {axis}" for axis, value in self.along.items())
        return each or (str(self.mobility),)

    def __str__(self) -> str:
        """Return the mobilities with the verdict, the system and what to distrust, as lines."""
        *others, last = self.mobilities
        lines = [*others, f"{last}  {self.verdict}", f"  {self.system}"]
        return "\n".join([*lines, f"  {self.why}"] if self.why else lines)


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

    @property
    def tally(self) -> str:
        """How many systems there are of each verdict; empty for so few that one sees it."""
        if len(self.systems) <= FEW_SYSTEMS:
            return ""
        counts = Counter(each.verdict for each in self.systems)
        each = ", ".join(f"{verdict} {counts[verdict]}" for verdict in VERDICTS)
        return f"{len(self.systems)} systems: {each}"

    def __str__(self) -> str:
        """Return the answer of every system, and how many runs are missing."""
        lines = [f"study {self.study}"]
        if not self.systems:
            lines.append("  no mobility: no run of the protocol current has been analysed")
        lines += [indent(str(each), "  ") for each in self.systems]
        if self.tally:  # last, where a terminal shows it
            lines.append(f"  {self.tally}")
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
    return answers_from(read_study_results(folder))


def answers_from(found: StudyResults) -> Answers:
    """Return what results that have been read say."""
    # a tensor counts, not each of what it is made from
    parts = {name for tensor in found.tensors for name in tensor.notes[POINTS_NOTE].split(", ")}
    mobilities = (*found.mobilities, *found.early)
    single = [each for each in mobilities if each.parameters["point"] not in parts]
    systems = answers_of([*single, *found.tensors, *found.ensembles])
    early = {f"correlation/{each.parameters['point']}" for each in found.early}
    missing = {name: why for name, why in found.missing.items() if name not in early}
    return Answers(found.plan.study, systems, missing)


def write_answers(path: Path, answers: Answers) -> None:
    """Write answers as JSON."""
    write_text(path, json.dumps(asdict(answers), indent=1) + "\n")


def read_answers(path: Path) -> Answers:
    """Return what write_answers wrote."""
    return TypeAdapter(Answers).validate_python(read_json(path, _LARGEST_FILE))


def answers_of(results: Sequence[Result]) -> tuple[Answer, ...]:
    """Return the answer of every physical system.

    Args:
        results: of the kinds mobility, tensor and ensemble; others, and the analysis of a table,
            answer nothing.
    """
    systems = [
        each
        for each in results
        if each.kind in ("mobility", "tensor") and "table" not in each.parameters
    ]
    means = [each for each in results if each.kind == "ensemble" and "start" not in each.parameters]
    return (*map(_of_system, _systems(systems)), *map(_of_ensemble, means))


def _systems(results: Sequence[Result]) -> Iterator[list[Result]]:
    """Yield the results of every physical system, the one to be believed last."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(parameter_hash(physics(_parameters(result))), []).append(result)
    for members in groups.values():
        yield sorted(members, key=_credit)


def _parameters(result: Result) -> Parameters:
    """Return the parameters of a result; a tensor has no direction."""
    found = result.resolved
    return found.changed(lattice={"direction": None}) if result.kind == "tensor" else found


def _credit(result: Result) -> tuple[Any, ...]:
    """Return what orders runs of one system."""
    sides = boundaries(result.resolved)
    return (
        math.isfinite(_largest(result).value),
        not result.flagged,
        sides.count("infinite"),
        sides.count("periodic"),
        result.resolved.n_sites,
        result.resolved.confidence,
    )


def _along(result: Result) -> dict[str, Value]:
    """Return the principal mobilities of a tensor by their axes; those that read alike are one."""
    if result.kind != "tensor":
        return {}
    tensor = MobilityTensor(result)
    found: dict[str, tuple[Value, list[str]]] = {}
    for axis in tensor.principal[1].tolist():
        value = tensor.along(axis)
        if value.value or value.error:
            _, axes = found.setdefault(str(value), (value, []))
            axes.append(f"({', '.join(f'{number:.3g}' for number in axis)})")
    alike = found.values()
    return {f"along {' and '.join(sorted(axes)[::-1])}": value for value, axes in alike}


def _largest(result: Result) -> Value:
    """Return the mobility, of a tensor the largest principal one."""
    if result.kind == "tensor":
        return next(iter(_along(result).values()), Value(math.nan, math.nan, MU))
    return Value(result.number("mobility"), result.number("mobility_error"), MU)


def _of_system(members: Sequence[Result]) -> Answer:
    result = members[-1]
    mobility, along = _largest(result), _along(result)
    verdict, why = _judged(result, along or {"": mobility})
    if verdict != "do not use" and (remark := _size_remark(members, mobility)):
        verdict, why = "rough", "; ".join(filter(None, (why, remark)))
    parameters = {**result.parameters, **_parameters(result).content()}
    point = str(result.parameters["point"])
    return Answer(system_text(parameters), mobility, along, verdict, why, point)


def _judged(result: Result, mobilities: Mapping[str, Value]) -> tuple[str, str]:
    """Return the verdict on one run and its reason."""
    if not all(math.isfinite(each.value) for each in mobilities.values()) or not mobilities:
        return "do not use", result.notes.get("reason", "it gave no number")
    if result.flagged:
        reasons = [
            f"{gate.name} is {gate.value:.2g}, allowed {gate.bound:.2g}"
            + (f" ({_ADVICE[gate.name]})" if gate.name in _ADVICE else "")
            for gate in result.gates
            if not gate.passed
        ]
        return "do not use", "; ".join(reasons)
    if not all(math.isfinite(each.error) for each in mobilities.values()):
        return "rough", "no error estimate; use accuracy in place of hierarchy.depth"
    for axis, each in mobilities.items():
        if each.error > ROUGH * abs(each.value):
            relative = each.error / abs(each.value) if each.value else math.inf
            where = f" {axis}" if axis else ""
            return (
                "rough",
                f"its error{where} is {100 * relative:.0f} %; ask for a smaller accuracy",
            )
    return "trust", ""


def _size_remark(members: Sequence[Result], mobility: Value) -> str:
    """Return what speaks against the size of a finite lattice; empty if nothing does."""
    parameters = members[-1].resolved
    if "periodic" not in boundaries(parameters) or "disorder" in members[-1].parameters:
        return ""
    size = parameters.n_sites
    smaller = [each for each in members[:-1] if not each.flagged and each.resolved.n_sites < size]
    if not smaller:
        endless = "lattice.boundary" if parameters.lattice else "topology"
        return f"one size only, {size} sites: compare with more sites or {endless}: infinite"
    other = smaller[-1]
    before, known = other.resolved.n_sites, _largest(other)
    change = abs(known.value / mobility.value - 1)
    own = mobility.error + known.error
    if change * abs(mobility.value) <= own or change <= 0.01:
        return ""
    return f"{100 * change:.0f} % from {before} to {size} sites: compute more sites"


def _of_ensemble(result: Result) -> Answer:
    temperature = result.resolved.model.temperature_K
    mean, low, high = (
        mobility_cm2(result.number(name), temperature) for name in ("D", "D_low", "D_high")
    )
    mobility = Value(mean, (high - low) / 2, MU)
    verdict, why = _judged(result, {"": mobility})
    system = f"mean over disorder, with its interval; {system_text(dict(result.parameters))}"
    return Answer(system, mobility, {}, verdict, why, str(result.parameters["point"]))
