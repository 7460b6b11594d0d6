"""Vibrations and sums of baths: spectral densities, expansions, limits."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from smallpolaron.model.baths.bath import BrownianBath, DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.baths.lineshape import lineshape
from smallpolaron.model.baths.spectral_density import BathSum
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from smallpolaron.model.units import beta

T = 300.0
DEBYE = DebyeBath(80 * CM, 60 * CM)
UNDERDAMPED = BrownianBath(150 * CM, 40 * CM, 180 * CM)
OVERDAMPED = BrownianBath(150 * CM, 500 * CM, 180 * CM)
BATHS = {
    "underdamped": UNDERDAMPED,
    "overdamped": OVERDAMPED,
    "sum": BathSum((DEBYE, UNDERDAMPED)),
    "sum of sums": BathSum((BathSum((DEBYE, OVERDAMPED)), BrownianBath(60 * CM, 9 * CM, 300 * CM))),
}
bath_of = pytest.mark.parametrize("name", BATHS)


@bath_of
def test_reorganisation_energy_and_noise_are_those_of_the_spectral_density(name):
    bath = BATHS[name]
    edges = [0, 100 * CM, 180 * CM, 300 * CM, 1000 * CM, np.inf]
    energy = sum(
        quad(lambda w: float(bath.spectral_density(w)) / w / np.pi, low, high, limit=500)[0]
        for low, high in pairwise(edges)
    )
    assert bath.reorganisation_energy == pytest.approx(energy, rel=1e-7)
    slope = float(bath.spectral_density(1e-7)) / 1e-7
    assert bath.noise(T) == pytest.approx(slope / beta(T), rel=1e-6)


@bath_of
@pytest.mark.parametrize(("scheme", "terms"), [("matsubara", 300), ("pade", 16)])
def test_expansion_reproduces_the_exact_correlation_function(name, scheme, terms):
    bath = BATHS[name]
    expansion = expand(bath, T, scheme, terms)
    assert expansion.low_temperature_terms == terms  # shared, however many baths there are
    scale = abs(bath.correlation(2.0, T))
    for t in (2.0, 7.0, 30.0, 120.0):
        assert abs(expansion.correlation(t) - bath.correlation(t, T)) < 2e-7 * scale
        # its conjugate has the same rates, with the coefficients of the bra
        conjugate = np.sum(expansion.conjugates * np.exp(-expansion.rates * t))
        assert conjugate == pytest.approx(np.conj(expansion.correlation(t)), rel=1e-12)


def test_partners_are_neighbours_with_conjugate_rates():
    e = expand(BATHS["sum of sums"], T, terms=1)
    np.testing.assert_array_equal(e.functions.partners, [0, 1, 2, 4, 3, 5])
    np.testing.assert_array_equal(e.rates[e.functions.partners], e.rates.conj())
    assert e.n_poles == 5
    assert np.isrealobj(expand(OVERDAMPED, T).rates)


@bath_of
def test_terminator_keeps_the_integral_of_the_correlation_function(name):
    bath = BATHS[name]
    for scheme, terms in (("matsubara", 0), ("matsubara", 3), ("pade", 1)):
        e = expand(bath, T, scheme, terms)
        whole = np.sum(e.coefficients / e.rates)
        assert whole.real + e.terminator == pytest.approx(bath.noise(T), rel=1e-11)
        assert -whole.imag == pytest.approx(bath.reorganisation_energy, rel=1e-11)


@bath_of
def test_number_of_terms_follows_from_the_error_of_the_sum(name):
    bath = BATHS[name]
    errors = [expand(bath, T, terms=k).error for k in range(4)]
    chosen = expand(bath, T, error_bound=1.1 * errors[2])
    assert chosen.low_temperature_terms == 2
    # the error is that of the lineshape function
    t = np.linspace(0, 10 / bath.slowest, 401)
    rough, fine = (expand(bath, T, terms=k) for k in (0, 3))
    difference = [
        ((np.expm1(-np.multiply.outer(t, e.rates)) + np.multiply.outer(t, e.rates)) / e.rates**2)
        @ e.coefficients
        + e.terminator * t
        for e in (rough, fine)
    ]
    found = np.abs(difference[0] - difference[1]).max()
    assert rough.error == pytest.approx(found, rel=0.02)


def test_lineshape_of_a_vibration_agrees_with_frequency_quadrature():
    bath, b = UNDERDAMPED, beta(T)
    w = np.exp(np.linspace(np.log(1e-9), np.log(100.0), 400_001))
    weight = bath.spectral_density(w) / (np.pi * w)
    for t in (3.0, 40.0, 200.0):
        re = np.trapezoid(weight / np.tanh(b * w / 2) * 2 * np.sin(w * t / 2) ** 2, np.log(w))
        im = np.trapezoid(weight * (np.sin(w * t) - w * t), np.log(w))
        assert lineshape(bath, t, T) == pytest.approx(complex(re, im), rel=1e-6)


def test_strong_damping_makes_a_debye_bath_of_the_vibration():
    frequency, gamma = 200 * CM, 40_000 * CM
    vibration = BrownianBath(150 * CM, gamma, frequency)
    debye = DebyeBath(150 * CM, frequency**2 / gamma)
    times = np.array([20.0, 300.0, 6000.0])
    np.testing.assert_allclose(
        lineshape(vibration, times, T), lineshape(debye, times, T), rtol=0.01
    )
    e = expand(vibration, T, "pade", 1)
    assert e.rates[0] == pytest.approx(debye.gamma, rel=1e-4)
    assert e.coefficients[0] == pytest.approx(expand(debye, T, "pade", 1).coefficients[0], rel=1e-3)


def test_weak_damping_leaves_an_undamped_oscillator():
    # C(t) = lambda w0 [coth(beta w0/2) cos w0 t - i sin w0 t]
    bath = BrownianBath(100 * CM, 0.01 * CM, 250 * CM)
    e, w = expand(bath, T, terms=2), bath.frequency
    for t in (5.0, 33.0, 71.0):
        exact = np.cos(w * t) / np.tanh(beta(T) * w / 2) - 1j * np.sin(w * t)
        exact *= bath.reorganisation_energy * w
        assert e.correlation(t) == pytest.approx(exact, rel=1e-3)


def test_two_halves_make_one_bath():
    half, whole = DebyeBath(40 * CM, 60 * CM), DEBYE
    both = BathSum((half, half))
    times = np.array([1.0, 30.0, 400.0])
    np.testing.assert_allclose(lineshape(both, times, T), lineshape(whole, times, T), rtol=1e-12)
    e, one = expand(both, T, terms=2), expand(whole, T, terms=2)
    assert e.n_terms == one.n_terms + 1
    np.testing.assert_allclose(e.coefficients[2:], one.coefficients[1:], rtol=1e-13)
    assert e.terminator == pytest.approx(one.terminator, rel=1e-9)


def test_relaxed_amplitudes_are_the_displacement_of_an_oscillator():
    # S is the Huang-Rhys factor; the ADOs are scaled by the larger coefficient, of n_B + 1
    bath = BrownianBath(100 * CM, 0.001 * CM, 250 * CM)
    e = expand(bath, T, terms=0, scheme="matsubara")
    huang_rhys = bath.reorganisation_energy / bath.frequency
    thermal = 1 / np.expm1(beta(T) * bath.frequency)
    usual = np.abs(e.functions.relaxed_amplitudes) ** 2 * e.functions.scales / e.functions.sizes
    np.testing.assert_allclose(usual, huang_rhys / (thermal + 1), 1e-4)


def test_what_is_no_bath_is_refused():
    with pytest.raises(ValueError, match="frequency = 0"):
        BrownianBath(1.0, 0.1, 0.0)
    with pytest.raises(ValueError, match="gamma = -1"):
        BrownianBath(1.0, -1.0, 0.1)
    with pytest.raises(ValueError, match="eta = nan"):
        BrownianBath(np.nan, 1.0, 0.1)
    with pytest.raises(ValueError, match="at least one bath"):
        BathSum(())
    with pytest.raises(ValueError, match="time_fs"):
        BATHS["sum"].correlation(0.0, T)
