"""Spectral densities from correlation functions and from trajectories of classical dynamics."""

import numpy as np
import pytest
from scipy.signal import lfilter

from smallpolaron.model.baths.bath import BrownianBath, DebyeBath
from smallpolaron.model.baths.bath_data import from_correlation, from_trajectory
from smallpolaron.model.baths.lineshape import correlation_samples, lineshape
from smallpolaron.model.baths.sampled_density import OhmicBath
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from smallpolaron.model.units import beta

T = 300.0
STEP = 4.0
TIMES = np.arange(0, 1600, STEP)
W = np.array([5.0, 20.0, 50.0, 100.0, 180.0]) * CM
BATHS = {
    "Ohmic": OhmicBath(100 * CM, 50 * CM),
    "vibration": BrownianBath(100 * CM, 40 * CM, 150 * CM),
}


@pytest.mark.parametrize("name", ["Ohmic", "vibration"])
def test_a_quantum_correlation_function_gives_back_its_bath(name):
    bath = BATHS[name]
    c = correlation_samples(bath, np.maximum(TIMES, 1e-3), T)
    found = from_correlation(TIMES, c, T)
    np.testing.assert_allclose(found.spectral_density(W), bath.spectral_density(W), rtol=0.03)
    t = np.array([20.0, 100.0, 500.0])
    for temperature_K in (T, 100.0):  # J does not depend on the temperature
        exact = lineshape(bath, t, temperature_K)
        np.testing.assert_allclose(lineshape(found, t, temperature_K), exact, rtol=0.01)


@pytest.mark.parametrize("correction", ["harmonic", "standard"])
def test_a_classical_correlation_function_takes_the_correction_named(correction):
    gamma, variance = 50 * CM, 100 * CM / beta(T)
    found = from_correlation(TIMES, variance * np.exp(-gamma * TIMES) + 0j, T, correction)
    spectrum = 2 * variance * gamma / (W**2 + gamma**2)
    factor = beta(T) * W / 2 if correction == "harmonic" else np.tanh(beta(T) * W / 2)
    np.testing.assert_allclose(found.spectral_density(W), spectrum * factor, rtol=1e-3)


def ornstein_uhlenbeck(eta, gamma, steps, sites, seed):
    """Energies of sites whose classical C(t) is eta k_B T exp(-gamma t)."""
    noise = np.random.default_rng(seed).normal(size=(sites, steps))
    decay = np.exp(-gamma * STEP)
    kicks = np.sqrt(eta / beta(T) * (1 - decay**2)) * noise
    return lfilter([1.0], [1.0, -decay], kicks, axis=1)[:, 2000:]


def test_a_trajectory_gives_back_the_debye_bath_that_made_it():
    eta, gamma = 100 * CM, 50 * CM
    energies = ornstein_uhlenbeck(eta, gamma, 150_000, 4, seed=3)
    time = STEP * np.arange(energies.shape[1])
    found = from_trajectory(time, energies + 1.0, T, "harmonic")
    exact = DebyeBath(eta, gamma)
    np.testing.assert_allclose(found.spectral_density(W), exact.spectral_density(W), rtol=0.06)
    assert found.reorganisation_energy == pytest.approx(eta / 2, rel=0.05)
    # classical limit: at high temperature g is that of the Debye bath
    t = np.array([30.0, 200.0, 800.0])
    hot = lineshape(exact, t, 1000.0)
    np.testing.assert_allclose(lineshape(found, t, 1000.0), hot, rtol=0.06)


def test_data_that_are_no_bath_are_refused():
    bath = BATHS["vibration"]
    c = correlation_samples(bath, np.maximum(TIMES, 1e-3), T)
    for times, values, temperature_K, correction, reason in (
        (TIMES**1.5, c, T, None, "equal steps"),
        (TIMES[:-1], c, T, None, "as many"),
        (TIMES, c.conj(), T, None, "negative"),
        (TIMES, c, 600.0, None, "do not belong together"),
        (TIMES, c.real + 0j, T, None, "quantum_correction"),
        (TIMES, c, T, "harmonic", "quantum already"),
        (TIMES, np.full(len(TIMES), np.nan + 0j), T, None, "finite"),
        (TIMES + 50, c, T, None, "begin at 0"),
        (TIMES - 50, c, T, None, "begin at 0"),
        (TIMES, c.real + 0j, T, "classical", "allowed: harmonic, standard"),
    ):
        with pytest.raises(ValueError, match=reason):
            from_correlation(times, values, temperature_K, correction)
    energies = ornstein_uhlenbeck(100 * CM, 1 * CM, 4000, 1, seed=1)
    time = STEP * np.arange(energies.shape[1])
    with pytest.raises(ValueError, match="longer"):
        from_trajectory(time, energies, T, "harmonic")
    with pytest.raises(ValueError, match="fluctuate"):
        from_trajectory(time, np.full_like(energies, 0.1), T, "harmonic")
    noise = np.random.default_rng(0).normal(size=energies.shape)
    with pytest.raises(ValueError, match="more often"):
        from_trajectory(time, noise, T, "harmonic")
