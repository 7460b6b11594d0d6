"""Every command that README shows for a study of one's own, on the study that README shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.workflow.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COARSE = {"accuracy: 1e-3": "accuracy: 0.05", "[4, 6, 8, 10]": "[3, 4]", "600}": "200}"}
"""What makes the study a matter of seconds; its commands stay as they are."""


def section(title: str) -> str:
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def commands(text: str) -> list[str]:
    """Return the command lines of a section, without their comments and the set-up of the shell."""
    lines = [line for kind, block in BLOCK.findall(text) if not kind for line in block.splitlines()]
    found = [line.partition("#")[0].strip() for line in lines]
    return [line for line in found if line and not line.startswith(". ")]


def test_the_section_holds_what_is_run() -> None:
    found = [line.split()[:2] for line in commands(section("Your own study"))]
    assert ["snakemake", "--profile"] in found
    told = {"validate", "status", "show", "verify", "rerun", "crate"}
    assert {words[1] for words in found if words[0] == "smallpolaron"} == told


@pytest.mark.slow
def test_every_command_for_a_study_works_on_the_study_shown(tmp_path: Path) -> None:
    parts = ("Snakefile", "workflow", "papers", "profiles", "src", "envs", "LICENSE")
    for name in (*parts, "CITATION.cff"):
        (tmp_path / name).symlink_to(ROOT / name)
    text = section("Your own study")
    (study,) = (block for kind, block in BLOCK.findall(text) if kind == "yaml")
    for fine, coarse in COARSE.items():
        assert fine in study
        study = study.replace(fine, coarse)
    (tmp_path / "mystudy.yaml").write_text(study, encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if k != "SNAKEMAKE_PROFILE"}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    for line in commands(text):
        words = line.split()
        if "FILE.h5" in words:
            kinds = ("correlation", "mobility", "drude_smith")
            files = [next((tmp_path / "results/mystudy" / kind).glob("*.h5")) for kind in kinds]
        else:
            files = [Path()]
        for file in files:
            done = subprocess.run(
                [str(file) if word == "FILE.h5" else word for word in words],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
    assert (tmp_path / "results/mystudy/report.html").is_file()
    with zipfile.ZipFile(tmp_path / "mystudy.zip") as crate:
        assert {"mystudy.yaml", "plan.json", "report.html"} <= set(crate.namelist())
