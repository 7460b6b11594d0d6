"""Hostile and damaged result files: every command that reads them refuses, with the reason."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from smallpolaron.cli import main
from smallpolaron.results.store import Result, read_result, write_result
from smallpolaron.study.plan import Plan, write_plan
from tests.results.hostile import forge, refused, unprivileged
from tests.results.hostile_results import BYTES, CHANGES

Make = Callable[..., Result]
PlanOf = Callable[[str], Plan]


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture
def folder(tmp_path: Path, files: Path, correlation: Make, plan_of: PlanOf, valid: str) -> Path:
    """Return a study of one point with its correlation file, in a folder of its own."""
    whole = files / "study"
    if not whole.exists():
        plan = plan_of(valid)
        write_plan(whole / "plan.json", plan)
        # the file is that of the point; its name holds the hash
        source = correlation(n_sites=3)
        write_result(whole / "correlation" / f"{source.parameters['point']}.h5", source)
    shutil.copytree(whole, tmp_path / "study")
    return tmp_path / "study"


def file_of(folder: Path) -> Path:
    return next((folder / "correlation").glob("*.h5"))


def kernel(folder: Path, path: Path) -> list[str]:
    plan, output = folder / "plan.json", folder / "out" / "x.h5"
    return ["kernel", "--plan", str(plan), "--correlation", str(path), "--output", str(output)]


def test_the_file_is_accepted_without_its_fault(folder: Path) -> None:
    path = file_of(folder)
    forge(path, lambda file: None)
    assert main(kernel(folder, path)) == 0
    assert "reason" not in read_result(folder / "out" / "x.h5").notes


@pytest.mark.parametrize("name", CHANGES)
def test_hostile_content(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change, reason = CHANGES[name]
    path = file_of(folder)
    forge(path, change)
    said = refused(kernel(folder, path), folder, capsys)
    assert said.startswith(f"error: {path}: ")
    assert reason in said
    assert main(["verify", str(path)]) == 1
    verdict = capsys.readouterr().out
    assert verdict.startswith(("damaged ", "inconsistent "))
    assert reason in verdict


@pytest.mark.parametrize("name", BYTES)
def test_hostile_bytes(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change, reason = BYTES[name]
    path = file_of(folder)
    change(path)
    said = refused(kernel(folder, path), folder, capsys)
    assert said.startswith(f"error: {path}: ")
    assert reason in said


def _forbidden(path: Path) -> None:
    path.chmod(0)


def _loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


KINDS_OF_FILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "folder": (_folder, "not a regular file"),
    "pipe": (_pipe, "not a regular file"),
    "link to itself": (_loop, "no such file"),
    "forbidden": (_forbidden, "cannot be read now (Permission denied, errno 13)"),
}


@pytest.mark.parametrize("name", KINDS_OF_FILE)
def test_what_is_no_file(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    change, reason = KINDS_OF_FILE[name]
    path = file_of(folder)
    assert main([*kernel(folder, path)[:-1], str(folder / "first.h5")]) == 0  # all is imported
    change(path)
    monkeypatch.chdir(folder)
    for place in (folder, path.parent):
        place.chmod(0o755)
    (folder / "plan.json").chmod(0o644)
    arguments = [each.replace(f"{folder}/", "") for each in kernel(folder, path)]
    if name == "forbidden":
        with unprivileged():
            said = refused(arguments, Path(), capsys)
    else:
        said = refused(arguments, folder, capsys)
    assert said.startswith(f"error: {path.relative_to(folder)}: ")
    assert reason in said


OF_CORRELATION = ("kernel", "augmented", "mobility")
OF_MOBILITY = ("drude-smith", "conductivity-models", "moments")
WITH_PLAN: dict[str, tuple[str, list[str]]] = {
    **{name: ("correlation", ["--correlation", "{bad}"]) for name in OF_CORRELATION},
    **{name: ("mobility", ["--mobility", "{bad}"]) for name in OF_MOBILITY},
    "population-kernel": ("population", ["--population", "{bad}"]),
    "spreading": ("population", ["--population", "{bad}"]),
    "climb": ("mobility", ["--mobility", "{bad}", "--name", "x"]),
    "ladder": ("mobility", ["--mobility", "{bad}", "--name", "x"]),
}
COMMANDS: dict[str, tuple[str, list[str]]] = {
    **{
        name: (kind, [name, "--plan", "{folder}/plan.json", "--output", "{out}", *options])
        for name, (kind, options) in WITH_PLAN.items()
    },
    "ladder-table": ("ladder", ["ladder-table", "--ladder", "{bad}", "--output", "{out}"]),
    "ensemble-table": ("ensemble", ["ensemble-table", "--ensemble", "{bad}", "--output", "{out}"]),
    "rerun": ("correlation", ["rerun", "{bad}"]),
    "rerun a derived file": ("mobility", ["rerun", "{bad}"]),
    "inverse": (
        "moments",
        ["inverse", "--moments", "{bad}", "--output", "{out}", "--suggestion", "{folder}/s.yaml"],
    ),
    "analyse": ("correlation", ["analyse", "{bad}", "--output-folder", "{folder}/own"]),
    "crate": (
        "correlation",
        ["crate", "{folder}", "--output", "{folder}.zip", "--config", "{folder}/study.yaml"],
    ),
}
"""Commands that read result files, with the kind each takes."""

EVERYWHERE = (
    "future version",
    "references",
    "no quality",
    "parameters as dataset",
    "hash",
)
"""Changes that no reader may overlook."""


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (command, name)
        for command, (_, arguments) in COMMANDS.items()
        for name in (*EVERYWHERE, *BYTES)
        # a command that searches a folder does not miss a file
        if name != "none" or "{bad}" in arguments
    ],
)
def test_every_command_refuses(
    command: str, name: str, folder: Path, valid: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kind, arguments = COMMANDS[command]
    (folder / "study.yaml").write_text(valid)
    path = file_of(folder)
    if name in BYTES:
        BYTES[name][0](path)
    else:
        forge(path, CHANGES[name][0], kind)
    names = {"bad": str(path), "folder": str(folder), "out": str(folder / "out.x")}
    said = refused([each.format(**names) for each in arguments], folder, capsys)
    assert str(path) in said


@pytest.mark.parametrize("name", ["truncated", "text"])
def test_tables_name_a_file_and_leave_it_out(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file_of(folder)
    BYTES[name][0](path)
    arguments = ["--plan", str(folder / "plan.json"), "--output-folder", str(folder / "tables")]
    assert main(["tables", *arguments]) == 0
    assert f"left out: correlation/{path.stem}: " in capsys.readouterr().err
    assert str(path) in (folder / "tables" / "points.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CHANGES)
def test_status_calls_it_failed_or_does_not_need_the_part(
    name: str, folder: Path, valid: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "study.yaml").write_text(valid)
    change, reason = CHANGES[name]
    forge(file_of(folder), change)
    status = main(["status", str(folder / "study.yaml"), "--results", str(folder)])
    out = capsys.readouterr().out
    assert status == (1 if "failed: " in out else 0)
    assert status == 0 or reason in out
    assert status == 1 or not name.endswith(("version", "quality", "provenance", "gate"))


def test_a_crate_holds_no_links(
    folder: Path, valid: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "study.yaml").write_text(valid)
    (folder / "tables").mkdir()
    (folder / "tables" / "points.csv").symlink_to("/etc/passwd")
    arguments = ["crate", str(folder), "--output", f"{folder}.zip", "--partial"]
    said = refused([*arguments, "--config", str(folder / "study.yaml")], folder, capsys)
    assert "points.csv: a symbolic link" in said
