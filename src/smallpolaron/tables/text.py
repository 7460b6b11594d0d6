"""Tables as text: as spreadsheets, instruments and programs write them, in any of their habits."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.support.problems import Problem, show
from smallpolaron.tables.names import (
    Column,
    FileColumns,
    Parts,
    Schema,
    TableError,
    joined_parts,
    read_name,
    refuse,
    spelt_unit,
)

_SEPARATORS: Final = (";", "\t", ",", "|")
_EMPTY: Final = "".join(_SEPARATORS) + " \xa0"
"""Of what an empty line may consist: spreadsheets write the separators of rows without cells."""
_COMMENTS: Final = ("#", "%")
_DIGITS: Final = r"(\d+\.?\d*|\.\d+)([eEdD][+-]?\d{1,4})?"
_NUMBER: Final = re.compile(rf"[+-]?{_DIGITS}", re.ASCII)
_COMPLEX: Final = re.compile(
    rf"\(?(?:(?P<re>[+-]?{_DIGITS})(?P<im>[+-]{{1,2}}{_DIGITS})|(?P<only>[+-]?{_DIGITS}))\*?[ij]\)?",
    re.ASCII,
)
_PLAIN_CHARACTERS: Final = frozenset("0123456789.+-eE")
_NOT_FINITE: Final = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_DECIMAL_COMMA: Final = re.compile(r"[+-]?\d*,\d+([eEdD][+-]?\d+)?", re.ASCII)
_HEADER_BLANKS: Final = re.compile(r"[^\s\[(]+(?:\s*[\[(][^\])]*[\])])?")
# Minus signs and dashes of other alphabets, and blanks that spreadsheets put between digits.
_PLAIN: Final = str.maketrans(
    {**dict.fromkeys("−–‒﹣－", "-"), **dict.fromkeys("\xa0\u202f\u2009", " ")}
)
_BOMS: Final = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True)
class TextTable(FileColumns):
    """Header and rows of a text.

    Attributes:
        cells: those of every row as they stand there, as many as there are names.
    """

    cells: tuple[list[str], ...] = ()

    def words(self, index: int) -> list[str]:
        """Return the cells of a column."""
        return [row[index] for row in self.cells]

    def numbers(self, indices: Sequence[int]) -> tuple[list[Parts], list[Problem], list[str]]:
        """Return the numbers of columns; decimal commas where most that are not whole have them."""
        cells = [cell for index in indices for cell in self.words(index)]
        commas = sum(bool(_DECIMAL_COMMA.fullmatch(_clean(cell))) for cell in cells if "," in cell)
        has_comma = commas > sum("." in cell for cell in cells)
        found, problems = [], []
        for index in indices:
            parts, faults = self._column(index, has_comma)
            found.append(parts)
            problems += faults
        return found, problems, ["decimal commas"] if has_comma else []

    def _column(self, index: int, has_comma: bool) -> tuple[Parts, list[Problem]]:
        name, problems = self.names[index], []
        words = self.words(index)
        if (quick := _plain_numbers(words)) is not None:
            return {"real": Column(name, quick, _rounding(words, quick))}, []
        parts: list[tuple[str, str]] = []
        for line, text in zip(self.lines, words, strict=True):
            plain = _clean(text)
            if has_comma:
                plain = plain.replace(".", "?").replace(",", ".")
            number = _parts(plain.replace(" ", "") if plain.endswith(("j", "i", ")")) else plain)
            if number is None or not all(np.isfinite(float(part)) for part in number):
                problems.append(_fault(name, text, line, has_comma))
            elif not problems:
                parts.append(number)
        if problems:
            return {}, problems
        columns = {}
        for order, part in enumerate(("real", "imag")):
            texts = [number[order] for number in parts]
            if part == "real" or any(text != "0" for text in texts):
                values = np.array([float(text) for text in texts], dtype=np.float64)
                columns[part] = Column(name, values, _rounding(texts, values))
        return columns, []


def parse_text(
    source: str, content: bytes, schema: Schema, names: Sequence[str] | None, most_rows: int
) -> TextTable:
    """Find header and rows of a text table; its form is in docs/own-data.md.

    The text is UTF-8, UTF-16 with its mark, or else cp1252. The header is the line above the
    numbers, a comment or not, in which most names are known; lines before it are left out. A line
    of units may follow it, a cell for each name. The separator is that of a line ``sep=;``, or the
    first of semicolon, tab, comma and bar that the header contains, else blanks.

    Args:
        source: name of the file.
        content: its bytes.
        schema: what it may hold.
        names: names of the columns, where the file has no header or a wrong one.
        most_rows: how many rows it may have.

    Raises:
        TableError: not text, no header, no rows, or rows of another length.
    """
    text, remarks = _decoded(source, content)
    numbered = enumerate(text.split("\n"), 1)
    lines = [(n, line.strip(" \xa0")) for n, line in numbered if line.strip(_EMPTY)]
    separator: str | None = ""
    if lines and re.fullmatch(r"sep=.", lines[0][1].strip('"'), re.IGNORECASE):
        separator = lines.pop(0)[1].strip('"')[-1]
    first = next((i for i, (_, line) in enumerate(lines) if _is_row(line, separator)), len(lines))
    header, used = (0, ""), first
    if names is None:
        header, used = _header(source, lines, first, schema, separator)
    elif first == len(lines) and any(quantity.is_text for quantity in schema):
        used = next((i for i, (_, t) in enumerate(lines) if not t.startswith(_COMMENTS)), first)
        top = lines[used][1] if used < first else ""
        used += any(read_name(n, schema) for n in _names(top, separator or _separator(top)))
    units = _unit_cells(lines[used], header[1], separator) if header[0] and used < first else []
    below = [item for item in lines[used + bool(units) :] if not item[1].startswith(_COMMENTS)]
    if not below and not header[0]:
        raise refuse(
            source, "holds no table", "write a header line, then one row per time or frequency"
        )
    if separator == "":
        separator = _separator(header[1] if names is None else below[0][1] if below else "")
    if len(below) > most_rows:
        allowed = f"has {len(below)} rows; a table may have {most_rows}"
        raise refuse(source, allowed, "keep every n-th row, or cut the end of the record")
    rows = [(n, _split(source, n, line, separator)) for n, line in below]
    titles = names or _titles(source, header, separator, rows)
    if len(units) == len(titles):
        titles = [_with_unit(*pair, schema) for pair in zip(titles, units, strict=True)]
    cells = tuple(_even(source, titles, header[0], rows))
    numbers = tuple(number for number, _ in rows)
    return TextTable(
        source, tuple(titles), line=header[0], lines=numbers, remarks=remarks, cells=cells
    )


def _decoded(source: str, content: bytes) -> tuple[str, tuple[str, ...]]:
    encoding = next((name for mark, name in _BOMS.items() if content.startswith(mark)), "utf-8")
    remarks: tuple[str, ...] = ()
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            advice = "save it as plain text (UTF-8) or as HDF5"
            raise refuse(
                source, f"is not text: byte {error.start} is no {encoding}", advice
            ) from error
        # bytes that cp1252 does not have: Latin-1 makes control characters of them
        is_undefined = any(byte in content for byte in b"\x81\x8d\x8f\x90\x9d")
        text = content.decode("latin-1" if is_undefined else "cp1252")
        remarks = (f"byte {error.start} is not UTF-8; the text was taken for cp1252 (Windows)",)
    control = _CONTROL.search(text)
    if control is not None:
        advice = "save it as plain text (UTF-8), such as CSV, or as HDF5"
        before = text[: control.start()].replace("\r\n", "\n").replace("\r", "\n")
        place = len(before) - before.rfind("\n")
        allowed = f"is not text: character {place} of the line is {show(control[0])}"
        raise refuse(source, allowed, advice, before.count("\n") + 1)
    return text.replace("\r\n", "\n").replace("\r", "\n"), remarks


def _unit_cells(below: tuple[int, str], header: str, separator: str | None) -> list[str]:
    """Return the cells of the line below the header if it has one for each name, some units."""
    separator = separator or _separator(header)
    cells = _names(below[1].lstrip("#% "), separator)
    is_whole = len(cells) == len(_names(header, separator))
    is_data = any(_NUMBER.fullmatch(_clean(cell)) for cell in cells)
    return cells if is_whole and not is_data and any(map(spelt_unit, cells)) else []


def _with_unit(name: str, unit: str, schema: Schema) -> str:
    """Return a name with the unit below it, unless it has one."""
    named = read_name(name, schema)
    return f"{name} [{unit.strip('[]()')}]" if named and not named.unit and unit else name


def _is_row(line: str, separator: str | None) -> bool:
    """Whether a line begins with a number."""
    if line.startswith(_COMMENTS):
        return False
    cell = _clean((line.split(separator or _separator(line)) or [""])[0])
    return any(form.fullmatch(cell) for form in (_NUMBER, _COMPLEX, _NOT_FINITE, _DECIMAL_COMMA))


def _header(
    source: str,
    lines: Sequence[tuple[int, str]],
    first: int,
    schema: Schema,
    separator: str | None,
) -> tuple[tuple[int, str], int]:
    """Return line and text of the header, and the index of the first line after it."""
    best, found = 0, None
    plain = [i for i in range(first) if not lines[i][1].startswith(_COMMENTS)]
    candidates = range(first) if first < len(lines) else plain[:1]
    for index in candidates:
        number, line = lines[index]
        text = line.lstrip("#% ")
        names = _names(text, separator or _separator(text))
        known = len({read_name(name, schema) for name in names} - {None})
        if known and known >= best:
            best, found = known, (number, text, index)
    if found is not None:
        return (found[0], found[1]), found[2] + 1
    if plain or first < len(lines):
        needed = ", ".join(quantity.key for quantity in schema if quantity.needed)
        said = f"; line {lines[plain[-1]][0]} is {show(lines[plain[-1]][1])}" if plain else ""
        allowed = f"has no header line that names its columns ({needed}){said}"
        advice = "add one above the first row, or pass --columns"
        raise refuse(source, allowed, advice, lines[plain[-1] if plain else first][0])
    return (0, ""), first


def _separator(line: str) -> str | None:
    return next((mark for mark in _SEPARATORS if mark in line), None)


def _names(line: str, separator: str | None) -> list[str]:
    if separator is None:
        return _HEADER_BLANKS.findall(line)
    return [cell.strip().strip('"') for cell in line.split(separator)]


def _titles(
    source: str,
    header: tuple[int, str],
    separator: str | None,
    rows: Sequence[tuple[int, list[str]]],
) -> list[str]:
    """Return the names of the header; an empty one at its end counts if it has cells.

    Between blanks, ``Re C(t)`` is one name where the rows have as many cells then, and so is what
    stands between two blanks and two more.
    """
    names = _names(header[1], separator)
    if separator is not None:
        names = _split(source, header[0], header[1], separator)
    elif rows:
        splits = (names, header[1].split(), re.split(r"\s{2,}", header[1].strip()))
        choices = (*splits, *map(joined_parts, splits))
        names = next((each for each in choices if len(each) == len(rows[0][1])), names)
    while (
        len(names) > 1
        and not names[-1]
        and not any(cells[len(names) - 1] for _, cells in rows if len(cells) >= len(names))
    ):
        names.pop()
    return names


def _split(source: str, number: int, line: str, separator: str | None) -> list[str]:
    """Return the cells of a line; a quoted cell may hold the separator."""
    if separator is None:
        return line.replace("\xa0", " ").split()
    try:
        cells = next(csv.reader([line], delimiter=separator, skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise refuse(source, f"is not a line of cells ({error})", "correct it", number) from error
    return [cell.strip() for cell in cells]


def _even(
    source: str, names: Sequence[str], header_line: int, rows: Sequence[tuple[int, list[str]]]
) -> Iterator[list[str]]:
    """Yield rows of as many cells as there are names; further empty cells are dropped."""
    wanted, problems = len(names), []
    widths = {len(cells) for _, cells in rows}
    if len(rows) > 1 and len(widths) == 1 and min(widths) < wanted:
        shown = show(", ".join(names))
        allowed = f"cells in every row: {min(widths)}; in the header: {wanted}, {shown}"
        raise TableError(source, [Problem("", None, allowed, _HINT, header_line or rows[0][0])])
    for line, cells in rows:
        if len(cells) < wanted or any(cells[wanted:]):
            allowed = f"row of {len(cells)} cells; the header has {wanted}"
            problems.append(Problem("", None, allowed, _HINT, line))
        yield cells[:wanted]
    if problems:
        raise TableError(source, problems)


_HINT: Final = (
    "the separator of all lines is that of the header: ; or tab or , or | or blanks; with decimal "
    "commas it cannot be a comma"
)


def _clean(text: str) -> str:
    return text.translate(_PLAIN).strip()


def _plain_numbers(texts: Sequence[str]) -> NDArray[np.float64] | None:
    """Return numbers that are all finite and spelt without any habit; None where one is not."""
    if not set().union(*texts) <= _PLAIN_CHARACTERS:
        return None
    try:
        values = np.array(texts, dtype=np.float64)
    except ValueError:
        return None
    return values if np.all(np.isfinite(values)) else None


def _parts(text: str) -> tuple[str, str] | None:
    """Return real and imaginary part of a number as Python spells them, or None."""
    if _NUMBER.fullmatch(text):
        return re.sub("[dD]", "e", text), "0"
    found = _COMPLEX.fullmatch(text)
    if found is None:
        return None
    # old versions of NumPy print a negative imaginary part as +-
    imaginary = (found["im"] or found["only"]).replace("+-", "-").replace("--", "+").lstrip("+")
    return re.sub("[dD]", "e", found["re"] or "0"), re.sub("[dD]", "e", imaginary)


def _fault(name: str, text: str, line: int, has_comma: bool) -> Problem:
    if _NOT_FINITE.fullmatch(text):
        advice = "correct or recompute the row"
        return Problem(name, text, "must be a finite number", advice, line)
    if _NUMBER.fullmatch(_clean(text)) and not (has_comma and "." in text):
        return Problem(name, text, "is too large for a number", "correct it", line)
    advice = "correct it"
    if not text:
        advice = "write a value in every cell"
    elif re.fullmatch(r"[+-]?[\d.,]+", text):
        mark = "comma" if has_comma else "point"
        advice = f"write a decimal {mark}, as most numbers here; no marks between thousands"
    return Problem(name, text, "must be a number such as -1.5e-3", advice, line)


def _rounding(texts: Sequence[str], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return half of the last digit of every number, as fixed or floating format prints it.

    A printed column has either a fixed number of decimals or a fixed number of digits; trailing
    zeros may be missing. The most decimals and the most digits of the column tell which.
    """
    parts = [Decimal(text).as_tuple() for text in texts]
    decimals = max((-int(part.exponent) for part in parts), default=0)
    digits = max((len(part.digits) for part in parts), default=1)
    sizes = np.abs(values)
    order = np.floor(np.log10(sizes, out=np.full(sizes.shape, -np.inf), where=sizes > 0.0))
    stored = np.finfo(np.float64).eps * sizes
    return 0.5 * np.maximum(np.maximum(10.0**-decimals, 10.0 ** (order + 1 - digits)), stored)
