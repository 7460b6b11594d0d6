"""Result files open in xarray with dimensions, coordinates and units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray

from smallpolaron.derive.augmented_job import augmented_result
from smallpolaron.derive.drude_smith_job import drude_smith_result
from smallpolaron.derive.kernel_job import kernel_result
from smallpolaron.derive.mobility_job import mobility_result
from smallpolaron.derive.moments_job import moments_result
from smallpolaron.results.kinds import KINDS
from smallpolaron.results.layout import layout
from smallpolaron.results.store import Result, Variable, read_result, write_result
from smallpolaron.study.sections import AnalysisConfig

LENGTHS = {"time": 7, "site": 3, "cutoff": 4, "omega": 5, "n_sites": 2, "run": 6, "system": 2}
LENGTHS |= {"frequency": 3, "axis": 3, "column": 3, "principal": 3}


def invented(kind: str) -> Result:
    """Return a result with what every file of a kind holds, and what is hard to represent."""
    rng = np.random.default_rng(len(kind))

    def data(dims: tuple[str, ...]) -> np.ndarray:
        shape = tuple(LENGTHS[dim] for dim in dims)
        return rng.normal(size=shape) + 1j * rng.normal(size=shape) * (kind == "correlation")

    variables = {
        name: Variable(data(required.dims), required.dims, required.units, "Invented.")
        for name, required in layout(kind).items()
    }
    variables |= {
        "group/deep/flag": Variable(True, (), "1", "A truth value."),
        "group/flags": Variable(np.array([True, False]), ("switch",), "1", "Truth values."),
        "group/number": Variable(2.5 - 1j, (), "fs^-2", "A complex scalar with a unit."),
        "group/matrix": Variable(np.arange(12).reshape(3, 4) * 1j, ("ket", "bra"), "1", "Complex."),
    }
    return Result(kind, variables, {"point": "x"}, (), {})


def assert_opens(path: Path, result: Result) -> None:
    with xarray.open_datatree(path, engine="h5netcdf") as tree:
        for name, variable in result.variables.items():
            array = tree[name]
            assert array.attrs["units"] == variable.units, name
            assert array.attrs["description"] == variable.description
            np.testing.assert_array_equal(array.values, variable.data)
            assert len(array.dims) == len(variable.dims)
            for axis, dim in zip(array.dims, variable.dims, strict=True):
                # xarray names a dimension after its coordinate: time_fs for time
                assert str(axis) == dim or str(axis).startswith(f"{dim}_"), (name, axis)
                assert axis in array.coords


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind(kind: str, tmp_path: Path) -> None:
    write_result(tmp_path / "a.h5", invented(kind))
    assert_opens(tmp_path / "a.h5", invented(kind))


def test_real_results(tmp_path: Path, correlation: Callable[..., Result]) -> None:
    settings, run = AnalysisConfig(), correlation(duration_fs=120.0)
    mobility = mobility_result(run, settings)
    for result in (
        run,
        mobility,
        kernel_result(run, settings),
        augmented_result(run, settings),
        drude_smith_result(mobility, settings),
        moments_result(mobility, settings),
    ):
        path = tmp_path / f"{result.kind}.h5"
        write_result(path, result)
        assert_opens(path, read_result(path))


def test_files_of_version_1(tmp_path: Path, correlation: Callable[..., Result]) -> None:
    path, result = tmp_path / "a.h5", replace(correlation(), provenance={})
    write_result(path, result)
    path.write_bytes(path.read_bytes().partition(b"\nsmallpolaron sha256")[0])
    with h5py.File(path, "a") as file:
        file.attrs["schema_version"] = 1
    assert_opens(path, read_result(path))


def test_lines_of_the_documentation(tmp_path: Path, correlation: Callable[..., Result]) -> None:
    page = Path(__file__).parents[2] / "docs" / "results.md"
    code = page.read_text().partition("import xarray\n")[2].partition("```")[0]
    path = tmp_path / "results" / "demo" / "correlation" / "<point>.h5"
    write_result(path, correlation())
    code = code.replace("results/demo", str(tmp_path / "results" / "demo"))
    found: dict[str, object] = {"xarray": xarray}
    exec(code, found)
    C = found["C"]
    assert isinstance(C, xarray.DataArray)
    assert C.dims == ("time_fs",)
    assert C.attrs["units"] == "angstrom^2 fs^-2"
