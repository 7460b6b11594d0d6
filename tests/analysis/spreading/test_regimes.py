"""Characteristic times and regimes of walkers known in closed form."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import brentq

from smallpolaron.analysis.spreading.regimes import find_regimes
from smallpolaron.analysis.spreading.spreading import spreading
from smallpolaron.analysis.spreading.spreading_times import arrival_time, meeting_time
from tests.analysis.spreading.spreading_cases import (
    SPACING,
    clock,
    displacements,
    free_carrier,
    memory,
    steady,
    walker,
)

TIME = np.arange(0.0, 2001.0, 2.0)
RATE = 0.004
DECAY = 100.0


def settling(excess):
    """Walk whose rate is RATE (1 + excess exp(-t/DECAY)) on an endless lattice."""

    def theta(t):
        e = np.exp(-t / DECAY)
        return (
            RATE * (t + excess * DECAY * (1 - e)),
            RATE * (1 + excess * e),
            -RATE * excess / DECAY * e,
        )

    return clock(theta)


def meeting_of(one, other, percent):
    """Time at which the rates of two such walks differ by a share of their mean."""
    share = percent / 100
    return DECAY * np.log((2 * abs(one - other) - share * (one + other)) / (2 * share))


def kinds(found):
    return [stretch.kind for stretch in found.stretches]


def check_tiling(found, record):
    edges = [stretch.from_fs for stretch in found.stretches] + [record]
    assert edges[0] == 0.0
    assert [stretch.to_fs for stretch in found.stretches] == edges[1:]
    assert all(stretch.to_fs > stretch.from_fs for stretch in found.stretches)


@pytest.mark.parametrize("percent", [1.0, 5.0])
def test_two_initialisations_meet_at_the_known_time(percent):
    one, other = (walker(TIME, 61, "ring", 5, settling(x)) for x in (1.5, -0.8))
    found = find_regimes(one, other, percent=percent)
    assert found.tau_P.time_fs == pytest.approx(meeting_of(1.5, -0.8, percent), abs=2.0)
    # The walker from above has MSD in excess for ever: alpha meets later, like 1/t.
    assert not found.tau_P_alpha.time_fs <= found.tau_P.time_fs
    assert found.diffusion.plateau.found
    assert found.diffusion.plateau.from_fs >= found.tau_P.time_fs
    assert kinds(found) == ["relaxation", "diffusive"]
    check_tiling(found, TIME[-1])
    assert found.diffusion.plateau.D_A2_fs == pytest.approx(RATE * SPACING**2, rel=percent / 100)
    swapped = find_regimes(other, one, percent=percent)
    assert swapped.tau_P.time_fs == found.tau_P.time_fs


def test_alpha_approaches_one_from_the_side_of_the_excess():
    for excess, below in ((1.5, True), (-0.8, False)):
        found = find_regimes(walker(TIME, 61, "ring", 5, settling(excess)), percent=1.0)
        offset = excess * DECAY
        window = np.array([found.alpha.from_fs, found.alpha.to_fs])
        exact = np.mean(TIME[500:] / (TIME[500:] + offset))
        assert_allclose(window, [1000.0, 2000.0])
        assert found.alpha.mean == pytest.approx(exact, rel=1e-4)
        assert ("below 1" in found.stretches[0].statement) is below


def test_memory_gives_ballistic_relaxation_and_diffusive_stretches():
    strength, decay = 1e-4, 0.02
    found = find_regimes(walker(TIME, 41, "ring", 7, memory(strength, decay)), percent=2.0)
    assert kinds(found) == ["ballistic", "relaxation", "diffusive"]
    check_tiling(found, TIME[-1])
    ends = brentq(lambda x: x * (1 - np.exp(-x)) / (x - 1 + np.exp(-x)) - 1.5, 0.1, 10.0)
    assert found.stretches[0].to_fs == pytest.approx(ends / decay, abs=2.0)
    D = SPACING**2 * strength / decay
    assert found.diffusion.plateau.D_A2_fs == pytest.approx(D, rel=5e-3)
    # MSD = 2 D (t - 1/decay) once the memory has gone.
    assert found.diffusion.intercept_A2 == pytest.approx(-2 * D / decay, rel=0.05)
    assert found.diffusion.plateau.from_fs == pytest.approx(
        -np.log(1 - 0.98 / 1.02) / decay, abs=4.0
    )
    assert not found.tau_P.met
    assert "there is only one run" in found.tau_P.reason
    assert not found.tau_R.met
    assert "until the record ends" in found.tau_R.reason
    assert "still rises" not in found.alpha.reason


@pytest.mark.parametrize(
    ("n", "topology", "start"), [(10, "ring", 3), (9, "ring", 0), (9, "chain", 4)]
)
def test_the_slope_has_lost_the_threshold_at_tau_R(n, topology, start):
    """Independent of the populations: the slope of a walk on an endless lattice is constant."""
    time = np.arange(0.0, 4001.0, 2.0)
    run = walker(time, n, topology, start, steady(RATE))
    found = find_regimes(run, percent=4.0)
    lost = run.dmsd < 0.96 * 2 * RATE * SPACING**2
    assert found.tau_R.time_fs == time[np.argmax(lost)]
    assert found.tau_near.time_fs == found.tau_R.time_fs
    assert kinds(found) == ["diffusive", "finite_size"]
    check_tiling(found, time[-1])
    assert found.diffusion.plateau.reason.startswith(
        f"record up to tau_R = {found.tau_R.time_fs:g} fs"
    )
    assert found.alpha.to_fs == found.tau_R.time_fs


def test_a_free_carrier_stays_ballistic_until_it_arrives():
    time, v = np.arange(0.0, 1501.0, 5.0), 0.0094
    found = find_regimes(free_carrier(time, 51, 25, v), percent=1.0)
    assert kinds(found) == ["ballistic", "finite_size"]
    # The front moves at 2 v sites per time, its foot a little ahead.
    assert 0.7 < found.tau_R.time_fs * 2 * v / 25 < 1.0
    assert not found.diffusion.plateau.found
    assert found.alpha.mean == pytest.approx(2.0, abs=2e-3)


def test_a_start_at_the_wall_is_superdiffusive_and_felt_at_once():
    time = np.arange(0.0, 6001.0, 4.0)
    run = walker(time, 14, "chain", 0, memory(1.2e-4, 0.03))
    found = find_regimes(run, percent=1.0)
    assert found.tau_near.time_fs == 0.0
    assert found.tau_near.reason == "the carrier starts there"
    assert found.tau_R.met
    assert kinds(found) == ["ballistic", "relaxation", "finite_size"]
    assert "above 1 throughout" in found.stretches[1].statement
    assert 1.03 < found.alpha.mean < 1.2
    assert not found.diffusion.plateau.found
    assert "flat only from" in found.diffusion.plateau.reason


def test_a_short_ring_ends_before_the_lattice_has_relaxed():
    one, other = (walker(TIME, 5, "ring", 0, settling(x)) for x in (1.5, -0.8))
    found = find_regimes(one, other, percent=1.0)
    assert found.tau_R.time_fs < meeting_of(1.5, -0.8, 1.0)
    assert not found.tau_P.met
    assert "outside the band at the last time" in found.tau_P.reason
    assert not found.diffusion.plateau.found
    assert kinds(found) == ["relaxation", "finite_size"]
    check_tiling(found, TIME[-1])


def test_a_plateau_before_the_runs_meet_is_refused():
    """The run is diffusive from the start, its partner has yet to slow down."""
    one, other = (walker(TIME, 61, "ring", 5, settling(x)) for x in (0.0, 30.0))
    short = find_regimes(one, other, percent=1.0)
    meets = meeting_of(0.0, 30.0, 1.0)
    assert short.diffusion.plateau.from_fs == short.tau_P.time_fs == pytest.approx(meets, abs=2.0)
    early = TIME <= 700.0
    cut = [walker(TIME[early], 61, "ring", 5, settling(x)) for x in (0.0, 30.0)]
    none = find_regimes(*cut, percent=1.0)
    assert not none.diffusion.plateau.found
    assert (
        "flat from 0 to 700 fs, but both initialisations have not met"
        in none.diffusion.plateau.reason
    )
    assert np.isnan(none.diffusion.plateau.D_A2_fs)
    assert find_regimes(cut[0], percent=1.0).diffusion.plateau.found


def falling(life):
    """Walk whose rate falls slowly from the beginning on."""
    return clock(
        lambda t: (
            RATE * life * (1 - np.exp(-t / life)),
            RATE * np.exp(-t / life),
            -RATE / life * np.exp(-t / life),
        )
    )


def test_diffusion_lasts_beyond_the_flattest_stretch_while_the_slope_stays_near():
    found = find_regimes(walker(TIME, 61, "ring", 0, falling(1e5)), percent=0.8)
    assert found.diffusion.plateau.to_fs == pytest.approx(1600.0, rel=0.02)
    assert kinds(found) == ["diffusive"]
    assert found.diffusion.until_fs == TIME[-1]


def test_a_flat_stretch_that_ends_on_its_own_is_no_diffusion():
    found = find_regimes(walker(TIME, 61, "ring", 0, falling(2e4)), percent=0.8)
    assert not found.diffusion.plateau.found
    assert "but leaves this value before any end" in found.diffusion.plateau.reason
    assert kinds(found) == ["relaxation"]


def test_the_near_end_may_end_diffusion():
    run = walker(TIME, 40, "chain", 5, steady(RATE))
    found = find_regimes(run, percent=1.0)
    assert 0.0 < found.tau_near.time_fs < 500.0
    assert not found.tau_R.met
    assert kinds(found) == ["diffusive", "anomalous"]
    assert found.diffusion.until_fs == found.diffusion.plateau.to_fs
    assert found.diffusion.until_fs > found.tau_near.time_fs
    check_tiling(found, TIME[-1])


def test_relaxed_but_not_diffusive_is_anomalous():
    """Both runs are the same; the rate grows slowly throughout."""
    ever = clock(lambda t: (1e-5 * t**1.5, 1.5e-5 * t**0.5, 0 * t))
    run = walker(TIME, 61, "ring", 0, ever)
    found = find_regimes(run, run, percent=1.0)
    assert found.tau_P.time_fs == 2.0
    assert found.tau_P.reason == "they never part by more"
    assert not found.diffusion.plateau.found
    assert kinds(found)[-1] == "anomalous"
    assert found.stretches[-1].statement.startswith("no diffusive plateau: D(t) is flat only")
    check_tiling(found, TIME[-1])


def test_the_maximum_of_alpha():
    """Below 1 after the excess, rising until the ring closes."""
    found = find_regimes(walker(TIME, 15, "ring", 0, settling(3.0)), percent=1.0)
    run = walker(TIME, 15, "ring", 0, settling(3.0))
    best = 100 + np.argmax(run.alpha[100:])
    assert found.alpha.peak_fs == TIME[best]
    assert found.alpha.peak == run.alpha[best] < 1.0
    assert found.alpha.peak_fs >= found.tau_R.time_fs
    falling = find_regimes(walker(TIME, 9, "ring", 0, steady(RATE)), percent=1.0)
    assert np.isnan(falling.alpha.peak)
    assert "falls until" in falling.alpha.reason
    rising = find_regimes(walker(TIME, 61, "ring", 0, settling(1.5)), percent=1.0)
    assert rising.alpha.reason == "alpha still rises where the record ends"


def test_curves_that_cross_and_part_again_have_not_met():
    wave = 1 + 0.2 * np.sin(TIME / 300)
    assert not meeting_time(TIME, wave, 2 - wave, percent=5.0, until_fs=np.inf).met
    until = meeting_time(TIME, wave, 2 - wave, percent=5.0, until_fs=np.pi * 300)
    start = 300 * (np.pi - np.arcsin(0.125))
    assert not until.met
    assert "too short to tell" in until.reason
    wide = meeting_time(TIME, wave, 2 - wave, percent=20.0, until_fs=np.pi * 300)
    assert wide.time_fs == pytest.approx(300 * (np.pi - np.arcsin(0.5)), abs=2.0)
    assert start > 0.9 * np.pi * 300


def test_arrival():
    assert arrival_time(TIME, TIME / 1000, place="end", percent=50.0).time_fs == 500.0
    never = arrival_time(TIME, 1e-4 * TIME / 2000, place="end", percent=1.0)
    assert not never.met
    assert never.reason == "at most 0.01 % until the record ends, 2000 fs"
    with pytest.raises(ValueError, match="percent = 0"):
        arrival_time(TIME, TIME, place="end", percent=0.0)


def test_a_carrier_that_does_not_move():
    P = np.tile([0.0, 1.0, 0.0, 0.0], (50, 1))
    run = spreading(np.arange(50.0), P, 0 * P, 0 * P, displacements(4, "ring", 1), "ring")
    found = find_regimes(run, run, percent=1.0)
    assert found.alpha.reason == "alpha is not defined: the carrier does not move"
    for event in (found.tau_P, found.tau_P_alpha):
        assert not event.met
        assert event.reason == "there is nothing to compare: the carrier does not move"
    assert not found.tau_R.met
    assert found.stretches[0].statement.endswith("alpha is not defined")
    assert found.diffusion.plateau.reason == "D(t) is nowhere flat"
    check_tiling(found, 49.0)


def test_runs_on_other_times_are_refused():
    one = walker(TIME, 9, "ring", 0, steady(RATE))
    other = walker(TIME[:500], 9, "ring", 0, steady(RATE))
    with pytest.raises(ValueError, match="500 up to 998 fs: give runs on the same times"):
        find_regimes(one, other, percent=1.0)
