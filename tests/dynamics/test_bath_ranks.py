"""With conjugate rates, too, the adaptive engine gives the same numbers on any number of ranks."""

import numpy as np
import pytest
from mpi4py import MPI

from tests.dynamics.agreement import agree, same_course
from tests.dynamics.bath_cases import BOTH_TERMS, VIBRATION_TERMS
from tests.dynamics.cases import CHAIN, correlate, populate, ring

pytestmark = pytest.mark.mpi

WORLD, ALONE = MPI.COMM_WORLD, MPI.COMM_SELF

CORRELATIONS = {
    "ring": (ring(4), {}),
    "infinite ring": (ring(5), {"infinite": True}),
    "real part only": (ring(4), {"real_part_only": True}),
    "chain": (CHAIN, {"real_part_only": True}),
}


@pytest.mark.parametrize("name", CORRELATIONS)
def test_correlation(name):
    model, more = CORRELATIONS[name]
    together, alone = (
        correlate(model, 5e-3, 40.0, VIBRATION_TERMS, comm=comm, **more) for comm in (WORLD, ALONE)
    )
    agree(together, alone, ("C_JJ", "d2C_JJ", "D_time", "D_resolvent", "hopping_energy"))
    same_course(together.record, alone.record)
    np.testing.assert_allclose(together.density_matrix, alone.density_matrix, atol=1e-12)


@pytest.mark.parametrize("start", ["franck_condon", "marcus"])
@pytest.mark.parametrize("symmetry", ["auto", "momentum"])
def test_population(start, symmetry):
    together, alone = (
        populate(ring(4), start, 1, 5e-3, 40.0, BOTH_TERMS, comm=comm, symmetry=symmetry)
        for comm in (WORLD, ALONE)
    )
    agree(together, alone, ("populations", "d2populations", "density_matrix_final"))
    same_course(together.record, alone.record)
