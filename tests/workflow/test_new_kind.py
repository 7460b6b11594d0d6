"""One line in the registry gives a new kind of result a rule of the workflow."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from smallpolaron.planning.study import load_plan
from tests.workflow.conftest import ROOT

LINE = '    Kind("half_life", "Half-life", "correlation"),\n'


def test_the_rule_is_there(tmp_path: Path) -> None:
    for name in ("workflow", "papers", "src", "config", "profiles"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "Snakefile", tmp_path)
    package = tmp_path / "src" / "smallpolaron"
    registry = package / "results" / "kinds.py"
    text = registry.read_text(encoding="utf-8")
    place = '    Kind("ladder", '
    assert text.count(place) == 1
    registry.write_text(text.replace(place, LINE + place), encoding="utf-8")
    new = package / "derive" / "half_life_job.py"
    new.write_text("QUANTITIES = {}\n", encoding="utf-8")
    plan = load_plan(tmp_path / "config" / "config.yaml")
    target = f"results/{plan.study}/half_life/{plan.points[0].id}.h5"
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", "-p", target],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if k not in ("SNAKEMAKE_PROFILE", "PYTHONPATH")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "smallpolaron half-life --plan" in done.stdout + done.stderr
    assert (
        f"--correlation {target.replace('half_life', 'correlation')}" in done.stdout + done.stderr
    )
