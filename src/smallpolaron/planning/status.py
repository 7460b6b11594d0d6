"""How far a study is: its MPI jobs, from the files of results and the logs of the jobs."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, get_args

from smallpolaron.planning.jobs import Job, jobs_of
from smallpolaron.planning.resources import estimate
from smallpolaron.results.store import Result, read_record
from smallpolaron.study.plan import Plan
from smallpolaron.support.problems import StoreError
from smallpolaron.support.unavailable import Unreadable

State = Literal["done", "flagged", "running", "failed", "unreadable", "waiting"]
STATES: Final[tuple[State, ...]] = get_args(State)

LONGEST_SILENCE_S: Final = 900.0
"""A job that writes nothing to its log for longer is taken to be dead; propagations report every
ten seconds, solves and set-up in between."""

_TAIL_BYTES: Final = 8192
_PROGRESS: Final = re.compile(
    r"^(?P<label>.*): (?P<at>[\d.]+) of (?P<end>[\d.]+) fs, .*about (?P<left>[\d.]+|inf) s left"
)
_STOPPED: Final = re.compile(r"^point \S+: (stopped by SIG\w+; .*|.*: cannot be read now .*)")
_FAILURE: Final = re.compile(
    r"^(error: |rank \d+ of \d+ failed|\w*(Error|Exception)\b|Traceback|slurmstepd: error"
    r"|=+ +BAD TERMINATION|Killed|Segmentation fault)"
)


@dataclass(frozen=True)
class JobStatus:
    """How far one job is.

    Attributes:
        job: the job.
        state: done; flagged (done, but a quality gate failed); running; failed; unreadable (it
            is there, but cannot be read now); waiting.
        detail: failed gates, what is going on, the reason of the failure, or why it stopped.
        expected_s: core seconds that the whole job is expected to take.
        measured_s: core seconds that it took; None if that is not known.
        part_left_s: seconds left of the present part of a running job.
        seconds_left: core seconds still needed, roughly; 0 when done.
    """

    job: Job
    state: State
    detail: str
    expected_s: float
    measured_s: float | None = None
    part_left_s: float = 0.0
    seconds_left: float = 0.0


def status(plan: Plan, results: Path, now: float | None = None) -> list[JobStatus]:
    """Return how far the jobs of a study are.

    The resource model is scaled to what the jobs done so far took.

    Args:
        plan: plan of the study.
        results: folder of its results, with their logs in logs/.
        now: time in s since the epoch; None for the clock.
    """
    clock = time.time() if now is None else now
    seen = [_look(plan, results, job, clock) for job in jobs_of(plan, results)]
    known = [each for each in seen if each.measured_s is not None]
    expected = sum(each.expected_s for each in known)
    scale = sum(each.measured_s or 0.0 for each in known) / expected if expected > 0 else 1.0
    return [replace(each, seconds_left=_seconds_left(each, scale)) for each in seen]


def _look(plan: Plan, results: Path, job: Job, now: float) -> JobStatus:
    result, log = results / f"{job.name}.h5", results / "logs" / f"{job.name}.log"
    need = estimate(job.point.parameters, job.protocol, plan.resources)
    seen = JobStatus(job, "waiting", "", 3600.0 * need.core_hours.expected)
    if not result.exists():
        return _read_log(seen, log, now) if log.is_file() else seen
    try:
        record = record_of(result)
    except StoreError as error:
        state: State = "unreadable" if isinstance(error, Unreadable) else "failed"
        return replace(seen, state=state, detail=str(error))
    found = record.provenance.get("core_seconds")
    return replace(
        seen,
        state="flagged" if record.flagged else "done",
        detail=", ".join(record.failed_gates),
        measured_s=found if isinstance(found, float) else None,
    )


def record_of(path: Path) -> Result:
    """Read a record, once for every version of its file, so that watching is cheap.

    Raises:
        StoreError: as read_record.
    """
    return _record(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=100_000)
def _record(path: Path, _: int) -> Result:
    return read_record(path)


def _read_log(seen: JobStatus, log: Path, now: float) -> JobStatus:
    """Return what the log of a job without a result says."""
    lines = [line for line in _tail(log) if line.strip()]
    stopped = [found[1] for line in lines if (found := _STOPPED.match(line))]
    if stopped:
        # until it is submitted again: then a new log takes the place of this one
        return replace(seen, detail=stopped[-1])
    failures = [line for line in lines if _FAILURE.match(line)]
    silent = now - log.stat().st_mtime
    if failures:
        # a traceback says what happened in its last line
        return replace(seen, state="failed", detail=f"{failures[-1].strip()} ({log})")
    if silent > LONGEST_SILENCE_S:
        detail = f"silent for {silent / 60:.0f} min, killed? ({log})"
        return replace(seen, state="failed", detail=detail)
    for line in reversed(lines):
        if found := _PROGRESS.match(line):
            share, left = 100.0 * float(found["at"]) / float(found["end"]), float(found["left"])
            text = f"{found['label']}: {share:.0f} %, {duration(left)} left in this part"
            return replace(seen, state="running", detail=text, part_left_s=left)
    return replace(seen, state="running", detail=lines[-1].strip() if lines else "starting")


def _tail(path: Path) -> list[str]:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        return file.read().decode("utf-8", errors="replace").splitlines()


def _seconds_left(seen: JobStatus, scale: float) -> float:
    if seen.state in ("done", "flagged", "unreadable"):
        return 0.0
    whole = scale * seen.expected_s
    # nobody knows how many parts a running job has behind it: half of them, for the average
    return max(seen.part_left_s, 0.5 * whole) if seen.state == "running" else whole


def duration(seconds: float) -> str:
    """Return a time as text with one unit: 45 s, 12 min, 3.2 h."""
    if not seconds < float("inf"):
        return "unknown time"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def status_lines(study: str, found: Sequence[JobStatus], cores: int) -> Iterator[str]:
    """Yield the table of a study, its jobs that need attention and what is left."""
    yield f"study {study}: {len(found)} MPI jobs"
    yield "  ".join(["protocol".ljust(13), *(state.rjust(10) for state in STATES)])
    for protocol in dict.fromkeys(each.job.protocol for each in found):
        counts = [
            sum(each.job.protocol == protocol and each.state == state for each in found)
            for state in STATES
        ]
        yield "  ".join([protocol.ljust(13), *(str(count).rjust(10) for count in counts)])
    for state in ("failed", "unreadable", "flagged", "running"):
        for each in found:
            if each.state == state:
                yield f"{state}: {each.job.name}: {each.detail}"
    left = sum(each.seconds_left for each in found)
    if left:
        yield (
            f"about {left / 3600:.2g} core-hours left, {duration(left / cores)} on {cores} cores"
        )
    else:
        yield "all MPI jobs are done"
