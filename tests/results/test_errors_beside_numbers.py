"""No diffusion constant or mobility stands in a table without its error and the mark of its run."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest

import smallpolaron
from papers.shared.needs import PAPERS
from smallpolaron.results.kinds import KINDS
from smallpolaron.results.layout import layout

NUMBER = re.compile(
    r"(?P<what>(\w+_)?(D|mobility|D_\w*)?)(?P<unit>_A2_fs|_paper|_paper_units|_cm2_Vs)"
)
"""A diffusion constant or mobility with its unit."""
PARTS = ("_error", "_low", "_high", "_flatness", "_record", "_spread")
"""What says how well another number is known, or is a part of that."""
CURVES = ("D_running", "running_mobility", "D_at_cutoff", "mobility_at_cutoff", "D_cutoff")
"""Values along a curve; its limit stands elsewhere with its error."""
NOT_ESTIMATED = {"mori2024.fig1": {"D_kernel_paper_units"}}
"""Numbers whose error no run estimates; the caption says so."""


def tables() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the columns of every table and of the numbers of every figure."""
    prefix = smallpolaron.__name__ + "."
    names = [m.name for m in pkgutil.walk_packages(smallpolaron.__path__, prefix)]
    for path in sorted(PAPERS.rglob("*.py")):
        names.append(".".join(path.relative_to(PAPERS.parent).with_suffix("").parts))
    for module in names:
        for name, value in vars(importlib.import_module(module)).items():
            if name.endswith("COLUMNS") and isinstance(value, tuple):
                yield f"{'.'.join(module.split('.')[-2:])}.{name}", value


TABLES = dict(tables())


def is_number(column: str) -> bool:
    found = NUMBER.fullmatch(column)
    if found is None:
        return False
    what = found["what"]
    return (
        re.search(r"(^|_)(D|mobility)(_|$)", what) is not None
        and not any(part in column for part in PARTS)
        and not what.startswith(CURVES)
        and not what.startswith(("difference", "re_mobility", "im_mobility", "running"))
    )


def ways(column: str) -> set[str]:
    """Return the columns any of which says how well a number is known."""
    found = NUMBER.fullmatch(column)
    assert found
    what, unit = found["what"], found["unit"]
    return {f"{what}_error{unit}", f"{what}{unit}_error", f"{what}_low{unit}"}


def test_the_tables_are_found() -> None:
    numbers = {column for columns in TABLES.values() for column in columns if is_number(column)}
    assert {"D_A2_fs", "mobility_cm2_Vs", "D_paper", "D_paper_units", "plateau_D_A2_fs"} <= numbers
    assert {"member_D_A2_fs", "D_infinity_paper", "reference_D_A2_fs"} <= numbers
    assert not {"band_paper_units", "difference_paper", "D_error_A2_fs"} & numbers


@pytest.mark.parametrize("name", TABLES)
def test_every_number_has_its_error_and_mark(name: str) -> None:
    columns = TABLES[name]
    exempt = NOT_ESTIMATED.get(name.rpartition(".")[0], set())
    numbers = {column for column in columns if is_number(column)} - exempt
    assert {n for n in numbers if not ways(n) & set(columns)} == set()
    if numbers and not name.endswith("SLOPE_COLUMNS"):  # these come after paper.COLUMNS
        assert "flagged" in columns


@pytest.mark.parametrize("kind", KINDS)
def test_every_stored_number_has_its_error(kind: str) -> None:
    names = set(layout(kind))
    numbers = {"D", "mobility", "runs/D", "systems/reference_D"} & names
    assert {f"{name}_error" for name in numbers} <= names
