"""Files that the program wrote in schema version 1 are read, judged and used by every command."""

from __future__ import annotations

import gzip
from pathlib import Path

import h5py
import numpy as np
import pytest

from smallpolaron.cli import main
from smallpolaron.derive.result_tables import finite_size_rows
from smallpolaron.derive.tables import quality_rows
from smallpolaron.planning.study import load_plan
from smallpolaron.results.store import read_result
from smallpolaron.study.plan import write_plan
from smallpolaron.study.sections import AnalysisConfig
from smallpolaron.support.files import seal_state
from smallpolaron.support.problems import StoreError
from tests.results.hostile import refused

DATA = Path(__file__).with_name("data") / "version1"
AGES = ("early", "late")
RENAMED = {"D_error": "D_error_record", "D_estimate": "D_error", "sigma": "mobility_ac"}
DERIVED = {"mobility_error", "D_paper_error"}
"""Taken from the end of the record then, from all sources now."""
COMMITS = {"early": "516c599", "late": "8889ce0"}


@pytest.fixture(params=AGES)
def age(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(age: str, tmp_path: Path) -> Path:
    """Return the folder of the old results, with a plan of today for the criteria."""
    for packed in (DATA / age).rglob("*.gz"):
        path = tmp_path / packed.relative_to(DATA / age).with_suffix("")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(gzip.decompress(packed.read_bytes()))
    write_plan(tmp_path / "today.json", load_plan(DATA / f"{age}.yaml"))
    return tmp_path


def file_of(folder: Path, kind: str) -> Path:
    (path,) = (folder / kind).glob("*.h5")
    return path


def test_the_files_are_of_version_1(age: str, folder: Path) -> None:
    for kind in ("correlation", "mobility"):
        with h5py.File(file_of(folder, kind)) as file:
            assert file.attrs["schema_version"] == 1
            assert "content_sha256" not in file.attrs
            assert file["provenance"].attrs["git_commit"].startswith(COMMITS[age])
        assert seal_state(file_of(folder, kind)) == "none"


@pytest.mark.parametrize("kind", ["correlation", "mobility"])
def test_everything_is_read(kind: str, folder: Path) -> None:
    result = read_result(file_of(folder, kind), kind=kind)
    with h5py.File(file_of(folder, kind)) as file:
        names: list[str] = []
        file.visit(names.append)
        arrays = {n for n in names if isinstance(file[n], h5py.Dataset)}
        indices = {n for n in arrays if "index_of_dimension" in file[n].attrs}
        old_names = arrays - indices
        new = RENAMED if kind == "mobility" else {}
        assert {new.get(name, name) for name in old_names} <= set(result.variables)
        for name in old_names - DERIVED:
            variable = result.variables[new.get(name, name)]
            np.testing.assert_array_equal(variable.data, file[name][()])
            assert variable.units == file[name].attrs["units"]
        assert {gate.name for gate in result.gates} == set(file["quality"])
        assert result.parameters["model"]["n_sites"] == 3
        assert result.provenance["ranks"] == 1
        assert result.flagged == bool(file.attrs["flagged"]) is True


def test_an_early_file_knows_no_error_from_all_sources(age: str, folder: Path) -> None:
    variables = read_result(file_of(folder, "mobility"), kind="mobility").variables
    known = [np.isfinite(variables[name].data) for name in ("D_error", *sorted(DERIVED))]
    assert known == [age == "late"] * 3


def test_verify_says_that_no_checksum_vouches_for_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(folder)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "2 files: 2 no checksum"


def test_a_new_mobility_is_that_of_then(folder: Path) -> None:
    output = folder / "new.h5"
    source, plan = file_of(folder, "correlation"), folder / "today.json"
    arguments = ["--plan", str(plan), "--correlation", str(source), "--output", str(output)]
    assert main(["mobility", *arguments]) == 0
    old, new = read_result(file_of(folder, "mobility")), read_result(output)
    for name in ("D", "mobility", "D_running", "C_kubo", "mobility_ac"):
        np.testing.assert_allclose(
            new.variables[name].data, old.variables[name].data, rtol=1e-9, atol=1e-12, err_msg=name
        )
    assert new.flagged
    with h5py.File(output) as file:
        assert file.attrs["schema_version"] == 3


def test_quality_table(folder: Path) -> None:
    results = [read_result(file_of(folder, kind)) for kind in ("correlation", "mobility")]
    assert "detailed_balance" in {row["gate"] for row in quality_rows(results)}


def test_size_table_needs_parameters_that_early_files_lack(age: str, folder: Path) -> None:
    path = file_of(folder, "mobility")
    if age == "late":
        assert finite_size_rows([read_result(path)], AnalysisConfig())
        return
    lacking = "is missing, but needed; older versions did not write it"
    with pytest.raises(StoreError, match=f"{path}: parameters/.*{lacking}"):
        finite_size_rows([read_result(path)], AnalysisConfig())


def test_rerun_says_what_an_early_file_lacks(
    age: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if age == "late":
        said = refused(["rerun", str(file_of(folder, "mobility"))], folder, capsys)
        assert "does not hold the criteria of its analysis" in said
        assert "name the plan of the study with --plan" in said
        return
    said = refused(["rerun", str(file_of(folder, "correlation"))], folder, capsys)
    assert "its parameters lack accuracy, adaptive: smallpolaron '0.1.0' at commit '516c599" in said
    assert "make it again with that version" in said


@pytest.mark.parametrize("age", ["late"], indirect=False)
def test_a_late_file_is_made_again(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path, plan = file_of(folder, "mobility"), folder / "today.json"
    status = main(["rerun", str(path), "--plan", str(plan), "--tolerance", "1e-9"])
    out = capfd.readouterr().out
    assert status == 0, out
    assert any(line.startswith("D_running ") for line in out.splitlines())
