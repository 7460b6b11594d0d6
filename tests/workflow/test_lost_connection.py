"""A terminal that is closed ends a run on this machine as Ctrl-C does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.workflow.conftest import ROOT

STUDY = """\
study: lost
accuracy: 1e-3
model: {n_sites: 4}
bath: {eta_cm: 200, gamma_cm: 50, terms: 1}
propagation: {duration_fs: 2000}
resources: {checkpoint_minutes: 1e-3, unknowns_per_rank: UNKNOWNS}
"""
PATIENCE_S = 300


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cores", "number"), [(1, signal.SIGHUP), (2, signal.SIGHUP), (1, signal.SIGINT)]
)
def test_a_lost_connection_leaves_checkpoints_and_no_lock(
    tmp_path: Path, cores: int, number: int
) -> None:
    study = STUDY.replace("UNKNOWNS", "1000000" if cores == 1 else "1")
    (tmp_path / "study.yaml").write_text(study, encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--directory", str(tmp_path)]
    command += ["--until", "correlation", "--configfile", str(tmp_path / "study.yaml")]
    run = subprocess.Popen(
        [*command, "--cores", str(cores)],
        cwd=ROOT,
        env=os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    folder = tmp_path / "results" / "lost" / "correlation" / ".checkpoints"
    deadline = time.monotonic() + PATIENCE_S
    while not list(folder.glob("*/*.npz")):
        assert time.monotonic() < deadline
        assert run.poll() is None
        time.sleep(0.05)
    os.killpg(run.pid, number)
    said = run.communicate(timeout=PATIENCE_S)[0]
    assert run.returncode == 1, said
    assert not (tmp_path / "results" / "lost" / "logs" / "so_far.log").exists()
    assert not list((tmp_path / ".snakemake" / "locks").glob("*"))
    (log,) = (tmp_path / "results" / "lost" / "logs" / "correlation").glob("*.log")
    while "what was reached is in" not in log.read_text(encoding="utf-8"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
