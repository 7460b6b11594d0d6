"""What a study will compute, as text: its jobs with what they ask for, and what a run will cost."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from smallpolaron.planning.batches import Batch
from smallpolaron.planning.bill import hours_text, total
from smallpolaron.planning.jobs import decided, jobs_of
from smallpolaron.planning.resources import JobEstimate, estimate
from smallpolaron.study.plan import Plan


def upper_bound(jobs: int, ladders: int) -> str:
    """Return what has to be said about a number of jobs that are sizes of ladders."""
    plural = "s" if ladders > 1 else ""
    return (
        f"{jobs} of them in {ladders} finite-size ladder{plural}: an upper bound, "
        "a ladder ends where D has converged"
    )


def plan_text(plan: Plan) -> str:
    """Return a plan as text for the terminal: one line per job and the total cost."""
    jobs = [
        (point.id, protocol, estimate(point.parameters, protocol, plan.resources))
        for point in (*plan.points, *plan.rungs)
        for protocol in point.protocols
    ]
    hours = sum(need.core_hours.expected for _, _, need in jobs)
    summary = (
        f"study {plan.study}: {len(plan.points) + len(plan.rungs)} points, {len(jobs)} MPI jobs, "
        f"about {hours:.2g} core hours; memory in MB per rank, wall-time limits in minutes"
        + ("" if all(need.exact for _, _, need in jobs) else "; ~ an estimate: adaptive")
    )
    if plan.ladders:
        summary += f"; {upper_bound(len(plan.rungs), len(plan.ladders))}"
    return "\n".join([summary, *need_lines(jobs, longest=len(jobs))])


def need_lines(
    jobs: Sequence[tuple[str, str, JobEstimate]], overhead_MB: int = 0, longest: int = 25
) -> list[str]:
    """Return what MPI jobs ask for as text, one line each, the most expensive first.

    Args:
        jobs: point, protocol and estimate of each.
        overhead_MB: memory per rank beyond the estimate.
        longest: jobs listed at most.
    """
    if not jobs:
        return []
    lines = [f"{'unknowns':>12} {'ranks':>6} {'MB/rank':>8} {'limit':>8}  protocol       point"]
    ordered = sorted(jobs, key=lambda job: -job[2].core_hours.expected)
    for point, protocol, asked in ordered[:longest]:
        lines.append(
            f"{asked.size:>12} {asked.tasks:>6} {asked.mem_mb_per_cpu + overhead_MB:>8}"
            f" {asked.runtime_min:>4} min  {protocol:<13}  {point}"
        )
    if len(jobs) > longest:
        lines.append(f"... and {len(jobs) - longest} cheaper jobs")
    return lines


def outlook_text(
    study: Plan,
    results: Path,
    systems: int,
    least_ranks: int,
    overhead_MB: int,
    targets: Mapping[str, Collection[str]],
    batches: Collection[Batch] = (),
) -> str:
    """Return what a run will cost.

    Args:
        study: its plan.
        results: folder of its results.
        systems: number of its physical systems.
        least_ranks: fewest MPI ranks of a job.
        overhead_MB: memory per rank beyond the estimates.
        targets: the names of the jobs behind each target; none for the whole study.
        batches: those in which small jobs are packed.
    """
    wanted = {name for names in targets.values() for name in names}
    jobs = [
        (job, estimate(job.point.parameters, job.protocol, study.resources, 1, least_ranks))
        for job in jobs_of(study, results)
        if not (results / f"{job.name}.h5").exists() and (not targets or job.name in wanted)
    ]
    hours = hours_text(total(need for _, need in jobs))
    lines = [
        *(f"Target {target}:" for target in targets),
        f"Study {study.study}: {len(study.points) + len(study.rungs)} points in {systems} physical "
        f"systems; {len(jobs)} MPI jobs to compute, about {hours} core-hours.",
    ]
    packed = {step.output for batch in batches for step in batch.steps}
    if small := sum(str(results / f"{job.name}.h5") in packed for job, _ in jobs):
        lines.append(f"{small} of them are small: {len(batches)} batches, each of one process.")
    climbing = [ladder for ladder in study.ladders if not decided(results, ladder)[1]]
    sizes = {rung.id for ladder in climbing for rung in ladder.rungs}
    sizes -= {point.id for point in study.points}
    if climbing:
        open_ended = sum(job.point.id in sizes for job, _ in jobs)
        lines.append(f"{upper_bound(open_ended, len(climbing))}.")
    needs = [(job.point.id, job.protocol, need) for job, need in jobs]
    return "\n".join([*lines, *need_lines(needs, overhead_MB)])
