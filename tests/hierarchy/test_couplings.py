"""Any couplings, entry by entry, against a dense hierarchy written from commutators."""

import numpy as np
import pytest
from mpi4py import MPI

from smallpolaron.dynamics.operators import apply_current
from smallpolaron.dynamics.readout import Readout
from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.compact import CompactGenerator
from smallpolaron.hierarchy.sector import Sector
from smallpolaron.model import lattice as lattices
from smallpolaron.model.baths.bath import BrownianBath, DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.baths.expansion import BathSet
from smallpolaron.model.lattice_model import LatticeModel
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from tests.hierarchy.coupled_reference import Dense, as_coupling
from tests.hierarchy.orbits import share, whole

COMM = MPI.COMM_WORLD
DEBYE = expand(DebyeBath(200 * CM, 80 * CM), 150.0, "pade", 1)
OTHER = expand(DebyeBath(90 * CM, 120 * CM), 150.0, "matsubara", 0)
BROWNIAN = expand(BrownianBath(150 * CM, 60 * CM, 50 * CM), 300.0, "pade", 0, terminator=False)


def random_hermitian(rng, n, density):
    upper = np.triu(rng.normal(size=(n, n, 2)) @ [1, 1j]) * (rng.random((n, n)) < density)
    return upper + upper.conj().T


def random_cluster(n, modes, baths, depth, seed):
    """Complex hops, energies, random sparse V, a bath for each; also as a dense hierarchy."""
    rng = np.random.default_rng(seed)
    h = 60 * CM * random_hermitian(rng, n, 0.8)
    sites = rng.normal(scale=5, size=(n, 3)).tolist()
    operators = []
    while len(operators) < modes:
        v = random_hermitian(rng, n, 0.4)
        if np.any(v):
            operators.append((v, int(rng.integers(len(baths)))))
    couplings = tuple(as_coupling(v, bath) for v, bath in operators)
    off = h - np.diag(np.diag(h))
    lattice = lattices.cluster(off / CM, sites)
    energies = tuple(np.diag(h).real.tolist())
    model = LatticeModel(lattice, CM, energies, direction=(1.0, 0.5, 0.2), couplings=couplings)
    return model, Dense(h, tuple(operators), baths, depth)


def laid_out(model, dense):
    """The basis with all elements of the dense hierarchy, and where it has each of them."""
    bath = BathSet.joined(*dense.baths)
    basis = Basis(model, bath, Sector(model.n_sites, False), COMM)
    keys, bits = basis.canonical_keys(*dense.labels())
    assert not np.any(bits)
    basis.add(share(COMM, keys))
    return basis, basis.find(keys)


CLUSTERS = [
    (2, 2, (DEBYE,), 3),
    (2, 1, (BROWNIAN,), 5),
    (3, 3, (OTHER, BROWNIAN), 2),
    (3, 2, (DEBYE, OTHER), 2),
    (4, 4, (OTHER,), 2),
]


@pytest.mark.mpi
@pytest.mark.parametrize(("n", "modes", "baths", "depth"), CLUSTERS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_entry_of_a_random_cluster(n, modes, baths, depth, seed):
    model, dense = random_cluster(n, modes, baths, depth, seed)
    basis, order = laid_out(model, dense)
    rows, columns, values = CompactGenerator(basis).entries()
    found = np.zeros_like(dense.generator)
    for part in COMM.allgather((rows, columns, values)):
        np.add.at(found, (part[0], part[1]), part[2])
    largest = np.max(np.abs(dense.generator))
    np.testing.assert_allclose(
        found[np.ix_(order, order)], dense.generator, rtol=0, atol=1e-12 * largest
    )


@pytest.mark.mpi
@pytest.mark.parametrize(("n", "modes", "baths", "depth"), CLUSTERS)
def test_the_current_has_the_part_that_the_baths_assist(n, modes, baths, depth):
    model, dense = random_cluster(n, modes, baths, depth, 3)
    basis, order = laid_out(model, dense)
    rng = np.random.default_rng(1)
    state = rng.normal(size=(len(order), 2)) @ [1, 1j]
    x = np.empty_like(state)
    x[order] = state
    start = CompactGenerator(basis).start
    target, _ = laid_out(model, dense)
    image = apply_current(basis, x[start : start + basis.n_local], target)
    place = target.find(basis.canonical_keys(*dense.labels())[0])
    positions = model.lattice.sites @ model.unit_direction
    expected = dense.operator(*dense.current(positions)) @ state
    # what one excitation more than the depth would add is in neither
    np.testing.assert_allclose(whole(COMM, image)[place], expected, rtol=0, atol=1e-12)
    reading = Readout.of(basis, [basis.couplings.current, basis.couplings.curvature])
    away = positions[None] - positions[:, None]
    bend = dense.operator(dense.h * away**2, [v * away**2 for v, _ in dense.operators]) @ state
    traces = [dense.trace @ expected, dense.trace @ bend]
    local = x[start : start + basis.n_local]
    np.testing.assert_allclose(reading.read(basis, local), traces, rtol=1e-12)


@pytest.mark.mpi
def test_small_elements_of_the_current_do_not_enter():
    model, dense = random_cluster(3, 2, (DEBYE, OTHER), 2, 5)
    basis, order = laid_out(model, dense)
    rng = np.random.default_rng(2)
    phases = np.exp(2j * np.pi * rng.uniform(size=len(order)))
    state = 10.0 ** rng.uniform(-5, 0, len(order)) * phases
    start = CompactGenerator(basis).start
    x = state[start : start + basis.n_local]

    def image(least):
        target = Basis(basis.model, basis.expansion, basis.sector, COMM, basis.limits)
        values = apply_current(basis, x, target, least)
        return target, whole(COMM, values)

    everything, exact = image(0.0)
    some, found = image(1e-3)
    place = everything.find(np.concatenate(COMM.allgather(some.keys)))
    np.testing.assert_allclose(found, exact[place], rtol=0, atol=1e-14)
    left_out = np.delete(exact, place)
    assert 0 < some.size < everything.size
    # the elements of the state that lead there were each small; at most a few lead to one
    assert np.max(np.abs(left_out)) < 1e-2 * np.linalg.norm(exact)


def test_what_no_coupling_is():
    from smallpolaron.model.coupling import Coupling, Element

    with pytest.raises(ValueError, match="real"):
        Coupling((Element(0, 0, (), 1j),))
    with pytest.raises(ValueError, match="empty"):
        Coupling(())
    lattice = lattices.chain(5.0)
    wrong = Coupling((Element(0, 1, (1,)),))
    with pytest.raises(ValueError, match="sites 0 to 0"):
        LatticeModel(lattice, CM, couplings=(wrong,))
    with pytest.raises(ValueError, match="1 integers"):
        LatticeModel(lattice, CM, couplings=(Coupling((Element(0, 0, (1, 0)),)),))
    wide = Coupling((Element(0, 0, (6,)),))
    with pytest.raises(ValueError, match="13 cells"):
        LatticeModel(lattice, CM, couplings=(wide,))
    assert LatticeModel(lattice.with_window(13), CM, couplings=(wide,)).n_sites == 13
    with pytest.raises(ValueError, match="twice"):
        Coupling((Element(0, 1, (), 1j), Element(1, 0, (), 1j)))
    model, _ = random_cluster(2, 1, (OTHER, OTHER), 1, 0)
    with pytest.raises(ValueError, match="expansions are given"):
        Basis(
            LatticeModel(model.lattice, CM, couplings=(Coupling(model.couplings[0].elements, 1),)),
            OTHER,
            Sector(2, False),
            COMM,
        )
