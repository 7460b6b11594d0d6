"""Mean-squared displacement on the infinite lattice: exact limits, large rings, Green-Kubo."""

import numpy as np
import pytest
from mpi4py import MPI
from scipy.interpolate import CubicSpline

from smallpolaron.dynamics.displacement import compute_displacement
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.model.baths.bath import BrownianBath, DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from tests.dynamics.agreement import agree, same_course
from tests.dynamics.cases import EXPANSION, T, correlate, distance, populate, ring, silent
from tests.model.golden_rule import golden_rule_rate

STARTS = ("franck_condon", "marcus")
A, V = 5.0, 50 * CM


def displace(model, start, target=1e-3, duration_fs=60.0, expansion=EXPANSION, **more):
    """Displacement on this rank alone unless told otherwise."""
    settings = {"sample_fs": 2.0, "comm": MPI.COMM_SELF, "report": silent} | more
    accuracy = Accuracy(target, growth=settings.pop("growth", None))
    return compute_displacement(
        model, expansion, accuracy, start=start, duration_fs=duration_fs, **settings
    )


@pytest.mark.parametrize("start", STARTS)
def test_a_large_ring_before_its_end_is_felt(start):
    n, site = 16, 5
    ours = displace(ring(15), start)
    theirs = populate(ring(n), start, site, 2e-5, expansion=EXPANSION)
    squares = ring(n).displacements_A(site) ** 2
    assert distance(ours.msd, theirs.populations @ squares) < 1e-3
    assert distance(ours.dmsd, theirs.dpopulations @ squares) < 1e-3
    assert distance(ours.d2msd, theirs.d2populations @ squares) < 1e-3


def test_an_underdamped_bath():
    bath = expand(BrownianBath(80 * CM, 40 * CM, 120 * CM), T, "pade", 1)
    ours = displace(ring(9), "marcus", 1e-3, 30.0, bath)
    theirs = populate(ring(10), "marcus", 5, 1e-5, 30.0, bath)
    squares = ring(10).displacements_A(5) ** 2
    assert distance(ours.dmsd, theirs.dpopulations @ squares) < 1e-3


def test_the_sign_of_the_hopping_does_not_matter():
    one, other = (
        displace(HolsteinModel(9, "ring", sign * V), "marcus", 5e-3, 30.0) for sign in (1, -1)
    )
    np.testing.assert_allclose(one.dmsd, other.dmsd, rtol=1e-10)


def test_without_a_bath_the_carrier_is_ballistic():
    expansion = expand(DebyeBath(1e-9 * CM, 90 * CM), T, "pade", 0)
    run = displace(ring(31), "franck_condon", duration_fs=150.0, expansion=expansion)
    np.testing.assert_allclose(run.msd, 2 * (A * V * run.time_fs) ** 2, rtol=1e-6)
    np.testing.assert_allclose(run.dmsd, 4 * (A * V) ** 2 * run.time_fs, rtol=1e-6)
    np.testing.assert_allclose(run.d2msd, 4 * (A * V) ** 2, rtol=1e-6)


@pytest.mark.parametrize("start", STARTS)
def test_every_start_is_ballistic_at_first(start):
    run = displace(ring(7), start, duration_fs=1.0, sample_fs=0.125)
    first = run.msd[1:] / run.time_fs[1:] ** 2
    # the next even term, relative to this one, is of order t^2
    extrapolated = (4 * first[0] - first[1]) / 3
    assert extrapolated == pytest.approx(2 * (A * V) ** 2, rel=1e-4)
    assert run.d2msd[0] == pytest.approx(4 * (A * V) ** 2, rel=1e-9)
    assert run.msd[0] == run.dmsd[0] == 0


def test_small_hopping_gives_the_golden_rule_rate():
    bath, model = DebyeBath(200 * CM, 150 * CM), HolsteinModel(5, "ring", 2 * CM)
    run = displace(model, "marcus", 5e-3, 300.0, expand(bath, T, "pade", 1))
    expected = A**2 * golden_rule_rate(model, bath)
    assert run.dmsd[-1] / 2 == pytest.approx(expected, rel=0.01)


def test_both_starts_end_at_the_diffusion_constant_of_green_and_kubo():
    bath = expand(DebyeBath(100 * CM, 100 * CM), T, "pade", 1)
    equilibrium = correlate(ring(21), 3e-3, 500.0, bath, infinite=True, real_part_only=True)
    for start in STARTS:
        run = displace(ring(21), start, 5e-3, 800.0, bath, sample_fs=10.0)
        assert run.dmsd[-1] / 2 == pytest.approx(equilibrium.D_resolvent, rel=8e-3)
        # it was not there at 100 fs
        assert abs(run.dmsd[10] / 2 / equilibrium.D_resolvent - 1) > 0.02


def test_derivatives_belong_to_each_other():
    run = displace(ring(11), "marcus", duration_fs=40.0, sample_fs=0.25)
    time = run.time_fs
    assert distance(CubicSpline(time, run.msd)(time, 1), run.dmsd) < 1e-5
    assert distance(CubicSpline(time, run.dmsd)(time, 1), run.d2msd) < 1e-4
    assert distance(CubicSpline(time, run.dmsd).antiderivative()(time), run.msd) < 1e-7


@pytest.mark.parametrize("start", STARTS)
def test_the_error_estimate_holds_against_a_tighter_run(start):
    bath = expand(DebyeBath(300 * CM, 40 * CM), T, "pade", 1)
    run = displace(ring(11), start, 1e-2, 200.0, bath, sample_fs=5.0)
    tight = displace(ring(15), start, 1e-2, 200.0, bath, sample_fs=5.0, growth=1e-4)
    mean = tight.msd[-1] / tight.time_fs[-1]
    error = np.max(np.abs(run.dmsd - tight.dmsd)) / mean
    assert error < run.total_error < 1e-2
    assert error < 1e-2


def test_a_window_that_is_too_small_is_widened():
    bath = expand(DebyeBath(30 * CM, 25 * CM), T, "pade", 0)
    narrow, wide = (
        displace(ring(n), "franck_condon", 2e-2, 200.0, bath, sample_fs=5.0) for n in (5, 31)
    )
    assert narrow.dmsd[-1] == pytest.approx(wide.dmsd[-1], rel=narrow.total_error)
    assert narrow.advice == ""


@pytest.mark.parametrize(
    ("model", "start", "words"),
    [
        (ring(6), "marcus", "odd number of sites"),
        (HolsteinModel(5, "chain", V), "marcus", "equal hoppings"),
        (HolsteinModel(3, "ring", (V, V, 2 * V)), "marcus", "equal hoppings"),
        (HolsteinModel(5, "ring", 0.0), "marcus", "hopping = 0"),
        (ring(5), "thermal", "franck_condon"),
    ],
)
def test_what_is_no_infinite_lattice_is_refused(model, start, words):
    with pytest.raises(ValueError, match=words):
        displace(model, start)


@pytest.mark.mpi
@pytest.mark.parametrize("start", STARTS)
def test_the_same_on_any_number_of_ranks(start):
    together, alone = (
        displace(
            ring(9),
            start,
            2e-3,
            40.0,
            more_terms=lambda terms: expand(DebyeBath(100 * CM, 90 * CM), T, "pade", terms),
            comm=comm,
        )
        for comm in (MPI.COMM_WORLD, MPI.COMM_SELF)
    )
    agree(together, alone, ("msd", "dmsd", "d2msd"), rtol=1e-10)
    same_course(together.record, alone.record)
    assert together.errors["bath_terms"] == pytest.approx(alone.errors["bath_terms"], rel=1e-6)
