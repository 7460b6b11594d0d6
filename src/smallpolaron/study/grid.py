"""The grid of a study: blocks of dotted keys and lists, expanded to validated points.

A block is the product of its lists; the grid is the union of its blocks. A block may carry its
own ``protocols``, which replace those of the study for the points of the block, and a ``name``,
by which the figures of a paper find its points; several blocks may share one. A point whose number
of sites is ``converged`` stands for the sizes of a ladder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from math import prod

from smallpolaron.study.config import EFFECTIVE, Study
from smallpolaron.study.describe import AXIS_KEYS
from smallpolaron.study.lattice_section import TENSOR, tensor_directions
from smallpolaron.study.resolved.lattice import DIRECTIONS
from smallpolaron.study.sections import CONVERGED, NAME_PATTERN
from smallpolaron.study.validation import check_study, split_key
from smallpolaron.study.yamlfile import Document, KeyPath, dotted
from smallpolaron.support.canonical import Scalar, scalar_text
from smallpolaron.support.key_names import conversion_advice, unknown_key_advice
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
    every = [partial(_said, base, b, each.values) for b in blocks for each in _assignments(b)]
    meant = [(keys, at) for keys, _, at in EFFECTIVE if any(map(at, every))]
    faults: Faults = {}
    points: list[GridPoint] = []
    total = 0

    def checked(block: Block, assignment: Assignment) -> GridPoint | None:
        data = {key: dict(v) if isinstance(v, dict) else v for key, v in base.items()}
        said = partial(_said, base, block, assignment.values)
        for section, _, name in (
            key.rpartition(".") for keys, at in meant if not at(said) for key in keys
        ):
            target = data.get(section) if section else data
            if isinstance(target, dict):
                target.pop(name, None)
        found = check_study(_merged(data, block, assignment))
        if isinstance(found, Study):
            return GridPoint(assignment, found, block.name)
        for problem in found:
            key = (problem.key, show(problem.value), problem.allowed)
            faults.setdefault(key, []).append((assignment, problem))
        return None

    for block in blocks:
        for assignment in _assignments(block):
            point_of = partial(checked, block)
            tensor = _said(base, block, assignment.values, _DIRECTION) == TENSOR
            for each in _directed(assignment, point_of) if tensor else [assignment]:
                point = point_of(each)
                if point is not None:
                    ladder = point.study.model.n_sites == CONVERGED
                    total += len(point.study.ladder.sizes) if ladder else 1
                    _require_few(document, total)
                    points.append(_climbed(point, point_of) if ladder else point)
    if faults:
        raise ConfigurationError(document.source, list(_told_once(document, faults, len(every))))
    return points


Faults = dict[tuple[str, str, str], list[tuple[Assignment, Problem]]]


def _told_once(document: Document, faults: Faults, total: int) -> Iterator[Problem]:
    """Yield a problem that many points share once, with the first of them and their number."""
    for found in faults.values():
        (assignment, problem), count, context = found[0], len(found), ""
        if assignment.values and (count < total or problem.key in assignment.values):
            others = f" and {count - 1} other point{'s' * (count > 2)}" if count > 1 else ""
            context = f"at {assignment.label()}{others}"
        line = document.line(assignment.path(problem.key))
        yield replace(problem, line=line, context=context)


def _directed(
    assignment: Assignment, checked: Callable[[Assignment], GridPoint | None]
) -> list[Assignment]:
    """Return a point once for every direction that lattice.direction: tensor stands for."""

    def along(word: str) -> Assignment:
        return assignment.changed({_DIRECTION: word})

    found = checked(along(next(iter(DIRECTIONS))))
    model = found and found.study.lattice_model
    return [along(word) for word in tensor_directions(model)] if model else []


def _require_few(document: Document, total: int) -> None:
    """Refuse a study as soon as the sizes of its ladders make it too large."""
    if total > MAX_POINTS:
        allowed = f"must give at most {MAX_POINTS} points, sizes of ladders included"
        advice = "name fewer sizes, or split the study"
        problem = _at(document, ("ladder", "sizes"), f"{total} points", allowed, advice)
        raise ConfigurationError(document.source, [problem])


def _climbed(point: GridPoint, checked: Callable[[Assignment], GridPoint | None]) -> GridPoint:
    """Add its sizes and the infinite ring to a ladder."""
    study, place = point.study, point.assignment
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


def _said(
    base: Mapping[str, object], block: Block, values: Mapping[str, Scalar], key: str
) -> object:
    """Return what a study says of a dotted key at a point: in its block, else in the section."""
    if key == "protocols":
        return block.protocols or base.get(key)
    section, _, name = key.partition(".")
    content = base.get(section)
    return values.get(key, content.get(name) if isinstance(content, dict) else None)


def _merged(data: dict[str, object], block: Block, assignment: Assignment) -> dict[str, object]:
    """Lay the values of a point over the sections."""
    for key, value in assignment.values.items():
        section, _, name = key.rpartition(".")
        target = data.setdefault(section, {}) if section else data
        if isinstance(target, dict):
            target[name] = value
    return data if block.protocols is None else {**data, "protocols": block.protocols}
