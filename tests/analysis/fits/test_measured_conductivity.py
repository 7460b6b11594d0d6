"""Fits of a measured conductivity: known parameters found again, errors that are honest."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from smallpolaron.analysis.fits.conductivity_models import (
    DRUDE,
    DRUDE_LORENTZ,
    DRUDE_SMITH,
    ConductivityModel,
)
from smallpolaron.analysis.fits.fit_targets import measured_target
from smallpolaron.analysis.fits.measured_conductivity import (
    UNLIKELY,
    MeasuredModel,
    Noise,
    fit_measured,
    judged_noise,
)
from smallpolaron.analysis.fits.model_fits import fit_model
from smallpolaron.analysis.memory.kernel_moments import conductivity_noise
from smallpolaron.analysis.window_shape import Window

OMEGA = 2.0e-3 * np.pi * np.linspace(0.3, 2.5, 45)
TAU, C, SIGMA_0, NOISE = 45.0, -0.78, 100.0, 0.3
Complex = NDArray[np.complex128]


def noisy(
    rng: np.random.Generator,
    model: ConductivityModel = DRUDE_SMITH,
    values: tuple[float, ...] = (1.0 / TAU, C),
    omega: NDArray[np.float64] = OMEGA,
) -> Complex:
    exact = SIGMA_0 / TAU * model.frequency(omega, values)
    return exact + NOISE * (rng.normal(size=omega.size) + 1j * rng.normal(size=omega.size))


def given(error: float | NDArray[np.float64]) -> Noise:
    return Noise(np.broadcast_to(error, OMEGA.size), "given", "")


def drude_smith(models: tuple[MeasuredModel, ...]) -> MeasuredModel:
    return next(one for one in models if one.fit.model is DRUDE_SMITH)


def test_parameters_are_found_within_their_errors() -> None:
    rng = np.random.default_rng(3)
    error = np.full(OMEGA.size, NOISE)
    z = []
    for _ in range(60):
        data = noisy(rng)
        fit = fit_model(DRUDE_SMITH, measured_target(OMEGA, data, error))
        scale = float(np.max(np.abs(data)))
        numbers = (
            (fit.estimates["c"], C),
            (fit.estimates["k"], 1.0 / TAU),
            (fit.combined["sigma_0"], SIGMA_0 / scale),
            (fit.combined["sigma_dc"], SIGMA_0 * (1.0 + C) / scale),
        )
        z.append([(number.value - truth) / number.error for number, truth in numbers])
        assert all(number.low < number.value < number.high for number, _ in numbers)
    spread = np.sqrt(np.mean(np.square(z), axis=0))
    assert np.all((spread > 0.75) & (spread < 1.25)), spread


def test_drude_smith_is_believed_where_it_is_true() -> None:
    found = fit_measured(OMEGA, noisy(np.random.default_rng(2)), given(NOISE))
    own = drude_smith(found.models)
    assert found.believed
    assert abs(own.derived["tau_fs"].value - TAU) < 3.0 * own.derived["tau_fs"].error
    assert abs(own.derived["sigma_0"].value - SIGMA_0) < 3.0 * own.derived["sigma_0"].error


def test_noise_that_is_only_estimated_rejects_no_true_model() -> None:
    # Of 24 frequencies the scatter knows the variance to 40 %: at its face value one in three is
    # rejected.
    omega = OMEGA[::2]
    for seed in range(12):
        data = noisy(np.random.default_rng(seed), omega=omega)
        assert fit_measured(omega, data, judged_noise(omega, data, None)).believed
    data = noisy(np.random.default_rng(6), DRUDE_LORENTZ, (0.02, 0.01, 0.002, 0.3), omega)
    found = fit_measured(omega, data, judged_noise(omega, data, None))
    assert drude_smith(found.models).probability < UNLIKELY


def test_uneven_errors_count_as_they_should() -> None:
    rng = np.random.default_rng(4)
    error = np.where(np.arange(OMEGA.size) % 3 == 0, 0.05, 2.0)
    exact = SIGMA_0 / TAU * DRUDE_SMITH.frequency(OMEGA, (1.0 / TAU, C))
    data = exact + error * (rng.normal(size=45) + 1j * rng.normal(size=45))
    weighted = drude_smith(fit_measured(OMEGA, data, given(error)).models)
    even = drude_smith(fit_measured(OMEGA, data, given(1.0)).models)
    assert abs(weighted.derived["tau_fs"].value - TAU) < 4.0 * weighted.derived["tau_fs"].error
    assert weighted.derived["tau_fs"].error < 0.3 * even.derived["tau_fs"].error


def test_errors_that_are_too_small_enlarge_the_errors_of_the_fit() -> None:
    data = noisy(np.random.default_rng(5))
    right = drude_smith(fit_measured(OMEGA, data, given(NOISE)).models)
    small = drude_smith(fit_measured(OMEGA, data, given(NOISE / 2.0)).models)
    large = drude_smith(fit_measured(OMEGA, data, given(3.0 * NOISE)).models)
    errors = [one.derived["tau_fs"].error for one in (small, right, large)]
    assert errors[0] == pytest.approx(errors[1], rel=0.25)
    assert errors[2] == pytest.approx(3.0 * errors[1], rel=0.25)


@pytest.mark.parametrize(
    ("model", "values", "reason"),
    [
        (DRUDE, (1.0 / TAU,), "c "),
        (DRUDE_LORENTZ, (0.02, 0.01, 0.002, 0.3), "decisively better"),
        (DRUDE_SMITH, (2.0, -0.2), "does not determine"),
    ],
    ids=["Drude", "resonance", "too fast for the window"],
)
def test_drude_smith_is_not_believed_where_it_should_not_be(
    model: ConductivityModel, values: tuple[float, ...], reason: str
) -> None:
    data = noisy(np.random.default_rng(6), model, values)
    found = fit_measured(OMEGA, data, given(NOISE))
    assert not found.believed
    assert not found.conjugate_fits
    assert reason in found.text


def test_the_complex_conjugate_is_suspected() -> None:
    data = noisy(np.random.default_rng(7))
    assert not fit_measured(OMEGA, data, given(NOISE)).conjugate_fits
    mirrored = fit_measured(OMEGA, data.conj(), given(NOISE))
    assert mirrored.conjugate_fits
    assert not mirrored.believed


@pytest.mark.parametrize(
    ("error", "origin"),
    [
        (None, "scatter"),
        (0.0, "scatter"),
        (1e-9, "scatter"),
        (0.02, "scatter"),
        (NOISE, "given"),
        (3.0, "given"),
        (1e4, "scatter"),
    ],
)
def test_errors_are_judged_by_the_scatter(error: float | None, origin: str) -> None:
    data = noisy(np.random.default_rng(8))
    given = None if error is None else np.full(45, error)
    found = judged_noise(OMEGA, data, given)
    assert found.origin == origin
    expected = error if origin == "given" else NOISE
    assert found.error == pytest.approx(np.full(45, expected), rel=0.4)


def test_errors_that_are_partly_zero_are_refused_and_rounding_is_the_least() -> None:
    data = noisy(np.random.default_rng(8))
    with pytest.raises(ValueError, match="1 of 45 standard errors"):
        judged_noise(OMEGA, data, np.where(np.arange(45) == 3, 0.0, NOISE))
    flat = np.full(45, 2.0 + 1.0j)
    with pytest.raises(ValueError, match="no scatter and no errors"):
        judged_noise(OMEGA, flat, None)
    assert judged_noise(OMEGA, flat, None, 0.05).error[0] == pytest.approx(0.05 / np.sqrt(3.0))


def test_curvature_hardly_counts_as_scatter() -> None:
    omega = 2.0e-3 * np.pi * np.linspace(0.3, 2.5, 15)
    smooth = SIGMA_0 / TAU * DRUDE_SMITH.frequency(omega, (1.0 / TAU, C))
    assert conductivity_noise(omega, smooth) < 1e-3 * float(np.max(np.abs(smooth)))


@pytest.mark.parametrize(
    ("rows", "error", "message"), [(9, 1.0, "needs 10 or more"), (45, 0.0, "not above 0")]
)
def test_targets_that_are_refused(rows: int, error: float, message: str) -> None:
    data = noisy(np.random.default_rng(9))[:rows]
    with pytest.raises(ValueError, match=message):
        measured_target(OMEGA[:rows], data, np.full(rows, error))


def test_shape_of_a_window_has_no_scale_and_honest_errors() -> None:
    rng = np.random.default_rng(10)
    window = Window(OMEGA, np.full(45, NOISE))
    exact = SIGMA_0 / TAU * DRUDE_SMITH.frequency(OMEGA, (1.0 / TAU, C))
    shape, claimed = window.shape(exact)
    scaled, _ = window.shape(7.0 * exact)
    assert scaled == pytest.approx(shape)
    at = np.interp(window.nodes, OMEGA, exact.real)
    assert shape[:2] == pytest.approx(np.log(at[1:] / at[0]), abs=0.05)
    phase = np.interp(window.nodes, OMEGA, np.angle(exact))
    assert shape[2:] == pytest.approx(phase, abs=0.05)
    seen = np.cov(np.array([window.shape(noisy(rng))[0] for _ in range(400)]).T)
    assert np.sqrt(np.diag(claimed)) == pytest.approx(np.sqrt(np.diag(seen)), rel=0.15)
    with pytest.raises(ValueError, match="not positive"):
        window.shape(-exact)
