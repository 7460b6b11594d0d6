"""Expansions by residues: the poles of the bath, and those of the Bose function."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from smallpolaron.model.baths.expansion import Scheme
from smallpolaron.model.baths.functions import Rates
from smallpolaron.model.baths.spectral_density import ComplexArray, FloatArray, RationalDensity
from smallpolaron.model.units import beta

_NEAR = 0.6
"""Distance of a rate from a pole of the Bose function, in units of k_B T and of the pole's weight,
below which residues are not used: there they are three times the whole, and grow as its inverse."""

_APART = 1.3
"""Ratio to which nearly equal rates are spread before coefficients are fitted."""

_COINCIDENT = 1e-6
"""Relative distance to which exactly equal rates are moved where the exact sum is needed."""


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


def residues(
    parts: Sequence[RationalDensity],
    temperature_K: float,
    scheme: Scheme,
    xi: FloatArray,
    kappa: FloatArray,
) -> tuple[ComplexArray, Rates]:
    """c_k and nu_k: -i times the residues of J(w) (coth(beta w/2) + 1) at w = -i nu_k."""
    b = beta(temperature_K)
    matsubara = xi / b
    coefficients: list[complex] = []
    rates: list[complex] = []
    thermal = np.zeros(len(xi))
    for part in parts:
        strength = 2 * part.amplitude / b * kappa * matsubara
        for rate, residue in zip(*part.poles, strict=True):
            if np.any(np.abs(matsubara - rate) < _COINCIDENT * abs(rate)):
                rate *= 1 + _COINCIDENT
            y = b * rate
            if scheme == "matsubara":
                cot = 1 / np.tan(y / 2)
            else:
                cot = 2 / y - np.sum(4 * kappa * y / (xi**2 - y**2))
            coefficients.append(residue * (cot - 1j))
            rates.append(rate)
            strength = strength / (rate**2 - matsubara**2)
        # the baths share the poles of the Bose function
        thermal = thermal - strength.real
    nu = np.array([*rates, *matsubara])
    return np.array([*coefficients, *thermal], dtype=complex), nu


def spread(
    parts: Sequence[RationalDensity], temperature_K: float, xi: FloatArray, kappa: FloatArray
) -> tuple[Rates, FloatArray] | None:
    """Rates of the bath and of the Bose function moved apart; None where none are near others."""
    thermal, near = xi / beta(temperature_K), _NEAR * kappa / beta(temperature_K)
    own = np.concatenate([part.poles[0] for part in parts])
    apart: list[float] = []
    for rate, least in zip(thermal, near, strict=True):
        place = max(float(rate), _APART * apart[-1]) if apart and apart[-1] > rate else float(rate)
        for other in own:
            if abs(place - other) < least:
                place = _APART * abs(other)
        apart.append(place)
    moved = not np.array_equal(apart, thermal)
    return (own, np.array(apart)) if moved else None
