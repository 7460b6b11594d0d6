"""Builds the PETSc and petsc4py wheels from their locked sources.

The libraries in the wheels hold no path of the machine that built them: each looks for the others
by its own position in site-packages, for MPI in the mpich wheel (<environment>/lib) and for BLAS in
the scipy-openblas32 wheel.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from .blas import LIBRARY, build_shim
from .cache import SCALAR
from .commands import clean_environment, run, run_logged
from .errors import SetupError
from .headers import BuildPython
from .settings import Settings
from .uv import Uv

COMPILERS = ("cc", "gcc", "clang")

# Where a library in site-packages/<package>/lib finds libmpi, the BLAS wheel and PETSc.
TO_MPI = "$ORIGIN/../../../.."
TO_BLAS = "$ORIGIN/../../scipy_openblas32/lib"
TO_PETSC = "$ORIGIN/../../petsc/lib"


def require_tools(environ: dict[str, str]) -> str:
    """The C compiler, after checking that make and nm are there too.

    Raises:
        SetupError: Something is missing.
    """
    path = environ.get("PATH", "")
    wanted = (environ["CC"],) if environ.get("CC") else COMPILERS
    compiler = next((c for c in wanted if shutil.which(c, path=path)), None)
    missing = [tool for tool in ("make", "nm") if not shutil.which(tool, path=path)]
    remedies = (
        "Debian and Ubuntu: sudo apt install gcc libc6-dev make",
        "Cluster: load a compiler module, or the PETSc module (complex scalars, with petsc4py).",
        "Use an installed PETSc: make setup SMALLPOLARON_PETSC=/path/to/petsc",
    )
    if compiler is None:
        raise SetupError(
            "PETSc has to be built once, but there is no C compiler "
            f"(looked for {', '.join(wanted)} on PATH).",
            *remedies,
        )
    if missing:
        raise SetupError(
            f"PETSc has to be built once, but {' and '.join(missing)} cannot be found on PATH.",
            *remedies,
        )
    return compiler


@dataclass(frozen=True)
class Builder:
    """One build of the two wheels.

    Attributes:
        settings: What the caller asked for.
        uv: For the build environment.
        python: Interpreter and headers to compile for.
        compiler: C compiler.
        log: Where the output goes; kept after a failure.
    """

    settings: Settings
    uv: Uv
    python: BuildPython
    compiler: str
    log: Path

    def __call__(self, scratch: Path, wheels: Path) -> None:
        """Builds in `scratch` and leaves the wheels in `wheels`."""
        started = time.monotonic()

        def say(what: str) -> None:
            print(f"PETSc: {what} [{time.monotonic() - started:.0f} s]", flush=True)

        venv = scratch / "env"
        self.uv.make_venv(venv, self.python.interpreter)
        self.uv.sync(venv, ["petsc-build"], only=True)
        site = next((venv / "lib").glob("python3.*/site-packages"))
        env = self._environment(scratch, venv)
        openblas = site / "scipy_openblas32" / "lib"
        shim = build_shim(openblas, scratch / "blas", self.compiler, env)

        self._wheel("petsc", scratch, env | {"PETSC_CONFIGURE_OPTIONS": configure_options(shim)})
        say("library compiled")
        self.uv.install_wheels(venv, list((scratch / "raw").glob("petsc-*.whl")))
        # -O1 -g0: three times faster to compile; the bindings do no arithmetic of their own.
        flags = {"CFLAGS": "-O1 -g0", "PETSC4PY_BUILD_PYSABI": "cp311"}
        self._wheel("petsc4py", scratch, env | flags)
        say("Python bindings compiled")
        self._relocate(scratch, wheels, shim, env)

    def _environment(self, scratch: Path, venv: Path) -> dict[str, str]:
        (scratch / "tmp").mkdir()
        path = f"{venv / 'bin'}{os.pathsep}{self.settings.environ.get('PATH', '')}"
        env = clean_environment(
            self.settings.environ,
            PATH=path,
            TMPDIR=str(scratch / "tmp"),
            MPICC=str(venv / "bin" / "mpicc"),
            MPICH_CC=self.compiler,
        )
        # Only if needed: an empty CPATH would mean the working directory.
        if self.python.include:
            env["CPATH"] = os.pathsep.join(map(str, self.python.include))
        return env

    def _wheel(self, package: str, scratch: Path, env: dict[str, str]) -> None:
        """Builds one locked source distribution, whose hash pip checks."""
        requirement = scratch / f"{package}.txt"
        requirement.write_text(
            only_requirement(self.uv.export("petsc-source"), package), encoding="utf-8"
        )
        pip = str(scratch / "env" / "bin" / "python"), "-m", "pip"
        options = ("--no-deps", "--no-build-isolation", "--no-cache-dir", "--require-hashes")
        source = ("--no-binary", ":all:", "-r", str(requirement), "-w", str(scratch / "raw"))
        run_logged([*pip, "wheel", "-v", *options, *source], env, f"Building {package}", self.log)

    def _relocate(self, scratch: Path, wheels: Path, shim: Path, env: dict[str, str]) -> None:
        python = str(scratch / "env" / "bin" / "python")
        unpacked = scratch / "unpacked"
        for wheel in sorted((scratch / "raw").glob("*.whl")):
            unpack = [python, "-m", "wheel", "unpack", "-d", str(unpacked), str(wheel)]
            run(unpack, env, "Unpacking")
        for folder in sorted(unpacked.iterdir()):
            if folder.name.startswith("petsc-"):
                shutil.copy2(shim, folder / "petsc" / "lib" / LIBRARY)
            for library in shared_libraries(folder):
                set_search_path(library, env)
            run([python, "-m", "wheel", "pack", "-d", str(wheels), str(folder)], env, "Packing")


def configure_options(blas: Path, cores: int | None = None) -> str:
    """PETSc's configure line; no value may hold a blank, PETSc joins them unquoted."""
    n = cores or len(os.sched_getaffinity(0))
    return " ".join(
        (
            "--with-fc=0 --with-cxx=0 --with-x=0 --with-ssl=0 --with-debugging=0 COPTFLAGS=-O2",
            f"--with-scalar-type={SCALAR} --with-blaslapack-lib={blas}",
            # A limit on the load in name only: with PETSc's own, or any low one, a build on a busy
            # machine waits for the others to finish.
            f"--with-make-np={n} --with-make-load={100 * n}",
        )
    )


def only_requirement(exported: str, package: str) -> str:
    """Cuts one package with its hash lines out of an exported requirements list.

    Raises:
        SetupError: It is not there.
    """
    match = re.search(rf"^{re.escape(package)}==.*?(?=^\S|\Z)", exported, re.MULTILINE | re.DOTALL)
    if match is None:
        raise SetupError(f"uv.lock has no source of {package}.", "Restore it: git checkout uv.lock")
    return match[0]


def shared_libraries(folder: Path) -> list[Path]:
    """The real shared libraries below a folder."""
    return sorted(
        p
        for p in folder.rglob("*.so*")
        if p.is_file() and not p.is_symlink() and p.open("rb").read(4) == b"\x7fELF"
    )


def set_search_path(library: Path, env: dict[str, str]) -> None:
    """Makes a library find its companions by its position in site-packages."""
    run(["strip", "--strip-unneeded", str(library)], env, "Stripping")
    path = f"{TO_PETSC}:{TO_BLAS}:{TO_MPI}"
    run(["patchelf", "--set-rpath", path, str(library)], env, "Setting the search path")
