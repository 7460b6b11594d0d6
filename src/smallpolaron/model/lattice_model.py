"""One carrier on any lattice, any linear coupling to baths, current along a direction."""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np

from smallpolaron.model.carrier import Carrier, FloatArray
from smallpolaron.model.coupling import Coupling, check
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.lattice import Lattice, Vector
from smallpolaron.model.mode_table import ModeTable, local_modes, tabulate_modes
from smallpolaron.model.site_table import SiteTable, tabulate


@dataclass(frozen=True)
class LatticeModel(Carrier):
    """One carrier on a lattice, coupled to baths.

    H_S = sum_a e_a |a><a| + hopping sum_bonds (h |a><b| + h.c.).

    Attributes:
        lattice: sites and bonds.
        hopping: rad/fs, the unit of the hoppings of the lattice.
        site_energies: e_a, rad/fs: one number, one per site of a cell, or, on a finite lattice, one
            per site (ordered by cell, the last dimension fastest).
        temperature_K: temperature, K.
        direction: along which the current flows, of any length.
        couplings: the modes of a cell; () for a bath of its own on every site, all alike.

    Raises:
        ValueError: a value outside these limits.
    """

    lattice: Lattice
    hopping: float
    site_energies: float | tuple[float, ...] = 0.0
    temperature_K: float = 300.0
    direction: Vector = (1.0,)
    couplings: tuple[Coupling, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an invalid model."""
        cell, total = len(self.lattice.sites_A), self.lattice.n_sites
        energies = np.asarray(self.site_energies, dtype=float)
        allowed = (cell,) if self.lattice.is_infinite else (cell, total)
        if energies.ndim and energies.size not in allowed:
            raise ValueError(
                f"site_energies has {energies.size} values; allowed: one number, or "
                f"{' or '.join(map(str, dict.fromkeys(allowed)))} for this lattice"
            )
        if not (np.all(np.isfinite(energies)) and np.isfinite(self.hopping)):
            raise ValueError("hopping and site_energies must be finite numbers")
        if not self.temperature_K > 0:
            raise ValueError(f"temperature_K = {self.temperature_K}; must be > 0")
        if not 1 <= len(self.direction) <= 3 or not np.linalg.norm(self.direction) > 0:
            raise ValueError(f"direction = {self.direction}; give 1 to 3 numbers, not all zero")
        check(self.couplings, self.lattice)

    @property
    def unit_direction(self) -> FloatArray:
        """The direction, of length 1, shape (3,)."""
        whole = np.zeros(3)
        whole[: len(self.direction)] = self.direction
        return whole / np.linalg.norm(whole)

    @cached_property
    def sites(self) -> SiteTable:
        """The sites; one large cell where energies differ between cells."""
        return tabulate(self.lattice, self.hopping, uniform=self._uniform)

    @property
    def _uniform(self) -> bool:
        return np.size(self.site_energies) in (1, len(self.lattice.sites_A))

    @cached_property
    def modes(self) -> ModeTable:
        """The modes and what they couple."""
        if not self.couplings:
            return local_modes(self.sites)
        return tabulate_modes(self.lattice, self.couplings, self.sites, uniform=self._uniform)

    @property
    def n_sites(self) -> int:
        """Number of sites, of a window on an infinite lattice."""
        return self.sites.n_sites

    @property
    def is_infinite(self) -> bool:
        """Whether the sites are a window."""
        return self.lattice.is_infinite

    @property
    def window(self) -> int:
        """Cells of the window in its longest infinite dimension; 0 on a finite lattice."""
        sides = zip(self.lattice.cells, self.lattice.boundary, strict=True)
        return max((n for n, side in sides if side == "infinite"), default=0)

    def with_window(self, cells: int) -> "LatticeModel":
        """The same model with another window."""
        return replace(self, lattice=self.lattice.with_window(cells))

    @property
    def is_translation_invariant(self) -> bool:
        """Whether there are translations."""
        return bool(self.sites.shape)

    @property
    def is_mirror_symmetric(self) -> bool:
        """False: no reflection of a single large cell is made use of."""
        return False

    @property
    def is_bounded(self) -> bool:
        """Whether a carrier can only go so far along the direction: D is exactly 0 then."""
        paths = (self.sites.path, self.modes.path)
        ways = np.concatenate([(path @ self.unit_direction).ravel() for path in paths])
        free = [
            v
            for v, side in zip(self.lattice.vectors, self.lattice.boundary, strict=True)
            if side != "open"
        ]
        along = [abs(float(v @ self.unit_direction)) > 1e-12 for v in free]
        return not any(along) or not np.any(ways)

    @property
    def positions_in_cell(self) -> FloatArray:
        """Positions of the sites of one cell of the table, angstrom, shape (per_cell, 3)."""
        lattice, own = self.lattice, self.lattice.sites
        held = [i for i, side in enumerate(lattice.boundary) if side == "open"]
        if not self.sites.shape:
            held = list(range(lattice.dimensions))
        corners = np.zeros((1, 3))
        for axis in held:
            along = np.arange(lattice.cells[axis])[:, None] * lattice.vectors[axis]
            corners = (corners[:, None] + along).reshape(-1, 3)
        return np.asarray((corners[:, None] + own).reshape(-1, 3))

    @property
    def positions(self) -> FloatArray:
        """Positions of the sites, those of a window or torus about cell 0; angstrom, (N, 3)."""
        sides = zip(self.lattice.vectors, self.lattice.boundary, strict=True)
        free = np.array([v for v, side in sides if side != "open"]).reshape(-1, 3)
        corners = self.sites.centred @ free if self.sites.shape else np.zeros((1, 3))
        return np.asarray((corners[:, None] + self.positions_in_cell).reshape(-1, 3))

    def displacements_A(self, origin: int) -> FloatArray:
        """How far every site is from one site along the direction, angstrom, shape (N,).

        On a torus by the shortest way.
        """
        away, lattice = self.positions - self.positions[origin], self.lattice
        around = [(0, -1, 1) if side == "periodic" else (0,) for side in lattice.boundary]
        turns = np.array(list(product(*around))).reshape(-1, lattice.dimensions)
        images = away + ((turns * lattice.cells) @ lattice.vectors)[:, None]
        # of equally short ways the same one on all machines
        nearest = np.argmin(np.round(np.linalg.norm(images, axis=2), 6), axis=0)
        away = images[nearest, np.arange(len(away))]
        return np.asarray(away @ self.unit_direction)

    @cached_property
    def energies(self) -> FloatArray:
        """Site energies, rad/fs, shape (N,)."""
        given = np.asarray(self.site_energies, dtype=float)
        if given.size == self.n_sites:
            return given.reshape(-1).copy()
        own = np.broadcast_to(given, (len(self.lattice.sites_A),))
        return np.tile(own, self.n_sites // len(own))


Model = HolsteinModel | LatticeModel
"""What the engine computes."""
