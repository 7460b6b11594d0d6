"""Runs under mpiexec in the new environment: one line of JSON per rank about what it got."""

import json
import re
import sys


def loaded_mpi_libraries() -> list[str]:
    """The MPI libraries in this process's memory map."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        paths = {line.split(maxsplit=5)[-1].strip() for line in maps if line.count("/")}
    # Not the C++ and Fortran layers on top of it (libmpi_cxx, libmpi_mpifh, libmpi_usempi…).
    name = r"/libmpi(ch)?(_(?!cxx|mpifh|usempi|java)\w+)?\.so[.\d]*$"
    return sorted(p for p in paths if re.search(name, p))


def main() -> None:
    """Sums a distributed complex vector and reports."""
    # mpi4py first: it finds the MPI library that petsc4py then uses.
    from mpi4py import MPI

    facts: dict[str, object] = {"size": MPI.COMM_WORLD.size, "rank": MPI.COMM_WORLD.rank}
    first_line = MPI.Get_library_version().splitlines()[0]
    facts["mpi"] = " ".join(first_line.replace("Version:", "").split(",")[0].split())
    import petsc4py

    petsc4py.init(sys.argv[:1])
    import numpy as np
    from petsc4py import PETSc

    facts["petsc_size"] = PETSc.COMM_WORLD.size
    facts["petsc"] = ".".join(map(str, PETSc.Sys.getVersion()))
    facts["scalar"] = np.dtype(PETSc.ScalarType).name
    facts["libraries"] = loaded_mpi_libraries()
    if np.dtype(PETSc.ScalarType).kind == "c":
        vector = PETSc.Vec().createMPI(10, comm=PETSc.COMM_WORLD)
        vector.set(1 + 2j)
        total = vector.sum()
        facts["sum_ok"] = bool(abs(total - (10 + 20j)) < 1e-12)
    # One write per rank, so that lines of different ranks stay whole.
    sys.stdout.write("PROBE " + json.dumps(facts) + "\n")
    sys.stdout.flush()


main()
