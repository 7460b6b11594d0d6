"""Combined terms of vibrations near critical damping: the plain hierarchy in other coordinates."""

import numpy as np
import pytest
from mpi4py import MPI
from scipy.linalg import expm

from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.compact import CompactGenerator
from smallpolaron.hierarchy.limits import Limits, Truncation
from smallpolaron.hierarchy.sector import Sector
from smallpolaron.model.baths.bath import BrownianBath, DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.baths.expansion import BathSet
from smallpolaron.model.baths.spectral_density import BathSum
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from tests.hierarchy.reference import ado_list, asymmetric_model, dense_generator

T = 200.0
UNDERDAMPED = BrownianBath(150 * CM, 200 * CM, 120 * CM)
OVERDAMPED = BrownianBath(150 * CM, 270 * CM, 120 * CM)
BATHS = {
    "under": (UNDERDAMPED, 2, 4),
    "over": (OVERDAMPED, 2, 4),
    "both": (BathSum((DebyeBath(90 * CM, 80 * CM), UNDERDAMPED, OVERDAMPED)), 2, 2),
    "three": (OVERDAMPED, 3, 2),
}


def by_level(n_sites, n_terms, first, c, ados):
    """The linear map of excitations of each pair, on all levels, in elements over sqrt(n!)."""
    index = {n: i for i, n in enumerate(ados)}
    total = np.zeros((len(ados), len(ados)), complex)
    for i, n in enumerate(ados):
        # expand the product over terms of (sum_j c_jk a_j^+)^n_k
        terms = {(0,) * len(n): 1.0 + 0j}
        for m, number in enumerate(n):
            site, k = divmod(m, n_terms)
            for _ in range(number):
                grown = {}
                pair = next((f for f in first if k in (f, f + 1)), None)
                for to in [k] if pair is None else [pair, pair + 1]:
                    share = 1.0 if pair is None else c[pair][to - pair, k - pair]
                    for have, value in terms.items():
                        more = tuple(x + (y == site * n_terms + to) for y, x in enumerate(have))
                        root = np.sqrt(more[site * n_terms + to])
                        grown[more] = grown.get(more, 0) + value * share * root
                terms = grown
        norm = np.sqrt(np.prod([float(np.prod(np.arange(1, x + 1))) for x in n]))
        for have, value in terms.items():
            total[index[have], i] += value / norm
    return total


@pytest.mark.parametrize("name", BATHS)
def test_every_entry_is_that_of_the_transformed_hierarchy(name):
    bath, n_sites, depth = BATHS[name]
    model, expansion = asymmetric_model(n_sites, T), expand(bath, T, terms=0)
    assert len(expansion.functions.confluent) == (2 if name == "both" else 1)
    limits = Limits(truncation=Truncation(depth))
    basis = Basis(model, expansion, Sector(n_sites, translation=False), MPI.COMM_SELF, limits)
    ados, n = ado_list(n_sites, expansion.n_terms, depth), n_sites
    occupations = np.repeat(np.array(ados, np.uint8), n * n, axis=0)
    kets = np.tile(np.repeat(np.arange(n), n), len(ados))
    bras = np.tile(np.arange(n), n * len(ados))
    keys, _ = basis.canonical_keys(occupations, kets, bras)
    basis.add(keys)
    rows = basis.local_rows(keys)
    i, j, values = CompactGenerator(basis).entries()
    found = np.zeros((len(keys), len(keys)), complex)
    np.add.at(found, (i, j), values)
    found = found[np.ix_(rows, rows)]

    # exponentials, with the coefficients as they are, make the plain hierarchy
    plain = dense_generator(model, expansion, ados)
    # b of the new functions = M a of the exponentials, scaled: from C(t) in both
    maps = {}
    for k in expansion.functions.confluent:
        jumps = [jump for jump in expansion.functions.jumps if jump.first == k]
        (g,) = [jump.strength for jump in jumps if jump.changes == (-1, 1)]
        s = (expansion.rates[k + 1] - expansion.rates[k]) / 2
        # exp(-nu t) of both in cosh and g sinh/s
        to_new = np.array([[1, 1], [s / g, -s / g]])
        old, new = (
            np.sqrt(expansion.functions.scales[k : k + 2]),
            np.sqrt(expansion.functions.scales[k]),
        )
        maps[k] = to_new * old / new
    change = by_level(n_sites, expansion.n_terms, list(maps), maps, ados)
    change = np.kron(change, np.eye(n * n))
    expected = change @ plain @ np.linalg.inv(change)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11 * np.max(np.abs(expected)))


def test_nothing_happens_at_critical_damping():
    """Populations are smooth through it, and those of the plain hierarchy on either side."""
    model, depth, times = asymmetric_model(2, T), 5, np.linspace(0, 200, 5)
    ados = ado_list(2, 2, depth)
    found = []
    for gamma in (230, 239.9, 240, 240.1, 250):
        expansion = expand(BrownianBath(150 * CM, gamma * CM, 120 * CM), T, terms=0)
        basis = Basis(
            model,
            expansion,
            Sector(2, translation=False),
            MPI.COMM_SELF,
            Limits(truncation=Truncation(depth)),
        )
        keys, _ = basis.canonical_keys(
            np.repeat(np.array(ados, np.uint8), 4, axis=0),
            np.tile([0, 0, 1, 1], len(ados)),
            np.tile([0, 1, 0, 1], len(ados)),
        )
        basis.add(keys)
        i, j, values = CompactGenerator(basis).entries()
        generator = np.zeros((len(keys), len(keys)), complex)
        np.add.at(generator, (i, j), values)
        first = basis.local_rows(keys[:1])[0]
        found.append([expm(generator * t)[first, first].real for t in times])
        if gamma in (230, 250):
            plain = dense_generator(model, expansion, ados)
            exact = [expm(plain * t)[0, 0].real for t in times]
            np.testing.assert_allclose(found[-1], exact, atol=1e-9)
    below, before, at, after, above = np.array(found)
    assert np.max(np.abs(before + after - 2 * at)) < 1e-6
    assert np.max(np.abs(above - below)) > 1e-3
    np.testing.assert_allclose((after - before) / 0.2, (above - below) / 20, atol=2e-6)


def test_a_set_of_baths_combines_those_of_each():
    parts = [expand(bath, T, terms=1) for bath in (UNDERDAMPED, DebyeBath(9 * CM, 80 * CM))]
    joined = BathSet.joined(parts[1], parts[0])
    assert list(joined.functions.confluent) == [parts[1].n_terms]
    assert [jump.first for jump in joined.functions.jumps] == [parts[1].n_terms] * 2
    for name in ("relaxed_amplitudes", "roots", "diagonal_rates"):
        apart = np.concatenate([getattr(part.functions, name) for part in (parts[1], parts[0])])
        np.testing.assert_allclose(getattr(joined.functions, name), apart, rtol=1e-14)
