"""Pieces of Markdown and the bounds that a report states."""

import textwrap
from collections.abc import Iterable, Sequence
from math import floor, isfinite, log10
from typing import Literal

from benchmarks.harness import Data

Relation = Literal["<=", ">="]


def number(value: object, digits: int = 3) -> str:
    """A number with so many significant digits, without an exponent from 0.001 to a million."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if not isinstance(value, float):
        return str(value)
    if not isfinite(value):
        return "–"
    if value == 0:
        return "0"
    if not 1e-3 <= abs(value) < 1e6:
        return f"{value:.{digits - 1}e}"
    decimals = digits - 1 - floor(log10(abs(value)))
    return f"{value:,.{max(decimals, 0)}f}"


def paragraph(*sentences: str) -> str:
    """Sentences as one paragraph, wrapped."""
    return textwrap.fill(" ".join(sentences), 100, break_long_words=False, break_on_hyphens=False)


def section(*parts: str) -> str:
    """Paragraphs and tables, one below the other."""
    return "\n\n".join(parts) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; numbers are written by number() and stand at the right."""
    body = [list(row) for row in rows]
    right = [
        bool(body) and all(isinstance(row[i], int | float | None) for row in body)
        for i in range(len(head))
    ]
    lines = [list(head), ["--:" if r else ":--" for r in right]]
    lines += [[number(cell) for cell in row] for row in body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def bound(what: str, value: float | None, relation: Relation, limit: float, unit: str = "") -> Data:
    """A bound that the project set itself, and whether this run meets it.

    A value that could not be measured (None or not finite) does not meet it.
    """
    met = value is not None and isfinite(value)
    if met:
        assert value is not None
        met = value <= limit if relation == "<=" else value >= limit
    return {
        "what": what,
        "value": value,
        "relation": relation,
        "limit": limit,
        "unit": unit,
        "met": met,
    }


def bounds_table(bounds: Sequence[Data]) -> str:
    """The bounds of a section, or of all."""
    signs = {"<=": "≤", ">=": "≥"}
    return table(
        ("bound", "wanted", "measured", "met"),
        [
            (
                b["what"],
                f"{signs[b['relation']]} {number(b['limit'])} {b['unit']}".strip(),
                number(b["value"]) if b["value"] is not None else "not measured",
                "yes" if b["met"] else "**no**",
            )
            for b in bounds
        ],
    )
