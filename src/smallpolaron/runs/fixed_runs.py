"""Runs on fixed hierarchies: from the parameters of a point to variables and quality gates.

Imports the engine: only what computes may import this module.
"""

from __future__ import annotations

from smallpolaron.analysis.gates import Gate
from smallpolaron.dynamics.correlation import CorrelationResult, compute_correlation
from smallpolaron.dynamics.evolve import PropagationSettings, Trajectory
from smallpolaron.dynamics.population import PopulationResult, compute_population
from smallpolaron.dynamics.progress import Report, to_stderr
from smallpolaron.parallel import MPI
from smallpolaron.results.quality import correlation_gates, population_gates
from smallpolaron.results.run_variables import (
    correlation_function,
    course,
    equilibrium,
    site_populations,
)
from smallpolaron.results.store import Variable
from smallpolaron.study.config import Protocol
from smallpolaron.study.parameters import (
    Given,
    bath_expansion,
    holstein_model,
    number,
    truncation,
    whole,
)

Outcome = tuple[dict[str, Variable], tuple[Gate, ...]]


def _settings(parameters: Given) -> PropagationSettings:
    return PropagationSettings(
        duration_fs=number(parameters, "propagation.duration_fs"),
        sample_fs=number(parameters, "propagation.sample_fs"),
        tolerance=number(parameters, "propagation.tolerance"),
        equilibrium_tolerance=number(parameters, "propagation.equilibrium_tolerance"),
    )


def correlation(parameters: Given, report: Report = to_stderr) -> Outcome | None:
    """Compute C_JJ of a point (collective); the outcome is on rank 0, None elsewhere."""
    model = holstein_model(parameters)
    found = compute_correlation(
        model,
        bath_expansion(parameters),
        truncation(parameters),
        settings=_settings(parameters),
        report=report,
        symmetry=parameters["hierarchy"]["symmetry"],
    )
    if MPI.COMM_WORLD.rank != 0:
        return None
    state = found.equilibrium
    gates = correlation_gates(
        time_fs=found.time_fs,
        C=found.C_JJ,
        dC=found.dC_JJ,
        d2C=found.d2C_JJ,
        density_matrix=state.density_matrix,
        hopping_energy=state.hopping_energy,
        flux_stiffness=found.flux_stiffness,
        residual=state.residual,
        hermiticity=state.hermiticity,
        frontier_weight=state.frontier_weight,
        production_frontier_weight=found.trajectory.frontier_weight,
        growth_detected=found.growth_detected,
        model=model,
    )
    return _correlation_variables(found), gates


def population(parameters: Given, start: Protocol, report: Report = to_stderr) -> Outcome | None:
    """Compute the populations of a point (collective); the outcome is on rank 0, None elsewhere."""
    assert start != "current"
    found = compute_population(
        holstein_model(parameters),
        bath_expansion(parameters),
        truncation(parameters),
        start=start,
        site=whole(parameters, "start_site"),
        settings=_settings(parameters),
        report=report,
    )
    if MPI.COMM_WORLD.rank != 0:
        return None
    gates = population_gates(
        populations=found.populations,
        hermiticity=found.hermiticity,
        frontier_weight=float(found.trajectory.frontier_weight[-1]),
        growth_detected=found.trajectory.growth_detected,
    )
    return _population_variables(found), gates


def _correlation_variables(found: CorrelationResult) -> dict[str, Variable]:
    state = found.equilibrium
    return {
        **correlation_function(found.time_fs, found.C_JJ, found.dC_JJ, found.d2C_JJ),
        **equilibrium(
            state.density_matrix,
            hopping_energy=state.hopping_energy,
            flux_stiffness=found.flux_stiffness,
            residual=state.residual,
            hermiticity=state.hermiticity,
            products=state.products,
        ),
        "equilibrium/frontier_weight": Variable(
            state.frontier_weight, (), "1", "Share of the state on the outermost operators."
        ),
        "convergence/equilibration_fs": Variable(
            state.time_fs, (), "fs", "Physical time propagated to reach equilibrium."
        ),
        **_convergence(found.trajectory, found.n_unknowns, found.n_nonzeros),
    }


def _population_variables(found: PopulationResult) -> dict[str, Variable]:
    return {
        **site_populations(
            found.time_fs,
            found.populations,
            found.dpopulations,
            found.d2populations,
            found.density_matrix_final,
        ),
        **_convergence(found.trajectory, found.n_unknowns, found.n_nonzeros),
    }


def _convergence(run: Trajectory, n_unknowns: int, n_nonzeros: int) -> dict[str, Variable]:
    return {
        **course(
            step_time_fs=run.step_time_fs,
            norm=run.norm,
            n_unknowns=n_unknowns,
            n_nonzeros=n_nonzeros,
            products=run.products,
            growth_detected=run.growth_detected,
        ),
        "convergence/rejected_steps": Variable(
            run.rejected_steps, (), "1", "Steps repeated with half the size."
        ),
        "convergence/frontier_weight": Variable(
            run.frontier_weight, ("step",), "1", "Share of the state on the outermost operators."
        ),
    }
