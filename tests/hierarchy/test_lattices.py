"""The engine on clusters and tori, entry by entry, against a plain hierarchy."""

import numpy as np
import pytest
from mpi4py import MPI

from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.compact import CompactGenerator
from smallpolaron.hierarchy.elements import CAP
from smallpolaron.hierarchy.lattice_symmetry import lattice_operations
from smallpolaron.hierarchy.places import places
from smallpolaron.hierarchy.sector import Sector
from smallpolaron.model import lattice as lattices
from smallpolaron.model.lattice_model import LatticeModel
from tests.hierarchy.orbits import CM, bath, plain, share, unfold, whole

COMM = MPI.COMM_WORLD


def random_cluster(n, seed):
    """Complex hops, some of them missing, and energies."""
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.normal(size=(n, n, 2)) @ [60, 60j], 1) * (rng.random((n, n)) < 0.8)
    sites = rng.normal(scale=5, size=(n, 3)).tolist()
    energies = tuple((rng.normal(size=n) * 50 * CM).tolist())
    return LatticeModel(lattices.cluster(upper + upper.conj().T, sites), CM, energies)


@pytest.mark.mpi
@pytest.mark.parametrize(
    ("n", "terms", "depth"), [(2, 2, 3), (3, 1, 3), (4, 0, 3), (3, "oscillator", 2)]
)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_entry_of_a_random_cluster(n, terms, depth, seed):
    model = random_cluster(n, seed)
    reference = plain(model, terms, depth)
    labels = reference.labels()
    basis = Basis(model, bath(terms), Sector(n, False), COMM)
    keys, bits = basis.canonical_keys(*labels)
    assert not np.any(bits)
    basis.add(share(COMM, keys))
    order = np.argsort(basis.find(keys))
    rows, columns, values = CompactGenerator(basis).entries()
    ours = np.zeros((len(keys),) * 2, complex)
    for part in COMM.allgather((rows, columns, values)):
        np.add.at(ours, (part[0], part[1]), part[2])
    theirs = reference.generator[np.ix_(order, order)]
    assert np.max(np.abs(ours - theirs)) < 1e-12 * np.max(np.abs(theirs))


def torus(make, cells, **more):
    return LatticeModel(make.finite(cells), 50 * CM, **more)


SQUARE, HONEYCOMB = lattices.square(5.0), lattices.honeycomb(4.0)
TORI = {
    "square 2x2": (torus(SQUARE, (2, 2)), 2),
    "square 2x3 along y": (torus(SQUARE, (2, 3), direction=(0.0, 1.0)), 2),
    "square 3x3": (torus(SQUARE, (3, 3)), 1),
    "unequal 3x2 across": (torus(lattices.square(5.0, 0.3), (3, 2), direction=(1.0, 1.0)), 2),
    "triangular 3x3": (torus(lattices.triangular(5.0), (3, 3)), 1),
    "honeycomb 2x2": (torus(HONEYCOMB, (2, 2)), 1),
    "herringbone 2x2": (
        torus(lattices.herringbone(7.0, 8.0, 0.4, 1.0, -0.6), (2, 2), direction=(0.0, 1.0)),
        1,
    ),
    "ladder of 3, energies": (
        torus(lattices.ladder(5.0, 3.0, 0.7), (3,), site_energies=(0.0, 30 * CM)),
        2,
    ),
}
tori = pytest.mark.parametrize(("model", "depth"), TORI.values(), ids=TORI.keys())


def images(model, ways):
    """Permutations of the sites with their signs: all translations times all operations."""
    table = model.sites
    moved = table.moved(window=False)
    for cell in range(table.n_cells):
        yield moved[cell], 1
        for way in ways:
            yield moved[cell][np.array(way.sites)], way.sign


def symmetric_state(reference, model, ways, hermitian):
    rng = np.random.default_rng(5)
    shape = (len(reference.ados), reference.n, reference.n)
    state, total = rng.normal(size=(*shape, 2)) @ [1, 1j], np.zeros(shape, complex)
    for sites, sign in images(model, ways):
        back = np.argsort(sites)
        image = np.empty_like(state)
        image[reference.index(reference.tables[:, back])] = state[:, back][:, :, back]
        total += sign * image
    return total + total.conj().transpose(0, 2, 1) if hermitian else total


@pytest.mark.mpi
@tori
@pytest.mark.parametrize("odd", [False, True])
@pytest.mark.parametrize("hermitian", [False, True])
def test_sectors_of_tori_are_the_plain_hierarchy(model, depth, odd, hermitian):
    reference = plain(model, 0, depth)
    found = lattice_operations(model)
    ways = tuple(type(w)(w.sites, w.sign if odd else 1) for w in found)
    state = symmetric_state(reference, model, ways, hermitian)
    n, own = model.n_sites, model.sites.per_cell
    sector = Sector(n, True, hermitian=hermitian, per_cell=own, reflections=ways)
    basis = Basis(model, bath(0), sector, COMM)
    occupations, kets, bras = reference.labels()
    kept = np.flatnonzero(kets < own)
    keys, bits = basis.canonical_keys(occupations[kept], kets[kept], bras[kept])
    elements = state.ravel()[kept]
    np.testing.assert_array_equal(bits < 0, np.abs(elements) < 1e-12)
    basis.add(share(COMM, keys[bits >= 0]))
    assert basis.size == len(np.unique(keys[bits >= 0], axis=0))
    rows = basis.find(keys)
    x = np.zeros(basis.size, complex)
    x[rows[bits == 0]] = elements[bits == 0]
    np.testing.assert_allclose(unfold(x[rows], bits), elements, atol=1e-12)
    generator = CompactGenerator(basis)
    y = np.empty(basis.n_local, complex)
    generator.apply(x[generator.start : generator.start + basis.n_local], y)
    expected = reference.apply(state).ravel()[kept]
    np.testing.assert_allclose(unfold(whole(COMM, y)[rows], bits), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("model", "count"),
    [
        (LatticeModel(lattices.chain(5.0), 1.0), 2),
        (LatticeModel(SQUARE, 1.0), 4),
        (LatticeModel(SQUARE, 1.0, direction=(1.0, 1.0)), 4),
        (LatticeModel(SQUARE, 1.0, direction=(1.0, 0.4)), 2),
        (LatticeModel(lattices.cubic(5.0), 1.0), 16),
        (LatticeModel(lattices.cubic(5.0, (0.5, 0.3)), 1.0), 8),
        (LatticeModel(lattices.triangular(5.0), 1.0, direction=(1.0, 0.0)), 2),
        (LatticeModel(lattices.triangular(5.0), 1.0, direction=(3.0, 3**0.5)), 4),
        (LatticeModel(HONEYCOMB, 1.0, direction=(0.0, 1.0)), 2),
        (LatticeModel(lattices.dimerised_chain(5.0, 0.5), 1.0), 2),
        (LatticeModel(lattices.ladder(5.0, 4.0), 1.0, site_energies=(0.0, 1.0)), 2),
    ],
)
def test_operations_that_are_found(model, count):
    ways = lattice_operations(model)
    assert 1 + len(ways) == count
    assert {way.sign for way in ways} == {1, -1} or count == 2


@tori
def test_places_do_not_change_under_any_operation(model, depth):
    """Else a hop could lead to another rank."""
    reference, n = plain(model, 0, depth), model.n_sites
    ways = lattice_operations(model)
    basis = Basis(model, bath(0), Sector(n, False), MPI.COMM_SELF)

    def place(tables):
        at = np.zeros(len(tables), np.int64)
        keys, found = basis.layout.pack(tables.reshape(len(tables), -1), at, at), None
        found = np.empty(len(keys), np.uint64)
        places(basis.frame, basis.maps, keys, found)
        return found

    tables = reference.tables.astype(np.uint8)
    own = place(tables)
    assert len(np.unique(own)) > depth
    for sites, _ in images(model, ways):
        np.testing.assert_array_equal(place(tables[:, sites]), own)


@pytest.mark.parametrize(
    ("bra", "excited", "stopped"),
    [
        ((0, 0), (0, 0), set()),
        ((2, 0), (0, 0), {"bra +x", "ket -x"}),
        ((0, -2), (0, 0), {"bra -y", "ket +y"}),
        ((0, 0), (2, -2), {"ket -x", "ket +y"}),
        ((1, 1), (-1, 1), set()),
    ],
)
def test_which_hops_leave_a_square_window(bra, excited, stopped):
    model = LatticeModel(SQUARE.with_window(5), 50 * CM)
    table = model.sites
    basis = Basis(model, bath(0), Sector(25, True, wraps=False), MPI.COMM_SELF)
    n = np.zeros((1, 25), np.uint8)
    n[0, table.number(np.array(excited))] = 1
    basis.add(basis.layout.pack(n, np.zeros(1, np.int64), table.number(np.array([bra]))))
    names = [f"{who} {way}" for who in ("ket", "bra") for way in ("+x", "-x", "+y", "-y")]
    assert {
        name for name, link in zip(names, basis.links[0], strict=False) if link == CAP
    } == stopped
