"""How a table of C(t) names its columns and units, whatever file it is in (docs/own-data.md)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.studies.key_names import unknown_key_advice
from smallpolaron.studies.problems import ConfigurationError, Problem, show

LARGEST_ROWS: Final = 30_000
"""Testing every cutoff of the kernel takes a minute or so for as many times."""

TIME_UNITS: Final = {"fs": 1.0, "ps": 1000.0}
"""Accepted units of time, in fs."""

C_UNITS: Final = {"angstrom^2/fs^2": 1.0, "angstrom^2/ps^2": 1e-6, "nm^2/ps^2": 1e-4}
"""Accepted absolute units of C, in angstrom^2/fs^2."""

ARBITRARY: Final = "arbitrary"
"""Unit of a C of which only the shape is known."""

ACCEPTED_NAMES: Final = {
    "time": ("time", "t"),
    "C_real": ("c_real", "c_re", "re_c", "c_jj_real", "c_jj", "c"),
    "C_imag": ("c_imag", "c_im", "im_c", "c_jj_imag"),
    "dC_real": ("dc_real", "dc_jj_real", "dc_jj", "dc"),
    "dC_imag": ("dc_imag", "dc_jj_imag"),
    "d2C_real": ("d2c_real", "d2c_jj_real", "d2c_jj", "d2c"),
    "d2C_imag": ("d2c_imag", "d2c_jj_imag"),
}
"""Spellings of every quantity, in lower case; case does not matter in a file."""

_QUANTITY: Final = {word: name for name, words in ACCEPTED_NAMES.items() for word in words}
_UNIT_WORDS: Final = {
    "angstrom2fs2": "angstrom^2/fs^2",
    "a2fs2": "angstrom^2/fs^2",
    "angstrom2ps2": "angstrom^2/ps^2",
    "a2ps2": "angstrom^2/ps^2",
    "nm2ps2": "nm^2/ps^2",
    **dict.fromkeys(("arbitrary", "arb", "normalised", "normalized", "1", "c0"), ARBITRARY),
}
_NAME_AND_UNIT: Final = re.compile(
    r"(?P<name>[^\[(/]{1,40}?)\s*(?:\[(?P<square>.*)\]|\((?P<round>.*)\)|/(?P<slash>.*))?"
)


class TableError(ConfigurationError):
    """A table that cannot be analysed; holds every problem found."""


def refuse(source: object, allowed: str, advice: str = "") -> TableError:
    """Return the error for a fault of a file as a whole."""
    return TableError(str(source), [Problem("", None, allowed, advice)])


@dataclass(frozen=True)
class Column:
    """Numbers of one quantity as they stand in the file.

    Attributes:
        name: name in the file.
        values: numbers in the unit of the file, (rows,).
        rounding: half of the last digit each was stored with, (rows,).
    """

    name: str
    values: NDArray[np.float64]
    rounding: NDArray[np.float64]


@dataclass(frozen=True)
class RawTable:
    """A table with known columns and units, its numbers finite but not yet judged.

    Attributes:
        source: name of the file.
        columns: by quantity, the keys of ACCEPTED_NAMES.
        units: unit of time, a key of TIME_UNITS, and of C, a key of C_UNITS, ARBITRARY, or empty
            when the file does not say.
        lines: line of every row; empty if the file has none.
        temperature_K: temperature written in the file, or None.
    """

    source: str
    columns: Mapping[str, Column]
    units: tuple[str, str]
    lines: tuple[int, ...] = ()
    temperature_K: float | None = None

    def problem(self, quantity: str, row: int, allowed: str, advice: str) -> Problem:
        """Return a problem with one number of the table."""
        column = self.columns[quantity]
        value = float(column.values[row])
        if self.lines:
            return Problem(column.name, value, allowed, advice, self.lines[row])
        return Problem(f"{column.name}[{row}]", value, allowed, advice)


def read_name(name: str) -> tuple[str, str] | None:
    """Return quantity and unit (empty if none is named) of a column, or None if it is unknown.

    The unit follows the name in brackets, after a slash or after an underscore: ``time [fs]``,
    ``time (fs)``, ``t/fs``, ``time_fs``.
    """
    found = _NAME_AND_UNIT.fullmatch(name.strip())
    if found is None:
        return None
    unit = found["square"] or found["round"] or found["slash"] or ""
    word = re.sub(r"\s+", "_", found["name"].lower())
    if word in _QUANTITY:
        return _QUANTITY[word], unit
    for known in sorted(_QUANTITY, key=len, reverse=True):
        rest = word.removeprefix(known + "_")
        is_unit = known == "time" or rest in TIME_UNITS or c_unit(rest) is not None
        if rest != word and is_unit and not unit:
            return _QUANTITY[known], rest
    return None


def c_unit(text: str) -> str | None:
    """Return the accepted unit of C that a text spells, or None."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("å", "angstrom")
    return _UNIT_WORDS.get(re.sub(r"[^a-z0-9]", "", plain))


def unknown_column(name: str, line: int) -> Problem:
    """Return the problem of a column that is none of the accepted ones."""
    choices = list(ACCEPTED_NAMES)
    allowed = f"column {show(name)} is not known; known are {', '.join(choices)}, with a unit"
    return Problem("", None, allowed, unknown_key_advice(name, choices), line)


def read_units(
    named: Mapping[str, tuple[str, str]], line: int = 0
) -> tuple[tuple[str, str], list[Problem]]:
    """Return the units of time and C, and what is wrong with them.

    Args:
        named: name in the file and unit as written, for every quantity; ``time`` among them.
        line: line of the header.
    """
    problems = []
    name, time_unit = named["time"]
    if time_unit not in TIME_UNITS:
        allowed = f"column {name}: unit {show(time_unit) if time_unit else 'not given'}; "
        advice = "write time_fs or time_ps, and convert the times if they are neither"
        problems.append(Problem("", None, allowed + "must be fs or ps", advice, line))
    chosen = ""
    for quantity, (name, unit) in named.items():
        if quantity == "time" or not unit:
            continue
        found = c_unit(unit)
        if not quantity.startswith("C_"):
            allowed = f"column {name}: must have no unit of its own, but that of C per that of time"
            problems.append(Problem("", None, allowed, "leave the unit out", line))
        elif found is None:
            problems.append(unknown_unit(f"column {name}", unit, line))
        elif chosen not in ("", found):
            allowed = f"column {name}: unit {show(unit)}; must be that of the other part, {chosen}"
            problems.append(Problem("", None, allowed, "write both in one unit", line))
        else:
            chosen = found
    return (time_unit, chosen), problems


def unknown_unit(subject: str, unit: str, line: int = 0) -> Problem:
    """Return the problem of a unit of C that is none of the accepted ones."""
    allowed = f"{subject}: unit {show(unit)}; must be one of {', '.join(C_UNITS)}, {ARBITRARY}"
    advice = "convert the values"
    if re.sub(r"[^a-z]", "", unit.lower()) == "au":
        advice = f"atomic or arbitrary? convert the values from atomic units, or write {ARBITRARY}"
    return Problem("", None, allowed, advice, line)
