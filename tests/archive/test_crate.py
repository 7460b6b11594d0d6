"""A study as RO-Crate, read back with the library."""

from __future__ import annotations

import errno
import hashlib
import json
import socket
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rocrate.rocrate import ROCrate

from smallpolaron import NUMERICS_VERSION
from smallpolaron.cli import main
from smallpolaron.derive.mobility_job import mobility_result
from smallpolaron.results.store import Result, read_result, write_result
from smallpolaron.study.sections import AnalysisConfig

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def study(tmp_path: Path, valid: str, correlation: Callable[..., Result]) -> Path:
    """Return a working folder with a study file and the results of its only job."""
    config = tmp_path / "config" / "study.yaml"
    config.parent.mkdir()
    config.write_text(valid)
    folder = tmp_path / "results" / "test"
    assert main(["plan", "--config", str(config), "--output", str(folder / "plan.json")]) == 0
    run = correlation(n_sites=3)
    origin = {"package_version": "0.1.0", "git_commit": COMMIT}
    origin |= {"numerics_version": NUMERICS_VERSION, "date_utc": "2026-01-02T03:04:05+00:00"}
    run = replace(run, provenance={**run.provenance, **origin})
    name = f"{run.parameters['point']}.h5"
    write_result(folder / "correlation" / name, run)
    write_result(folder / "mobility" / name, mobility_result(run, AnalysisConfig()))
    for file in ("tables/quality.csv", "figures/a.svg", "logs/correlation/a.log", "figures/.b.tmp"):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(f"content of {file}\n")
    return tmp_path


def pack(study: Path, output: Path, *options: str) -> int:
    config = ("--config", str(study / "config" / "study.yaml"))
    return main(["crate", str(study / "results/test"), "--output", str(output), *config, *options])


@pytest.mark.parametrize("name", ["x.zip", "x"])
def test_crate_reads_back(study: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    assert pack(study, study / name) == 0
    crate = ROCrate(study / name)
    assert crate.name == "smallpolaron study test"
    assert crate.license["@id"] == "https://spdx.org/licenses/BSD-3-Clause"
    files = {entity.id: entity for entity in crate.get_entities() if entity.type == "File"}
    point = next((study / "results/test/correlation").glob("*.h5")).name
    assert set(files) == {
        "study.yaml",
        "plan.json",
        f"correlation/{point}",
        f"mobility/{point}",
        "tables/quality.csv",
        "figures/a.svg",
        "LICENSE",
        "CITATION.cff",
    }
    for identifier, entity in files.items():
        content = content_of(study / name, identifier)
        assert entity["sha256"] == hashlib.sha256(content).hexdigest()
        assert int(entity["contentSize"]) == len(content)
    run = files[f"correlation/{point}"]
    assert run["encodingFormat"] == "application/x-hdf5"
    assert run["description"].startswith("Result of kind correlation, point ")
    papers = {entity.id for entity in crate.root_dataset["citation"]}
    assert "https://doi.org/10.1039/D4SC03144J" in papers


def content_of(crate: Path, name: str) -> bytes:
    if crate.is_dir():
        return (crate / name).read_bytes()
    with zipfile.ZipFile(crate) as archive:
        return archive.read(name)


def test_run_and_software(study: Path) -> None:
    assert pack(study, study / "x") == 0
    crate = ROCrate(study / "x")
    action = crate.get("#run")
    assert action.type == "CreateAction"
    assert action["actionStatus"] == "http://schema.org/CompletedActionStatus"
    assert action["endTime"] >= "2026-01-02T03:04:05+00:00"
    assert [entity.id for entity in action["object"]] == ["study.yaml"]
    versions = {entity["version"] for entity in action["instrument"]}
    assert COMMIT in versions
    assert all(entity["softwareVersion"] == "0.1.0" for entity in action["instrument"])
    assert crate.root_dataset["conformsTo"].id == "https://w3id.org/ro/wfrun/process/0.5"
    graph = json.loads((study / "x" / "ro-crate-metadata.json").read_text())["@graph"]
    kinds = {str(entity["@type"]) for entity in graph}
    assert {"SoftwareApplication", "CreateAction", "Dataset"} <= kinds
    packed = next((study / "x" / "correlation").glob("*.h5"))
    assert read_result(packed, kind="correlation").provenance["git_commit"] == COMMIT


def test_study_file_is_found(
    study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(study)
    (study / "config" / "broken.yaml").write_text("study: test\n")
    assert main(["crate", "results/test", "--output", "x.zip"]) == 0
    assert capsys.readouterr().out == "x.zip: 6 files\n"
    (study / "config" / "study.yaml").unlink()
    assert main(["crate", "results/test", "--output", "y.zip"]) == 2
    assert "name its study file with --config" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["", "config"])
def test_study_file_is_found_where_a_user_has_it(
    place: str,
    study: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Here, as in README, or in config/, by any name; also if it was beyond its budget once."""
    monkeypatch.chdir(study)
    (study / "notes.yaml").write_text("- not a study\n")
    config, plan = study / place / "mine.yml", study / "results/test/plan.json"
    (study / "config" / "study.yaml").rename(config)
    config.write_text(config.read_text() + "resources: {max_core_hours: 0.5}\n")
    assert main(["plan", "--config", str(config), "--output", str(plan)]) == 0
    monkeypatch.setattr("smallpolaron.planning.study.overdraft", lambda *_: "too expensive")
    assert main(["crate", "results/test", "--output", "x.zip"]) == 0, capsys.readouterr().err


def test_no_file_takes_the_place_of_another(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    namesake = study / "plan.json"
    namesake.write_bytes((study / "config" / "study.yaml").read_bytes())
    assert pack(study, study / "x.zip", "--config", str(namesake)) == 2
    assert "the results have a file of that name" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["x.zip", "x"])
def test_a_crate_that_does_not_fit_leaves_nothing(
    study: Path,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("rocrate.model.file.File.stream", full)  # into an archive
    monkeypatch.setattr("rocrate.model.file.File.write", full)  # into a folder
    assert pack(study, study / "out" / name) == 2
    assert f"{name}: cannot be written (No space left on device)" in capsys.readouterr().err
    assert list((study / "out").iterdir()) == []


def test_study_file_of_other_results(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = study / "config" / "study.yaml"
    config.write_text(config.read_text().replace("duration_fs: 100", "duration_fs: 90"))
    assert pack(study, study / "x") == 0
    about = ROCrate(study / "x").get("study.yaml")["description"]
    assert "the plan was made with other settings" in about
    config.write_text(config.read_text().replace("study: test", "study: other"))
    assert pack(study, study / "y") == 2
    assert "is of study 'other', the results are of 'test'" in capsys.readouterr().err


def test_refusals(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = next((study / "results/test/correlation").glob("*.h5"))
    whole = path.read_bytes()
    path.write_bytes(whole[:3000])
    assert pack(study, study / "x.zip") == 2
    assert "a crate holds sound results only" in capsys.readouterr().err
    path.unlink()
    assert pack(study, study / "x.zip") == 2
    assert "1 of 1 MPI jobs are not done" in capsys.readouterr().err
    assert not (study / "x.zip").exists()
    assert pack(study, study / "results/test/x.zip", "--partial") == 2
    assert "lies within the results" in capsys.readouterr().err
    assert pack(study, study / "x.zip", "--partial") == 0
    partial = ROCrate(study / "x.zip")
    assert "Not finished: 1 MPI jobs are missing." in partial.description
    assert partial.get("#run")["actionStatus"] == "http://schema.org/ActiveActionStatus"
    assert pack(study, study / "x.zip", "--partial") == 2
    assert "exists; remove it or choose another" in capsys.readouterr().err


def test_a_study_file_among_the_results_is_packed_once(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, config = study / "results/test", study / "config/study.yaml"
    assert pack(study, study / "apart.zip") == 0
    (folder / "study.yaml").write_text("study: other\n")
    assert pack(study, study / "clash.zip") == 2
    assert "the results have a file of that name" in capsys.readouterr().err
    (folder / "study.yaml").write_bytes(config.read_bytes())
    order = ["crate", str(folder), "--config", str(folder / "study.yaml")]
    assert main([*order, "--output", str(study / "within.zip")]) == 0

    def held(name: str) -> list[str]:
        return sorted(zipfile.ZipFile(study / name).namelist())

    assert held("within.zip") == held("apart.zip")
    assert "study.yaml" in held("apart.zip")
