"""All faults: what they do, how many of every hundred trials they get, what they need."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from tests.torture import disk_faults, file_faults, signal_faults, workflow_faults
from tests.torture.damage import flip, truncate
from tests.torture.trial import Trial

Level = Literal["job", "ranks", "workflow"]


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Attributes:
        name: on the command line and in the report.
        weight: its share of the trials, relative to the others.
        level: a job on one rank, on two, or the workflow.
        does: what is done, in words.
        make: does it.
    """

    name: str
    weight: int
    level: Level
    does: str
    make: Callable[[Trial], None]


FAULTS: Final = (
    Fault(
        "job-sigkill",
        24,
        "job",
        "SIGKILL to a job at random times, up to three times in a row",
        signal_faults.signalled(signal.SIGKILL),
    ),
    Fault("job-sigterm", 16, "job", "SIGTERM, likewise", signal_faults.signalled(signal.SIGTERM)),
    Fault("job-sigusr1", 16, "job", "SIGUSR1, likewise", signal_faults.signalled(signal.SIGUSR1)),
    Fault("job-ctrl-c", 6, "job", "SIGINT, likewise", signal_faults.signalled(signal.SIGINT)),
    Fault(
        "rank-killed",
        12,
        "ranks",
        "SIGKILL to one of two MPI ranks",
        signal_faults.one_rank(signal.SIGKILL),
    ),
    Fault(
        "rank-warned",
        6,
        "ranks",
        "SIGTERM or SIGUSR1 to one of two MPI ranks",
        signal_faults.one_rank(signal.SIGTERM, signal.SIGUSR1),
    ),
    Fault(
        "limit-warned",
        8,
        "job",
        "time limit shorter than the job, SIGUSR1 at its end; submitted again",
        signal_faults.time_limit(signal.SIGUSR1),
    ),
    Fault(
        "limit-killed",
        8,
        "job",
        "time limit shorter than the job, SIGKILL at its end; submitted again",
        signal_faults.time_limit(signal.SIGKILL),
    ),
    Fault(
        "second-job",
        6,
        "job",
        "the same job started twice, with the same output",
        signal_faults.second_job,
    ),
    Fault(
        "clock-in-job",
        8,
        "job",
        "the clock of a job jumps by up to a year; the job is killed and goes on",
        signal_faults.clock_jump,
    ),
    Fault("log-full", 2, "job", "the log of a job is on a full disk", signal_faults.log_full),
    Fault(
        "disk-too-small",
        10,
        "job",
        "a disk (tmpfs) too small for checkpoints or result; room is made afterwards",
        disk_faults.too_small,
    ),
    Fault(
        "disk-fills",
        8,
        "job",
        "the disk (tmpfs) fills while a job runs; room is made afterwards",
        disk_faults.filled,
    ),
    Fault(
        "file-size-limit",
        8,
        "job",
        "files may not exceed a size (RLIMIT_FSIZE)",
        disk_faults.limited,
    ),
    Fault(
        "folder-read-only",
        8,
        "job",
        "the folder becomes read-only (tmpfs remounted; without root by chmod)",
        disk_faults.read_only,
    ),
    Fault(
        "checkpoint-cut",
        10,
        "job",
        "some checkpoints of a killed job truncated",
        file_faults.checkpoint(truncate),
    ),
    Fault(
        "checkpoint-flipped",
        10,
        "job",
        "a bit flipped in some checkpoints of a killed job",
        file_faults.checkpoint(flip),
    ),
    Fault("result-cut", 10, "job", "a finished result truncated", file_faults.result(truncate)),
    Fault(
        "result-flipped", 14, "job", "a bit flipped in a finished result", file_faults.result(flip)
    ),
    Fault(
        "workflow-killed",
        6,
        "workflow",
        "SIGKILL to Snakemake alone; it is started again while its jobs still run",
        workflow_faults.killed,
    ),
    Fault(
        "power-failure",
        6,
        "workflow",
        "SIGKILL to Snakemake and all its jobs",
        workflow_faults.power_failure,
    ),
    Fault(
        "workflow-ended",
        6,
        "workflow",
        "SIGTERM to Snakemake, or SIGINT to it and its jobs (Ctrl-C)",
        workflow_faults.ended_early,
    ),
    Fault(
        "second-workflow",
        4,
        "workflow",
        "a second workflow started in the same folder",
        workflow_faults.second_workflow,
    ),
    Fault(
        "workflow-disk-full",
        4,
        "workflow",
        "the disk (tmpfs) fills while the workflow runs",
        workflow_faults.disk_full,
    ),
    Fault(
        "workflow-read-only",
        4,
        "workflow",
        "all is killed and started again in a folder that is read-only",
        workflow_faults.read_only,
    ),
    Fault(
        "clock-of-files",
        6,
        "workflow",
        "all is killed and the times of its files shifted by up to a year",
        workflow_faults.clock_jump,
    ),
    Fault(
        "workflow-result-cut",
        2,
        "workflow",
        "a result of a finished workflow truncated",
        workflow_faults.damaged(truncate),
    ),
    Fault(
        "workflow-result-flipped",
        2,
        "workflow",
        "a bit flipped in a result of a finished workflow",
        workflow_faults.damaged(flip),
    ),
)


def shares(faults: tuple[Fault, ...], count: int) -> list[int]:
    """Return how many of so many trials each fault gets: by weight, at least one, summing up.

    Raises:
        ValueError: fewer trials than faults.
    """
    if count < len(faults):
        raise ValueError(f"{count} trials are too few for {len(faults)} faults")
    total = sum(fault.weight for fault in faults)
    spare = count - len(faults)
    exact = [spare * fault.weight / total for fault in faults]
    found = [1 + int(each) for each in exact]
    by_rest = sorted(range(len(faults)), key=lambda i: int(exact[i]) - exact[i])
    for i in by_rest[: count - sum(found)]:
        found[i] += 1
    return found
