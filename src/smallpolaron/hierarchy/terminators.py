"""Terminators of modes that are not local: delta-correlated remainders of their baths."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from smallpolaron.model.mode_table import ModeTable
from smallpolaron.model.site_table import NO_SITE, SiteTable

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Terminators:
    """What the delta-correlated remainders of baths add: -sum Delta [V,[V, rho]]."""

    def __init__(self, modes: ModeTable, deltas: FloatArray) -> None:
        """Find the elements of modes with a remainder.

        Args:
            modes: the modes.
            deltas: Delta by bath, rad/fs.
        """
        self._modes, self._sites = modes, modes.sites
        self._delta = np.where(modes.mode == NO_SITE, 0, deltas[modes.bath_of_element])
        kinds = np.full(modes.mode.shape, -1)
        known: dict[tuple[float, complex], int] = {}
        for at in np.argwhere(self._delta != 0):
            site, element = at
            key = float(self._delta[site, element]), complex(modes.value[site, element])
            kinds[site, element] = known.setdefault(key, len(known))
        self._kinds, self._known = kinds, list(known)
        self.width = int(np.max(np.sum(kinds >= 0, axis=1), initial=0))
        _, owners = modes.reached(window=False)
        self.ways = 0
        for row, white in zip(owners[: self._sites.per_cell], kinds >= 0, strict=True):
            counts = np.unique(row[white], return_counts=True)[1]
            self.ways = max(self.ways, int(np.max(counts, initial=0)))
        self._squares = self._squared()

    def pairs(self) -> ComplexArray:
        """2 Delta <a|V|c><d|V|b> by the kinds of <a|V|c> and <b|V|d>."""
        delta = np.array([each[0] for each in self._known])
        value = np.array([each[1] for each in self._known], complex)
        # of different baths: never of one mode
        return np.asarray(2 * delta[:, None] * np.multiply.outer(value, value.conj()))

    @property
    def diagonal(self) -> FloatArray:
        """Diagonal of sum Delta V^2, by site of cell 0."""
        own = [
            each.get(((0,) * len(self._sites.shape), site), (None, 0.0))[1]
            for site, each in enumerate(self._squares)
        ]
        return np.real(np.array(own, complex))

    def rows(self, window: bool) -> NDArray[np.int32]:
        """Site, mode and kind of every element with a remainder, three rows each."""
        targets, modes = self._modes.reached(window=window)
        kinds = np.tile(self._kinds, (self._sites.n_cells, 1))
        rows = np.full((self.width, 3, self._sites.n_sites), NO_SITE, np.int32)
        for site, row in enumerate(kinds):
            for at, element in enumerate(np.flatnonzero(row >= 0)):
                rows[at, :, site] = targets[site, element], modes[site, element], row[element]
        return rows.reshape(3 * self.width, self._sites.n_sites)

    def extended_sites(self) -> tuple[SiteTable, ComplexArray]:
        """The sites with all directions along which sum Delta V^2 leads, and its elements there."""
        sites, own = self._sites, self._sites.per_cell
        d = len(sites.shape)
        known: list[dict[tuple[tuple[int, ...], int], int]] = [{} for _ in range(own)]
        losses = np.zeros(sites.hop.shape, complex)
        for site, direction in np.argwhere(sites.neighbours != NO_SITE):
            step = self._wrapped(sites.steps[site, direction])
            known[site][step, int(sites.neighbours[site, direction]) % own] = int(direction)
        extra: list[list[tuple[IntArray, int, complex]]] = [[] for _ in range(own)]
        for site, squares in enumerate(self._squares):
            for (step, to), (cells, value) in squares.items():
                if (step, to) in known[site]:
                    losses[site, known[site][step, to]] = value
                elif to != site or any(step):
                    extra[site].append((cells, to, value))
        more = max(map(len, extra))
        if not more:
            return sites, losses
        steps, neighbours = np.zeros((own, more, d), dtype=int), np.full((own, more), NO_SITE)
        added = np.zeros((own, more), complex)
        for site, each in enumerate(extra):
            for at, (cells, to, value) in enumerate(each):
                steps[site, at], added[site, at] = cells, value
                neighbours[site, at] = int(sites.number(cells)) * own + to
        nothing = np.zeros((own, more, 3), complex)
        return replace(
            sites,
            neighbours=np.concatenate([sites.neighbours, neighbours], axis=1),
            steps=np.concatenate([sites.steps, steps], axis=1),
            hop=np.concatenate([sites.hop, np.zeros_like(added)], axis=1),
            path=np.concatenate([sites.path, nothing], axis=1),
            square=np.concatenate([sites.square, np.zeros((own, more, 3, 3))], axis=1),
        ), np.concatenate([losses, added], axis=1)

    def _wrapped(self, step: IntArray) -> tuple[int, ...]:
        kinds = zip(step, self._sites.shape, self._sites.infinite, strict=True)
        return tuple(int(r) if infinite else int(r) % count for r, count, infinite in kinds)

    def _squared(self) -> list[dict[tuple[tuple[int, ...], int], tuple[IntArray, complex]]]:
        """Elements of sum Delta V^2 by wrapped step and place, with the step, for the own sites."""
        modes = self._modes
        found: list[dict[tuple[tuple[int, ...], int], tuple[IntArray, complex]]] = []
        for site in range(self._sites.per_cell):
            row: dict[tuple[tuple[int, ...], int], tuple[IntArray, complex]] = {}
            for first in np.flatnonzero(self._kinds[site] >= 0):
                middle, step = int(modes.target[site, first]), modes.target_steps[site, first]
                home = self._wrapped(modes.mode_steps[site, first])
                for second in np.flatnonzero(self._kinds[middle] >= 0):
                    same = self._wrapped(step + modes.mode_steps[middle, second]) == home
                    if not same or modes.mode[middle, second] != modes.mode[site, first]:
                        continue
                    cells = step + modes.target_steps[middle, second]
                    value = modes.value[site, first] * modes.value[middle, second]
                    key = self._wrapped(cells), int(modes.target[middle, second])
                    before = row.get(key, (cells, 0.0))[1]
                    row[key] = cells, before + self._delta[site, first] * complex(value)
            found.append(row)
        return found
