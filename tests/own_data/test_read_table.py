"""Tables as people have them: every form of a file gives the same numbers, doubts are spoken."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from smallpolaron.own_data.conductivity_table import read_conductivity, read_measured
from smallpolaron.own_data.correlation_table import read_correlation_table
from smallpolaron.tables.names import TableError, key_of, read_name
from smallpolaron.tables.read import read_table
from smallpolaron.tables.schemas import CONDUCTIVITY, FREQUENCY_UNITS

DATA = Path(__file__).parent / "data" / "tables"
EXAMPLE = Path(__file__).parents[2] / "docs" / "own-data.csv"
THZ = np.loadtxt(DATA / "thz-tds.csv", delimiter=",", skiprows=1)
OMEGA = 2.0e-3 * np.pi * THZ[:, 0]
SIGMA = THZ[:, 1] + 1j * THZ[:, 2]


def text(
    header: str,
    columns: list[np.ndarray],
    separator: str = ",",
    form: str = "{:.12g}",
    end: str = "\n",
) -> str:
    rows = [separator.join(form.format(v) for v in row) for row in zip(*columns, strict=True)]
    return end.join([header, *rows]) + end


PLAIN = [THZ[:, 0], THZ[:, 1], THZ[:, 2], THZ[:, 3]]
COMPLEX = [THZ[:, 0], SIGMA]


def _npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def _npz(**arrays: object) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def _fields() -> np.ndarray:
    found = np.zeros(len(THZ), [("frequency_THz", "f8"), ("sigma_S_cm", "c16"), ("error", "f8")])
    found["frequency_THz"], found["sigma_S_cm"], found["error"] = THZ[:, 0], SIGMA, 0.3
    return found


H = "frequency_THz,sigma_re_S_cm,sigma_im_S_cm,error_S_cm"
FORMS: dict[str, str | bytes] = {
    "plain": text(H, PLAIN),
    "semicolons and decimal commas": text(H.replace(",", ";"), PLAIN, ";").replace(".", ","),
    "tabs": text(H.replace(",", "\t"), PLAIN, "\t"),
    "bars": text(H.replace(",", " | "), PLAIN, " | "),
    "blanks and decimal commas": text("f[THz]  Re[sigma] Im(sigma) error", PLAIN, "  ").replace(
        ".", ","
    ),
    "quoted decimal commas": text(H, PLAIN, ",", '"{:.12g}"').replace(".", ","),
    "sep line": "sep=;\n" + text(H.replace(",", ";"), PLAIN, ";"),
    "mark of UTF-8, CRLF": ("\ufeff" + text(H, PLAIN, end="\r\n")).encode(),
    "UTF-16": text(H, PLAIN).encode("utf-16"),
    "CR": text(H, PLAIN, end="\r"),
    "U+2212": text(H, PLAIN).replace("-", "−"),
    "Fortran": H + text("", PLAIN, form="{:.12e}").replace("e", "D"),
    "percent comments": "% a note\n" + text(H, PLAIN),
    "preamble": "Sample 3; 300 K; 2024-05-01\n\n" + text(H, PLAIN),
    "trailing separators": text(H, PLAIN).replace("\n", ",\n"),
    "rows without cells": text(H.replace(",", ";"), PLAIN, ";") + ";;;\n;;;\n",
    "upper case": text("FREQ (THZ),SIGMA REAL,SIGMA IMAG,ERROR", PLAIN),
    "other order": text("Im σ (S/cm),Fehler,Re σ (S/cm),f/THz", [PLAIN[i] for i in (2, 3, 1, 0)]),
    "σ1, σ2": text("ν [THz],σ1 [Ω⁻¹cm⁻¹],σ_2 [Ω⁻¹cm⁻¹],err", PLAIN),
    "German, cp1252": (DATA / "messung.csv").read_bytes(),
    "another column": text(H + ",remark_no", [*PLAIN, THZ[:, 0]]),
    "complex column": text("frequency_THz,sigma,error", [*COMPLEX, THZ[:, 3]], form="{}"),
    "complex with i": text("frequency_THz;sigma;error", [*COMPLEX, THZ[:, 3]], ";", "{}")
    .replace("j", " i")
    .replace("+", " + "),
    "savetxt, complex": "# frequency_THz sigma error\n"
    + "".join(f" {a} ({b.real}+{b.imag}j) 0.3\n" for a, b in zip(THZ[:, 0], SIGMA, strict=True)),
    "meV": text("photon energy [meV],Re,sigma_im", [THZ[:, 0] * 4.135667696923859, *PLAIN[1:3]])
    .replace("Re,", "sigma_re,")
    .replace("\n", ",0.3\n")
    .replace("sigma_im,0.3", "sigma_im,error"),
    "cm^-1, falling": text(
        "wavenumber [cm⁻¹],sigma_re,sigma_im,error",
        [c[::-1] for c in (THZ[:, 0] / 0.0299792458, *PLAIN[1:])],
    ),
    "Hz": text("f_Hz,sigma_re,sigma_im,error", [THZ[:, 0] * 1e12, *PLAIN[1:]]),
    "rad/ps": text("omega [rad/ps],sigma_re,sigma_im,error", [OMEGA * 1e3, *PLAIN[1:]]),
    "units in a line below": text("Freq;Re;Im;Err\nTHz;S/cm;S/cm;", PLAIN, ";"),
    "units in a comment below": text(
        "f\tRe\tIm\terror\n# (THz)\t(S/cm)\t(S/cm)\t(S/cm)", PLAIN, "\t"
    ),
    "names of two words": text("# f[THz] Re σ Im σ error", PLAIN, " "),
    "French": text(
        "fréquence (THz);partie réelle σ (S/cm);partie imaginaire σ (S/cm);écart-type", PLAIN, ";"
    ).replace(".", ","),
    "Spanish": text("frecuencia_THz;conductividad real;conductividad imaginaria;error", PLAIN, ";"),
    "npy with fields": _npy(_fields()),
    "npz": _npz(frequency_THz=THZ[:, 0], sigma=SIGMA, error=THZ[:, 3], notes=np.zeros((2, 2))),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_conductivity(name: str, tmp_path: Path) -> None:
    content = FORMS[name]
    path = tmp_path / ("a.npz" if name == "npz" else "a.dat")
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    table = read_conductivity(path)
    np.testing.assert_allclose(table.omega, OMEGA, rtol=1e-9)
    np.testing.assert_allclose(table.sigma, SIGMA, rtol=1e-9)
    np.testing.assert_allclose(table.noise.error, 0.3, rtol=1e-9)
    assert not any("SUSPECT" in remark for remark in table.remarks)


def test_units_of_conductivity_and_error_may_differ(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text("f_THz,Re σ [S/m],Im σ [S/m],error [S/cm]", [THZ[:, 0], *PLAIN[1:]]))
    table = read_conductivity(path)
    assert table.unit == "S/m"
    np.testing.assert_allclose(table.sigma, SIGMA)
    assert table.noise.error[0] == pytest.approx(30.0) or table.noise.origin == "scatter"


def test_columns_may_be_named_by_the_user(tmp_path: Path) -> None:
    names = ("frequency_THz", "sigma_re", "sigma_im", "error")
    plain = tmp_path / "a.txt"
    np.savetxt(plain, THZ)
    np.save(tmp_path / "b.npy", THZ)
    np.save(tmp_path / "c.npy", THZ.T)
    for path in (plain, tmp_path / "b.npy", tmp_path / "c.npy"):
        with pytest.raises(TableError, match="--columns"):
            read_conductivity(path)
        np.testing.assert_allclose(read_conductivity(path, names).sigma, SIGMA)
    with pytest.raises(TableError, match="--columns names 3 columns"):
        read_conductivity(tmp_path / "b.npy", names[:3])
    with pytest.raises(TableError, match=r"a\.txt:1: row of 4 cells; the header has 3"):
        read_conductivity(plain, names[:3])


@pytest.mark.parametrize("header", ["", "name;wert;fehler\n", "size;value;error\n"])
def test_columns_of_quantities(header: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"# on Monday\n{header}mobility;0,9;0,05\ntau_K;60;5\n")
    columns = None if header.startswith("name") else ("quantity", "value", "error")
    found = read_measured(path, ("mobility", "tau_K"), columns)
    assert found == ({"mobility": 0.9, "tau_K": 60.0}, {"mobility": 0.05, "tau_K": 5.0})


@pytest.mark.parametrize("name", ["own-data-minus.csv", "own-data-sep.csv"])
def test_forms_of_the_example(name: str) -> None:
    table, expected = (read_correlation_table(p, 300.0) for p in (DATA / name, EXAMPLE))
    np.testing.assert_array_equal(table.C, expected.C)
    np.testing.assert_array_equal(table.time_fs, expected.time_fs)


def test_a_correlation_function_as_arrays(tmp_path: Path) -> None:
    expected = read_correlation_table(EXAMPLE, 300.0)
    arrays = {"time_fs": expected.time_fs, "C [A^2/fs^2]": expected.C, "temperature_K": 300.0}
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    np.testing.assert_array_equal(read_correlation_table(tmp_path / "a.npz").C, expected.C)
    both = np.array([expected.time_fs, expected.C.real, expected.C.imag]).T
    np.savez(tmp_path / "b.npz", whole=both)
    names = ("time_fs", "C_real_A2_fs2", "C_imag")
    found = read_correlation_table(tmp_path / "b.npz", 300.0, columns=names)
    np.testing.assert_array_equal(found.C, expected.C)


@pytest.mark.parametrize(
    ("header", "complex_rows"),
    [
        ("time(fs) Re C(t) Im C(t)", False),
        ("t/fs Re<J(t)J(0)> Im<J(t)J(0)>", False),
        ("t (fs)  Re C(t) (A^2/fs^2)  Im C(t) (A^2/fs^2)", False),
        ("time_fs C", True),
    ],
)
def test_a_correlation_function_as_programs_write_it(
    header: str, complex_rows: bool, tmp_path: Path
) -> None:
    expected = read_correlation_table(EXAMPLE, 300.0)
    parts = [expected.C] if complex_rows else [expected.C.real, expected.C.imag]
    np.savetxt(tmp_path / "a.dat", np.column_stack([expected.time_fs, *parts]), header=header)
    found = read_correlation_table(tmp_path / "a.dat", 300.0, unit="A2/fs2")
    np.testing.assert_allclose(found.C, expected.C, rtol=1e-12)


def test_rows_shorter_than_the_header_are_one_fault(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text(H, PLAIN[:3]))
    with pytest.raises(TableError) as caught:
        read_conductivity(path)
    assert [problem.line for problem in caught.value.problems] == [1]


def _text(content: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(content)


def _pickled(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)


def _hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["frequency_THz"], file["sigma"] = THZ[:, 0], np.array([b"1"] * 45)


ROWS = text(H, PLAIN)
REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "thousands": (_text(ROWS.replace("22.8725", '"1,022.8725"')), ":2: sigma_re_S_cm = "),
    "mixed commas": (_text(ROWS.replace("23.217", '"23,217"')), ":3: sigma_re_S_cm = '23,217'"),
    "angular THz": (_text(ROWS.replace("frequency", "omega")), "cycles or radians"),
    "unit of frequency": (_text(ROWS.replace("frequency_THz", "f [kHz]")), ":1: column f [kHz]"),
    "no unit": (_text(ROWS.replace("frequency_THz", "f")), ":1: column f: unit not given"),
    "typo": (_text(ROWS.replace("error", "eror")), ":1: column 'eror_S_cm' is not known"),
    "no imaginary part": (_text(text("f_THz,sigma", PLAIN[:2])), "no imaginary part"),
    "part twice": (_text(text("f_THz,sigma,Re sigma", PLAIN[:3])), "mean the same"),
    "unsorted": (_text(text(H, [np.roll(c, 3) for c in PLAIN])), "must rise from row to row"),
    "negative error": (_text(ROWS.replace(",0.3\n", ",-0.3\n", 1)), ":2: error_S_cm = -0.3"),
    "zero error": (_text(ROWS.replace(",0.3\n", ",0\n", 1)), "1 of 45 standard errors"),
    "two units": (_text(ROWS.replace("error_S_cm", "error_S_m").replace("re_S_cm", "re_S_m")), "m"),
    "pickled": (_pickled, "not numbers as NumPy"),
    "truncated npy": (lambda path: path.write_bytes(_npy(THZ)[:-9]), "damaged"),
    "version of npy": (lambda path: path.write_bytes(b"\x93NUMPY\x09\x00" + bytes(90)), "NumPy"),
    "texts": (_hdf5, "must be real or complex numbers"),
    "spreadsheet": (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(99)), "spreadsheet"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_named(name: str, tmp_path: Path) -> None:
    make, reason = REFUSED[name]
    path = tmp_path / "a.csv"
    make(path)
    with pytest.raises(TableError) as caught:
        read_conductivity(path)
    assert reason in str(caught.value)
    assert str(caught.value).isprintable() or "\n" in str(caught.value)


def test_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", sigma=np.ones(900))
    (tmp_path / "b.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:2000])
    with pytest.raises(TableError, match="damaged"):
        read_table(tmp_path / "b.npz", CONDUCTIVITY)


@pytest.mark.parametrize(
    ("name", "key", "unit"),
    [
        ("Re{σ} in S/cm", "sigma_real", "S/cm"),
        ("sigma'' [S/m]", "sigma_imag", "S/m"),
        ("Im Leitfähigkeit [S/cm]", "sigma_imag", "S/cm"),
        ("Realteil sigma", "sigma_real", ""),
        ("d_sigma [1/(Ω cm)]", "error_real", "S/cm"),
        ("Frequenz/THz", "frequency", "THz"),
        ("angular frequency (rad/fs)", "frequency", "rad/fs"),
        ("sigma [e²/h]", "sigma_real", "e²/h"),
        ("Re", "sigma_real", ""),
        ("Imaginary part [S/cm]", "sigma_imag", "S/cm"),
        ("Δσ' (S/cm)", "sigma_real", "S/cm"),
        ("photoconductivity_imag", "sigma_imag", ""),
        ("Real optical conductivity (S/cm)", "sigma_real", "S/cm"),
    ],
)
def test_names_of_a_conductivity(name: str, key: str, unit: str) -> None:
    found = read_name(name, CONDUCTIVITY)
    assert found is not None
    assert (key_of(found), found.unit) == (key, unit)


def test_units_of_frequency_agree_with_each_other() -> None:
    assert FREQUENCY_UNITS["meV"] / FREQUENCY_UNITS["THz"] == pytest.approx(1 / 4.135667696923859)
    assert FREQUENCY_UNITS["cm^-1"] / FREQUENCY_UNITS["THz"] == pytest.approx(0.0299792458)


@pytest.mark.parametrize(
    ("header", "scale", "named"),
    [
        ("f_rad_fs", 1.0, "THz"),
        ("f_THz", 1e12, "Hz"),
        ("f_THz", 0.0062831853, "rad/fs"),
        ("f_eV", 1.0, "THz"),
    ],
)
def test_a_wrong_unit_of_frequency_is_suspected(
    header: str, scale: float, named: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text(f"{header},sigma_re,sigma_im", [scale * THZ[:, 0], *PLAIN[1:3]]))
    (remark,) = [one for one in read_conductivity(path).remarks if "SUSPECT" in one]
    assert f" {named} " in remark or f" {named}?" in remark


def test_a_negative_real_part_is_suspected(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text("f_THz,sigma_re,sigma_im", [THZ[:, 0], -THZ[:, 1], THZ[:, 2]]))
    assert any("Re σ is negative in 45 of 45" in r for r in read_conductivity(path).remarks)


def test_names_of_files_need_not_be_text(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/Probe_3\xb5m.csv"))
    path.write_text(ROWS)
    np.testing.assert_allclose(read_conductivity(path).sigma, SIGMA)
