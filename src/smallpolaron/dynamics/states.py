"""Initial states of the hierarchy in closed form."""

import numba
import numpy as np
from numpy.typing import NDArray
from petsc4py import PETSc

from smallpolaron.dynamics.observables import new_vector
from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.labels import unpack_label
from smallpolaron.model.bath import BathExpansion


def franck_condon(basis: Basis, site: int) -> PETSc.Vec:
    """Carrier on one site, every bath in its thermal state without the carrier.

    Args:
        basis: the labels in play, without symmetry.
        site: the occupied site.

    Returns:
        The state: only <site|rho_0|site> = 1.

    Source: anomalous paper, "without equilibration".
    """
    weights = np.zeros(basis.sector.n_sites)
    weights[site] = 1.0
    return _localised(basis, weights, np.zeros(basis.layout.n_terms))


def relaxed(basis: Basis, expansion: BathExpansion, weights: NDArray[np.float64]) -> PETSc.Vec:
    """Mixture over sites of the carrier on one site with its bath relaxed around it at v = 0.

    On site i, with only that site's modes excited,
    <i|rho_n|i> = p_i prod_k (2 Im c_k / nu_k)^n_k / sqrt(n_k! |c_k|^n_k).

    Args:
        basis: the labels in play; with translation symmetry the weights must be equal.
        expansion: the bath expansion.
        weights: p_i, the probability of every site, shape (N,), adding to 1.

    Returns:
        The state.

    Source: Marcus initial state of both papers ("with equilibration"); closed form from the
    hierarchy at v = 0.
    """
    size = np.abs(expansion.coefficients)
    amplitude = 2 * expansion.coefficients.imag / expansion.rates
    ratio = np.divide(amplitude, np.sqrt(size), out=np.zeros(len(size)), where=size > 0)
    return _localised(basis, weights, ratio)


def _localised(
    basis: Basis, weights: NDArray[np.float64], ratios: NDArray[np.float64]
) -> PETSc.Vec:
    state = new_vector(basis)
    _fill_localised(basis.layout.fields, basis.keys, weights, ratios, state.array_w)
    return state


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _fill_localised(fields, keys, weights, ratios, out):  # type: ignore[no-untyped-def]
    n_sites, n_terms = len(weights), len(ratios)
    n = np.empty(n_sites * n_terms, dtype=np.uint8)
    for row in range(len(keys)):
        a, b = unpack_label(fields, keys[row], n)
        value = weights[a] if a == b else 0.0
        for m in range(len(n)):
            if value == 0.0:
                break
            if n[m] and m // n_terms != a:
                value = 0.0
            for q in range(n[m]):
                value *= ratios[m % n_terms] / np.sqrt(q + 1.0)
        out[row] = value
