"""Malformed configurations: each refused before any job, in words that help."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import smallpolaron
from smallpolaron.planning.study import load_plan
from smallpolaron.support.problems import ConfigurationError
from tests.study.malformed_layout import LAYOUT
from tests.study.malformed_physics import PHYSICS
from tests.study.study_texts import study

CASES = LAYOUT + PHYSICS


@pytest.mark.parametrize(
    ("text", "key", "parts"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_refused_with_key_value_and_remedy(
    text: str, key: str, parts: tuple[str, ...], faults_of: Callable[[str], list[str]]
) -> None:
    lines = faults_of(text)
    assert all(line.startswith("study.yaml") for line in lines)
    assert all(line.isprintable() for line in lines)
    subjects = [line.split(": ", 1)[1] for line in lines]
    found = [
        line
        for line in subjects
        if (line.startswith((f"{key} = ", f"{key} is not given")) or not key)
        and all(part in line for part in parts)
    ]
    assert found, lines


def test_cases_are_valid_without_their_fault(plan_of: Callable[[str], object]) -> None:
    plan_of(study())
    plan_of(study(depth=""))
    plan_of(study(model="model: {topology: infinite}\n", depth=""))


def test_every_message_says_what_to_do(faults_of: Callable[[str], list[str]]) -> None:
    for name, text, _, _ in CASES:
        for line in faults_of(text):
            assert "; " in line, (name, line)


def test_all_faults_of_a_file_come_at_once_and_in_order(
    faults_of: Callable[[str], list[str]],
) -> None:
    lines = faults_of(
        """\
        study: a b
        model: {n_sites: 0}
        bath: {eta_cm: 0, gamma_cm: x}
        hierarchy: {depth: 0}
        propagation: {duration_fs: 0}
        colour: red
        """
    )
    keys = [line.split(": ")[1].split(" = ")[0] for line in lines]
    assert keys == [
        "study",
        "model.n_sites",
        "bath.eta_cm",
        "bath.gamma_cm",
        "hierarchy.depth",
        "propagation.duration_fs",
        "colour",
    ]
    assert [line.split(":")[1] for line in lines] == ["1", "2", "3", "3", "4", "5", "6"]


def test_a_fault_of_all_points_is_told_once(faults_of: Callable[[str], list[str]]) -> None:
    grid = "grid: [{model.n_sites: [3, 4, 5]}]\n"
    lines = faults_of(study(depth="hierarchy: {depth: 0}\n", more=grid))
    assert len(lines) == 1


def test_a_fault_of_some_points_names_the_first_and_counts(
    faults_of: Callable[[str], list[str]],
) -> None:
    grid = "grid: [{model.n_sites: [2, 3], hierarchy.depth: [3, 4, 5]}]\n"
    (line,) = faults_of(study(more=grid))
    assert "(at grid[0], model.n_sites = 2, hierarchy.depth = 3 and 2 other points)" in line


@pytest.mark.parametrize(
    ("content", "part"),
    [(b"study: \xff\xfe\n", "not UTF-8"), (b"study: a\x00b\n", "not valid YAML")],
)
def test_bytes_that_are_no_text(tmp_path: Path, content: bytes, part: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=part):
        load_plan(path)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read the file: No such file"):
        load_plan(tmp_path / "nothing.yaml")
    with pytest.raises(ConfigurationError, match="cannot read the file: Is a directory"):
        load_plan(tmp_path)


def test_too_large_file(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("# " + "x" * 1_000_001)
    with pytest.raises(ConfigurationError, match="larger than"):
        load_plan(path)


def test_a_python_tag_is_never_executed(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("study: !!python/object/apply:os.mkdir ['pwned']\n")
    done = subprocess.run(
        [sys.executable, "-m", "smallpolaron", "validate", "study.yaml"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(smallpolaron.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "tags are not allowed" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "pwned").exists()
