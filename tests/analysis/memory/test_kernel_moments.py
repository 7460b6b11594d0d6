"""Moments of kernels known in closed form, from spectra, time series and noisy conductivities."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.special import erf

from smallpolaron.analysis.memory.kernel_moments import (
    conductivity_noise,
    inverse_conductivity,
    kernel_moments,
    moment_covariance,
)
from tests.analysis.truncated_dynamics import kernel_spectrum, moments_of_series

FloatArray = NDArray[np.float64]
RATE = 0.07


def lorentzian(omega: FloatArray) -> FloatArray:
    """Re K of the memory A exp(-RATE t)."""
    return 2.3 * RATE / (RATE**2 + omega**2)


def lorentzian_moments(limit: float) -> tuple[float, float]:
    angle = np.arctan(limit / RATE)
    mean = 0.5 * RATE * np.log1p((limit / RATE) ** 2) / angle
    second = RATE * limit / angle - RATE**2
    return mean, second - mean**2


def brute(function, limit: float, order: int) -> float:
    return quad(lambda w: w**order * function(w), 0.0, limit, epsabs=1e-14, epsrel=1e-12)[0]


def test_exponential_memory_at_every_limit() -> None:
    limits = [0.6, 0.1, 0.4]
    found = kernel_moments(
        np.linspace(0.0, 0.7, 701), lorentzian(np.linspace(0.0, 0.7, 701)), limits
    )
    for index, limit in enumerate(limits):
        mean, variance = lorentzian_moments(limit)
        assert found.limit[index] == limit
        assert found.mean[index] == pytest.approx(mean, rel=1e-7)
        assert found.variance[index] == pytest.approx(variance, rel=1e-7)
        assert found.norm[index] == pytest.approx(2.3 * np.arctan(limit / RATE), rel=1e-7)
    assert found.negative_share == 0.0


def test_gaussian_memory_and_its_higher_moments() -> None:
    width, centre, limit = 0.06, 0.12, 0.5

    def spectrum(w):
        return np.exp(-((w - centre) ** 2) / (2 * width**2)) + np.exp(
            -((w + centre) ** 2) / (2 * width**2)
        )

    # Uneven on purpose, with nothing at zero frequency: Re K is even.
    omega = 0.5 * (np.arange(1, 602) / 601) ** 1.3
    found = kernel_moments(omega, 7.0 * spectrum(omega), [limit])
    norm = brute(spectrum, limit, 0)
    assert norm == pytest.approx(
        width
        * np.sqrt(np.pi / 2)
        * (erf((limit - centre) / width / np.sqrt(2)) + erf((limit + centre) / width / np.sqrt(2))),
        rel=1e-9,
    )
    raw = [brute(spectrum, limit, n) / norm for n in range(5)]
    assert found.raw[0] == pytest.approx(raw, rel=1e-7)
    mean, variance = raw[1], raw[2] - raw[1] ** 2
    third = brute(lambda w: (w - mean) ** 3 * spectrum(w), limit, 0) / norm
    fourth = brute(lambda w: (w - mean) ** 4 * spectrum(w), limit, 0) / norm
    assert found.skewness[0] == pytest.approx(third / variance**1.5, rel=1e-5)
    assert found.kurtosis[0] == pytest.approx(fourth / variance**2, rel=1e-5)


def test_fourth_order_in_the_distance_of_the_frequencies() -> None:
    exact = lorentzian_moments(0.4)[0]

    def error(points: int) -> float:
        omega = np.linspace(0.0, 0.4, points)
        return abs(float(kernel_moments(omega, lorentzian(omega), [0.4]).mean[0]) - exact)

    assert 10.0 < error(41) / error(81) < 40.0


def test_limits_between_the_frequencies() -> None:
    omega = np.linspace(0.0, 0.7, 351)
    found = kernel_moments(omega, lorentzian(omega), [0.3333, 0.33333])
    for index, limit in enumerate((0.3333, 0.33333)):
        assert found.mean[index] == pytest.approx(lorentzian_moments(limit)[0], rel=1e-7)


def exponential_memory(time: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """C(t), C', C'' of dC/dt = -A integral of exp(-RATE s) C(t - s) ds, C(0) = 3."""
    A = 0.01
    roots = np.roots([1.0, RATE, A])
    weights = 3.0 * (roots + RATE) / (2 * roots + RATE)
    terms = [weights * roots**n * np.exp(np.outer(time, roots)) for n in range(3)]
    values = [np.sum(term, axis=1).real for term in terms]
    return values[0], values[1], values[2]


@pytest.mark.parametrize("exact", [True, False])
def test_from_a_time_series(exact: bool) -> None:
    time = np.arange(0.0, 600.5)
    C, dC, d2C = exponential_memory(time)
    derivatives = (dC, d2C) if exact else (None, None)
    found = moments_of_series(time, C, [0.2, 0.4], *derivatives)
    for index, limit in enumerate((0.2, 0.4)):
        mean, variance = lorentzian_moments(limit)
        assert found.mean[index] == pytest.approx(mean, rel=2e-6)
        assert found.variance[index] == pytest.approx(variance, rel=2e-6)


def conductivity(omega: FloatArray) -> NDArray[np.complex128]:
    time = np.arange(0.0, 600.5)
    K = kernel_spectrum(time, exponential_memory(time)[0], omega)
    return 17.0 / (K - 1j * omega)


def test_unit_and_sign_convention_of_a_conductivity_do_not_matter() -> None:
    omega = np.linspace(0.0, 0.5, 401)
    sigma = conductivity(omega)
    first = kernel_moments(omega, inverse_conductivity(sigma), [0.4])
    other = kernel_moments(omega, inverse_conductivity(1e6 * sigma.conj()), [0.4])
    mean, variance = lorentzian_moments(0.4)
    for found in (first, other):
        assert found.mean[0] == pytest.approx(mean, rel=1e-6)
        assert found.variance[0] == pytest.approx(variance, rel=1e-6)


def test_noise_is_estimated_and_propagated() -> None:
    rng = np.random.default_rng(5)
    omega = np.linspace(0.003, 0.42, 300)
    sigma = conductivity(omega)
    level = 2e-3 * float(np.max(np.abs(sigma)))
    runs, scatter = [], []
    for _ in range(300):
        noisy = sigma + level * (rng.normal(size=300) + 1j * rng.normal(size=300))
        found = kernel_moments(omega, inverse_conductivity(noisy), [0.4])
        runs.append([float(found.mean[0]), float(found.variance[0])])
        scatter.append(conductivity_noise(omega, noisy))
    assert np.mean(scatter) == pytest.approx(level, rel=0.1)
    claimed = moment_covariance(omega, sigma, np.full(300, level), 0.4)
    seen = np.cov(np.array(runs).T)
    assert np.sqrt(np.diag(claimed)) == pytest.approx(np.sqrt(np.diag(seen)), rel=0.15)
    correlation = seen[0, 1] / np.sqrt(seen[0, 0] * seen[1, 1])
    assert claimed[0, 1] / np.sqrt(claimed[0, 0] * claimed[1, 1]) == pytest.approx(
        correlation, abs=0.1
    )
    offset = np.mean(runs, axis=0) - lorentzian_moments(0.4)
    assert np.all(np.abs(offset) < 4 * np.sqrt(np.diag(seen) / 300) + 1e-5)


def test_negative_spectrum_is_told_apart() -> None:
    omega = np.linspace(0.0, 0.5, 501)
    spectrum = lorentzian(omega) - 0.5
    found = kernel_moments(omega, spectrum, [0.5])
    step = np.linspace(0.0, 0.5, 200001)
    fine = lorentzian(step) - 0.5
    share = np.maximum(-fine, 0.0).sum() / np.abs(fine).sum()
    assert found.negative_share == pytest.approx(share, rel=1e-3)


GRID = np.linspace(0.0, 0.5, 101)


@pytest.mark.parametrize(
    ("omega", "spectrum", "limits", "message"),
    [
        (GRID, lorentzian(GRID), [0.6], "ends at 0.5 rad/fs, before the limit"),
        (GRID, lorentzian(GRID), [0.0], "above 0"),
        (GRID, lorentzian(GRID), [], "above 0"),
        (GRID, lorentzian(GRID), [0.03], "7 frequencies up to 0.03"),
        (GRID[10:], lorentzian(GRID[10:]), [0.4], "omega begins at 0.05"),
        (GRID - 0.1, lorentzian(GRID), [0.4], "negative"),
        (GRID[::-1], lorentzian(GRID), [0.4], "must increase"),
        (GRID, -lorentzian(GRID), [0.4], "not positive"),
        (GRID, lorentzian(GRID)[1:], [0.4], "spectrum has 100 values"),
        (GRID, np.where(GRID > 0.2, np.nan, 1.0), [0.4], "not finite"),
    ],
)
def test_what_is_refused(omega, spectrum, limits, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kernel_moments(omega, spectrum, limits)


def test_conductivities_that_are_refused() -> None:
    with pytest.raises(ValueError, match=r"sigma\[1\] = 0"):
        inverse_conductivity([1.0, 0.0])
    with pytest.raises(ValueError, match="8 or more"):
        conductivity_noise([0.1, 0.2], [1.0, 2.0])
    with pytest.raises(ValueError, match="negative standard error"):
        moment_covariance(GRID, conductivity(GRID), np.full(101, -1.0), 0.4)
