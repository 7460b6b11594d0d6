"""Makes .venv for one route: locked packages, PETSc, launcher and variables."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .cache import WheelCache
from .installed import Installed
from .interpreters import Interpreter
from .settings import Settings
from .uv import Uv

ENV_FILE = "smallpolaron-env"

COMMON = """\
# Written by `make setup`. To work in this shell:  . .venv/bin/activate
unset PETSC_DIR PETSC_ARCH PYTHONPATH PYTHONHOME
export PYTHONNOUSERSITE=1
# One thread per rank: the ranks are the parallelism.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
export OPENBLAS_NUM_THREADS="${OPENBLAS_NUM_THREADS:-1}"
export MKL_NUM_THREADS="${MKL_NUM_THREADS:-1}"
# glibc gives large arrays back at once: a rank's peak memory was 7 % lower on 9e5 labels.
export MALLOC_MMAP_THRESHOLD_="${MALLOC_MMAP_THRESHOLD_:-1048576}"
# Snakemake keeps a cache there; without it, it ends with a traceback before it reads any file.
if ! mkdir -p "${XDG_CACHE_HOME:-$HOME/.cache}" 2>/dev/null \\
    || ! [ -w "${XDG_CACHE_HOME:-$HOME/.cache}" ]; then
    echo "${XDG_CACHE_HOME:-$HOME/.cache} cannot be written, and snakemake cannot start without:" \\
        "set XDG_CACHE_HOME to a folder that can be written" >&2
fi
"""

OPEN_MPI = """\
# Open MPI refuses root (containers) and more ranks than cores (tests) unless told; 4 and 5 differ.
export OMPI_ALLOW_RUN_AS_ROOT=1
export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1
export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
"""


def make_with_wheels(settings: Settings, uv: Uv, python: Interpreter, cache: WheelCache) -> None:
    """An environment on the project's own PETSc wheels and the mpich wheel."""
    uv.make_venv(settings.venv, python)
    uv.sync(settings.venv, ["test", "numpy2", "petsc-runtime"])
    uv.install_wheels(settings.venv, cache.wheels())
    write_env_file(settings.venv, COMMON)


def make_without(settings: Settings, uv: Uv, python: Interpreter) -> None:
    """An environment without PETSc and MPI, in which every job is one process."""
    uv.make_venv(settings.venv, python)
    uv.sync(settings.venv, ["test", "numpy2"], parallel=False)
    write_env_file(settings.venv, COMMON)


def make_with_installed(settings: Settings, uv: Uv, found: Installed, numpy_group: str) -> None:
    """An environment that borrows petsc4py and mpiexec from an installed PETSc.

    Only the petsc4py package is borrowed, by a link; every other package is the locked one.
    """
    uv.make_venv(settings.venv, found.python)
    uv.sync(settings.venv, ["test", numpy_group])
    site = next((settings.venv / "lib").glob("python3.*/site-packages"))
    (site / "petsc4py").symlink_to(found.package, target_is_directory=True)
    launcher = settings.venv / "bin" / "mpiexec"
    launcher.write_text(f'#!/bin/sh\nexec {shlex.quote(found.mpiexec)} "$@"\n', encoding="utf-8")
    launcher.chmod(0o755)
    text = COMMON
    if found.libmpi is not None:
        text += "# The MPI library that petsc4py uses; mpi4py loads the same one.\n"
        text += f"export MPI4PY_LIBMPI={shlex.quote(str(found.libmpi))}\n"
    write_env_file(settings.venv, text + (OPEN_MPI if found.open_mpi else ""))


_COMPILE = ("-m", "compileall", "-qq", "-j0", "-x", "/tests?/")


def compile_sources(settings: Settings, *, packages: bool) -> None:
    """Compiles this project, and with `packages` what is installed, to byte code.

    Python that may not write beside its sources (PYTHONDONTWRITEBYTECODE, a shared or read-only
    installation) would compile them at every start: more than a second of every job.
    """
    site = next((settings.venv / "lib").glob("python3.*/site-packages"))
    python = str(settings.venv / "bin" / "python")
    work = [(settings.root, "src"), (settings.root, "papers"), *([(site, ".")] if packages else [])]
    for folder, name in work:
        # some packages hold templates that do not compile
        subprocess.run([python, *_COMPILE, name], cwd=folder, check=False)


def write_env_file(venv: Path, variables: str) -> None:
    """Writes the variables and has the activation script read them."""
    binaries = shlex.quote(str(venv / "bin"))
    path = f'export VIRTUAL_ENV={shlex.quote(str(venv))}\nexport PATH={binaries}:"$PATH"\n'
    (venv / ENV_FILE).write_text(variables + path, encoding="utf-8")
    with (venv / "bin" / "activate").open("a", encoding="utf-8") as script:
        script.write(f"\n. {shlex.quote(str(venv / ENV_FILE))}\n")


def variables_of(venv: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of a shell that has read the environment's file."""
    script = f". {shlex.quote(str(venv / ENV_FILE))} && env -0"
    done = subprocess.run(
        ["/bin/sh", "-c", script], env=dict(environ), capture_output=True, check=True
    )
    pairs = (entry.split("=", 1) for entry in os.fsdecode(done.stdout).split("\0") if "=" in entry)
    return {name: value for name, value in pairs}
