"""Options that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

Command = Callable[[argparse.Namespace], int]
"""Runs a command with its options; returns its exit status."""

Add = Callable[[str, Command, str], argparse.ArgumentParser]
"""Adds a command of a name, a function and a text; returns its parser."""


def add_configuration(parser: argparse.ArgumentParser) -> None:
    """Add the study file that a command reads."""
    parser.add_argument(
        "configuration",
        type=Path,
        nargs="?",
        default=Path("config/config.yaml"),
        help="study file (YAML; default: config/config.yaml)",
    )


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add the result file that a command writes."""
    parser.add_argument("--output", type=Path, required=True, help="result file to write (HDF5)")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")
