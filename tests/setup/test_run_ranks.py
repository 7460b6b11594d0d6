"""tests/run_ranks.py: a failure on any rank must fail the run, and must not hang it."""

import os
import subprocess
import sys

import pytest
from bootstrap.settings import ROOT

HEAD = """
import pytest
from mpi4py import MPI

rank = MPI.COMM_WORLD.rank
pytestmark = pytest.mark.mpi
"""


@pytest.fixture
def run(tmp_path):
    def call(body, ranks=2, wanted=2, **environ):
        (tmp_path / "test_it.py").write_text(HEAD + body)
        script = [sys.executable, str(ROOT / "tests" / "run_ranks.py"), str(wanted)]
        config = ["-c", str(ROOT / "pyproject.toml"), str(tmp_path / "test_it.py")]
        return subprocess.run(
            ["mpiexec", "-n", str(ranks), *script, *config],
            env=dict(os.environ) | environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return call


def test_success_is_printed_by_one_rank_alone(run):
    done = run("def test_a(): assert MPI.COMM_WORLD.allreduce(1) == 2\n")
    assert done.returncode == 0
    assert done.stdout.count("1 passed") == 1


def test_failure_of_another_rank_fails_the_run(run):
    done = run("def test_a(): assert rank == 0, 'odd one out'\n")
    assert done.returncode != 0
    assert "rank 1" in done.stderr
    assert "odd one out" in done.stderr


def test_exception_before_a_collective_ends_the_run(run):
    body = """
def test_a():
    if rank == 1:
        raise RuntimeError('left early')
    MPI.COMM_WORLD.barrier()
"""
    done = run(body, RANK_PATIENCE_S="3")
    assert done.returncode != 0
    assert "left early" in done.stderr
    assert "did not follow within 3 s" in done.stderr


def test_breakdown_of_pytest_on_one_rank_ends_the_run(run):
    body = """
import gc

def test_a():
    gc.disable()
    if rank == 1:
        # Collected only when pytest ends, where the warning about it has become an error.
        loop = [open(__file__)]
        loop.append(loop)
"""
    done = run(body)
    assert done.returncode != 0
    assert "unclosed file" in done.stderr


def test_no_test_at_all_is_a_failure(run):
    assert run("").returncode != 0


def test_wrong_number_of_ranks_is_refused(run):
    done = run("def test_a(): pass\n", ranks=2, wanted=3)
    assert done.returncode != 0
    assert "communicator of 2 ranks, not 3" in done.stdout
