"""From a configuration file to a plan, or to the list of everything that is wrong with it."""

from __future__ import annotations

from pathlib import Path

from smallpolaron import NUMERICS_VERSION
from smallpolaron.studies.canonical import Parameters, scalar_text
from smallpolaron.studies.config import Protocol, Study
from smallpolaron.studies.grid import Assignment, GridPoint, expand
from smallpolaron.studies.parameters import derived, point_hash, refined_expansion, resolve
from smallpolaron.studies.plan import HASH_DIGITS, Plan, Point
from smallpolaron.studies.problems import ConfigurationError, Problem
from smallpolaron.studies.resources import unknowns
from smallpolaron.studies.yamlfile import Document, dotted, read_yaml

LONGEST_LABEL = 120
"""Characters of the readable part of a point id; the rest is in the hash."""


def load_plan(path: str | Path) -> Plan:
    """Read, check and expand a study configuration.

    Raises:
        ConfigurationError: with every fault found, one line each.
    """
    return plan_document(read_yaml(Path(path)))


def plan_document(document: Document) -> Plan:
    """Return the plan of a configuration that has been read; see load_plan."""
    grid = expand(document)
    points, problems = _points(document, grid)
    if (
        not problems
        and "start_site" in document.data
        and not any(set(point.protocols) - {"current"} for point in points)
    ):
        problems.append(_idle_start_site(document))
    if problems:
        raise ConfigurationError(document.source, problems)
    first = grid[0].study
    return Plan(
        study=first.study,
        paper=first.paper,
        numerics_version=NUMERICS_VERSION,
        points=tuple(points),
        analysis=first.analysis,
        resources=first.resources,
    )


def _idle_start_site(document: Document) -> Problem:
    allowed = "has an effect only with the protocols franck_condon or marcus"
    value = document.data["start_site"]
    return Problem("start_site", value, allowed, "remove it", document.line(("start_site",)))


def _points(document: Document, grid: list[GridPoint]) -> tuple[list[Point], list[Problem]]:
    points: list[Point] = []
    problems: list[Problem] = []
    seen: dict[str, Assignment] = {}
    for entry in grid:
        assignment, study = entry.assignment, entry.study
        parameters = resolve(study)
        digest = point_hash(parameters)
        if digest in seen:
            allowed = f"is the same point as {seen[digest].label()}"
            place = ("grid", assignment.block or 0)
            problems.append(
                Problem(
                    dotted(place),
                    assignment.label().partition(", ")[2] or "(no axes)",
                    allowed,
                    "remove one of the two",
                    document.line(place),
                )
            )
            continue
        seen[digest] = assignment
        try:
            _check_size(study, parameters)
            extra = derived(parameters)
        except ValueError as error:
            refuse = _infeasible if study.fixed else _no_expansion
            problems.append(refuse(document, assignment, str(error)))
            continue
        axes = {key: scalar_text(value) for key, value in assignment.values.items()}
        points.append(
            Point(
                id=f"{_label(axes)}-{digest[:HASH_DIGITS]}",
                hash=digest,
                block=assignment.block,
                group=entry.group,
                axes=axes,
                parameters=parameters,
                derived=extra,
                protocols=study.protocols,
            )
        )
    return points, problems


def _check_size(study: Study, parameters: Parameters) -> None:
    if not study.fixed:
        refined_expansion(parameters)
        return
    protocols: tuple[Protocol, ...] = study.protocols
    largest = max(unknowns(parameters, protocol) for protocol in protocols)
    if largest > study.resources.max_unknowns:
        raise ValueError(
            f"the hierarchy has {largest} unknowns, more than resources.max_unknowns = "
            f"{study.resources.max_unknowns}"
        )


def _no_expansion(document: Document, assignment: Assignment, reason: str) -> Problem:
    context = f"at {assignment.label()}" if assignment.values else ""
    section = document.data.get("bath")
    given = section.get("terms", "auto") if isinstance(section, dict) else "auto"
    value = assignment.values.get("bath.terms", given)
    line = document.line(assignment.path("bath.terms"))
    advice = "give bath.terms a number, or raise bath.error_bound or accuracy"
    return Problem("bath.terms", value, reason, advice, line, context)


def _infeasible(document: Document, assignment: Assignment, reason: str) -> Problem:
    context = f"at {assignment.label()}" if assignment.values else ""
    advice = "lower hierarchy.depth, bath.terms or model.n_sites, or raise the limit named"
    path = ("grid", assignment.block, 0) if assignment.block is not None else ("hierarchy",)
    line = document.line(tuple(p for p in path if p is not None))
    return Problem("hierarchy.depth", _depth(document, assignment), reason, advice, line, context)


def _depth(document: Document, assignment: Assignment) -> object:
    if "hierarchy.depth" in assignment.values:
        return assignment.values["hierarchy.depth"]
    section = document.data.get("hierarchy")
    return section.get("depth") if isinstance(section, dict) else None


def _label(axes: dict[str, str]) -> str:
    """Return the readable part of a point id: ``n_sites~6__eta_over_v~2``, bounded in length."""
    label = ""
    for key, text in axes.items():
        part = f"{key.rpartition('.')[2]}~{text}"
        longer = f"{label}__{part}" if label else part
        if len(longer) > LONGEST_LABEL:
            break
        label = longer
    return label or "point"
