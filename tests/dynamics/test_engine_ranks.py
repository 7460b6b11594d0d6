"""The adaptive engine gives the same numbers on any number of ranks."""

import numpy as np
import pytest
from mpi4py import MPI

from smallpolaron.dynamics.correlation import current_sectors
from smallpolaron.dynamics.equilibrium import propagate_equilibrium
from smallpolaron.dynamics.progress import Progress
from smallpolaron.hierarchy.limits import LimitReached, Limits
from smallpolaron.model.accuracy import Accuracy
from tests.dynamics.agreement import agree, same, same_course
from tests.dynamics.cases import (
    CHAIN,
    DISORDERED,
    EVEN_MIRROR,
    EXPANSION,
    correlate,
    populate,
    ring,
    silent,
)

pytestmark = pytest.mark.mpi

WORLD, ALONE = MPI.COMM_WORLD, MPI.COMM_SELF


CORRELATIONS = {
    "ring": (ring(4), {"frequencies": (0.03,)}),
    "disordered ring": (DISORDERED, {}),
    "infinite ring": (ring(7), {"infinite": True}),
    "real part only": (ring(4), {"real_part_only": True}),
    "chain": (CHAIN, {"real_part_only": True}),
    "mirrored chain": (EVEN_MIRROR, {}),
}


@pytest.mark.parametrize("name", CORRELATIONS)
def test_correlation(name):
    model, more = CORRELATIONS[name]
    together, alone = (
        correlate(model, 2e-3, 60.0, more_terms=lambda _: EXPANSION, comm=comm, **more)
        for comm in (WORLD, ALONE)
    )
    agree(together, alone, ("C_JJ", "dC_JJ", "d2C_JJ"))
    agree(together, alone, ("D_time", "D_resolvent", "sigma", "hopping_energy", "flux_stiffness"))
    same(together, alone, ("time_fs", "n_equilibrium", "n_resolvent"))
    same_course(together.record, alone.record)
    np.testing.assert_allclose(together.density_matrix, alone.density_matrix, atol=1e-12)
    for ours, theirs in ((together.errors.C, alone.errors.C), (together.errors.D, alone.errors.D)):
        assert ours == pytest.approx(theirs, rel=1e-3, abs=1e-9)
    everywhere = WORLD.allgather(together.C_JJ)
    assert all(np.array_equal(c, everywhere[0]) for c in everywhere)


POPULATIONS = {
    "ring": (ring(4), {}),
    "ring, plain": (ring(3), {"symmetry": "none"}),
    # three momenta and two: groups of ranks, and ranks that share a momentum
    "ring of 4, momenta": (ring(4), {"symmetry": "momentum"}),
    "ring of 3, momenta": (ring(3), {"symmetry": "momentum"}),
    "chain": (CHAIN, {}),
}


@pytest.mark.parametrize("start", ["franck_condon", "marcus"])
@pytest.mark.parametrize("name", POPULATIONS)
def test_population(name, start):
    model, more = POPULATIONS[name]
    together, alone = (
        populate(model, start, 1, 2e-3, 50.0, comm=comm, **more) for comm in (WORLD, ALONE)
    )
    agree(together, alone, ("populations", "dpopulations", "d2populations", "density_matrix_final"))
    same(together, alone, ("time_fs",))
    same_course(together.record, alone.record)
    assert together.errors == pytest.approx(alone.errors, rel=1e-3, abs=1e-9, nan_ok=True)
    everywhere = WORLD.allgather(together.populations)
    assert all(np.array_equal(p, everywhere[0]) for p in everywhere)


def test_equilibrium_by_propagation():
    model = ring(3)
    sector = current_sectors(model, "auto", False)[0]
    together, alone = (
        propagate_equilibrium(
            model,
            EXPANSION,
            sector,
            Accuracy(1e-2),
            Limits(),
            Progress("test", None, comm, silent),
        )
        for comm in (WORLD, ALONE)
    )
    np.testing.assert_allclose(together.density_matrix, alone.density_matrix, atol=1e-11)
    assert together.basis.size == alone.basis.size
    assert together.products == alone.products


@pytest.mark.parametrize("allowed", [60, 150])
def test_a_limit_stops_all_ranks(allowed):
    with pytest.raises(LimitReached, match=f"{allowed} are allowed") as caught:
        correlate(ring(3), comm=WORLD, limits=Limits(max_unknowns=allowed))
    assert len(set(WORLD.allgather(str(caught.value)))) == 1


@pytest.mark.parametrize("allowed", [40, 60, 80, 110])
def test_a_limit_that_one_momentum_reaches_stops_all_ranks(allowed):
    # some of the momenta would fit
    with pytest.raises(LimitReached, match=rf"at t = .* {allowed} are allowed\.") as caught:
        populate(
            ring(4),
            "franck_condon",
            1,
            1e-2,
            90.0,
            symmetry="momentum",
            comm=WORLD,
            limits=Limits(max_unknowns=allowed),
        )
    assert len(set(WORLD.allgather(str(caught.value)))) == 1


def test_wrong_requests_are_refused_on_all_ranks():
    with pytest.raises(ValueError, match="'momentum' needs a ring"):
        populate(CHAIN, "marcus", 0, symmetry="momentum", comm=WORLD)
    with pytest.raises(ValueError, match="odd number of sites"):
        correlate(ring(4), infinite=True, comm=WORLD)
