"""Gaussian-process emulator: known functions, leave-one-out by brute force, its own error."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from smallpolaron.inverse.emulator import Emulator, fit_emulator, inside_hull, training_points

FloatArray = NDArray[np.float64]


def truth(eta: FloatArray, gamma: FloatArray) -> FloatArray:
    """Positive, over more than a decade, with a bend and a mixed term."""
    x, y = np.log(eta), np.log(gamma)
    return np.exp(0.8 * x - 0.3 * y + 0.2 * x * y - 0.1 * x**2) * 0.05


def grid(etas=(0.5, 1.0, 2.0, 4.0, 8.0), gammas=(0.5, 1.0, 1.7, 3.0)) -> dict[str, FloatArray]:
    eta, gamma = np.meshgrid(etas, gammas)
    return {"eta": eta.ravel(), "gamma": gamma.ravel()}


@pytest.fixture(scope="module")
def fitted() -> Emulator:
    places = grid()
    return fit_emulator(training_points(places), truth(*places.values()))


def test_known_function_between_and_at_the_points(fitted: Emulator) -> None:
    rng = np.random.default_rng(1)
    between = np.exp(rng.uniform(np.log([0.5, 0.5]), np.log([8.0, 3.0]), (200, 2)))
    mean, std = fitted.predict(between)
    error = mean - np.log(truth(*between.T))
    assert np.max(np.abs(error)) < 0.02
    assert np.max(std) < 0.1
    mean, std = fitted.predict(fitted.points.coordinates)
    assert mean == pytest.approx(np.log(fitted.values), abs=1e-3)
    assert np.max(std) < 2e-3


def test_leave_one_out_is_what_leaving_out_gives(fitted: Emulator) -> None:
    """Condition the same process on all points but one, written out with plain distances."""
    logs = np.log(fitted.values)
    x = np.log(fitted.points.coordinates / fitted.points.low)
    x /= np.log(fitted.points.high / fitted.points.low) * fitted.length_scales
    distance = np.sqrt(5) * np.linalg.norm(x[:, None] - x[None], axis=2)
    matrix = fitted.amplitude**2 * (1 + distance + distance**2 / 3) * np.exp(-distance)
    noisy = matrix + (fitted.noise**2 + 1e-10 * fitted.amplitude**2) * np.eye(len(x))
    found = fitted.leave_one_out()
    for out in range(len(x)):
        rest = np.arange(len(x)) != out
        gain = np.linalg.solve(noisy[np.ix_(rest, rest)], matrix[rest, out])
        mean = logs.mean() + gain @ (logs[rest] - logs.mean())
        variance = noisy[out, out] - gain @ matrix[rest, out]
        assert np.log(found.predicted[out]) == pytest.approx(mean, abs=1e-6)
        assert found.relative_std[out] == pytest.approx(np.sqrt(variance), rel=1e-4)
        z = (logs[out] - mean) / np.sqrt(variance)
        assert found.standardised[out] == pytest.approx(z, abs=1e-3)


def test_covariance_agrees_with_the_predicted_variance(fitted: Emulator) -> None:
    points = np.array([[0.7, 0.9], [5.0, 2.0]])
    _, std = fitted.predict(points)
    scatter = (fitted.inflation * fitted.noise) ** 2
    assert np.diag(fitted.covariance(points, points)) == pytest.approx(
        std**2 - scatter, rel=1e-6, abs=1e-12
    )
    both = fitted.covariance(points, points[::-1])
    assert both[0, 0] == pytest.approx(both[1, 1], rel=1e-9)


def test_scatter_is_found_and_known_errors_are_used() -> None:
    rng = np.random.default_rng(3)
    places = grid(np.geomspace(0.5, 8, 8), np.geomspace(0.5, 3, 8))
    values = truth(*places.values()) * np.exp(0.05 * rng.normal(size=64))
    points = training_points(places)
    free = fit_emulator(points, values)
    assert free.noise == pytest.approx(0.05, rel=0.35)
    told = fit_emulator(points, values, np.full(64, 0.05))
    assert told.noise < 0.6 * free.noise
    odd = np.where(np.arange(64) == 27, 1.0, 0.0)
    values[27] *= 3.0
    ignored, std = fit_emulator(points, values, 0.05 + odd).predict(points.coordinates[27:28])
    assert abs(ignored[0] - np.log(truth(*points.coordinates[27]))) < 0.1
    assert std[0] < 0.2


def test_predicted_errors_are_of_the_right_size() -> None:
    """Random smooth functions: the truth lies within one and two errors about as often as said."""
    rng = np.random.default_rng(11)
    places = grid()
    points = training_points(places)
    scores = []
    for _ in range(8):
        a = rng.normal(size=5) * [1, 1, 0.5, 0.5, 0.5]

        def function(eta, gamma, a=a):
            x, y = np.log(eta), np.log(gamma)
            return np.exp(a[0] * x + a[1] * y + a[2] * np.sin(x + y) + a[3] * np.cos(x - y + a[4]))

        emulator = fit_emulator(points, function(*places.values()))
        between = np.exp(rng.uniform(np.log([0.5, 0.5]), np.log([8.0, 3.0]), (60, 2)))
        mean, std = emulator.predict(between)
        scores.append((np.log(function(*between.T)) - mean) / std)
    size = np.abs(np.concatenate(scores))
    assert np.mean(size < 1.0) > norm.cdf(1) - norm.cdf(-1) - 0.05
    assert np.mean(size < 2.0) > 0.93
    assert np.sqrt(np.mean(size**2)) > 0.2  # errors are not merely large


def test_the_same_numbers_every_time() -> None:
    places = grid()
    values = truth(*places.values())
    first, second = (fit_emulator(training_points(places), values) for _ in range(2))
    assert np.array_equal(first.length_scales, second.length_scales)
    assert np.array_equal(first.predict([[3.0, 1.1]]), second.predict([[3.0, 1.1]]))


def test_a_third_parameter_without_effect_has_a_long_scale() -> None:
    eta, gamma, T = (a.ravel() for a in np.meshgrid([0.5, 2, 8], [0.5, 1, 3], [200, 250, 300]))
    points = training_points({"eta": eta, "gamma": gamma, "T": T})
    emulator = fit_emulator(points, truth(eta, gamma))
    assert emulator.length_scales[2] > 3 * emulator.length_scales[0]
    mean, _ = emulator.predict([[2.0, 1.0, 225.0]])
    assert mean[0] == pytest.approx(float(np.log(truth(2.0, 1.0))), abs=0.01)


def test_hull_follows_the_points_not_their_box() -> None:
    places = grid()
    kept = places["eta"] * places["gamma"] < 8.5
    points = training_points({axis: values[kept] for axis, values in places.items()})
    asked = [[1.0, 1.0], [8.0, 1.0], [7.9, 2.9], [8.0, 4.0], [0.2, 1.0], [0.49, 0.49]]
    assert inside_hull(points, asked).tolist() == [True, True, False, False, False, True]
    line = training_points({"eta": np.array([1.0, 2.0, 4.0])})
    assert inside_hull(line, [[3.0], [4.1], [5.0]]).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("coordinates", "message"),
    [
        ({"eta": [1.0, 2.0], "gamma": [1.0, 2.0]}, "at least 6"),
        ({"eta": [1.0] * 6, "gamma": np.arange(1.0, 7.0)}, "eta is 1.0 for all points"),
        ({"eta": [0.0, 1, 2, 3, 4, 5], "gamma": np.arange(1.0, 7.0)}, "must be above 0"),
        ({"eta": [1.0, 1, 2, 3, 4, 5], "gamma": [1.0, 1, 2, 3, 4, 4]}, "stands twice"),
        ({"eta": np.arange(1.0, 7.0), "gamma": 2 * np.arange(1.0, 7.0)}, "one line or plane"),
        ({"eta": np.arange(1.0, 7.0), "gamma": [1.0, 2.0]}, "gamma has 2 values"),
        ({}, "at least one parameter"),
    ],
)
def test_training_points_that_are_refused(coordinates, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        training_points(coordinates)


def test_values_and_points_that_are_refused(fitted: Emulator) -> None:
    values = fitted.values.copy()
    with pytest.raises(ValueError, match="not above 0"):
        fit_emulator(fitted.points, -values)
    with pytest.raises(ValueError, match="negative standard error"):
        fit_emulator(fitted.points, values, -values)
    with pytest.raises(ValueError, match="values has 3 values"):
        fit_emulator(fitted.points, values[:3])
    for wrong in ([[1.0]], [1.0, 2.0], [[1.0, -2.0]]):
        with pytest.raises(ValueError, match="above 0"):
            fitted.predict(wrong)
