import numpy as np
import pytest
from numpy.testing import assert_allclose

from smallpolaron.analysis.drude_smith import drude_smith_curve, fit_drude_smith

TIME = np.arange(0.0, 501.0)


def test_fit_recovers_the_parameters_of_its_own_form():
    found = fit_drude_smith(TIME, 4.2 * drude_smith_curve(TIME, -0.58, 0.0161))
    assert_allclose([found.c, found.k], [-0.58, 0.0161], rtol=1e-8)
    assert found.c_is_physical
    assert found.rms < 1e-10
    assert_allclose(found.dc_ratio, 1.0, rtol=1e-3)
    assert "describes" in found.verdict
    assert "trusted" not in found.verdict


def test_standard_errors_are_those_of_repeated_noise():
    rng = np.random.default_rng(7)
    clean = drude_smith_curve(TIME, -0.6, 0.02)
    fits = []
    for _ in range(60):
        noisy = clean + 0.01 * rng.standard_normal(TIME.size)
        noisy[0] = 1.0
        fits.append(fit_drude_smith(TIME, noisy))
    assert_allclose(np.std([f.c for f in fits]), fits[0].c_error, rtol=0.3)
    assert_allclose(np.std([f.k for f in fits]), fits[0].k_error, rtol=0.3)
    assert_allclose(np.mean([f.rms for f in fits]), 0.01, rtol=0.05)


def test_a_caged_oscillation_is_missed_and_the_verdict_says_so():
    data = np.exp(-0.5 * (0.03 * TIME) ** 2) * np.cos(0.045 * TIME)
    found = fit_drude_smith(TIME, data)
    residual = data - found.fitted
    assert_allclose(found.rms, np.sqrt(np.mean(residual**2)), rtol=1e-12)
    assert_allclose(found.max_residual, np.max(np.abs(residual)), rtol=1e-12)
    assert found.max_residual_fs == TIME[np.argmax(np.abs(residual))]
    assert "misses" in found.verdict
    assert "should not be trusted" in found.verdict
    assert f"at {TIME[np.argmin(data)]:g} fs in the data" in found.verdict


def test_a_poor_dc_value_is_named():
    data = np.exp(-0.5 * (0.03 * TIME) ** 2) * np.cos(0.045 * TIME)
    found = fit_drude_smith(TIME, data)
    exact = np.sum(data) - 0.5 * data[0]
    assert_allclose(found.dc_ratio, (1.0 + found.c) / found.k / exact, rtol=1e-3)
    assert abs(found.dc_ratio - 1.0) > 0.05
    assert "Do not use it for the DC mobility" in found.verdict


def test_fit_range_matters_and_is_reported():
    data = np.exp(-0.5 * (0.03 * TIME) ** 2) * np.cos(0.045 * TIME)
    found = fit_drude_smith(TIME, data, (30.0, 200.4))
    assert (found.fit_from_fs, found.fit_to_fs) == (30.0, 200.0)
    assert found.fitted.size == TIME.size
    assert abs(found.k - fit_drude_smith(TIME, data).k) > 1e-3


def test_plain_drude_is_recovered_and_drude_smith_reduces_to_it():
    found = fit_drude_smith(TIME, 2.0 * np.exp(-0.03 * TIME))
    assert_allclose(found.drude.k, 0.03, rtol=1e-8)
    assert_allclose([found.c, found.k], [0.0, 0.03], atol=1e-7)


def test_parameters_outside_the_model_are_noted_not_clipped():
    found = fit_drude_smith(TIME, drude_smith_curve(TIME, 0.7, 0.03))
    assert_allclose(found.c, 0.7, rtol=1e-6)
    assert not found.c_is_physical
    assert "outside the model's range" in found.verdict


@pytest.mark.parametrize(
    ("data", "fit_range", "message"),
    [
        (-np.exp(-0.01 * TIME), None, r"C_kubo\[0\] = -1\.0: must be positive"),
        (np.exp(-0.01 * TIME) + 0j, None, r"C_kubo is complex"),
        (np.exp(-0.01 * TIME), (0.0, 600.0), r"lie within 0 to 500 fs"),
        (np.exp(-0.01 * TIME), (200.0, 100.0), r"must increase"),
        (np.exp(-0.01 * TIME), (10.0, 15.0), r"holds 6 times"),
    ],
)
def test_malformed_input_is_refused(data, fit_range, message):
    with pytest.raises(ValueError, match=message):
        fit_drude_smith(TIME, data, fit_range)
