"""BLAS and LAPACK for the project's PETSc, from the scipy-openblas32 package.

That library carries the prefix scipy_ on every name. A small library of jumps gives PETSc's
configure the plain names (dgemm_ …), so that no BLAS is needed on the machine.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from .commands import run
from .errors import SetupError

LIBRARY = "libsmallpolaron_blas.so"
JUMPS = {"x86_64": "jmp scipy_{}@PLT", "aarch64": "b scipy_{}"}


def build_shim(
    openblas: Path, folder: Path, compiler: str, env: Mapping[str, str], machine: str | None = None
) -> Path:
    """Builds the library of jumps.

    Args:
        openblas: Folder of libscipy_openblas.so.
        folder: Where the library goes.
        compiler: C compiler.
        env: Variables for the compiler.
        machine: Architecture, that of this machine by default.

    Returns:
        The library.

    Raises:
        SetupError: Unknown architecture, no nm, or the compiler fails.
    """
    machine = machine or os.uname().machine
    if machine not in JUMPS:
        raise SetupError(
            f"The project builds PETSc on {' and '.join(JUMPS)} only; this is {machine}.",
            "Use an installed PETSc: make setup SMALLPOLARON_PETSC=/path/to/petsc",
        )
    listing = run(
        ["nm", "-D", "--defined-only", str(openblas / "libscipy_openblas.so")],
        env,
        "Listing the BLAS symbols with nm",
    )
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "jumps.S"
    source.write_text(_assembly(exported(listing), JUMPS[machine]), encoding="utf-8")
    library = folder / LIBRARY
    link = [f"-L{openblas}", "-lscipy_openblas", f"-Wl,-rpath,{openblas}", f"-Wl,-soname,{LIBRARY}"]
    run([compiler, "-shared", "-fPIC", "-o", str(library), str(source), *link], env, "Linking BLAS")
    return library


def exported(listing: str) -> list[str]:
    """The plain Fortran names behind the prefixed ones in the output of nm."""
    return sorted(set(re.findall(r" T scipy_([a-z0-9]+_)$", listing, re.MULTILINE)))


def _assembly(names: list[str], jump: str) -> str:
    lines = [".text"]
    for name in names:
        lines += [f".globl {name}", f".type {name},%function", f"{name}: {jump.format(name)}"]
        lines += [f".size {name},.-{name}"]
    lines.append('.section .note.GNU-stack,"",%progbits')
    return "\n".join(lines) + "\n"
