"""Lattices of a script: presets, the user's own sites and bonds, clusters."""

from __future__ import annotations

from smallpolaron.api.arguments import explained
from smallpolaron.model import lattice
from smallpolaron.study.sections import DEFAULT_WINDOW


class Lattice(lattice.Lattice):
    """Sites that repeat in zero (a cluster) to three dimensions, joined by bonds.

    ``Lattice(vectors_A, sites_A, bonds)`` takes lattice vectors and sites of a cell in angstrom,
    and bonds (first, second, cell, hopping): h |first in cell 0><second in that cell| + h.c. The
    hopping, 1 unless given, may be complex; Model.hopping_cm multiplies it. ``boundary`` and
    ``cells`` say how it ends: infinite in all dimensions unless given. Presets are infinite;
    ``finite((4, 4), "open")`` and ``with_window(21)`` return the same lattice otherwise bounded.

    Raises:
        ValueError: the lattice is invalid; the message says what is allowed.
    """

    square = staticmethod(explained(lattice.square))
    triangular = staticmethod(explained(lattice.triangular))
    honeycomb = staticmethod(explained(lattice.honeycomb))
    cubic = staticmethod(explained(lattice.cubic))
    ladder = staticmethod(explained(lattice.ladder))
    dimerised_chain = staticmethod(explained(lattice.dimerised_chain))
    herringbone = staticmethod(explained(lattice.herringbone))
    cluster = staticmethod(explained(lattice.cluster))

    @staticmethod
    @explained
    def chain(spacing_A: float = 5.0, *, window: int = DEFAULT_WINDOW) -> lattice.Lattice:
        """Return the infinite chain.

        Args:
            spacing_A: distance of neighbours, angstrom.
            window: sites around the carrier that are followed first, an odd number; the window is
                widened where its edge is seen.
        """
        return lattice.chain(spacing_A).with_window(window)

    @staticmethod
    @explained
    def ring(n_sites: int, spacing_A: float = 5.0) -> lattice.Lattice:
        """Return a ring of at least 3 sites; spacing_A in angstrom."""
        return lattice.ring(n_sites, spacing_A)

    @staticmethod
    @explained
    def open_chain(n_sites: int, spacing_A: float = 5.0) -> lattice.Lattice:
        """Return a chain with two ends, of at least 2 sites; spacing_A in angstrom."""
        return lattice.open_chain(n_sites, spacing_A)


def section(
    made: lattice.Lattice, direction: object = "x", *, whole: bool = False
) -> dict[str, dict[str, object]]:
    """Return a lattice as the sections model and lattice of a study.

    Chains need model alone, unless the whole section lattice is asked for.
    """
    line = None if whole or made.dimensions != 1 else lattice.chain(made.vectors_A[0][0])
    if line and (made.vectors_A, made.sites_A, made.bonds) == (
        line.vectors_A,
        line.sites_A,
        line.bonds,
    ):
        topology = {"infinite": "infinite", "periodic": "ring", "open": "chain"}[made.boundary[0]]
        spacing = made.vectors_A[0][0]
        return {
            "model": {"n_sites": made.cells[0], "topology": topology, "lattice_constant_A": spacing}
        }
    bonds = [
        {
            "first": bond.first,
            "second": bond.second,
            "cell": list(bond.cell),
            "hopping": [complex(bond.hopping).real, complex(bond.hopping).imag],
        }
        for bond in made.bonds
    ]
    return {
        "model": {},
        "lattice": {
            "kind": "custom",
            "vectors_A": [list(v) for v in made.vectors_A],
            "sites_A": [list(r) for r in made.sites_A],
            "bonds": bonds,
            "boundary": list(made.boundary),
            "cells": list(made.cells),
            "direction": direction,
        },
    }
