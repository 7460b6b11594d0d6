"""The command that packs a finished study for others: crate."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

Command = Callable[[argparse.Namespace], int]


def add_commands(add: Callable[[str, Command, str], argparse.ArgumentParser]) -> None:
    """Add the command.

    Args:
        add: adds a command of a name, a function and a text, and returns its parser.
    """
    parser = add("crate", _crate, "pack a finished study as RO-Crate")
    parser.add_argument("folder", type=Path, help="results of the study: results/<study>")
    parser.add_argument(
        "--output", type=Path, required=True, help="archive (.zip) or folder to write"
    )
    parser.add_argument("--config", type=Path, help="study file (default: looked for in config/)")
    parser.add_argument("--partial", action="store_true", help="also if jobs are missing")


def _crate(options: argparse.Namespace) -> int:
    from smallpolaron.studies.crate import CrateRequest, write_crate

    request = CrateRequest(options.folder, options.output, options.config, options.partial)
    print(f"{options.output}: {write_crate(request)} files")
    return 0
