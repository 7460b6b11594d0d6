"""What a study will take, job by job: as text, as a table, and against a budget."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from smallpolaron.cost.evidence import Evidence, correction
from smallpolaron.cost.features import features
from smallpolaron.cost.model import read_model
from smallpolaron.cost.prediction import Range
from smallpolaron.planning.jobs import Job
from smallpolaron.planning.resources import JobEstimate, estimate
from smallpolaron.study.plan import Plan

SHOWN: Final = 10
"""Jobs that the text lists: the most expensive ones."""

BUDGET_ADVICE: Final = (
    "raise the budget, ask for less accuracy, or split the study; "
    "python -m smallpolaron cost lists the jobs"
)

COLUMNS: Final = (
    *("protocol", "point", "labels", "labels_factor", "products", "products_factor"),
    *("core_hours", "core_hours_factor", "ranks", "memory_MB_per_rank", "memory_factor"),
    *("file_MB", "file_factor"),
)


@dataclass(frozen=True)
class Item:
    """One job and what it will take."""

    job: Job
    need: JobEstimate


def all_jobs(plan: Plan) -> list[Job]:
    """Return every MPI job of a study, with every size of its ladders."""
    return [
        Job(point, protocol)
        for point in (*plan.points, *plan.rungs)
        for protocol in point.protocols
    ]


def bill(
    plan: Plan,
    jobs: Iterable[Job],
    *,
    speed: float | None = None,
    known: Sequence[Evidence] = (),
) -> list[Item]:
    """Return what jobs of a study will take, the most expensive first.

    Args:
        plan: the study.
        jobs: its jobs.
        speed: of a core, relative to the machine of the cost model; None: as the study says.
        known: what probes and finished jobs tell.

    Raises:
        CostModelError: the cost model does not know such jobs.
    """
    items = [Item(job, _estimate(plan, job, speed, known)) for job in jobs]
    return sorted(items, key=lambda item: -item.need.core_hours.expected)


def _estimate(plan: Plan, job: Job, speed: float | None, known: Sequence[Evidence]) -> JobEstimate:
    parameters, more = job.point.parameters, None
    if known and parameters.is_adaptive:
        more = correction(read_model(), known, features(parameters, job.protocol))
    return estimate(
        parameters, job.protocol, plan.resources, least_ranks=1, speed=speed, correction=more
    )


def total(needs: Iterable[JobEstimate]) -> Range:
    """Return the core-hours of jobs together, with the range if all erred the same way."""
    hours = [need.core_hours for need in needs]
    expected = sum(each.expected for each in hours)
    return Range(expected, sum(each.high for each in hours) / expected) if hours else Range(0.0)


def overdraft(items: Sequence[Item], budget: float) -> str | None:
    """Return why jobs exceed a budget in core-hours, and what dominates; None if they do not.

    BUDGET_ADVICE is what to do.
    """
    asked = total(_needs(items))
    if asked.expected <= budget:
        return None
    first = max(items, key=lambda item: item.need.core_hours.expected)
    kind, most = max(_by_kind(items).items(), key=lambda pair: total(_needs(pair[1])).expected)
    share = 100 * total(_needs(most)).expected / asked.expected
    return (
        f"the {len(items)} jobs are expected to take {hours_text(asked)} core-hours, more than the "
        f"budget of {budget:.3g}; {share:.0f} % of it for {kind} ({len(most)} jobs), "
        f"{first.need.core_hours.expected:.2g} for {first.job.name} alone"
    )


def bill_lines(study: str, items: Sequence[Item], *, everything: bool = False) -> Iterator[str]:
    """Yield the totals by kind and the most expensive jobs."""
    yield f"study {study}: {len(items)} MPI jobs, {hours_text(total(_needs(items)))} core-hours"
    if not items:
        return
    yield ""
    yield from _aligned(_of_kind(*each) for each in (*_by_kind(items).items(), ("total", items)))
    shown = items if everything else items[:SHOWN]
    yield ""
    yield "all jobs:" if len(shown) == len(items) else f"the {len(shown)} most expensive jobs:"
    yield from _aligned(map(_of_job, shown))
    yield from _notes(items)


def _aligned(rows: Iterable[Mapping[str, str]]) -> list[str]:
    import pandas as pd  # takes a while to import

    return pd.DataFrame(list(rows)).to_string(index=False).split("\n")


def _notes(items: Sequence[Item]) -> Iterator[str]:
    """Yield what makes estimates worth less than they look."""
    stopped = sum(item.need.outgrows for item in items)
    if stopped:
        yield (
            f"note: {stopped} jobs are expected to outgrow resources.max_unknowns, where they stop "
            "with a message; ask for less accuracy or allow more"
        )
    parameters = [item.job.point.parameters for item in items]
    unseen = sum(p.is_adaptive and not p.bath.is_one_debye_bath for p in parameters)
    if unseen:
        yield (
            f"note: {unseen} jobs have vibrations or several baths, of which the cost model has "
            "seen none: it extrapolates; --probe looks at them"
        )


def bill_rows(items: Iterable[Item]) -> Iterator[Mapping[str, object]]:
    """Yield one row per job; a factor f means that 90 of 100 truths lie within x/f and x f."""
    for item in items:
        need = item.need
        cells = (
            item.job.protocol,
            item.job.point.id,
            need.unknowns,
            round(need.labels.factor, 3),
            round(need.products.expected),
            round(need.products.factor, 3),
            round(need.core_hours.expected, 6),
            round(need.core_hours.factor, 3),
            need.tasks,
            round(need.memory_MB.expected, 1),
            round(need.memory_MB.factor, 3),
            round(need.file_MB.expected, 3),
            round(need.file_MB.factor, 3),
        )
        yield dict(zip(COLUMNS, cells, strict=True))


def _needs(items: Iterable[Item]) -> list[JobEstimate]:
    return [item.need for item in items]


def _by_kind(items: Iterable[Item]) -> dict[str, list[Item]]:
    kinds: dict[str, list[Item]] = {}
    for item in items:
        kinds.setdefault(item.job.protocol, []).append(item)
    return dict(sorted(kinds.items()))


def _of_kind(kind: str, items: Sequence[Item]) -> dict[str, str]:
    needs, hours = _needs(items), total(_needs(items))
    return {
        "kind": kind,
        "jobs": f"{len(items)}",
        "core-hours": f"{hours.expected:.3g}",
        "90 % range": _span(hours),
        "labels up to": f"{max(need.labels.expected for need in needs):,.0f}",
        "MB/rank up to": f"{max(need.memory_MB.expected for need in needs):.0f}",
        "files, MB": f"{sum(need.file_MB.expected for need in needs):.3g}",
    }


def _of_job(item: Item) -> dict[str, str]:
    need = item.need
    return {
        "core-hours": f"{need.core_hours.expected:.3g}",
        "90 % range": _span(need.core_hours),
        "labels": f"{need.unknowns:,}",
        "labels, 90 % range": "counted" if need.exact else _span(need.labels),
        "ranks": f"{need.tasks}",
        "MB/rank": f"{need.memory_MB.expected:.0f}",
        "file, MB": f"{need.file_MB.expected:.2g}",
        "job": item.job.name,
    }


def _span(value: Range) -> str:
    return f"{_short(value.low)} to {_short(value.high)}"


def _short(value: float) -> str:
    return f"{value:.2g}" if value < 100 else f"{value:,.0f}"


def hours_text(value: Range) -> str:
    """Return core-hours with their range as text."""
    return f"{value.expected:.2g} ({_span(value)})"
