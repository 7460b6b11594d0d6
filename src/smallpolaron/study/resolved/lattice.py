"""The lattice of a point that is neither a ring nor a chain, and the model on it."""

from __future__ import annotations

from typing import Final

import numpy as np

from smallpolaron.model.lattice import Bond, Boundary, Lattice
from smallpolaron.model.lattice_model import LatticeModel
from smallpolaron.model.units import CM_TO_RAD_FS
from smallpolaron.study.resolved.base import Resolved
from smallpolaron.study.resolved.bath import ResolvedBaths

DIRECTIONS: Final[dict[str, tuple[float, float, float]]] = {
    word: tuple(float(axis in word) for axis in "xyz")  # type: ignore[misc]
    for word in ("x", "y", "z", "xy", "xz", "yz")
}
"""Directions of the current by name; xy is the diagonal between x and y."""

Rows = tuple[tuple[float, ...], ...]


class ResolvedLattice(Resolved):
    """The lattice with its hoppings in cm^-1: rows of bonds are first, second, cell, re, im."""

    vectors_A: Rows
    sites_A: Rows
    bonds: Rows
    boundary: tuple[Boundary, ...]
    cells: tuple[int, ...]
    direction: tuple[float, ...] | None  # a tensor has none

    @property
    def is_infinite(self) -> bool:
        """Whether it has no end in some dimension."""
        return "infinite" in self.boundary

    @property
    def largest_hopping_cm(self) -> float:
        """Largest hopping in size, cm^-1."""
        return max((abs(complex(*bond[-2:])) for bond in self.bonds), default=0.0)

    @property
    def as_one_cell(self) -> ResolvedLattice:
        """A finite lattice with every site and every bond on its own, both ordered by cell."""
        own, found, corners = len(self.sites_A), [], list(np.ndindex(*self.cells))
        first = {corner: own * number for number, corner in enumerate(corners)}
        for corner in corners:
            for a, b, *cell, re, im in self.bonds:
                steps, inside = zip(corner, cell, self.cells, self.boundary, strict=True), True
                across, there = [], []
                for at, step, count, side in steps:
                    beyond, place = divmod(at + int(step), count)
                    inside = inside and (side == "periodic" or not beyond)
                    across.append(float(beyond))
                    there.append(place)
                if inside:
                    ends = float(first[corner] + int(a)), float(first[tuple(there)] + int(b))
                    found.append((*ends, *across, re, im))
        return self.model_copy(
            update={
                "vectors_A": tuple(
                    tuple(count * x for x in vector)
                    for count, vector in zip(self.cells, self.vectors_A, strict=True)
                ),
                "sites_A": tuple(
                    tuple(
                        x + sum(n * v[i] for n, v in zip(corner, self.vectors_A, strict=True))
                        for i, x in enumerate(site)
                    )
                    for corner in corners
                    for site in self.sites_A
                ),
                "bonds": tuple(found),
                "cells": (1,) * len(self.cells),
            }
        )

    def model(
        self,
        site_energies_cm: float | tuple[float, ...],
        temperature_K: float,
        bath: ResolvedBaths,
    ) -> LatticeModel:
        """Return the model on it, in internal units.

        Raises:
            ValueError: there is none.
        """
        bonds = tuple(
            Bond(int(first), int(second), tuple(map(int, cell)), complex(re, im))
            for first, second, *cell, re, im in self.bonds
        )
        lattice = Lattice(self.vectors_A, self.sites_A, bonds, self.boundary, self.cells)
        energies = np.asarray(site_energies_cm, dtype=float) * CM_TO_RAD_FS
        alike = not energies.ndim or np.ptp(energies) == 0
        return LatticeModel(
            lattice,
            CM_TO_RAD_FS,
            float(energies.flat[0]) if alike else tuple(energies.tolist()),
            temperature_K,
            self.direction or DIRECTIONS["x"],
            bath.modes_of(lattice),
        )

    def text(self, n_sites: object) -> str:
        """Return the lattice in words."""
        if not self.cells:
            return f"cluster of {n_sites} sites"
        own = len(self.sites_A)
        sites = f", {own} sites per cell" if own > 1 else ""
        if self.direction is not None:
            names = [word for word, each in DIRECTIONS.items() if each == self.direction]
            sites += f", along {names[0] if names else self.direction}"
        if set(self.boundary) == {"infinite"}:
            return f"infinite {len(self.cells)}D lattice{sites}"
        cells = " × ".join(
            "∞" if side == "infinite" else f"{count}"
            for count, side in zip(self.cells, self.boundary, strict=True)
        )
        return f"{' and '.join(sorted(set(self.boundary)))} lattice of {cells} cells{sites}"
