"""What a run says of its own errors and limits, against tighter runs."""

import numpy as np
import pytest
from mpi4py import MPI

from smallpolaron.analysis import gates
from smallpolaron.dynamics.correlation import compute_correlation, current_sectors
from smallpolaron.dynamics.equilibrium import propagate_equilibrium
from smallpolaron.dynamics.linear import NotConverged
from smallpolaron.dynamics.progress import Progress
from smallpolaron.hierarchy.limits import LimitReached, Limits
from smallpolaron.model.accuracy import SOURCES, Accuracy
from smallpolaron.model.baths.bath import DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from tests.dynamics.cases import (
    CHAIN,
    DISORDERED,
    EXPANSION,
    T,
    correlate,
    distance,
    populate,
    ring,
    silent,
)


def expert(model, accuracy, **more):
    """C_JJ with expert settings."""
    settings = {"duration_fs": 90.0, "sample_fs": 2.0, "report": silent} | more
    return compute_correlation(model, EXPANSION, accuracy, **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target": 0.0}, "accuracy = 0.0; allowed: 1e-06 to 0.1"),
        ({"target": 0.2}, "accuracy = 0.2"),
        ({"target": np.nan}, "accuracy = nan"),
        ({"growth": 0.0}, "growth = 0.0"),
        ({"growth": 1.0}, "growth = 1.0"),
        ({"tolerance": 1.0}, "tolerance = 1.0"),
        ({"pruning": -0.1}, "pruning = -0.1"),
        ({"pruning": 1.5}, "pruning = 1.5"),
    ],
)
def test_accuracy_out_of_range(settings, message):
    with pytest.raises(ValueError, match=message):
        Accuracy(**settings)


def test_settings_follow_from_the_target():
    loose, tight = Accuracy(1e-2), Accuracy(1e-4)
    for name in ("growth_threshold", "step_tolerance", "solver_tolerance", "bath_error_bound"):
        assert getattr(loose, name) == pytest.approx(100 * getattr(tight, name))
    own = Accuracy(1e-3, growth=2e-3, pruning=0.0, tolerance=1e-8)
    assert (own.growth_threshold, own.pruning_fraction, own.step_tolerance) == (2e-3, 0.0, 1e-8)


def test_every_source_is_listed():
    run = correlate(ring(3), 1e-2, 40.0, more_terms=more_terms(DebyeBath(100 * CM, 90 * CM)))
    assert set(run.errors.C) == set(run.errors.D) == set(SOURCES)
    assert all(value >= 0 for value in (*run.errors.C.values(), *run.errors.D.values()))
    listed = [v for k, v in run.errors.C.items() if k != "finite_time"]
    assert run.errors.total_C == pytest.approx(sum(listed))
    assert run.errors.total_D == pytest.approx(sum(run.errors.D.values()))
    unknown = correlate(ring(3), 1e-2, 40.0)
    assert np.isnan(unknown.errors.C["bath_terms"])
    assert np.isfinite(unknown.errors.total_C)


def more_terms(bath, temperature_K=T):
    return lambda terms: expand(bath, temperature_K, terms=terms)


# model, bath, temperature K, terms
POINTS = {
    "slow and strong": (ring(3), DebyeBath(323 * CM, 41 * CM), 2),
    "weak": (ring(6), DebyeBath(30 * CM, 25 * CM), 1),
    "cold": (ring(4, temperature_K=120.0), DebyeBath(150 * CM, 100 * CM), 2),
    "cold disordered ring": (
        HolsteinModel(3, "ring", DISORDERED.hopping, DISORDERED.site_energies, 5.0, 150.0),
        DebyeBath(150 * CM, 60 * CM),
        1,
    ),
    "chain, fast and hot": (
        HolsteinModel(3, "chain", CHAIN.hopping, CHAIN.site_energies, 5.0, 400.0),
        DebyeBath(300 * CM, 300 * CM),
        1,
    ),
}


@pytest.mark.parametrize("point", POINTS)
def test_estimates_cover_the_errors(point):
    model, bath, terms = POINTS[point]
    baths = [expand(bath, model.temperature_K, "pade", terms + more) for more in (0, 2)]
    ours = correlate(
        model,
        1e-2,
        120.0,
        baths[0],
        more_terms=more_terms(bath, model.temperature_K),
        revise_terms=False,
    )
    truth = correlate(model, 1e-3, 120.0, baths[1])
    allowed = ours.errors.total_C + truth.errors.total_C
    assert distance(ours.C_JJ, truth.C_JJ) < allowed
    # an estimate may be cautious, but not useless
    assert allowed - ours.errors.C["bath_terms"] < 1.2e-2
    inside = ours.errors.total_D - ours.errors.D["finite_time"]
    assert abs(ours.D_time - truth.D_time) < inside + truth.errors.total_D
    # the resolvent has a basis and an error of its own, and no end
    allowed = ours.resolvent_error + truth.resolvent_error + 1e-2 * abs(truth.D_time)
    assert abs(ours.D_resolvent - truth.D_resolvent) < allowed
    tail = truth.D_resolvent - truth.D_time
    assert truth.errors.D["finite_time"] == pytest.approx(
        abs(tail), abs=2e-3 * abs(truth.D_time), rel=0.02
    )
    assert ours.record.capped == truth.record.capped == 0


def test_the_integral_on_an_open_chain_is_zero():
    model = HolsteinModel(2, "chain", 40 * CM, (0.0, 30 * CM), 5.0, 400.0)
    bath = expand(DebyeBath(200 * CM, 200 * CM), 400.0, "pade", 1)
    record, short = (
        compute_correlation(
            model, bath, Accuracy(1e-3), duration_fs=end, sample_fs=2.0, report=silent
        )
        for end in (1500.0, 100.0)
    )
    # the time integral gets there without being told
    assert abs(record.D_time) < 5e-3 * short.D_time
    assert record.D_resolvent == short.D_resolvent == 0.0
    # a record that ends before knows what it lacks
    assert short.errors.D["finite_time"] == pytest.approx(short.D_time)


@pytest.mark.parametrize("start", ["franck_condon", "marcus"])
def test_estimates_cover_the_errors_of_populations(start):
    ours = populate(CHAIN, start, 0, 1e-2, 90.0)
    truth = populate(CHAIN, start, 0, 3e-4, 90.0)
    assert set(ours.errors) == set(SOURCES) - {"finite_time"}
    assert ours.total_error < 1e-2
    allowed = ours.total_error + truth.total_error
    assert np.abs(ours.populations - truth.populations).max() < allowed


def test_bath_terms_are_seen():
    # one term too few at low temperature: the budget must say so
    model, bath = ring(3, temperature_K=80.0), DebyeBath(200 * CM, 100 * CM)
    poor, good = (expand(bath, 80.0, "pade", k) for k in (0, 4))
    settings = {"more_terms": more_terms(bath, 80.0)}
    ours = correlate(model, 1e-2, 60.0, poor, revise_terms=False, **settings)
    truth = correlate(model, 1e-3, 60.0, good)
    error = distance(ours.C_JJ, truth.C_JJ)
    assert error > 0.02
    assert error < ours.errors.total_C
    assert ours.errors.C["bath_terms"] > 0.5 * error
    assert "bath terms" in ours.advice
    # left to itself, the run adds what is missing
    revised = correlate(model, 1e-2, 60.0, poor, **settings)
    assert revised.bath_terms > 0
    assert distance(revised.C_JJ, truth.C_JJ) < revised.errors.total_C < 1e-2
    assert revised.advice == ""


@pytest.mark.parametrize("growth", [0.05, 0.1, 0.3, 0.9])
def test_thresholds_are_tightened_until_the_target_is_met(growth):
    # even where two runs with such thresholds would not differ
    run = expert(ring(3), Accuracy(1e-2, growth=growth))
    assert run.record.growth_threshold < 0.05
    assert run.errors.total_C <= 1e-2
    truth = correlate(ring(3), 1e-3)
    assert distance(run.C_JJ, truth.C_JJ) < run.errors.total_C + truth.errors.total_C


def test_a_target_that_is_missed_is_admitted():
    # four times tighter by three is not enough from there
    run = expert(ring(3), Accuracy(1e-5, growth=0.1))
    assert run.errors.total_C > 1e-5
    assert "basis" in run.advice
    truth = correlate(ring(3), 1e-4)
    assert 1e-5 < distance(run.C_JJ, truth.C_JJ) < run.errors.total_C + truth.errors.total_C


def test_coarse_time_steps_are_seen():
    run = expert(ring(3), Accuracy(1e-2, growth=1e-3, tolerance=1e-2))
    truth = correlate(ring(3), 1e-3)
    assert run.errors.C["time_step"] > distance(run.C_JJ, truth.C_JJ)
    assert run.errors.C["time_step"] > 100 * truth.errors.C["time_step"]


def test_what_dies_away_leaves_the_basis_again():
    fine = Accuracy(1e-2)
    pruned, whole = (
        expert(ring(4), how, duration_fs=400.0) for how in (fine, Accuracy(1e-2, pruning=0.0))
    )
    assert np.all(np.diff(whole.record.basis_size) >= 0)
    assert np.any(np.diff(pruned.record.basis_size) < 0)
    assert distance(pruned.C_JJ, whole.C_JJ) < pruned.errors.total_C + whole.errors.total_C
    # the records along the steps belong together
    record = pruned.record
    series = (record.step_time_fs, record.norm, record.basis_size, record.outside_flow)
    assert len({len(each) for each in series}) == 1
    assert record.step_time_fs[0] == 0
    assert record.step_time_fs[-1] == pytest.approx(400.0)
    assert record.n_unknowns == record.basis_size.max()
    assert np.all(record.outside_flow >= 0)


# -- limits --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("allowed", "message"),
    [
        (60, r"labels; 60 are allowed\. Ask for less accuracy"),
        (210, r"at t = [\d.]+ fs .* from \d+ to \d+ labels; 210 are allowed\. Ask for less"),
    ],
)
def test_too_small_a_limit_stops_the_run(allowed, message):
    with pytest.raises(LimitReached, match=message):
        correlate(ring(3), limits=Limits(max_unknowns=allowed))


@pytest.mark.parametrize("symmetry", ["auto", "momentum"])
def test_too_small_a_limit_stops_populations(symmetry):
    message = r"at t = [\d.]+ fs .* from \d+ to \d+ labels; 100 are allowed"
    with pytest.raises(LimitReached, match=message):
        populate(ring(3), "franck_condon", 0, symmetry=symmetry, limits=Limits(max_unknowns=100))


def test_a_limit_that_is_not_reached_changes_nothing():
    free, bounded = (
        correlate(ring(3), 1e-2, limits=limits)
        for limits in (Limits(), Limits(max_unknowns=2000, max_occupation=31))
    )
    np.testing.assert_allclose(bounded.C_JJ, free.C_JJ, rtol=1e-12)
    assert bounded.record.capped == free.record.capped == 0


def test_what_leaves_a_window_late_does_not_come_back():
    def windowed(window, duration_fs):
        model = HolsteinModel(window, "ring", 200 * CM, temperature_K=300.0)
        bath = expand(DebyeBath(200 * CM, 50 * CM), 300.0, "matsubara", 1)
        accuracy = Accuracy(3e-3)
        return compute_correlation(
            model, bath, accuracy, duration_fs=duration_fs, infinite=True, report=silent
        )

    # the front is at the edge of 21 sites after some 50 fs
    late, wide = windowed(21, 70.0), windowed(61, 70.0)
    assert late.window == 21
    assert late.errors.C["window"] == late.record.returning == 0
    # D is an integral over all times
    assert late.record.capped > 0
    assert late.errors.D["window"] > 0
    assert 0 < np.abs(late.C_JJ - wide.C_JJ).max() < 1e-5 * wide.C_JJ[0].real
    assert late.record.n_unknowns < wide.record.n_unknowns
    assert windowed(21, 160.0).window > 21


# strong coupling to a slow, cold bath: with too few levels the hierarchy has growing modes
HARSH = HolsteinModel(2, "chain", 50 * CM, (0.0, 30 * CM), temperature_K=50.0)
SLOW = expand(DebyeBath(1000 * CM, 5 * CM), 50.0, "matsubara", 0)


def test_a_capped_hierarchy_is_told():
    limits = Limits(max_occupation=4)
    run = correlate(HARSH, 1e-2, 400.0, SLOW, sample_fs=10.0, limits=limits)
    assert run.record.capped > 0.1 or run.record.growth_detected
    # the number would have been wrong
    assert not gates.cauchy_schwarz(run.C_JJ).passed


def test_an_unstable_equilibrium_is_refused():
    start = (HARSH, SLOW, current_sectors(HARSH, "auto", False)[0], Accuracy(1e-2))
    progress = Progress("equilibrium", None, MPI.COMM_SELF, silent)
    with pytest.raises(NotConverged, match="unstable"):
        propagate_equilibrium(*start, Limits(max_occupation=6), progress)


@pytest.mark.parametrize("start", ["franck_condon", "marcus"])
def test_a_capped_hierarchy_is_told_by_populations(start):
    limits = Limits(max_occupation=2)
    run = populate(HARSH, start, 0, 1e-2, 4000.0, SLOW, sample_fs=100.0, limits=limits)
    assert run.record.capped > 0.1 or run.record.growth_detected
    assert not gates.populations_in_range(run.populations).passed


def test_growth_ends_the_run():
    limits = Limits(max_occupation=2)
    run = populate(HARSH, "franck_condon", 0, 1e-2, 20_000.0, SLOW, sample_fs=100.0, limits=limits)
    assert run.record.growth_detected
    assert run.record.step_time_fs[-1] < 19_000
    assert run.time_fs[-1] <= run.record.step_time_fs[-1]
    assert len(run.populations) == len(run.d2populations) == len(run.time_fs)
