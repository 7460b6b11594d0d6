import numpy as np
import pytest
from numpy.testing import assert_allclose

from smallpolaron.analysis.fits.drude_smith import fit_drude_smith
from tests.analysis.truncated_dynamics import drude_smith_curve

TIME = np.arange(0.0, 501.0)


def test_fit_recovers_the_parameters_of_its_own_form():
    long = np.arange(0.0, 2001.0)
    found = fit_drude_smith(long, 4.2 * drude_smith_curve(long, -0.58, 0.0161))
    assert_allclose([found.c, found.k], [-0.58, 0.0161], rtol=1e-8)
    assert_allclose([found.free_c, found.free_k], [-0.58, 0.0161], rtol=1e-8)
    assert found.residual < 1e-10
    assert_allclose(found.dc_ratio, 1.0, rtol=1e-8)
    assert "describes" in found.verdict
    assert "trusted" not in found.verdict
    assert "Without limits" not in found.verdict


def test_standard_errors_are_those_of_repeated_noise():
    rng = np.random.default_rng(7)
    clean = drude_smith_curve(TIME, -0.6, 0.02)
    fits = []
    for _ in range(40):
        noisy = clean + 0.01 * rng.standard_normal(TIME.size)
        noisy[0] = 1.0
        fits.append(fit_drude_smith(TIME, noisy))
    assert_allclose(np.std([f.c for f in fits]), fits[0].c_error, rtol=0.3)
    assert_allclose(np.std([f.k for f in fits]), fits[0].k_error, rtol=0.3)
    assert_allclose(np.mean([f.residual for f in fits]), 0.01, rtol=0.05)


def caged():
    """Gaussian start, negative well and slow return, as in a small-polaron former."""
    return np.exp(-0.5 * (0.03 * TIME) ** 2) * np.cos(0.045 * TIME)


def test_a_caged_oscillation_is_missed_and_the_verdict_says_so():
    data = caged()
    found = fit_drude_smith(TIME, data)
    residual = data - found.fit
    assert -1.0 < found.c < 0.0
    assert_allclose(found.residual, np.sqrt(np.mean(residual**2)), rtol=1e-12)
    assert_allclose(found.residual_max, np.max(np.abs(residual)), rtol=1e-12)
    spread = np.sum((data - data.mean()) ** 2)
    assert_allclose(found.r_squared, 1.0 - np.sum(residual**2) / spread)
    assert "misses" in found.verdict
    assert "should not be trusted" in found.verdict
    assert f"at {TIME[np.argmin(data)]:g} fs in the data" in found.verdict
    assert f"at {TIME[np.argmin(found.fit)]:g} fs in the fit" in found.verdict


def test_a_longer_record_does_not_improve_the_verdict():
    long = np.arange(0.0, 3001.0)
    data = np.exp(-0.5 * (0.03 * long) ** 2) * np.cos(0.045 * long)
    found = fit_drude_smith(long, data)
    short = fit_drude_smith(TIME, caged())
    assert found.residual < 0.6 * short.residual
    assert_allclose([found.c, found.k], [short.c, short.k], rtol=1e-4)
    assert "misses" in found.verdict


@pytest.mark.parametrize(
    ("size", "words"), [(0.02, "describes"), (0.06, "overall shape"), (0.2, "misses")]
)
def test_verdict_grows_with_the_misfit(size, words):
    bump = size * np.exp(-(((TIME - 60.0) / 6.0) ** 2))
    assert words in fit_drude_smith(TIME, drude_smith_curve(TIME, -0.5, 0.02) + bump).verdict


def test_the_fit_is_the_least_squares_optimum_within_the_range():
    data = caged()
    found = fit_drude_smith(TIME, data)
    for c in (found.c - 0.01, found.c, found.c + 0.01):
        for k in (0.99 * found.k, found.k, 1.01 * found.k):
            rms = np.sqrt(np.mean((data - drude_smith_curve(TIME, c, k)) ** 2))
            assert rms >= found.residual


def test_a_poor_dc_value_is_named():
    found = fit_drude_smith(TIME, caged())
    exact = np.sum(caged()) - 0.5
    assert_allclose(found.dc_ratio, (1.0 + found.c) / found.k / exact, rtol=1e-3)
    assert abs(found.dc_ratio - 1.0) > 0.05
    assert "Do not use it for the DC mobility" in found.verdict


def test_fit_range_matters_and_is_reported():
    data = caged()
    found = fit_drude_smith(TIME, data, (30.0, 200.4))
    assert (found.fit_from_fs, found.fit_to_fs) == (30.0, 200.0)
    assert found.fit.size == TIME.size
    assert abs(found.k / fit_drude_smith(TIME, data).k - 1.0) > 0.02


def test_plain_drude_is_recovered_and_drude_smith_reduces_to_it():
    found = fit_drude_smith(TIME, 2.0 * np.exp(-0.03 * TIME))
    assert_allclose(found.drude_k, 0.03, rtol=1e-8)
    assert_allclose([found.c, found.k], [0.0, 0.03], atol=1e-6)


def test_an_unphysical_optimum_is_reported_beside_the_physical_one():
    found = fit_drude_smith(TIME, drude_smith_curve(TIME, 0.7, 0.03))
    assert_allclose([found.free_c, found.free_k], [0.7, 0.03], rtol=1e-8)
    assert found.free_residual < 1e-10
    assert -1.0 < found.c < 0.0
    assert found.residual > 0.01
    assert "prefers c = 0.7" in found.verdict


def test_c_at_the_limit_of_its_range_has_no_error():
    data = drude_smith_curve(TIME, -1.4, 0.03)
    found = fit_drude_smith(TIME, data)
    assert found.c == -1.0
    assert np.isnan(found.c_error)
    assert_allclose([found.free_c, found.free_k], [-1.4, 0.03], rtol=1e-8)
    for k in (0.999 * found.k, 1.001 * found.k):
        assert np.sqrt(np.mean((data - drude_smith_curve(TIME, -1.0, k)) ** 2)) > found.residual
    assert "at the limit of its range, -1" in found.verdict


def test_a_constant_cannot_be_fitted():
    with pytest.raises(ValueError, match=r"no decay rate fits"):
        fit_drude_smith(TIME, np.ones(TIME.size))


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
