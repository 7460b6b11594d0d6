"""Finds the C headers of a Python for compiling petsc4py, without root.

A Python without its headers is the usual state of a fresh Debian or Ubuntu. The package that has
them can be downloaded and unpacked by any user; elsewhere uv fetches a Python that has its own.
The compiled bindings fit every Python from 3.11 on, so they need not be built by the one that
later uses them.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import SetupError
from .interpreters import Interpreter, inspect
from .uv import Uv

FALLBACK_PYTHON = "3.12"


@dataclass(frozen=True)
class BuildPython:
    """An interpreter to compile for.

    Attributes:
        interpreter: The Python that runs the build.
        include: Folders with its headers that the compiler has to be told about.
    """

    interpreter: Interpreter
    include: tuple[Path, ...] = ()


def find_build_python(
    pythons: Sequence[Interpreter], uv: Uv, cache: Path, environ: Mapping[str, str]
) -> BuildPython:
    """The first interpreter that has its headers, else one whose headers can be fetched.

    Raises:
        SetupError: No headers here, and none could be fetched.
    """
    for python in pythons:
        if python.headers:
            return BuildPython(python)
    first = pythons[0]
    print(f"PETSc: {first.label} has no header Python.h; fetching it for the build", flush=True)
    include = _debian_headers(first, cache / "python-headers", environ)
    if include:
        return BuildPython(first, include)
    downloaded = _downloaded_python(uv, cache / "python")
    if downloaded is not None:
        return BuildPython(downloaded)
    major, minor = first.version
    raise SetupError(
        f"petsc4py has to be built once, but {first.label} has no header Python.h, "
        "and it could not be downloaded.",
        f"Debian and Ubuntu: sudo apt install python{major}.{minor}-dev",
        f"Fedora and relatives: sudo dnf install python{major}.{minor}-devel",
        "Name a Python that has it: make setup PYTHON=/path/to/python3.12",
    )


def _debian_headers(
    python: Interpreter, folder: Path, environ: Mapping[str, str]
) -> tuple[Path, ...]:
    """Unpacks Debian's package with the headers of the system's Python; nothing if that fails."""
    path = environ.get("PATH", "")
    apt, dpkg = shutil.which("apt-get", path=path), shutil.which("dpkg-deb", path=path)
    if not (apt and dpkg and python.path.startswith("/usr/bin/")):
        return ()
    name = "python{}.{}".format(*python.version)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    commands = ([apt, "-qq", "download", f"lib{name}-dev"], [dpkg, "-x"])
    if not _succeeds(commands[0], folder, environ):
        return ()
    packages = [str(p) for p in folder.glob("*.deb")]
    if len(packages) != 1 or not _succeeds([*commands[1], packages[0], "."], folder, environ):
        return ()
    include = folder / "usr" / "include"
    return (include / name, include) if (include / name / "Python.h").is_file() else ()


def _downloaded_python(uv: Uv, folder: Path) -> Interpreter | None:
    try:
        found = inspect(uv.install_python(folder, FALLBACK_PYTHON))
    except SetupError:
        return None
    return found if found is not None and found.headers else None


def _succeeds(command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> bool:
    done = subprocess.run(
        command, cwd=folder, env=dict(environ), capture_output=True, timeout=300, check=False
    )
    return done.returncode == 0
