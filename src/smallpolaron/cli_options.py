"""Options that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from math import inf
from pathlib import Path

Command = Callable[[argparse.Namespace], int]
"""Runs a command with its options; returns its exit status."""

Add = Callable[[str, Command, str], argparse.ArgumentParser]
"""Adds a command of a name, a function and a text; returns its parser."""


def number_above_0(text: str) -> float:
    """Return the value of an option that must be a number above 0; for the type of an argument."""
    value = _number(text)
    if not 0.0 < value < inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number > 0")
    return value


def number_from_0(text: str) -> float:
    """Return the value of an option that must be a number, 0 or above."""
    value = _number(text)
    if not 0.0 <= value < inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number >= 0")
    return value


def whole_number_above_0(text: str) -> int:
    """Return the value of an option that must be a whole number above 0."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number > 0")
    return int(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -inf


def add_configuration(parser: argparse.ArgumentParser) -> None:
    """Add the study file that a command reads."""
    parser.add_argument(
        "configuration",
        type=Path,
        nargs="?",
        default=Path("config/config.yaml"),
        help="study file (YAML; default: config/config.yaml)",
    )


def names(text: str) -> tuple[str, ...]:
    """Return the value of an option that is a list of names; for the type of an argument."""
    return tuple(name.strip() for name in text.split(","))


def add_columns(parser: argparse.ArgumentParser) -> None:
    """Add the names of the columns of a table that has none."""
    text = "names of its columns, if the table has none or others: time_fs,C_real,C_imag"
    parser.add_argument("--columns", type=names, metavar="NAMES", help=text)


def add_conjugate(parser: argparse.ArgumentParser) -> None:
    """Add the sign convention of a conductivity."""
    text = "the conductivity is made for exp(+iωt): change the sign of its imaginary part"
    parser.add_argument("--conjugate", action="store_true", help=text)


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add the result file that a command writes."""
    parser.add_argument("--output", type=Path, required=True, help="result file to write (HDF5)")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")
