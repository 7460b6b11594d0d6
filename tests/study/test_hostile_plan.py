"""Plans that were edited by hand or made to do harm: refused by every command that reads one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smallpolaron.study import plan as plan_module
from smallpolaron.study.plan import Plan, PlanError, read_plan, write_plan
from tests.results.hostile import STRINGS, refused

Data = dict[str, Any]
Edit = Callable[[Data], object]
PlanOf = Callable[[str], Plan]

STUDY = """\
study: test
model: {topology: ring}
bath: {eta_cm: 100, gamma_cm: 50, terms: 0}
hierarchy: {depth: 3}
propagation: {duration_fs: 100}
grid:
  - model.n_sites: [3]
  - model.n_sites: [converged]
  - {model.n_sites: [4], disorder.site_energy_cm: [10], disorder.members: [2],
     disorder.site_energy_distribution: [normal]}
"""


@pytest.fixture
def path(tmp_path: Path, plan_of: PlanOf) -> Path:
    write_plan(tmp_path / "plan.json", plan_of(STUDY))
    return tmp_path / "plan.json"


def _set(*place: str | int, to: object) -> Edit:
    def edit(data: Any) -> None:
        for part in place[:-1]:
            data = data[part]
        data[place[-1]] = to

    return edit


def _drop(*place: str | int) -> Edit:
    def edit(data: Any) -> None:
        for part in place[:-1]:
            data = data[part]
        del data[place[-1]]

    return edit


POINT = ("points", 0)
EDITS: dict[str, tuple[Edit, str]] = {
    "other schema": (_set("schema", to="x"), "not a plan"),
    "future version": (_set("schema_version", to=99), "schema_version = 99"),
    "versions": (_set("schema_version", to=[4]), "schema_version = [4]"),
    "other numerics": (_set("numerics_version", to=10**9), "numerics_version = 1000000000"),
    "numerics in words": (_set("numerics_version", to="x"), "numerics_version = 'x'"),
    **{
        f"no {name}": (_drop(name), f"damaged plan ({name} is missing)")
        for name in ("study", "paper", "points", "ladders", "ensembles", "ladder", "resources")
    },
    "study as number": (_set("study", to=5), "damaged plan (study = 5:"),
    "points as number": (_set("points", to=5), "damaged plan (points = 5:"),
    "points as text": (_set("points", to="abc"), "damaged plan (points = 'abc':"),
    "points as mapping": (_set("points", to={"a": 1}), "damaged plan (points = {"),
    "point as null": (_set(*POINT, to=None), "damaged plan (points/0 = null:"),
    "id as number": (_set(*POINT, "id", to=5), "damaged plan (points/0/id = 5:"),
    "long id": (_set(*POINT, "id", to="a" * 300), "damaged plan (points/0/id = 'aaa"),
    "other hash": (_set(*POINT, "hash", to="0" * 64), "do not match its hash"),
    "hash as number": (_set(*POINT, "hash", to=5), "damaged plan (points/0/hash = 5:"),
    "parameters as list": (
        _set(*POINT, "parameters", to=[]),
        "damaged plan (points/0/parameters = []:",
    ),
    "derived as text": (_set(*POINT, "derived", to="x"), "damaged plan (points/0/derived = 'x':"),
    "axes as text": (_set(*POINT, "axes", to="xy"), "damaged plan (points/0/axes = 'xy':"),
    "no protocols": (_set(*POINT, "protocols", to=[]), "damaged plan (points/0/protocols = []:"),
    "other protocol": (
        _set(*POINT, "protocols", to=["x"]),
        "damaged plan (points/0/protocols/0 = 'x':",
    ),
    "protocols as number": (
        _set(*POINT, "protocols", to=1),
        "damaged plan (points/0/protocols = 1:",
    ),
    "paper": (_set("paper", to="../x"), "damaged plan (paper = '../x':"),
    "no section": (
        _drop(*POINT, "parameters", "hierarchy"),
        "damaged plan (points/0/parameters/hierarchy is missing)",
    ),
    "section as list": (
        _set(*POINT, "parameters", "model", to=[]),
        "damaged plan (points/0/parameters/model = []:",
    ),
    "more sites": (_set(*POINT, "parameters", "model", "n_sites", to=9), "do not match its hash"),
    "enormous": (_set(*POINT, "parameters", "model", "n_sites", to=10**300), "not match its hash"),
    "infinite": (
        _set(*POINT, "parameters", "propagation", "duration_fs", to=1e999),
        "finite",
    ),
    "more depth": (_set(*POINT, "parameters", "hierarchy", "depth", to=200), "not match its hash"),
    "one key more": (
        _set(*POINT, "parameters", "command", to="x"),
        "damaged plan (points/0/parameters/command = 'x':",
    ),
    "deep parameters": (
        _set(*POINT, "parameters", "bath", "x", to=json.loads("[" * 300 + "]" * 300)),
        "damaged plan (",
    ),
    "criteria": (
        _set("analysis", "band_percent", to=-1),
        "damaged plan (analysis/band_percent = -1:",
    ),
    "criteria in words": (
        _set("analysis", "band_percent", to="x"),
        "damaged plan (analysis/band_percent = 'x':",
    ),
    "unknown criterion": (
        _set("analysis", "command", to="x"),
        "damaged plan (analysis/command = 'x':",
    ),
    "ranks": (
        _set("resources", "max_ranks", to=10**9),
        "damaged plan (resources/max_ranks = 1000000000:",
    ),
    "ladder without sizes": (
        _set("ladders", 0, "rungs", to=[]),
        "damaged plan (ladders/0/rungs = []:",
    ),
    "size of a ladder": (
        _set("ladders", 0, "rungs", 0, "parameters", "model", "n_sites", to=7),
        "do not match its hash",
    ),
    "tolerance": (
        _set("ladder", "tolerance_percent", to=0),
        "damaged plan (ladder/tolerance_percent = 0:",
    ),
    "width of the disorder": (
        _set("ensembles", 0, "parameters", "disorder", "site_energy_cm", to=11),
        "do not match its hash",
    ),
}


def edited(path: Path, edit: Edit) -> None:
    data = json.loads(path.read_text())
    edit(data)
    path.write_text(json.dumps(data))


def test_the_plan_is_read_without_edits(path: Path) -> None:
    plan = read_plan(path)
    assert (len(plan.points), len(plan.ladders), len(plan.ensembles)) == (3, 1, 1)


@pytest.mark.parametrize("name", EDITS)
def test_edited_plan(name: str, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit, reason = EDITS[name]
    edited(path, edit)
    output = str(path.parent / "tables")
    command = ["tables", "--plan", str(path), "--output-folder", output]
    said = refused(command, path.parent, capsys)
    assert said.startswith(f"error: {path}: ")
    assert reason in said
    assert "write it again: python -m smallpolaron plan" in said


@pytest.mark.parametrize("name", STRINGS)
@pytest.mark.parametrize(
    "place",
    [
        ("study",),
        (*POINT, "id"),
        ("ladders", 0, "name"),
        ("ladders", 0, "check"),
        ("ensembles", 0, "name"),
        ("ensembles", 0, "members", 0),
    ],
    ids=lambda place: ".".join(map(str, place)),
)
def test_hostile_names(
    place: tuple[str | int, ...], name: str, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edited(path, _set(*place, to=STRINGS[name]))
    output = str(path.parent / "tables")
    command = ["tables", "--plan", str(path), "--output-folder", output]
    said = refused(command, path.parent, capsys)
    assert f"damaged plan ({'/'.join(map(str, place))} = " in said


TEXTS = {
    "empty": ("", "not a complete JSON file"),
    "truncated": ('{"schema": "smallpolaron-plan", ', "not a complete JSON file"),
    "list": ("[]", "not a plan"),
    "number": ("5", "not a plan"),
    "two": ("{}{}", "not a complete JSON file"),
    "deep": ("[" * 100_000, "nested too deeply"),
    "deep mappings": ('{"a":' * 100_000, "nested too deeply"),
    "endless number": ('{"schema": ' + "9" * 10_000 + "}", "not a complete JSON file"),
    "YAML": ("schema: smallpolaron-plan\n", "not a complete JSON file"),
    "mark of byte order": ("\ufeff{}", "not a complete JSON file"),
    "zeros": ("\x00" * 100, "not a complete JSON file"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_no_plan(name: str, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, reason = TEXTS[name]
    path.write_text(text, encoding="utf-8")
    output = str(path.parent / "tables")
    command = ["tables", "--plan", str(path), "--output-folder", output]
    said = refused(command, path.parent, capsys)
    assert said.startswith(f"error: {path}: ")
    assert reason in said


def _large(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(plan_module.LARGEST_FILE + 1)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


FILES = {
    "binary": (lambda path: path.write_bytes(b"\xff\xfe\x00"), "not a complete JSON file"),
    "too large": (_large, f"larger than {1 << 20} bytes"),
    "pipe": (_pipe, "Not a regular file"),
    "endless device": (_device, "Not a regular file"),
}


@pytest.mark.parametrize("name", FILES)
def test_what_is_no_text_file(
    name: str,
    path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plan_module, "LARGEST_FILE", 1 << 20)
    change, reason = FILES[name]
    change(path)
    output = str(path.parent / "tables")
    command = ["tables", "--plan", str(path), "--output-folder", output]
    said = refused(command, path.parent, capsys)
    assert reason in said


COMMANDS = {
    "kernel": ["--correlation", "x"],
    "augmented": ["--correlation", "x"],
    "mobility": ["--correlation", "x"],
    "drude-smith": ["--mobility", "x"],
    "conductivity-models": ["--mobility", "x"],
    "moments": ["--mobility", "x"],
    "population-kernel": ["--population", "x"],
    "spreading": ["--population", "x"],
    "ensemble": ["--name", "x", "--protocol", "current"],
    "climb": ["--name", "x", "--mobility", "x"],
    "ladder": ["--name", "x", "--mobility", "x"],
    "tables": [],
    "correlation": ["--point", "x", "--ranks", "1"],
    "population": ["--point", "x", "--ranks", "1", "--start", "marcus"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses(
    command: str, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edited(path, _set(*POINT, "parameters", "model", "n_sites", to=9))
    where = "--output-folder" if command == "tables" else "--output"
    output = str(path.parent / "new")
    arguments = [command, "--plan", str(path), where, output, *COMMANDS[command]]
    assert "do not match its hash" in refused(arguments, path.parent, capsys)


def test_a_decision_of_a_ladder_must_be_one(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (ladder,) = read_plan(path).ladders
    decision = path.parent / "ladder" / ladder.name / f"{ladder.sizes[0]}.json"
    decision.parent.mkdir(parents=True)
    output = str(path.parent / "tables")
    for text, reason in {
        "": "not a decision of a ladder",
        "[": "not a decision of a ladder",
        "[" * 100_000: "nested too deeply",
        "[1]": "not a decision of a ladder",
        "{}": "'climb'",
    }.items():
        decision.write_text(text)
        arguments = ["tables", "--plan", str(path), "--output-folder", output]
        said = refused(arguments, path.parent, capsys)
        assert said.startswith(f"error: {decision}: ")
        assert reason in said


def test_hashes_are_compared_for_every_point(path: Path) -> None:
    for number in range(3):
        before = path.read_text()
        edited(path, _set("points", number, "parameters", "model", "temperature_K", to=301.0))
        with pytest.raises(PlanError, match="do not match its hash"):
            read_plan(path)
        path.write_text(before)
