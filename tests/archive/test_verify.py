"""Verification: every damage is found, sound files are not accused."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smallpolaron.archive.verify import verify, verify_file
from smallpolaron.cli import main
from smallpolaron.derive.drude_smith_job import drude_smith_result
from smallpolaron.derive.kernel_job import kernel_result
from smallpolaron.derive.mobility_job import mobility_result
from smallpolaron.results.kinds import KINDS
from smallpolaron.results.layout import layout
from smallpolaron.results.store import Result, read_result, write_result
from smallpolaron.study.sections import AnalysisConfig
from smallpolaron.support.problems import StoreError
from tests.results.hostile import unprivileged

SEAL = b"\nsmallpolaron sha256"


@pytest.fixture
def study(tmp_path: Path, correlation: Callable[..., Result]) -> Path:
    """Return the folder of a study with four result files under their proper names."""
    source, settings = correlation(duration_fs=200.0), AnalysisConfig()
    mobility = mobility_result(source, settings)
    for result in (
        source,
        mobility,
        kernel_result(source, settings),
        drude_smith_result(mobility, settings),
    ):
        name = f"{result.kind}/{source.parameters['point']}.h5"
        write_result(tmp_path / "study" / name, result)
    return tmp_path / "study"


def file_of(study: Path, kind: str = "correlation") -> Path:
    return next((study / kind).glob("*.h5"))


def unsealed(path: Path) -> bytes:
    content = path.read_bytes().partition(SEAL)[0]
    path.write_bytes(content)
    return content


def rewritten(path: Path, **changes: object) -> None:
    write_result(path, replace(read_result(path), **changes), overwrite=True)  # type: ignore[arg-type]


def test_every_kind_has_a_layout() -> None:
    empty = {kind for kind in KINDS if not layout(kind)}
    assert empty == {"ensemble", "inverse"}


def test_sound_study(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert {each.state for each in verify([study])} == {"ok"}
    assert main(["verify", str(study)]) == 0
    assert capsys.readouterr().out == "4 files: 4 ok\n"
    assert main(["verify", "--all", str(file_of(study))]) == 0
    assert capsys.readouterr().out.startswith("ok ")


def test_flipped_bits_and_lost_ends(study: Path) -> None:
    path, rng = file_of(study), np.random.default_rng(3)
    whole = path.read_bytes()
    for position in rng.integers(0, whole.index(SEAL), 200):
        changed = bytearray(whole)
        changed[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        assert verify_file(path).state == "damaged", position
    for length in rng.integers(0, whole.index(SEAL), 10):
        path.write_bytes(whole[:length])
        assert verify_file(path).state == "damaged", length


def test_damage_is_told_with_what_to_do(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = file_of(study, "kernel")
    path.write_bytes(path.read_bytes()[:5000])
    assert main(["verify", str(study)]) == 1
    out = capsys.readouterr().out
    assert out.startswith(f"damaged       {path}: ")
    assert "damaged: restore it from a copy, or delete it and run its job again" in out
    assert out.endswith("4 files: 3 ok, 1 damaged\n") or "1 damaged" in out.splitlines()[-1]


def test_a_file_without_its_seal_is_not_proven(study: Path) -> None:
    path = file_of(study)
    unsealed(path)
    found = {each.path: each for each in verify([study])}
    assert (found[path].state, found[path].sound) == ("no checksum", True)


def test_wrong_content_is_found(study: Path) -> None:
    path = file_of(study)
    good = read_result(path)
    C = good.variables["C_JJ"]
    hole = np.array(C.data)
    hole[7] = np.nan
    wrong = {
        "hash": {"parameters": {**good.parameters, "start_site": 2}},
        "C_JJ is missing": {"variables": {"time_fs": good.variables["time_fs"]}},
        "must have": {"variables": {**good.variables, "C_JJ": replace(C, units="1")}},
        "not finite": {"variables": {**good.variables, "C_JJ": replace(C, data=hole)}},
        "the name says": {"provenance": {**good.provenance, "configuration_hash": "0" * 64}},
    }
    for words, change in wrong.items():
        rewritten(path, **change)
        finding = verify_file(path)
        assert finding.state == "inconsistent"
        assert words in finding.detail, finding.detail
        write_result(path, good, overwrite=True)
    assert verify_file(path).sound


def test_run_that_grew_may_hold_no_numbers(
    tmp_path: Path, correlation: Callable[..., Result]
) -> None:
    run = correlation(grew=True)
    C = run.variables["C_JJ"]
    empty = replace(C, data=np.full_like(np.asarray(C.data), np.nan))
    write_result(tmp_path / "a.h5", replace(run, variables={**run.variables, "C_JJ": empty}))
    assert verify_file(tmp_path / "a.h5").state == "ok"
    write_result(tmp_path / "b.h5", mobility_result(run, AnalysisConfig()))
    assert verify_file(tmp_path / "b.h5").state == "ok"


def test_what_is_no_file_does_not_keep_the_rest_from_being_checked(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(study)  # without root, the way there cannot be walked
    study.chmod(0o755)
    sound = {each.path for each in verify([Path()])}
    os.mkfifo(study / "pipe.h5")
    (study / "folder.h5").mkdir()
    (study / "link.h5").symlink_to("nowhere")
    forbidden = study / "forbidden.h5"
    forbidden.write_bytes(b"")
    forbidden.chmod(0)
    with unprivileged():
        found = {each.path: each for each in verify([Path()])}
    odd = {each.path.name: each.state for each in found.values() if not each.sound}
    assert {path for path in found if path.name not in odd} == sound
    forbidden_state = odd.pop("forbidden.h5")
    assert forbidden_state == "unreadable"
    assert odd == dict.fromkeys(("pipe.h5", "folder.h5", "link.h5"), "damaged")


def test_nothing_to_verify(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no result files"):
        verify([tmp_path])
    with pytest.raises(StoreError, match="no such file"):
        verify([tmp_path / "none.h5"])
