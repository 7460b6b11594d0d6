"""From a configuration file to a plan, or to the list of everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from smallpolaron import NUMERICS_VERSION
from smallpolaron.planning.bill import BUDGET_ADVICE, all_jobs, bill, overdraft
from smallpolaron.planning.resources import unknowns
from smallpolaron.study.config import Study
from smallpolaron.study.disorder_section import ensemble_parameters, member_parameters
from smallpolaron.study.grid import AXIS_NAMES, MAX_POINTS, Assignment, GridPoint, expand
from smallpolaron.study.overrides import overridden
from smallpolaron.study.own_units import in_own_units
from smallpolaron.study.parameters import Parameters, bath_expansion, derived
from smallpolaron.study.plan import HASH_DIGITS, Ensemble, Ladder, Plan, Point
from smallpolaron.study.resolve import resolve
from smallpolaron.study.sections import CONVERGED
from smallpolaron.study.yamlfile import Document, dotted, read_yaml
from smallpolaron.support.canonical import scalar_text
from smallpolaron.support.problems import MOST_PROBLEMS, ConfigurationError, Problem

LONGEST_LABEL = 120
"""Characters of the readable part of a point id; the rest is in the hash."""


def load_plan(
    path: str | Path,
    changes: Mapping[str, object] = MappingProxyType({}),
    *,
    within_budget: bool = True,
) -> Plan:
    """Read, check and expand a study configuration.

    Args:
        path: the study file.
        changes: values in place of those in the file, by dotted key.
        within_budget: refuse a study that is expected to exceed resources.max_core_hours.

    Raises:
        ConfigurationError: with every fault found, one line each.
    """
    document = overridden(read_yaml(Path(path)), changes, "--set")
    return plan_document(document, within_budget=within_budget)


def plan_document(document: Document, *, within_budget: bool = True) -> Plan:
    """Return the plan of a configuration that has been read; see load_plan."""
    document = in_own_units(document)
    grid = expand(document)
    made = _Points(document)
    for entry in grid:
        if not entry.rungs and not entry.study.disorder.present:
            made.add(entry)
    for entry in grid:
        if entry.check is not None:
            made.add(entry.check, again=True)
    disordered = [entry for entry in grid if entry.study.disorder.present]
    too_many = _too_many(document, len(grid), disordered)
    ensembles = () if too_many else made.ensembles(disordered)
    points = tuple(made.points.values())
    ladders = made.ladders(entry for entry in grid if entry.rungs)
    idle = []
    if "ladder" in document.data and not ladders:
        allowed = "has an effect only where model.n_sites is converged"
        advice, line = "remove it, or write model.n_sites: converged", document.line(("ladder",))
        idle = [Problem("ladder", document.data["ladder"], allowed, advice, line)]
    first = grid[0].study
    if problems := too_many or made.problems or idle:
        raise ConfigurationError(document.source, problems)
    plan = Plan(
        study=first.study,
        paper=first.paper,
        numerics_version=NUMERICS_VERSION,
        points=points,
        ladders=ladders,
        ensembles=ensembles,
        ladder=first.ladder,
        analysis=first.analysis,
        resources=first.resources,
    )
    if within_budget:
        _keep_budget(document, plan)
    return plan


def _keep_budget(document: Document, plan: Plan) -> None:
    """Refuse a study that is expected to take more than its budget."""
    budget = plan.resources.max_core_hours
    refusal = overdraft(bill(plan, all_jobs(plan)), budget) if budget else None
    if refusal:
        key = "resources.max_core_hours"
        line = document.line(("resources", "max_core_hours"))
        problem = Problem(key, budget, f"is too little: {refusal}", BUDGET_ADVICE, line)
        raise ConfigurationError(document.source, [problem])


def _too_many(document: Document, entries: int, disordered: Sequence[GridPoint]) -> list[Problem]:
    """Refuse more members of ensembles than a study may have points."""
    total = entries + sum(entry.study.disorder.members - 1 for entry in disordered)
    if total <= MAX_POINTS:
        return []
    allowed = f"must give at most {MAX_POINTS} points, members of ensembles included"
    line = document.line(("disorder", "members"))
    return [Problem("disorder.members", f"{total} points", allowed, "split the study", line)]


class _Points:
    """Makes the points and ladders of a study, and keeps what is wrong with them."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self.points: dict[str, Point] = {}
        self.first: dict[str, Assignment] = {}

    def add(
        self, entry: GridPoint, *, again: bool = False, member: int | None = None
    ) -> Point | None:
        """Return the point of an entry, or None when it is refused.

        Args:
            entry: a point of the grid, a size of a ladder or its infinite ring.
            again: whether it may be one that was added before.
            member: number of a member of an ensemble; None for a point without disorder.
        """
        parameters = resolve(entry.study)
        if member is not None:
            disorder, bonds = entry.study.disorder, entry.study.model.bonds
            parameters = member_parameters(parameters, disorder, member, bonds)
        digest = parameters.hash
        if digest not in self.first:
            self.first[digest] = entry.assignment
            self._make(entry, parameters, digest, member)
        elif not again:
            allowed = f"is the same point as {self.first[digest].label()}"
            self._refuse_twice(entry.assignment, allowed)
        return self.points.get(digest)

    def _make(
        self, entry: GridPoint, parameters: Parameters, digest: str, member: int | None
    ) -> None:
        if len(self.problems) > MOST_PROBLEMS:
            return  # the first ones are shown; to find that a point is wrong can take a second
        assignment, study = entry.assignment, entry.study
        try:
            _check_size(study, parameters)
            extra = derived(parameters)
        except ValueError as error:
            self.problems.append(_impossible(self.document, entry, str(error)))
            return
        axes = {key: scalar_text(value) for key, value in assignment.values.items()}
        label = _label(axes)
        if member is not None:
            axes.pop("disorder.members", None)  # ensembles of all sizes share their members
            label = f"{_label(axes)}__member~{member}"
        self.points[digest] = Point(
            id=f"{label}-{digest[:HASH_DIGITS]}",
            hash=digest,
            block=assignment.block,
            group=entry.group,
            axes=axes,
            parameters=parameters,
            derived=extra,
            protocols=study.protocols,
        )

    def ladders(self, entries: Iterable[GridPoint]) -> tuple[Ladder, ...]:
        """Return the ladders of a study."""
        found: dict[str, Ladder] = {}
        for entry in entries:
            rungs = [self.add(rung, again=True) for rung in entry.rungs]
            check = None if entry.check is None else self.add(entry.check, again=True)
            made = tuple(rung for rung in rungs if rung is not None)
            if not made:
                continue
            ladder = _ladder(entry.assignment, made, check)
            if ladder.hash in found:
                self._refuse_twice(entry.assignment, f"is the same ladder as {ladder.name}")
            found[ladder.hash] = ladder
        return tuple(found.values())

    def ensembles(self, entries: Iterable[GridPoint]) -> tuple[Ensemble, ...]:
        """Add the members of the ensembles of a study and return the ensembles."""
        found: dict[str, Ensemble] = {}
        for entry in entries:
            numbers = range(entry.study.disorder.members)
            members = [self.add(entry, again=True, member=number) for number in numbers]
            ids = tuple(member.id for member in members if member is not None)
            ensemble = _ensemble(entry, ids)
            if ensemble.hash in found:
                self._refuse_twice(entry.assignment, f"is the same ensemble as {ensemble.name}")
            found[ensemble.hash] = ensemble
        return tuple(found.values())

    def _refuse_twice(self, assignment: Assignment, allowed: str) -> None:
        place = ("grid", assignment.block or 0)
        value = assignment.label().partition(", ")[2] or "(no axes)"
        line = self.document.line(place)
        self.problems.append(Problem(dotted(place), value, allowed, "remove one of the two", line))


def _ladder(assignment: Assignment, rungs: tuple[Point, ...], check: Point | None) -> Ladder:
    digest = rungs[0].parameters.changed(model={"n_sites": CONVERGED}).hash
    name = _name(assignment.changed({"model.n_sites": CONVERGED}), digest)
    return Ladder(name, digest, rungs, None if check is None else check.id)


def _ensemble(entry: GridPoint, members: tuple[str, ...]) -> Ensemble:
    parameters = ensemble_parameters(resolve(entry.study), entry.study.disorder)
    name = _name(entry.assignment, parameters.hash)
    protocols = entry.study.protocols
    return Ensemble(name, parameters.hash, entry.group, parameters, members, protocols)


def _name(assignment: Assignment, digest: str) -> str:
    axes = {key: scalar_text(value) for key, value in assignment.values.items()}
    return f"{_label(axes)}-{digest[:HASH_DIGITS]}"


def _check_size(study: Study, parameters: Parameters) -> None:
    if not study.fixed:
        bath_expansion(parameters)
        return
    largest = max(unknowns(parameters, protocol) for protocol in study.protocols)
    if largest > study.resources.max_unknowns:
        raise ValueError(
            f"the hierarchy has {largest} unknowns, more than resources.max_unknowns = "
            f"{study.resources.max_unknowns}"
        )


def _impossible(document: Document, entry: GridPoint, reason: str) -> Problem:
    """Return the problem of a bath without an expansion, or of a hierarchy that is too large."""
    assignment, key, place = entry.assignment, "bath.terms", entry.assignment.path("bath.terms")
    advice = "give bath.terms a number, or raise bath.error_bound or accuracy"
    if entry.study.fixed:
        key, block = "hierarchy.depth", assignment.block
        place = ("hierarchy",) if block is None else ("grid", block, 0)
        advice = (
            "lower hierarchy.depth, bath.terms or the number of sites, or raise the limit named"
        )
    section, _, name = key.partition(".")
    value = assignment.values.get(key, getattr(getattr(entry.study, section), name))
    context = f"at {assignment.label()}" if assignment.values else ""
    return Problem(key, value, reason, advice, document.line(place), context)


def _label(axes: dict[str, str]) -> str:
    """Return the readable part of a point id: ``n_sites~6__eta_over_v~2``, bounded in length."""
    label = ""
    for key, text in axes.items():
        part = f"{AXIS_NAMES[key]}~{text}"
        longer = f"{label}__{part}" if label else part
        if len(longer) > LONGEST_LABEL:
            break
        label = longer
    return label or "point"
