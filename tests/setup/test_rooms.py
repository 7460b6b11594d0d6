"""The rooms of the package: imports between them go one way, and none is overfull."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import smallpolaron

PACKAGE = Path(smallpolaron.__file__).parent
MOST_FILES = 20
BATCH = ("smallpolaron.cli.rules", "smallpolaron.cli")
"""The command batch runs other commands."""


def imported(file: Path) -> set[str]:
    """Return the rooms that a file imports from, wherever in the file."""
    modules = [
        node.module
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
    ]
    parts = [module.split(".") for module in modules if module.startswith("smallpolaron.")]
    return {part[1] for part in parts if (PACKAGE / part[1]).is_dir()}


def rooms() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for file in PACKAGE.rglob("*.py"):
        if (room := file.relative_to(PACKAGE).parts[0]) != file.name:
            found[room] |= imported(file) - {room}
    return found


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


MODULES = {_name(path): path for path in PACKAGE.rglob("*.py")}


def needed_at_run_time(node: ast.AST, within_functions: bool) -> Iterator[str]:
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
        yield from needed_at_run_time(child, within_functions)


def modules(within_functions: bool = True) -> dict[str, set[str]]:
    return {
        name: {*needed_at_run_time(ast.parse(path.read_text("utf-8")), within_functions)}
        & MODULES.keys() - {name}
        for name, path in MODULES.items()
    }


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_imports_between_rooms_go_one_way() -> None:
    found = rooms()
    assert len(found) > 10
    assert "hierarchy" in found["dynamics"]
    # raises CycleError, which names the rooms
    order = list(TopologicalSorter(found).static_order())
    assert order.index("model") < order.index("hierarchy") < order.index("derive")


@pytest.mark.parametrize("within_functions", [False, True])
def test_no_module_needs_itself_by_a_detour(within_functions: bool) -> None:
    found = modules(within_functions)
    assert "smallpolaron.study.parameters" in found["smallpolaron.results.store"]
    found[BATCH[0]].discard(BATCH[1])
    assert circle(found) == []


def test_a_circle_is_found() -> None:
    assert sorted(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})[:-1]) == ["a", "b", "c"]


def test_no_folder_is_overfull() -> None:
    full = {
        str(folder.relative_to(PACKAGE)): count
        for folder in [PACKAGE, *filter(Path.is_dir, PACKAGE.rglob("*"))]
        if (count := len(list(folder.glob("*.py")))) > MOST_FILES
    }
    assert not full
