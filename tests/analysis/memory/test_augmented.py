"""Projectors with derivatives of the current, on correlation functions known in closed form."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from smallpolaron.analysis.hermite import cumulative_integral, make_series
from smallpolaron.analysis.memory.augmented import (
    augmented_D,
    augmented_kernel,
    augmented_scan,
    correlation_matrix,
    difference_derivatives,
)
from smallpolaron.analysis.memory.kernel import memory_kernel
from smallpolaron.analysis.memory.truncation import cutoff_scan
from smallpolaron.model.baths.bath import DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.units import CM_TO_RAD_FS
from tests.analysis.analytic_cases import ExponentialKernel, observed_order
from tests.analysis.truncated_dynamics import propagate_matrix

CASE = ExponentialKernel(
    amplitudes=(0.004 + 0.0011j, -0.0007 + 0.0005j, 0.002, 0.0006j),
    rates=(0.055 + 0.03j, 0.09 - 0.11j, 0.03 - 0.05j, 0.06),
)
UNSTABLE_WHEN_CUT = ExponentialKernel(
    drift=0.02j, amplitudes=(0.004, 0.004, 0.002), rates=(0.006 + 0.09j, 0.007 - 0.09j, 0.01)
)


def derivatives(case, step, duration, count):
    """Times, and C with its exact derivatives up to an order."""
    time = step * np.arange(round(duration / step) + 1)
    values, shares = case.modes()
    waves = np.exp(np.outer(time, values))
    return time, [waves @ (values**p * shares) for p in range(count + 1)]


def test_correlation_matrix_of_derivatives_is_that_of_the_operators():
    """Thermal average of an operator and its commutators with H, computed as such."""
    random = np.random.default_rng(1)
    H, J = (random.normal(size=(5, 5)) + 1j * random.normal(size=(5, 5)) for _ in range(2))
    H, J = H + H.conj().T, J + J.conj().T
    energies, basis = np.linalg.eigh(H)
    J = basis.conj().T @ J @ basis
    gaps = energies[:, None] - energies
    weights = np.exp(-0.3 * energies) / np.sum(np.exp(-0.3 * energies))
    operators = [(1j * gaps) ** p * J for p in range(3)]
    time = np.array([0.0, 0.2, 0.7])

    def correlation(first, second):
        waves = np.exp(1j * gaps * time[:, None, None])
        return np.einsum("tij,ji,i->t", waves * first, second, weights)

    series = [correlation((1j * gaps) ** p * J, J) for p in range(6)]
    for shift in (0, 1):
        found = correlation_matrix(series, 3, shift)
        for a, b in np.ndindex(3, 3):
            exact = correlation((1j * gaps) ** shift * operators[a], operators[b])
            assert_allclose(found[:, a, b], exact, rtol=1e-12, atol=1e-12 * abs(exact[0]))


def test_one_variable_is_the_usual_kernel():
    time, series = derivatives(CASE, 1.0, 300.0, 2)
    found, usual = augmented_kernel(time, series, 1), memory_kernel(make_series(time, *series))
    assert_allclose(found.K[:, 0, 0], usual.K, rtol=0, atol=1e-17)
    scans = augmented_scan(found), cutoff_scan(usual)
    assert_allclose(scans[0].D, scans[1].D, rtol=1e-12)
    assert np.array_equal(scans[0].growing_modes, scans[1].growing_modes)


@pytest.mark.parametrize("order", [2, 3])
def test_kernel_is_the_next_level_of_the_continued_fraction(order):
    """The level above obeys the same scalar equation, with its own kernel as the function."""
    time, series = derivatives(CASE, 0.5, 300.0, 2 * order)
    augmented = augmented_kernel(time, series, order)
    a, b = np.array(CASE.amplitudes), np.array(CASE.rates)
    level = [np.exp(-np.outer(time, b)) @ (a * (-b) ** p) for p in range(3)]
    for _ in range(order - 2):
        K = memory_kernel(make_series(time, *level)).K
        level = difference_derivatives(time, K, 2)
    expected = memory_kernel(make_series(time, *level)).K
    scale = np.max(np.abs(expected))
    assert_allclose(augmented.K[:, -1, -1], expected, rtol=0, atol=2e-6 * scale)
    top = np.max(np.abs(augmented.K[:, :-1]), axis=(0, 1))
    assert np.all(top < 1e-12 * np.max(np.abs(augmented.K[:, -1]), axis=0))


def test_kernel_vanishes_when_derivatives_span_all_modes():
    case = ExponentialKernel()
    assert case.modes()[0].size == 3
    time, series = derivatives(case, 1.0, 300.0, 8)
    kernels = [augmented_kernel(time, series, order) for order in (1, 2, 3)]
    start = [abs(kernel.K[0, -1, -1]) for kernel in kernels]
    assert start[2] < 1e-10 * start[1]
    scan = augmented_scan(kernels[2])
    assert scan.stable.all()
    assert_allclose(scan.D, case.transform(np.zeros(1))[0].real, rtol=1e-9)
    with pytest.raises(ValueError, match="of 4 projected variables has condition number"):
        augmented_kernel(time, series, 4)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_whole_kernel_gives_the_direct_integral(order):
    time, series = derivatives(CASE, 0.5, 600.0, 2 * order)
    exact = CASE.transform(np.zeros(1))[0].real
    for given in (series, series[:-1]):
        scan = augmented_scan(augmented_kernel(time, given, order))
        assert scan.stable[-1]
        assert_allclose(scan.D[-1], exact, rtol=1e-7)


@pytest.mark.parametrize(("order", "cutoff"), [(2, 20.0), (2, 80.0), (3, 40.0), (3, 80.0)])
def test_D_of_a_cut_kernel_agrees_with_long_propagation(order, cutoff):
    time, series = derivatives(CASE, 0.5, 200.0, 2 * order)
    kernel = augmented_kernel(time, series, order)
    times, C, slope = propagate_matrix(kernel, cutoff, 3000.0)
    assert abs(C[-1, 0, 0]) < 1e-8 * abs(C[0, 0, 0])
    area = cumulative_integral(make_series(times, C[:, 0, 0], slope[:, 0, 0]))[-1].real
    scan = augmented_scan(kernel)
    n = round(cutoff / 0.5)
    assert scan.stable[n]
    assert_allclose(scan.D[n], area, rtol=1e-6)
    direct = CASE.transform(np.zeros(1))[0].real
    assert abs(scan.D[n] / direct - 1.0) > 1e-4, "the cut must matter"


@pytest.mark.parametrize("case", [CASE, UNSTABLE_WHEN_CUT])
def test_unstable_cutoffs_are_those_whose_propagation_grows(case):
    time, series = derivatives(case, 1.0, 400.0, 4)
    kernel = augmented_kernel(time, series, 2)
    scan = augmented_scan(kernel)
    seen = set()
    for cutoff in range(6, 120, 12):
        _, C, _ = propagate_matrix(kernel, float(cutoff), 4000.0)
        size = np.max(np.abs(C), axis=(1, 2))
        grows = np.max(size[3000:]) > np.max(size[2000:3000])
        seen.add(bool(grows))
        assert (scan.growing_modes[cutoff] > 0) == grows, cutoff
        assert np.isnan(scan.D[cutoff]) or not grows
    assert seen == ({False} if case is CASE else {True, False})


def test_growing_modes_of_an_uncut_system_are_counted():
    """Three variables whose equation of motion without memory has chosen roots."""
    time, series = derivatives(ExponentialKernel(), 1.0, 100.0, 6)
    kernel = augmented_kernel(time, series, 3)
    roots = np.array([0.02 + 0.1j, 0.005, -0.03j - 0.04])
    drift = np.diag(np.ones(2), 1).astype(complex)
    drift[-1] = -np.poly(roots)[:0:-1]
    assert_allclose(np.sort(np.linalg.eigvals(drift)), np.sort(roots), atol=1e-12)
    still = np.zeros_like(kernel.K)
    scan = augmented_scan(replace(kernel, drift=drift, K=still, integral=still))
    assert set(scan.growing_modes) == {2}
    assert not scan.stable.any()
    assert np.isfinite(augmented_D(kernel)).all()


def test_differences_lose_one_order_per_derivative():
    """Worst at the ends, where the stencils are one-sided."""
    steps = [2.0, 1.0, 0.5]
    errors = []
    for step in steps:
        time, exact = derivatives(CASE, step, 200.0, 6)
        found = difference_derivatives(time, exact[0], 6)
        errors.append([np.max(np.abs(f - e)) for f, e in zip(found, exact, strict=True)])
    for k in range(1, 6):
        order = observed_order(steps, [error[k] for error in errors])
        assert 9 - k - 0.7 < order < 9 - k + 1.0, (k, order)
    assert observed_order(steps, [error[6] for error in errors]) > 2.0


def test_projector_with_numerical_derivatives_gives_the_same_D():
    time, series = derivatives(CASE, 0.5, 600.0, 4)
    exact = augmented_scan(augmented_kernel(time, series, 2))
    found = augmented_scan(augmented_kernel(time, difference_derivatives(time, series[0], 4), 2))
    both = exact.stable & found.stable
    assert np.sum(both) > 0.9 * both.size
    assert_allclose(found.D[both], exact.D[both], rtol=1e-4)


def test_norm_of_the_first_derivative_grows_with_the_logarithm_of_the_number_of_bath_terms():
    """Small hopping: C(t) = exp(-2 g(t)), g'' the bath correlation function, infinite at zero."""
    bath, step = DebyeBath(100 * CM_TO_RAD_FS, 50 * CM_TO_RAD_FS), 1.0
    time = step * np.arange(40)
    norms, differenced = [], []
    for terms in (10, 100, 1000):
        found = expand(bath, 300.0, "matsubara", terms=terms, terminator=False)
        c, rates = found.coefficients, found.rates
        decay = np.exp(-np.outer(time, rates))
        slope = (1.0 - decay) @ (c / rates)
        phase = np.outer(time, c / rates).sum(axis=1) - (1.0 - decay) @ (c / rates**2)
        C = np.exp(-2.0 * phase)
        d2C = (4.0 * slope**2 - 2.0 * (decay @ c)) * C
        norms.append(-d2C[0].real)
        differenced.append(-difference_derivatives(time, C, 2)[2][0].real)
    per_decade = 4.0 * bath.reorganisation_energy * bath.gamma / np.pi * np.log(10.0)
    assert_allclose(np.diff(norms), per_decade, rtol=0.06)
    # Differences over 1 fs cannot see terms that decay faster: what they give is set by the step.
    assert abs(differenced[2] - differenced[1]) < 0.1 * per_decade
    assert differenced[2] < norms[2] - 0.5 * per_decade


@pytest.mark.parametrize(
    ("rates", "shares", "message"),
    [
        ((0.2, 0.03, 0.17), (-0.9, 0.1, 1.8), "no cutoff can be tested for stability"),
        ((0.1, 0.19, 0.11), (-1.5, 0.5, 2.0), "exceeds all numbers from 249 fs on"),
    ],
)
def test_kernels_that_grow_are_told(rates, shares, message):
    """A decaying function may leave a variable of negative norm, whose kernel then grows."""
    time, poles = np.arange(401.0), -np.array(rates)
    series = [np.exp(np.outer(time, poles)) @ (shares * poles**p) for p in range(5)]
    assert correlation_matrix(series, 2)[0, 1, 1] < 0
    assert np.isfinite(augmented_scan(augmented_kernel(time, series, 1)).D[-1])
    with pytest.raises(ValueError, match=message):
        augmented_scan(augmented_kernel(time, series, 2))


def test_refusals():
    time, series = derivatives(CASE, 1.0, 100.0, 4)
    with pytest.raises(ValueError, match=r"2 derivatives of C are given: .* 2 variables needs 3"):
        augmented_kernel(time, series[:3], 2)
    with pytest.raises(ValueError, match="order = 0"):
        augmented_kernel(time, series, 0)
    with pytest.raises(ValueError, match=r"derivatives\[1\] has 100 values"):
        augmented_kernel(time, [series[0], series[1][1:], *series[2:]], 2)
    kernel = augmented_kernel(time, series, 2)
    huge = replace(kernel, K=1e12 * kernel.K)
    with pytest.raises(ValueError, match="no cutoff can be tested for stability"):
        augmented_scan(huge)
