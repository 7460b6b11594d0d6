"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any, Final

import click

USAGE_STATUS: Final = 2
"""Exit status for a request that cannot be met: bad configuration, plan, file or option."""

PATH: Final = click.Path(path_type=Path)
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class Command(click.Command):
    """A command whose options that may be given several times also take several values.

    ``--mobility a.h5 b.h5`` is ``--mobility a.h5 --mobility b.h5``.
    """

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Repeat the name of such an option before each of its values."""
        several = {
            name
            for option in self.params
            if isinstance(option, click.Option) and option.multiple
            for name in option.opts
        }
        spread: list[str] = []
        current = ""
        for word in args:
            if word.startswith("--"):
                current = word if word in several else ""
                if current:
                    continue
            spread += [current, word] if current else [word]
        return super().parse_args(context, spread)


def command(name: str, *, hidden: bool = False) -> Callable[[Callable[..., Any]], Command]:
    """Return what makes a command of a function, whose docstring is its help."""
    return click.command(name, cls=Command, hidden=hidden)


class Finite(click.FloatRange):
    """A finite number in a range."""

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Return the number, or refuse it."""
        found: float = super().convert(value, param, ctx)
        if not isfinite(found):
            self.fail(f"{value} is not a finite number", param, ctx)
        return found


ABOVE_0: Final = Finite(min=0, min_open=True)
FROM_0: Final = Finite(min=0)
WHOLE_ABOVE_0: Final = click.IntRange(min=1)


def _names(_context: Any, _param: Any, text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(name.strip() for name in text.split(","))


def path(name: str, text: str, **more: Any) -> Decorator:
    """Return an option that is a path."""
    return click.option(name, type=PATH, help=text, **more)


def file(name: str, text: str) -> Decorator:
    """Return an option that is a path and must be given."""
    return path(name, text, required=True)


def files(name: str, text: str, *, required: bool = True) -> Decorator:
    """Return an option that takes one path or several."""
    return path(name, text, required=required, multiple=True, metavar="FILE ...")


study_file: Final = click.argument(
    "configuration", type=PATH, required=False, default=Path("config/config.yaml")
)
"""The study file that a command reads."""


def _changes(_context: Any, _param: Any, given: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    if wrong := [key for key, equals, value in pairs if not (key and equals and value)]:
        raise click.BadParameter(f"'{wrong[0]}' is not KEY=VALUE, such as model.temperature_K=250")
    return {key: value for key, _, value in pairs}


changes: Final = click.option(
    "--set",
    "changes",
    multiple=True,
    callback=_changes,
    metavar="KEY=VALUE ...",
    help="values in place of those in the file: --set model.temperature_K=250",
)
plan: Final = file("--plan", "plan of the study (JSON)")
table: Final = file("--output", "table to write (CSV); replaced")
overwrite: Final = click.option("--overwrite", is_flag=True, help="replace files that are there")
columns: Final = click.option(
    "--columns",
    callback=_names,
    metavar="NAMES",
    help="names of its columns, if the table has none or others: time_fs,C_real,C_imag",
)
conjugate: Final = click.option(
    "--conjugate",
    is_flag=True,
    help="the conductivity is made for exp(+iωt): change the sign of its imaginary part",
)


def output(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the result file that a command writes."""
    return file("--output", "result file to write (HDF5)")(overwrite(function))
