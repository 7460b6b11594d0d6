"""Runs of the engine: from the parameters of a point to variables and quality gates.

Imports the engine: only what computes may import this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import numpy as np

from smallpolaron.analysis.gates import Gate
from smallpolaron.dynamics.checkpoints import Checkpoints
from smallpolaron.dynamics.correlation import Correlation, compute_correlation
from smallpolaron.dynamics.displacement import compute_displacement
from smallpolaron.dynamics.population import compute_population
from smallpolaron.dynamics.progress import Report, to_stderr
from smallpolaron.dynamics.trajectory import StepRecord
from smallpolaron.hierarchy.limits import Limits
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.units import CM_TO_RAD_FS
from smallpolaron.parallel import MPI
from smallpolaron.results.quality import (
    correlation_gates,
    displacement_gates,
    population_gates,
    trace_bound,
)
from smallpolaron.results.quantity import Variables, variables
from smallpolaron.results.run_quantities import (
    CORRELATION,
    DISPLACEMENT,
    POPULATION,
    derivative_name,
)
from smallpolaron.study.parameters import (
    Parameters,
    bath_expansion,
    model_of,
    population_symmetry,
    symmetry_of,
    truncation,
)
from smallpolaron.study.sections import Protocol

Outcome = tuple[Variables, tuple[Gate, ...]]
Values = dict[str, Any]

_SOLVED_TO: Final = 1e-5
"""What stands for the accuracy on a fixed hierarchy, which has none: its solvers aim at it."""


def accuracy_of(parameters: Parameters) -> Accuracy:
    """Return the accuracy asked for at a point with its expert settings."""
    own, run = parameters.adaptive, parameters.propagation
    if parameters.accuracy is None:
        assert run.equilibrium_tolerance is not None
        return Accuracy(_SOLVED_TO, tolerance=run.tolerance, stationary=run.equilibrium_tolerance)
    return Accuracy(parameters.accuracy, own.growth, own.pruning, run.tolerance)


def limits_of(parameters: Parameters, max_unknowns: int) -> Limits:
    """Return how large the basis of a point may become."""
    if parameters.adaptive.max_occupation is None:
        return Limits(max_unknowns, truncation=truncation(parameters))
    return Limits(max_unknowns, parameters.adaptive.max_occupation)


def compute(
    parameters: Parameters,
    protocol: Protocol,
    max_unknowns: int,
    checkpoints: Checkpoints,
    report: Report = to_stderr,
) -> Outcome | None:
    """Compute what a protocol gives at a point (collective); None but on rank 0.

    Raises:
        LimitReached: the hierarchy would outgrow max_unknowns.
        NotConverged: a linear solver failed.
        PropagationFailed: no step size works.
        Interrupted: the job is to stop.
    """
    model, bath, accuracy = (
        model_of(parameters),
        bath_expansion(parameters),
        accuracy_of(parameters),
    )
    run, wanted = parameters.propagation, accuracy.target
    common: Values = {
        "duration_fs": run.duration_fs,
        "sample_fs": run.sample_fs,
        "more_terms": partial(bath_expansion, parameters),
        "revise_terms": parameters.bath.terms == "auto",
        "limits": limits_of(parameters, max_unknowns),
        "report": report,
        "checkpoints": checkpoints,
    }
    first = MPI.COMM_WORLD.rank == 0
    drift = trace_bound(bath, wanted)
    if protocol == "current":
        current = compute_correlation(
            *(model, bath, accuracy),
            frequencies=[CM_TO_RAD_FS * w for w in run.resolvent_frequencies_cm],
            symmetry=symmetry_of(parameters),
            infinite=parameters.is_infinite,
            **common,
        )
        if not first:
            return None
        gates = correlation_gates(current, wanted, model)
        return variables(CORRELATION, _correlation(current)), gates
    if parameters.is_infinite:
        moved = compute_displacement(model, bath, accuracy, start=protocol, **common)
        if not first:
            return None
        values = {
            "time_fs": moved.time_fs,
            "msd": moved.msd,
            "dmsd_dt": moved.dmsd,
            "d2msd_dt2": moved.d2msd,
            **_errors("dmsd_dt", moved.errors, moved.total_error),
            **_convergence(moved.record),
        }
        gates = displacement_gates(moved, wanted, drift, model)
        return variables(DISPLACEMENT, values), gates
    found = compute_population(
        *(model, bath, accuracy),
        start=protocol,
        site=parameters.start_site,
        symmetry=population_symmetry(parameters),
        **common,
    )
    if not first:
        return None
    series = ("populations", "dpopulations", "d2populations")
    errors = _errors("populations", found.errors, found.total_error)
    values = {
        "time_fs": found.time_fs,
        **{name: np.real(getattr(found, name)) for name in series},
        "density_matrix_final": found.density_matrix_final,
        **({} if isinstance(model, HolsteinModel) else {"site_positions": model.positions}),
        **({} if found.record.is_fixed else errors),
        **_convergence(found.record),
    }
    return variables(POPULATION, values), population_gates(found, wanted, drift)


def _correlation(found: Correlation) -> Values:
    series = (found.C_JJ, found.dC_JJ, found.d2C_JJ, *found.higher)
    values: Values = {
        "time_fs": found.time_fs,
        **{derivative_name(order): array for order, array in enumerate(series)},
        "resolvent/D": found.D_resolvent,
        "resolvent/D_time": found.D_time,
        "resolvent/residual": found.resolvent_residual,
        "resolvent/n_unknowns": found.n_resolvent,
        "resolvent/products": found.products_resolvent,
        "equilibrium/density_matrix": found.density_matrix,
        "equilibrium/hopping_energy": found.hopping_energy,
        "equilibrium/flux_stiffness": found.flux_stiffness,
        "equilibrium/residual": found.equilibrium_residual,
        "equilibrium/hermiticity": found.hermiticity,
        "convergence/products_equilibrium": found.products_equilibrium,
        "convergence/n_equilibrium": found.n_equilibrium,
        "convergence/bath_terms": found.bath_terms,
        "convergence/window": found.window,
        **_convergence(found.record),
    }
    if len(found.frequencies):
        values["resolvent/frequency"] = np.asarray(found.frequencies, dtype=float)
        values["resolvent/current_transform"] = found.sigma
    if found.record.is_fixed:
        return values | {"equilibrium/frontier_weight": found.frontier_weight}
    return values | {
        **_errors("C", found.errors.C, found.errors.total_C),
        **_errors("D", found.errors.D, found.errors.total_D),
        "resolvent/error": found.resolvent_error,
    }


def _errors(name: str, errors: Mapping[str, float], total: float) -> Values:
    return {f"errors/{name}/{key}": error for key, error in (*errors.items(), ("total", total))}


def _convergence(record: StepRecord) -> Values:
    names = ("n_unknowns", "n_nonzeros", "growth_detected", "step_time_fs", "outside_flow")
    own = ("frontier_weight",) if record.is_fixed else ("growth_threshold", "capped", "basis_size")
    return {
        **{f"convergence/{name}": getattr(record, name) for name in (*names, *own)},
        "convergence/products_production": record.products,
        "convergence/state_norm": record.norm,
    }
