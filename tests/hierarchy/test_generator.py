import numpy as np
import pytest
from mpi4py import MPI

from smallpolaron.hierarchy.basis import fixed_basis
from smallpolaron.hierarchy.generator import assemble_generator, assemble_left_multiplication
from smallpolaron.hierarchy.sector import Sector, choose_sector
from smallpolaron.hierarchy.truncation import Truncation
from smallpolaron.model.bath import BrownianBath, DebyeBath
from smallpolaron.model.decomposition import expand
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.spectral_density import BathSum
from smallpolaron.model.units import CM_TO_RAD_FS
from tests.hierarchy.reference import ado_list, dense_generator

CM = CM_TO_RAD_FS
BATH = DebyeBath(200 * CM, 80 * CM)
UNEQUAL = HolsteinModel(3, "chain", (50 * CM, -70 * CM), (30 * CM, -40 * CM, 0.0))
FLUX = HolsteinModel(3, "ring", (50 * CM, -70 * CM, 20 * CM), (30 * CM, -40 * CM, 0.0), flux=0.4)
EVEN = HolsteinModel(4, "ring", 50 * CM)
COMM = MPI.COMM_WORLD


def dense(matrix):
    """The whole matrix on every rank, for small tests only."""
    start, values = matrix.getOwnershipRange()[0], matrix.getValuesCSR()
    indptr, columns, entries = values
    whole = np.zeros(matrix.getSize(), dtype=complex)
    for row in range(len(indptr) - 1):
        for at in range(indptr[row], indptr[row + 1]):
            whole[start + row, columns[at]] += entries[at]
    return COMM.allreduce(whole)


@pytest.mark.mpi
@pytest.mark.parametrize("model", [UNEQUAL, FLUX], ids=["chain", "ring with flux"])
@pytest.mark.parametrize("terms", [0, 1])
def test_generator_is_the_written_hierarchy(model, terms):
    expansion = expand(BATH, 300.0, "matsubara", terms)
    rule = Truncation(3)
    basis = fixed_basis(3, terms + 1, rule, Sector(3, False), COMM)
    reference = dense_generator(model, expansion, ado_list(3, terms + 1, rule.depth))
    ours = dense(assemble_generator(basis, model, expansion))
    np.testing.assert_allclose(ours, reference, atol=1e-15)


@pytest.mark.mpi
def test_generator_with_conjugate_rates_is_the_written_hierarchy():
    both = BathSum((BATH, BrownianBath(150 * CM, 40 * CM, 120 * CM)))
    expansion = expand(both, 150.0, "pade", 1)
    assert np.abs(expansion.rates.imag).max() > 0.01
    basis = fixed_basis(3, 4, Truncation(2), Sector(3, False), COMM)
    reference = dense_generator(FLUX, expansion, ado_list(3, 4, 2))
    ours = dense(assemble_generator(basis, FLUX, expansion))
    np.testing.assert_allclose(ours, reference, atol=1e-15)


def embedding(n_sites, ados, momentum):
    """Columns: sector unknowns X(n, b) written out as full states."""
    index = {n: i for i, n in enumerate(ados)}
    full = np.zeros((len(ados) * n_sites**2, len(ados) * n_sites), dtype=complex)
    n_terms = len(ados[0]) // n_sites
    for i, n in enumerate(ados):
        table = np.array(n).reshape(n_sites, n_terms)
        for a in range(n_sites):
            turned = tuple(np.roll(table, -a, axis=0).ravel())
            for b in range(n_sites):
                column = index[turned] * n_sites + (b - a) % n_sites
                phase = np.exp(2j * np.pi * momentum * a / n_sites)
                full[(i * n_sites + a) * n_sites + b, column] = phase
    return full


@pytest.mark.mpi
@pytest.mark.parametrize("momentum", [0, 1, 3])
def test_momentum_sectors_are_the_plain_hierarchy(momentum):
    expansion = expand(BATH, 300.0, "matsubara", 0)
    rule = Truncation(3)
    ados = ado_list(4, 1, rule.depth)
    plain = dense_generator(EVEN, expansion, ados)
    written_out = embedding(4, ados, momentum)
    basis = fixed_basis(4, 1, rule, Sector(4, True, momentum), COMM)
    sector = dense(assemble_generator(basis, EVEN, expansion))
    # L E = E L_sector: the sector is closed, and acts as the plain hierarchy does
    np.testing.assert_allclose(plain @ written_out, written_out @ sector, atol=1e-15)


@pytest.mark.mpi
def test_left_multiplication_acts_on_every_operator():
    rule, rng = Truncation(2), np.random.default_rng(3)
    o = rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3))
    basis = fixed_basis(3, 1, rule, Sector(3, False), COMM)
    ours = dense(assemble_left_multiplication(basis, o))
    ados = ado_list(3, 1, rule.depth)
    np.testing.assert_allclose(ours, np.kron(np.eye(len(ados)), np.kron(o, np.eye(3))))


@pytest.mark.mpi
def test_rows_are_as_short_as_promised():
    expansion = expand(BATH, 300.0, "pade", 1)
    basis = fixed_basis(4, 2, Truncation(4), choose_sector(EVEN, "auto"), COMM)
    generator = assemble_generator(basis, EVEN, expansion)
    lengths = np.diff(generator.getValuesCSR()[0])
    assert lengths.max(initial=0) <= 5 + 4 * expansion.n_terms
    info = generator.getInfo()
    assert info["mallocs"] == 0
    assert info["nz_unneeded"] == 0


def test_a_bath_without_coupling_excites_nothing():
    expansion = expand(DebyeBath(0.0, 0.01), 300.0, terms=0)
    basis = fixed_basis(4, 1, Truncation(2), Sector(4, False), MPI.COMM_SELF)
    generator = assemble_generator(basis, EVEN, expansion)
    assert np.all(np.isfinite(generator.getValuesCSR()[2]))


def test_translation_is_refused_where_there_is_none():
    with pytest.raises(ValueError, match="translation"):
        choose_sector(UNEQUAL, "translation")
    assert not choose_sector(UNEQUAL, "auto").translation
    assert not choose_sector(EVEN, "none").translation
    with pytest.raises(ValueError, match="momentum"):
        Sector(4, False, 1)
