"""Commands about results that are there: show, verify, rerun, crate."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smallpolaron.cli.options import FROM_0, PATH, command, file, files, path

if TYPE_CHECKING:
    from smallpolaron.archive.verify import Finding
    from smallpolaron.results.compare import Comparison

TOLERANCE = 1e-12
"""Same code, libraries and ranks give the same bits; another processor another last one."""


@command("show")
@click.argument("paths", type=PATH, nargs=-1, required=True, metavar="PATH...")
def show(paths: tuple[Path, ...]) -> int:
    """Show what results (HDF5), or studies (folders), say: numbers, errors, what to distrust."""
    from smallpolaron.api.answers import answers_of, study_answers
    from smallpolaron.api.collection import read_result

    def said(path: Path) -> str:
        if path.is_dir():
            return str(study_answers(path))
        result = read_result(path)
        return "\n".join([str(path), *map(str, answers_of([result.stored])), repr(result)])

    print("\n\n".join(map(said, paths)))
    return 0


@command("verify")
@click.argument("paths", type=PATH, nargs=-1, required=True, metavar="PATH...")
@click.option("--all", "everything", is_flag=True, help="list the sound files, too")
def verify(paths: tuple[Path, ...], everything: bool) -> int:
    """Check that result files (HDF5), or those in folders, are what was written."""
    from smallpolaron.archive.verify import verify as inspect

    found = inspect(paths)
    for line in _findings(found, everything=everything):
        print(line)
    return 0 if all(each.sound for each in found) else 1


def _findings(found: Sequence[Finding], *, everything: bool) -> list[str]:
    """Return one line per file that is not in order, what to do, and the totals."""
    lines = []
    for each in found:
        if everything or each.state != "ok":
            lines.append(
                f"{each.state:<12}  {each.path}" + (f": {each.detail}" if each.detail else "")
            )
    count = Counter(each.state for each in found)
    advice = {each.state: each.advice for each in found if each.advice}
    lines += [f"{state}: {text}" for state, text in advice.items()]
    lines.append(f"{len(found)} files: " + ", ".join(f"{n} {state}" for state, n in count.items()))
    return lines


@command("rerun")
@click.argument("file", type=PATH)
@files("--source", "files it was derived from, if elsewhere", required=False)
@path("--plan", "plan of its study, for files made from many points or of schema version 1")
@click.option("--ranks", type=int, help="MPI ranks of a run (default: as many as then)")
@path("--output", "keep the new result there (HDF5)")
@click.option(
    "--tolerance",
    type=FROM_0,
    default=TOLERANCE,
    help=f"largest difference relative to the largest value (default: {TOLERANCE})",
)
def rerun(
    file: Path,
    source: tuple[Path, ...],
    plan: Path | None,
    ranks: int | None,
    output: Path | None,
    tolerance: float,
) -> int:
    """Make a result again from its own file and compare."""
    from smallpolaron.archive.rerun import rerun as make_again
    from smallpolaron.results.compare import compare, origin_warnings
    from smallpolaron.support.problems import StoreError

    if output is not None and output.exists():
        raise StoreError(f"{output}: the file exists; remove it or choose another")
    with tempfile.TemporaryDirectory() as scratch:
        again = output or Path(scratch) / "again.h5"
        found = make_again(file, again, Path(scratch), sources=source, plan=plan, ranks=ranks)
    for warning in (*found.warnings, *origin_warnings(found.old, found.new)):
        print(f"warning: {warning}", file=sys.stderr)
    parts = compare(found.old, found.new, tolerance)
    for line in _comparisons(parts):
        print(line)
    return 0 if all(each.agrees for each in parts) else 1


def _comparisons(found: Sequence[Comparison]) -> list[str]:
    """Return one line per part of the result and the totals."""
    width = max(len(each.name) for each in found)
    lines = [
        f"{each.name:<{width}}  {each.agreement:<18}"
        + (f"  {each.difference:.1e}" if each.difference else "")
        for each in found
    ]
    count = Counter(each.agreement for each in found)
    return [*map(str.rstrip, lines), ", ".join(f"{n} {name}" for name, n in count.items())]


@command("crate")
@click.argument("folder", type=PATH)
@file("--output", "archive (.zip) or folder to write")
@path("--config", "study file (default: looked for here and in config/)")
@click.option("--partial", is_flag=True, help="also if jobs are missing")
def crate(folder: Path, output: Path, config: Path | None, partial: bool) -> None:
    """Pack a finished study, results/<study>, as RO-Crate."""
    from smallpolaron.archive.crate import write_crate

    count = write_crate(folder, output, config, partial)
    print(f"{output}: {count} files")


COMMANDS = (show, verify, rerun, crate)
