"""The lineshape function of a bath: what decides whether an expansion is good enough."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from smallpolaron.model.baths.functions import Rates
from smallpolaron.model.baths.poles import bose_poles, residues
from smallpolaron.model.baths.sampled_density import SampledDensity
from smallpolaron.model.baths.spectral_density import (
    ComplexArray,
    FloatArray,
    RationalDensity,
    SpectralDensity,
)
from smallpolaron.model.units import beta

_REFERENCE_TERMS = 2000
"""Matsubara terms of the reference lineshape; its neglected tail falls as the square of this."""

_MOST_AT_ONCE = 1 << 16
"""Exponentials that are held at a time."""


def lineshape(bath: SpectralDensity, time_fs: ArrayLike, temperature_K: float) -> ComplexArray:
    """Lineshape function g(t) = int_0^t dt' int_0^t' dt'' C(t'') of the bath of one site.

    At v = 0 the coherence between two sites decays as exp(-2 Re g(t)): both baths dephase it.

    Args:
        bath: the bath of one site, or a sum of baths.
        time_fs: times >= 0, fs, any shape.
        temperature_K: temperature, K.

    Returns:
        g(t), dimensionless, same shape as time_fs.

    Source: second cumulant, exact for a harmonic bath (Mukamel, Principles of Nonlinear Optical
    Spectroscopy, chapter 8).
    """
    t = np.asarray(time_fs, dtype=float)
    g = np.zeros(t.size, dtype=complex)
    for part in bath.parts:
        if isinstance(part, SampledDensity):
            g += part.lineshape(t.ravel(), temperature_K)
    if bath.rational:
        c, nu, delta = _reference_terms(bath.rational, temperature_K)
        g += double_integral(t.ravel(), c, nu) + delta * t.ravel()
    return g.reshape(t.shape)


@lru_cache(maxsize=16)
def _reference_terms(
    parts: tuple[RationalDensity, ...], temperature_K: float
) -> tuple[ComplexArray, Rates, float]:
    """2,000 Matsubara terms plus the exact delta remainder: error below 1e-9 of lambda beta."""
    xi, kappa = bose_poles("matsubara", _REFERENCE_TERMS)
    c, nu = residues(parts, temperature_K, "matsubara", xi, kappa)
    return c, nu, remainder(parts, temperature_K, c, nu)


def correlation_samples(
    bath: SpectralDensity, time_fs: FloatArray, temperature_K: float, *, with_poles: bool = True
) -> ComplexArray:
    """C(t) at many times > 0, (rad/fs)^2; only the mean of what is faster than 0.01 fs is right.

    Without poles, the terms of the poles of the spectral density are left out.
    """
    c = np.zeros(len(time_fs), dtype=complex)
    for part in bath.parts:
        if isinstance(part, SampledDensity):
            c += part.correlations(time_fs, temperature_K)
    if bath.rational:
        a, nu, _ = _reference_terms(bath.rational, temperature_K)
        first = 0 if with_poles else len(nu) - _REFERENCE_TERMS
        c += np.exp(-np.multiply.outer(time_fs, nu[first:])) @ a[first:]
    return c


def spectrum_without_poles(
    bath: SpectralDensity, omega: FloatArray, temperature_K: float
) -> FloatArray:
    """Even power spectrum J coth(beta w/2), rad/fs, without the poles of J and delta functions."""
    total = np.zeros(len(omega))
    for part in bath.parts:
        if isinstance(part, SampledDensity):
            total += part.spectral_density(omega) / np.tanh(beta(temperature_K) * omega / 2)
    if bath.rational:
        a, nu, _ = _reference_terms(bath.rational, temperature_K)
        thermal, rate = a[-_REFERENCE_TERMS:].real, nu[-_REFERENCE_TERMS:].real
        total += (2 / np.add.outer(omega**2, rate**2)) @ (thermal * rate)
    return total


def spectrum(
    bath: SpectralDensity, omega: FloatArray, temperature_K: float, width: float
) -> FloatArray:
    """Int C(t) exp(i w t - width |t|) dt, rad/fs: the power spectrum seen for a time 1/width."""
    total = np.zeros(len(omega))
    for part in bath.parts:
        if isinstance(part, SampledDensity):
            total += part.spectrum(omega, temperature_K, width)
    if bath.rational:
        c, nu, delta = _reference_terms(bath.rational, temperature_K)
        total += 2 * (delta + ((1 / np.subtract.outer(-1j * omega, -nu - width)) @ c).real)
    return total


def remainder(
    parts: Sequence[SpectralDensity], temperature_K: float, c: ComplexArray, nu: Rates
) -> float:
    """What the sum of exponentials lacks of the integral of Re C over t > 0, rad/fs."""
    integrals = c.real / nu if np.isrealobj(nu) else (c / nu).real
    return noise(parts, temperature_K) - float(np.sum(integrals))


def noise(parts: Sequence[SpectralDensity], temperature_K: float) -> float:
    """Integral of Re C over t > 0 of what is expanded, rad/fs."""
    return sum(part.noise(temperature_K) for part in parts)


@lru_cache(maxsize=16)  # the same for every number of terms that is tried
def reference_lineshape(
    bath: SpectralDensity, temperature_K: float
) -> tuple[FloatArray, ComplexArray]:
    """Return times and the lineshape function there; must not be changed."""
    end = 10 / bath.slowest
    # the fast terms settle in the first of the times
    t = np.concatenate([[0.0], np.geomspace(1e-4 * end, end, 200), np.linspace(0, end, 202)[1:-1]])
    return t, lineshape(bath, t, temperature_K)


def double_integral(time_fs: FloatArray, c: ComplexArray, nu: Rates) -> ComplexArray:
    """int_0^t dt' int_0^t' dt'' of sum_k c_k exp(-nu_k t''), dimensionless.

    Args:
        time_fs: times, fs, shape (n,).
        c: coefficients, (rad/fs)^2, shape (K+1,).
        nu: rates, rad/fs, shape (K+1,).

    Returns:
        The double integral, shape (n,).
    """
    # some times at once: all of them times 2,000 terms take 20 MB
    parts = np.array_split(time_fs, 1 + time_fs.size * nu.size // _MOST_AT_ONCE)
    return np.concatenate([double_integrals(t, nu) @ c for t in parts])


def double_integrals(time_fs: FloatArray, nu: Rates) -> Rates:
    """The double integrals of single exponentials, shape (n, K+1)."""
    x = np.multiply.outer(time_fs, nu)
    return np.asarray((np.expm1(-x) + x) / nu / nu)
