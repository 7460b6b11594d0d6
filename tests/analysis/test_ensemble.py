"""Averages over members: exact means, coverage of the intervals, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from smallpolaron.analysis.ensemble import LEAST_MEMBERS, mean, ratio, spread

CASES = 2000
"""Ensembles per coverage; the standard error of 0.95 is then 0.005."""

Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]
DRAWS: dict[str, tuple[Draw, float]] = {
    "normal": (lambda random, shape: 3.0 + random.normal(size=shape), 3.0),
    "exponential": (lambda random, shape: random.exponential(size=shape), 1.0),
    "lognormal": (lambda random, shape: random.lognormal(0.0, 0.5, shape), float(np.exp(0.125))),
}


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("members", [8, 32])
def test_the_interval_covers_the_mean_as_often_as_it_says(name: str, members: int) -> None:
    draw, exact = DRAWS[name]
    found = mean(draw(np.random.default_rng(members), (members, CASES)))
    covered = np.mean((found.low <= exact) & (exact <= found.high))
    assert 0.92 < covered < 0.97, covered


def test_it_covers_a_skewed_mean_more_often_than_percentiles_do() -> None:
    from scipy.stats import bootstrap

    random = np.random.default_rng(3)
    data = random.lognormal(0.0, 1.0, (16, 300))
    exact = float(np.exp(0.5))
    found = mean(data)
    plain = bootstrap(
        (data,), np.mean, axis=0, method="percentile", n_resamples=499, rng=random
    ).confidence_interval
    ours = np.mean((found.low <= exact) & (exact <= found.high))
    theirs = np.mean((plain.low <= exact) & (exact <= plain.high))
    assert ours > theirs + 0.03


def test_the_interval_of_a_skewed_mean_is_skewed() -> None:
    data = np.random.default_rng(8).exponential(size=(32, CASES))
    found = mean(data)
    above, below = np.median(found.high - found.value), np.median(found.value - found.low)
    assert above > 1.2 * below
    mirrored = mean(-data)
    np.testing.assert_allclose(mirrored.value, -found.value)
    assert np.median(mirrored.value - mirrored.low) > 1.2 * np.median(
        mirrored.high - mirrored.value
    )


def test_the_interval_of_a_ratio_covers_it() -> None:
    random = np.random.default_rng(11)
    x = 1.0 + random.exponential(size=(32, CASES))
    y = 0.5 * x + 0.5 + 0.3 * random.normal(size=x.shape)
    found = ratio(y, x)
    covered = np.mean((found.low <= 0.75) & (found.high >= 0.75))  # (0.5 * 2 + 0.5) / 2
    assert 0.93 < covered < 0.97, covered
    np.testing.assert_allclose(found.value, y.sum(axis=0) / x.sum(axis=0))


def test_it_moves_and_scales_with_the_data() -> None:
    data = np.random.default_rng(1).lognormal(size=(12, 3, 5))
    found, moved = mean(data), mean(7.0 - 2.0 * data)
    np.testing.assert_allclose(moved.value, 7.0 - 2.0 * found.value)
    wide, plain = moved.high - moved.low, found.high - found.low
    np.testing.assert_allclose(wide, 2.0 * plain, rtol=1e-6)
    assert found.value.shape == (3, 5)


@pytest.mark.parametrize("members", [2, 3, 5])
def test_few_members_get_the_interval_of_student(members: int) -> None:
    data = np.random.default_rng(members).normal(2.0, 1.0, (members, 50))
    found = mean(data)
    student = stats.t.interval(0.95, members - 1, loc=data.mean(axis=0), scale=stats.sem(data))
    np.testing.assert_allclose([found.low, found.high], student)
    tripled = ratio(3.0 * data, np.ones_like(data))
    np.testing.assert_allclose(tripled.high, 3.0 * student[1])


def test_members_of_which_most_agree_get_the_interval_of_student() -> None:
    data = np.array([2.0, 2.0, 2.0, 2.0, 2.0, 3.0])
    mixed = np.column_stack([data, np.random.default_rng(1).normal(2.0, 1.0, 6)])
    found = mean(mixed)
    student = stats.t.interval(0.95, 5, loc=data.mean(), scale=stats.sem(data))
    np.testing.assert_allclose([found.low[0], found.high[0]], student)
    alone = mean(mixed[:, 1])
    assert (found.low[1], found.high[1]) == (alone.low, alone.high)


def test_members_that_agree_have_no_interval() -> None:
    found = mean(np.full((5, 2), 0.1))
    np.testing.assert_array_equal(found.low, found.value)
    np.testing.assert_array_equal(found.high, found.value)


def test_small_differences_keep_their_digits() -> None:
    noise = np.random.default_rng(2).normal(size=(32, 50))
    found, plain = mean(1.0 + 1e-9 * noise), mean(noise)
    np.testing.assert_allclose(
        found.high - found.value, 1e-9 * (plain.high - plain.value), rtol=1e-5
    )


def test_the_same_members_give_the_same_interval() -> None:
    data = np.random.default_rng(4).normal(size=(9, 4600))  # more columns than one part
    found, again, part = mean(data), mean(data), mean(data[:, 4500:])
    np.testing.assert_array_equal(found.low, again.low)
    np.testing.assert_allclose(found.low[4500:], part.low, rtol=1e-12)


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match=f"1 members: at least {LEAST_MEMBERS}"):
        mean(np.ones((1, 4)))
    with pytest.raises(ValueError, match="not finite"):
        mean([1.0, 2.0, np.nan, 3.0])
    with pytest.raises(ValueError, match="must agree"):
        ratio(np.ones((4, 2)), np.ones((4, 3)))


def test_spread_counts_the_members_with_a_value() -> None:
    assert spread([1.0, np.nan, 3.0]) == pytest.approx(np.sqrt(2.0))
    assert np.isnan(spread([1.0, np.nan]))
