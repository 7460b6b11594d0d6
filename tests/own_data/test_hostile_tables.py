"""Hostile tables and small files: measurements, C(t) in HDF5, cost models."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from smallpolaron.cost.model import MODEL_FILE, CostModelError, read_model
from smallpolaron.own_data.conductivity_table import read_conductivity, read_measured
from smallpolaron.tables.names import TableError
from smallpolaron.tables.read import LARGEST_FILE, read_table
from smallpolaron.tables.schemas import CORRELATION
from tests.results.hostile import LONGEST_MESSAGE, STRINGS, refused

ROWS = [f"{i / 10},1.0,0.5" for i in range(1, 20)]
HEADER = "frequency_THz,sigma_real,sigma_imag"


def _row(text: str) -> str:
    return "\n".join([HEADER, *ROWS[:4], text, *ROWS[5:]])


CONDUCTIVITIES: dict[str, tuple[bytes, str]] = {
    name: (text.encode() if isinstance(text, str) else text, reason)
    for name, (text, reason) in {
        "empty": ("", ": holds no table"),
        "blanks": ("\n , \n" * 9, ": holds no table"),
        "no header": ("\n".join(ROWS), ":1: has no header line"),
        "column twice": (f"{HEADER},error,error\n", ":1: columns error and error mean the same"),
        "long header": ("x" * 100_000, ":1: "),
        "long cell": (
            _row("0.5," + "1" * 200_000 + ",1"),
            ":6: is not a line of cells (field larger",
        ),
        "open quote": (_row('0.5,"1,1'), ":6: is not a line of cells"),
        "text after a quote": (_row('0.5,"1"x,1'), ":6: is not a line of cells"),
        "formula": (_row("0.5,=cmd|' /C calc'!A0,1"), ":6: sigma_real = "),
        "many cells": (_row("1," * 10_000), ":6: row of 10001 cells; the header has 3"),
        "NaN": (_row("0.5,nan,1"), ":6: sigma_real = 'nan'"),
        "infinite": (_row("0.5,1,-inf"), ":6: sigma_imag = '-inf'"),
        "overflow": (_row("0.5,1e999,1"), ":6: sigma_real = '1e999'"),
        "complex": (_row("0.5,1+2j,1"), ":6: column sigma_real is complex"),
        "hexadecimal": (_row("0.5,0x10,1"), ":6: sigma_real = '0x10'"),
        "decimal comma": (_row("0,5;1;1"), ":6: row of 2 cells; the header has 3"),
        "NUL": (_row("0.5,1\x00,1"), ":6: "),
        "UTF-16": ("\n".join([HEADER, *ROWS]).encode("utf-16")[:-1], "no utf-16"),
        "compressed": (b"\x1f\x8b\x08\x00" + bytes(20), ":1: is not text"),
        "spreadsheet": (b"PK\x03\x04\x14\x00\x06\x00", "spreadsheet"),
        "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(90), "damaged HDF5 file"),
    }.items()
}


@pytest.mark.parametrize("name", CONDUCTIVITIES)
def test_hostile_conductivity(name: str, tmp_path: Path) -> None:
    content, reason = CONDUCTIVITIES[name]
    path = tmp_path / "sigma.csv"
    path.write_bytes(content)
    with pytest.raises(TableError) as caught:
        read_conductivity(path)
    said = str(caught.value)
    assert said.startswith(str(path))
    assert reason in said
    assert said.isprintable()
    assert len(said) < LONGEST_MESSAGE


@pytest.mark.parametrize("name", STRINGS)
def test_hostile_quantity(name: str, tmp_path: Path) -> None:
    text = STRINGS[name].encode("utf-8", "replace").decode()
    path = tmp_path / "measured.csv"
    cell = '"' + text.replace('"', '""') + '"'
    path.write_text(f"quantity,value,error\n{cell},1,1\n", encoding="utf-8")
    with pytest.raises(TableError, match=r"measured.csv:[23]: ") as caught:
        read_measured(path, ("mobility", "tau_K"))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < LONGEST_MESSAGE


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(LARGEST_FILE + 1)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "No such file or directory"),
        (lambda path: path.mkdir(), "Is a directory"),
        (os.mkfifo, "Not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "Not a regular file"),
        (_sparse, "larger than"),
    ],
    ids=["none", "folder", "pipe", "device", "enormous"],
)
def test_measurement_that_is_no_file(
    make: Callable[[Path], object], reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "sigma.csv"
    make(path)
    for read in (read_conductivity, lambda path: read_measured(path, ("mobility",))):
        with pytest.raises(TableError, match=r"sigma.csv: cannot read the file") as caught:
            read(path)
        assert reason in str(caught.value)


TIMES = np.arange(201.0)
C = np.exp(-1e-3 * TIMES**2) * (1 + 1e-3j * TIMES)


def _table(path: Path) -> None:
    with h5py.File(path, "w") as file:
        for name, data, units in (("time_fs", TIMES, "fs"), ("C_JJ", C, "angstrom^2 fs^-2")):
            file[name] = data
            file[name].attrs["units"] = units


def _other(name: str, **options: Any) -> Callable[[h5py.File], object]:
    def change(file: h5py.File) -> None:
        del file[name]
        file.create_dataset(name, **options)

    return change


def _group(file: h5py.File) -> None:
    del file["C_JJ"]
    file.create_group("C_JJ")


def _units(value: object) -> Callable[[h5py.File], object]:
    return lambda file: file["C_JJ"].attrs.__setitem__("units", value)


OWN: dict[str, tuple[Callable[[h5py.File], object], str]] = {
    "objects": (
        _other("C_JJ", shape=(201,), dtype=h5py.vlen_dtype("f8")),
        "C_JJ holds object: must be real",
    ),
    "texts": (_other("C_JJ", shape=(201,), dtype=h5py.string_dtype()), "C_JJ holds object"),
    "references": (_other("C_JJ", shape=(201,), dtype=h5py.ref_dtype), "C_JJ holds object"),
    "records": (_other("C_JJ", data=np.zeros(201, [("re", "f8"), ("im", "f8")])), "C_JJ holds"),
    "opaque": (_other("C_JJ", data=np.zeros(201, "V16")), "C_JJ holds |V16"),
    "nothing": (_other("C_JJ", data=h5py.Empty("f8")), "C_JJ has shape None"),
    "enormous": (
        _other("C_JJ", shape=(10**15,), dtype="c16", chunks=(99,)),
        "C_JJ has 1000000000000000 values; a table may have",
    ),
    "bomb": (
        _other("C_JJ", shape=(2**31,), dtype="f8", chunks=(2**16,), compression="gzip"),
        "C_JJ has 2147483648 values; a table may have",
    ),
    "many axes": (_other("C_JJ", shape=(2,) * 30, dtype="f8", chunks=(1,) * 30), "C_JJ has shape"),
    "group": (_group, "has no column C_real"),
    "units as list": (_units(["fs", "ps"]), "C_JJ: unit"),
    "units as number": (_units(5.0), "C_JJ: unit"),
    "units as object": (
        lambda file: file["C_JJ"].attrs.__setitem__("units", file.ref),
        "C_JJ: unit",
    ),
}


@pytest.mark.parametrize("name", OWN)
def test_hostile_correlation_table(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, reason = OWN[name]
    path = tmp_path / "own.h5"
    _table(path)
    with h5py.File(path, "r+") as file:
        change(file)
    arguments = ["analyse", str(path), "--output-folder", str(tmp_path / "x")]
    said = refused([*arguments, "--temperature-K", "300"], tmp_path, capsys)
    assert said.startswith(str(path))
    assert reason in said


def test_links_of_no_concern_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "own.h5"
    _table(path)
    with h5py.File(path, "r+") as file:
        file["elsewhere"] = h5py.ExternalLink("/dev/zero", "/x")
    np.testing.assert_array_equal(read_table(path, CORRELATION).columns["C_real"].values, C.real)


@pytest.mark.parametrize(
    "edit",
    [
        lambda data: data.pop("families"),
        lambda data: data.update(families=[]),
        lambda data: data.update(families={"current": 1}),
        lambda data: data.update(speed="x"),
        lambda data: data["families"]["current"].update(fits={}, more=1),
        lambda data: data["families"]["current"]["fits"].update(rate={}),
    ],
    ids=["none", "list", "number", "speed", "unknown", "no fit"],
)
def test_hostile_cost_model(edit: Callable[[Any], object], tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    data = json.loads(MODEL_FILE.read_text())
    edit(data)
    path.write_text(json.dumps(data))
    with pytest.raises(CostModelError, match=r"model.json: no cost model \(.*make it again"):
        read_model(path)
