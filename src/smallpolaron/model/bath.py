"""The Debye (Drude-Lorentz) bath and its expansion into decaying exponentials.

The hierarchy needs the bath correlation function as a finite sum
C(t) = sum_k c_k exp(-nu_k t) plus a delta-correlated remainder (the terminator).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from smallpolaron.model.units import beta

Scheme = Literal["pade", "matsubara"]
ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]

MAX_TERMS = 20
"""Most low-temperature terms tried when the number is chosen from an error bound."""

_REFERENCE_TERMS = 2000
"""Matsubara terms of the reference lineshape; its neglected tail falls as the square of this."""


@dataclass(frozen=True)
class DebyeBath:
    """Debye spectral density J(w) = eta gamma w / (w^2 + gamma^2), the same on every site.

    Attributes:
        eta: coupling strength, rad/fs; twice the reorganisation energy.
        gamma: relaxation rate of the bath, rad/fs.

    Raises:
        ValueError: eta negative or gamma not positive.

    Source: Mori paper and anomalous paper, spectral density of the dispersive Holstein model.
    """

    eta: float
    gamma: float

    def __post_init__(self) -> None:
        """Refuse values outside the model."""
        if not (np.isfinite(self.eta) and self.eta >= 0):
            raise ValueError(f"eta = {self.eta} rad/fs; a coupling strength >= 0 is needed")
        if not (np.isfinite(self.gamma) and self.gamma > 0):
            raise ValueError(f"gamma = {self.gamma} rad/fs; a relaxation rate > 0 is needed")

    @property
    def reorganisation_energy(self) -> float:
        """Reorganisation energy lambda = eta / 2, rad/fs."""
        return self.eta / 2

    def spectral_density(self, omega: ArrayLike) -> FloatArray:
        """J(omega), rad/fs, for angular frequencies in rad/fs of any shape."""
        w = np.asarray(omega, dtype=float)
        return np.asarray(self.eta * self.gamma * w / (w**2 + self.gamma**2))

    def correlation(self, time_fs: float, temperature_K: float) -> complex:
        """Exact bath correlation function at one time t > 0 by Fourier quadrature.

        C(t) = (1/pi) int_0^inf J(w) [coth(beta w / 2) cos(w t) - i sin(w t)] dw.

        Args:
            time_fs: time, fs; must be positive because Re C(t) diverges logarithmically at 0.
            temperature_K: temperature, K.

        Returns:
            C(t), (rad/fs)^2.

        Raises:
            ValueError: time not positive.

        Source: Mori paper, Holstein Hamiltonian in the supporting text; standard influence theory.
        """
        if time_fs <= 0:
            raise ValueError(f"time_fs = {time_fs}; Re C(t) of a Debye bath exists for t > 0 only")
        b = beta(temperature_K)

        def thermal(w: float) -> float:
            if w == 0.0:
                return 2 * self.eta / (self.gamma * b)
            return float(self.spectral_density(w) / np.tanh(b * w / 2))

        real = _fourier_tail(thermal, time_fs, "cos")
        imag = _fourier_tail(lambda w: float(self.spectral_density(w)), time_fs, "sin")
        return complex(real, -imag) / np.pi


def _fourier_tail(
    f: Callable[[float], float], time_fs: float, weight: Literal["cos", "sin"]
) -> float:
    # imported here: it takes a second, and no job needs it
    from scipy.integrate import quad

    value, _ = quad(f, 0, np.inf, weight=weight, wvar=time_fs, limlst=500, limit=500)
    return float(value)


@dataclass(frozen=True)
class BathExpansion:
    """Finite expansion C(t) ~ sum_k c_k exp(-nu_k t) + 2 Delta delta(t).

    Attributes:
        coefficients: c_k, (rad/fs)^2, shape (K+1,), complex; the Debye pole first.
        rates: nu_k, rad/fs, shape (K+1,).
        terminator: Delta, rad/fs, strength of the delta-correlated remainder (0 when off).
        scheme: "pade" or "matsubara".
        error: largest |g_exact(t) - g_K(t)| of the lineshape function over 0 <= t <= 10/gamma,
            dimensionless: the error of the exponent with which coherences decay.
    """

    coefficients: ComplexArray
    rates: FloatArray
    terminator: float
    scheme: Scheme
    error: float

    @property
    def n_terms(self) -> int:
        """Number of exponentials, K + 1."""
        return len(self.rates)

    def correlation(self, time_fs: ArrayLike) -> ComplexArray:
        """The sum of exponentials at times in fs, (rad/fs)^2, without the delta function."""
        t = np.asarray(time_fs, dtype=float)
        return np.asarray(np.exp(-np.multiply.outer(t, self.rates)) @ self.coefficients)


def expand(
    bath: DebyeBath,
    temperature_K: float,
    scheme: Scheme = "pade",
    terms: int | None = None,
    terminator: bool = True,
    error_bound: float = 5e-3,
) -> BathExpansion:
    """Expand the bath correlation function into exponentials.

    Args:
        bath: the Debye bath.
        temperature_K: temperature, K.
        scheme: "pade" for the [N-1/N] Pade poles of the Bose function, "matsubara" for its own.
        terms: number K >= 0 of low-temperature terms beyond the Debye pole; None takes the
            smallest K whose lineshape error is within error_bound.
        terminator: put what is left beyond K into a delta-correlated term
            (Ishizaki-Tanimura).
        error_bound: largest error of the lineshape function g(t) (dimensionless) when terms
            is None.

    Returns:
        The expansion with its error.

    Raises:
        ValueError: unknown scheme, negative K, a Debye rate that coincides with a pole of the
            Bose function, or no K up to MAX_TERMS that meets the bound.

    Source: expansion and terminator, Ishizaki and Tanimura 2005; Pade poles, Hu, Xu and Yan 2010.
    """
    if scheme not in ("pade", "matsubara"):
        raise ValueError(f"scheme = {scheme!r}; allowed: 'pade', 'matsubara'")
    if terms is not None:
        if terms < 0:
            raise ValueError(f"terms = {terms}; allowed: integers >= 0, or None for automatic")
        return _expand(bath, temperature_K, scheme, terms, terminator)
    for k in range(MAX_TERMS + 1):
        expansion = _expand(bath, temperature_K, scheme, k, terminator)
        if expansion.error <= error_bound:
            return expansion
    raise ValueError(
        f"no expansion with at most {MAX_TERMS} {scheme} terms reaches the error bound "
        f"{error_bound:g} (best: {expansion.error:.2g}); raise the bound, "
        "or switch the terminator on"
    )


def bose_poles(scheme: Scheme, count: int) -> tuple[FloatArray, FloatArray]:
    """Poles xi_j and weights of 1/(1 - exp(-x)) ~ 1/2 + 1/x + sum_j 2 kappa_j x/(x^2 + xi_j^2).

    Args:
        scheme: "pade" ([count-1/count]) or "matsubara".
        count: number of pole pairs, >= 0.

    Returns:
        (xi, kappa), each of shape (count,), dimensionless, ascending in xi.

    Source: Hu, Xu, Yan, J. Chem. Phys. 2010, 133, 101106: eigenvalues of two tridiagonal matrices.
    """
    if count == 0:
        return np.empty(0), np.empty(0)
    if scheme == "matsubara":
        return 2 * np.pi * np.arange(1, count + 1, dtype=np.float64), np.ones(count)
    xi = _pade_roots(np.arange(1, 2 * count + 1), count)
    zeta = _pade_roots(np.arange(2, 2 * count + 1), count - 1)
    kappa = np.empty(count)
    for j in range(count):
        others = np.delete(xi, j)
        # one quotient at a time: the two products alone overflow for many poles
        quotients = (zeta**2 - xi[j] ** 2) / (others**2 - xi[j] ** 2)
        kappa[j] = 0.5 * count * (2 * count + 3) * np.prod(quotients)
    return xi, kappa


def _pade_roots(m: NDArray[np.int64], keep: int) -> FloatArray:
    diagonal = 2.0 * m + 1.0
    off = 1 / np.sqrt(diagonal[:-1] * diagonal[1:])
    eigenvalues = np.linalg.eigvalsh(np.diag(off, 1) + np.diag(off, -1))
    return np.sort(2 / eigenvalues[::-1][:keep])


def _expand(
    bath: DebyeBath, temperature_K: float, scheme: Scheme, terms: int, terminator: bool
) -> BathExpansion:
    c, nu = _coefficients(bath, temperature_K, scheme, terms)
    delta = 0.0
    if terminator:
        # the integral of Re C over t > 0 is 2 lambda/(beta gamma), whatever the scheme
        total = 2 * bath.reorganisation_energy / (beta(temperature_K) * bath.gamma)
        delta = total - float(np.sum(c.real / nu))
    error = _lineshape_error(bath, temperature_K, c, nu, delta)
    return BathExpansion(c, nu, delta, scheme, error)


def _coefficients(
    bath: DebyeBath, temperature_K: float, scheme: Scheme, terms: int
) -> tuple[ComplexArray, FloatArray]:
    lam, gamma, b = bath.reorganisation_energy, bath.gamma, beta(temperature_K)
    xi, kappa = bose_poles(scheme, terms)
    nu = xi / b
    if np.any(np.abs(nu - gamma) < 1e-6 * gamma):
        raise ValueError(
            f"gamma = {gamma:g} rad/fs coincides with a {scheme} pole at {temperature_K:g} K; "
            "change gamma or the temperature by one part in a million, or the scheme"
        )
    y = b * gamma
    if scheme == "matsubara":
        cot = 1 / np.tan(y / 2)
    else:
        cot = 2 / y - np.sum(4 * kappa * y / (xi**2 - y**2))
    c = np.concatenate(
        [[lam * gamma * (cot - 1j)], 4 * lam * gamma / b * kappa * nu / (nu**2 - gamma**2)]
    )
    return np.asarray(c, dtype=complex), np.append(gamma, nu)


def _lineshape_error(
    bath: DebyeBath, temperature_K: float, c: ComplexArray, nu: FloatArray, delta: float
) -> float:
    t = np.linspace(0, 10 / bath.gamma, 401)
    full_c, full_nu = _coefficients(bath, temperature_K, "matsubara", _REFERENCE_TERMS)
    total = 2 * bath.reorganisation_energy / (beta(temperature_K) * bath.gamma)
    full_delta = total - float(np.sum(full_c.real / full_nu))
    exact = double_integral(t, full_c, full_nu) + full_delta * t
    ours = double_integral(t, c, nu) + delta * t
    return float(np.max(np.abs(exact - ours)))


def double_integral(time_fs: FloatArray, c: ComplexArray, nu: FloatArray) -> ComplexArray:
    """int_0^t dt' int_0^t' dt'' of sum_k c_k exp(-nu_k t''), dimensionless.

    Args:
        time_fs: times, fs, shape (n,).
        c: coefficients, (rad/fs)^2, shape (K+1,).
        nu: rates, rad/fs, shape (K+1,).

    Returns:
        The double integral, shape (n,).
    """
    x = np.multiply.outer(time_fs, nu)
    return np.asarray((np.expm1(-x) + x) @ (c / nu**2))
