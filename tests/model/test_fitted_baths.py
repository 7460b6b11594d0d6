"""Baths without poles, and fits of any bath: densities, quadrature, terms, refusals."""

import numpy as np
import pytest
from scipy.integrate import quad

from smallpolaron.model.baths.bath import BrownianBath, DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.baths.lineshape import double_integral, lineshape, spectrum
from smallpolaron.model.baths.sampled_density import OhmicBath, TabulatedBath
from smallpolaron.model.baths.spectral_density import BathSum
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from smallpolaron.model.units import beta

OHMIC = OhmicBath(100 * CM, 50 * CM)
BATHS = {
    "Ohmic": OHMIC,
    "sub-Ohmic": OhmicBath(100 * CM, 100 * CM, 0.5),
    "super-Ohmic": OhmicBath(100 * CM, 100 * CM, 3.0, "gaussian"),
    "sharp": OhmicBath(100 * CM, 150 * CM, 1.0, "sharp"),
}
bath_of = pytest.mark.parametrize("name", BATHS)


def table_of(bath, last_cm=2000.0, rows=600):
    w = np.linspace(0, last_cm * CM, rows)
    return TabulatedBath(tuple(w), tuple(bath.spectral_density(w)))


@bath_of
def test_reorganisation_energy_is_the_integral_of_J(name):
    bath = BATHS[name]
    end = 150 * CM if name == "sharp" else 60 * bath.cutoff_frequency
    found = quad(lambda w: float(bath.spectral_density(w)) / w / np.pi, 0, end, limit=500)[0]
    assert found == pytest.approx(bath.eta / 2, rel=1e-6)
    assert bath.spectral_density(-30 * CM) == -bath.spectral_density(30 * CM)


@bath_of
@pytest.mark.parametrize("t", [10.0, 150.0])
@pytest.mark.parametrize("temperature_K", [30.0, 300.0])
def test_correlation_and_lineshape_agree_with_adaptive_quadrature(name, temperature_K, t):
    bath, b = BATHS[name], beta(temperature_K)
    end = 150 * CM if name == "sharp" else 50 * bath.cutoff_frequency

    def integral(f):
        return quad(f, 0, end, limit=2000, epsabs=0, epsrel=1e-9)[0] / np.pi

    def j(w):
        return float(bath.spectral_density(w))

    c = integral(lambda w: j(w) / np.tanh(b * w / 2) * np.cos(w * t))
    c -= 1j * integral(lambda w: j(w) * np.sin(w * t))
    assert bath.correlation(t, temperature_K) == pytest.approx(c, rel=1e-5)
    g = integral(lambda w: j(w) / w**2 / np.tanh(b * w / 2) * 2 * np.sin(w * t / 2) ** 2)
    g += 1j * integral(lambda w: j(w) / w**2 * (np.sin(w * t) - w * t))
    assert lineshape(bath, t, temperature_K) == pytest.approx(g, rel=1e-5)


def test_correlation_of_an_ohmic_bath_has_a_closed_form_at_zero_temperature():
    # C(t) = (lambda wc) / (1 + i wc t)^2 where coth = 1
    t = np.array([5.0, 60.0, 400.0])
    exact = OHMIC.reorganisation_energy * OHMIC.cutoff_frequency
    exact = exact / (1 + 1j * OHMIC.cutoff_frequency * t) ** 2
    np.testing.assert_allclose(OHMIC.correlations(t, 0.01), exact, rtol=1e-4)


@bath_of
@pytest.mark.parametrize("scheme", ["aaa", "esprit"])
def test_a_fit_meets_its_bound_on_the_lineshape_function(name, scheme):
    bath, bound = BATHS[name], 1e-3
    e = expand(bath, 300.0, scheme, error_bound=bound)
    assert e.n_terms <= 8
    assert e.error <= bound
    t = np.linspace(1.0, 8 / bath.slowest, 37)
    g = lineshape(bath, t, 300.0)
    ours = double_integral(t, e.coefficients, e.rates)
    assert np.max(np.abs(ours - g) / np.maximum(1, g.real)) <= 1.05 * bound
    assert np.sum(e.coefficients / e.rates).imag == pytest.approx(-bath.eta / 2, rel=3e-3)
    # positive, and closed under conjugation
    w = np.linspace(-4, 4, 2001) * bath.cutoff_frequency
    assert np.min(e.spectrum(w)) > -0.05 * np.max(e.spectrum(w))
    np.testing.assert_array_equal(e.rates[e.functions.partners], e.rates.conj())
    np.testing.assert_allclose(
        np.exp(-np.multiply.outer(t, e.rates)) @ e.conjugates, e.correlation(t).conj(), rtol=1e-9
    )


@pytest.mark.parametrize("scheme", ["aaa", "esprit"])
def test_low_temperature_takes_few_terms(scheme):
    bath, temperature_K = OhmicBath(100 * CM, 200 * CM), 28.77
    assert beta(temperature_K) * bath.cutoff_frequency == pytest.approx(10, rel=1e-3)
    assert expand(bath, temperature_K, scheme, error_bound=3e-4).n_terms <= 8


@pytest.mark.parametrize("temperature_K", [77.0, 300.0])
@pytest.mark.parametrize("scheme", ["aaa", "esprit"])
def test_fitted_poles_of_the_bose_function_agree_with_pade(scheme, temperature_K):
    bath = BathSum((DebyeBath(60 * CM, 90 * CM), BrownianBath(60 * CM, 50 * CM, 150 * CM)))
    fit = expand(bath, temperature_K, scheme, error_bound=1e-4)
    pade = expand(bath, temperature_K, "pade", error_bound=1e-5)
    assert fit.n_poles == pade.n_poles == 3
    assert fit.low_temperature_terms <= pade.low_temperature_terms
    t = np.linspace(0.0, 1500.0, 31)
    ours, exact = (
        double_integral(t, e.coefficients, e.rates) + e.terminator * t for e in (fit, pade)
    )
    assert np.max(np.abs(ours - exact)) < 3e-4 * max(1, np.max(exact.real))


def test_a_sum_with_poles_keeps_them():
    narrow = BrownianBath(60 * CM, 10 * CM, 900 * CM)
    bath = BathSum((OHMIC, narrow))
    e = expand(bath, 300.0, error_bound=1e-3)
    assert e.scheme == "esprit"
    np.testing.assert_array_equal(e.rates[:2], narrow.poles[0])
    assert e.low_temperature_terms <= 6
    w = np.array([30.0, -60.0, 900.0]) * CM
    np.testing.assert_allclose(
        e.spectrum(w, bath.slowest), spectrum(bath, w, 300.0, bath.slowest), rtol=0.03
    )


def test_a_table_is_the_bath_that_made_it():
    table = table_of(OHMIC)
    assert table.reorganisation_energy == pytest.approx(OHMIC.eta / 2, rel=1e-3)
    t = np.array([10.0, 100.0, 500.0])
    for temperature_K in (77.0, 300.0):
        np.testing.assert_allclose(
            lineshape(table, t, temperature_K), lineshape(OHMIC, t, temperature_K), rtol=2e-3
        )
    assert table.noise(300.0) == pytest.approx(OHMIC.noise(300.0), rel=0.05)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda w, j: (w, -j), "J must be >= 0"),
        (lambda w, j: (w[::-1], j), "ascending"),
        (lambda w, j: (w[:100], j[:99]), "as many"),
        (lambda w, j: (w, np.where(w > w[300], np.nan, j)), "finite"),
        (lambda w, j: (w[:20], j[:20]), "continue it"),
        (lambda w, j: (np.delete(w, slice(3, 60)), np.delete(j, slice(3, 60))), "gap"),
        (lambda w, j: (w, 0 * j), "somewhere > 0"),
    ],
)
def test_what_is_no_spectral_density_is_refused(change, reason):
    w = np.linspace(0, 2000 * CM, 600)
    with pytest.raises(ValueError, match=reason):
        TabulatedBath(*map(tuple, change(w, OHMIC.spectral_density(w))))


def test_what_cannot_be_expanded_is_refused():
    with pytest.raises(ValueError, match="no poles"):
        expand(OHMIC, 300.0, "pade")
    with pytest.raises(ValueError, match="terms = 0"):
        expand(OHMIC, 300.0, terms=0)
    with pytest.raises(ValueError, match="error bound"):
        expand(OHMIC, 300.0, error_bound=1e-10)
    with pytest.raises(ValueError, match="exponent"):
        OhmicBath(1.0, 1.0, 0.01)
    with pytest.raises(ValueError, match="cutoff"):
        OhmicBath(1.0, 1.0, 1.0, "soft")
