"""The embedded engine against MPI and PETSc."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from smallpolaron.launch import ParallelSetupError
from smallpolaron.parallel import EMBEDDED, _embedded, checks, serial_mpi, serial_petsc

HERE = Path(__file__).parent


def run_cases(*arguments: str, **environment: str) -> dict:
    done = subprocess.run(
        [sys.executable, str(HERE / "engine_cases.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.process
@pytest.mark.slow
def test_without_mpi_and_petsc_the_numbers_are_the_same():
    alone, parallel = run_cases("embedded"), run_cases(SMALLPOLARON_ENGINE="parallel")
    assert (alone["embedded"], parallel["embedded"]) == (True, False)
    assert alone["cases"].keys() == parallel["cases"].keys()
    for name, numbers in alone["cases"].items():
        expected = np.array(parallel["cases"][name])
        # the solver tolerance is 1e-4 of the solution here
        scale = 1e-3 if "GMRES" in name else 1e-9
        np.testing.assert_allclose(
            numbers, expected, rtol=scale, atol=scale * np.max(np.abs(expected)), err_msg=name
        )


def wide_problem(n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    noise = random.normal(size=(n, n)) + 1j * random.normal(size=(n, n))
    return np.diag(np.linspace(1, 30, n) * (1 - 0.3j)) + 0.1 * noise, random.normal(size=n) + 0j


class Dense:
    def __init__(self, matrix: np.ndarray) -> None:
        self.matrix, self.calls = matrix, 0

    def mult(self, _matrix, x, y):
        self.calls += 1
        y.array_w[:] = self.matrix @ x.array_r


class Diagonal:
    def __init__(self, matrix: np.ndarray) -> None:
        self.inverse = 1 / np.diag(matrix)

    def apply(self, _pc, x, y):
        y.array_w[:] = self.inverse * x.array_r


def solver_of(matrix: np.ndarray, restart: int, most: int) -> tuple[serial_petsc.KSP, Dense]:
    shell = Dense(matrix)
    n = len(matrix)
    solver = serial_petsc.KSP().create()
    solver.setOperators(serial_petsc.Mat().createPython(((n, n), (n, n)), context=shell))
    solver.setType("gmres")
    solver.setPCSide(serial_petsc.PC.Side.RIGHT)
    solver.setGMRESRestart(restart)
    solver.getPC().setType("python")
    solver.getPC().setPythonContext(Diagonal(matrix))
    solver.setInitialGuessNonzero(True)
    solver.setTolerances(rtol=1e-16, atol=1e-8, max_it=most)
    return solver, shell


@pytest.mark.parametrize("restart", [5, 60])
def test_gmres_solves_from_a_guess_and_reports_its_residual(restart):
    matrix, right = wide_problem()
    solver, shell = solver_of(matrix, restart, 1000)
    seen = []
    solver.setMonitor(lambda _solver, iteration, residual: seen.append((iteration, residual)))
    b, x = serial_petsc.Vec()._of(right), serial_petsc.Vec()._of(np.full(60, 0.1 + 0j))
    solver.solve(b, x)
    residual = np.linalg.norm(matrix @ x.array_r - right)
    assert solver.reason > 0
    assert residual <= 1e-8
    assert solver.norm == pytest.approx(residual, rel=1e-3, abs=1e-14)
    assert [i for i, _ in seen] == list(range(1, solver.its + 1))
    assert shell.calls >= solver.its


def test_gmres_says_when_it_fails():
    matrix, right = wide_problem()
    solver, _ = solver_of(matrix, 3, 6)
    x = serial_petsc.Vec()._of(np.zeros(60, complex))
    solver.solve(serial_petsc.Vec()._of(right), x)
    assert solver.reason < 0
    assert solver.norm > 1e-8


def test_an_interruption_passes_through_the_solver():
    class Stop(RuntimeError):
        pass

    def stop(_solver, iteration, _residual):
        if iteration == 4:
            raise Stop

    matrix, right = wide_problem()
    solver, _ = solver_of(matrix, 30, 1000)
    solver.setMonitor(stop)
    with pytest.raises(Stop):
        solver.solve(serial_petsc.Vec()._of(right), serial_petsc.Vec()._of(np.zeros(60, complex)))


@pytest.mark.parametrize(
    ("wanted", "variables"),
    [
        ("petsc", {}),
        ("embedded", {"PMI_SIZE": "2"}),
        ("embedded", {"OMPI_COMM_WORLD_SIZE": "8"}),
        ("embedded", {"SLURM_STEP_NUM_TASKS": "4"}),
    ],
)
def test_what_cannot_run_is_refused(monkeypatch, wanted, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ParallelSetupError, match=next(iter(variables), "SMALLPOLARON_ENGINE")):
        _embedded(wanted)


def test_the_embedded_engine_has_one_rank_whatever_a_job_was_given(monkeypatch):
    monkeypatch.setattr(checks, "EMBEDDED", True)
    checks.require_ranks(4, serial_mpi.COMM_WORLD)
    if not EMBEDDED:
        monkeypatch.setattr(checks, "EMBEDDED", False)
        with pytest.raises(ParallelSetupError):
            checks.require_ranks(4)
