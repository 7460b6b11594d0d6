"""Mixed terms of cold vibrations: the dense hierarchy in other coordinates."""

import numpy as np
import pytest
from mpi4py import MPI
from scipy.linalg import expm

from smallpolaron.dynamics.readout import Readout, reduced_density_matrix
from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.compact import CompactGenerator
from smallpolaron.hierarchy.sector import Sector
from smallpolaron.model.baths.bath import BrownianBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.baths.spectral_density import BathSum
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from tests.hierarchy.reference import ado_list, asymmetric_model, dense_generator

T = 100.0
ONE = BrownianBath(150 * CM, 30 * CM, 120 * CM)
TWO = BathSum((ONE, BrownianBath(90 * CM, 80 * CM, 300 * CM)))
CASES = {"one": (expand(ONE, T, terms=1), 3, 2), "two": (expand(TWO, T, terms=0), 2, 3)}
case = pytest.mark.parametrize("name", CASES)


def parts(name):
    """A basis of a model without symmetry, its rows, its ADOs and those of one order more."""
    expansion, n_sites, depth = CASES[name]
    model = asymmetric_model(n_sites, T)
    ados, more = (ado_list(n_sites, expansion.n_terms, d) for d in (depth, depth + 1))
    basis = Basis(model, expansion, Sector(n_sites, translation=False), MPI.COMM_SELF)
    n = n_sites
    occupations = np.repeat(np.array(ados, np.uint8), n * n, axis=0)
    kets = np.tile(np.repeat(np.arange(n), n), len(ados))
    bras = np.tile(np.arange(n), n * len(ados))
    keys, _ = basis.canonical_keys(occupations, kets, bras)
    basis.add(keys)
    return basis, basis.local_rows(keys), ados, more


def transformation(expansion, n_sites, ados):
    """exp(t sum a a') of every mixed pair on every site, in the usual elements."""
    index = {n: i for i, n in enumerate(ados)}
    exponent = np.zeros((len(ados), len(ados)))
    for t, (k, other) in zip(
        expansion.functions.mixing, expansion.functions.mixed_pairs, strict=True
    ):
        for site in range(n_sites):
            m, m_other = site * expansion.n_terms + k, site * expansion.n_terms + other
            for n, column in index.items():
                if n[m] and n[m_other]:
                    to = tuple(x - (i in (m, m_other)) for i, x in enumerate(n))
                    exponent[index[to], column] += t * np.sqrt(n[m] * n[m_other])
    return np.kron(expm(exponent), np.eye(n_sites**2))


@case
def test_every_entry_is_that_of_the_transformed_hierarchy(name):
    basis, rows, ados, more = parts(name)
    model, expansion = basis.model, basis.expansion
    assert np.min(expansion.functions.mixing) > 0.2
    s = transformation(expansion, model.n_sites, more)
    full = np.linalg.solve(s, dense_generator(model, expansion, more) @ s)
    index = {n: i for i, n in enumerate(more)}
    block = model.n_sites**2
    chosen = (np.array([index[n] for n in ados])[:, None] * block + np.arange(block)).reshape(-1)
    expected = full[np.ix_(chosen, chosen)]
    i, j, values = CompactGenerator(basis).entries()
    found = np.zeros_like(expected)
    np.add.at(found, (i, j), values)
    np.testing.assert_allclose(
        found[np.ix_(rows, rows)], expected, rtol=0, atol=1e-12 * np.max(np.abs(expected))
    )


@case
def test_the_reduced_density_matrix_is_the_first_ado_of_the_usual_elements(name):
    basis, rows, ados, _ = parts(name)
    n = basis.model.n_sites
    rng = np.random.default_rng(2)
    state = rng.normal(size=len(rows)) + 1j * rng.normal(size=len(rows))
    x = np.empty_like(state)
    x[rows] = state
    expected = (transformation(basis.expansion, n, ados) @ state)[: n * n].reshape(n, n)
    assert not any(ados[0])
    np.testing.assert_allclose(reduced_density_matrix(basis, x), expected, rtol=0, atol=1e-12)
    operator = rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n))
    (found,) = Readout.of(basis, [operator]).read(basis, x)
    np.testing.assert_allclose(found, np.trace(operator @ expected), rtol=1e-12)
