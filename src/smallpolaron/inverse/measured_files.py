"""Measured quantities with errors, from a table of an experimentalist."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from smallpolaron.own_data.read_table import read_table
from smallpolaron.own_data.table_format import MEASURED, TableError, refuse
from smallpolaron.study.key_names import nearest
from smallpolaron.support.problems import Problem, show


def read_measured(
    path: Path, known: tuple[str, ...], columns: Sequence[str] | None = None
) -> tuple[dict[str, float], dict[str, float]]:
    """Read quantity, value and error.

    Returns:
        Values and standard errors by quantity.

    Raises:
        TableError: the file cannot be read or holds what cannot be used.
    """
    table = read_table(path, MEASURED, columns)
    names, problems = table.words["quantity"], []
    for row, (name, line) in enumerate(zip(names, table.lines, strict=True)):
        if name not in known:
            guess = nearest(name, known)
            advice = f"did you mean '{guess}'?" if guess else "use one of " + ", ".join(known)
            problems.append(Problem("quantity", name, "is not known", advice, line))
        elif name in names[:row]:
            allowed = f"{show(name)} stands twice"
            problems.append(Problem("", None, allowed, "keep one row", line))
        for key in ("value", "error"):
            if table.columns[key].values[row] <= 0.0:
                problems.append(table.problem(key, row, "must be above 0", "correct it"))
    if not names:
        raise refuse(path, "has no rows after the header", "name at least one quantity")
    if problems:
        raise TableError(table.source, problems)
    values, errors = (table.columns[key].values.tolist() for key in ("value", "error"))
    return dict(zip(names, values, strict=True)), dict(zip(names, errors, strict=True))
