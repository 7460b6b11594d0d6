"""The profile for Slurm on a real Slurm of two nodes, against the same study run locally."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from smallpolaron.results.store import Result, read_result
from smallpolaron.study.plan import read_plan
from tests.slurm.private_slurm import ACCOUNT, FEATURE, Record, accounting

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
STUDY = ["--configfile", str(ROOT / "config" / "tiny.yaml")]
STUDY_CHANGES = ["--config", 'protocols=["current", "marcus"]']
RESULT_RULES = ("correlation", "population", "kernel", "mobility", "drude_smith")
# What a site may ask for, as docs/cluster.md says it is given.
SITE = [f"slurm_account={ACCOUNT}", "slurm_partition=long", "qos=normal", f"constraint={FEATURE}"]
SOONER = ["--slurm-init-seconds-before-status-checks", "5"]
# The nodes are one machine, which MPICH may not know.
ENVIRONMENT = {"MPIR_CVAR_CH4_NETMOD": "ofi"}


@dataclass(frozen=True)
class Runs:
    """The same study run in both ways.

    Attributes:
        slurm: folder of the results of --profile slurm.
        local: folder of the results of --profile profiles/local.
        records: what Slurm recorded.
    """

    slurm: Path
    local: Path
    records: list[Record]

    def jobs(self) -> Iterator[tuple[Record, Record, Record]]:
        """Return every job with its batch step and its MPI step."""
        for job in filter(lambda record: record.is_job, self.records):
            steps = [r for r in self.records if r.name.partition(".")[0] == job.name][1:]
            batch, ranks = (s for s in steps if s.name != f"{job.name}.extern")
            yield job, batch, ranks


@pytest.fixture(scope="module")
def runs(
    slurm: None, snakemake: Callable[..., object], tmp_path_factory: pytest.TempPathFactory
) -> Runs:
    folder = tmp_path_factory.mktemp("runs")
    site = ["--default-resources", *SITE, "mem_mb=2000", "runtime=10"]
    remote = ["--profile", "slurm", *STUDY, *SOONER, *site, *STUDY_CHANGES]
    snakemake(folder / "slurm", *remote, env=ENVIRONMENT)
    records = accounting()
    local = ["--profile", "profiles/local", *STUDY, *STUDY_CHANGES]
    snakemake(folder / "local", "tables", *local)  # the rule that needs every result
    results = Path("results", "tiny")
    return Runs(folder / "slurm" / results, folder / "local" / results, records)


def test_every_job_has_its_ranks_on_both_nodes(runs: Runs) -> None:
    assert [job.state for job, _, _ in runs.jobs()] == ["COMPLETED"] * 4
    for _, _, ranks in runs.jobs():
        assert (ranks.tasks, ranks.nodes, ranks.state) == ("2", "node[1-2]", "COMPLETED")
    for kind in ("correlation", "population"):
        for path in (runs.slurm / kind).iterdir():
            assert read_result(path).provenance["ranks"] == 2


def test_only_the_mpi_runs_become_jobs_of_slurm(runs: Runs) -> None:
    plan = read_plan(runs.slurm / "plan.json")
    asked = {f"rule_correlation_wildcards_{point.id}" for point in plan.points}
    asked |= {f"rule_population_wildcards_{point.id}_marcus" for point in plan.points}
    assert sorted(asked) == sorted(job.comment for job, _, _ in runs.jobs())


def test_jobs_ask_for_what_the_site_and_the_resource_model_say(runs: Runs) -> None:
    for job, batch, ranks in runs.jobs():
        said = (job.account, job.partition, job.qos, job.constraint)
        assert said == (ACCOUNT, "long", "normal", FEATURE)
        assert int(job.minutes) == 5
        # one rank beside the two Snakemake processes of the batch step
        per_node_mb = int(re.fullmatch(r"(\d+)M", job.memory)[1]) / 2
        assert 100 < _megabytes(ranks.peak) < _megabytes(ranks.peak) + _megabytes(batch.peak)
        assert _megabytes(ranks.peak) + _megabytes(batch.peak) < per_node_mb


def _megabytes(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)([KMG])", text).groups()
    return float(number) * {"K": 1.0 / 1024, "M": 1.0, "G": 1024.0}[unit]


def test_both_runs_find_the_same(runs: Runs) -> None:
    found = [
        {str(path.relative_to(folder)) for path in folder.glob("*/*.h5")}
        for folder in (runs.slurm, runs.local)
    ]
    assert found[0] == found[1]
    assert {name.partition("/")[0] for name in found[0]} == set(RESULT_RULES)
    assert (runs.slurm / "report.html").exists()
    for name in sorted(found[0]):
        _assert_same(read_result(runs.slurm / name), read_result(runs.local / name), name)


def _assert_same(one: Result, other: Result, name: str) -> None:
    assert one.parameters == other.parameters, name
    assert one.variables.keys() == other.variables.keys(), name
    # a fit is only as exact as the search that found it
    relative = 1e-8 if one.kind == "drude_smith" else 1e-10
    for key, variable in one.variables.items():
        numbers, expected = np.asarray(variable.data), np.asarray(other.variables[key].data)
        size = np.max(np.abs(expected), initial=0.0, where=np.isfinite(expected))
        # numbers that measure rounding errors differ
        limit = relative * size + 1e-13
        np.testing.assert_allclose(numbers, expected, rtol=0, atol=limit, err_msg=f"{name} {key}")
    gates = [[(gate.name, gate.passed, gate.bound) for gate in each.gates] for each in (one, other)]
    assert gates[0] == gates[1], name


def test_ranks_that_do_not_find_each_other_are_refused_and_the_table_chooses_a_partition(
    slurm: None, snakemake: Callable[..., object], tmp_path: Path
) -> None:
    apart = ["--set-resources", "correlation:mpi='srun --mpi=none'", "--retries", "0"]
    apart += ["--slurm-partition-config", str(ROOT / "profiles" / "slurm" / "partitions.yaml")]
    earlier = {record.name for record in accounting()}
    one = ["--until", "correlation", "--config", "grid=[{model.n_sites: [3]}]"]
    run = ["--profile", "slurm", *STUDY, *SOONER, *apart, *one]
    snakemake(tmp_path, *run, status=1, env=ENVIRONMENT)
    results = tmp_path / "results" / "tiny"
    log = next((results / "logs" / "correlation").iterdir()).read_text(encoding="utf-8")
    assert "given 2 MPI ranks but the communicator has 1" in log
    assert not list(results.glob("correlation/*"))
    (job,) = [each for each in accounting() if each.is_job and each.name not in earlier]
    assert (job.partition, job.state) == ("short", "FAILED")
