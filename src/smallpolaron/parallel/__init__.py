"""MPI and PETSc, or, in one process that lacks them, the embedded engine: NumPy and SciPy alone.

Every module that communicates takes ``MPI`` and ``PETSc`` from here. Both stacks give the same
numbers within the tolerance of the linear solvers; everything else is the same arithmetic.

``SMALLPOLARON_ENGINE`` chooses: ``auto`` (the parallel stack where mpi4py and petsc4py can be
imported), ``embedded`` or ``parallel``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from smallpolaron.launch import ENGINE, HOW_TO_GET_PARALLEL, ParallelSetupError

CHOICES: Final = ("auto", "embedded", "parallel")

_SIZES: Final = (
    "OMPI_COMM_WORLD_SIZE",
    "PMI_SIZE",
    "MV2_COMM_WORLD_SIZE",
    "SLURM_STEP_NUM_TASKS",
)
"""Variables in which launchers tell a process how many ranks they have started."""


def _embedded(wanted: str) -> bool:
    """Whether this process runs without MPI and PETSc.

    Raises:
        ParallelSetupError: an unknown choice; several ranks that cannot talk to each other; the
            parallel stack was asked for and is not there.
    """
    if wanted not in CHOICES:
        raise ParallelSetupError(
            f"{ENGINE} = {wanted!r}; allowed: {', '.join(CHOICES)}; unset it for auto"
        )
    missing: Exception | None = None
    if wanted != "embedded":
        try:
            import mpi4py.MPI  # noqa: F401 - before petsc4py: it finds the library both must share
            import petsc4py.PETSc  # noqa: F401
        except (ImportError, RuntimeError) as error:  # mpi4py finds no MPI library
            missing = error
        else:
            return False
    if wanted == "parallel":
        raise ParallelSetupError(
            f"{ENGINE} = parallel, but {missing}; {HOW_TO_GET_PARALLEL}"
        ) from missing
    for name in _SIZES:
        if os.environ.get(name, "1") not in ("", "1"):
            why = f"{ENGINE} is embedded" if missing is None else str(missing)
            raise ParallelSetupError(
                f"{name} = {os.environ[name]}: a launcher started several ranks, but without MPI "
                f"and PETSc each would compute the whole ({why}); start one rank, or: "
                f"{HOW_TO_GET_PARALLEL}"
            )
    return True


EMBEDDED: Final = _embedded(os.environ.get(ENGINE, "auto"))
"""Whether this process runs without MPI and PETSc."""

if TYPE_CHECKING or not EMBEDDED:
    from mpi4py import MPI

    from petsc4py import PETSc  # isort: skip
else:
    from smallpolaron.parallel import serial_mpi as MPI
    from smallpolaron.parallel import serial_petsc as PETSc

__all__ = ["CHOICES", "EMBEDDED", "MPI", "PETSc", "ParallelSetupError"]
