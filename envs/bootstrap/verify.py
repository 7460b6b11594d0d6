"""Checks a finished environment: two ranks, one communicator, complex scalars."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .commands import tail
from .errors import RouteError
from .installed import real_valued

RANKS = 2
TIMEOUT_S = 180
NUMPY_1_SIGNS = ("numpy.dtype size changed", "_ARRAY_API not found", "compiled using NumPy 1.x")


class NumpyTooNewError(RouteError):
    """The installed petsc4py was compiled against NumPy 1."""


@dataclass(frozen=True)
class Verified:
    """What the ranks reported."""

    petsc: str
    mpi: str


def verify(environment: Mapping[str, str], python: Path, what: str) -> Verified:
    """Runs the probe on two ranks.

    Args:
        environment: The variables a user of the environment has; mpiexec is taken from PATH.
        python: The environment's interpreter.
        what: The PETSc that is checked, for messages.

    Raises:
        RouteError: It does not do what it must.
        NumpyTooNewError: It would, with NumPy 1.
    """
    probe = Path(__file__).with_name("probe.py")
    command = ["mpiexec", "-n", str(RANKS), str(python), str(probe)]
    code, out, err = _run(command, environment)
    return interpret(code, out, err, what)


def interpret(code: int, out: str, err: str, what: str) -> Verified:
    """Judges the output of the probe; see `verify`."""
    if any(sign in err for sign in NUMPY_1_SIGNS):
        raise NumpyTooNewError(f"{what}: petsc4py needs NumPy 1.")
    ranks = [json.loads(line[6:]) for line in out.splitlines() if line.startswith("PROBE ")]
    if ranks and any(r["scalar"] != "complex128" for r in ranks):
        raise real_valued(what)
    if ranks:
        _check_mpi(ranks, what)
    if code != 0 or len(ranks) != RANKS or not all(r.get("sum_ok") for r in ranks):
        raise RouteError(
            f"{what}: the check on {RANKS} ranks failed (exit code {code}):\n{tail(err or out)}",
            "Try the project's own PETSc: make setup SMALLPOLARON_PETSC=wheel",
            "If that is what failed, build it anew: make setup SMALLPOLARON_PETSC=build",
        )
    return Verified(petsc=ranks[0]["petsc"], mpi=ranks[0]["mpi"])


def _check_mpi(ranks: list[dict[str, Any]], what: str) -> None:
    libraries = {os.path.realpath(p) for r in ranks for p in r["libraries"]}
    remedies = (
        "Unload MPI modules that PETSc was not built with, and run make setup again.",
        "Use the project's own PETSc and MPI: make setup SMALLPOLARON_PETSC=wheel",
    )
    if len(libraries) > 1 or any(r["size"] != r["petsc_size"] for r in ranks):
        raise RouteError(
            f"{what}: mpi4py and petsc4py use different MPI libraries "
            f"({', '.join(sorted(libraries))}).",
            *remedies,
        )
    if any(r["size"] != RANKS for r in ranks):
        sizes = sorted({r["size"] for r in ranks})
        raise RouteError(
            f"{what}: mpiexec -n {RANKS} started ranks that do not see each other "
            f"(COMM_WORLD.size is {sizes[0]}, not {RANKS}): mpiexec belongs to another MPI than "
            f"{', '.join(sorted(libraries)) or 'the one of petsc4py'}.",
            "Put the mpiexec of that MPI library first on PATH.",
            *remedies,
        )


def _run(command: list[str], environment: Mapping[str, str]) -> tuple[int, str, str]:
    """Runs in a process group of its own, so that a hang takes its ranks with it."""
    path = environment.get("PATH", "")
    try:
        process = subprocess.Popen(
            ["/usr/bin/env", f"PATH={path}", *command],
            env=dict(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    except OSError as error:
        return 127, "", str(error)
    try:
        out, err = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        return 124, out, f"{err}\nno answer within {TIMEOUT_S} s"
    return process.returncode, out, err
