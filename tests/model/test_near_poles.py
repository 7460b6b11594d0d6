"""Baths whose poles coincide or nearly do: no rate is special to a user."""

import numpy as np
import pytest

from smallpolaron.model.baths.bath import BrownianBath, DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.baths.poles import bose_poles
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from smallpolaron.model.units import beta

T = 77.0
FIRST = 2 * np.pi / beta(T)
TIMES = (30.0, 60.0, 120.0)


def worst(bath, expansion, temperature_K=T):
    """Largest error of C(t), relative to that at the first time."""
    exact = np.array([bath.correlation(t, temperature_K) for t in TIMES])
    return np.max(np.abs(expansion.correlation(TIMES) - exact)) / abs(exact[0])


@pytest.mark.parametrize("scheme", ["pade", "matsubara"])
@pytest.mark.parametrize("ratio", [0.98, 0.9999, 1.0, 1.0001, 1.03])
@pytest.mark.parametrize("pole", [1, 2])
def test_a_rate_near_a_pole_of_the_bose_function(scheme, ratio, pole):
    bath = DebyeBath(200 * CM, pole * ratio * FIRST)
    expansion = expand(bath, T, scheme, error_bound=1e-3)
    assert expansion.error <= 1e-3
    assert worst(bath, expansion) < 0.05
    # its neighbours have coefficients of this size; the residues here are a thousand times that
    apart = expand(DebyeBath(200 * CM, 1.25 * pole * FIRST), T, scheme, error_bound=1e-3)
    largest = np.max(np.abs(expansion.coefficients))
    assert largest < 6 * np.max(np.abs(apart.coefficients))
    assert expansion.terminator > -1e-6


def test_a_rate_on_a_pade_pole():
    rate = bose_poles("pade", 1)[0][0] / beta(T)
    bath = DebyeBath(200 * CM, rate)
    expansion = expand(bath, T, terms=1)
    assert np.max(np.abs(expansion.coefficients)) < 5 * bath.eta * rate
    assert expansion.error < expand(bath, T, terms=0).error


@pytest.mark.parametrize("gamma_cm", [97.0, 99.9, 100.0, 100.1, 104.0])
def test_a_vibration_near_critical_damping(gamma_cm):
    bath = BrownianBath(200 * CM, gamma_cm * CM, 50 * CM)
    expansion = expand(bath, 300.0, error_bound=1e-3)
    assert worst(bath, expansion, 300.0) < 1e-3
    apart = expand(BrownianBath(200 * CM, 110 * CM, 50 * CM), 300.0, error_bound=1e-3)
    # the functions of the hierarchy are no exponentials, which would nearly cancel
    assert list(expansion.functions.confluent) == [0]
    largest = np.max(np.abs(expansion.functions.sides[0]))
    assert largest < 1.5 * np.max(np.abs(apart.functions.sides[0]))
    assert np.sum(expansion.coefficients).imag == pytest.approx(0.0, abs=1e-9 * largest)


def test_one_rate_of_a_vibration_on_a_matsubara_frequency():
    rate, frequency = 2 * np.pi / beta(300.0), 700 * CM
    bath = BrownianBath(200 * CM, rate + frequency**2 / rate, frequency)
    expansion = expand(bath, 300.0, error_bound=1e-3)
    assert worst(bath, expansion, 300.0) < 0.02


def test_a_wide_band_asks_for_the_power_spectrum():
    bath, span = DebyeBath(200 * CM, 50 * CM), 4 * 669 * CM
    narrow = expand(bath, 300.0, error_bound=3e-3)
    wide = expand(bath, 300.0, error_bound=3e-3, span=span)
    assert wide.low_temperature_terms > narrow.low_temperature_terms
    w = np.linspace(-span, -0.1 * span, 50)

    def absorbed(expansion):
        terms = expansion.coefficients / (expansion.rates - 1j * w[:, None])
        return 2 * (terms.sum(axis=1).real + expansion.terminator)

    exact = bath.spectral_density(w) * (1 / np.tanh(beta(300.0) * w / 2) + 1)
    emitted = bath.spectral_density(-w) * (1 / np.tanh(-beta(300.0) * w / 2) + 1)
    assert np.max(np.abs(absorbed(wide) - exact) / emitted) < 1e-2
    assert np.max(np.abs(absorbed(narrow) - exact) / emitted) > 1e-2
