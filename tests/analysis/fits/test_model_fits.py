import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import simpson

from smallpolaron.analysis.fits.conductivity_models import (
    DRUDE,
    DRUDE_LORENTZ,
    DRUDE_SMITH,
    DRUDE_SMITH_2,
    DRUDE_SMITH_3,
    MODELS,
    MODIFIED_DRUDE_SMITH,
)
from smallpolaron.analysis.fits.fit_targets import frequency_target, time_target
from smallpolaron.analysis.fits.model_fits import fit_model, fit_models
from smallpolaron.analysis.hermite import half_line_transform, make_series

TIME = np.arange(0.0, 601.0, 2.0)
OMEGA = np.linspace(0.0, 0.2, 201)

EXAMPLES = [
    (DRUDE, (0.03,)),
    (DRUDE_SMITH, (0.02, -0.58)),
    (DRUDE_SMITH_2, (0.05, -0.3, -0.5)),
    (DRUDE_SMITH_3, (0.05, -0.3, -0.7, 0.4)),
    (MODIFIED_DRUDE_SMITH, (0.08, 0.01, -0.7)),
    (DRUDE_LORENTZ, (0.02, 0.05, 0.03, 0.35)),
]
IDS = [model.name for model, _ in EXAMPLES]


def white(rng, size):
    return rng.standard_normal(size)


def correlated(rng, size, memory=0.8):
    """First-order autoregressive noise of unit variance, started in its stationary state."""
    noise = rng.standard_normal(size) * np.sqrt(1.0 - memory**2)
    noise[0] = rng.standard_normal()
    for i in range(1, size):
        noise[i] += memory * noise[i - 1]
    return noise


def noisy(model, values, noise, size):
    curve = model.time(TIME, values) + size * noise
    curve[0] = 1.0
    return curve


def caged(time):
    """Gaussian start and a well: no model here is exact."""
    return np.exp(-0.5 * (0.03 * time) ** 2) * np.cos(0.045 * time)


def response_of(curve):
    return half_line_transform(make_series(TIME, curve), OMEGA)


@pytest.mark.parametrize(("model", "values"), EXAMPLES, ids=IDS)
def test_every_model_is_recovered_in_time(model, values):
    found = fit_model(model, time_target(TIME, 3.7 * model.time(TIME, values)))
    assert_allclose(found.values, values, rtol=1e-5)
    assert found.largest < 1e-7
    assert found.amplitude == 1.0
    within_record = simpson(model.time(TIME, values), x=TIME)
    assert found.dc_ratio == pytest.approx(model.dc(values) / within_record, rel=1e-4)
    assert not any(estimate.at_limit for estimate in found.estimates.values())


@pytest.mark.parametrize(("model", "values"), EXAMPLES, ids=IDS)
def test_every_model_is_recovered_in_frequency_with_its_amplitude(model, values):
    whole = time_target(TIME, model.time(TIME, values))
    response = 1.3 * model.frequency(OMEGA, values)
    found = fit_model(model, frequency_target(OMEGA, response, whole, free_amplitude=True))
    assert_allclose([*found.values, found.amplitude], [*values, 1.3], rtol=1e-4)
    assert_allclose(found.frequency(-OMEGA), response.conj(), rtol=1e-5)
    assert_allclose(found.time(TIME), 1.3 * model.time(TIME, values), atol=1e-4)


@pytest.mark.parametrize("make", [white, correlated])
@pytest.mark.parametrize(("model", "values"), EXAMPLES, ids=IDS)
def test_every_model_is_recovered_from_noise_within_its_interval(model, values, make):
    rng = np.random.default_rng(11)
    data = noisy(model, values, make(rng, TIME.size), 1e-3)
    found = fit_model(model, time_target(TIME, data))
    assert np.max(np.abs(found.time(TIME) - model.time(TIME, values))) < 3e-3
    for parameter, value in zip(model.parameters, values, strict=True):
        estimate = found.estimates[parameter.name]
        assert abs(estimate.value - value) < 4.0 * estimate.error
        assert estimate.low < estimate.value < estimate.high


@pytest.mark.parametrize("make", [white, correlated])
def test_intervals_hold_the_true_value_as_often_as_they_say(make):
    rng = np.random.default_rng(3)
    truth = (0.02, -0.58)
    runs = 60
    hits = np.zeros(2)
    for _ in range(runs):
        data = noisy(DRUDE_SMITH, truth, make(rng, TIME.size), 0.01)
        found = fit_model(DRUDE_SMITH, time_target(TIME, data))
        hits += [e.low <= v <= e.high for e, v in zip(found.estimates.values(), truth, strict=True)]
    assert np.all(hits / runs > 0.87)
    assert np.all(hits / runs < 0.995)


def test_errors_that_ignore_the_correlation_would_be_too_small():
    rng = np.random.default_rng(5)
    data = noisy(DRUDE_SMITH, (0.02, -0.58), correlated(rng, TIME.size), 0.01)
    found = fit_model(DRUDE_SMITH, time_target(TIME, data))
    assert 4.0 < TIME.size / found.effective < 16.0  # (1 + 0.8)/(1 - 0.8) = 9 for this noise


def test_meeting_rates_of_the_modified_model_cannot_be_told_apart():
    found = fit_model(MODIFIED_DRUDE_SMITH, time_target(TIME, DRUDE_SMITH.time(TIME, (0.02, -0.5))))
    assert_allclose(found.values, (0.02, 0.02, -0.5), rtol=1e-2)
    assert_allclose(found.time(TIME), DRUDE_SMITH.time(TIME, (0.02, -0.5)), atol=1e-6)


def test_the_slower_exponential_is_the_restoring_current():
    values = (0.01, 0.08, -0.95)
    found = fit_model(
        MODIFIED_DRUDE_SMITH, time_target(TIME, MODIFIED_DRUDE_SMITH.time(TIME, values))
    )
    assert_allclose(found.values, MODIFIED_DRUDE_SMITH.twin(values), rtol=1e-5)


def gaussian_window():
    """A narrow window of a Gaussian: next to nothing to fit."""
    omega = np.linspace(0.0013, 0.0157, 46)
    curve = np.exp(-1e-3 * TIME**2)
    response = half_line_transform(make_series(TIME, curve), omega)
    return frequency_target(omega, response, time_target(TIME, curve), free_amplitude=True)


@pytest.mark.parametrize("target", [time_target(TIME, caged(TIME)), gaussian_window()])
def test_richer_models_never_fit_worse(target):
    rms = {fit.model.name: fit.rms for fit in fit_models(MODELS, target)}
    for model in MODELS:
        if model.inner is not None:
            assert rms[model.name] <= rms[model.inner.model.name] * (1.0 + 1e-8)


@pytest.mark.parametrize(("model", "values"), EXAMPLES, ids=IDS)
def test_no_trial_near_or_far_is_better_than_the_optimum(model, values):
    target = time_target(TIME, caged(TIME))
    found = fit_model(model, target)
    rng = np.random.default_rng(2)
    for scale in np.repeat([0.01, 0.1, 1.0], 100):
        shift = np.exp(scale * rng.standard_normal(len(values)))
        trial = [
            np.clip(value * factor, p.low, p.high)
            for value, factor, p in zip(found.values, shift, model.parameters, strict=True)
        ]
        assert np.sqrt(np.mean((caged(TIME) - model.time(TIME, trial)) ** 2)) >= found.rms


def test_fits_over_all_frequencies_are_fits_over_all_times():
    fine = np.arange(0.0, 601.0)
    curve = caged(fine)
    whole = time_target(fine, curve)
    omega = np.linspace(0.0, np.pi / 1.0, 1501)
    response = half_line_transform(make_series(fine, curve), omega)
    in_time = fit_model(DRUDE_SMITH, whole)
    everywhere = fit_model(DRUDE_SMITH, frequency_target(omega, response, whole))
    assert_allclose(everywhere.values, in_time.values, rtol=0.02)


def test_residuals_are_those_of_the_curves():
    target = time_target(TIME, 2.0 * caged(TIME))
    found = fit_model(DRUDE_SMITH, target)
    left = caged(TIME) - found.time(TIME)
    assert_allclose(found.rms, np.sqrt(np.mean(left**2)))
    assert_allclose(found.largest, np.max(np.abs(left)))
    assert found.largest_at == TIME[np.argmax(np.abs(left))]
    exact = response_of(caged(TIME))
    again = fit_model(DRUDE_SMITH, frequency_target(OMEGA, exact, target))
    left = np.abs(exact - again.frequency(OMEGA)) / np.max(np.abs(exact))
    assert_allclose(again.rms, np.sqrt(np.mean(left**2) / 2.0))
    assert_allclose(again.largest, np.max(left))
    assert again.largest_at == OMEGA[np.argmax(left)]
    assert_allclose(again.dc_ratio, again.frequency([0.0])[0].real / exact[0].real, rtol=1e-4)


def test_a_share_outside_its_range_is_put_at_the_limit_and_told():
    k = 0.02
    data = (1.0 - 1.6 * k * TIME) * np.exp(-k * TIME)
    c = fit_model(DRUDE_SMITH, time_target(TIME, data)).estimates["c"]
    assert (c.value, c.at_limit) == (-1.0, True)
    assert np.isnan(c.error)


def test_a_rate_beyond_the_record_is_told():
    omega = np.linspace(0.001, 0.016, 40)
    whole = time_target(TIME, np.exp(-0.05 * TIME))
    flat = np.full(omega.size, 20.0 + 0.0j)
    found = fit_model(DRUDE, frequency_target(omega, flat, whole, free_amplitude=True))
    assert found.estimates["k"].at_limit
    assert found.values[0] == pytest.approx(whole.fastest)


def test_malformed_input_is_refused():
    whole = time_target(TIME, caged(TIME))
    with pytest.raises(ValueError, match=r"needs 10 or more"):
        frequency_target(OMEGA[:5], np.ones(5), whole)
    with pytest.raises(ValueError, match=r"response has 3 values"):
        frequency_target(OMEGA, np.ones(3), whole)
    with pytest.raises(ValueError, match=r"must be a finite number above 0"):
        frequency_target(OMEGA, np.zeros(OMEGA.size), whole)
