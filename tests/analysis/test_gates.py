import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from smallpolaron.analysis import gates
from smallpolaron.analysis.gates import Gate
from smallpolaron.model.units import beta, thermal_energy


@pytest.mark.parametrize(
    ("value", "passed"), [(0.0, True), (1e-3, True), (1.1e-3, False), (np.nan, False)]
)
def test_verdict_follows_from_value_and_bound(value, passed):
    assert Gate("x", value, 1e-3, "").passed is passed


def test_infinite_values_fail_even_an_infinite_bound():
    assert not Gate("x", np.inf, np.inf, "").passed
    assert not Gate("x", -np.inf, 1.0, "").passed


def test_a_gate_has_a_bound_and_cannot_be_changed():
    with pytest.raises(ValueError, match=r"bound is not a number"):
        Gate("x", 2.0, np.nan, "")
    with pytest.raises(dataclasses.FrozenInstanceError):
        Gate("x", 2.0, 1.0, "").value = 0.5


def test_f_sum_measures_a_relative_deviation():
    exact = 25.0 * 0.011 * thermal_energy(300.0)
    assert gates.f_sum(exact, -0.011, 5.0, 300.0).value < 1e-12
    assert_allclose(gates.f_sum(1.02 * exact, -0.011, 5.0, 300.0).value, 0.02)
    assert not gates.f_sum(0.98 * exact, -0.011, 5.0, 300.0).passed
    with pytest.raises(ValueError, match=r"hopping_energy = 0\.011"):
        gates.f_sum(exact, 0.011, 5.0, 300.0)
    with pytest.raises(ValueError, match=r"lattice_constant_A = 0"):
        gates.f_sum(exact, -0.011, 0.0, 300.0)


def test_f_sum_of_a_free_carrier_on_a_short_ring_needs_the_winding():
    """Free energy of a free carrier from its band, threaded by a flux, differentiated twice."""
    v, n_sites, temperature = 0.0094, 4, 300.0
    k = 2.0 * np.pi * np.arange(n_sites) / n_sites
    b = beta(temperature)

    def free_energy(flux):
        return -np.log(np.sum(np.exp(-b * 2.0 * v * np.cos(k - flux)))) / b

    step = 1e-3
    curvature = (free_energy(step) - 2.0 * free_energy(0.0) + free_energy(-step)) / step**2
    weight = np.exp(-b * 2.0 * v * np.cos(k)) / np.sum(np.exp(-b * 2.0 * v * np.cos(k)))
    energy = np.sum(weight * 2.0 * v * np.cos(k))
    # the current of a free carrier is conserved: C_kubo(0) is the mean of its square
    squared = np.sum(weight * (2.0 * v * 5.0 * np.sin(k)) ** 2)
    assert gates.f_sum(squared, energy, 5.0, temperature, curvature).value < 1e-5
    assert not gates.f_sum(squared, energy, 5.0, temperature).passed
    assert not gates.f_sum(squared, energy, 5.0, temperature, 1.0).passed


def test_state_gates():
    assert_allclose(gates.trace(1.0 + 1e-3j).value, 1e-3)
    assert not gates.trace(1.001).passed
    assert gates.HERMITICITY.judge(1e-9).passed
    assert not gates.HERMITICITY.judge(1e-3).passed
    assert gates.STATIONARITY.judge(1e-8).passed
    assert not gates.STATIONARITY.judge(1e-4).passed
    assert gates.FRONTIER_WEIGHT.judge(1e-5).passed
    assert not gates.FRONTIER_WEIGHT.judge(0.1).passed


def test_populations():
    assert gates.populations_in_range([[0.0, 1.0], [0.4, 0.6]]).value == 0.0
    assert_allclose(gates.populations_in_range([[-0.01, 1.005]]).value, 0.01)
    assert_allclose(gates.populations_in_range([[0.01, 1.02]]).value, 0.02)
    assert not gates.populations_in_range([[0.5, np.nan]]).passed
    with pytest.raises(ValueError, match=r"populations: empty"):
        gates.populations_in_range([])


def test_correlation_gates():
    time = np.arange(400.0)
    C = 3.0 * np.exp(-(0.05 + 0.02j) * time)
    assert gates.long_time_decay(C).passed
    assert_allclose(gates.long_time_decay(C[:100]).value, np.exp(-0.05 * 90))
    assert not gates.long_time_decay(C[:100]).passed
    assert gates.cauchy_schwarz(C).value == 0.0
    C[50] = 3.3j
    assert_allclose(gates.cauchy_schwarz(C).value, 0.1)
    assert gates.real_at_zero(C).value == 0.0
    assert_allclose(gates.real_at_zero(C * np.exp(0.01j)).value, np.sin(0.01))
    assert not gates.real_at_zero(C * np.exp(0.01j)).passed
    assert not gates.real_at_zero(-C).passed


def test_production_may_climb_further_than_a_final_state():
    assert not gates.PRODUCTION_FRONTIER_WEIGHT.judge(0.3).passed
    assert gates.PRODUCTION_FRONTIER_WEIGHT.judge(0.15).passed


def test_a_bound_is_raised_never_lowered():
    assert gates.TRACE.judge(1e-4, 1e-3).bound == 1e-3
    assert gates.TRACE.judge(1e-4, 1e-9).bound == gates.TRACE.bound


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gates.long_time_decay(np.ones(19)), r"needs 20 or more"),
        (lambda: gates.cauchy_schwarz(np.zeros(30)), r"C\[0\] = 0"),
        (lambda: gates.detailed_balance([0, 1, 2], [1, 1, 1], 300.0), r"symmetric"),
        (lambda: gates.detailed_balance([-1, 0, 1], [0, 0, 0], 300.0), r"zero everywhere"),
        (lambda: gates.detailed_balance([-1, 0, 1], [1, 1], 300.0), r"has 2 values"),
    ],
)
def test_malformed_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
