from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad

from smallpolaron.analysis.gates import detailed_balance
from smallpolaron.analysis.hermite import make_series
from smallpolaron.analysis.kubo import kubo_transform, spectra
from smallpolaron.model.units import beta
from tests.analysis.analytic_cases import TEMPERATURE, GaussianBands, observed_order

CASE = GaussianBands()


def test_the_case_is_complex_and_asymmetric():
    data = CASE.sample(1.0, 300.0)
    assert np.max(np.abs(data.C.imag)) > 0.1 * data.C[0].real
    omega = np.array([0.06])
    assert CASE.full(omega)[0] > 4.0 * CASE.full(-omega)[0]


def test_spectra_match_the_closed_form():
    data = CASE.sample(1.0, 400.0)
    found = spectra(data.series, TEMPERATURE)
    for values, exact in (
        (found.full, CASE.full(found.omega)),
        (found.symmetrised, CASE.symmetrised(found.omega)),
        (found.kubo, CASE.kubo(found.omega)),
    ):
        assert_allclose(values, exact, rtol=0, atol=1e-9 * exact.max())


def test_spectrum_error_is_of_order_six():
    steps, errors = [4.0, 3.0, 2.0, 1.5], []
    for step in steps:
        data = CASE.sample(step, 420.0)
        found = spectra(data.series, TEMPERATURE)
        errors.append(np.max(np.abs(found.full - CASE.full(found.omega))))
    assert 5.7 < observed_order(steps, errors) < 6.5


def test_spectra_without_derivatives():
    data = CASE.sample(1.0, 400.0)
    found = spectra(make_series(data.time, data.C), TEMPERATURE)
    assert_allclose(found.full, CASE.full(found.omega), rtol=0, atol=2e-9 * found.full.max())


def test_frequency_grid_is_symmetric_about_zero():
    data = CASE.sample(1.0, 101.0)
    omega = spectra(data.series, TEMPERATURE).omega
    assert omega[omega.size // 2] == 0.0
    assert_allclose(omega, -omega[::-1], atol=1e-15)


def test_detailed_balance_holds_and_fails_for_a_flipped_imaginary_part():
    data = CASE.sample(1.0, 400.0)
    right = spectra(data.series, TEMPERATURE)
    gate = detailed_balance(right.omega, right.full, TEMPERATURE)
    assert gate.passed
    assert gate.value < 1e-10
    wrong = spectra(
        make_series(data.time, data.C.conj(), data.dC.conj(), data.d2C.conj()), TEMPERATURE
    )
    gate = detailed_balance(wrong.omega, wrong.full, TEMPERATURE)
    assert not gate.passed
    assert gate.value > 0.5


def test_detailed_balance_fails_at_another_temperature():
    data = CASE.sample(1.0, 400.0)
    found = spectra(data.series, TEMPERATURE)
    assert not detailed_balance(found.omega, found.full, 1.1 * TEMPERATURE).passed


def test_kubo_function_matches_its_spectrum():
    data = CASE.sample(1.0, 400.0)
    found = kubo_transform(data.series, TEMPERATURE)
    omega = np.linspace(-0.6, 0.6, 12001)
    spectrum = CASE.kubo(omega) * (omega[1] - omega[0]) / (2.0 * np.pi)
    phase = np.exp(-1j * np.outer(data.time, omega))
    for power, values in enumerate((found.values, found.first, found.second)):
        exact = (phase @ ((-1j * omega) ** power * spectrum)).real
        assert_allclose(values, exact, rtol=0, atol=3e-8 * np.max(np.abs(exact)))


def test_kubo_function_with_a_cusp_matches_the_time_domain_average():
    """Re C = exp(-t) type cusps have spectra that decay as omega**-2 only."""
    rate, shift, frequency = 0.02, 0.3, 0.05
    time = np.arange(801.0)
    s = complex(-rate, -frequency)
    C, dC, d2C = (s**p * np.exp(s * time) * (1 - 1j * shift) for p in range(3))
    found = kubo_transform(make_series(time, C, dC, d2C), TEMPERATURE)

    def real_part(t: float) -> float:
        t = abs(t)
        return float(((1 - 1j * shift) * np.exp(s * t)).real)

    width = beta(TEMPERATURE)

    def weight(t: float) -> float:
        # Inverse transform of tanh(x)/x, x = beta omega/2: integrable logarithm at t = 0.
        return -2.0 / (np.pi * width) * np.log(np.tanh(np.pi * abs(t) / (2.0 * width)))

    def average(t: float) -> float:
        breaks = sorted({-20 * width, 0.0, t - 1e-3, t, t + 1e-3, t + 20 * width})
        return sum(
            quad(lambda u: weight(t - u) * real_part(u), low, high, epsabs=1e-12, limit=400)[0]
            for low, high in pairwise(breaks)
        )

    # What the frequency grid leaves out, 3e-7 here, shows at time zero only.
    for index, bound in ((0, 4e-7), (1, 2e-8), (7, 2e-8), (60, 2e-8)):
        assert_allclose(found.values[index], average(float(index)), rtol=0, atol=bound)


def test_kubo_transform_keeps_the_time_integral():
    data = CASE.sample(1.0, 400.0)
    found = spectra(data.series, TEMPERATURE)
    centre = found.omega.size // 2
    assert_allclose(found.kubo[centre], found.full[centre], rtol=1e-12)


def test_kubo_zero_time_sum_rule():
    data = CASE.sample(1.0, 400.0)
    kubo = kubo_transform(data.series, TEMPERATURE)
    # C_kubo(0) is the mean of C over imaginary times 0 ... beta.
    u = 0.5 * beta(TEMPERATURE) * (np.polynomial.legendre.leggauss(40)[0])
    weights = 0.5 * np.polynomial.legendre.leggauss(40)[1]
    mean = 0.0
    for amplitude, centre in zip(CASE.weights, CASE.centres, strict=True):
        scale = amplitude * CASE.width / np.sqrt(2 * np.pi)
        mean += scale * 2 * weights @ (np.cosh(centre * u) * np.exp(0.5 * (CASE.width * u) ** 2))
    assert_allclose(kubo.values[0], mean, rtol=1e-9)


def test_too_short_a_record_is_refused():
    data = CASE.sample(1.0, 400.0)
    with pytest.raises(ValueError, match=r"time_fs ends at 20\.0 fs"):
        kubo_transform(make_series(data.time[:21], data.C[:21]), TEMPERATURE)
