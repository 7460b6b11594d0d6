"""What a run of a study will take, as text for a dry run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from smallpolaron.derive.tables import need_lines, upper_bound
from smallpolaron.planning.batches import Batch
from smallpolaron.planning.bill import hours_text, total
from smallpolaron.planning.jobs import decided, jobs_of
from smallpolaron.planning.resources import estimate
from smallpolaron.study.plan import Plan


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
