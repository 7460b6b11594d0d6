"""Hostile studies through the workflow: refused by Snakemake's own run, and nothing is executed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workflow.conftest import ROOT, Run

TINY = str(ROOT / "config" / "tiny.yaml")


def made(folder: Path) -> list[str]:
    """Return what a run has left behind, but for Snakemake's own folder."""
    found = (path.relative_to(folder) for path in folder.rglob("*"))
    return sorted(str(path) for path in found if path.parts[0] not in (".snakemake", "study.yaml"))


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ("study=../../canary", "study = '../../canary'"),
        ("study=x$(touch canary)", "study = 'x$(touch canary)'"),
        ("study=x; touch canary;", "study = 'x; touch canary;'"),
        ("study=tiny\nmodel: {n_sites: 3}", "study = 'tiny\\nmodel: {n_sites: 3}'"),
        ('model={"topology": "`touch canary`"}', "model.topology = '`touch canary`'"),
        ('grid=[{"name": "x;touch canary", "model.n_sites": [3]}]', "grid[0].name = "),
    ],
    ids=["path", "substitution", "command", "lines", "section", "block"],
)
def test_hostile_override(snakemake: Run, tmp_path: Path, change: str, key: str) -> None:
    done = snakemake("--cores", "1", "--configfile", TINY, "--config", change, status=1)
    assert f"with --config: {key}" in done.stderr or f": {key}" in done.stderr
    assert "Traceback" not in done.stderr
    assert made(tmp_path / "run") == []
    assert not (ROOT / "canary").exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        # Snakemake itself reads the file first, safely as well
        ("study: !!python/object/apply:os.mkdir [canary]\n", "Config file is not valid"),
        ("study: ../canary\n", "study = '../canary'"),
        ("a: &a [x, x]\nb: [*a, *a]\n", "aliases (*name) are not allowed"),
    ],
    ids=["tag", "path", "alias"],
)
def test_hostile_file(snakemake: Run, tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "run" / "study.yaml"
    path.write_text(text)
    done = snakemake("--cores", "1", "--configfile", str(path), status=1)
    assert reason in done.stdout + done.stderr
    assert made(tmp_path / "run") == []


@pytest.mark.parametrize("target", ["$(touch canary)", "x;touch canary", "../../x"])
def test_hostile_target(snakemake: Run, tmp_path: Path, target: str) -> None:
    wanted = f"results/tiny/figures/{target}/current.svg"
    snakemake("--cores", "1", "--configfile", TINY, wanted, status=1)
    assert made(tmp_path / "run") == []
