"""The environment that the set-up made, on whatever number of ranks this runs."""

import os

import numpy as np
import pytest
from mpi4py import MPI

pytestmark = pytest.mark.mpi


def test_petsc_and_mpi4py_share_one_communicator_and_complex_scalars():
    from petsc4py import PETSc

    assert PETSc.COMM_WORLD.size == MPI.COMM_WORLD.size
    assert np.dtype(PETSc.ScalarType) == np.complex128
    vector = PETSc.Vec().createMPI(7, comm=PETSc.COMM_WORLD)
    low, high = vector.getOwnershipRange()
    vector.array = 1j * np.arange(low, high)
    assert vector.sum() == 21j
    vector.destroy()


def test_petsc_communicator_is_usable_from_mpi4py():
    from petsc4py import PETSc

    comm = PETSc.COMM_WORLD.tompi4py()
    assert comm.allreduce(1) == MPI.COMM_WORLD.size


def test_each_rank_uses_one_thread():
    assert os.environ["OMP_NUM_THREADS"] == "1"
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
