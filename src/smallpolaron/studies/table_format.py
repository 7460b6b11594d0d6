"""How a table of C(t) names its columns and units, whatever file it is in (docs/own-data.md)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.studies.problems import ConfigurationError, Problem, unknown_key_advice

LARGEST_ROWS: Final = 50_000
"""The Volterra inversion of the kernel takes about 15 s for as many times."""

MOST_PROBLEMS: Final = 20
"""Problems of one file that are printed; the rest is counted."""

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
_NAMED_BY_COLUMN: Final = re.compile(r"(?P<name>.*?)\s*(?:\[(?P<b>.*)\]|\((?P<p>.*)\)|/(?P<s>.*))?")


class TableError(ConfigurationError):
    """A table that cannot be analysed; holds every problem found, up to MOST_PROBLEMS."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        """Keep the first problems of one file and count the rest."""
        kept = list(problems[:MOST_PROBLEMS])
        if len(problems) > MOST_PROBLEMS:
            kept.append(Problem("", None, f"and {len(problems) - MOST_PROBLEMS} problems more"))
        super().__init__(source, kept)


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
    found = _NAMED_BY_COLUMN.fullmatch(name.strip())
    assert found is not None  # every part is optional
    unit = found["b"] or found["p"] or found["s"] or ""
    word = re.sub(r"\s+", "_", found["name"].lower())
    if word in _QUANTITY:
        return _QUANTITY[word], unit
    for known in sorted(_QUANTITY, key=len, reverse=True):
        rest = word.removeprefix(known + "_")
        is_unit = rest in TIME_UNITS or c_unit(rest) is not None or known == "time"
        if rest != word and not unit and is_unit:
            return _QUANTITY[known], rest
    return None


def c_unit(text: str) -> str | None:
    """Return the accepted unit of C that a text spells, or None."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("å", "angstrom")
    return _UNIT_WORDS.get(re.sub(r"[^a-z0-9]", "", plain))


def unknown_name(name: str, line: int) -> Problem:
    """Return the problem of a column that is none of the accepted ones."""
    choices = list(ACCEPTED_NAMES)
    return Problem(
        name,
        None,
        f"is not a known column; known are {', '.join(choices)}, with a unit such as time_fs",
        unknown_key_advice(name, choices),
        line,
    )


def read_units(
    named: Mapping[str, tuple[str, str]], line: int = 0
) -> tuple[tuple[str, str], list[Problem]]:
    """Return the units of time and C, and what is wrong with them.

    Args:
        named: name in the file and unit as written, for every quantity.
        line: line of the header.
    """
    problems = []
    name, unit = named["time"]
    if unit not in TIME_UNITS:
        advice = "write time_fs or time_ps, or convert the times"
        problems.append(Problem(name, unit or None, "unit must be fs or ps", advice, line))
    chosen = ""
    for quantity, (name, unit) in named.items():
        if quantity == "time" or not unit:
            continue
        found = c_unit(unit)
        if not quantity.startswith("C_"):
            advice = "leave the unit out: it is that of C per that of time"
            problems.append(Problem(name, unit, "derivatives take no unit of their own", advice))
        elif found is None:
            problems.append(unknown_unit(name, unit, line))
        elif chosen not in ("", found):
            allowed = f"unit must be the same as that of the other column, {chosen}"
            problems.append(Problem(name, unit, allowed, "write both in one unit", line))
        else:
            chosen = found
    return (named["time"][1], chosen), problems


def unknown_unit(name: str, unit: str, line: int = 0) -> Problem:
    """Return the problem of a unit of C that is none of the accepted ones."""
    allowed = f"unit must be one of {', '.join(C_UNITS)}, {ARBITRARY}"
    is_ambiguous = re.sub(r"[^a-z]", "", unit.lower()) == "au"
    advice = "convert the values"
    if is_ambiguous:
        advice = f"write {ARBITRARY} if that is meant; convert the values from atomic units"
    return Problem(name, unit, allowed, advice, line)
