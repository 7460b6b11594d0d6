"""Population kernel files: memory kernel of the site populations, D from it and from the slope.

A homogeneous ring needs one population file. A chain or a disordered ring needs one for every
start site; of a chain that reads the same from both ends half of them will do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.analysis.cutoff import settling_times
from smallpolaron.analysis.plateau import find_plateau
from smallpolaron.analysis.population_kernel import (
    PopulationKernel,
    missing_starts,
    population_D,
    ring_kernel,
    site_kernel,
    start_matrix,
)
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.studies.config import Protocol
from smallpolaron.studies.derive import (
    D_UNIT,
    Notes,
    Variables,
    derive,
    empty,
    require_one_system,
    scalars,
    time_variable,
    worst_gates,
)
from smallpolaron.studies.parameters import holstein_model, is_infinite, whole
from smallpolaron.studies.plan import Point
from smallpolaron.studies.sections import AnalysisConfig
from smallpolaron.studies.store import Result, StoreError, Variable

_ORDERS: Final = ("populations", "dpopulations", "d2populations")
_OWN: Final = ("start_site", "point", "study", "derived")
"""Parameters in which the files of one system differ."""

POINTS_NOTE: Final = "points"
"""Name of the note that holds the points of the runs, separated by commas."""

_SCALARS: Final = {
    "plateau_D": (D_UNIT, "Mean of D_slope over its diffusive plateau; NaN without one."),
    "plateau_D_flatness": (D_UNIT, "Largest deviation of D_slope from it on the plateau."),
    "plateau_from_fs": ("fs", "First time on the plateau."),
    "plateau_to_fs": ("fs", "Last time on the plateau."),
    "tau_K_band_fs": ("fs", "Kernel cutoff after which D stays in the absolute band."),
    "tau_K_percent_fs": ("fs", "Kernel cutoff after which D stays in the relative band."),
    "D_kernel": (D_UNIT, "D of the whole kernel."),
}


@dataclass(frozen=True)
class _Runs:
    """Population runs of one system from different start sites.

    Attributes:
        model: the system.
        start: start site from which K and D are seen: the one next to the middle.
        time_fs: times in fs, (times,).
        orders: populations, their first and their second derivative: (times, site) by start site.
    """

    model: HolsteinModel
    start: int
    time_fs: NDArray[np.float64]
    orders: tuple[dict[int, NDArray[np.float64]], ...]

    @classmethod
    def of(cls, sources: Mapping[int, Result], start: int) -> _Runs:
        orders = tuple(
            {
                site: np.asarray(np.real(result.variables[name].data), dtype=np.float64)
                for site, result in sources.items()
            }
            for name in _ORDERS
        )
        time_fs = np.asarray(sources[start].variables["time_fs"].data, dtype=np.float64)
        return cls(holstein_model(sources[start].parameters), start, time_fs, orders)

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

    def by_distance(self, K: NDArray[np.float64]) -> Variable:
        """Return the kernel against distance on a homogeneous ring, else against site."""
        text = "Memory kernel of the populations, from the start site"
        if not self.model.is_translation_invariant:
            return Variable(K, ("time", "site"), "fs^-2", f"{text} to every site.")
        sites = (self.start + np.arange(self.model.n_sites // 2 + 1)) % self.model.n_sites
        return Variable(
            K[:, sites], ("time", "distance"), "fs^-2", f"{text} to a site at every distance."
        )


def points_needed(points: Sequence[Point], point: Point, protocol: Protocol) -> list[Point]:
    """Return the points from whose populations the kernel of a point is made, in any order.

    Args:
        points: points of the study.
        point: one of them.
        protocol: initialisation of the bath.

    Raises:
        StoreError: the study does not compute what the kernel needs.
    """
    if is_infinite(point.parameters):
        raise StoreError(
            f"{point.id}: the infinite lattice has no population kernel, its runs hold no "
            "populations; use a ring or a chain"
        )
    model = holstein_model(point.parameters)
    if model.is_translation_invariant:
        return [point]
    system = {**point.parameters, "start_site": None}
    found = {
        whole(each.parameters, "start_site"): each
        for each in points
        if protocol in each.protocols and {**each.parameters, "start_site": None} == system
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
    n_sites = whole(sources[0].parameters, "model.n_sites")
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
        lambda: _population_kernel(runs, settings),
        lambda: _no_population_kernel(runs),
    )
    names = ", ".join(str(source.parameters["point"]) for source in sources)
    return replace(found, notes={**found.notes, POINTS_NOTE: names})


def _checked(sources: Sequence[Result]) -> dict[int, Result]:
    """Return the runs by start site, if they make up what the system needs."""
    first = sources[0].parameters
    found: dict[int, Result] = {}
    for source in sources:
        site = whole(source.parameters, "start_site")
        require_one_system(sources[0], source, _OWN)
        if site in found:
            raise StoreError(f"two population files start on site {site}: give one for each site")
        found[site] = source
    model = holstein_model(first)
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


def _population_kernel(runs: _Runs, settings: AnalysisConfig) -> tuple[Variables, Notes]:
    kernel = runs.kernel()
    D = population_D(kernel)
    first = runs.orders[1][runs.start] @ kernel.squares_A2
    plateau = find_plateau(runs.time_fs, first, flatness=settings.band_percent / 100)
    times = settling_times(
        kernel.time_fs,
        D,
        band_paper_units=settings.band_paper_units,
        band_percent=settings.band_percent,
    )
    values = {
        "plateau_D": plateau.D_A2_fs,
        "plateau_D_flatness": plateau.flatness_A2_fs,
        "plateau_from_fs": plateau.from_fs,
        "plateau_to_fs": plateau.to_fs,
        "tau_K_band_fs": times.band.time_fs,
        "tau_K_percent_fs": times.percent.time_fs,
        "D_kernel": float(D[-1]),
    }
    notes = {
        "plateau": plateau.rule + (f"; {plateau.reason}" if plateau.reason else ""),
        "starts": "runs from the sites " + ", ".join(map(str, sorted(runs.orders[0]))),
    }
    for name, found in (("band", times.band), ("percent", times.percent)):
        reason = f"; {found.reason}" if found.reason else ""
        notes[f"tau_K_{name}_fs"] = found.criterion + reason
    arrays = _arrays(runs, kernel.K, D, 0.5 * first, plateau.found)
    return arrays | scalars(_SCALARS, values), notes


def _arrays(
    runs: _Runs,
    K: NDArray[np.float64],
    D: NDArray[np.float64],
    slope: NDArray[np.float64],
    has_plateau: bool,
) -> Variables:
    arrays = {
        "time_fs": time_variable(runs.time_fs),
        "K": runs.by_distance(K),
        "cutoff_fs": Variable(
            runs.time_fs, ("cutoff",), "fs", "Time after which the kernel is set to zero."
        ),
        "D_cutoff": Variable(D, ("cutoff",), D_UNIT, "Diffusion constant of the cut kernel."),
        "D_slope": Variable(
            slope, ("time",), D_UNIT, "Half the slope of the mean-squared displacement."
        ),
        "has_plateau": Variable(has_plateau, (), "1", "Whether D_slope has a diffusive plateau."),
    }
    if runs.model.is_translation_invariant:
        steps = np.arange(runs.model.n_sites // 2 + 1)
        arrays["distance"] = Variable(
            steps, ("distance",), "1", "Distance from the start site in lattice constants."
        )
    return arrays


def _no_population_kernel(runs: _Runs) -> Variables:
    curve = empty(runs.time_fs)
    K = np.full((len(curve), runs.model.n_sites), np.nan)
    return _arrays(runs, K, curve, curve, False) | scalars(_SCALARS, {})
