"""Running other programs without the caller's compiler and Python settings leaking in."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from .errors import SetupError

# Each of these changes what pip, uv, make or PETSc's configure do.
LEAKY = (
    "CC",
    "CFLAGS",
    "CONDA_PREFIX",
    "CPPFLAGS",
    "CXX",
    "CXXFLAGS",
    "FC",
    "FFLAGS",
    "LDFLAGS",
    "MAKEFLAGS",
    "MAKELEVEL",
    "MFLAGS",
    "MPICC",
    "PETSC_ARCH",
    "PETSC_DIR",
    "PYTHONHOME",
    "PYTHONPATH",
    "UV_PROJECT_ENVIRONMENT",
    "UV_SYSTEM_PYTHON",
    "VIRTUAL_ENV",
)


def clean_environment(env: Mapping[str, str], **extra: str) -> dict[str, str]:
    """A copy of the variables without those in `LEAKY`, with `extra` added."""
    return {k: v for k, v in env.items() if k not in LEAKY} | extra


def run(
    command: Sequence[str], env: Mapping[str, str], what: str, *, cwd: Path | None = None
) -> str:
    """Runs a command and returns its standard output.

    Raises:
        SetupError: It fails; the message holds the end of what it printed.
    """
    done = subprocess.run(
        command, env=dict(env), cwd=cwd, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SetupError(f"{what} failed ({' '.join(command[:3])} …):\n{tail(done.stderr)}")
    return done.stdout


def run_logged(
    command: Sequence[str], env: Mapping[str, str], what: str, log: Path, *, cwd: Path | None = None
) -> None:
    """Runs a long command with all its output appended to a log file.

    Raises:
        SetupError: It fails; the message holds the end of the log.
    """
    with log.open("a", encoding="utf-8") as stream:
        stream.write(f"\n$ {' '.join(command)}\n")
        stream.flush()
        done = subprocess.run(
            command, env=dict(env), cwd=cwd, stdout=stream, stderr=stream, check=False
        )
    if done.returncode != 0:
        text = log.read_text(encoding="utf-8", errors="replace")
        raise SetupError(f"{what} failed. End of the log:\n{tail(text)}")


def tail(text: str, lines: int = 25) -> str:
    """The last lines of a text, indented."""
    return "\n".join(f"    {line}" for line in text.rstrip().splitlines()[-lines:])
