import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.signal import lfilter

from smallpolaron.analysis.fits.model_fits import effective_points, reach, standard_errors

TIME = np.arange(0.0, 601.0, 2.0)


def caged(time):
    """Gaussian start and a well."""
    return np.exp(-0.5 * (0.03 * time) ** 2) * np.cos(0.045 * time)


def test_effective_points_of_noise():
    rng = np.random.default_rng(0)
    assert effective_points(rng.standard_normal(20000)) == pytest.approx(20000, rel=0.05)
    two = rng.standard_normal((2, 10000))
    assert effective_points(two) == pytest.approx(20000, rel=0.05)
    memory = lfilter([0.6], [1.0, -0.8], rng.standard_normal(20000))
    assert effective_points(memory) == pytest.approx(20000 / 9, rel=0.25)


def test_a_tail_of_zeros_adds_no_points():
    smooth = caged(TIME)
    padded = np.concatenate([smooth, np.zeros(5000)])
    assert effective_points(padded) == pytest.approx(effective_points(smooth), rel=1e-6)
    assert 1.0 < effective_points(smooth) < 10.0
    finer = caged(np.arange(0.0, 601.0, 0.25))
    assert effective_points(finer) == pytest.approx(effective_points(smooth), rel=0.02)
    assert effective_points(np.zeros(7)) == 7.0


def test_standard_errors_are_those_of_a_straight_line():
    x = np.linspace(-1.0, 2.0, 40)
    slopes = np.stack([np.ones_like(x), x], axis=1)
    found = standard_errors(slopes, squares=0.5, effective=12.0)
    spread = np.sum((x - x.mean()) ** 2)
    expected = [0.05 * (1 / 40 + x.mean() ** 2 / spread), 0.05 / spread]
    assert_allclose(found, np.sqrt(expected))
    assert reach(1e6, 2) == pytest.approx(1.96, abs=1e-3)
    assert reach(3.0, 5) == pytest.approx(12.706, abs=1e-3)


def test_what_the_curve_cannot_tell_has_no_finite_error():
    x = np.linspace(0.0, 1.0, 30)
    same = np.stack([x, 2.0 * x, np.ones_like(x), 0.0 * x], axis=1)
    found = standard_errors(same, 1.0, 30.0)
    assert np.all(np.isinf(found[[0, 1, 3]]))
    assert np.isfinite(found[2])
