"""No diffusion constant or mobility stands in a table without its error and the mark of its run.

The numbers of figures are checked where the figures are drawn.
"""

from __future__ import annotations

import pytest

from papers.anomalous2024.verdict.table import VERDICT_COLUMNS
from smallpolaron.derive.result_tables import ENSEMBLE_COLUMNS, FINITE_SIZE_COLUMNS, LADDER_COLUMNS
from smallpolaron.results.kinds import KINDS
from smallpolaron.results.layout import layout
from tests.results.columns import assert_errors_beside, is_number

TABLES = (VERDICT_COLUMNS, ENSEMBLE_COLUMNS, FINITE_SIZE_COLUMNS, LADDER_COLUMNS)


def test_numbers_are_told_from_their_errors() -> None:
    numbers = {column for columns in TABLES for column in columns if is_number(column)}
    assert {
        "D_A2_fs",
        "mobility_cm2_Vs",
        "D_paper",
        "member_D_A2_fs",
        "D_infinity_paper",
    } <= numbers
    assert "reference_D_A2_fs" in numbers
    assert not {"band_paper_units", "difference_paper", "D_error_A2_fs"} & numbers
    with pytest.raises(AssertionError):
        assert_errors_beside(["D_A2_fs", "flagged"])
    with pytest.raises(AssertionError):
        assert_errors_beside(["D_A2_fs", "D_error_A2_fs"])


@pytest.mark.parametrize("columns", TABLES, ids=("verdict", "ensemble", "finite_size", "ladder"))
def test_every_number_has_its_error_and_mark(columns: tuple[str, ...]) -> None:
    assert_errors_beside(columns)


@pytest.mark.parametrize("kind", KINDS)
def test_every_stored_number_has_its_error(kind: str) -> None:
    names = set(layout(kind))
    numbers = {"D", "mobility", "runs/D", "systems/reference_D"} & names
    assert {f"{name}_error" for name in numbers} <= names
