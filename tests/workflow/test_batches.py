"""Many small points: batches that are killed, and what Snakemake makes of them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from smallpolaron.planning.study import load_plan
from smallpolaron.results.store import read_result
from tests.workflow.conftest import ROOT

STUDY = """\
study: many
model: {n_sites: 3}
bath: {gamma_cm: 50, terms: 0}
propagation: {duration_fs: 60}
grid:
  - bath.eta_cm: [100]
    hierarchy.depth: [1, 2, 3]
    model.temperature_K: [200, 220, 240, 260, 280, 300, 320, 340]
"""
PATIENCE_S = 600
Call = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Call:
    """Return what starts snakemake as a user would, in a folder of its own."""
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")

    def run(*more: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "snakemake", "--directory", str(tmp_path)]
        command += ["--configfile", str(tmp_path / "study.yaml"), "--cores", "1", *more]
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    return run


def numbers(folder: Path) -> dict[str, dict[str, bytes]]:
    """Return the bits of every number of every result, but for what it took to compute it."""
    return {
        str(path.relative_to(folder)): {
            name: np.asarray(variable.data).tobytes()
            for name, variable in read_result(path).variables.items()
        }
        for path in sorted(folder.glob("*/*.h5"))
    }


@pytest.mark.slow
def test_a_killed_batch_loses_nothing_and_keeps_every_bit(tmp_path: Path, start: Call) -> None:
    results = tmp_path / "results" / "many"
    plan = load_plan(tmp_path / "study.yaml")
    killed = start()
    deadline = time.monotonic() + PATIENCE_S
    enough = random.randrange(1, len(plan.points))
    while len(list((results / "correlation").glob("*.h5"))) < enough:
        assert time.monotonic() < deadline
        assert killed.poll() is None
        time.sleep(0.02)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    before = {path: path.stat().st_mtime_ns for path in results.glob("*/*.h5")}
    assert len(before) >= enough
    start("--unlock").communicate(timeout=PATIENCE_S)
    again = start("--rerun-incomplete")
    said = again.communicate(timeout=PATIENCE_S)[0]
    assert again.returncode == 0, said
    assert (results / "report.html").exists()
    assert {path: path.stat().st_mtime_ns for path in before} == before
    found = numbers(results)
    assert len(found) == 4 * len(plan.points)
    # each point by itself gives the same
    alone = tmp_path / "alone.h5"
    for point in random.sample(plan.points, 3):
        command = [sys.executable, "-m", "smallpolaron", "correlation", "--ranks", "1"]
        command += ["--plan", str(results / "plan.json"), "--point", point.id]
        subprocess.run([*command, "--output", str(alone), "--overwrite"], check=True)
        single = read_result(alone).variables
        batched = found[f"correlation/{point.id}.h5"]
        assert {name: np.asarray(v.data).tobytes() for name, v in single.items()} == batched
    # nothing is left to do
    assert "Nothing to be done" in start().communicate(timeout=PATIENCE_S)[0]
