"""The same numbers for any number of ranks: all ranks together against each one alone."""

import numpy as np
import pytest
from mpi4py import MPI

from smallpolaron.dynamics.comm import require_ranks
from smallpolaron.dynamics.correlation import compute_correlation
from smallpolaron.dynamics.evolve import PropagationSettings
from smallpolaron.dynamics.population import compute_population
from smallpolaron.dynamics.progress import Progress
from smallpolaron.hierarchy.truncation import Truncation
from smallpolaron.model.bath import DebyeBath
from smallpolaron.model.decomposition import expand
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.units import CM_TO_RAD_FS
from smallpolaron.parallel import ParallelSetupError

CM = CM_TO_RAD_FS
EXPANSION = expand(DebyeBath(150 * CM, 80 * CM), 300.0, "pade", 1)
RULE = Truncation(5, weights=(1.0, 2.0))
SETTINGS = PropagationSettings(150.0, 3.0, 1e-8, 1e-7)
RING = HolsteinModel(4, "ring", 50 * CM)
CHAIN = HolsteinModel(4, "chain", (50 * CM, -20 * CM, 80 * CM), (0.0, 60 * CM, -35 * CM, 10 * CM))


def silent(_line):
    pass


def agree(together, alone):
    for name in ("time_fs", "C_JJ", "dC_JJ", "d2C_JJ"):
        ours, theirs = getattr(together, name), getattr(alone, name)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-10 * np.abs(theirs).max())


@pytest.mark.mpi
@pytest.mark.parametrize("model", [RING, CHAIN], ids=["ring", "chain"])
def test_correlation(model):
    together, alone = (
        compute_correlation(model, EXPANSION, RULE, settings=SETTINGS, comm=comm, report=silent)
        for comm in (MPI.COMM_WORLD, MPI.COMM_SELF)
    )
    agree(together, alone)
    assert together.n_unknowns == alone.n_unknowns
    assert together.n_nonzeros == alone.n_nonzeros
    np.testing.assert_allclose(
        together.equilibrium.density_matrix, alone.equilibrium.density_matrix, atol=1e-12
    )
    assert together.flux_stiffness == pytest.approx(alone.flux_stiffness, rel=1e-9)
    np.testing.assert_allclose(
        together.trajectory.frontier_weight, alone.trajectory.frontier_weight, atol=1e-10
    )


@pytest.mark.mpi
def test_population():
    together, alone = (
        compute_population(
            CHAIN,
            EXPANSION,
            RULE,
            start="marcus",
            site=2,
            settings=SETTINGS,
            comm=comm,
            report=silent,
        )
        for comm in (MPI.COMM_WORLD, MPI.COMM_SELF)
    )
    for name in ("populations", "dpopulations", "d2populations", "density_matrix_final"):
        np.testing.assert_allclose(
            getattr(together, name), getattr(alone, name), rtol=0, atol=1e-10
        )


@pytest.mark.mpi
def test_every_rank_gets_the_whole_result():
    result = compute_correlation(RING, EXPANSION, RULE, settings=SETTINGS, report=silent)
    everywhere = MPI.COMM_WORLD.allgather(result.C_JJ)
    for c in everywhere:
        np.testing.assert_array_equal(c, everywhere[0])


@pytest.mark.mpi
def test_wrong_number_of_ranks_is_refused():
    require_ranks(MPI.COMM_WORLD.size)
    with pytest.raises(ParallelSetupError, match="mpiexec"):
        require_ranks(MPI.COMM_WORLD.size + 1)


def test_progress_speaks_of_rate_and_time_left():
    lines = []
    progress = Progress("run", 100.0, MPI.COMM_SELF, lines.append, interval_s=0.0)
    progress.at(25.0)
    progress.done(100.0, 12)
    assert "25.0 of 100.0 fs" in lines[0]
    assert "s left" in lines[0]
    assert "core-seconds" in lines[1]
