"""What there is of a study, each file read once: for its tables, its quality gates, its answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from smallpolaron.derive.tensor_job import first_of_each
from smallpolaron.planning.jobs import Job, computed
from smallpolaron.planning.present import absences, present
from smallpolaron.planning.status import record_of
from smallpolaron.results.store import Result
from smallpolaron.runs.inputs import read_input
from smallpolaron.study.plan import Plan, read_plan


@dataclass(frozen=True)
class StudyResults:
    """The results of a study so far.

    Attributes:
        folder: where they are, beside the plan.
        whole: the plan, its points with the sizes of ladders as far as they are climbed.
        plan: the part of it that has been computed and analysed.
        missing: why others are missing, by the names of their jobs.
        runs: records of the runs, without numbers.
        mobilities: of all points but the members of ensembles, whose mean counts.
        early: mobilities of points whose analysis is not finished: figures and tables leave them
            out, but a mobility is an answer.
        tensors, ladders, ensembles: those that are finished.
    """

    folder: Path
    whole: Plan
    plan: Plan
    missing: Mapping[str, str]
    runs: Sequence[Result]
    mobilities: Sequence[Result]
    early: Sequence[Result]
    tensors: Sequence[Result]
    ladders: Sequence[Result]
    ensembles: Sequence[Result]


def read_study_results(folder: Path) -> StudyResults:
    """Read the results of a study so far.

    Args:
        folder: results/<study>, with its plan.json.

    Raises:
        PlanError: there is no plan that can be used.
        StoreError: a result file is damaged.
    """
    whole = computed(read_plan(folder / "plan.json"), folder)
    plan = present(whole, folder)
    jobs = [Job(point, protocol) for point in plan.points for protocol in point.protocols]
    members = {name for ensemble in whole.ensembles for name in ensemble.members}
    currents = [p.id for p in plan.with_protocol("current") if p.id not in members]
    others = {p.id for p in whole.with_protocol("current")} - {*currents, *members}
    averages = [name for ensemble in plan.ensembles for name in ensemble.run_names]

    def read(kind: str, names: Sequence[str]) -> list[Result]:
        return [read_input(folder / kind / f"{name}.h5", (kind,)) for name in names]

    def there(kind: str, names: Iterable[str]) -> list[str]:
        return [name for name in names if (folder / kind / f"{name}.h5").exists()]

    return StudyResults(
        folder=folder,
        whole=whole,
        plan=plan,
        missing=absences(whole, folder),
        runs=[record_of(folder / f"{job.name}.h5") for job in jobs],
        mobilities=read("mobility", currents),
        early=read("mobility", there("mobility", others)),
        tensors=read("tensor", there("tensor", (p.id for p in first_of_each(plan.points)))),
        ladders=read("ladder", [ladder.name for ladder in plan.ladders]),
        ensembles=read("ensemble", averages),
    )
