"""Finds a PETSc with petsc4py that is already on this machine.

Looked at, in this order: the folder in SMALLPOLARON_PETSC; PETSC_DIR (and PETSC_ARCH), as modules
set it; the active conda environment; Debian's packages.
"""

from __future__ import annotations

import glob
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import RouteError
from .interpreters import Interpreter
from .settings import KEYWORDS, Settings

DEBIAN = "/usr/lib/petscdir"
MPI_FAMILIES = {"libmpi.so.12": "mpich", "libmpi.so.40": "openmpi"}


@dataclass(frozen=True)
class Installed:
    """A PETSc on this machine, as far as files tell.

    Attributes:
        origin: How it was found, for messages.
        folder: Its PETSC_DIR.
        package: Its petsc4py package folder.
        python: The interpreter that can import it.
        scalar: "complex", "real" or "unknown".
        libmpi: The MPI library it loads, or None if that is not known.
        mpiexec: The launcher of that MPI library.
    """

    origin: str
    folder: Path
    package: Path
    python: Interpreter
    scalar: str
    libmpi: Path | None
    mpiexec: str

    @property
    def open_mpi(self) -> bool:
        """Whether its MPI library is Open MPI."""
        return self.libmpi is not None and mpi_family(self.libmpi) == "openmpi"


def places(settings: Settings) -> Iterator[tuple[str, Path, str]]:
    """Folders worth a look: how found, PETSC_DIR, PETSC_ARCH."""
    env = settings.environ
    arch = env.get("PETSC_ARCH", "")
    if settings.petsc not in KEYWORDS:
        yield "SMALLPOLARON_PETSC", Path(settings.petsc), arch
        return
    if env.get("PETSC_DIR"):
        yield "PETSC_DIR", Path(env["PETSC_DIR"]), arch
    if env.get("CONDA_PREFIX"):
        yield "the active conda environment", Path(env["CONDA_PREFIX"]), ""
    for folder in sorted(glob.glob(f"{DEBIAN}/petsc*/*-complex"), reverse=True):
        yield "Debian's packages", Path(folder), ""


def examine(
    origin: str, folder: Path, arch: str, pythons: tuple[Interpreter, ...], env: Mapping[str, str]
) -> Installed:
    """Checks by its files whether one PETSc can be used.

    Raises:
        RouteError: It cannot; the message says why.
    """
    where = f"PETSc at {folder} (from {origin})"
    extensions = sorted(_extensions(folder, arch, env))
    if not extensions:
        raise RouteError(
            f"{where} has no petsc4py.",
            "Configure that PETSc with --with-petsc4py=1, or load the petsc4py module too.",
            "Let the project use its own PETSc: make setup SMALLPOLARON_PETSC=wheel",
        )
    match = next(((p, e) for p in pythons for e in extensions if p.loads(e)), None)
    if match is None:
        raise RouteError(
            f"{where} has petsc4py for another Python: {extensions[0].name}; "
            f"tried {', '.join(p.label for p in pythons)}.",
            "Name the Python it was made for: make setup PYTHON=/path/to/python3",
        )
    python, extension = match
    linked = _linked(extension)
    scalar = scalar_type(folder, arch, linked)
    if scalar == "real":
        raise real_valued(where)
    libmpi = next((path for name, path in linked.items() if name.startswith("libmpi.")), None)
    mpiexec = find_mpiexec(libmpi, folder, env)
    if mpiexec is None:
        raise RouteError(
            f"{where} uses {libmpi or 'an unknown MPI'}, but its mpiexec cannot be found.",
            "Debian and Ubuntu: sudo apt install openmpi-bin",
            "Put the mpiexec of that MPI library first on PATH.",
        )
    package = next(p for p in extension.parents if p.name == "petsc4py")
    return Installed(origin, folder, package, python, scalar, libmpi, mpiexec)


def real_valued(where: str) -> RouteError:
    """The message for a PETSc whose scalars are real."""
    return RouteError(
        f"{where} has real scalars; smallpolaron needs complex ones.",
        "Debian and Ubuntu: sudo apt install python3-petsc4py-complex openmpi-bin",
        'conda: conda install "petsc=*=complex*" petsc4py',
        "Modules: load the variant configured with --with-scalar-type=complex.",
        "Let the project use its own PETSc: make setup SMALLPOLARON_PETSC=wheel",
    )


def scalar_type(folder: Path, arch: str, linked: Mapping[str, Path]) -> str:
    """Reads PETSc's own notes, or the names Debian gives its libraries."""
    for base in (folder / arch, folder):
        notes = base / "lib" / "petsc" / "conf" / "petscvariables"
        if notes.is_file():
            text = notes.read_text(encoding="utf-8", errors="replace")
            found = re.search(r"^PETSC_SCALAR\s*=\s*(\w+)", text, re.MULTILINE)
            if found:
                return found[1]
    for name in linked:
        found = re.match(r"libpetsc_(complex|real)", name)
        if found:
            return found[1]
    return "unknown"


def mpi_family(libmpi: Path) -> str:
    """Family (mpich or openmpi) from the version in the library's name; else unknown."""
    names = (libmpi.name, libmpi.resolve().name)
    known = (kind for name in names for so, kind in MPI_FAMILIES.items() if name.startswith(so))
    return next(known, "unknown")


def find_mpiexec(libmpi: Path | None, folder: Path, env: Mapping[str, str]) -> str | None:
    """The launcher that most likely belongs to an MPI library; a run with two ranks checks it."""
    path = env.get("PATH", "")
    tries: list[str | None] = []
    if libmpi is not None:
        beside = [str(p / "bin" / "mpiexec") for p in libmpi.parents[1:3]]
        family = mpi_family(libmpi)
        tries += [shutil.which(f"mpiexec.{family}", path=path), *map(shutil.which, beside)]
    tries += [shutil.which(str(folder / "bin" / "mpiexec")), shutil.which("mpiexec", path=path)]
    return next((t for t in tries if t), None)


def _extensions(folder: Path, arch: str, env: Mapping[str, str]) -> Iterator[Path]:
    """petsc4py's compiled modules below a PETSC_DIR or beside it on PYTHONPATH."""
    packages = [folder / arch / "lib" / "petsc4py", folder / "lib" / "petsc4py"]
    packages += folder.glob("lib/python3*/*-packages/petsc4py")
    if not arch:
        packages += folder.glob("*/lib/petsc4py")
    packages += [Path(p) / "petsc4py" for p in env.get("PYTHONPATH", "").split(":") if p]
    for package in packages:
        yield from (package / "lib").glob("PETSc*.so")
        yield from (package / "lib").glob(f"{arch or '*'}/PETSc*.so")


def _linked(extension: Path) -> dict[str, Path]:
    """The shared libraries that a module loads, by name."""
    try:
        done = subprocess.run(["ldd", str(extension)], capture_output=True, text=True, check=False)
    except OSError:
        return {}
    pairs = re.findall(r"^\s*(\S+) => (/\S+)", done.stdout, re.MULTILINE)
    return {name: Path(path) for name, path in pairs}
