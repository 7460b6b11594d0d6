"""Which results of a study there are, and why the others are missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from smallpolaron.planning.jobs import Job, computed, decided
from smallpolaron.planning.status import status
from smallpolaron.study.plan import Plan, Point

_ANALYSES: Final = ("mobility", "kernel", "drude_smith")
"""What the figures and tables need of every current, beside the run itself."""


def present(plan: Plan, results: Path, *, analysed: bool = True) -> Plan:
    """Return the part of a plan whose results there are.

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
            _file(results, "ladder", ladder.name).exists()
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
                _file(results, "ensemble", name).exists()
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
            logs = ", ".join(str(_log(results, kind, each.job.point.id)) for kind in lacking)
            found[each.job.name] = f"computed, but not analysed: see {logs}"
    return found


def _lacking(job: Job, results: Path, analysed: bool) -> list[str]:
    """Return the kinds of files that a job, and with ``analysed`` its analysis, has not left."""
    kind, _, name = job.name.partition("/")
    more = _ANALYSES if analysed and job.protocol == "current" else ()
    return [each for each in (kind, *more) if not _file(results, each, name).exists()]


def _file(results: Path, kind: str, name: str) -> Path:
    return results / kind / f"{name}.h5"


def _log(results: Path, kind: str, name: str) -> Path:
    return results / "logs" / kind / f"{name}.log"
