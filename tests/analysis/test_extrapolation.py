"""Extrapolation to infinitely many sites: exact cases, coverage of the error bar, refusals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import curve_fit

from smallpolaron.analysis.extrapolation import extrapolate
from smallpolaron.analysis.finite_size import EXTRAPOLATION_SIZES

Array = NDArray[np.float64]
Curve = Callable[[Array], Array]

SIZES = (4, 5, 6, 8, 10, 12)
N = np.array(SIZES, dtype=float)


def decaying(factor: float) -> Curve:
    return lambda n: 1.0 + 0.5 * factor**n


def inverse(n: Array) -> Array:
    return 1.0 + 0.5 / n


@pytest.mark.parametrize("factor", [-0.3, 0.3, 0.7])
def test_an_exact_exponential_gives_its_limit(factor: float) -> None:
    found = extrapolate(SIZES, decaying(factor)(N), np.full(6, 1e-4))
    assert found.chosen.form == "exponential"
    assert found.other.excluded
    assert found.D_A2_fs == pytest.approx(1.0, abs=1e-8)
    assert found.chosen.factor == pytest.approx(factor, abs=1e-6)
    assert found.chosen.amplitude_A2_fs == pytest.approx(0.5, rel=1e-4)
    assert found.chosen.length_sites == pytest.approx(-1 / np.log(abs(factor)), abs=1e-4)
    assert found.chosen.curve([6, 9]) == pytest.approx(decaying(factor)(np.array([6.0, 9.0])))
    assert found.n_sites == SIZES
    assert found.explained


def test_an_exact_inverse_gives_its_limit() -> None:
    found = extrapolate(SIZES, inverse(N), np.full(6, 1e-4))
    assert found.chosen.form == "inverse"
    assert found.other.excluded
    assert found.D_A2_fs == pytest.approx(1.0, abs=1e-10)
    assert found.chosen.amplitude_A2_fs == pytest.approx(0.5, abs=1e-9)
    assert np.isnan(found.chosen.length_sites)
    assert found.chosen.curve(N) == pytest.approx(inverse(N))


def test_the_interval_agrees_with_the_covariance_where_the_fit_is_sharp() -> None:
    errors = np.linspace(1e-5, 3e-5, 6)
    D = decaying(0.4)(N) + 1e-5 * np.array([1, -1, 0.5, -0.5, 1, -0.3])
    chosen = extrapolate(SIZES, D, errors).chosen

    def form(n: Array, limit: float, B: float, q: float) -> Array:
        return limit + B * q**n

    best, covariance = curve_fit(form, N, D, (1.0, 0.5, 0.4), errors, absolute_sigma=True)
    assert chosen.D_A2_fs == pytest.approx(best[0], abs=1e-10)
    assert chosen.half_width_A2_fs == pytest.approx(1.96 * covariance[0, 0] ** 0.5, rel=0.02)


@pytest.mark.parametrize(
    ("sizes", "curve", "noise", "largest"),
    [
        ((4, 5, 6, 8), decaying(-0.3), 0.002, 10),
        ((4, 5, 6, 8, 10, 12), decaying(-0.3), 0.002, 6),
        ((4, 5, 6, 8, 10, 12), decaying(0.7), 0.002, 6),
        ((4, 5, 6, 8, 10, 12), decaying(0.7), 0.02, 12),
        ((8, 10, 12, 16, 20), inverse, 0.002, 25),
        ((8, 10, 12, 16, 20), inverse, 0.02, 10),
    ],
)
def test_the_error_bar_covers_the_limit(
    sizes: tuple[int, ...], curve: Curve, noise: float, largest: float
) -> None:
    """At least 93 of 100 noisy ladders, with bars of at most a few times the noise."""
    random = np.random.default_rng(5)
    exact = curve(np.array(sizes, dtype=float))
    samples = [exact + noise * random.standard_normal(exact.size) for _ in range(150)]
    found = [extrapolate(sizes, D, np.full(exact.size, noise)) for D in samples]
    covered = [abs(limit.D_A2_fs - 1.0) <= limit.error_A2_fs for limit in found]
    assert np.mean(covered) >= 0.93
    assert np.median([limit.error_A2_fs for limit in found]) < largest * noise


def test_forms_that_cannot_be_told_apart_widen_the_error() -> None:
    found = extrapolate(SIZES, inverse(N), np.full(6, 2e-3))
    assert not found.other.excluded
    apart = abs(found.other.D_A2_fs - found.chosen.D_A2_fs)
    assert apart > 5 * found.chosen.half_width_A2_fs
    assert found.error_A2_fs > apart


def test_the_error_of_the_largest_size_does_not_average_out() -> None:
    errors = np.array([1e-4, 1e-4, 1e-4, 1e-4, 1e-4, 0.05])
    found = extrapolate(SIZES, decaying(-0.3)(N), errors)
    assert found.chosen.half_width_A2_fs < 0.01
    assert found.error_A2_fs > 1.95 * 0.05


def test_sizes_below_the_asymptotic_range_are_left_out() -> None:
    D = decaying(-0.3)(N) + np.where(N == 4, 0.2, 0.0)
    found = extrapolate(SIZES, D, np.full(6, 1e-4))
    assert found.n_sites == SIZES[1:]
    assert found.D_A2_fs == pytest.approx(1.0, abs=1e-6)


def test_errors_that_are_too_small_are_scaled_up() -> None:
    D = decaying(-0.3)(N) + 0.01 * np.array([1, -1, 1, 1, -1, 1])
    good, bad = (extrapolate(SIZES, D, np.full(6, size)) for size in (0.01, 1e-5))
    assert good.explained
    assert not bad.explained
    assert bad.n_sites == SIZES[-EXTRAPOLATION_SIZES:]
    assert bad.error_A2_fs > 0.005


def test_order_scale_and_offset_do_not_matter() -> None:
    D = decaying(0.6)(N) + 1e-3 * np.array([1, -1, 0.5, -0.5, 1, -0.3])
    errors = np.linspace(1e-3, 2e-3, 6)
    plain = extrapolate(SIZES, D, errors)
    turned = extrapolate(SIZES[::-1], D[::-1], errors[::-1])
    moved = extrapolate(SIZES, 7 - 3 * D, 3 * errors)
    assert (turned.chosen, turned.error_A2_fs) == (plain.chosen, plain.error_A2_fs)
    assert moved.D_A2_fs == pytest.approx(7 - 3 * plain.D_A2_fs, abs=1e-6)
    assert moved.error_A2_fs == pytest.approx(3 * plain.error_A2_fs, rel=1e-4)


@pytest.mark.parametrize(
    ("sizes", "D", "errors", "words"),
    [
        ((4, 5, 6), [1, 1, 1], [1, 1, 1], "needs 4"),
        ((4, 5, 6, 8), [1, 1, 1], [1, 1, 1, 1], "4, 3, 4 entries"),
        ((4, 5, 6, 6), [1, 1, 1, 1], [1, 1, 1, 1], "each once"),
        ((1, 5, 6, 8), [1, 1, 1, 1], [1, 1, 1, 1], "2 or more"),
        ((4.5, 5, 6, 8), [1, 1, 1, 1], [1, 1, 1, 1], "whole numbers"),
        ((4, 5, 6, 8), [1, 1, np.nan, 1], [1, 1, 1, 1], "not finite"),
        ((4, 5, 6, 8), [1, 1, 1, 1], [1, 1, 0, 1], "N = 6"),
        ((4, 5, 6, 8), [1, 1, 1j, 1], [1, 1, 1, 1], "complex"),
    ],
)
def test_what_cannot_be_extrapolated_is_refused(
    sizes: tuple[int, ...], D: list[float], errors: list[float], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        extrapolate(sizes, D, errors)
