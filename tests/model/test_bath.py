import numpy as np
import pytest
from scipy.integrate import quad

from smallpolaron.model.baths.bath import DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.baths.poles import bose_poles
from smallpolaron.model.units import CM_TO_RAD_FS, beta

T = 300.0
BATHS = {
    "slow": DebyeBath(323 * CM_TO_RAD_FS, 41 * CM_TO_RAD_FS),
    "fast": DebyeBath(150 * CM_TO_RAD_FS, 600 * CM_TO_RAD_FS),
}


@pytest.mark.parametrize("name", BATHS)
@pytest.mark.parametrize(("scheme", "terms"), [("matsubara", 300), ("pade", 16)])
def test_many_terms_reproduce_the_exact_correlation_function(name, scheme, terms):
    bath = BATHS[name]
    expansion = expand(bath, T, scheme=scheme, terms=terms)
    for t in (2.0, 7.0, 30.0, 120.0):
        exact = bath.correlation(t, T)
        assert abs(expansion.correlation(t) - exact) < 2e-7 * abs(bath.correlation(2.0, T))


def test_exact_correlation_function_agrees_with_plain_quadrature():
    # an independent route: the integrand damped by exp(-s w), extrapolated to s = 0
    bath, t, b = BATHS["slow"], 25.0, beta(T)

    def damped(s):
        def real(w):
            return float(bath.spectral_density(w)) / np.tanh(b * w / 2) * np.cos(w * t)

        def imag(w):
            return float(bath.spectral_density(w)) * np.sin(w * t)

        end = 40 / s
        re = quad(lambda w: real(w) * np.exp(-s * w), 1e-12, end, limit=20000)[0]
        im = quad(lambda w: imag(w) * np.exp(-s * w), 1e-12, end, limit=20000)[0]
        return complex(re, -im) / np.pi

    s = 0.5
    extrapolated = (damped(4 * s) - 6 * damped(2 * s) + 8 * damped(s)) / 3
    assert abs(extrapolated - bath.correlation(t, T)) < 1e-4 * abs(bath.correlation(t, T))


@pytest.mark.parametrize("scheme", ["matsubara", "pade"])
def test_total_weight_is_kept_by_the_terminator(scheme):
    bath = BATHS["slow"]
    exact = 2 * bath.reorganisation_energy / (beta(T) * bath.gamma)
    for terms in (0, 1, 4):
        e = expand(bath, T, scheme=scheme, terms=terms)
        assert np.sum(e.coefficients.real / e.rates) + e.terminator == pytest.approx(
            exact, rel=1e-12
        )


def test_imaginary_part_gives_the_reorganisation_energy():
    # lambda = -int_0^inf Im C dt, half of eta
    bath = BATHS["fast"]
    e = expand(bath, T, terms=3)
    assert -np.sum(e.coefficients.imag / e.rates) == pytest.approx(bath.eta / 2, rel=1e-12)


def test_pade_poles_reproduce_the_bose_function():
    xi, kappa = bose_poles("pade", 6)
    for x in (0.1, 1.0, 5.0):
        series = 0.5 + 1 / x + np.sum(2 * kappa * x / (x**2 + xi**2))
        assert series == pytest.approx(1 / (1 - np.exp(-x)), rel=1e-9)
    # [0/1]: f ~ 1/2 + 1/x + x/12 (1 + ...): xi^2 = 60, kappa = 5/2 from the Taylor series
    xi, kappa = bose_poles("pade", 1)
    assert xi[0] ** 2 == pytest.approx(60)
    assert kappa[0] == pytest.approx(2.5)


@pytest.mark.parametrize("scheme", ["matsubara", "pade"])
def test_error_falls_with_terms_and_decides_their_number(scheme):
    bath = BATHS["fast"]
    errors = [expand(bath, T, scheme=scheme, terms=k).error for k in range(5)]
    assert np.all(np.diff(errors) < 0)
    bound = 1.5 * errors[3]
    chosen = expand(bath, T, scheme=scheme, error_bound=bound)
    assert chosen.n_terms == 4
    assert chosen.error <= bound


def test_error_of_a_single_debye_pole_is_the_neglected_matsubara_sum():
    bath = BATHS["slow"]
    full = expand(bath, T, scheme="matsubara", terms=1500)
    neglected = np.sum(full.coefficients[1:].real / full.rates[1:] ** 2)
    measured = expand(bath, T, scheme="matsubara", terms=0).error
    assert measured == pytest.approx(neglected, rel=1e-3)


def test_without_terminator_the_error_says_so():
    bath = BATHS["slow"]
    assert (
        expand(bath, T, scheme="matsubara", terms=1, terminator=False).error
        > 10 * expand(bath, T, scheme="matsubara", terms=1).error
    )


def test_bad_requests_are_refused():
    with pytest.raises(ValueError, match="eta"):
        DebyeBath(-1.0, 0.1)
    with pytest.raises(ValueError, match="gamma"):
        DebyeBath(1.0, 0.0)
    with pytest.raises(ValueError, match="scheme"):
        expand(BATHS["slow"], T, scheme="prony")
    with pytest.raises(ValueError, match="terms"):
        expand(BATHS["slow"], T, terms=-1)
    with pytest.raises(ValueError, match="error bound"):
        expand(BATHS["fast"], T, scheme="matsubara", error_bound=1e-12)
    with pytest.raises(ValueError, match="time_fs"):
        BATHS["slow"].correlation(0.0, T)


# -- numbers printed by others -------------------------------------------------------------------


def test_pade_of_a_debye_bath_as_another_program_prints_it():
    """HierarchicalEOM.jl's documentation: lambda = 0.145, W = 0.6464, k_B T = 0.7414, N = 4."""
    temperature = 0.7414 * beta(1.0)
    found = expand(DebyeBath(2 * 0.145, 0.6464), temperature, "pade", 4, terminator=False)
    order = np.argsort(found.rates.real)
    np.testing.assert_allclose(
        found.rates[order].real,
        [0.6464, 4.658353694331594, 9.326775214941103, 15.245109836566387, 42.84397872069647],
        rtol=1e-9,
    )
    c0 = found.coefficients[order][0]
    assert c0 == pytest.approx(0.20121058848333528 - 0.093728j, rel=1e-9)


def test_terminator_of_a_debye_bath_as_another_program_prints_it():
    """MPSQD's documentation: eta = 1, w_c = 1, beta = 0.5, three Matsubara terms."""
    temperature = beta(1.0) / 0.5
    found = expand(DebyeBath(1.0, 1.0), temperature, "matsubara", 3)
    assert found.terminator == pytest.approx(0.007190519251379019, rel=1e-9)
