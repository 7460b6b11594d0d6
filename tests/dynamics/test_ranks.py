"""The number of ranks that a job was given, and what it says on the way."""

import pytest
from mpi4py import MPI

from smallpolaron.dynamics.progress import Progress
from smallpolaron.parallel import ParallelSetupError
from smallpolaron.parallel.checks import require_ranks


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
