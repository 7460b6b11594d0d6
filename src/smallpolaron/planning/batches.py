"""Batches: small steps of a study that one process makes one after the other.

Starting a process, and on a cluster a job, takes longer than a small point. Batches are formed at
each start of the workflow from what is missing then, so that a grid may grow; see
docs/decisions/0032-batches.md.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from smallpolaron.planning.jobs import Job
from smallpolaron.planning.resources import LEAST_RUNTIME_MIN, RUNTIME_SAFETY, JobEstimate, estimate
from smallpolaron.results.kinds import derived
from smallpolaron.study.plan import Plan
from smallpolaron.support.files import read_bytes, write_text

MOST_ALONE: Final = 20
"""So many small jobs are left to steps of their own, with resources and retries of their own."""
STEPS_PER_BATCH: Final = 8
"""A study is not spread over so many processes that one has fewer jobs than that."""
STEP_S: Final = 0.1
"""What the smallest step takes in a batch, core seconds: all but the physics."""
DRAWING_S: Final = 0.5
"""What drawing a figure takes, core seconds."""
DRAWING_MB: Final = 1000
"""Memory of a process that draws."""
CRITERIA: Final = "criteria.json"
"""File beside the plan, written when the criteria of the analysis change: derived results that are
older are not current."""
_MARK: Final = "$ smallpolaron "
_LARGEST_FILE: Final = 1 << 28


@dataclass(frozen=True)
class Step:
    """One command, and the files by which it is known whether it must run.

    Attributes:
        command: words after ``smallpolaron``.
        output: file that it writes.
        log: file for what it prints; its first line says by which command the output was made.
        sources: files that the output must not be older than.
    """

    command: tuple[str, ...]
    output: str
    log: str
    sources: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """The first line of the log."""
        return _MARK + " ".join(self.command)

    @property
    def made_by(self) -> str:
        """The first line of the log as it is; empty unless a batch wrote it."""
        try:
            with Path(self.log).open(encoding="utf-8", errors="replace") as log:
                line = log.readline().rstrip("\n")
        except OSError:
            return ""
        return line if line.startswith(_MARK) else ""

    @property
    def is_current(self) -> bool:
        """Whether the output is there and what the command would make of its sources."""
        made, output = self.made_by, Path(self.output)
        if not output.exists() or (self.sources and made not in ("", self.said)):
            return False
        written = output.stat().st_mtime_ns
        return all(
            Path(path).exists() and Path(path).stat().st_mtime_ns <= written
            for path in self.sources
        )


@dataclass(frozen=True)
class Work:
    """Steps that belong together, in their order.

    Attributes:
        steps: what is to be done.
        seconds: what it takes, core seconds, expected and at most.
        memory_MB: memory to ask for.
    """

    steps: tuple[Step, ...]
    seconds: float
    most_seconds: float
    memory_MB: int

    def is_due(self, coming: Collection[str]) -> bool:
        """Whether one of the steps must run, also because a source of it is still to come."""
        return any(not s.is_current or not set(s.sources).isdisjoint(coming) for s in self.steps)


@dataclass(frozen=True)
class Batch:
    """What one process does.

    Attributes:
        steps: in their order.
        memory_MB: memory to ask for, MB.
        runtime_min: wall time to ask for, minutes.
    """

    steps: tuple[Step, ...]
    memory_MB: int
    runtime_min: int


def form(
    works: Iterable[Work], minutes: float, at_least: int, coming: Collection[str] = ()
) -> dict[str, Batch]:
    """Deal out what is due to batches, evenly.

    Args:
        works: all that may be batched.
        minutes: how long a batch is to take.
        at_least: batches that can run side by side.
        coming: files that other batches make before.

    Returns:
        Batches by a name that follows from their steps; none if there is little to do that no batch
        has made before: then each step may run alone.
    """
    due = [work for work in works if work.is_due(coming)]
    again = any(step.made_by for work in due for step in work.steps)
    if not due or (len(due) <= MOST_ALONE and not again):
        return {}
    total = sum(work.seconds for work in due)
    count = max(ceil(total / (60.0 * minutes)), min(at_least, ceil(len(due) / STEPS_PER_BATCH)))
    heap: list[tuple[float, int, list[Work]]] = [(0.0, number, []) for number in range(count)]
    for work in sorted(due, key=lambda work: -work.seconds):
        seconds, number, mine = heap[0]
        heapq.heapreplace(heap, (seconds + work.seconds, number, [*mine, work]))
    return {_name(batch.steps): batch for batch in (_batch(mine) for _, _, mine in heap if mine)}


def _batch(works: Sequence[Work]) -> Batch:
    minutes = RUNTIME_SAFETY * sum(work.most_seconds for work in works) / 60.0
    return Batch(
        steps=tuple(step for work in works for step in work.steps),
        memory_MB=max(work.memory_MB for work in works),
        runtime_min=LEAST_RUNTIME_MIN + ceil(minutes),
    )


def _name(steps: Iterable[Step]) -> str:
    text = "\n".join(step.output for step in steps)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def small_jobs(study: Plan, results: Path, minutes: float) -> list[Work]:
    """Return the jobs of a study that are small, each with what is derived from its result.

    Sizes of ladders are not among them: which are needed shows on the way.
    """
    found = []
    for point in study.points:
        for protocol in point.protocols:
            need = estimate(point.parameters, protocol, study.resources, least_ranks=1)
            if need.tasks == 1 and 60.0 * need.core_hours.high <= minutes:
                found.append(_work(Job(point, protocol), need, results))
    return found


def _work(job: Job, need: JobEstimate, results: Path) -> Work:
    common = ("--plan", str(results / "plan.json"))
    current = job.protocol == "current"
    start = () if current else ("--start", job.protocol)
    kind, _, name = job.name.partition("/")
    options = ("--point", job.point.id, *start, "--ranks", "1")
    steps = [_step(results, kind, name, (kind, *common, *options))]
    for kind_of_study in derived().values() if current else ():
        if kind_of_study.of_study:
            source = str(results / kind_of_study.source / f"{name}.h5")
            option = f"--{kind_of_study.source.replace('_', '-')}"
            command = (kind_of_study.command, *common, option, source, "--overwrite")
            sources = (source, str(results / CRITERIA))
            steps.append(_step(results, kind_of_study.name, name, command, sources))
    # a batch starts the program once, not for every job
    return Work(
        steps=tuple(steps),
        seconds=need.work_s.expected + STEP_S * len(steps),
        most_seconds=need.work_s.high + 4.0 * STEP_S * len(steps),
        memory_MB=need.mem_mb_per_cpu,
    )


def _step(
    results: Path, kind: str, name: str, command: tuple[str, ...], sources: tuple[str, ...] = ()
) -> Step:
    output = str(results / kind / f"{name}.h5")
    log = str(results / "logs" / kind / f"{name}.log")
    return Step((*command, "--output", output), output, log, sources)


@dataclass(frozen=True)
class Drawing:
    """A figure that may be drawn in a batch.

    Attributes:
        figure: module in smallpolaron.figures.
        system: of which it is: folder among the figures.
        criteria: further words of its command.
        files: what it is drawn from, by kind.
    """

    figure: str
    system: str
    criteria: str
    files: Mapping[str, Sequence[str]]

    @property
    def sources(self) -> list[str]:
        """All files that it is drawn from."""
        return [path for paths in self.files.values() for path in paths]

    def work(self, results: Path) -> Work:
        """Return it as what may be batched."""
        stem = f"{results}/figures/{self.system}/{self.figure}"
        words = ["figures", self.figure, *self.criteria.split()]
        for kind, paths in self.files.items():
            words += [f"--{kind.replace('_', '-')}", *paths]
        words += ["--figure", f"{stem}.svg", "--numbers", f"{stem}.csv"]
        log = f"{results}/logs/figures/{self.system}/{self.figure}.log"
        step = Step(tuple(words), f"{stem}.svg", log, tuple(self.sources))
        return Work((step,), DRAWING_S, 4.0 * DRAWING_S, DRAWING_MB)


def form_stages(
    study: Plan, results: Path, drawings: Iterable[Drawing], at_least: int
) -> dict[str, dict[str, Batch]]:
    """Return the batches of a study that is about to run: first runs, then figures.

    Args:
        study: its plan.
        results: folder of its results.
        drawings: its figures; those with files that only other steps make are left out.
        at_least: batches that can run side by side.
    """
    minutes = study.resources.batch_minutes
    if not minutes:
        return {}
    works = small_jobs(study, results, minutes)
    runs = form(works, minutes, at_least)
    known = {step.output for work in works for step in work.steps}
    coming = {step.output for batch in runs.values() for step in batch.steps}
    figures = [
        each.work(results)
        for each in drawings
        if all(each.files.values()) and all(p in known or Path(p).exists() for p in each.sources)
    ]
    return {"runs": runs, "figures": form(figures, minutes, at_least, coming)}


def write_batches(path: Path, stages: dict[str, dict[str, Batch]], records: Path) -> None:
    """Write the batches of every stage of a run that begins.

    Args:
        path: file to write.
        stages: the batches.
        records: folder of what is left of batches; that of earlier runs is removed, since a batch
            of the same steps may be due again.
    """
    for record in records.glob("*.*"):
        record.unlink()
    write_text(path, _STAGES.dump_json(stages).decode() + "\n")


def read_batches(path: Path) -> dict[str, dict[str, Batch]]:
    """Return the batches of every stage of a run; none if it has none."""
    return _STAGES.validate_json(read_bytes(path, _LARGEST_FILE)) if path.exists() else {}


_STAGES: Final = TypeAdapter(dict[str, dict[str, Batch]])
