"""Every sector combination on adaptive bases is the plain hierarchy."""

import numpy as np
import pytest
from mpi4py import MPI

from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.compact import CompactGenerator
from smallpolaron.hierarchy.elements import CAP, NEVER
from smallpolaron.hierarchy.sector import Sector
from tests.hierarchy.orbits import (
    CHAIN_3,
    DISORDERED_3,
    DISORDERED_4,
    EVEN_CHAIN_3,
    EVEN_CHAIN_4,
    EVEN_RING_4,
    bath,
    plain,
    ring,
    settle,
    share,
    unfold,
    whole,
)

COMM = MPI.COMM_WORLD


def sectors_of_ring(n):
    for momentum in range(n):
        yield Sector(n, True, momentum)
        if 2 * momentum % n == 0:
            yield Sector(n, True, momentum, parity=1)
            yield Sector(n, True, momentum, parity=-1)
    for parity in (-1, 0, 1):
        yield Sector(n, True, parity=parity, hermitian=True)


def sectors_without_translation(n, mirrors):
    for hermitian in (False, True):
        yield Sector(n, False, hermitian=hermitian)
        for mirror in mirrors:
            for parity in (-1, 1):
                yield Sector(n, False, parity=parity, mirror=mirror, hermitian=hermitian)


CASES = [
    *((ring(3), 1, 2, s) for s in sectors_of_ring(3)),
    *((ring(3), 2, 2, s) for s in sectors_of_ring(3) if s.momentum == 0),
    *((ring(4), 0, 3, s) for s in sectors_of_ring(4)),
    *((ring(5), 0, 2, s) for s in sectors_of_ring(5)),
    *((ring(6), 0, 2, s) for s in sectors_of_ring(6)),
    *((ring(4, 0.3), 0, 3, Sector(4, True, m)) for m in range(4)),
    *((ring(4, 0.3), 0, 3, s) for s in sectors_without_translation(4, ())),
    (ring(4, 0.3), 0, 3, Sector(4, True, hermitian=True)),
    *((ring(4, np.pi), 0, 3, s) for s in sectors_of_ring(4) if s.momentum == 2),
    *((ring(4), 0, 3, s) for s in sectors_without_translation(4, (0, 1, 2, 3))),
    *((ring(3), 1, 2, s) for s in sectors_without_translation(3, (0, 2))),
    *((DISORDERED_3, 1, 2, s) for s in sectors_without_translation(3, ())),
    *((DISORDERED_4, 0, 3, s) for s in sectors_without_translation(4, ())),
    *((EVEN_RING_4, 0, 3, s) for s in sectors_without_translation(4, (2,))),
    *((CHAIN_3, 2, 2, s) for s in sectors_without_translation(3, ())),
    *((EVEN_CHAIN_3, 1, 2, s) for s in sectors_without_translation(3, (2,))),
    *((EVEN_CHAIN_4, 0, 3, s) for s in sectors_without_translation(4, (3,))),
    *((ring(3), "oscillator", 2, s) for s in sectors_of_ring(3)),
    *((ring(4), "oscillator", 2, s) for s in sectors_of_ring(4) if s.hermitian),
    *((DISORDERED_3, "oscillator", 2, s) for s in sectors_without_translation(3, ())),
    *((EVEN_CHAIN_3, "oscillator", 2, s) for s in sectors_without_translation(3, (2,))),
]


def name(case):
    model, terms, _, s = case
    marks = [f"{model.topology}{model.n_sites}", f"K{terms}"]
    marks += [f"flux{model.flux:.1f}"] if model.flux else []
    marks += [f"q{s.momentum}"] if s.translation else [f"mirror{s.mirror}"]
    marks += [f"parity{s.parity}"] if s.parity else []
    return " ".join([*marks, "hermitian"] if s.hermitian else marks)


@pytest.mark.mpi
@pytest.mark.parametrize("case", CASES, ids=name)
def test_sector_is_the_plain_hierarchy(case):
    model, terms, depth, sector = case
    reference = plain(model, terms, depth)
    state = reference.random_state(sector, seed=1)
    occupations, kets, bras = reference.labels()
    basis = Basis(model, bath(terms), sector, COMM)
    kept = np.flatnonzero(kets == 0) if sector.translation else np.arange(len(kets))
    keys, bits = basis.canonical_keys(occupations[kept], kets[kept], bras[kept])
    elements = state.ravel()[kept]

    # exactly those labels vanish that are zero in every state with the symmetry
    np.testing.assert_array_equal(bits < 0, np.abs(elements) < 1e-14)
    basis.add(share(COMM, keys[bits >= 0]))
    assert basis.size == len(np.unique(keys[bits >= 0], axis=0))

    # representatives stand for themselves, and the bits unfold the whole state from them
    rows = basis.find(keys)
    own, own_bits = basis.canonical_keys(*basis.labels())
    np.testing.assert_array_equal(own, basis.keys)
    assert not np.any(own_bits)
    x = np.zeros(basis.size, complex)
    x[rows[bits == 0]] = elements[bits == 0]
    np.testing.assert_allclose(unfold(x[rows], bits), elements, atol=1e-14)

    generator = CompactGenerator(basis)
    y = np.empty(basis.n_local, complex)
    generator.apply(x[generator.start : generator.start + basis.n_local], y)
    expected = reference.apply(state).ravel()[kept]
    np.testing.assert_allclose(unfold(whole(COMM, y)[rows], bits), expected, atol=1e-14)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((4, False, 1), "momentum"),
        ((4, True, 0, 2), "parity = 2"),
        ((4, True, 1, 1), "only 0 and N/2"),
        ((5, True, 2, -1), "only 0 and N/2"),
        ((4, True, 0, 1, 2), "mirror"),
        ((4, True, 2, 0, 0, True), "hermitian"),
        ((5, True, 1, 0, 0, False, False), "momentum 0"),
        ((5, False, 0, 0, 0, False, False), "needs translation"),
    ],
)
def test_combinations_that_are_no_symmetry_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        Sector(*arguments)


@pytest.mark.parametrize(
    ("model", "sector", "words"),
    [
        (ring(4), Sector(5, True), "n_sites"),
        (DISORDERED_4, Sector(4, True), "translation"),
        (CHAIN_3, Sector(3, True), "translation"),
        (ring(4, 0.3), Sector(4, True, parity=1), "flux"),
        (CHAIN_3, Sector(3, False, parity=-1, mirror=2), "reflection"),
        (EVEN_CHAIN_4, Sector(4, False, parity=1, mirror=2), "reflection"),
        (EVEN_RING_4, Sector(4, False, parity=1, mirror=0), "reflection"),
    ],
)
def test_sectors_that_the_model_does_not_have_are_refused(model, sector, words):
    with pytest.raises(ValueError, match=words):
        Basis(model, bath(0), sector, COMM)


# -- the infinite ring ---------------------------------------------------------------------------

INFINITE = [
    {"parity": p, "hermitian": hermitian} for p in (-1, 0, 1) for hermitian in (False, True)
]
LARGE = 15


def random_labels(n, terms, reach, count, seed):
    """Labels with the ket on site 0 and everything else at most `reach` away."""
    rng = np.random.default_rng(seed)
    around = np.arange(-reach, reach + 1)
    occupations = np.zeros((count, n, terms), np.uint8)
    for row in occupations:
        for site in rng.choice(around, 2):
            row[site, rng.integers(terms)] += rng.integers(3)
    return occupations, np.zeros(count, np.int64), rng.choice(around, count)


def grown(window, sector, labels):
    """A basis of these labels (bras are signed) and of two generations of their neighbours."""
    occupations, kets, bras = labels
    half, n = window // 2, occupations.shape[1]
    inner = occupations[:, np.arange(-half, half + 1) % n]
    placed = np.zeros((len(kets), window, occupations.shape[2]), np.uint8)
    placed[:, np.arange(-half, half + 1) % window] = inner
    basis = Basis(ring(window), bath(occupations.shape[2] - 1), sector, COMM)
    keys, bits = basis.canonical_keys(placed.reshape(len(kets), -1), kets, bras % window)
    basis.add(share(COMM, keys[bits >= 0]))
    for _ in range(2):
        basis.add(basis.outflow(np.ones(basis.n_local, complex), 0.0).keys)
    return basis


def on_large_ring(basis, sector, large):
    """Keys that the labels of a window have on a large ring; {window key: (large key, bits)}."""
    window, half = basis.model.n_sites, basis.model.n_sites // 2
    keys = whole(COMM, basis.keys)
    occupations, kets, bras = basis.layout.unpack(keys)
    around = np.arange(-half, half + 1)
    wide = np.zeros((len(kets), LARGE, basis.expansion.n_terms), np.uint8)
    wide[:, around % LARGE] = occupations.reshape(len(kets), window, -1)[:, around % window]
    signed = np.where(bras > half, bras - window, bras)
    return large.canonical_keys(wide.reshape(len(kets), -1), kets, signed % LARGE)


@pytest.mark.mpi
@pytest.mark.parametrize("symmetry", INFINITE, ids=str)
def test_infinite_ring_is_a_large_ring_while_nothing_leaves_the_window(symmetry):
    """The window is wide enough for all labels: the operators are the same, entry by entry."""
    narrow, wide = Sector(11, True, wraps=False, **symmetry), Sector(LARGE, True, **symmetry)
    labels = random_labels(LARGE, 2, 1, 12, seed=4)
    window, large = grown(11, narrow, labels), grown(LARGE, wide, labels)
    assert window.size == large.size
    outflow = window.outflow(np.ones(window.n_local, complex), 0.0)
    assert outflow.capped == 0.0

    keys, bits = on_large_ring(window, wide, large)
    rows = large.find(keys)
    assert np.all(rows >= 0)
    rng = np.random.default_rng(5)
    x = rng.normal(size=(large.size, 2)) @ [1, 1j]
    # where a label is its own conjugate, only states with that symmetry count
    x = symmetric(large, x)
    image = {}
    for basis, state in ((large, x), (window, unfold(x[rows], bits))):
        generator = CompactGenerator(basis)
        y = np.empty(basis.n_local, complex)
        generator.apply(state[generator.start : generator.start + basis.n_local], y)
        image[basis.model.n_sites] = whole(COMM, y)
    np.testing.assert_allclose(image[11], unfold(image[LARGE][rows], bits), atol=1e-14)


def symmetric(basis, x):
    """A state whose representatives are what they are as their own conjugates."""
    occupations, kets, bras = basis.layout.unpack(whole(COMM, basis.keys))
    n, x = basis.model.n_sites, x.copy()
    tables = occupations.reshape(len(kets), n, -1)
    for row, (table, b) in enumerate(zip(tables, bras, strict=True)):
        if not basis.sector.hermitian:
            break
        turned, back = np.roll(table, -b, axis=0), (-b) % n
        if back == b and np.array_equal(turned, table):
            x[row] = x[row].real
        mirrored = turned[-np.arange(n) % n]
        if basis.sector.parity and -back % n == b and np.array_equal(mirrored, table):
            x[row] = x[row].real if basis.sector.parity > 0 else 1j * x[row].imag
    return x


@pytest.mark.parametrize("symmetry", INFINITE, ids=str)
def test_leaving_the_window_is_a_limit_and_does_not_wrap(symmetry):
    window = grown(3, Sector(3, True, wraps=False, **symmetry), random_labels(9, 1, 1, 30, seed=2))
    assert window.size > 0
    hops = window.links[:, :4]
    _, _, bras = window.labels()
    # ket and bra one apart: each of them can go one way only, if the bath lets it go at all
    apart = bras != 0
    assert np.all(np.sum(hops[apart] == CAP, axis=1) >= 2)
    assert symmetry["parity"] == -1 or not np.any(hops == NEVER)
    assert window.outflow(apart.astype(complex), 1e-3).capped > 0.1
    assert window.outflow(0j * apart, 1e-3).capped == 0.0


@pytest.mark.parametrize(
    ("occupied", "bra", "slots"),
    [
        # the carrier itself leaves
        ([], 2, {"bra right", "ket left"}),
        ([], -2, {"bra left", "ket right"}),
        ([], 1, set()),
        # the ket leaves an excitation behind
        ([2], 0, {"ket left"}),
        ([-2], 0, {"ket right"}),
        ([-2, 2], 0, {"ket left", "ket right"}),
        ([1], -1, set()),
    ],
)
def test_which_hops_leave_the_window(occupied, bra, slots):
    names = ["ket right", "ket left", "bra right", "bra left"]
    basis = Basis(ring(5), bath(0), Sector(5, True, wraps=False), MPI.COMM_SELF)
    n = np.zeros((1, 5), np.uint8)
    n[0, occupied] = 1
    basis.add(basis.layout.pack(n, np.zeros(1, np.int64), np.array([bra % 5])))
    capped = {name for name, link in zip(names, basis.links[0], strict=False) if link == CAP}
    assert capped == slots


def test_conjugates_agree_about_the_edge_of_the_window():
    """An excitation that the bra would leave behind outside is as far as one of the ket's."""
    sector = Sector(5, True, wraps=False, hermitian=True)
    basis = Basis(ring(5), bath(0), sector, MPI.COMM_SELF)
    # ket at 0, bra at 2, excitation at -1: seen from the bra it is at -3
    assert settle(basis, {(-1, 0): 1}, 0, 2) == (None, "limit")
    n = np.array([[0, 0, 0, 0, 1]], np.uint8)
    _, bits = basis.canonical_keys(n, np.zeros(1, np.int64), np.array([2]))
    assert bits[0] < 0
    # its neighbour, bra at 1, is inside and knows that it must not go there
    keys, bits = basis.canonical_keys(n, np.zeros(1, np.int64), np.array([1]))
    assert bits[0] >= 0
    basis.add(keys)
    assert CAP in basis.links[0]
