"""Checks on the parallel environment, made before any work starts."""

import numpy as np

from smallpolaron.parallel import EMBEDDED, MPI, ParallelSetupError, PETSc


def require_ranks(expected: int, comm: MPI.Intracomm = MPI.COMM_WORLD) -> None:
    """Stop unless the communicator has the ranks that the job was given.

    A launcher of another MPI starts independent single processes that would each compute (and
    write) the whole job; that must never pass as a parallel run. The embedded engine has
    one rank whatever was asked for.

    Args:
        expected: number of ranks the job was started with.
        comm: the communicator.

    Raises:
        ParallelSetupError: the numbers differ.
    """
    if comm.size != expected and not EMBEDDED:
        raise ParallelSetupError(
            f"the job was given {expected} MPI ranks but the communicator has {comm.size}. "
            f"The launcher does not belong to this MPI library "
            f"({MPI.Get_library_version().splitlines()[0].strip()}). Start it with that library's "
            "own mpiexec, or under Slurm with 'srun --mpi=pmi2' (MPICH, Intel MPI) or "
            "'srun --mpi=pmix' (Open MPI)."
        )


def require_complex_petsc() -> None:
    """Stop unless PETSc was built with complex scalars.

    Raises:
        ParallelSetupError: PETSc is real.
    """
    if not np.issubdtype(PETSc.ScalarType, np.complexfloating):
        raise ParallelSetupError(
            "this PETSc was built with real scalars; density matrices are complex. "
            "Install a complex build (Debian: python3-petsc4py-complex; conda: 'petsc=*=complex*') "
            "or let the project build its own (SMALLPOLARON_PETSC=build make setup)."
        )
