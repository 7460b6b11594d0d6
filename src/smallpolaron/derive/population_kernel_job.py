"""Population kernel files: memory kernel of the site populations, D from it and from the slope.

A homogeneous ring needs one population file. A chain or a disordered ring needs one for every
start site; of a chain that reads the same from both ends half of them are enough.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.analysis.memory.cutoff import settling_times
from smallpolaron.analysis.memory.population_kernel import (
    PopulationKernel,
    missing_starts,
    population_D,
    ring_kernel,
    site_kernel,
    start_matrix,
)
from smallpolaron.analysis.spreading.plateau import find_plateau
from smallpolaron.derive.derive import (
    D_UNIT,
    PLATEAU,
    TAU_K,
    Notes,
    bands,
    derive,
    note_settling,
    plateau_values,
    require_one_system,
    worst_gates,
)
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.results.kinds import POINTS_NOTE
from smallpolaron.results.quantity import Quantity, Table, time
from smallpolaron.results.store import Result
from smallpolaron.study.parameters import holstein_model
from smallpolaron.study.plan import Point
from smallpolaron.study.sections import AnalysisConfig, Protocol
from smallpolaron.support.problems import StoreError

_ORDERS: Final = ("populations", "dpopulations", "d2populations")
_OWN: Final = ("start_site", "point", "study", "derived")
"""Parameters in which the files of one system differ."""

QUANTITIES: Final[Table] = {
    "time_fs": time(),
    "K": Quantity(
        *("fs^-2", "Memory kernel of the populations, from the start site to every site."),
        *(("time", "site"),),
    ),
    "cutoff_fs": Quantity(
        "fs", "Time after which the kernel is set to zero.", ("cutoff",), kept="finite"
    ),
    "D_cutoff": Quantity(
        D_UNIT, "Diffusion constant of the cut kernel.", ("cutoff",), kept="there"
    ),
    "D_slope": Quantity(
        *(D_UNIT, "Half the slope of the mean-squared displacement.", ("time",)), kept="finite"
    ),
    "has_plateau": Quantity("1", "Whether D_slope has a diffusive plateau.", dtype=bool),
    **PLATEAU,
    **TAU_K,
    "D_kernel": Quantity(D_UNIT, "D of the whole kernel."),
}
RING: Final[Table] = QUANTITIES | {
    "K": Quantity(
        "fs^-2",
        "Memory kernel of the populations, from the start site to a site at every distance.",
        ("time", "distance"),
    ),
    "distance": Quantity(
        "1", "Distance from the start site in lattice constants.", ("distance",), int
    ),
}
"""Those of a homogeneous ring, where K depends on the distance alone."""


@dataclass(frozen=True)
class _Runs:
    """Population runs of one system from different start sites."""

    model: HolsteinModel
    start: int
    time_fs: NDArray[np.float64]
    orders: tuple[dict[int, NDArray[np.float64]], ...]

    @classmethod
    def of(cls, sources: Mapping[int, Result], start: int) -> _Runs:
        orders = tuple(
            {site: result.array(name).real for site, result in sources.items()} for name in _ORDERS
        )
        first = sources[start]
        return cls(holstein_model(first.resolved), start, first.array("time_fs"), orders)

    def kernel(self) -> PopulationKernel:
        """Return the memory kernel by the cheapest route that the symmetry allows."""
        model, start = self.model, self.start
        if model.is_translation_invariant:
            P, dP, d2P = (order[start] for order in self.orders)
            return ring_kernel(self.time_fs, P, dP, d2P, start, model.lattice_constant_A)
        U, dU, d2U = (
            start_matrix(order, model.n_sites, model.is_mirror_symmetric) for order in self.orders
        )
        return site_kernel(self.time_fs, U, dU, d2U, start, model.displacements_A(start))

    @property
    def sites(self) -> NDArray[np.int64]:
        """Sites to which the kernel is stored: all, or on a homogeneous ring one per distance."""
        count = self.model.n_sites
        if not self.model.is_translation_invariant:
            return np.arange(count)
        return (self.start + np.arange(count // 2 + 1)) % count

    @property
    def axes(self) -> dict[str, NDArray[Any]]:
        """The coordinates of the file."""
        found: dict[str, NDArray[Any]] = {"time_fs": self.time_fs, "cutoff_fs": self.time_fs}
        if self.model.is_translation_invariant:
            found["distance"] = np.arange(len(self.sites))
        return found


def points_needed(points: Sequence[Point], point: Point, protocol: Protocol) -> list[Point]:
    """Return the points from whose populations the kernel of a point is made, in any order.

    Raises:
        StoreError: the study does not compute what the kernel needs.
    """
    if point.parameters.is_infinite:
        raise StoreError(
            f"{point.id}: the infinite lattice has no population kernel, its runs hold no "
            "populations; use a ring or a chain"
        )
    model = holstein_model(point.parameters)
    if model.is_translation_invariant:
        return [point]
    system = point.parameters.changed(start_site=0)
    found = {
        each.parameters.start_site: each
        for each in points
        if protocol in each.protocols and each.parameters.changed(start_site=0) == system
    }
    _require_starts(found, model, f"the study has no point like {point.id}")
    return list(found.values())


def population_kernel_result(
    sources: Sequence[Result], settings: AnalysisConfig, start_site: int | None = None
) -> Result:
    """Return memory kernel of the populations, D against its cutoff, and the plateau of D(t).

    Args:
        sources: population results of one system, one of a ring, one per start site of others.
        settings: criteria of the study.
        start_site: start from which K and D are seen; None for the one next to the middle.

    Raises:
        StoreError: the runs are not of one system, or start sites are missing or given twice.
    """
    by_start = _checked(sources)
    n_sites = sources[0].resolved.n_sites
    start = min(by_start, key=lambda site: (abs(2 * site - n_sites), site))
    if start_site is not None and start_site not in by_start:
        raise StoreError(
            f"--start-site {start_site}: no population file starts there; the files start on "
            f"{', '.join(map(str, sorted(by_start)))}"
        )
    runs = _Runs.of(by_start, start if start_site is None else start_site)
    found = derive(
        "population_kernel",
        replace(by_start[runs.start], gates=worst_gates(sources)),
        RING if runs.model.is_translation_invariant else QUANTITIES,
        lambda: _population_kernel(runs, settings),
        runs.axes,
        site=runs.model.n_sites,
    )
    names = ", ".join(str(source.parameters["point"]) for source in sources)
    return replace(found, notes={**found.notes, POINTS_NOTE: names})


def _checked(sources: Sequence[Result]) -> dict[int, Result]:
    """Return the runs by start site, if they make up what the system needs."""
    found: dict[int, Result] = {}
    for source in sources:
        site = source.resolved.start_site
        require_one_system(sources[0], source, _OWN)
        if site in found:
            raise StoreError(f"two population files start on site {site}: give one for each site")
        found[site] = source
    model = holstein_model(sources[0].resolved)
    if model.is_translation_invariant:
        if len(found) > 1:
            raise StoreError("a homogeneous ring needs one population file: give one")
        return found
    _require_starts(found, model, "there is no population file")
    return found


def _require_starts(found: Collection[int], model: HolsteinModel, lacking: str) -> None:
    missing = missing_starts(found, model.n_sites, model.is_mirror_symmetric)
    if missing:
        raise StoreError(
            f"{lacking} that starts on the sites {missing}: the memory kernel of this "
            f"{model.topology} needs them, too; put start_site: "
            f"{sorted({*found, *missing})} on the grid"
        )


def _population_kernel(runs: _Runs, settings: AnalysisConfig) -> tuple[dict[str, Any], Notes]:
    kernel = runs.kernel()
    D = population_D(kernel)
    first = runs.orders[1][runs.start] @ kernel.squares_A2
    plateau = find_plateau(runs.time_fs, first, flatness=settings.band_percent / 100)
    times = settling_times(kernel.time_fs, D, **bands(settings))
    values: dict[str, Any] = runs.axes | {
        "K": kernel.K[:, runs.sites],
        "D_cutoff": D,
        "D_slope": 0.5 * first,
        "has_plateau": plateau.found,
        **plateau_values(plateau),
        "D_kernel": float(D[-1]),
    }
    notes = {
        "plateau": plateau.rule + (f"; {plateau.reason}" if plateau.reason else ""),
        "starts": "runs from the sites " + ", ".join(map(str, sorted(runs.orders[0]))),
    }
    note_settling(values, notes, "tau_K", times)
    return values, notes
