"""Gates of runs that estimate their own errors."""

import numpy as np
import pytest

from smallpolaron.analysis import gates


def test_error_estimate_is_measured_by_the_accuracy():
    gate = gates.error_estimate(5e-4, 1e-3)
    assert (gate.value, gate.passed) == (0.5, True)
    assert not gates.error_estimate(1.01e-3, 1e-3).passed
    assert not gates.error_estimate(np.nan, 1e-3).passed
    with pytest.raises(ValueError, match=r"accuracy = 0"):
        gates.error_estimate(0.0, 0.0)


def test_resolvent_agreement_takes_the_largest_difference():
    gate = gates.resolvent_agreement([0.1, 0.2], [0.101, 0.198], 4e-3)
    assert gate.value == pytest.approx(0.5)
    assert gate.passed
    assert not gates.resolvent_agreement([0.1, 0.2], [0.1, 0.19], 4e-3).passed
    assert not gates.resolvent_agreement([0.1], [np.nan], 4e-3).passed
    assert gates.resolvent_agreement(0.1, 0.1, 4e-3).value == 0.0


@pytest.mark.parametrize(
    ("ours", "theirs", "allowed", "message"),
    [
        ([0.1], [0.1, 0.2], 1.0, "same numbers"),
        ([], [], 1.0, "same numbers"),
        ([0.1], [0.1], 0.0, "allowed = 0"),
    ],
)
def test_resolvent_agreement_refuses(ours, theirs, allowed, message):
    with pytest.raises(ValueError, match=message):
        gates.resolvent_agreement(ours, theirs, allowed)


def test_any_limit_touched_is_told():
    assert gates.CAPPED.judge(0.0).passed
    assert not gates.CAPPED.judge(1e-12).passed


def test_the_slope_is_bounded_by_the_velocity():
    time = np.linspace(0.0, 50.0, 11)
    a, v = 5.0, 0.009
    free = (2 * (a * v * time) ** 2, 4 * (a * v) ** 2 * time)
    gate = gates.slope_bound(*free, 2 * a * v)
    assert gate.value == pytest.approx(np.sqrt(0.5))
    assert gate.passed
    assert not gates.slope_bound(free[0], 1.5 * free[1], 2 * a * v).passed
    growing = np.exp(time) - 1
    assert not gates.slope_bound(growing, np.exp(time), 2 * a * v).passed
    assert not gates.slope_bound(free[0] - 1.0, free[1], 2 * a * v).passed
    with pytest.raises(ValueError, match="fastest"):
        gates.slope_bound(*free, 0.0)


def test_settled_measures_against_the_largest_value_on_the_way():
    running = [0.0, 0.4, 0.2, 0.05]
    gate = gates.settled(-0.05, running)
    assert gate.value == pytest.approx(0.125)
    assert not gate.passed
    assert gates.settled(1e-3, running).passed
    assert not gates.settled(np.nan, running).passed
    with pytest.raises(ValueError, match="running integral"):
        gates.settled(0.1, [0.0, 0.0])
