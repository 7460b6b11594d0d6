"""Ensemble files: what the members of a disordered ensemble say together.

Members that failed a quality gate, or gave no numbers, are listed and left out of the averages;
the ensemble is then flagged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smallpolaron.analysis.ensemble import LEAST_MEMBERS
from smallpolaron.analysis.gates import Gate, make_gate
from smallpolaron.studies.config import Protocol
from smallpolaron.studies.derive import Notes, Variables
from smallpolaron.studies.ensemble_variables import (
    Members,
    current_variables,
    population_variables,
)
from smallpolaron.studies.inputs import read_input
from smallpolaron.studies.plan import Ensemble, Plan, PlanError
from smallpolaron.studies.provenance import Stopwatch, collect
from smallpolaron.studies.store import Result, Variable


@dataclass(frozen=True)
class MemberRuns:
    """Result files of the members of an ensemble, in order.

    Attributes:
        runs: correlation results, or population results of one start.
        mobilities: mobility results of the same points; () for populations.
    """

    runs: Sequence[Result]
    mobilities: Sequence[Result] = ()


def read_members(results: Path, ensemble: Ensemble, protocol: Protocol) -> MemberRuns:
    """Read the files of all members.

    Args:
        results: folder of the results of the study.
        ensemble: the ensemble.
        protocol: what was computed.

    Raises:
        PlanError: the ensemble does not ask for the protocol.
        StoreError: a file is missing or damaged.
    """
    if protocol not in ensemble.protocols:
        raise PlanError(
            f"ensemble {ensemble.name} does not ask for the protocol {protocol}; it asks for "
            + ", ".join(ensemble.protocols)
        )

    def read(kind: str, end: str = "") -> list[Result]:
        paths = (results / kind / f"{member}{end}.h5" for member in ensemble.members)
        return [read_input(path, (kind,), of_a_point=True) for path in paths]

    if protocol == "current":
        return MemberRuns(read("correlation"), read("mobility"))
    return MemberRuns(read("population", f"__{protocol}"))


def ensemble_result(
    plan: Plan, ensemble: Ensemble, protocol: Protocol, found: MemberRuns
) -> Result:
    """Return averages over an ensemble with their 95 % intervals, and what each member found.

    Args:
        plan: plan of the study.
        ensemble: the ensemble.
        protocol: what was computed.
        found: the files of its members, in order.

    Raises:
        PlanError: the files are not those of the members in order.
    """
    watch = Stopwatch()
    _check_order(ensemble, found.runs)
    reasons = [_left_out(run) for run in found.runs]
    used = np.array([not reason for reason in reasons])
    members = Members(found.runs, used, ensemble.parameters)
    if protocol == "current":
        variables, notes = current_variables(members, found.mobilities)
    else:
        variables, notes = population_variables(members, plan.analysis)
    start = {} if protocol == "current" else {"start": protocol}
    return Result(
        kind="ensemble",
        variables=_listed(ensemble, used) | variables,
        parameters={
            **ensemble.parameters,
            "study": plan.study,
            "point": ensemble.name,
            **start,
        },
        gates=(_gate(reasons),),
        provenance=collect(ensemble.hash, watch, source=_cost(found.runs)),
        notes={**_told(ensemble, reasons), **notes},
    )


def _check_order(ensemble: Ensemble, runs: Sequence[Result]) -> None:
    names = [str(run.parameters.get("point")) for run in runs]
    if names != list(ensemble.members):
        raise PlanError(
            f"ensemble {ensemble.name}: results of {', '.join(names) or 'no point'}; needed are "
            f"those of its members in order, {', '.join(ensemble.members)}"
        )


def _left_out(run: Result) -> str:
    """Return why a member is not averaged, or an empty text."""
    failed = ", ".join(run.failed_gates)
    return run.notes.get("reason", "") or (f"failed {failed}" if failed else "")


def _gate(reasons: Sequence[str]) -> Gate:
    text = "members left out of the averages because their run failed a quality gate"
    return make_gate("members_left_out", float(sum(map(bool, reasons))), 0.0, text)


def _told(ensemble: Ensemble, reasons: Sequence[str]) -> Notes:
    """Return in words which members were left out, and why there is no mean if there is none."""
    pairs = zip(ensemble.members, reasons, strict=True)
    left_out = "; ".join(f"{name}: {reason}" for name, reason in pairs if reason)
    notes = {"left_out": left_out or "none"}
    count = sum(not reason for reason in reasons)
    if count < LEAST_MEMBERS:
        notes["reason"] = (
            f"{count} of {len(reasons)} members may be averaged; {LEAST_MEMBERS} are needed for "
            "a confidence interval: raise disorder.members, or mend the members left out"
        )
    return notes


def _listed(ensemble: Ensemble, used: np.ndarray) -> Variables:
    line = ("member",)
    names = np.array([name.encode() for name in ensemble.members])
    return {
        "member": Variable(np.arange(len(names)), line, "1", "Number of the member, from 0."),
        "members/point": Variable(names, line, "1", "Id of its point."),
        "members/used": Variable(used, line, "1", "Whether it is averaged."),
    }


def _cost(runs: Sequence[Result]) -> dict[str, float]:
    """Return what the members cost together."""
    seconds = [float(run.provenance.get("core_seconds", np.nan)) for run in runs]
    return {"members": len(seconds), "core_seconds": float(np.sum(seconds))}
