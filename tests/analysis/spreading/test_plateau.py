"""Plateaus of displacement curves known in closed form."""

import numpy as np
import pytest

from smallpolaron.analysis.spreading.plateau import find_plateau

TIME = np.arange(0.0, 4001.0, 2.0)
D = 0.05


def saturating(tau, life, overshoot=0.0):
    """Slope D (1 + overshoot exp(-t/tau)) (1 - exp(-t/tau)) exp(-t/life), times 2."""
    e = np.exp(-TIME / tau)
    return 2 * D * (1 - e) * (1 + overshoot * e) * np.exp(-TIME / life)


def search(slope, flatness=0.02, **options):
    return find_plateau(TIME, slope, flatness=flatness, **options)


def test_growth_to_a_constant():
    found = search(saturating(50.0, np.inf))
    assert found.found
    # the stretch up to D begins where D (1 - e) is D (1 - f)/(1 + f)
    begin = -50.0 * np.log(1 - 0.98 / 1.02)
    assert found.from_fs == pytest.approx(begin, abs=2.0)
    assert found.to_fs == TIME[-1]
    assert found.reason == "the record ends on it"
    assert pytest.approx(D, rel=1e-3) == found.D_A2_fs
    assert 0.03 * D < found.flatness_A2_fs < 0.04 * D


def test_growth_then_slow_decay_has_a_plateau_that_ends():
    found = search(saturating(10.0, 8000.0))
    assert found.found
    assert 20.0 < found.from_fs < 60.0
    # from its largest value D falls by 4 %: 8000 fs times 0.04
    assert found.to_fs - found.from_fs == pytest.approx(320.0, rel=0.2)
    assert 0.95 * D < found.D_A2_fs < D
    assert found.flatness_A2_fs < 0.025 * D
    assert found.reason == ""


@pytest.mark.parametrize("life", [100.0, 200.0, 400.0])
def test_a_short_ring_has_no_plateau_but_a_maximum(life):
    found = search(saturating(50.0, life))
    assert not found.found
    assert "flat only from" in found.reason
    assert "2 is needed" in found.reason
    assert np.isnan([found.D_A2_fs, found.flatness_A2_fs, found.from_fs, found.to_fs]).all()


def test_a_plateau_reached_from_above_counts():
    found = search(saturating(20.0, np.inf, overshoot=2.0))
    assert found.found
    assert pytest.approx(D, rel=5e-3) == found.D_A2_fs
    assert found.from_fs > 60.0


def test_ballistic_motion_has_none():
    found = search(0.02 * TIME)
    assert not found.found
    assert "2 is needed" in found.reason


def test_diffusion_is_a_plateau_throughout():
    found = search(np.full_like(TIME, 2 * D))
    assert found.found
    assert (found.from_fs, found.to_fs) == (0.0, TIME[-1])
    assert found.D_A2_fs == pytest.approx(D)
    assert found.flatness_A2_fs < 1e-12


def test_noise_smaller_than_the_band_does_no_harm():
    noise = np.random.default_rng(5).uniform(-1, 1, TIME.size)
    found = search(saturating(50.0, np.inf) * (1 + 0.01 * noise))
    assert found.found
    assert found.to_fs == TIME[-1]
    assert found.D_A2_fs == pytest.approx(D, rel=2e-3)
    assert not search(saturating(50.0, np.inf) * (1 + 0.05 * noise)).found


def test_the_longest_stretch_counts():
    """A short flat stretch at the beginning, with another slope, is not the plateau."""
    step = 0.5 * (1 + np.tanh((TIME - 60.0) / 10.0))
    found = search(2 * D * (1 + 4 * step))
    assert found.D_A2_fs == pytest.approx(5 * D, rel=1e-2)
    assert found.from_fs > 60.0


def test_the_stretch_is_the_one_found_by_trying_all():
    draw = np.random.default_rng(11)
    D_t = 1 + 0.03 * np.cumsum(draw.normal(size=120)) / np.sqrt(10)
    time = np.arange(120.0)
    found = find_plateau(time, 2 * D_t, flatness=0.02, least_ratio=1.2)
    best = max(
        (
            (j - i, i, j)
            for j in range(120)
            for i in range(j)
            if j >= 1.2 * max(i, 1)
            and np.ptp(D_t[i : j + 1]) <= 0.02 * (D_t[i : j + 1].max() + D_t[i : j + 1].min())
            and D_t[i : j + 1].min() > 0
        ),
        key=lambda stretch: (stretch[0], -stretch[1]),
    )
    assert (found.from_fs, found.to_fs) == best[1:]


def test_a_maximum_between_two_times_is_no_plateau():
    # D(t) = t exp(1 - t) is 0.94 at ln 2 and at twice that, and 1 between them
    equal = np.log(2.0)
    coarse, fine = (np.arange(0.0, 2.5 * equal, equal / parts) for parts in (1, 50))
    for time in (coarse, fine):
        assert not find_plateau(time, time * np.exp(1.0 - time), flatness=0.01).found
    found = find_plateau(coarse, coarse * np.exp(1.0 - coarse), flatness=0.01)
    assert "on 2 stored times; 5 are needed" in found.reason


def test_a_falling_displacement_is_no_diffusion():
    found = search(np.full_like(TIME, -D))
    assert not found.found
    assert found.reason == "D(t) is nowhere flat"


def test_the_criteria_decide():
    curve = saturating(50.0, 2000.0)
    assert search(curve).found
    assert not search(curve, flatness=0.005).found
    assert not search(curve, least_ratio=4.0).found
    assert "within 2 %" in search(curve).rule
    with pytest.raises(ValueError, match="must be above 0 and above 1"):
        search(curve, least_ratio=1.0)
    with pytest.raises(ValueError, match="dmsd has 5 values"):
        search(curve[:5])
