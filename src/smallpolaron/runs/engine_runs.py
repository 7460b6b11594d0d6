"""Runs of the engine: from the parameters of a point to variables and quality gates.

Imports the engine: only what computes may import this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

import numpy as np

from smallpolaron.analysis.gates import Gate
from smallpolaron.dynamics.checkpoints import Checkpoints
from smallpolaron.dynamics.correlation import (
    HIGHER_ORDERS,
    Correlation,
    compute_correlation,
)
from smallpolaron.dynamics.displacement import (
    Displacement,
    compute_displacement,
)
from smallpolaron.dynamics.population import (
    Population,
    compute_population,
)
from smallpolaron.dynamics.progress import Report, to_stderr
from smallpolaron.dynamics.step_record import StepRecord
from smallpolaron.hierarchy.limits import Limits
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.lattice_model import Model
from smallpolaron.model.units import CM_TO_RAD_FS
from smallpolaron.parallel import MPI
from smallpolaron.results.quality import (
    correlation_gates,
    displacement_gates,
    population_gates,
    trace_bound,
)
from smallpolaron.results.run_variables import (
    correlation_function,
    course,
    equilibrium,
    site_populations,
)
from smallpolaron.results.store import Variable
from smallpolaron.study.parameters import (
    Given,
    bath_expansion,
    is_adaptive,
    is_infinite,
    model_of,
    number,
    population_symmetry,
    symmetry_of,
    truncation,
    whole,
)
from smallpolaron.study.sections import Protocol

Outcome = tuple[dict[str, Variable], tuple[Gate, ...]]

_D: Final = "angstrom^2 fs^-1"
_SOURCES: Final = {
    "basis": "elements that are not in the basis",
    "time_step": "time steps",
    "bath_terms": "the finite number of bath terms; NaN if not estimated",
    "window": "the window of sites on an infinite lattice",
    "finite_time": "what comes after the record",
}


_SOLVED_TO: Final = 1e-5
"""What stands for the accuracy on a fixed hierarchy, which has none: its solvers aim at it."""


def accuracy_of(parameters: Given) -> Accuracy:
    """Return the accuracy asked for at a point with its expert settings."""
    if not is_adaptive(parameters):
        return Accuracy(
            _SOLVED_TO,
            tolerance=number(parameters, "propagation.tolerance"),
            stationary=number(parameters, "propagation.equilibrium_tolerance"),
        )
    return Accuracy(
        target=number(parameters, "accuracy"),
        growth=number(parameters, "adaptive.growth"),
        pruning=number(parameters, "adaptive.pruning"),
        tolerance=number(parameters, "propagation.tolerance"),
    )


def _limits(parameters: Given, max_unknowns: int) -> Limits:
    if not is_adaptive(parameters):
        return Limits(max_unknowns, truncation=truncation(parameters))
    return Limits(max_unknowns, whole(parameters, "adaptive.max_occupation"))


def correlation(
    parameters: Given, max_unknowns: int, checkpoints: Checkpoints, report: Report = to_stderr
) -> Outcome | None:
    """Compute C_JJ of a point (collective); the outcome is on rank 0, None elsewhere.

    Raises:
        LimitReached: the hierarchy would outgrow max_unknowns.
        NotConverged: a linear solver failed.
        PropagationFailed: no step size works.
        Interrupted: the job is to stop.
    """
    model, accuracy = model_of(parameters), accuracy_of(parameters)
    wanted = parameters["propagation"]["resolvent_frequencies_cm"]
    found = compute_correlation(
        model,
        bath_expansion(parameters),
        accuracy,
        duration_fs=number(parameters, "propagation.duration_fs"),
        sample_fs=number(parameters, "propagation.sample_fs"),
        more_terms=partial(bath_expansion, parameters),
        revise_terms=parameters["bath"]["terms"] == "auto",
        frequencies=[CM_TO_RAD_FS * frequency for frequency in wanted],
        symmetry=symmetry_of(parameters),
        infinite=is_infinite(parameters),
        limits=_limits(parameters, max_unknowns),
        report=report,
        checkpoints=checkpoints,
    )
    if MPI.COMM_WORLD.rank != 0:
        return None
    gates = correlation_gates(found, accuracy.target, model)
    return _correlation_variables(found), gates


def population(
    parameters: Given,
    start: Protocol,
    max_unknowns: int,
    checkpoints: Checkpoints,
    report: Report = to_stderr,
) -> Outcome | None:
    """Compute the populations of a point (collective); the outcome is on rank 0, None elsewhere.

    Raises:
        LimitReached: the hierarchy would outgrow max_unknowns.
        PropagationFailed: no step size works.
        Interrupted: the job is to stop.
    """
    assert start != "current"
    bath, accuracy = bath_expansion(parameters), accuracy_of(parameters)
    model = model_of(parameters)
    found = compute_population(
        model,
        bath,
        accuracy,
        start=start,
        site=whole(parameters, "start_site"),
        duration_fs=number(parameters, "propagation.duration_fs"),
        sample_fs=number(parameters, "propagation.sample_fs"),
        more_terms=partial(bath_expansion, parameters),
        revise_terms=parameters["bath"]["terms"] == "auto",
        symmetry=population_symmetry(parameters),
        limits=_limits(parameters, max_unknowns),
        report=report,
        checkpoints=checkpoints,
    )
    if MPI.COMM_WORLD.rank != 0:
        return None
    drift = trace_bound(bath, accuracy.target)
    gates = population_gates(found, accuracy.target, drift)
    return _population_variables(found) | _positions(model), gates


def displacement(
    parameters: Given,
    start: Protocol,
    max_unknowns: int,
    checkpoints: Checkpoints,
    report: Report = to_stderr,
) -> Outcome | None:
    """Compute the displacement on the infinite lattice (collective); the outcome is on rank 0.

    Raises:
        LimitReached: the hierarchy would outgrow max_unknowns.
        PropagationFailed: no step size works.
        Interrupted: the job is to stop.
    """
    assert start != "current"
    model, accuracy = model_of(parameters), accuracy_of(parameters)
    bath = bath_expansion(parameters)
    found = compute_displacement(
        model,
        bath,
        accuracy,
        start=start,
        duration_fs=number(parameters, "propagation.duration_fs"),
        sample_fs=number(parameters, "propagation.sample_fs"),
        more_terms=partial(bath_expansion, parameters),
        revise_terms=parameters["bath"]["terms"] == "auto",
        limits=_limits(parameters, max_unknowns),
        report=report,
        checkpoints=checkpoints,
    )
    if MPI.COMM_WORLD.rank != 0:
        return None
    drift = trace_bound(bath, accuracy.target)
    gates = displacement_gates(found, accuracy.target, drift, model)
    return _displacement_variables(found), gates


def _correlation_variables(found: Correlation) -> dict[str, Variable]:
    return {
        **correlation_function(found.time_fs, found.C_JJ, found.dC_JJ, found.d2C_JJ),
        **{
            f"d{order}C_JJ": Variable(
                values,
                ("time",),
                f"angstrom^2 fs^-{order + 2}",
                f"Time derivative of order {order}, from the generator.",
            )
            for order, values in zip(HIGHER_ORDERS, found.higher, strict=True)
        },
        **_correlation_errors(found),
        **_resolvent(found),
        **equilibrium(
            found.density_matrix,
            hopping_energy=found.hopping_energy,
            flux_stiffness=found.flux_stiffness,
            residual=found.equilibrium_residual,
            hermiticity=found.hermiticity,
            products=found.products_equilibrium,
        ),
        "convergence/n_equilibrium": Variable(
            found.n_equilibrium, (), "1", "Elements of the equilibrium state."
        ),
        "convergence/bath_terms": Variable(
            found.bath_terms, (), "1", "Low-temperature bath terms that were used."
        ),
        "convergence/window": Variable(
            found.window, (), "1", "Sites of the window on an infinite lattice, 0 elsewhere."
        ),
        **_convergence(found.record),
    }


def _correlation_errors(found: Correlation) -> dict[str, Variable]:
    if found.record.is_fixed:
        text = "Share of the state on the outermost operators."
        return {"equilibrium/frontier_weight": Variable(found.frontier_weight, (), "1", text)}
    C, D = found.errors.C, found.errors.D
    text = "Change of D when the thresholds shrink threefold."
    return {
        **_errors("C", C, found.errors.total_C, "C_JJ(t), largest over time", "1"),
        **_errors("D", D, found.errors.total_D, "the diffusion constant", _D),
        "resolvent/error": Variable(found.resolvent_error, (), _D, text),
    }


def _errors(
    name: str, errors: Mapping[str, float], total: float, what: str, units: str
) -> dict[str, Variable]:
    relative = ", relative to C_JJ(0)" if name == "C" else ""
    variables = {
        f"errors/{name}/{source}": Variable(
            error, (), units, f"Estimated error of {what}{relative}, from {_SOURCES[source]}."
        )
        for source, error in errors.items()
    }
    rest = ", without what comes after the record" if name == "C" else ""
    text = f"Sum of the estimated errors of {what}{relative}{rest}."
    return variables | {f"errors/{name}/total": Variable(total, (), units, text)}


def _resolvent(found: Correlation) -> dict[str, Variable]:
    scalar = ()
    variables = {
        "resolvent/D": Variable(
            found.D_resolvent, scalar, _D, "Diffusion constant by linear solve."
        ),
        "resolvent/D_time": Variable(
            found.D_time, scalar, _D, "Diffusion constant: integral of Re C_JJ, on the same basis."
        ),
        "resolvent/residual": Variable(
            found.resolvent_residual, scalar, "1", "Largest relative residual of the solves."
        ),
        "resolvent/n_unknowns": Variable(
            found.n_resolvent, scalar, "1", "Elements of the largest solution."
        ),
        "resolvent/products": Variable(
            found.products_resolvent, scalar, "1", "Generator-state products of the solves."
        ),
    }
    if len(found.frequencies):
        axis = ("frequency",)
        variables["resolvent/frequency"] = Variable(
            np.asarray(found.frequencies, dtype=float), axis, "rad fs^-1", "Angular frequency."
        )
        variables["resolvent/current_transform"] = Variable(
            found.sigma, axis, _D, "Integral of exp(i omega t) C_JJ from 0, by linear solve."
        )
    return variables


def _population_variables(found: Population) -> dict[str, Variable]:
    return {
        **site_populations(
            found.time_fs,
            found.populations,
            found.dpopulations,
            found.d2populations,
            found.density_matrix_final,
        ),
        **({} if found.record.is_fixed else _population_errors(found)),
        **_convergence(found.record),
    }


def _positions(model: Model) -> dict[str, Variable]:
    """Return where the sites are, except on rings and chains."""
    if isinstance(model, HolsteinModel):
        return {}
    text = "Positions of the sites; zero where they were not given."
    return {"site_positions": Variable(model.positions, ("site", "axis"), "angstrom", text)}


def _population_errors(found: Population) -> dict[str, Variable]:
    what = "populations, largest over time"
    return _errors("populations", found.errors, found.total_error, what, "1")


def _displacement_variables(found: Displacement) -> dict[str, Variable]:
    time, square = ("time",), "angstrom^2"
    return {
        "time_fs": Variable(found.time_fs, time, "fs", "Time."),
        "msd": Variable(found.msd, time, square, "Mean-squared displacement."),
        "dmsd_dt": Variable(
            found.dmsd, time, f"{square} fs^-1", "Its slope; half of it is D(t), Tr[J M]."
        ),
        "d2msd_dt2": Variable(
            found.d2msd, time, f"{square} fs^-2", "Its second derivative, from the generator."
        ),
        **_errors(
            "dmsd_dt",
            found.errors,
            found.total_error,
            "the slope, largest over time, relative to its mean over the record",
            "1",
        ),
        **_convergence(found.record),
    }


def _convergence(record: StepRecord) -> dict[str, Variable]:
    step = ("step",)
    variables = {
        **course(
            step_time_fs=record.step_time_fs,
            norm=record.norm,
            n_unknowns=record.n_unknowns,
            n_nonzeros=record.n_nonzeros,
            products=record.products,
            growth_detected=record.growth_detected,
        ),
        "convergence/outside_flow": Variable(
            record.outside_flow,
            step,
            "1",
            "Amplitude that the state feeds outside the hierarchy, relative to its norm.",
        ),
    }
    if record.is_fixed:
        text = "Share of the state on the outermost operators."
        weight = Variable(record.frontier_weight, step, "1", text)
        return variables | {"convergence/frontier_weight": weight}
    return variables | {
        "convergence/growth_threshold": Variable(
            record.growth_threshold,
            (),
            "1",
            "Amplitude relative to the state above which elements entered.",
        ),
        "convergence/capped": Variable(
            record.capped, (), "1", "Largest relative amplitude that a limit kept out."
        ),
        "convergence/basis_size": Variable(record.basis_size, step, "1", "Elements in play."),
    }
