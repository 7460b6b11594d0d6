"""The rooms of the package: imports between them go one way, and none is overfull."""

import ast
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

import smallpolaron

PACKAGE = Path(smallpolaron.__file__).parent
MOST_FILES = 20


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


def test_imports_between_rooms_go_one_way() -> None:
    found = rooms()
    assert len(found) > 10
    assert "hierarchy" in found["dynamics"]
    # raises CycleError, which names the rooms
    order = list(TopologicalSorter(found).static_order())
    assert order.index("model") < order.index("hierarchy") < order.index("derive")


def test_no_folder_is_overfull() -> None:
    full = {
        str(folder.relative_to(PACKAGE)): count
        for folder in [PACKAGE, *filter(Path.is_dir, PACKAGE.rglob("*"))]
        if (count := len(list(folder.glob("*.py")))) > MOST_FILES
    }
    assert not full
