"""The command that makes a result again and compares: rerun."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from smallpolaron.cli_options import Add, number_from_0

if TYPE_CHECKING:
    from smallpolaron.studies.compare import Comparison

TOLERANCE = 1e-12
"""Same code, libraries and ranks give the same bits; another processor another last one."""


def add_commands(add: Add) -> None:
    """Add the command."""
    parser = add("rerun", _rerun, "make a result again from its own file and compare")
    parser.add_argument("file", type=Path, help="result file (HDF5)")
    parser.add_argument(
        "--source", type=Path, nargs="+", default=[], help="files it was derived from, if elsewhere"
    )
    parser.add_argument(
        "--plan",
        type=Path,
        help="plan of its study, for files made from many points or of schema version 1",
    )
    parser.add_argument("--ranks", type=int, help="MPI ranks of a run (default: as many as then)")
    parser.add_argument("--output", type=Path, help="keep the new result there (HDF5)")
    parser.add_argument(
        "--tolerance",
        type=number_from_0,
        default=TOLERANCE,
        help=f"largest difference relative to the largest value (default: {TOLERANCE})",
    )


def _rerun(options: argparse.Namespace) -> int:
    from smallpolaron.studies.compare import compare, origin_warnings
    from smallpolaron.studies.rerun import RerunRequest, rerun
    from smallpolaron.studies.store import StoreError

    if options.output is not None and options.output.exists():
        raise StoreError(f"{options.output}: the file exists; remove it or choose another")
    with tempfile.TemporaryDirectory() as scratch:
        found = rerun(
            RerunRequest(
                file=options.file,
                output=options.output or Path(scratch) / "again.h5",
                scratch=Path(scratch),
                sources=tuple(options.source),
                plan=options.plan,
                ranks=options.ranks,
            )
        )
    for warning in (*found.warnings, *origin_warnings(found.old, found.new)):
        print(f"warning: {warning}", file=sys.stderr)
    parts = compare(found.old, found.new, options.tolerance)
    for line in _lines(parts):
        print(line)
    return 0 if all(each.agrees for each in parts) else 1


def _lines(found: Sequence[Comparison]) -> list[str]:
    """Return one line per part of the result and the totals."""
    width = max(len(each.name) for each in found)
    lines = [
        f"{each.name:<{width}}  {each.agreement:<18}"
        + (f"  {each.difference:.1e}" if each.difference else "")
        for each in found
    ]
    count = Counter(each.agreement for each in found)
    return [*map(str.rstrip, lines), ", ".join(f"{n} {name}" for name, n in count.items())]
