"""No module needs itself, not even by a detour; nor does any room of the house."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
Graph = Mapping[str, set[str]]
COMMANDS = ("smallpolaron.cli", "smallpolaron.cli.rules")
"""The command batch runs other commands."""


def _name(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")


MODULES = {_name(path): path for path in SOURCE.rglob("*.py")}


def _imports(node: ast.AST, within_functions: bool) -> Iterator[str]:
    """Yield what is imported at run time, at the top of a module or also within functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.FunctionDef) and not within_functions:
            continue
        if isinstance(child, ast.Import):
            yield from (each.name for each in child.names)
        elif isinstance(child, ast.ImportFrom):
            whole = [f"{child.module}.{each.name}" for each in child.names]
            yield from (name if name in MODULES else str(child.module) for name in whole)
        yield from _imports(child, within_functions)


def _modules(within_functions: bool) -> dict[str, set[str]]:
    return {
        name: {*_imports(ast.parse(path.read_text()), within_functions)} & MODULES.keys() - {name}
        for name, path in MODULES.items()
    }


def _rooms(modules: Graph) -> Graph:
    """Return which folder needs which; modules beside the folders are rooms of their own."""
    room = {name: ".".join(name.split(".")[:2]) for name in modules}
    rooms: dict[str, set[str]] = {each: set() for each in room.values()}
    for name, needed in modules.items():
        rooms[room[name]] |= {room[each] for each in needed} - {room[name]}
    return rooms


def _circle(graph: Graph) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.mark.parametrize("within_functions", [False, True])
def test_no_module_needs_itself(within_functions: bool) -> None:
    modules = _modules(within_functions)
    assert "smallpolaron.study.parameters" in modules["smallpolaron.results.store"]
    package, batch = COMMANDS
    modules[batch].discard(package)
    assert _circle(modules) == []


def test_no_room_needs_itself() -> None:
    assert _circle(_rooms(_modules(within_functions=True))) == []


def test_a_circle_is_found() -> None:
    assert sorted(_circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})[:-1]) == ["a", "b", "c"]
