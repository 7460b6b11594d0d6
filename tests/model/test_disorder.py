"""Draws of static disorder: distributions, independence, and exact values by another route."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import expon, kstest, norm, spearmanr, uniform

from smallpolaron.model.disorder import Distribution, standard_draws

COUNT = 20_000
EXACT = {
    "normal": (norm.cdf, 0.0, 1.0),
    "uniform": (uniform(loc=-0.5).cdf, 0.0, 1.0 / math.sqrt(12.0)),
    "exponential": (lambda x: 1.0 - expon.cdf(-x), -1.0, 1.0),
}


@pytest.mark.parametrize("name", EXACT)
def test_distribution(name: Distribution) -> None:
    draws = standard_draws(name, "site_energies", seed=5, member=17, count=COUNT)
    cdf, mean, deviation = EXACT[name]
    assert kstest(draws, cdf).pvalue > 0.01
    assert np.mean(draws) == pytest.approx(mean, abs=4 * deviation / math.sqrt(COUNT))
    assert np.std(draws) == pytest.approx(deviation, rel=0.03)


def test_support() -> None:
    even = standard_draws("uniform", "hopping", seed=0, member=0, count=COUNT)
    assert -0.5 < even.min() < -0.4999
    assert 0.4999 < even.max() < 0.5
    assert standard_draws("exponential", "hopping", seed=0, member=0, count=COUNT).max() < 0.0


MULTIPLIER = 47026247687942121848144207491837523525
"""Of PCG64, as published (O'Neill 2014); the generator below is written from that description."""


def pcg64(state: int, increment: int, count: int) -> list[int]:
    """Return 64-bit words of PCG XSL RR 128/64 from its state."""
    words, mask = [], 2**128 - 1
    for _ in range(count):
        state = (state * MULTIPLIER + increment) & mask
        folded, turn = ((state >> 64) ^ state) & (2**64 - 1), state >> 122
        words.append(((folded >> turn) | (folded << (64 - turn))) & (2**64 - 1) if turn else folded)
    return words


@pytest.mark.parametrize(("quantity", "stream"), [("site_energies", 0), ("hopping", 1)])
def test_values_by_another_route(quantity: str, stream: int) -> None:
    source = np.random.SeedSequence([2024, 31], spawn_key=(stream,))
    inner = np.random.PCG64(source).state["state"]
    even = [(word // 2**12 + 0.5) / 2**52 for word in pcg64(inner["state"], inner["inc"], 6)]

    def draws(name: Distribution) -> np.ndarray:
        return standard_draws(name, quantity, seed=2024, member=31, count=6)  # type: ignore[arg-type]

    np.testing.assert_array_equal(draws("uniform"), [u - 0.5 for u in even])
    np.testing.assert_allclose(draws("exponential"), [math.log(u) for u in even], rtol=1e-14)
    normal = [NormalDist().inv_cdf(u) for u in even]
    np.testing.assert_allclose(draws("normal"), normal, rtol=1e-9, atol=1e-12)


PINNED = [0.09674908158515405, -0.2686052819945305, 0.49254473893140116]


def test_pinned_values() -> None:
    """Values that no version of any library may change: they name computed files."""
    draws = standard_draws("uniform", "site_energies", seed=1, member=2, count=3)
    np.testing.assert_allclose(draws, PINNED, rtol=0, atol=1e-15)


def test_a_longer_series_begins_with_the_shorter_one() -> None:
    short, long = (
        standard_draws("normal", "hopping", seed=3, member=1, count=count) for count in (5, 50)
    )
    np.testing.assert_array_equal(long[:5], short)


def test_seed_member_and_quantity_give_streams_of_their_own() -> None:
    def series(quantity: str, seed: int, member: int) -> np.ndarray:
        return standard_draws("normal", quantity, seed=seed, member=member, count=2000)  # type: ignore[arg-type]

    keys = [("site_energies", 1, 0), ("hopping", 1, 0), ("site_energies", 0, 1)]
    keys += [("site_energies", 1, 1), ("site_energies", 0, 0), ("site_energies", 2**32 - 1, 0)]
    found = np.corrcoef([series(*key) for key in keys])
    assert np.max(np.abs(found - np.eye(len(keys)))) < 0.1


def test_all_distributions_rank_alike() -> None:
    shapes: tuple[Distribution, ...] = ("normal", "uniform", "exponential")
    series = [standard_draws(s, "hopping", seed=4, member=2, count=100) for s in shapes]
    np.testing.assert_allclose(spearmanr(np.transpose(series)).statistic, 1.0)


def test_unknown_distribution() -> None:
    with pytest.raises(ValueError, match="allowed: normal, uniform, exponential"):
        standard_draws("cauchy", "hopping", seed=0, member=0, count=1)  # type: ignore[arg-type]
