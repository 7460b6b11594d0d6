"""Which results of a study there are, and why the others are missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from smallpolaron.planning.jobs import Job, computed, decided
from smallpolaron.planning.status import record_of, status
from smallpolaron.study.plan import Plan, Point
from smallpolaron.support.problems import StoreError

_ANALYSES: Final = ("mobility", "kernel", "drude_smith")
"""What the figures and tables need of every current, beside the run itself."""


def present(plan: Plan, results: Path, *, analysed: bool = True) -> Plan:
    """Return the part of a plan whose results there are; a damaged file counts as none.

    Points keep the protocols that have results; sizes of ladders are among the points. Ensembles
    keep all members: their files say which of them are averaged.

    Args:
        plan: plan of the study.
        results: folder of its results.
        analysed: leave out what has not been analysed: currents without the files derived from
            them, ladders and ensembles without a file; False to keep what can be.

    Raises:
        PlanError: a decision file of a ladder is damaged.
    """

    def kept(point: Point) -> Point:
        jobs = [Job(point, protocol) for protocol in point.protocols]
        found = tuple(job.protocol for job in jobs if not _lacking(job, results, analysed))
        return replace(point, protocols=found)

    points = tuple(p for p in map(kept, computed(plan, results).points) if p.protocols)
    runs = {Job(point, protocol).name for point in points for protocol in point.protocols}
    ladders = tuple(
        ladder
        for ladder in plan.ladders
        if (
            not _trouble(_file(results, "ladder", ladder.name))
            if analysed
            else decided(results, ladder)[1]
        )
    )
    ensembles = []
    for ensemble in plan.ensembles:
        found = tuple(
            protocol
            for name, protocol in ensemble.run_names.items()
            if (
                not _trouble(_file(results, "ensemble", name))
                if analysed
                else any(Job(plan.point(m), protocol).name in runs for m in ensemble.members)
            )
        )
        if found:
            ensembles.append(replace(ensemble, protocols=found))
    return replace(plan, points=points, ladders=ladders, ensembles=tuple(ensembles))


def absences(plan: Plan, results: Path) -> dict[str, str]:
    """Return why results are missing, by the names of their jobs; empty if none is."""
    found = {}
    for each in status(plan, results):
        if each.state not in ("done", "flagged"):
            # asked between runs, when a log that has not ended well is that of a job killed
            state = "ended without a result" if each.state == "running" else each.state
            detail = each.detail.removeprefix("error: ")
            found[each.job.name] = ": ".join(filter(None, (state, detail)))
        elif lacking := _lacking(each.job, results, analysed=True):
            logs = (f"{results}/logs/{kind}/{each.job.point.id}.log" for kind in lacking)
            texts = (text or f"see {log}" for text, log in zip(lacking.values(), logs, strict=True))
            found[each.job.name] = f"computed, but not analysed: {'; '.join(texts)}"
    return found


def _lacking(job: Job, results: Path, analysed: bool) -> dict[str, str]:
    """Return the kinds of files that a job, and with ``analysed`` its analysis, has not left.

    With each of them what is wrong with the file; empty where there is none.
    """
    kind, _, name = job.name.partition("/")
    more = _ANALYSES if analysed and job.protocol == "current" else ()
    found = {each: _trouble(_file(results, each, name)) for each in (kind, *more)}
    return {each: trouble.strip() for each, trouble in found.items() if trouble}


def _trouble(path: Path) -> str:
    """Return why a result cannot be shown: a blank where it is missing, nothing where it can."""
    try:
        record_of(path)
    except FileNotFoundError:
        return " "
    except StoreError as error:
        return str(error)
    return ""


def _file(results: Path, kind: str, name: str) -> Path:
    return results / kind / f"{name}.h5"
