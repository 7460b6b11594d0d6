"""A job that Slurm warns of the end of its time is submitted again and goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

from smallpolaron.planning.study import load_plan
from smallpolaron.results.store import read_result
from tests.processes import ranks_of, started, was_sent
from tests.slurm.daemons import run
from tests.slurm.private_slurm import accounting

pytestmark = pytest.mark.slow

Run = Callable[..., subprocess.CompletedProcess[str]]

ENVIRONMENT = {"MPIR_CVAR_CH4_NETMOD": "ofi"}
SOONER = ["--slurm-init-seconds-before-status-checks", "5"]
PATIENCE_S = 300
STUDY = """\
study: warned
accuracy: 1e-4
model: {n_sites: 6}
bath: {eta_cm: 200, gamma_cm: 50, terms: 1}
propagation: {duration_fs: 200}
resources: {unknowns_per_rank: 10000000}
"""


def wait_for(what: str, ready: Callable[[], object], job: Future[object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not ready():
        assert not job.done(), f"over before {what}: {job.result()}"
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


@contextmanager
def stopped(processes: list[int]) -> Iterator[None]:
    """Let processes rest: a job that takes longer than it would, but no processor time."""
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


def test_a_job_that_runs_out_of_time_goes_on_in_its_second_submission(
    slurm: None, snakemake: Run, tmp_path: Path
) -> None:
    study = tmp_path / "study.yaml"
    study.write_text(STUDY, encoding="utf-8")
    (point,) = load_plan(study).points
    results = tmp_path / "run" / "results" / "warned"
    log = results / "logs" / "correlation" / f"{point.id}.log"
    output = results / "correlation" / f"{point.id}.h5"
    asked = ["--profile", "slurm", "--configfile", str(study), "--until", "correlation", *SOONER]
    known = {record.name for record in accounting()}

    with ThreadPoolExecutor() as pool:
        job = pool.submit(snakemake, tmp_path / "run", *asked, env=ENVIRONMENT)
        begun = "correlation, coarse: 200.0 fs done"
        wait_for(begun, lambda: log.exists() and begun in log.read_text(encoding="utf-8"), job)
        ranks = ranks_of(output.relative_to(tmp_path / "run"))
        assert len(ranks) == 2
        with stopped(ranks):
            name, used = run("squeue", "--noheader", "--format=%i %M").split()
            # one to two minutes are left: less than the profile wants to be warned of
            limit = 2 + int(used.split(":")[-2])
            run("scontrol", "update", f"JobId={name}", f"TimeLimit={limit}")
            # Slurm looks at the time limits twice a minute
            wait_for("a warning", lambda: all(was_sent(signal.SIGUSR1, r) for r in ranks), job)
        job.result()

    said = log.read_text(encoding="utf-8")
    assert ": resumed at t = " in said
    assert "/.checkpoints/" in said
    jobs = [each for each in accounting() if each.is_job and each.name not in known]
    assert [(each.state, each.minutes) for each in jobs] == [
        ("FAILED", str(limit)),
        ("COMPLETED", "10"),
    ]
    steps = run("sacct", "--noheader", "--parsable2", f"--jobs={jobs[0].name}", "--format=ExitCode")
    assert "75:0" in steps.split()
    assert [path.name for path in output.parent.iterdir()] == [output.name]
    order = ["correlation", "--plan", str(results / "plan.json"), "--point", point.id]
    here = started(order, tmp_path / "whole.h5", ranks=2)
    told = here.communicate(timeout=PATIENCE_S)[1]
    assert here.returncode == 0, told
    one, whole = read_result(output), read_result(tmp_path / "whole.h5")
    assert one.provenance["ranks"] == whole.provenance["ranks"] == 2
    for key, variable in whole.variables.items():
        np.testing.assert_array_equal(one.variables[key].data, variable.data, err_msg=key)
