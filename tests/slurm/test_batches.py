"""Many small points on a real Slurm: few jobs, and the bits of a run on one machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from smallpolaron.results.store import read_result
from tests.slurm.private_slurm import ACCOUNT, accounting
from tests.slurm.test_slurm import ENVIRONMENT, SOONER

pytestmark = pytest.mark.slow

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


def test_a_grid_of_small_points_takes_few_jobs(
    slurm: None, snakemake: Callable[..., object], tmp_path: Path
) -> None:
    study = tmp_path / "study.yaml"
    study.write_text(STUDY, encoding="utf-8")
    common = ["--configfile", str(study)]
    site = ["--default-resources", f"slurm_account={ACCOUNT}", "mem_mb=2000", "runtime=10"]
    snakemake(tmp_path / "slurm", "--profile", "slurm", *common, *SOONER, *site, env=ENVIRONMENT)
    jobs = [record for record in accounting() if record.is_job]
    assert [job.state for job in jobs] == ["COMPLETED"] * len(jobs)
    assert {job.comment.rpartition("_wildcards_")[0] for job in jobs} == {"rule_batch"}
    assert len(jobs) == 2  # the runs, then the figures
    snakemake(tmp_path / "local", "tables", "--cores", "1", *common)
    found, expected = (tmp_path / each / "results" / "many" for each in ("slurm", "local"))
    names = [str(path.relative_to(expected)) for path in expected.glob("*/*.h5")]
    assert len(names) == 4 * 24
    assert (found / "report.html").exists()
    for name in names:
        one, other = read_result(found / name).variables, read_result(expected / name).variables
        for key, variable in other.items():
            assert np.asarray(one[key].data).tobytes() == np.asarray(variable.data).tobytes()
