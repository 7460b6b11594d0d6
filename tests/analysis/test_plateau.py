"""Plateaus of displacement curves known in closed form."""

import numpy as np
import pytest

from smallpolaron.analysis.plateau import find_plateau

TIME = np.arange(0.0, 4001.0, 2.0)
D = 0.05


def saturating(tau, life, overshoot=0.0):
    """Slope D (1 + overshoot exp(-t/tau)) (1 - exp(-t/tau)) exp(-t/life), times 2; two series."""
    e, fade = np.exp(-TIME / tau), np.exp(-TIME / life)
    rise, bump = 1 - e, 1 + overshoot * e
    slope = rise * bump * fade
    curvature = (e / tau * bump - rise * overshoot * e / tau - rise * bump / life) * fade
    return 2 * D * slope, 2 * D * curvature


def test_derivatives_of_the_test_curve():
    slope, curvature = saturating(60.0, 900.0, 0.5)
    assert np.allclose(np.gradient(slope, TIME)[1:-1], curvature[1:-1], atol=2e-6)


def test_growth_to_a_constant():
    found = find_plateau(TIME, *saturating(50.0, np.inf))
    assert found.found
    # The slope still changes by 10 % per e-fold of time where (t/tau)/(exp(t/tau) - 1) = 0.1.
    assert found.from_fs == pytest.approx(50.0 * 3.615, abs=2.0)
    assert found.to_fs == TIME[-1]
    assert found.reason == "the record ends on it"
    assert pytest.approx(D, rel=1e-3) == found.D_A2_fs
    assert 0.02 * D < found.error_A2_fs < 0.04 * D


def test_growth_then_slow_decay_has_a_plateau_that_ends():
    found = find_plateau(TIME, *saturating(10.0, 2000.0))
    assert found.found
    assert 30.0 < found.from_fs < 50.0
    # exp(-t/life) alone falls by 10 % per e-fold of time at life/10.
    assert found.to_fs == pytest.approx(200.0, abs=4.0)
    assert 0.9 * D < found.D_A2_fs < D
    assert abs(found.D_A2_fs - D) < 2.5 * found.error_A2_fs
    assert found.reason == ""


@pytest.mark.parametrize("life", [100.0, 400.0, 1000.0])
def test_a_short_ring_has_no_plateau_but_a_maximum(life):
    found = find_plateau(TIME, *saturating(50.0, life))
    assert not found.found
    assert "flat only from" in found.reason
    assert "2 is needed" in found.reason
    assert np.isnan([found.D_A2_fs, found.error_A2_fs, found.from_fs, found.to_fs]).all()


def test_a_plateau_reached_from_above_counts():
    found = find_plateau(TIME, *saturating(20.0, np.inf, overshoot=2.0))
    assert found.found
    assert pytest.approx(D, rel=5e-3) == found.D_A2_fs
    assert found.from_fs > 60.0


def test_ballistic_motion_has_none():
    found = find_plateau(TIME, 0.02 * TIME, np.full_like(TIME, 0.02))
    assert not found.found
    assert found.reason == "D(t) is nowhere flat"


def test_diffusion_is_a_plateau_throughout():
    found = find_plateau(TIME, np.full_like(TIME, 2 * D), np.zeros_like(TIME))
    assert found.found
    assert (found.from_fs, found.to_fs) == (0.0, TIME[-1])
    assert found.D_A2_fs == pytest.approx(D)
    assert found.error_A2_fs < 1e-12


def test_the_longest_stretch_counts():
    """A short flat stretch at the beginning, with another slope, is not the plateau."""
    step = 0.5 * (1 + np.tanh((TIME - 60.0) / 10.0))
    bend = 0.05 * (1 - np.tanh((TIME - 60.0) / 10.0) ** 2)
    found = find_plateau(TIME, 2 * D * (1 + 4 * step), 8 * D * bend)
    assert found.D_A2_fs == pytest.approx(5 * D, rel=1e-2)
    assert found.from_fs > 60.0


def test_a_falling_displacement_is_no_diffusion():
    found = find_plateau(TIME, np.full_like(TIME, -D), np.zeros_like(TIME))
    assert not found.found


def test_the_criteria_decide():
    curve = saturating(50.0, 2000.0)
    assert not find_plateau(TIME, *curve).found
    wide = find_plateau(TIME, *curve, flatness=0.2)
    assert wide.found
    assert "20 % per e-fold" in wide.rule
    assert find_plateau(TIME, *curve, least_ratio=1.3).found
    with pytest.raises(ValueError, match="must be above 0 and above 1"):
        find_plateau(TIME, *curve, least_ratio=1.0)
    with pytest.raises(ValueError, match="dmsd has 5 values"):
        find_plateau(TIME, curve[0][:5], curve[1])
