"""How tables of numbers may name what they hold, whatever file they are in.

Case, order of the columns, brackets and the
separators between the words of a name do not matter.
"""

from __future__ import annotations

import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smallpolaron.support.key_names import unknown_key_advice
from smallpolaron.support.problems import ConfigurationError, Problem, show

ANGULAR: Final = ("omega", "w", "angular_frequency", "kreisfrequenz")
"""Names of an angular frequency."""

ARBITRARY: Final = "arbitrary"
"""Unit of numbers of which only the ratios are known."""

_ARBITRARY_WORDS: Final = ("arbitrary", "arb", "arbu", "normalised", "normalized", "1", "c0")
_SPELT: Final = {
    **{"angstrom2fs2": "angstrom^2/fs^2", "a2fs2": "angstrom^2/fs^2"},
    **{"angstrom2ps2": "angstrom^2/ps^2", "a2ps2": "angstrom^2/ps^2", "nm2ps2": "nm^2/ps^2"},
    **{"cm1": "cm^-1", "1cm": "cm^-1", "cm": "cm^-1", "radfs": "rad/fs", "radfs1": "rad/fs"},
    **{"radps": "rad/ps", "radps1": "rad/ps", "rads": "rad/s", "rads1": "rad/s"},
    **dict.fromkeys(("scm", "scm1", "ohm1cm1", "1ohmcm", "ohmcm1", "1ohm1cm"), "S/cm"),
    **dict.fromkeys(("sm", "sm1", "ohm1m1", "1ohmm", "ohmm1"), "S/m"),
    **{"ksm": "kS/m", "ksm1": "kS/m", "mscm": "mS/cm", "mscm1": "mS/cm"},
    **{"cm2": "cm^-2", "mev2": "meV^2"},
    **{unit.lower(): unit for unit in ("fs", "ps", "THz", "GHz", "Hz", "meV", "eV")},
    **dict.fromkeys(_ARBITRARY_WORDS, ARBITRARY),
}
"""Spellings of units without anything but letters and digits, in lower case."""

_PARTS: Final = {
    **dict.fromkeys(("real", "re", "realteil", "reel", "reelle", "reale"), "real"),
    **dict.fromkeys(("imag", "im", "imaginary", "imaginarteil", "imaginaerteil"), "imag"),
    **dict.fromkeys(("imaginaire", "imaginaria", "imaginario", "immaginaria"), "imag"),
}
_FILLERS: Final = {"part", "partie", "parte", "of", "the", "in", "de", "la", "optical", "complex"}
_NUMBERED_PART: Final = re.compile(r"sigma[\s_]*([12])(?![\da-z])")
_LETTERS: Final = {"σ": "sigma", "ω": "omega", "ν": "nu", "Ω": "ohm", "δ": "d"}
_BRACKET: Final = re.compile(r"(?P<name>[^\[(]*?)\s*(?:\[(?P<square>.*)\]|\((?P<round>.*)\))")


class Quantity(NamedTuple):
    """Something that a column may hold.

    Attributes:
        key: its name in a RawTable; followed by ``_real`` and ``_imag`` if it has two parts.
        words: its names in files, as lower-case words joined by underscores.
        units: accepted units; empty if it has none.
        has_parts: whether it may be complex.
        needed: whether a table must have it.
        needs_unit: whether its unit must be given, and is one of ``units``.
        keeps_unit: whether any other unit is kept as it is written.
        is_text: whether its cells are words.
        is_any: whether it may have any name, and many columns.
    """

    key: str
    words: tuple[str, ...]
    units: tuple[str, ...] = ()
    has_parts: bool = False
    needed: bool = False
    needs_unit: bool = False
    keeps_unit: bool = False
    is_text: bool = False
    is_any: bool = False


Schema = tuple[Quantity, ...]


class TableError(ConfigurationError):
    """A table that cannot be analysed; holds every problem found."""


def refuse(source: object, allowed: str, advice: str = "", line: int = 0) -> TableError:
    """Return the error for a fault of a file as a whole, or of one of its lines."""
    return TableError(str(source), [Problem("", None, allowed, advice, line)])


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
        columns: by key of the quantity and its part; by name where it may have any.
        units: unit by key of the quantity, one of those accepted, or as the file has it; empty when
            the file does not say.
        words: cells of columns that hold words, by key.
        lines: line of every row; empty if the file has none.
        temperature_K: temperature written in the file, or None.
        remarks: what had to be assumed or was left out when the file was read.
    """

    source: str
    columns: Mapping[str, Column]
    units: Mapping[str, str]
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)
    lines: tuple[int, ...] = ()
    temperature_K: float | None = None
    remarks: tuple[str, ...] = ()

    def complex(self, key: str) -> NDArray[np.complex128]:
        """Return a quantity of two parts, (rows,); its imaginary part may be missing."""
        real, imaginary = self.columns[f"{key}_real"].values, self.columns.get(f"{key}_imag")
        return real + 1j * (np.zeros_like(real) if imaginary is None else imaginary.values)

    def problem(self, quantity: str, row: int, allowed: str, advice: str) -> Problem:
        """Return a problem with one number of the table."""
        column = self.columns[quantity]
        value = float(column.values[row])
        if self.lines:
            return Problem(column.name, value, allowed, advice, self.lines[row])
        return Problem(f"{column.name}[{row}]", value, allowed, advice)


Parts = Mapping[str, Column]
"""Numbers of a column by part, ``real`` and, if any is complex, ``imag``; empty with problems."""


@dataclass(frozen=True)
class FileColumns(ABC):
    """Columns as a file names them, neither their names nor their numbers understood.

    Attributes:
        source: name of the file.
        names: names of the columns.
        units: units that do not stand in the names, by name.
        line: line of the header, counted from 1; 0 if the names came from elsewhere.
        lines: line of every row; empty if the file has none.
        temperature_K: temperature written in the file, or None.
        remarks: what had to be assumed.
    """

    source: str
    names: tuple[str, ...]
    units: Mapping[str, str] = field(default_factory=dict)
    line: int = 0
    lines: tuple[int, ...] = ()
    temperature_K: float | None = None
    remarks: tuple[str, ...] = ()

    @abstractmethod
    def numbers(self, indices: Sequence[int]) -> tuple[list[Parts], list[Problem], list[str]]:
        """Return the numbers of columns, what is no finite number, and what had to be assumed."""

    @abstractmethod
    def words(self, index: int) -> list[str]:
        """Return the cells of a column that holds words."""


class Named(NamedTuple):
    """What a name of a column says.

    Attributes:
        quantity: the quantity.
        part: ``real``, ``imag`` or empty.
        unit: unit as written, or the accepted unit that it spells; empty if none is named.
        own: what the name says of a quantity that may have any.
    """

    quantity: Quantity
    part: str
    unit: str
    own: str = ""


def read_name(name: str, schema: Schema, unit: str = "") -> Named | None:
    """Return quantity, part and unit of a column, or None if its name is not known.

    The unit follows the name in brackets, after a slash or after an underscore: ``time [fs]``,
    ``time (fs)``, ``t/fs``, ``time_fs``. The words for the parts may stand anywhere.

    Args:
        name: name in the file.
        schema: what the table may hold.
        unit: unit that the file gives elsewhere than in the name.
    """
    found = _split_name(_tokens(name), schema)
    if found is None and (match := _BRACKET.fullmatch(name.strip())):
        found = _split_name(_tokens(match["name"]), schema)
        unit = unit or match["square"] or match["round"] or ""
    return found._replace(unit=spelt_unit(unit) or unit) if found and unit else found


def _tokens(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text[:80])
    plain = "".join(f" {_LETTERS[c]} " if c in _LETTERS else c for c in plain)
    plain = unicodedata.normalize("NFKD", plain).lower()
    plain = plain.replace("′′", " imag ").replace("′", " real ").replace("''", " imag ")
    plain = "".join(c for c in plain.replace("'", " real ") if not unicodedata.combining(c))
    plain = _NUMBERED_PART.sub(lambda m: " sigma " + ("real " if m[1] == "1" else "imag "), plain)
    return re.findall(r"[^\W_]+", plain)


def _split_name(tokens: Sequence[str], schema: Schema) -> Named | None:
    """Return what tokens say: words of a name, then those of a unit, the part anywhere.

    A part alone, as in ``f;Re;Im``, is that of the complex quantity a table must have.
    """
    for end in range(len(tokens), 0, -1):
        parts = {_PARTS[token] for token in tokens if token in _PARTS}
        words = [t for t in tokens[:end] if t not in _PARTS and t not in _FILLERS]
        unit = "".join(token for token in tokens[end:] if token not in _PARTS)
        for quantity in schema:
            spelt = _SPELT.get(unit, "")
            is_unit = not unit or spelt in quantity.units or (quantity.needs_unit and end == 1)
            is_named = "_".join(words) in quantity.words or (
                not words and len(parts) == 1 and quantity.needed
            )
            if is_named and len(parts) <= quantity.has_parts and is_unit:
                return Named(quantity, next(iter(parts), ""), spelt or unit)
    for quantity in schema:
        if quantity.is_any and tokens:
            units = [_SPELT.get("".join(tokens[end:]), "") for end in range(1, len(tokens))]
            unit = next((unit for unit in units if unit in quantity.units), "")
            return Named(quantity, "", unit, " ".join(tokens))
    return None


def joined_parts(names: Sequence[str]) -> list[str]:
    """Return names with each word for a part alone put before the name that follows it."""
    joined: list[str] = []
    for name in names:
        alone = bool(joined) and {*_tokens(joined[-1])} <= _PARTS.keys()
        joined[-1:] = [f"{joined[-1]} {name}"] if alone else [*joined[-1:], name]
    return joined


def spelt_unit(text: str) -> str | None:
    """Return the accepted unit that a text spells, or None."""
    return _SPELT.get("".join(_tokens(text)))


def key_of(named: Named) -> str:
    """Return the key of a column in a RawTable; a real column without a part is the real part."""
    quantity, part, _, own = named
    return own or (f"{quantity.key}_{part or 'real'}" if quantity.has_parts else quantity.key)


def name_faults(
    names: Sequence[str], found: Mapping[int, Named], schema: Schema, line: int
) -> Iterator[Problem]:
    """Yield what is wrong with the names of the columns and their units."""
    first: dict[str, int] = {}
    for index, named in found.items():
        key = key_of(named)
        if key in first:
            allowed = f"columns {names[first[key]]} and {names[index]} mean the same"
            yield Problem("", None, allowed, "keep one of them", line)
        first.setdefault(key, index)
        yield from _unit_faults(names[index], named, line)
    for quantity in schema:
        key = key_of(Named(quantity, "", ""))
        is_there = any(named.own for named in found.values()) if quantity.is_any else key in first
        if quantity.needed and not is_there:
            shown = show(", ".join(names))
            allowed = f"has no column {key}; its columns are {shown}"
            yield Problem("", None, allowed, "add it, or correct its name", line)
    for key in dict.fromkeys(named.quantity.key for named in found.values()):
        same = [i for i, named in found.items() if named.quantity.key == key and named.unit]
        for index in same[1:]:
            unit = found[same[0]].unit
            if found[index].unit != unit:
                allowed = f"column {names[index]}: unit {show(found[index].unit)}; "
                allowed += f"must be that of {names[same[0]]}, {unit}"
                yield Problem("", None, allowed, "write both in one unit", line)


def _unit_faults(name: str, named: Named, line: int) -> Iterator[Problem]:
    quantity, unit = named.quantity, named.unit
    if quantity.needs_unit and unit not in quantity.units:
        said = show(unit) if unit else "not given"
        allowed = f"column {name}: unit {said}; must be {' or '.join(quantity.units)}"
        advice = f"write {quantity.key}_{quantity.units[0]} or the like; convert it if need be"
        yield Problem("", None, allowed, advice, line)
    elif unit and not quantity.units:
        allowed = f"column {name}: must have no unit of its own, but that of C per that of time"
        yield Problem("", None, allowed, "leave the unit out", line)
    elif unit and not quantity.keeps_unit and unit not in quantity.units:
        yield unknown_unit(f"column {name}", unit, quantity.units, line)
    angular = any("_".join(_tokens(name)).startswith(f"{word}_") for word in ANGULAR)
    if quantity.key == "frequency" and angular and unit in ("THz", "GHz", "Hz"):
        allowed = f"column {name}: an angular frequency in {unit} may mean cycles or radians"
        advice = f"write frequency_{unit} if it is in cycles, else omega_rad_ps or the like"
        yield Problem("", None, allowed, advice, line)


def unknown_column(name: str, schema: Schema, line: int) -> Problem:
    """Return the problem of a column that is none of the accepted ones."""
    choices = [
        key_of(Named(quantity, part, ""))
        for quantity in schema
        for part in (("real", "imag") if quantity.has_parts else ("",))
    ]
    allowed = f"column {show(name)} is not known; known are {', '.join(choices)}, with a unit"
    return Problem("", None, allowed, unknown_key_advice(name, choices), line)


def unknown_unit(subject: str, unit: str, units: Sequence[str], line: int = 0) -> Problem:
    """Return the problem of a unit that is none of the accepted ones."""
    allowed = f"{subject}: unit {show(unit)}; must be one of {', '.join(units)}"
    advice = "convert the values"
    if re.sub(r"[^a-z]", "", unit.lower()) == "au":
        advice = f"atomic or arbitrary? convert the values from atomic units, or write {ARBITRARY}"
    return Problem("", None, allowed, advice, line)
