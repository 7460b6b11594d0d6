"""HDF5 files of C(t): accepted forms give the same numbers, malformed ones a place and a reason."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from smallpolaron.own_data.correlation_table import read_correlation_table
from smallpolaron.tables.names import TableError
from tests.own_data.table_case import CASE, TEMPERATURE, assert_is_the_case

Datasets = dict[str, tuple[object, str]]


def datasets() -> Datasets:
    return {
        "time_fs": (CASE.time, "fs"),
        "C_JJ": (CASE.C, "angstrom^2 fs^-2"),
        "dC_JJ": (CASE.dC, "angstrom^2 fs^-3"),
        "other": (np.zeros((2, 2)), ""),
    }


def write_hdf5(path: Path, content: Datasets, temperature_K: float | None = None) -> Path:
    with h5py.File(path, "w") as file:
        for name, (data, units) in content.items():
            file[name] = data
            if units:
                file[name].attrs["units"] = units
        if temperature_K is not None:
            file.attrs["temperature_K"] = temperature_K
    return path


def test_hdf5_gives_the_same_table(tmp_path: Path) -> None:
    table = read_correlation_table(write_hdf5(tmp_path / "a.h5", datasets(), 300.0))
    assert_is_the_case(table)
    np.testing.assert_array_equal(table.dC, CASE.dC)
    content = datasets() | {
        "C_real": (CASE.C.real, "angstrom^2 fs^-2"),
        "C_imag": (CASE.C.imag, "angstrom^2 fs^-2"),
    }
    del content["C_JJ"], content["dC_JJ"]
    assert_is_the_case(read_correlation_table(write_hdf5(tmp_path / "b", content), TEMPERATURE))


def test_single_precision_is_known_as_rounding(tmp_path: Path) -> None:
    content = datasets() | {"time_fs": (CASE.time.astype("f4") / np.float32(3), "fs")}
    content["C_JJ"] = (CASE.C.astype("c8"), "angstrom^2 fs^-2")
    del content["dC_JJ"]
    table = read_correlation_table(write_hdf5(tmp_path / "a.h5", content), TEMPERATURE)
    assert 1e-8 < table.rounding < 1e-7
    assert table.time_fs[1] == pytest.approx(1 / 3, rel=1e-6)


BAD_HDF5: dict[str, tuple[Datasets, str]] = {
    "no C": ({"C_JJ": (0.0, "drop")}, "has no column C_real"),
    "no time": ({"time_fs": (0.0, "drop")}, "has no column time"),
    "two axes": ({"C_JJ": (np.ones((201, 2)), "")}, "C_JJ has shape (201, 2)"),
    "scalar": ({"C_JJ": (1.0, "")}, "C_JJ has shape ()"),
    "lengths": ({"C_JJ": (CASE.C[:-1], "")}, "time_fs has 201 values, others 200"),
    "text": ({"C_JJ": (np.array([b"1"] * 201), "")}, "must be real or complex numbers"),
    "flags": ({"C_JJ": (np.ones(201, bool), "")}, "must be real or complex numbers"),
    "complex times": ({"time_fs": (CASE.time + 1j, "fs")}, "time_fs is complex"),
    "NaN": ({"C_JJ": (np.where(CASE.time == 7, np.nan, CASE.C), "")}, "C_JJ[7] = nan"),
    "unit of C": ({"C_JJ": (CASE.C, "bohr^2")}, "C_JJ: unit 'bohr^2'"),
    "unit of time": ({"time_fs": (CASE.time, "s")}, "time_fs: unit 's'"),
    "uneven": ({"time_fs": (CASE.time**1.1, "fs")}, "time_fs["),
    "both forms": ({"C_real": (CASE.C.real, "")}, "mean the same"),
    "complex part": (
        {"C_JJ": (0.0, "drop"), "C_re": (CASE.C, ""), "C_imag": (CASE.C, "")},
        "must be real",
    ),
}


@pytest.mark.parametrize("name", BAD_HDF5)
def test_malformed_hdf5_is_refused(name: str, tmp_path: Path) -> None:
    change, reason = BAD_HDF5[name]
    content = {key: item for key, item in (datasets() | change).items() if item[1] != "drop"}
    path = write_hdf5(tmp_path / "a.h5", content)
    with pytest.raises(TableError) as caught:
        read_correlation_table(path, TEMPERATURE)
    assert reason in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_long_hdf5_series_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        for name in ("time_fs", "C_JJ"):
            file.create_dataset(name, shape=(10**12,), dtype="f8", chunks=(1000,))
            file[name].attrs["units"] = "fs" if name == "time_fs" else "angstrom^2/fs^2"
    with pytest.raises(TableError, match="C_JJ has 1000000000000 values"):
        read_correlation_table(path, TEMPERATURE)


def test_temperatures_of_file_and_option_must_agree(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "a.h5", datasets(), 310.0)
    with pytest.raises(TableError, match="the file says 310 K, --temperature-K 300 K"):
        read_correlation_table(path, 300.0)
