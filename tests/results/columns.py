"""No diffusion constant or mobility stands in a table without its error and the mark of its run."""

from __future__ import annotations

import re
from collections.abc import Collection

NUMBER = re.compile(
    r"(?P<what>(\w+_)?(D|mobility|D_\w*)?)(?P<unit>_A2_fs|_paper|_paper_units|_cm2_Vs)"
)
"""A diffusion constant or mobility with its unit."""
PARTS = ("_error", "_low", "_high", "_flatness", "_record", "_spread")
"""What says how well another number is known, or is a part of that."""
CURVES = ("D_running", "running_mobility", "D_at_cutoff", "mobility_at_cutoff", "D_cutoff")
"""Values along a curve; its limit stands elsewhere with its error."""
NOT_ESTIMATED = {"D_kernel_paper_units"}
"""Numbers whose error no run estimates; the caption says so."""


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


def assert_errors_beside(columns: Collection[str]) -> None:
    """Check the columns of a table, or of the numbers of a figure."""
    numbers = {column for column in columns if is_number(column)} - NOT_ESTIMATED
    assert {n for n in numbers if not ways(n) & set(columns)} == set()
    assert not numbers or "flagged" in columns
