"""Options that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add the result file that a command writes."""
    parser.add_argument("--output", type=Path, required=True, help="result file to write (HDF5)")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")
