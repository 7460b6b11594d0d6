"""Spreading files: mean-squared displacement, its exponent, characteristic times and regimes.

One population or displacement file is enough. tau_P, when the lattice has forgotten how the run
began, needs the run of the same system from the other initialisation as well.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from smallpolaron.analysis.spreading.regimes import Kind, Regimes, find_regimes
from smallpolaron.analysis.spreading.spreading import (
    NO_BOUNDARY,
    Boundary,
    Spreading,
    find_boundary,
    spreading,
    unbounded_spreading,
)
from smallpolaron.analysis.spreading.spreading_times import Event
from smallpolaron.derive.derive import (
    D_UNIT,
    NAN,
    PLATEAU,
    Notes,
    derive,
    plateau_values,
    require_one_system,
    worst_gates,
)
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.results.quantity import Quantity, Table, time
from smallpolaron.results.store import Result
from smallpolaron.study.parameters import holstein_model, model_of
from smallpolaron.study.sections import AnalysisConfig
from smallpolaron.support.problems import StoreError

_OWN: Final = ("start", "point", "study", "derived")
"""Parameters in which both initialisations of one system differ."""

DISPLACEMENT: Final = "displacement"
"""Kind of the files of the infinite lattice, which hold no populations."""

_DISPLACEMENT: Final = ("time_fs", "msd", "dmsd_dt", "d2msd_dt2")

TOLERANCES_PERCENT: Final = np.array([1.0, 2.0, 5.0, 10.0])
"""The times depend on the tolerance: they are stored for all of these."""

_EVENTS: Final = ("tau_P_fs", "tau_P_alpha_fs", "tau_R_fs", "tau_near_fs")
_T, _SITES, _WIDTHS = ("time",), ("boundary",), ("tolerance",)
QUANTITIES: Final[Table] = {
    "boundary_site": Quantity(
        *("1", "Ends of the chain, or antipode of the start on a ring.", _SITES, int),
        optional=True,
    ),
    "boundary_distance": Quantity("angstrom", "Distance from the start.", _SITES, optional=True),
    "boundary_filling": Quantity(
        *("1", "Population there over its equilibrium value.", ("time", "boundary")),
        optional=True,
    ),
    "time_fs": time(),
    "msd": Quantity("angstrom^2", "Mean-squared displacement.", _T, kept="finite"),
    "dmsd_dt": Quantity("angstrom^2 fs^-1", "Its slope; half of it is D(t).", _T, kept="finite"),
    "d2msd_dt2": Quantity("angstrom^2 fs^-2", "Its second derivative.", _T, kept="finite"),
    "alpha": Quantity("1", "Exponent d ln MSD/d ln t.", _T, kept="there"),
    "slope_loss": Quantity("1", "Share of the diffusive slope that the boundary takes away.", _T),
    "tolerance_percent": Quantity("%", "Tolerance of the rules.", _WIDTHS),
    "tau_P_tolerance_fs": Quantity("fs", "tau_P for each of them.", _WIDTHS),
    "tau_R_tolerance_fs": Quantity("fs", "tau_R for each of them.", _WIDTHS),
    "tau_P_fs": Quantity(
        "fs", "When the slopes of both initialisations meet; NaN if they do not.", kept="there"
    ),
    "tau_P_alpha_fs": Quantity("fs", "When their alpha meet; NaN if they do not."),
    "tau_R_fs": Quantity(
        "fs", "When the far end or the antipode is reached; NaN if it is not.", kept="there"
    ),
    "tau_near_fs": Quantity("fs", "When the near end of a chain is reached; on a ring tau_R."),
    "alpha_longtime": Quantity("1", "Mean of alpha over the second half of the time before tau_R."),
    "alpha_longtime_spread": Quantity("1", "Largest deviation of alpha from it there."),
    "alpha_peak": Quantity(
        "1", "Maximum of alpha after its least value before tau_R; NaN without one."
    ),
    "alpha_peak_fs": Quantity("fs", "When that is."),
    **PLATEAU,
    "plateau_D_error": Quantity(
        D_UNIT, "Its flatness and the error of the slope; NaN if not estimated."
    ),
    "D_end": Quantity(D_UNIT, "Half the slope where the record ends."),
    "D_end_error": Quantity(D_UNIT, "Error of half the slope; NaN if not estimated."),
    "plateau_intercept": Quantity("angstrom^2", "Mean of MSD - t dMSD/dt over the plateau."),
    **{
        f"{kind}/{edge}_fs": Quantity("fs", f"{word} of the regime {kind}; NaN without it.")
        for kind in get_args(Kind)
        for edge, word in (("from", "Start"), ("to", "End"))
    },
}


def spreading_result(source: Result, partner: Result | None, settings: AnalysisConfig) -> Result:
    """Return displacement, exponent, times and regimes of a run.

    Raises:
        StoreError: the partner is not the same system from the other initialisation.
    """
    runs = [source]
    if partner is not None:
        require_one_system(source, partner, _OWN)
        if partner.parameters["start"] == source.parameters["start"]:
            raise StoreError(
                f"both population files have start {source.parameters['start']}: "
                "the partner must be the run from the other one"
            )
        runs.append(partner)
    return derive(
        "spreading",
        replace(source, gates=worst_gates(runs)),
        QUANTITIES,
        lambda: _spreading(source, partner, settings),
        _axes(source.array("time_fs"), _boundary(source)),
    )


def spreading_run(source: Result) -> Spreading:
    """Return how a run spreads; in equilibrium sites count with their Boltzmann factors."""
    if source.kind == DISPLACEMENT:
        return unbounded_spreading(*map(source.array, _DISPLACEMENT))
    origin, model = source.resolved.start_site, model_of(source.resolved)
    factors = np.exp(-model.beta * (model.energies - np.min(model.energies)))
    names = ("time_fs", "populations", "dpopulations", "d2populations")
    time, P, dP, d2P = (source.array(name).real for name in names)
    if not isinstance(model, HolsteinModel):
        squares = model.displacements_A(origin) ** 2
        return unbounded_spreading(time, P @ squares, dP @ squares, d2P @ squares)
    return spreading(
        time,
        P,
        dP,
        d2P,
        displacements_A=model.displacements_A(origin),
        topology=model.topology,
        equilibrium=factors / np.sum(factors),
    )


def _spreading(
    source: Result, partner: Result | None, settings: AnalysisConfig
) -> tuple[dict[str, Any], Notes]:
    run = spreading_run(source)
    other = None if partner is None else spreading_run(partner)
    found = find_regimes(run, other, percent=settings.band_percent)
    several = [find_regimes(run, other, percent=float(p)) for p in TOLERANCES_PERCENT]
    own = slope_error(source)
    values = _axes(run.time_fs, run.boundary) | {
        **({"boundary_filling": run.filling} if run.is_bounded else {}),
        **_values(found),
        "msd": run.msd_A2,
        "dmsd_dt": run.dmsd,
        "d2msd_dt2": run.d2msd,
        "alpha": run.alpha,
        "slope_loss": run.loss,
        "tau_P_tolerance_fs": np.array([regimes.tau_P.time_fs for regimes in several]),
        "tau_R_tolerance_fs": np.array([regimes.tau_R.time_fs for regimes in several]),
        "D_end": float(run.dmsd[-1]) / 2,
        "D_end_error": own,
        "plateau_D_error": found.diffusion.plateau.flatness_A2_fs + own,
    }
    return values, _notes(found, partner)


def slope_error(run: Result) -> float:
    """Return the estimated error of D(t), half the slope of the mean-squared displacement.

    Runs on the infinite lattice know it relative to the mean slope over the record; for others it
    is NaN.
    """
    if "errors/dmsd_dt/total" not in run.variables:
        return NAN
    mean_slope = float(run.array("msd")[-1] / run.array("time_fs")[-1])
    return 0.5 * run.number("errors/dmsd_dt/total") * mean_slope


def _events(found: Regimes) -> dict[str, Event]:
    times = (found.tau_P, found.tau_P_alpha, found.tau_R, found.tau_near)
    return dict(zip(_EVENTS, times, strict=True))


def _values(found: Regimes) -> dict[str, float]:
    values = {name: event.time_fs for name, event in _events(found).items()} | {
        "alpha_longtime": found.alpha.mean,
        "alpha_longtime_spread": found.alpha.spread,
        "alpha_peak": found.alpha.peak,
        "alpha_peak_fs": found.alpha.peak_fs,
        **plateau_values(found.diffusion.plateau),
        "plateau_intercept": found.diffusion.intercept_A2,
    }
    for stretch in found.stretches:
        values[f"{stretch.kind}/from_fs"] = stretch.from_fs
        values[f"{stretch.kind}/to_fs"] = stretch.to_fs
    return values


def _notes(found: Regimes, partner: Result | None) -> Notes:
    rules = {name: (event.rule, event.reason) for name, event in _events(found).items()}
    rules["alpha_longtime"] = (found.alpha.rule, found.alpha.reason)
    rules["plateau"] = (found.diffusion.plateau.rule, found.diffusion.plateau.reason)
    notes = {name: "; ".join(filter(None, texts)) for name, texts in rules.items()}
    notes |= {stretch.kind: stretch.statement for stretch in found.stretches}
    notes["partner"] = "none" if partner is None else str(partner.parameters["start"])
    return notes


def _boundary(source: Result) -> Boundary:
    """Return where the lattice of a run ends or closes."""
    if source.kind == DISPLACEMENT or "lattice" in source.parameters:
        return NO_BOUNDARY
    model = holstein_model(source.resolved)
    return find_boundary(model.displacements_A(source.resolved.start_site), model.topology)


def _axes(time_fs: NDArray[np.float64], boundary: Boundary) -> dict[str, Any]:
    """Return the coordinates of a file; on the infinite lattice without a boundary."""
    axes: dict[str, Any] = {"time_fs": time_fs, "tolerance_percent": TOLERANCES_PERCENT}
    if boundary.sites.size:
        axes |= {"boundary_site": boundary.sites, "boundary_distance": boundary.distances_A}
    return axes
