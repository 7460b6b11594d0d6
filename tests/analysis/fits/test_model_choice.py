from dataclasses import replace

import numpy as np
import pytest

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
from smallpolaron.analysis.fits.model_choice import (
    Quality,
    beats,
    information_criteria,
    rank,
    ranking_text,
    trust_drude_smith,
    window_text,
)
from smallpolaron.analysis.fits.model_fits import fit_model, fit_models
from smallpolaron.analysis.hermite import half_line_transform, make_series

TIME = np.arange(0.0, 601.0, 2.0)

# Each model, values, and the models that contain it.
EXAMPLES = [
    (DRUDE, (0.03,), MODELS),
    (
        DRUDE_SMITH,
        (0.02, -0.58),
        (DRUDE_SMITH_2, DRUDE_SMITH_3, MODIFIED_DRUDE_SMITH, DRUDE_LORENTZ),
    ),
    (DRUDE_SMITH_2, (0.05, -0.3, -0.5), (DRUDE_SMITH_3,)),
    (DRUDE_SMITH_3, (0.05, -0.3, -0.7, 0.4), ()),
    (MODIFIED_DRUDE_SMITH, (0.08, 0.01, -0.7), (DRUDE_LORENTZ,)),
    (DRUDE_LORENTZ, (0.02, 0.05, 0.03, 0.35), ()),
]


def caged():
    """Gaussian start and a well: no model here is exact."""
    return np.exp(-0.5 * (0.03 * TIME) ** 2) * np.cos(0.045 * TIME)


@pytest.mark.parametrize(
    ("model", "values", "containing"), EXAMPLES, ids=[model.name for model, _, _ in EXAMPLES]
)
def test_the_generating_model_is_chosen(model, values, containing):
    rng = np.random.default_rng(9)
    curve = model.time(TIME, values) + 2e-3 * rng.standard_normal(TIME.size)
    curve[0] = 1.0
    target = time_target(TIME, curve)
    ranked = rank(fit_models(MODELS, target), resolution=1e-6)
    own = ranked[0]
    assert own.fit.model is model
    assert (own.delta_bic, own.quality) == (0.0, Quality.GOOD)
    for other in ranked[1:]:
        assert beats(own, other) != (other.fit.model in containing)
        assert other.delta_bic > 0.0
        assert not beats(other, own)
    assert ranking_text(ranked).startswith(model.title)
    assert trust_drude_smith(ranked).trusted == (model in (DRUDE, DRUDE_SMITH))


def test_criteria_are_the_printed_formulas():
    aicc, bic = information_criteria(0.01, 20.0, 2)
    assert aicc == pytest.approx(20 * np.log(0.01) + 6 + 24 / 16)
    assert bic == pytest.approx(20 * np.log(0.01) + 3 * np.log(20))
    assert information_criteria(0.01, 3.9, 2)[0] == np.inf


def test_nothing_is_decided_below_the_resolution_of_the_data():
    data = DRUDE_SMITH.time(TIME, (0.02, -0.5)) + 1e-4 * np.roll(caged(), 20)
    target = time_target(TIME, data)
    fits = [fit_model(model, target) for model in (DRUDE_SMITH, DRUDE_LORENTZ)]
    blind = rank(fits, resolution=1e-2)
    assert blind[0].fit.model is DRUDE_SMITH
    assert not any(beats(one, blind[0]) for one in blind)


def test_a_missed_curve_is_not_trusted_and_the_reasons_are_named():
    target = time_target(TIME, caged())
    ranked = rank(fit_models(MODELS, target))
    trust = trust_drude_smith(ranked)
    assert not trust.trusted
    assert trust.quality is Quality.MISSES
    assert "should not be trusted" in trust.text
    assert "misses the curve" in trust.text


def test_a_decisive_rival_costs_the_trust():
    target = time_target(TIME, DRUDE_SMITH.time(TIME, (0.02, -0.5)))
    own, rival = (fit_model(model, target) for model in (DRUDE_SMITH, DRUDE_LORENTZ))
    fits = [replace(own, rms=0.02, effective=40.0), replace(rival, rms=0.005, effective=40.0)]
    trust = trust_drude_smith(rank(fits))
    assert trust.quality is Quality.GOOD
    assert trust.dc_good
    assert trust.beaten_by == ("drude_lorentz",)
    assert not trust.trusted
    assert "decisively better: Drude–Lorentz" in trust.text
    even = [replace(own, rms=0.0055, effective=40.0), fits[1]]
    assert trust_drude_smith(rank(even)).trusted


def test_a_wrong_direct_current_costs_the_trust():
    target = time_target(TIME, DRUDE_SMITH.time(TIME, (0.02, -0.5)))
    own = replace(fit_model(DRUDE_SMITH, target), dc_ratio=1.06)
    assert not trust_drude_smith(rank([own])).trusted


def test_a_window_is_compared_with_the_whole_curve():
    whole = time_target(TIME, caged())
    omega = np.linspace(0.002, 0.02, 19)
    response = half_line_transform(make_series(TIME, caged()), omega)
    part = frequency_target(omega, response, whole, free_amplitude=True)
    in_window, in_time = (rank([fit_model(DRUDE_SMITH, target)]) for target in (part, whole))
    text = window_text(in_window, in_time)
    assert f"{in_window[0].fit.amplitude:.3g} times the exact C(0)" in text
    assert f"c = {in_time[0].fit.values[1]:.3g}" in text


def test_what_cannot_be_ranked_is_refused():
    with pytest.raises(ValueError, match=r"fits is empty"):
        rank([])
    fits = [fit_model(DRUDE, time_target(TIME, caged())) for _ in range(2)]
    with pytest.raises(ValueError, match=r"different targets"):
        rank(fits)
    with pytest.raises(ValueError, match=r"must hold one fit of Drude–Smith"):
        trust_drude_smith(rank(fits[:1]))
    with pytest.raises(ValueError, match=r"resolution = 0"):
        rank(fits[:1], 0.0)
