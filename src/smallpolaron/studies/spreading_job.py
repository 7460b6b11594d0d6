"""Spreading files: mean-squared displacement, its exponent, characteristic times and regimes.

One population or displacement file is enough. tau_P, when the lattice has forgotten how the run
began, needs the run of the same system from the other initialisation as well.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, get_args

import numpy as np
from numpy.typing import NDArray

from smallpolaron.analysis.regimes import Kind, Regimes, find_regimes
from smallpolaron.analysis.spreading import (
    NO_BOUNDARY,
    Spreading,
    find_boundary,
    spreading,
    unbounded_spreading,
)
from smallpolaron.analysis.spreading_times import Event
from smallpolaron.studies.derive import (
    D_UNIT,
    NAN,
    Notes,
    Variables,
    derive,
    empty,
    require_one_system,
    scalars,
    time_variable,
    worst_gates,
)
from smallpolaron.studies.parameters import holstein_model, whole
from smallpolaron.studies.sections import AnalysisConfig
from smallpolaron.studies.store import Result, StoreError, Variable

_OWN: Final = ("start", "point", "study", "derived")
"""Parameters in which both initialisations of one system differ."""

DISPLACEMENT: Final = "displacement"
"""Kind of the files of the infinite lattice, which hold no populations."""

_DISPLACEMENT: Final = ("time_fs", "msd", "dmsd_dt", "d2msd_dt2")

TOLERANCES_PERCENT: Final = np.array([1.0, 2.0, 5.0, 10.0])
"""The times depend on the tolerance: they are stored for all of these."""

_EVENTS: Final = {
    "tau_P_fs": ("fs", "When the slopes of both initialisations meet; NaN if they do not."),
    "tau_P_alpha_fs": ("fs", "When their alpha meet; NaN if they do not."),
    "tau_R_fs": ("fs", "When the far end or the antipode is reached; NaN if it is not."),
    "tau_near_fs": ("fs", "When the near end of a chain is reached; on a ring tau_R."),
}
_SCALARS: Final = {
    **_EVENTS,
    "alpha_longtime": ("1", "Mean of alpha over the second half of the time before tau_R."),
    "alpha_longtime_spread": ("1", "Largest deviation of alpha from it there."),
    "alpha_peak": ("1", "Maximum of alpha after its least value before tau_R; NaN without one."),
    "alpha_peak_fs": ("fs", "When that is."),
    "plateau_D": (D_UNIT, "Half the slope on the diffusive plateau; NaN without one."),
    "plateau_D_error": (D_UNIT, "Its flatness and the error of the slope; NaN if not estimated."),
    "plateau_D_flatness": (D_UNIT, "Largest deviation from it on the plateau."),
    "plateau_from_fs": ("fs", "First time on the plateau."),
    "plateau_to_fs": ("fs", "Last time on the plateau."),
    "D_end": (D_UNIT, "Half the slope where the record ends."),
    "D_end_error": (D_UNIT, "Error of half the slope; NaN if not estimated."),
    "plateau_intercept": ("angstrom^2", "Mean of MSD - t dMSD/dt over the plateau."),
    **{
        f"{kind}/{edge}_fs": ("fs", f"{word} of the regime {kind}; NaN without it.")
        for kind in get_args(Kind)
        for edge, word in (("from", "Begin"), ("to", "End"))
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
        lambda: _spreading(source, partner, settings),
        lambda: _no_spreading(source),
    )


def spreading_run(source: Result) -> Spreading:
    """Return how a run spreads; in equilibrium sites count with their Boltzmann factors."""
    if source.kind == DISPLACEMENT:
        return unbounded_spreading(*(source.variables[name].data for name in _DISPLACEMENT))
    model = holstein_model(source.parameters)
    factors = np.exp(-model.beta * (model.energies - np.min(model.energies)))
    names = ("time_fs", "populations", "dpopulations", "d2populations")
    time, P, dP, d2P = (np.real(source.variables[name].data) for name in names)
    return spreading(
        time,
        P,
        dP,
        d2P,
        displacements_A=model.displacements_A(whole(source.parameters, "start_site")),
        topology=model.topology,
        equilibrium=factors / np.sum(factors),
    )


def _spreading(
    source: Result, partner: Result | None, settings: AnalysisConfig
) -> tuple[Variables, Notes]:
    run = spreading_run(source)
    other = None if partner is None else spreading_run(partner)
    found = find_regimes(run, other, percent=settings.band_percent)
    several = [find_regimes(run, other, percent=float(p)) for p in TOLERANCES_PERCENT]
    tau_P = np.array([regimes.tau_P.time_fs for regimes in several])
    tau_R = np.array([regimes.tau_R.time_fs for regimes in several])
    own = slope_error(source)
    values = _values(found) | {
        "D_end": float(run.dmsd[-1]) / 2,
        "D_end_error": own,
        "plateau_D_error": found.diffusion.plateau.flatness_A2_fs + own,
    }
    variables = _arrays(run, tau_P, tau_R) | scalars(_SCALARS, values)
    return variables, _notes(found, partner)


def slope_error(run: Result) -> float:
    """Return the estimated error of D(t), half the slope of the mean-squared displacement.

    Runs on the infinite lattice know it relative to the mean slope over the record; for others it
    is NaN.
    """
    share = run.variables.get("errors/dmsd_dt/total")
    if share is None:
        return NAN
    msd, time = (np.asarray(run.variables[name].data) for name in ("msd", "time_fs"))
    return 0.5 * float(np.real(share.data)) * float(msd[-1] / time[-1])


def _events(found: Regimes) -> dict[str, Event]:
    times = (found.tau_P, found.tau_P_alpha, found.tau_R, found.tau_near)
    return dict(zip(_EVENTS, times, strict=True))


def _values(found: Regimes) -> dict[str, float]:
    values = {name: event.time_fs for name, event in _events(found).items()} | {
        "alpha_longtime": found.alpha.mean,
        "alpha_longtime_spread": found.alpha.spread,
        "alpha_peak": found.alpha.peak,
        "alpha_peak_fs": found.alpha.peak_fs,
        "plateau_D": found.diffusion.plateau.D_A2_fs,
        "plateau_D_flatness": found.diffusion.plateau.flatness_A2_fs,
        "plateau_from_fs": found.diffusion.plateau.from_fs,
        "plateau_to_fs": found.diffusion.plateau.to_fs,
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


def _arrays(run: Spreading, tau_P: NDArray[np.float64], tau_R: NDArray[np.float64]) -> Variables:
    A, time, widths = "angstrom", ("time",), ("tolerance",)
    return _boundary(run) | {
        "time_fs": time_variable(run.time_fs),
        "msd": Variable(run.msd_A2, time, f"{A}^2", "Mean-squared displacement."),
        "dmsd_dt": Variable(run.dmsd, time, f"{A}^2 fs^-1", "Its slope; half of it is D(t)."),
        "d2msd_dt2": Variable(run.d2msd, time, f"{A}^2 fs^-2", "Its second derivative."),
        "alpha": Variable(run.alpha, time, "1", "Exponent d ln MSD/d ln t."),
        "slope_loss": Variable(
            run.loss, time, "1", "Share of the diffusive slope that the boundary takes away."
        ),
        "tolerance_percent": Variable(TOLERANCES_PERCENT, widths, "%", "Tolerance of the rules."),
        "tau_P_tolerance_fs": Variable(tau_P, widths, "fs", "tau_P for each of them."),
        "tau_R_tolerance_fs": Variable(tau_R, widths, "fs", "tau_R for each of them."),
    }


def _boundary(run: Spreading) -> Variables:
    """Return where the lattice ends or closes; nothing on the infinite lattice."""
    if not run.is_bounded:
        return {}
    boundary, sites = run.boundary, ("boundary",)
    return {
        "boundary_site": Variable(
            boundary.sites, sites, "1", "Ends of the chain, or antipode of the start on a ring."
        ),
        "boundary_distance": Variable(
            boundary.distances_A, sites, "angstrom", "Distance from the start."
        ),
        "boundary_filling": Variable(
            run.filling, ("time", *sites), "1", "Population there over its equilibrium value."
        ),
    }


def _no_spreading(source: Result) -> Variables:
    boundary = NO_BOUNDARY
    if source.kind != DISPLACEMENT:
        model = holstein_model(source.parameters)
        steps = model.displacements_A(whole(source.parameters, "start_site"))
        boundary = find_boundary(steps, model.topology)
    time = np.asarray(source.variables["time_fs"].data, dtype=np.float64)
    curve, times = empty(time), empty(TOLERANCES_PERCENT)
    filling = np.full((time.size, boundary.sites.size), NAN)
    run = Spreading(time, curve, curve, curve, curve, boundary, filling, curve)
    return _arrays(run, times, times) | scalars(_SCALARS, {})
