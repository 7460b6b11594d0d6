"""The grid of a study: blocks of dotted keys and lists, expanded to validated points.

A block is the product of its lists; the grid is the union of its blocks. A block may carry its
own ``protocols``, which replace those of the study for the points of the block, and a ``name``,
by which the figures of a paper find its points; several blocks may share one. A point whose number
of sites is ``converged`` stands for the sizes of a ladder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from math import prod

from smallpolaron.study.config import SECTIONS, Study
from smallpolaron.study.describe import AXIS_KEYS
from smallpolaron.study.disorder_section import drawn_at, idle_disorder
from smallpolaron.study.key_names import conversion_advice, unknown_key_advice
from smallpolaron.study.lattice_section import TENSOR, tensor_directions
from smallpolaron.study.resolved.lattice import DIRECTIONS
from smallpolaron.study.sections import CONVERGED, NAME_PATTERN, POPULATION_PROTOCOLS
from smallpolaron.study.validation import check_study, split_key
from smallpolaron.study.yamlfile import Document, KeyPath, dotted
from smallpolaron.support.canonical import Scalar, scalar_text
from smallpolaron.support.problems import ConfigurationError, Problem, show


def _axis_names() -> dict[str, str]:
    """Return the keys without their section, except where an earlier key has that name."""
    names: dict[str, str] = {}
    for key in AXIS_KEYS:
        short = key.rpartition(".")[2]
        names[key] = key.replace(".", "_") if short in names.values() else short
    return names


AXIS_NAMES = _axis_names()
"""What point ids call these keys."""

ADAPTIVE_KEYS = (
    "accuracy",
    "propagation.resolvent_frequencies_cm",
    *(f"adaptive.{key}" for key in SECTIONS["adaptive"].model_fields),
)
FIXED_KEYS = (
    "hierarchy.weights",
    "hierarchy.max_excited_sites",
    "propagation.equilibrium_tolerance",
)
CURRENT_KEYS = ("propagation.equilibrium_tolerance", "propagation.resolvent_frequencies_cm")
"""Keys that have an effect on one engine, or on the protocol current, only. Where a study has
other points, too, such a key in a section is meant for the points it applies to."""

MAX_POINTS = 10_000
_DIRECTION = "lattice.direction"
_BLOCK_KEYS = ("protocols", "name")


@dataclass(frozen=True)
class Axis:
    """One key of a block with its values."""

    key: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True)
class Block:
    """One block of the grid; index is None for a study without a grid."""

    index: int | None
    axes: tuple[Axis, ...] = ()
    protocols: object | None = None
    name: str | None = None

    @property
    def size(self) -> int:
        """Number of points."""
        return prod(len(axis.values) for axis in self.axes)


@dataclass(frozen=True)
class Assignment:
    """The grid values of one point.

    Attributes:
        block: index of the block, or None without a grid.
        values: value of every axis key, in the order of AXIS_KEYS.
        indices: position of that value in its list.
    """

    block: int | None
    values: Mapping[str, Scalar]
    indices: Mapping[str, int]

    def label(self) -> str:
        """Return the point as text for messages."""
        values = [f"{key} = {show(value)}" for key, value in self.values.items()]
        place = [] if self.block is None else [f"grid[{self.block}]"]
        return ", ".join([*place, *values])

    def path(self, key: str) -> KeyPath:
        """Return where in the file a key of this point was given."""
        if key in self.indices:
            return ("grid", self.block or 0, key, self.indices[key])
        return split_key(key)

    def changed(self, values: Mapping[str, Scalar]) -> Assignment:
        """Return a point with other values; messages still lead to the place of this one."""
        merged = {**self.values, **values}
        return replace(self, values={key: merged[key] for key in AXIS_KEYS if key in merged})


@dataclass(frozen=True)
class GridPoint:
    """One validated point of the grid, or a ladder.

    Attributes:
        assignment: its grid values.
        study: its configuration.
        group: name of its block; None if it has none.
        rungs: the sizes of a ladder; () for a point.
        check: the infinite ring that a ladder is compared with; None for none.
    """

    assignment: Assignment
    study: Study
    group: str | None = None
    rungs: tuple[GridPoint, ...] = ()
    check: GridPoint | None = None


def read_blocks(document: Document) -> list[Block]:
    """Return the blocks of a study; one block without axes when there is no grid.

    Raises:
        ConfigurationError: with every fault in the layout of the grid.
    """
    if "grid" not in document.data:
        return [Block(None)]
    problems: list[Problem] = []
    blocks: list[Block] = []
    raw = document.data["grid"]
    if not isinstance(raw, list) or not raw:
        allowed = "must be a non-empty list of blocks, each a mapping of keys to lists"
        problems.append(_at(document, ("grid",), raw, allowed, "leave grid out for one point"))
    else:
        for index, content in enumerate(raw):
            blocks.append(_block(document, index, content, problems))
    total = sum(block.size for block in blocks)
    if total > MAX_POINTS:
        allowed = f"must give at most {MAX_POINTS} points"
        problems.append(_at(document, ("grid",), f"{total} points", allowed, "split the study"))
    if problems:
        raise ConfigurationError(document.source, problems)
    return blocks


def _at(document: Document, path: KeyPath, value: object, allowed: str, advice: str) -> Problem:
    return Problem(dotted(path), value, allowed, advice, document.line(path))


def _block(document: Document, index: int, content: object, problems: list[Problem]) -> Block:
    here: KeyPath = ("grid", index)
    if not isinstance(content, dict) or not content:
        allowed = "must be a non-empty mapping of dotted keys to lists of values"
        problems.append(_at(document, here, content, allowed, "e.g. 'model.n_sites: [3, 4]'"))
        return Block(index)
    axes = [
        Axis(key, _values(document, (*here, key), content[key], problems))
        for key in AXIS_KEYS
        if key in content
    ]
    for key in content:
        if key not in (*AXIS_KEYS, *_BLOCK_KEYS):
            allowed = "is not a key a grid can vary; allowed: " + ", ".join(AXIS_KEYS)
            section, _, word = key.rpartition(".")
            advice = conversion_advice(section, word, content[key], AXIS_KEYS, full=True)
            advice = advice or unknown_key_advice(key, [*AXIS_KEYS, *_BLOCK_KEYS])
            problems.append(_at(document, (*here, key), content[key], allowed, advice))
    name = content.get("name")
    if name is not None and not (isinstance(name, str) and re.fullmatch(NAME_PATTERN, name)):
        allowed = "must be 1 to 64 letters, digits, '_' or '-', starting with a letter or digit"
        problems.append(_at(document, (*here, "name"), name, allowed, "use a plain name"))
    return Block(index, tuple(axes), content.get("protocols"), name)


def _values(
    document: Document, path: KeyPath, raw: object, problems: list[Problem]
) -> tuple[Scalar, ...]:
    if not isinstance(raw, list) or not raw:
        allowed = "must be a non-empty list of values"
        problems.append(_at(document, path, raw, allowed, "write [value, value, ...]"))
        return ()
    first: dict[str, int] = {}
    values: list[Scalar] = []
    for index, value in enumerate(raw):
        place = (*path, index)
        if not isinstance(value, (str, int, float, bool, type(None))):
            allowed = "must be one number or word; lists cannot be varied by a grid"
            problems.append(_at(document, place, value, allowed, "use one study per list"))
            continue
        if isinstance(value, float) and value - value != 0:  # inf and nan have no decimal text
            allowed = "must be a finite number"
            problems.append(_at(document, place, value, allowed, "correct the value"))
            continue
        text = scalar_text(value)
        if text in first:
            before = dotted((*path, first[text]))
            allowed = f"is given twice: {before} = {show(raw[first[text]])} is the same value"
            problems.append(_at(document, place, value, allowed, "remove one of the two"))
        first.setdefault(text, index)
        values.append(value)
    return tuple(values)


def expand(document: Document) -> list[GridPoint]:
    """Return every point of the study, validated.

    Raises:
        ConfigurationError: with every fault of the layout, the sections or the points.
    """
    blocks = read_blocks(document)
    base = {key: value for key, value in document.data.items() if key != "grid"}
    collector = _Collector(document)
    points: list[GridPoint] = []
    total = 0
    every = [each.values for block in blocks for each in _assignments(block)]
    both = len({_fixed(base, values) for values in every}) > 1
    drawn = {name for values in every for name in drawn_at(partial(_said, base, values))}
    somewhere = any(_has_current(base, block) for block in blocks)

    def checked(block: Block, assignment: Assignment) -> GridPoint | None:
        data = _copy(base)
        if both:
            _drop(data, ADAPTIVE_KEYS if _fixed(base, assignment.values) else FIXED_KEYS)
        if somewhere and not _has_current(base, block):
            _drop(data, CURRENT_KEYS)
        _drop(data, idle_disorder(partial(_said, base, assignment.values), drawn))
        found = check_study(_merged(data, block, assignment, blocks))
        if isinstance(found, Study):
            return GridPoint(assignment, found, block.name)
        collector.add(assignment, found)
        return None

    for block in blocks:
        for assignment in _assignments(block):
            point_of = partial(checked, block)
            for each in _directed(base, assignment, point_of):
                point = point_of(each)
                if point is not None:
                    total += _size(point)
                    _require_few(document, total)
                    points.append(_climbed(point, point_of))
    collector.finish(sum(block.size for block in blocks))
    return points


def _directed(
    base: Mapping[str, object],
    assignment: Assignment,
    checked: Callable[[Assignment], GridPoint | None],
) -> list[Assignment]:
    """Return a point once for every direction that lattice.direction: tensor stands for."""
    if _said(base, assignment.values, _DIRECTION) != TENSOR:
        return [assignment]
    along = partial(_along, assignment)
    found = checked(along(next(iter(DIRECTIONS))))
    model = found and found.study.lattice_model
    return [along(word) for word in tensor_directions(model)] if model else []


def _along(assignment: Assignment, word: str) -> Assignment:
    return assignment.changed({_DIRECTION: word})


def _size(point: GridPoint) -> int:
    """Return how many points an entry of the grid stands for."""
    study = point.study
    return len(study.ladder.sizes) if study.model.n_sites == CONVERGED else 1


def _require_few(document: Document, total: int) -> None:
    """Refuse a study as soon as the sizes of its ladders make it too large."""
    if total > MAX_POINTS:
        allowed = f"must give at most {MAX_POINTS} points, sizes of ladders included"
        advice = "name fewer sizes, or split the study"
        problem = _at(document, ("ladder", "sizes"), f"{total} points", allowed, advice)
        raise ConfigurationError(document.source, [problem])


def _climbed(point: GridPoint, checked: Callable[[Assignment], GridPoint | None]) -> GridPoint:
    """Add its sizes and the infinite ring to a ladder; return any other point as it is."""
    study, place = point.study, point.assignment
    if study.model.n_sites != CONVERGED:
        return point
    sizes = [checked(place.changed({"model.n_sites": n})) for n in study.ladder.sizes]
    check = None
    if study.has_infinite_check:
        check = checked(place.changed({"model.n_sites": None, "model.topology": "infinite"}))
        check = check and replace(check, group=None)  # a check is not a point of the block
    return replace(point, rungs=tuple(rung for rung in sizes if rung is not None), check=check)


def _assignments(block: Block) -> Iterator[Assignment]:
    for indices in product(*(range(len(axis.values)) for axis in block.axes)):
        chosen = list(zip(block.axes, indices, strict=True))
        yield Assignment(
            block.index,
            {axis.key: axis.values[i] for axis, i in chosen},
            {axis.key: i for axis, i in chosen},
        )


def _fixed(base: Mapping[str, object], values: Mapping[str, Scalar]) -> bool:
    """Whether a point has a fixed hierarchy."""
    return _said(base, values, "hierarchy.depth") is not None


def _said(base: Mapping[str, object], values: Mapping[str, Scalar], key: str) -> object:
    """Return what a study says of a dotted key at a point: in its block, else in the section."""
    section, _, name = key.partition(".")
    content = base.get(section)
    return values.get(key, content.get(name) if isinstance(content, dict) else None)


def _copy(base: Mapping[str, object]) -> dict[str, object]:
    return {key: dict(value) if isinstance(value, dict) else value for key, value in base.items()}


def _drop(data: dict[str, object], keys: Iterable[str]) -> None:
    for key in keys:
        section, _, name = key.rpartition(".")
        target = data.get(section) if section else data
        if isinstance(target, dict):
            target.pop(name, None)


def _has_current(base: Mapping[str, object], block: Block) -> bool:
    protocols = block.protocols or base.get("protocols") or ["current"]
    return isinstance(protocols, list) and "current" in protocols


def _has_populations(protocols: object) -> bool:
    return isinstance(protocols, list) and any(p in POPULATION_PROTOCOLS for p in protocols)


def _merged(
    data: dict[str, object], block: Block, assignment: Assignment, blocks: list[Block]
) -> dict[str, object]:
    """Lay the values of a point over the sections."""
    protocols = data.get("protocols")
    for key, value in assignment.values.items():
        section, _, name = key.rpartition(".")
        if not section:
            data[key] = value
            continue
        target = data.setdefault(section, {})
        if isinstance(target, dict):
            target[name] = value
    if block.protocols is not None:
        data["protocols"] = block.protocols
    anywhere = any(_has_populations(b.protocols or protocols) for b in blocks)
    own = "start_site" in assignment.values
    if anywhere and not own and not _has_populations(data.get("protocols")):
        data.pop("start_site", None)  # meant for the points that have populations
    return data


class _Collector:
    """Gathers problems of all points; a problem that many points share is shown once."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.first: dict[tuple[str, str, str], tuple[Assignment, Problem]] = {}
        self.count: dict[tuple[str, str, str], int] = {}

    def add(self, assignment: Assignment, problems: list[Problem]) -> None:
        for problem in problems:
            key = (problem.key, show(problem.value), problem.allowed)
            self.first.setdefault(key, (assignment, problem))
            self.count[key] = self.count.get(key, 0) + 1

    def finish(self, total: int) -> None:
        problems = []
        for key, (assignment, problem) in self.first.items():
            count, context = self.count[key], ""
            if assignment.values and (count < total or problem.key in assignment.values):
                others = f" and {count - 1} other point{'s' * (count > 2)}" if count > 1 else ""
                context = f"at {assignment.label()}{others}"
            line = self.document.line(assignment.path(problem.key))
            problems.append(replace(problem, line=line, context=context))
        if problems:
            raise ConfigurationError(self.document.source, problems)
