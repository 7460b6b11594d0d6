"""A private Slurm, and snakemake as a user calls it."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.slurm.private_slurm import obstacle, private_slurm

ROOT = Path(__file__).resolve().parents[2]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def slurm() -> Iterator[None]:
    """A running Slurm of two nodes; tests that need it are skipped where it cannot be started."""
    from mpi4py import MPI  # not on top: importing it starts MPI

    # a machine has one Slurm: processes that share the tests wait for each other
    with (Path(tempfile.gettempdir()) / "smallpolaron-slurm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        reason = obstacle()
        if MPI.get_vendor()[0] not in ("MPICH", "Intel MPI"):
            reason = f"the profile as it is starts the ranks of MPICH, not of {MPI.get_vendor()[0]}"
        if reason:
            pytest.skip(f"no Slurm to test with: {reason}")
        with private_slurm():
            yield


@pytest.fixture(scope="session")
def snakemake() -> Run:
    """Return a function that runs snakemake in the checkout, with results in a folder."""

    def run(
        folder: Path, *arguments: str, status: int = 0, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        folder.mkdir(parents=True, exist_ok=True)
        environment = {k: v for k, v in os.environ.items() if k != "SNAKEMAKE_PROFILE"}
        environment["XDG_CACHE_HOME"] = str(folder / "cache")
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        done = subprocess.run(
            ["snakemake", "--directory", str(folder), *arguments],
            cwd=ROOT,
            env={**environment, **(env or {})},
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )
        assert done.returncode == status, f"{done.stdout}\n{done.stderr}"
        return done

    return run
