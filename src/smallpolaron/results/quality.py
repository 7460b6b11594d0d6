"""The quality gates of a run: which apply, and what a gate says that could not be measured."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from smallpolaron.analysis import gates
from smallpolaron.analysis.gates import Gate, Rule
from smallpolaron.analysis.hermite import Series, half_line_transform, make_series
from smallpolaron.analysis.kubo import kubo_transform, spectra
from smallpolaron.model.baths.expansion import BathExpansion
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.lattice_model import Model

if TYPE_CHECKING:
    from smallpolaron.dynamics.correlation import Correlation
    from smallpolaron.dynamics.displacement import Displacement
    from smallpolaron.dynamics.population import Population

ComplexArray = NDArray[np.complex128]

_ROUNDING = 0.1
"""Share of the accuracy by which elements near a threshold may violate what holds exactly."""


def correlation_gates(found: Correlation, accuracy: float, model: Model) -> tuple[Gate, ...]:
    """Return every gate of a correlation run."""
    t, C = found.time_fs, found.C_JJ
    rho = found.density_matrix
    energy = found.hopping_energy if isinstance(model, HolsteinModel) else found.curvature

    def series() -> Series:
        return make_series(t, C, found.dC_JJ, found.d2C_JJ, name="C_JJ")

    def agreement() -> Gate:
        from_time = [found.D_time]
        if len(found.frequencies):
            from_time += list(half_line_transform(series(), found.frequencies).real)
        # C may be wrong by the accuracy asked for, and lacks what comes after the record
        scale = float(np.sum(np.abs(C.real[:-1]) * np.diff(t)))
        allowed = (accuracy + found.errors.C["finite_time"]) * scale
        return gates.resolvent_agreement(
            from_time,
            [found.D_resolvent, *np.real(found.sigma)],
            allowed + found.errors.D["finite_time"] + found.resolvent_error,
        )

    if found.record.is_fixed:
        own = [
            gates.FRONTIER_WEIGHT.judge(found.frontier_weight),
            gates.PRODUCTION_FRONTIER_WEIGHT.judge(np.max(found.record.frontier_weight)),
        ]
    else:
        own = [gates.error_estimate(found.errors.total_C, accuracy, found.advice)]
        # what the edge of a window does is part of the error estimate
        own += [] if found.window else [gates.CAPPED.judge(found.record.capped)]
    return (
        gates.STABILITY.judge(found.record.growth_detected),
        *own,
        _measured(gates.RESOLVENT_AGREEMENT, 0.0, agreement),
        # rows of cell 0 only on an infinite lattice
        gates.trace(complex(np.trace(rho)) * rho.shape[1] / rho.shape[0]),
        gates.HERMITICITY.judge(found.hermiticity, _ROUNDING * accuracy),
        gates.STATIONARITY.judge(found.equilibrium_residual),
        *_laws(C, series, energy, found.flux_stiffness, model, accuracy),
    )


def _laws(
    C: ComplexArray,
    series: Callable[[], Series],
    hopping_energy: float,
    flux_stiffness: float,
    model: Model,
    accuracy: float,
) -> tuple[Gate, ...]:
    """Return the gates that every correlation function must pass, however it was computed.

    No law is asked to hold better than the accuracy that C was asked for. On lattices other than
    rings and chains the hopping energy is that of bonds weighted by their squared length,
    angstrom^2 rad/fs; paths around a torus are not known, nor is its sum rule judged.
    """
    temperature_K = model.temperature_K
    rounding = _ROUNDING * accuracy

    def balance() -> Gate:
        found = spectra(series(), temperature_K)
        return gates.detailed_balance(found.omega, found.full, temperature_K, accuracy)

    def sum_rule() -> Gate:
        start = float(kubo_transform(series(), temperature_K).values[0])
        constant = model.lattice_constant_A if isinstance(model, HolsteinModel) else 1.0
        return gates.f_sum(start, hopping_energy, constant, temperature_K, flux_stiffness, accuracy)

    laws = (
        _measured(gates.REAL_AT_ZERO, rounding, lambda: gates.real_at_zero(C, rounding)),
        _measured(gates.CAUCHY_SCHWARZ, 0.0, lambda: gates.cauchy_schwarz(C)),
        _measured(gates.LONG_TIME_DECAY, 0.0, lambda: gates.long_time_decay(C)),
        _measured(gates.DETAILED_BALANCE, accuracy, balance),
    )
    unknown = math.isnan(flux_stiffness) and not isinstance(model, HolsteinModel)
    return laws if unknown else (*laws, _measured(gates.F_SUM, accuracy, sum_rule))


def trace_bound(expansion: BathExpansion, accuracy: float) -> float:
    """Return how far a trace may drift: bases of mixed terms keep it to the accuracy only."""
    return accuracy if len(expansion.functions.mixed_pairs) else gates.TRACE.bound


def population_gates(found: Population, accuracy: float, largest_drift: float) -> tuple[Gate, ...]:
    """Return every gate of a population run."""
    own = [
        gates.error_estimate(found.total_error, accuracy, found.advice),
        gates.CAPPED.judge(found.record.capped),
    ]
    if found.record.is_fixed:
        own = [gates.FRONTIER_WEIGHT.judge(float(found.record.frontier_weight[-1]))]
    return (
        gates.STABILITY.judge(found.record.growth_detected),
        *own,
        gates.trace(1.0 + found.trace_error, largest_drift),
        gates.populations_in_range(found.populations),
    )


def displacement_gates(
    found: Displacement, accuracy: float, largest_drift: float, model: Model
) -> tuple[Gate, ...]:
    """Return every gate of a displacement run on the infinite lattice."""
    fastest = float(np.max(np.sum(np.abs(model.flows), axis=1)))
    return (
        gates.STABILITY.judge(found.record.growth_detected),
        gates.error_estimate(found.total_error, accuracy, found.advice),
        gates.trace(1.0 + found.trace_error, largest_drift),
        gates.slope_bound(found.msd, found.dmsd, fastest),
    )


def _measured(rule: Rule, least_bound: float, measure: Callable[[], Gate]) -> Gate:
    """Return a gate; a failed one with the reason when it cannot be measured."""
    try:
        return measure()
    except ValueError as error:
        bound = max(rule.bound, least_bound)
        return Gate(rule.name, math.nan, bound, f"could not be measured: {error}")


def unusable(gates_of_run: tuple[Gate, ...]) -> str:
    """Return why no transport number may be taken from a run, or an empty text.

    Other failed gates flag the numbers; a growing state leaves none.
    """
    for gate in gates_of_run:
        if gate.name == "stability" and not gate.passed:
            return (
                "the state grew (the truncation is unstable), so no number is reported; "
                "raise hierarchy.depth, or lower accuracy"
            )
    return ""
