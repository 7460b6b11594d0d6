import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad

from smallpolaron.analysis.fits.conductivity_models import (
    DRUDE,
    DRUDE_LORENTZ,
    DRUDE_SMITH,
    DRUDE_SMITH_2,
    DRUDE_SMITH_3,
    MODELS,
    MODIFIED_DRUDE_SMITH,
)

TIME = np.linspace(0.0, 400.0, 1201)
OMEGA = np.array([-0.31, -0.047, -0.002, 0.0, 0.0113, 0.052, 0.4])

EXAMPLES = [
    (DRUDE, (0.03,)),
    (DRUDE_SMITH, (0.016, -0.58)),
    (DRUDE_SMITH_2, (0.05, -0.9, 0.4)),
    (DRUDE_SMITH_3, (0.05, -0.3, -0.7, 0.6)),
    (MODIFIED_DRUDE_SMITH, (0.08, 0.01, -0.7)),
    (MODIFIED_DRUDE_SMITH, (0.02, 0.09, -0.4)),
    (DRUDE_LORENTZ, (0.02, 0.05, 0.03, 0.35)),
    (DRUDE_LORENTZ, (0.02, 0.05, 0.4, 0.35)),
]


def transform(function, omega):
    """Independent route: adaptive quadrature of both parts."""
    parts = [
        quad(function, 0.0, 4000.0, weight=weight, wvar=omega, limit=400, epsabs=1e-10)[0]
        for weight in ("cos", "sin")
    ]
    return complex(*parts)


@pytest.mark.parametrize(("model", "values"), EXAMPLES)
def test_time_and_frequency_are_a_transform_pair(model, values):
    expected = [transform(lambda t: model.time([t], values)[0], w) for w in OMEGA]
    found = model.frequency(OMEGA, values)
    assert_allclose(found, expected, rtol=0, atol=1e-7)
    assert np.abs(found.imag).max() > 1.0
    assert_allclose(model.dc(values), found[3].real, rtol=1e-14)


@pytest.mark.parametrize(("model", "values"), EXAMPLES)
def test_every_model_starts_at_one(model, values):
    assert model.time([0.0], values)[0] == pytest.approx(1.0, abs=1e-15)
    far = 1e4
    assert -1j * far * model.frequency([far], values)[0] == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(("model", "values"), EXAMPLES)
def test_negative_frequencies_give_the_conjugate(model, values):
    assert_allclose(model.frequency(-OMEGA, values), model.frequency(OMEGA, values).conj())


def test_drude_smith_is_the_printed_formula():
    k, c = 0.0161, -0.58
    assert_allclose(DRUDE_SMITH.time(TIME, (k, c)), (1 + c * k * TIME) * np.exp(-k * TIME))
    tau = 1 / k
    lorentz = 1 / (1 - 1j * OMEGA * tau)
    assert_allclose(DRUDE_SMITH.frequency(OMEGA, (k, c)), tau * lorentz * (1 + c * lorentz))


def test_modified_drude_smith_is_the_printed_formula():
    k, q, c = 0.04, 0.007, -0.83
    tau, t_diff = 1 / k, 1 / q
    expected = tau / (1 - 1j * OMEGA * tau) * (1 + c / (1 - 1j * OMEGA * t_diff))
    assert_allclose(MODIFIED_DRUDE_SMITH.frequency(OMEGA, (k, q, c)), expected)


def test_the_series_reduces_term_by_term():
    k, c1, c2 = 0.03, -0.7, 0.45
    assert_allclose(
        DRUDE_SMITH_3.time(TIME, (k, c1, c2, 0.0)), DRUDE_SMITH_2.time(TIME, (k, c1, c2))
    )
    assert_allclose(DRUDE_SMITH_2.time(TIME, (k, c1, 0.0)), DRUDE_SMITH.time(TIME, (k, c1)))
    assert_allclose(DRUDE_SMITH.time(TIME, (k, 0.0)), DRUDE.time(TIME, (k,)))
    assert_allclose(
        DRUDE_SMITH_3.frequency(OMEGA, (k, c1, 0.0, 0.0)), DRUDE_SMITH.frequency(OMEGA, (k, c1))
    )


@pytest.mark.parametrize("gap", [0.0, 1e-13, -1e-9, 1e-6, -1e-4])
def test_the_modified_model_meets_drude_smith_where_its_rates_meet(gap):
    k, c = 0.02, -0.6
    found = MODIFIED_DRUDE_SMITH.time(TIME, (k, k * (1 + gap), c))
    assert_allclose(found, DRUDE_SMITH.time(TIME, (k, c)), atol=abs(gap) + 1e-13)


def test_without_restoring_current_the_modified_model_is_drude():
    found = MODIFIED_DRUDE_SMITH.frequency(OMEGA, (0.02, 0.3, 0.0))
    assert_allclose(found, DRUDE.frequency(OMEGA, (0.02,)))


def test_a_fast_restoring_current_only_rescales_drude():
    found = MODIFIED_DRUDE_SMITH.frequency(OMEGA, (0.02, 1e5, -0.4))
    assert_allclose(found, 0.6 * DRUDE.frequency(OMEGA, (0.02,)), rtol=1e-5)


def test_exchanged_exponentials_give_the_same_curve():
    values = (0.01, 0.08, -0.95)
    assert MODIFIED_DRUDE_SMITH.twin is not None
    twin = MODIFIED_DRUDE_SMITH.twin(values)
    assert twin[:2] == (0.08, 0.01)
    assert -1.0 <= twin[2] <= 0.0
    assert_allclose(
        MODIFIED_DRUDE_SMITH.time(TIME, twin), MODIFIED_DRUDE_SMITH.time(TIME, values), atol=1e-14
    )


@pytest.mark.parametrize("c", [-1.0, -0.4, 0.0])
def test_drude_smith_is_a_special_drude_lorentz(c):
    k = 0.025
    values = (k, k, 2 * k, 1 + c)
    assert_allclose(DRUDE_LORENTZ.time(TIME, values), DRUDE_SMITH.time(TIME, (k, c)), atol=1e-7)
    assert_allclose(
        DRUDE_LORENTZ.frequency(OMEGA, values), DRUDE_SMITH.frequency(OMEGA, (k, c)), atol=1e-12
    )


@pytest.mark.parametrize(("model", "values"), EXAMPLES)
def test_models_contain_the_simpler_ones_they_name(model, values):
    for outer in MODELS:
        if outer.inner is not None and outer.inner.model is model:
            embedded = outer.inner.embed(values)
            assert_allclose(outer.time(TIME, embedded), model.time(TIME, values), atol=1e-12)
            found = outer.frequency(OMEGA, embedded)
            assert_allclose(found, model.frequency(OMEGA, values), atol=1e-11)


def test_only_drude_contains_none():
    inner = {outer.name: outer.inner.model.name for outer in MODELS if outer.inner}
    assert inner == {
        "drude_smith": "drude",
        "drude_smith_2": "drude_smith",
        "drude_smith_3": "drude_smith_2",
        "modified_drude_smith": "drude_smith",
        "drude_lorentz": "modified_drude_smith",
    }


def test_the_oscillator_alone_carries_no_direct_current_and_obeys_its_equation_of_motion():
    omega_0, gamma = 0.05, 0.02
    values = (0.7, omega_0, gamma, 0.0)
    assert DRUDE_LORENTZ.dc(values) == 0.0
    t = np.linspace(0.0, 300.0, 30001)
    velocity = DRUDE_LORENTZ.time(t, values)
    position = np.concatenate([[0.0], np.cumsum((velocity[1:] + velocity[:-1]) / 2) * t[1]])
    force = np.gradient(velocity, t[1]) + gamma * velocity + omega_0**2 * position
    assert_allclose(force[1:-1], 0.0, atol=1e-7)


def test_strong_damping_and_long_times_do_not_overflow():
    found = DRUDE_LORENTZ.time([0.0, 1e3, 1e6], (0.01, 0.02, 50.0, 0.2))
    assert np.all(np.isfinite(found))
    assert np.all(np.isfinite(MODIFIED_DRUDE_SMITH.time([1e6], (30.0, 1e-4, -1.0))))


@pytest.mark.parametrize(
    ("model", "values", "message"),
    [
        (DRUDE_SMITH, (0.02, 0.1), r"c = 0\.1: must lie within -1 to 0"),
        (DRUDE_SMITH, (0.02,), r"1 values given, needed are k, c"),
        (DRUDE, (0.0,), r"drude: k = 0\.0: must be a finite number above 0"),
        (DRUDE_LORENTZ, (0.1, 0.1, -0.1, 0.5), r"gamma = -0\.1"),
        (DRUDE_LORENTZ, (0.1, 0.1, 0.1, 1.5), r"f = 1\.5"),
    ],
)
def test_values_outside_the_model_are_refused(model, values, message):
    with pytest.raises(ValueError, match=message):
        model.time(TIME, values)


def test_parameters_have_names_units_and_ranges():
    for model in MODELS:
        assert len({p.name for p in model.parameters}) == len(model.parameters)
        assert {p.units for p in model.rates} == {"fs^-1"}
        assert {p.units for p in model.shares} <= {"1"}
        assert all(p.low < p.high for p in model.parameters)
    assert len({model.name for model in MODELS}) == len(MODELS)
