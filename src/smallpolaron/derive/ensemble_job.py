"""Ensemble files: what the members of a disordered ensemble say together.

Members that failed a quality gate, gave no numbers or have no result are listed and left out of
the averages; the ensemble is then flagged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from smallpolaron.analysis.ensemble import LEAST_MEMBERS
from smallpolaron.analysis.gates import Gate
from smallpolaron.derive.derive import Notes
from smallpolaron.derive.ensemble_variables import Members, current_variables, population_variables
from smallpolaron.results.provenance import Stopwatch, collect
from smallpolaron.results.quantity import Variables
from smallpolaron.results.store import Result, Variable
from smallpolaron.runs.inputs import read_input
from smallpolaron.study.plan import Ensemble, Plan, PlanError
from smallpolaron.study.sections import Protocol
from smallpolaron.support.problems import StoreError
from smallpolaron.support.unavailable import Unreadable


@dataclass(frozen=True)
class MemberRuns:
    """Result files of those members of an ensemble that have them, in order.

    Attributes:
        runs: correlation results, or population results of one start.
        mobilities: mobility results of the same points; () for populations.
        damaged: what is wrong with the files of other members, by their points.
    """

    runs: Sequence[Result]
    mobilities: Sequence[Result] = ()
    damaged: Mapping[str, str] = field(default_factory=dict)


def read_members(results: Path, ensemble: Ensemble, protocol: Protocol) -> MemberRuns:
    """Read the files of all members that have them.

    Raises:
        PlanError: the ensemble does not ask for the protocol.
        StoreError: a file cannot be read now, or there is no sound one at all.
    """
    if protocol not in ensemble.protocols:
        raise PlanError(
            f"ensemble {ensemble.name} does not ask for the protocol {protocol}; it asks for "
            + ", ".join(ensemble.protocols)
        )

    kinds: tuple[str, ...] = ("correlation", "mobility")
    end = ""
    if protocol != "current":
        kinds, end = ("population",), f"__{protocol}"
    found: list[list[Result]] = []
    damaged: dict[str, str] = {}
    for member in ensemble.members:
        paths = [results / kind / f"{member}{end}.h5" for kind in kinds]
        if not all(path.exists() for path in paths):
            continue
        try:
            found.append([read_input(p, (p.parent.name,), of_a_point=True) for p in paths])
        except Unreadable:
            raise
        except StoreError as error:
            damaged[member] = str(error)
    if not found:
        raise StoreError(next(iter(damaged.values()), f"{paths[0]}: no such file; run the jobs"))
    mobilities = [files[-1] for files in found] if len(kinds) > 1 else []
    return MemberRuns([files[0] for files in found], mobilities, damaged)


def ensemble_result(
    plan: Plan, ensemble: Ensemble, protocol: Protocol, found: MemberRuns
) -> Result:
    """Return averages over an ensemble with their 95 % intervals, and what each member found.

    Raises:
        PlanError: the files are not those of members in order.
    """
    watch = Stopwatch()
    numbers = _numbers(ensemble, found.runs)
    reasons = dict.fromkeys(ensemble.members, "no result") | dict(found.damaged)
    reasons |= {
        ensemble.members[number]: _left_out(run)
        for number, run in zip(numbers, found.runs, strict=True)
    }
    used = np.array([not reasons[ensemble.members[number]] for number in numbers])
    members = Members(found.runs, used, ensemble.parameters)
    if protocol == "current":
        variables, notes = current_variables(members, found.mobilities)
    else:
        variables, notes = population_variables(members, plan.analysis)
    start = {} if protocol == "current" else {"start": protocol}
    return Result(
        kind="ensemble",
        variables=_listed(ensemble, numbers, used) | variables,
        parameters={
            **ensemble.parameters.content(),
            "study": plan.study,
            "point": ensemble.name,
            **start,
        },
        gates=(_gate(list(reasons.values())),),
        provenance=collect(ensemble.hash, watch, source=_cost(found.runs)),
        notes={**_told(reasons), **notes},
    )


def _numbers(ensemble: Ensemble, runs: Sequence[Result]) -> list[int]:
    """Return which members the runs are of."""
    names = [str(run.parameters.get("point")) for run in runs]
    numbers = [number for number, name in enumerate(ensemble.members) if name in names]
    if not names or names != [ensemble.members[number] for number in numbers]:
        raise PlanError(
            f"ensemble {ensemble.name}: results of {', '.join(names) or 'no point'}; needed are "
            f"those of its members in order, {', '.join(ensemble.members)}"
        )
    return numbers


def _left_out(run: Result) -> str:
    """Return why a member is not averaged, or an empty text."""
    failed = ", ".join(run.failed_gates)
    return run.notes.get("reason", "") or (f"failed {failed}" if failed else "")


def _gate(reasons: Sequence[str]) -> Gate:
    text = "members left out of the averages: their run failed a quality gate, or is missing"
    return Gate("members_left_out", float(sum(map(bool, reasons))), 0.0, text)


def _told(reasons: Mapping[str, str]) -> Notes:
    """Return in words which members were left out, and why there is no mean if there is none."""
    left_out = "; ".join(f"{name}: {reason}" for name, reason in reasons.items() if reason)
    notes = {"left_out": left_out or "none"}
    count = sum(not reason for reason in reasons.values())
    if count < LEAST_MEMBERS:
        notes["reason"] = (
            f"{count} of {len(reasons)} members may be averaged; {LEAST_MEMBERS} are needed for "
            "a confidence interval: raise disorder.members, or repair the members left out"
        )
    return notes


def _listed(ensemble: Ensemble, numbers: Sequence[int], used: np.ndarray) -> Variables:
    line = ("member",)
    names = np.array([ensemble.members[number].encode() for number in numbers])
    return {
        "member": Variable(np.array(numbers), line, "1", "Number of the member, from 0."),
        "members/point": Variable(names, line, "1", "Id of its point."),
        "members/used": Variable(used, line, "1", "Whether it is averaged."),
    }


def _cost(runs: Sequence[Result]) -> dict[str, float]:
    """Return what the members cost together."""
    seconds = [float(run.provenance.get("core_seconds", np.nan)) for run in runs]
    return {"members": len(seconds), "core_seconds": float(np.sum(seconds))}
