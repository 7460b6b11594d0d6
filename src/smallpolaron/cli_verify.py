"""The command that checks result files: verify."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from smallpolaron.cli_options import Add

if TYPE_CHECKING:
    from smallpolaron.studies.verify import Finding


def add_commands(add: Add) -> None:
    """Add the command."""
    parser = add("verify", _verify, "check that result files are what was written")
    parser.add_argument(
        "paths", type=Path, nargs="+", metavar="PATH", help="result files (HDF5) or their folders"
    )
    parser.add_argument(
        "--write",
        action="store_true",
        help="record the checksums of all files of a folder in its checksums.sha256",
    )
    parser.add_argument("--all", action="store_true", help="list the sound files, too")


def _verify(options: argparse.Namespace) -> int:
    from smallpolaron.studies.store import StoreError
    from smallpolaron.studies.verify import verify, write_checksums

    folders = [path for path in options.paths if path.is_dir()]
    if options.write and folders != options.paths:
        raise StoreError("--write records whole folders: give folders only")
    found = verify(options.paths)
    for line in _lines(found, everything=options.all):
        print(line)
    # a file that is gone or was replaced by a sound one may be recorded anew
    bad = [each for each in found if each.state in ("damaged", "inconsistent", "unreadable")]
    if options.write and bad:
        print("error: nothing recorded: mend or delete the files above first", file=sys.stderr)
    elif options.write:
        for folder in folders:
            mine = [each for each in found if each.path.is_relative_to(folder)]
            print(f"recorded: {write_checksums(folder, mine)}")
        return 0
    return 0 if all(each.sound for each in found) else 1


def _lines(found: Sequence[Finding], *, everything: bool) -> list[str]:
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
