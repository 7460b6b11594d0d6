"""Loading the libraries that every job needs, and nothing else."""


def load() -> dict[str, str]:
    """Import NumPy, Numba, mpi4py and petsc4py.

    Returns:
        Their versions.
    """
    import mpi4py.MPI
    import numba
    import numpy as np
    import petsc4py.PETSc

    return {module.__name__: module.__version__ for module in (np, numba, mpi4py, petsc4py)}
