"""Ranks on this machine start whatever schedulers and other launchers left in the environment."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import smallpolaron
from smallpolaron.launch import foreign, tell_if_contradictory

PROGRAM = (
    "from mpi4py import MPI; world = MPI.COMM_WORLD; ranks = world.gather(world.rank);"
    "print(ranks) if world.rank == 0 else None"
)
SURROUNDINGS = {
    "none": {},
    "pmix shell": {"PMIX_NAMESPACE": "slurm.pmix.1.0", "PMIX_RANK": "0"},
    "pmi2 shell": {"PMI_RANK": "0", "PMI_SIZE": "4", "PMI_FD": "17"},
    "slurm without srun": {
        "SLURM_JOB_ID": "123",
        "SLURM_NODELIST": socket.gethostname(),
        "SLURM_NNODES": "1",
        "SLURM_TASKS_PER_NODE": "2",
    },
    "bootstrap": {"HYDRA_BOOTSTRAP": "slurm"},
    "pbs": {"PBS_NODEFILE": "/none", "PBS_JOBID": "1", "PBS_ENVIRONMENT": "PBS_BATCH"},
}


def launched(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "smallpolaron.launch", *arguments],
        env=os.environ | {"PYTHONPATH": str(Path(smallpolaron.__file__).parents[1])} | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("where", SURROUNDINGS)
def test_ranks_start(ranks: int, where: str) -> None:
    done = launched("-n", str(ranks), sys.executable, "-c", PROGRAM, **SURROUNDINGS[where])
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{list(range(ranks))}\n"


@pytest.mark.parametrize("ranks", [1, 2])
def test_the_status_of_the_job_comes_back(ranks: int) -> None:
    exits = "from mpi4py import MPI; import sys; MPI.COMM_WORLD.Barrier(); sys.exit(75)"
    assert launched("-n", str(ranks), sys.executable, "-c", exits).returncode == 75


@pytest.mark.parametrize("arguments", [(), ("-n", "0", "true"), ("-n", "x", "true"), ("-n", "2")])
def test_wrong_arguments(arguments: tuple[str, ...]) -> None:
    done = launched(*arguments)
    assert done.returncode == 2
    assert "-n RANKS" in done.stderr


def test_a_program_that_is_not_there() -> None:
    done = launched("-n", "1", "no-such-program")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_settings_of_the_user_stay() -> None:
    kept = ("PMIX_MCA_psec", "OMPI_MCA_rmaps_base_oversubscribe", "OMPI_ALLOW_RUN_AS_ROOT", "PATH")
    assert foreign(dict.fromkeys((*kept, "PMIX_RANK", "OMPI_MCA_ess_base_jobid"), "1")) == [
        "PMIX_RANK",
        "OMPI_MCA_ess_base_jobid",
    ]


@pytest.mark.parametrize(
    ("ranks", "environment", "said"),
    [
        (2, {"PMIX_NAMESPACE": "a", "PMIX_RANK": "0", "PMI_SIZE": "2"}, True),
        (1, {"PMIX_NAMESPACE": "a", "PMIX_RANK": "0"}, True),
        (2, {"PMIX_NAMESPACE": "a", "PMIX_RANK": "0"}, False),
        (2, {"PMI_SIZE": "2"}, False),
    ],
)
def test_what_to_unset_is_said(
    ranks: int, environment: dict[str, str], said: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    tell_if_contradictory(ranks, environment)
    assert ("unset PMIX_NAMESPACE PMIX_RANK" in capsys.readouterr().err) is said


def test_a_probe_of_the_cost_in_a_shell_of_another_launcher(tmp_path: Path) -> None:
    study = tmp_path / "s.yaml"
    study.write_text(
        "study: probed\nmodel: {n_sites: 3}\nbath: {eta_cm: 50, gamma_cm: 100}\n"
        "accuracy: 0.05\npropagation: {duration_fs: 20}\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "smallpolaron", "cost", "--probe", str(study)]
    done = subprocess.run(
        command,
        env=os.environ | SURROUNDINGS["pmix shell"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
