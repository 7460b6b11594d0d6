"""Back-mapping on a model whose moments are known: truth, coverage, suggestion, refusals."""

from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq

from smallpolaron.inverse.emulator import Emulator, fit_emulator, training_points
from smallpolaron.inverse.inverse import (
    Posterior,
    grid_points,
    level_at,
    measurement,
    next_point,
    parameter_grid,
    posterior,
    predictive,
)

FloatArray = NDArray[np.float64]


def model(eta, gamma) -> dict[str, FloatArray]:
    """Monotonic in both, like the moments of a kernel: roughly sqrt(eta) and eta gamma."""
    return {
        "mean": 0.04 * (1 + eta) ** 0.5 * gamma**0.15,
        "variance": 0.0012 * (1 + eta) ** 0.7 * (1 + gamma) ** 0.8 * eta**0.1,
    }


@cache
def trained() -> Mapping[str, Emulator]:
    eta, gamma = (a.ravel() for a in np.meshgrid(np.geomspace(0.5, 8, 4), np.geomspace(0.5, 3, 4)))
    points = training_points({"eta": eta, "gamma": gamma})
    return {name: fit_emulator(points, values) for name, values in model(eta, gamma).items()}


def measured_at(truth, error=0.01, noise=(0.0, 0.0)):
    values = {
        name: float(value) * (1 + shift)
        for (name, value), shift in zip(model(*truth).items(), noise, strict=True)
    }
    return measurement(values, {name: error * value for name, value in values.items()})


@pytest.mark.parametrize("truth", [(6.26, 0.82), (0.8, 2.2), (2.0, 1.0)])
def test_back_mapping_finds_the_truth(truth: tuple[float, float]) -> None:
    found = posterior(trained(), measured_at(truth, error=0.005))
    assert found.peak == pytest.approx(truth, rel=0.05)
    assert found.mean == pytest.approx(truth, rel=0.05)
    assert level_at(found, truth) < 0.5
    assert found.fits
    small, large = found.regions
    assert small.area < large.area < 0.05
    assert small.contour > large.contour > 1.0
    for region in found.regions:
        assert np.all(region.low <= truth)
        assert np.all(truth <= region.high)
        assert region.modes == 1


def test_weights_are_those_of_the_formula() -> None:
    """One quantity, one parameter: compare with the Gaussian likelihood written out."""
    eta = np.geomspace(0.5, 8, 6)
    emulator = fit_emulator(training_points({"eta": eta}), model(eta, 1.0)["mean"])
    value, error = 0.08, 0.004
    found = posterior({"mean": emulator}, measurement({"mean": value}, {"mean": error}))
    axis = found.axes[0]
    mean, std = emulator.predict(axis[:, None])
    variance = std**2 + (error / value) ** 2
    density = np.exp(-0.5 * (np.log(value) - mean) ** 2 / variance) / np.sqrt(variance)
    assert found.weights == pytest.approx(density / density.sum(), rel=1e-9)
    assert found.weights.sum() == pytest.approx(1.0)
    exact = brentq(lambda x: float(model(x, 1.0)["mean"]) - value, 0.5, 8)
    assert found.peak[0] == pytest.approx(exact, rel=0.01)
    inside = found.level <= 0.68
    assert found.weights[inside].sum() == pytest.approx(0.68, abs=0.02)
    assert found.regions[0].low[0] == axis[inside][0]
    width = np.log(axis[inside][-1] / axis[inside][0]) / np.log(8 / 0.5)
    assert found.regions[0].area == pytest.approx(width, rel=0.05)


def test_credible_regions_cover_as_often_as_they_say() -> None:
    rng = np.random.default_rng(7)
    levels = []
    for _ in range(80):
        truth = np.exp(rng.uniform(np.log([0.5, 0.5]), np.log([8.0, 3.0])))
        found = posterior(trained(), measured_at(truth, 0.03, 0.03 * rng.normal(size=2)))
        levels.append(level_at(found, truth))
    assert np.mean(np.array(levels) <= 0.68) == pytest.approx(0.68, abs=0.12)
    assert np.mean(np.array(levels) <= 0.90) == pytest.approx(0.90, abs=0.08)


def test_correlated_errors_change_the_region() -> None:
    values = {name: float(value) for name, value in model(3.0, 1.2).items()}
    errors = {name: 0.05 * value for name, value in values.items()}
    cross = 0.98 * errors["mean"] * errors["variance"]
    matrix = np.diag(np.square(list(errors.values()))) + cross * (1 - np.eye(2))
    free = posterior(trained(), measurement(values, errors))
    tied = posterior(trained(), measurement(values, {}, matrix))
    assert tied.regions[0].area < 0.6 * free.regions[0].area


@pytest.mark.parametrize(("truth", "at_edge"), [((7.9, 2.9), True), ((2.0, 1.2), False)])
def test_regions_at_the_edge_of_the_box_are_noted(truth, at_edge: bool) -> None:
    found = posterior(trained(), measured_at(truth))
    assert found.regions[1].at_edge == at_edge
    assert np.all(found.regions[1].high <= [8.0 * (1 + 1e-9), 3.0 * (1 + 1e-9)])


def two_valleys() -> Mapping[str, Emulator]:
    """A quantity that is the same on both sides of eta = 2."""
    eta, gamma = (a.ravel() for a in np.meshgrid(np.geomspace(0.5, 8, 9), np.geomspace(0.5, 3, 4)))
    points = training_points({"eta": eta, "gamma": gamma})
    bend = np.exp(np.log(eta / 2.0) ** 2)
    return {"bend": fit_emulator(points, bend), "gamma": fit_emulator(points, gamma)}


def test_separate_solutions_are_noted() -> None:
    data = measurement({"bend": 1.6, "gamma": 1.2}, {"bend": 0.03, "gamma": 0.03})
    found = posterior(two_valleys(), data)
    assert [region.modes for region in found.regions] == [2, 2]
    assert found.regions[0].low[0] < 1.1 < 3.6 < found.regions[0].high[0]


def test_measurement_no_point_explains() -> None:
    values = {"mean": 0.3, "variance": 0.001}
    found = posterior(trained(), measurement(values, {"mean": 0.003, "variance": 1e-5}))
    assert not found.fits
    assert found.chi2 > 9.2


def test_posterior_predictive_of_measured_and_of_other_quantities() -> None:
    truth = (3.0, 1.2)
    found = posterior(trained(), measured_at(truth))
    for name, value in model(*truth).items():
        centre, std = predictive(trained()[name], found)
        assert abs(np.log(centre / value)) < 2 * std
        assert 0.005 < std < 0.03


def test_known_parameter_is_not_inferred() -> None:
    eta, gamma, T = (
        a.ravel() for a in np.meshgrid(np.geomspace(0.5, 8, 4), [0.5, 1.2, 3.0], [200.0, 250, 300])
    )
    points = training_points({"eta": eta, "gamma": gamma, "T": T})
    warm = {name: values * (T / 300) ** 0.3 for name, values in model(eta, gamma).items()}
    emulators = {name: fit_emulator(points, values) for name, values in warm.items()}
    values = {k: float(v) * (220 / 300) ** 0.3 for k, v in model(2.5, 1.5).items()}
    data = measurement(values, {name: 0.01 * value for name, value in values.items()})
    found = posterior(emulators, data, {"T": 220.0})
    assert [axis.size for axis in found.axes] == [25, 25, 1]
    assert found.peak == pytest.approx([2.5, 1.5, 220.0], rel=0.1)
    free = posterior(emulators, data)
    assert free.weights.ndim == 3
    assert free.regions[0].low[2] < 220 < free.regions[0].high[2]
    with pytest.raises(ValueError, match="cover 200 to 300"):
        posterior(emulators, data, {"T": 400.0})
    with pytest.raises(ValueError, match="have only eta, gamma, T"):
        posterior(emulators, data, {"kappa": 1.0})


def averaged_variance(emulators: Mapping[str, Emulator], found: Posterior | None) -> float:
    points = grid_points(parameter_grid(emulators["mean"].points) if found is None else found.axes)
    weights = np.full(len(points), 1 / len(points)) if found is None else found.weights.ravel()
    return float(weights @ emulators["mean"].predict(points)[1] ** 2)


@pytest.mark.parametrize("truth", [None, (6.26, 0.82)])
def test_suggested_point_teaches_more_than_others(truth) -> None:
    emulators = {"mean": trained()["mean"]}
    found = None if truth is None else posterior(trained(), measured_at(truth))
    place, gain = next_point(emulators, found)
    assert 0.0 < gain < 1.0
    old = emulators["mean"]

    def after(point) -> float:
        """Averaged variance with the point added to the same process."""
        cross = old.covariance(grid_points(axes), [point])[:, 0]
        return float(weights @ (old.predict(grid_points(axes))[1] ** 2)) - float(
            weights @ cross**2
        ) / float(old.predict([point])[1][0] ** 2)

    axes = parameter_grid(old.points) if found is None else found.axes
    size = int(np.prod([axis.size for axis in axes]))
    weights = np.full(size, 1 / size) if found is None else found.weights.ravel()
    before = averaged_variance(emulators, found)
    assert after(place) == pytest.approx(before * (1 - gain), rel=0.01)
    rng = np.random.default_rng(2)
    for other in np.exp(rng.uniform(np.log([0.5, 0.5]), np.log([8.0, 3.0]), (20, 2))):
        assert after(other) > after(place) - 0.05 * before
    if truth is not None:
        assert np.all(np.abs(np.log(place / np.array(truth))) < 0.7)


def test_suggestion_is_readable_new_and_reproducible() -> None:
    place, _ = next_point(trained())
    again, _ = next_point(trained())
    assert np.array_equal(place, again)
    for value in place:
        assert value == float(f"{value:.2g}")
    known = trained()["mean"].points.coordinates
    assert np.min(np.max(np.abs(np.log(known / place)), axis=1)) > 0.01
    assert np.all((place >= known.min(axis=0)) & (place <= known.max(axis=0)))


def test_no_point_is_left() -> None:
    x = np.arange(10, 16.0)
    emulator = fit_emulator(training_points({"x": x}), x)
    with pytest.raises(ValueError, match="no readable point is left"):
        next_point({"x": emulator})


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one measured"):
        measurement({}, {})
    with pytest.raises(ValueError, match="error of mean"):
        measurement({"mean": 1.0}, {"mean": 0.0})
    with pytest.raises(ValueError, match="mean = -1"):
        measurement({"mean": -1.0}, {"mean": 1.0})
    with pytest.raises(ValueError, match="must be a covariance"):
        measurement({"mean": 1.0}, {}, [[-1.0]])
    with pytest.raises(ValueError, match="'colour' was measured"):
        posterior(trained(), measurement({"colour": 1.0}, {"colour": 0.1}))
    with pytest.raises(ValueError, match="needs at least one"):
        next_point({})
    found = posterior(trained(), measured_at((2.0, 1.0)))
    with pytest.raises(ValueError, match="needs 2 values"):
        level_at(found, [1.0])
