"""Lattices of one dimension: how many sites, how they end, how far apart they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from smallpolaron.study.sections import DEFAULT_WINDOW

Topology = Literal["infinite", "ring", "chain"]


@dataclass(frozen=True)
class Lattice:
    """Sites in a row with bonds between neighbours; see chain, ring and open_chain.

    Attributes:
        topology: "infinite", "ring" (periodic) or "chain" (open).
        n_sites: number of sites; of an infinite chain the first window, an odd number.
        spacing_A: distance of neighbours, angstrom.
    """

    topology: Topology
    n_sites: int
    spacing_A: float = 5.0

    @classmethod
    def chain(cls, spacing_A: float = 5.0, *, window: int = DEFAULT_WINDOW) -> Lattice:
        """Return the infinite chain.

        Args:
            spacing_A: distance of neighbours, angstrom.
            window: sites around the carrier that are followed first, an odd number; the window is
                widened where its edge is seen.
        """
        return cls("infinite", window, spacing_A)

    @classmethod
    def ring(cls, n_sites: int, spacing_A: float = 5.0) -> Lattice:
        """Return a ring of at least 3 sites; spacing_A in angstrom."""
        return cls("ring", n_sites, spacing_A)

    @classmethod
    def open_chain(cls, n_sites: int, spacing_A: float = 5.0) -> Lattice:
        """Return a chain with two ends, of at least 2 sites; spacing_A in angstrom."""
        return cls("chain", n_sites, spacing_A)

    def __str__(self) -> str:
        """Return the lattice in words."""
        if self.topology == "infinite":
            return f"infinite chain, {self.spacing_A:g} Å"
        name = "ring" if self.topology == "ring" else "open chain"
        return f"{name} of {self.n_sites} sites, {self.spacing_A:g} Å"
