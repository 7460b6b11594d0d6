"""The dispersive Holstein model of one carrier: sites, hopping, current, temperature."""

from dataclasses import dataclass, replace
from functools import cached_property
from math import factorial
from typing import Literal

import numpy as np

from smallpolaron.model.carrier import Carrier, ComplexArray, FloatArray
from smallpolaron.model.mode_table import ModeTable, local_modes
from smallpolaron.model.site_table import NO_SITE, SiteTable

Topology = Literal["ring", "chain"]

ONE_WINDING, SMALL_PHASE = 0.05, 0.2
"""Winding from which paths twice around a ring matter, and the phase that is small enough then."""

NEGLIGIBLE_WINDING = 1e-3
"""Relative change of the f-sum rule by paths around a ring that is too small to be computed."""


@dataclass(frozen=True)
class HolsteinModel(Carrier):
    """One carrier on N sites with nearest-neighbour hopping, one bath per site.

    H_S = sum_i e_i |i><i| + sum_<ij> v_ij (|i><j| + |j><i|).

    Attributes:
        n_sites: number of sites N; at least 3 on a ring, 2 on a chain.
        topology: "ring" (periodic) or "chain" (open).
        hopping: v, rad/fs: one number, or one per bond: bond i joins i and i+1; a ring has N
            bonds, the last one joins N-1 and 0; a chain has N-1.
        site_energies: e_i, rad/fs: one number or N.
        lattice_constant_A: distance of neighbours, angstrom.
        temperature_K: temperature, K.
        flux: phase per bond, rad, of a ring threaded by a magnetic flux: hopping to the right
            carries exp(i flux). A probe of how the ring closes on itself, 0 otherwise.

    Raises:
        ValueError: a value outside these limits; the message names it.

    Source: Mori paper, Holstein Hamiltonian; anomalous paper, Methods.
    """

    n_sites: int
    topology: Topology
    hopping: float | tuple[float, ...]
    site_energies: float | tuple[float, ...] = 0.0
    lattice_constant_A: float = 5.0
    temperature_K: float = 300.0
    flux: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is not a model."""
        if self.topology not in ("ring", "chain"):
            raise ValueError(f"topology = {self.topology!r}; allowed: 'ring', 'chain'")
        least = 3 if self.topology == "ring" else 2
        if self.n_sites < least:
            raise ValueError(f"n_sites = {self.n_sites}; a {self.topology} needs at least {least}")
        for name, value, count in (
            ("hopping", self.hopping, self.n_bonds),
            ("site_energies", self.site_energies, self.n_sites),
        ):
            array = np.asarray(value, dtype=float)
            if array.ndim and array.shape != (count,):
                raise ValueError(
                    f"{name} has {array.size} values; one, or {count} for this {self.topology}"
                )
            if not np.all(np.isfinite(array)):
                raise ValueError(f"{name} = {value}; finite numbers are needed")
        if self.flux != 0 and self.topology != "ring":
            raise ValueError(f"flux = {self.flux}; only a ring has one")
        if not self.lattice_constant_A > 0:
            raise ValueError(f"lattice_constant_A = {self.lattice_constant_A}; must be > 0")
        if not self.temperature_K > 0:
            raise ValueError(f"temperature_K = {self.temperature_K}; must be > 0")

    @property
    def n_bonds(self) -> int:
        """Number of bonds."""
        return self.n_sites if self.topology == "ring" else self.n_sites - 1

    @cached_property
    def bond_hoppings(self) -> FloatArray:
        """V of every bond, rad/fs, shape (n_bonds,)."""
        return np.broadcast_to(np.asarray(self.hopping, dtype=float), (self.n_bonds,)).copy()

    @cached_property
    def energies(self) -> FloatArray:
        """Site energies, rad/fs, shape (N,)."""
        return np.broadcast_to(np.asarray(self.site_energies, dtype=float), (self.n_sites,)).copy()

    @property
    def is_translation_invariant(self) -> bool:
        """True for a ring whose bonds are all equal and whose site energies are all equal."""
        return (
            self.topology == "ring"
            and bool(np.ptp(self.bond_hoppings) == 0)
            and bool(np.ptp(self.energies) == 0)
        )

    @property
    def is_mirror_symmetric(self) -> bool:
        """True for a chain that reads the same from both ends."""
        bonds, energies = self.bond_hoppings, self.energies
        same = np.array_equal(bonds, bonds[::-1]) and np.array_equal(energies, energies[::-1])
        return self.topology == "chain" and bool(same)

    @property
    def is_bounded(self) -> bool:
        """Whether a carrier can only go so far: D is exactly 0 then."""
        return self.topology == "chain"

    @property
    def is_infinite(self) -> bool:
        """Whether the sites are a window by themselves; a ring is one where its sector says so."""
        return False

    @property
    def window(self) -> int:
        """Sites of the window that a ring can be."""
        return self.n_sites

    def with_window(self, cells: int) -> "HolsteinModel":
        """The same model with so many sites."""
        return replace(self, n_sites=cells)

    @cached_property
    def sites(self) -> SiteTable:
        """The sites: cells of a ring where they are alike, else one cell; right, then left."""
        n, own = self.n_sites, 1 if self.is_translation_invariant else self.n_sites
        steps = np.broadcast_to(np.array([1, -1])[:, None], (own, 2, 1 if own == 1 else 0))
        neighbours = np.asarray((np.arange(own)[:, None] + np.array([1, -1])) % n)
        if self.topology == "chain":
            neighbours[0, 1] = neighbours[-1, 0] = NO_SITE
        v = self.bond_hoppings if self.topology == "ring" else np.append(self.bond_hoppings, 0.0)
        right = v * np.exp(-1j * self.flux)
        hop: ComplexArray = np.stack([right, np.roll(right.conj(), 1)], axis=1)[:own]
        way = self.lattice_constant_A * np.array([[1.0, 0, 0], [-1.0, 0, 0]])
        path = hop[..., None] * way
        square = path[..., None] * way[:, None]
        shape, infinite = ((n,), (True,)) if own == 1 else ((), ())
        return SiteTable(shape, infinite, neighbours, steps, hop, path, square)

    @cached_property
    def modes(self) -> ModeTable:
        """A bath of its own on every site."""
        return local_modes(self.sites)

    @property
    def free_winding(self) -> float:
        """How much paths around the ring change C_kubo(0) of a free carrier, relative; 0 on chains.

        Leading term N^2 (beta v)^(N-2) / N! of the flux curvature of the free energy over the
        hopping energy. The bath hinders round trips: for the coupled carrier it is an upper bound.
        """
        if self.topology == "chain":
            return 0.0
        n, beta_v = self.n_sites, self.beta * float(np.max(np.abs(self.bond_hoppings)))
        return n**2 * beta_v ** (n - 2) / factorial(n)

    @property
    def winding_phase(self) -> float:
        """Phase p once around a ring at which F''(0) = N F'(p/N) / sin p, per bond.

        The free energy F has the harmonics cos(m N flux), m > 0. Where the first outweighs the
        others any phase serves, and a large one is read best; otherwise it must be small.
        """
        return float(np.pi / 2) if self.free_winding < ONE_WINDING else SMALL_PHASE

    @property
    def unit_direction(self) -> FloatArray:
        """The direction of the current, shape (3,)."""
        return np.array([1.0, 0.0, 0.0])

    def displacements_A(self, origin: int) -> FloatArray:
        """Distance of every site from one site, angstrom, shape (N,).

        On a ring the signed shortest way (-N/2, N/2]; on a chain the difference of positions.
        """
        d = np.arange(self.n_sites) - origin
        if self.topology == "ring":
            half = (self.n_sites - 1) // 2
            d = (d + half) % self.n_sites - half
        return self.lattice_constant_A * d.astype(float)
