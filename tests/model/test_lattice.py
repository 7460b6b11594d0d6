"""Lattices as data, and the tables made of them."""

from dataclasses import replace

import numpy as np
import pytest

from smallpolaron.model import lattice as lattices
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.lattice import Bond, Lattice
from smallpolaron.model.lattice_model import LatticeModel
from smallpolaron.model.site_table import NO_SITE, tabulate

SQUARE = lattices.square(5.0)


@pytest.mark.parametrize(
    ("lattice", "neighbours", "distance"),
    [
        (lattices.chain(5.0), [2], 5.0),
        (lattices.ring(6, 5.0), [2], 5.0),
        (lattices.open_chain(4, 5.0), [1, 2, 2, 1], 5.0),
        (SQUARE, [4], 5.0),
        (lattices.square(5.0, 0.0), [2], 5.0),
        (lattices.cubic(4.0), [6], 4.0),
        (lattices.triangular(5.0), [6], 5.0),
        (lattices.honeycomb(1.4), [3, 3], 1.4),
        (lattices.dimerised_chain(5.0, 0.5), [2, 2], 5.0),
        (lattices.ladder(5.0, 5.0), [3, 3], 5.0),
        (lattices.herringbone(6.0, 6.0, along=0.0), [4, 4], 18**0.5),
        (lattices.herringbone(6.0, 8.0), [6, 6], None),
        (SQUARE.finite((3, 2), "open"), [2, 2, 3, 3, 2, 2], 5.0),
    ],
)
def test_neighbours_and_distances(lattice, neighbours, distance):
    model = LatticeModel(lattice, 1.0)
    table = model.sites
    assert [int(row) for row in np.sum(table.neighbours != NO_SITE, axis=1)] == neighbours
    there = table.neighbours != NO_SITE
    lengths = np.linalg.norm(table.path[there] / table.hop[there][:, None], axis=-1)
    if distance is not None:
        np.testing.assert_allclose(lengths, distance)
    for matrix in (model.hamiltonian, model.current):
        np.testing.assert_array_equal(matrix, matrix.conj().T)


def test_current_is_the_commutator_with_the_position():
    rng = np.random.default_rng(1)
    h = rng.normal(size=(5, 5, 2)) @ [1, 1j]
    h = h + h.conj().T
    np.fill_diagonal(h, 0)
    sites, way = rng.normal(size=(5, 3)), np.array([1.0, -2.0, 0.5])
    model = LatticeModel(lattices.cluster(h, sites.tolist()), 0.3, 0.0, direction=tuple(way))
    np.testing.assert_allclose(model.hopping_matrix, 0.3 * h)
    x = np.diag(sites @ way / np.linalg.norm(way))
    commutator = model.hopping_matrix @ x - x @ model.hopping_matrix
    np.testing.assert_allclose(model.current, 1j * commutator, atol=1e-14)
    double = model.sites.matrix(model.curvature).toarray()
    np.testing.assert_allclose(double, commutator @ x - x @ commutator, atol=1e-13)


def test_rings_and_chains_are_the_models_of_old():
    for ours, theirs in (
        (LatticeModel(lattices.ring(5, 4.0), 0.01), HolsteinModel(5, "ring", 0.01, 0.0, 4.0)),
        (
            LatticeModel(lattices.open_chain(4, 4.0), 0.01, (0.0, 1.0, 2.0, 0.5)),
            HolsteinModel(4, "chain", 0.01, (0.0, 1.0, 2.0, 0.5), 4.0),
        ),
    ):
        np.testing.assert_allclose(ours.hamiltonian, theirs.hamiltonian, atol=1e-16)
        np.testing.assert_allclose(ours.current, theirs.current, atol=1e-16)
        assert ours.is_bounded == theirs.is_bounded
        assert ours.is_translation_invariant == theirs.is_translation_invariant


def test_bonds_around_a_small_torus_add_up():
    model = LatticeModel(SQUARE.finite((2, 3)), 1.0)
    h = model.hamiltonian.real
    np.testing.assert_allclose(h.sum(axis=1), 4)
    # two ways along x lead to the same site: twice the hopping, and no current
    assert h[0, 3] == 2
    assert not np.any(model.current)
    assert np.any(replace(model, direction=(0.0, 1.0)).current)


def test_tables_of_a_window():
    table = tabulate(SQUARE.with_window(5), 1.0)
    np.testing.assert_array_equal(
        table.centred[:6].tolist(), [[0, 0], [0, 1], [0, 2], [0, -2], [0, -1], [1, 0]]
    )
    for window in (False, True):
        moved, to = table.moved(window=window), table.targets(window=window)
        for cell, at in enumerate(table.centred):
            away = table.centred - at
            inside = np.all(np.abs(away) <= 2, axis=1) if window else np.ones(25, bool)
            np.testing.assert_array_equal(moved[cell] >= 0, inside)
            np.testing.assert_array_equal(moved[cell, inside], table.number(away[inside]))
            reached = at + np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])
            inside = np.all(np.abs(reached) <= 2, axis=1) if window else np.ones(4, bool)
            np.testing.assert_array_equal(to[cell] >= 0, inside)
            np.testing.assert_array_equal(to[cell, inside], table.number(reached[inside]))


def build(**changes):
    whole = {
        "vectors_A": ((5.0, 0.0), (0.0, 5.0)),
        "sites_A": ((0.0, 0.0),),
        "bonds": (Bond(0, 0, (1, 0)), Bond(0, 0, (0, 1))),
        "boundary": ("infinite", "periodic"),
        "cells": (5, 4),
    } | changes
    return Lattice(**whole)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"vectors_A": ((5.0,),) * 4}, "allowed: 0"),
        ({"vectors_A": ((5.0, 0.0), (1.0, 0.0))}, "linearly independent"),
        ({"vectors_A": ((5.0, 0.0), (np.nan, 0.0))}, "finite"),
        ({"sites_A": ()}, "at least one"),
        ({"boundary": ("infinite", "closed")}, "'periodic'"),
        ({"boundary": ("infinite",)}, "one per lattice vector"),
        ({"cells": (5, 0)}, "1 and more"),
        ({"cells": (4, 4)}, "odd number"),
        ({"cells": (3, 4), "bonds": (Bond(0, 0, (2, 0)),)}, "at least 5"),
        ({"bonds": (Bond(0, 1, (1, 0)),)}, "sites 0 to 0"),
        ({"bonds": (Bond(0, 0, (1,)),)}, "2 integers"),
        ({"bonds": (Bond(0, 0, (0, 0)),)}, "itself"),
        ({"bonds": (Bond(0, 0.5, (1, 0)),)}, "whole numbers"),
        ({"bonds": (Bond(0, 0, (0.5, 0)),)}, "whole numbers"),
        ({"bonds": (Bond(0, 0, (1, 0), complex(np.inf)),)}, "finite"),
        ({"bonds": (Bond(0, 0, (1, 0)), Bond(0, 0, (-1, 0)))}, "both directions"),
    ],
)
def test_what_is_no_lattice_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        build(**changes)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: lattices.cluster([[0, 1], [2, 0]], [(0,), (5,)]), "not Hermitian"),
        (lambda: lattices.cluster([[1, 1], [1, 0]], [(0,), (5,)]), "site energies"),
        (lambda: lattices.cluster([[0, np.nan], [np.nan, 0]]), "finite"),
        (lambda: lattices.cluster([[0, 1], [1, 0]], [(0,)]), "shape"),
        (lambda: LatticeModel(SQUARE, 1.0, (0.0, 1.0)), "allowed: one number, or 1 "),
        (lambda: LatticeModel(SQUARE.finite((2, 2)), 1.0, (0.0, 1.0)), "or 1 or 4"),
        (lambda: LatticeModel(SQUARE, np.inf), "finite"),
        (lambda: LatticeModel(SQUARE, 1.0, temperature_K=0.0), "> 0"),
        (lambda: LatticeModel(SQUARE, 1.0, direction=(0.0, 0.0)), "not all zero"),
        (lambda: LatticeModel(SQUARE.finite((1, 3)), 1.0).sites, "its own image"),
    ],
)
def test_what_is_no_model_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
