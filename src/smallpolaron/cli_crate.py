"""The command that packs a finished study for others: crate."""

from __future__ import annotations

import argparse
from pathlib import Path

from smallpolaron.cli_options import Add


def add_commands(add: Add) -> None:
    """Add the command."""
    parser = add("crate", _crate, "pack a finished study as RO-Crate")
    parser.add_argument("folder", type=Path, help="results of the study: results/<study>")
    parser.add_argument(
        "--output", type=Path, required=True, help="archive (.zip) or folder to write"
    )
    parser.add_argument(
        "--config", type=Path, help="study file (default: looked for here and in config/)"
    )
    parser.add_argument("--partial", action="store_true", help="also if jobs are missing")


def _crate(options: argparse.Namespace) -> int:
    from smallpolaron.studies.crate import CrateRequest, write_crate

    request = CrateRequest(options.folder, options.output, options.config, options.partial)
    print(f"{options.output}: {write_crate(request)} files")
    return 0
