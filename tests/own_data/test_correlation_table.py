"""Tables of C(t): accepted forms give the same numbers, malformed ones a place and a reason."""

from __future__ import annotations

import locale
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from smallpolaron.own_data.correlation_table import CorrelationTable, read_correlation_table
from smallpolaron.support.problems import MOST_PROBLEMS
from smallpolaron.tables.names import TableError, key_of, read_name
from smallpolaron.tables.read import LARGEST_FILE, LARGEST_ROWS
from smallpolaron.tables.schemas import CORRELATION
from tests.own_data.table_case import CASE, TEMPERATURE, GaussianBands, assert_is_the_case

HEADER = "time_fs,C_real_A2_fs2,C_imag_A2_fs2"

Lines = list[str]


def lines_of(digits: int = 17, separator: str = ",", header: str = HEADER) -> Lines:
    """Return the table of the case, the header first: line n of the file is item n - 1."""
    rows = zip(CASE.time, CASE.C.real, CASE.C.imag, strict=True)
    return [
        header,
        *(separator.join(f"{value:.{digits}g}" for value in row) for row in rows),
    ]


def write(path: Path, lines: Lines, end: str = "\n") -> Path:
    path.write_bytes((end.join(lines) + end).encode())
    return path


def read(path: Path, lines: Lines, **options: object) -> CorrelationTable:
    return read_correlation_table(write(path, lines), TEMPERATURE, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("separator", "header"),
    [
        (",", "time_fs,C_real_A2_fs2,C_imag_A2_fs2"),
        (", ", "t/fs, Re C [angstrom^2/fs^2], Im C [angstrom^2/fs^2]"),
        (";", "Time (fs);C_JJ_real (A^2 fs^-2);C_JJ_imag (A^2 fs^-2)"),
        ("\t", "time [fs]\tc_re/Å²/fs²\tc_im"),
        ("  ", "time_fs   C_real_angstrom2_fs2 C_imag"),
        (",", '"time_fs","C_real_A2_fs2","C_imag_A2_fs2"'),
        (" ", "# time_fs C_real_A2_fs2 C_imag_A2_fs2"),
    ],
    ids=["comma", "comma and blank", "semicolon", "tab", "blanks", "quoted", "commented"],
)
def test_spellings_give_the_same_table(separator: str, header: str, tmp_path: Path) -> None:
    assert_is_the_case(read(tmp_path / "a.csv", lines_of(17, separator, header)))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_comments_blank_lines_and_marks(end: str, tmp_path: Path) -> None:
    lines = ["\ufeff# made by hand", "", *lines_of(), "", "# the end"]
    lines.insert(50, "# in between")
    path = write(tmp_path / "a.csv", lines, end)
    assert_is_the_case(read_correlation_table(path, TEMPERATURE))


def test_units_are_converted(tmp_path: Path) -> None:
    rows = zip(CASE.time / 1000, CASE.C.real * 1e4, CASE.C.imag * 1e4, strict=True)
    lines = ["time_ps,C_real_nm2_ps2,C_imag_nm2_ps2"]
    lines += [",".join(f"{value:.17g}" for value in row) for row in rows]
    assert_is_the_case(read(tmp_path / "a.csv", lines))


def test_derivatives_are_read_per_unit_of_the_time_column(tmp_path: Path) -> None:
    columns = (CASE.time / 1000, CASE.C, CASE.dC * 1e3, CASE.d2C * 1e6)
    lines = ["time_ps,C_real_A2_fs2,C_imag,dC_real,dC_imag,d2C_real,d2C_imag"]
    for t, *values in zip(*columns, strict=True):
        cells = [t, *(part for value in values for part in (value.real, value.imag))]
        lines.append(",".join(f"{cell:.17g}" for cell in cells))
    table = read(tmp_path / "a.csv", lines)
    assert_is_the_case(table)
    np.testing.assert_allclose(table.dC, CASE.dC, rtol=1e-12, atol=1e-18)
    np.testing.assert_allclose(table.d2C, CASE.d2C, rtol=1e-12, atol=1e-18)


@pytest.mark.parametrize("header", ["time_fs,C_real,C_imag", "time_fs,C_real [arb],C_imag [arb]"])
def test_without_a_unit_only_the_shape_is_kept(header: str, tmp_path: Path) -> None:
    table = read(tmp_path / "a.csv", lines_of(header=header))
    assert not table.is_absolute
    np.testing.assert_allclose(table.C, CASE.C / CASE.C[0].real, rtol=1e-12, atol=1e-15)


def test_the_unit_may_come_from_the_user(tmp_path: Path) -> None:
    lines = lines_of(header="time_fs,C_real,C_imag")
    assert_is_the_case(read(tmp_path / "a.csv", lines, unit="angstrom^2/fs^2"))


@pytest.mark.parametrize("decimals", [2, 3, 6])
def test_printed_times_are_rounded_to_an_even_grid(decimals: int, tmp_path: Path) -> None:
    step = 1.0 / 3.0
    C = GaussianBands().sample(step, 150.0)
    lines = [HEADER]
    lines += [
        f"{t:.{decimals}f},{value.real:.17g},{value.imag:.17g}"
        for t, value in zip(C.time, C.C, strict=True)
    ]
    table = read(tmp_path / "a.csv", lines)
    assert table.time_fs[1] == pytest.approx(step, rel=10.0**-decimals / 150.0)


@pytest.mark.parametrize("digits", [5, 8])
def test_rounding_of_printed_values_is_known(digits: int, tmp_path: Path) -> None:
    table = read(tmp_path / "a.csv", lines_of(digits))
    off = np.max(np.abs(table.C - CASE.C)) / CASE.C[0].real
    assert off < 2**0.5 * table.rounding < 10 * off
    assert read(tmp_path / "b.csv", lines_of(17)).rounding < 1e-15


def test_a_classical_table_has_no_imaginary_part(tmp_path: Path) -> None:
    lines = ["t_fs C_A2_fs2", *(f"{t} {np.exp(-0.03 * t)}" for t in range(200))]
    table = read(tmp_path / "a.txt", lines, kind="classical")
    np.testing.assert_allclose(table.C, np.exp(-0.03 * np.arange(200)), rtol=1e-14)
    assert table.kind == "classical"


def test_numbers_do_not_depend_on_the_locale(tmp_path: Path) -> None:
    try:
        locale.setlocale(locale.LC_ALL, "de_DE.UTF-8")
    except locale.Error:
        pytest.skip("no locale with a decimal comma on this machine")
    try:
        assert_is_the_case(read(tmp_path / "a.csv", lines_of()))
    finally:
        locale.setlocale(locale.LC_ALL, "C")


def test_every_documented_name_is_read() -> None:
    for quantity in CORRELATION:
        parts = {"": "", "real": "_re", "imag": "_im"} if quantity.has_parts else {"": ""}
        for word in quantity.words:
            for part, end in parts.items():
                for spelling in (word + end, (word + end).upper(), f"{end[1:]} {word}".strip()):
                    found = read_name(spelling, CORRELATION)
                    assert found == (quantity, part, "", ""), spelling
                    assert read_name(f"{spelling} [fs]", CORRELATION) == (quantity, part, "fs", "")


@pytest.mark.parametrize(
    ("name", "key", "unit"),
    [
        ("Re(C) (nm²/ps²)", "C_real", "nm^2/ps^2"),
        ("C(t)", "C_real", ""),
        ("real_C_JJ [Å²/fs²]", "C_real", "angstrom^2/fs^2"),
        ("Zeit [ps]", "time", "ps"),
        ("Im d2C", "d2C_imag", ""),
    ],
)
def test_names_in_any_order(name: str, key: str, unit: str) -> None:
    found = read_name(name, CORRELATION)
    assert found is not None
    assert (key_of(found), found.unit) == (key, unit)


Change = Callable[[Lines], Lines]


def cell(line: int, column: int, text: str) -> Change:
    """Replace one cell; lines count from 1 as in the message."""

    def change(lines: Lines) -> Lines:
        cells = lines[line - 1].split(",")
        cells[column] = text
        return [*lines[: line - 1], ",".join(cells), *lines[line:]]

    return change


def column(index: int, function: Callable[[float], float]) -> Change:
    """Apply a function to a column."""

    def change(lines: Lines) -> Lines:
        rows = [line.split(",") for line in lines[1:]]
        for row in rows:
            row[index] = repr(function(float(row[index])))
        return [lines[0], *(",".join(row) for row in rows)]

    return change


def header(text: str) -> Change:
    return lambda lines: [text, *lines[1:]]


MALFORMED: dict[str, tuple[Change, str, str]] = {
    "a word": (cell(7, 1, "abc"), ":7: C_real_A2_fs2 = 'abc'", "must be a number"),
    "empty cell": (cell(9, 2, ""), ":9: C_imag_A2_fs2 = ''", "write a value in every cell"),
    "NaN": (cell(30, 1, "nan"), ":30: C_real_A2_fs2 = 'nan'", "must be a finite number"),
    "infinity": (cell(12, 2, "-inf"), ":12: C_imag_A2_fs2 = '-inf'", "must be a finite number"),
    "overflow": (cell(12, 2, "1e999"), ":12: C_imag_A2_fs2 = '1e999'", "too large"),
    "complex cell": (cell(5, 1, "(1+2j)"), ":5: column C_real_A2_fs2", "must be real"),
    "thousands": (cell(5, 1, '"1,234.5"'), ":5: C_real_A2_fs2", "marks between thousands"),
    "mixed commas": (cell(5, 1, '"1,2"'), ":5: C_real_A2_fs2", "write a decimal point"),
    "underscore": (cell(5, 1, "1_0"), ":5: C_real_A2_fs2 = '1_0'", "must be a number"),
    "hexadecimal": (cell(5, 1, "0x1p-3"), ":5: C_real_A2_fs2", "must be a number"),
    "other digits": (cell(5, 1, "١٢"), ":5: C_real_A2_fs2", "must be a number"),
    "cell too many": (cell(8, 2, "1,2"), ":8: row of 4 cells", "the header has 3"),
    "cell missing": (lambda x: [*x[:4], "3,1", *x[5:]], ":5: row of 2 cells", "the header has 3"),
    "other separator below": (
        lambda x: [x[0], *(line.replace(",", ";") for line in x[1:])],
        "a.csv:1: cells in every row: 1",
        "separator",
    ),
    "no header": (lambda x: x[1:], "a.csv:1: has no header line", "add one above the first row"),
    "unknown header": (header("x,y,z"), "a.csv:1: has no header line", "names its columns"),
    "unknown column": (header("time_fs,C_real,C_imga"), ":1: column 'C_imga'", "'C_imag'"),
    "unnamed column": (header("time_fs,C_real,"), ":1: column ''", "is not known"),
    "no time": (header("dC_imag,C_real,C_imag"), ":1: has no column time", "its columns are"),
    "no real part": (header("time_fs,dC_real,C_imag"), ":1: has no column C_real", "add it"),
    "same column twice": (header("time_fs,C_real,Re C"), ":1: columns C_real and Re C", "keep one"),
    "time without unit": (header("time,C_real,C_imag"), ":1: column time: unit not", "fs or ps"),
    "time in seconds": (header("time_s,C_real,C_imag"), ":1: column time_s: unit 's'", "fs or ps"),
    "unknown unit": (
        header("time_fs,C_real [m^2/s^2],C_imag"),
        ":1: column C_real [m^2/s^2]: unit 'm^2/s^2'",
        "angstrom^2/fs^2",
    ),
    "ambiguous unit": (header("time_fs,C_real [a.u.],C_imag"), ":1: column", "atomic or arbitrary"),
    "two units": (
        header("time_fs,C_real [nm^2/ps^2],C_imag [A^2/fs^2]"),
        ":1: column C_imag [A^2/fs^2]",
        "must be that of C_real [nm^2/ps^2], nm^2/ps^2",
    ),
    "unit of a derivative": (
        header("time_fs,C_real,dC_real [A^2/fs^2]"),
        ":1: column dC_real",
        "leave the unit out",
    ),
    "missing row": (lambda x: [*x[:20], *x[21:]], ":21: time_fs = 20.0", "add missing rows"),
    "uneven times": (
        lambda x: [*x[:102], *column(0, lambda t: 1.5 * t - 50)([x[0], *x[102:]])[1:]],
        ":103: time_fs = 101.5: times must be even; the step to this row is 1.5 fs",
        "resample",
    ),
    "jitter": (cell(41, 0, "39.1"), ":41: time_fs = 39.1", "times must be even"),
    "late start": (lambda x: [x[0], *x[3:]], ":2: time_fs = 2.0: must be 0", "add the row"),
    "negative times": (column(0, lambda t: t - 100.0), ":2: time_fs = -100.0", "from 0 on"),
    "decreasing times": (lambda x: [x[0], *x[:0:-1]], ":3: time_fs = 199.0", "later than the row"),
    "repeated time": (lambda x: [*x[:9], x[8], *x[9:]], ":10: time_fs = 7.0", "drop repeats"),
    "too short": (lambda x: x[:20], "a.csv: has 19 rows", "20"),
    "header only": (lambda x: x[:1], "a.csv: has 0 rows", "20"),
    "empty": (lambda x: [], "a.csv: holds no table", "write a header line"),
    "comments only": (lambda x: ["# time_fs,C_real"], "a.csv: holds no table", "one row per time"),
    "no decay": (
        column(1, lambda c: 1.0 + 0.1 * c),
        "a.csv: C has not decayed: in the last tenth",
        "unit of time",
    ),
    "Im C(0)": (cell(2, 2, "1e-4"), ":2: C_imag_A2_fs2 = 0.0001: must be 0 at time 0", "Hermitian"),
    "C(0) zero": (cell(2, 1, "0"), ":2: C_real_A2_fs2 = 0.0: must be > 0 at time 0", "mean square"),
    "C(0) negative": (column(1, lambda c: -c), ":2: C_real_A2_fs2 = -", "check the sign"),
    "above C(0)": (cell(4, 1, "1"), ":4: C_real_A2_fs2 = 1.0: |C| is", "never exceed C(0)"),
    "first step too long": (
        lambda x: [x[0], x[1], *(line for line in x[12:])],
        ":4: time_fs = 12.0: times must be even",
        "to the row before 11",
    ),
    "unresolved": (cell(3, 1, "0"), ":3: C_real_A2_fs2 = 0.0: C changes by", "sample more finely"),
    "real quantum function": (
        column(2, lambda c: 0.0),
        "C_imag_A2_fs2 is 0 ev",
        "--kind classical",
    ),
    "complex conjugate": (column(2, lambda c: -c), "Im C has the wrong sign", "change the sign"),
    "seconds said to be fs": (
        column(0, lambda t: t * 1e-15),
        "the time step is 1e-15 fs",
        "seconds",
    ),
    "ps said to be fs": (column(0, lambda t: t * 1e-3), "the record ends at 0.2 fs", "in ps?"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_tables_are_refused_with_place_and_reason(name: str, tmp_path: Path) -> None:
    change, place, reason = MALFORMED[name]
    path = write(tmp_path / "a.csv", change(lines_of()))
    with pytest.raises(TableError) as caught:
        read_correlation_table(path, TEMPERATURE)
    matching = [line for line in str(caught.value).splitlines() if place in line]
    assert matching, str(caught.value)
    assert any(reason in line for line in matching), matching
    assert all(line.startswith(str(path)) for line in str(caught.value).splitlines())


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"temperature_K": None}, "temperature_K is not given"),
        ({"temperature_K": 0.0}, "temperature_K = 0.0: must be a finite number > 0"),
        ({"temperature_K": float("nan")}, "temperature_K = nan"),
        ({"temperature_K": 0.025}, "hbar/(k_B T)"),
        ({"temperature_K": 300.0, "unit": "furlong"}, "--unit: unit 'furlong'"),
        ({"temperature_K": 300.0, "unit": "arbitrary"}, "the file says C is in angstrom^2/fs^2"),
        ({"temperature_K": 300.0, "kind": "classical"}, "a classical function is real"),
    ],
    ids=["no T", "zero T", "NaN T", "T in eV", "bad unit", "other unit", "wrong kind"],
)
def test_options_are_checked_with_the_table(
    options: dict[str, object], reason: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", lines_of())
    with pytest.raises(TableError, match=re.escape(reason)):
        read_correlation_table(path, **options)  # type: ignore[arg-type]


def test_a_real_table_is_no_quantum_function(tmp_path: Path) -> None:
    lines = ["t_fs,C", *(f"{t},{np.exp(-0.03 * t)}" for t in range(200))]
    with pytest.raises(TableError, match=r"has no column C_imag.*--kind classical"):
        read(tmp_path / "a.csv", lines)


@pytest.mark.parametrize(
    ("columns", "factor", "reason"),
    [
        ("dC_real,dC_imag", 1e3, "dC is not the derivative of C"),
        ("dC_real", 1.0, "has no column dC_imag"),
        ("d2C_real,d2C_imag", 1.0, "has d2C but not dC"),
    ],
    ids=["unit", "one part", "second alone"],
)
def test_derivatives_are_checked(columns: str, factor: float, reason: str, tmp_path: Path) -> None:
    lines = lines_of()
    parts = (CASE.dC.real, CASE.dC.imag)[: columns.count(",") + 1]
    more = [columns, *(",".join(str(factor * v) for v in row) for row in zip(*parts, strict=True))]
    with pytest.raises(TableError, match=reason):
        read(tmp_path / "a.csv", [f"{a},{b}" for a, b in zip(lines, more, strict=True)])


def test_many_problems_are_collected_and_counted(tmp_path: Path) -> None:
    lines = lines_of()
    for line in range(50, 90):
        lines = cell(line, 1, "nan")(lines)
    lines = cell(70, 2, "x")(lines)
    with pytest.raises(TableError) as caught:
        read(tmp_path / "a.csv", lines)
    text = str(caught.value).splitlines()
    assert len(text) == MOST_PROBLEMS + 1
    assert text[-1].endswith(
        f"and at least {41 - MOST_PROBLEMS} more problems; correct the first ones"
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00", ":2: is not text: character 1 of the line"),
        (b"PK\x03\x04\x14\x00\x00", "is not text but a spreadsheet"),
        (b"time_fs,C_\x1b[31mreal,C_imag\n", ":1: is not text: character 11 of the line"),
        (b"\xff\xfet\x00i", "is not text: byte 4 is no utf-16"),
        (bytes(range(32, 127)) * 50, "has no header line"),
        (b"\x89HDF\r\n\x1a\n" + bytes(200), "truncated or damaged HDF5 file"),
    ],
    ids=["picture", "spreadsheet", "escape", "half UTF-16", "one long line", "half an HDF5 file"],
)
def test_binary_junk_is_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(TableError, match=reason) as caught:
        read_correlation_table(path, TEMPERATURE)
    assert str(caught.value).startswith(str(path))
    assert str(caught.value).isprintable()


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="No such file"):
        read_correlation_table(tmp_path / "none.csv", TEMPERATURE)
    with pytest.raises(TableError, match="Is a directory"):
        read_correlation_table(tmp_path, TEMPERATURE)
    text = write(tmp_path / "a.h5", lines_of())
    with pytest.raises(TableError, match="HDF5 file"):
        read_correlation_table(text, TEMPERATURE)


def test_large_files_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    with pytest.raises(TableError, match=f"larger than {LARGEST_FILE} bytes"):
        read_correlation_table(path, TEMPERATURE)
    rows = [f"{t},0,0" for t in range(LARGEST_ROWS + 1)]
    with pytest.raises(TableError, match=f"has {LARGEST_ROWS + 1} rows"):
        read(tmp_path / "b.csv", [HEADER, *rows])
