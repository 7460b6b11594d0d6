"""Initial states of the hierarchy in closed form."""

import numba
import numpy as np

from smallpolaron.dynamics.observables import ComplexArray, new_vector
from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.labels import unpack_label
from smallpolaron.model.expansion import BathExpansion, Rates
from smallpolaron.parallel import PETSc


def franck_condon(basis: Basis, site: int) -> PETSc.Vec:
    """Carrier on one site, every bath in its thermal state without the carrier.

    Args:
        basis: the labels in play, without symmetry.
        site: the occupied site.

    Returns:
        The state: only <site|rho_0|site> = 1.

    Source: anomalous paper, "without equilibration".
    """
    weights = np.eye(basis.sector.n_sites)[site]
    return _product(basis, np.diag(weights).astype(complex), np.zeros(basis.layout.n_terms))


def relaxed(basis: Basis, expansion: BathExpansion, carrier: ComplexArray) -> PETSc.Vec:
    """Carrier with the bath relaxed around each site it occupies.

    For the population p_i of site i, with only that site's modes excited,
    <i|rho_n|i> = p_i prod_k r_k^n_k / sqrt(n_k!) with BathExpansion.relaxed_amplitudes r_k;
    coherences keep n = 0. Exact for a carrier without coherences at v = 0.

    Args:
        basis: the labels in play; with translation symmetry the carrier must have it too.
        expansion: the bath expansion.
        carrier: reduced density matrix, shape (N, N), trace 1.

    Returns:
        The state.

    Source: Marcus initial state of both papers ("with equilibration"); closed form from the
    hierarchy at v = 0.
    """
    return _product(basis, carrier, expansion.relaxed_amplitudes)


def _product(basis: Basis, carrier: ComplexArray, ratios: Rates) -> PETSc.Vec:
    state = new_vector(basis)
    _fill_product(basis.layout.fields, basis.keys, carrier, ratios, state.array_w)
    return state


@numba.njit(cache=True)
def _fill_product(fields, keys, carrier, ratios, out):  # type: ignore[no-untyped-def]
    n_sites, n_terms = len(carrier), len(ratios)
    n = np.empty(n_sites * n_terms, dtype=np.uint8)
    for row in range(len(keys)):
        a, b = unpack_label(fields, keys[row], n)
        value = carrier[a, b]
        for m in range(len(n)):
            if n[m] and (a != b or m // n_terms != a):
                value = 0.0 * value
                break
            for q in range(n[m]):
                value *= ratios[m % n_terms] / np.sqrt(q + 1.0)
        out[row] = value
