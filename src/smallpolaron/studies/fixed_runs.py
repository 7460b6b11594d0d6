"""Runs on fixed hierarchies: from the parameters of a point to variables and quality gates.

Imports MPI and PETSc; only the MPI jobs may import this module.
"""

from __future__ import annotations

import numpy as np
from mpi4py import MPI  # before petsc4py: it finds the MPI library

from smallpolaron.analysis.gates import Gate
from smallpolaron.dynamics.correlation import CorrelationResult, compute_correlation
from smallpolaron.dynamics.evolve import PropagationSettings, Trajectory
from smallpolaron.dynamics.population import PopulationResult, compute_population
from smallpolaron.studies.config import Protocol
from smallpolaron.studies.parameters import (
    Given,
    bath_expansion,
    holstein_model,
    number,
    truncation,
    whole,
)
from smallpolaron.studies.quality import correlation_gates, population_gates
from smallpolaron.studies.store import Variable

Outcome = tuple[dict[str, Variable], tuple[Gate, ...]]


def _settings(parameters: Given) -> PropagationSettings:
    return PropagationSettings(
        duration_fs=number(parameters, "propagation.duration_fs"),
        sample_fs=number(parameters, "propagation.sample_fs"),
        tolerance=number(parameters, "propagation.tolerance"),
        equilibrium_tolerance=number(parameters, "propagation.equilibrium_tolerance"),
    )


def correlation(parameters: Given) -> Outcome | None:
    """Compute C_JJ of a point (collective); the outcome is on rank 0, None elsewhere."""
    model = holstein_model(parameters)
    found = compute_correlation(
        model,
        bath_expansion(parameters),
        truncation(parameters),
        settings=_settings(parameters),
        symmetry=parameters["hierarchy"]["symmetry"],
    )
    if MPI.COMM_WORLD.rank != 0:
        return None
    equilibrium = found.equilibrium
    gates = correlation_gates(
        time_fs=found.time_fs,
        C=found.C_JJ,
        dC=found.dC_JJ,
        d2C=found.d2C_JJ,
        density_matrix=equilibrium.density_matrix,
        hopping_energy=equilibrium.hopping_energy,
        flux_stiffness=found.flux_stiffness,
        residual=equilibrium.residual,
        hermiticity=equilibrium.hermiticity,
        frontier_weight=equilibrium.frontier_weight,
        production_frontier_weight=found.trajectory.frontier_weight,
        growth_detected=found.growth_detected,
        model=model,
    )
    return _correlation_variables(found), gates


def population(parameters: Given, start: Protocol) -> Outcome | None:
    """Compute the populations of a point (collective); the outcome is on rank 0, None elsewhere."""
    assert start != "current"
    found = compute_population(
        holstein_model(parameters),
        bath_expansion(parameters),
        truncation(parameters),
        start=start,
        site=whole(parameters, "start_site"),
        settings=_settings(parameters),
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
    length2 = "angstrom^2 fs^"
    return {
        "time_fs": Variable(found.time_fs, ("time",), "fs", "Time."),
        "C_JJ": Variable(
            found.C_JJ, ("time",), length2 + "-2", "Current autocorrelation function Tr[J J(t)]."
        ),
        "dC_JJ": Variable(
            found.dC_JJ, ("time",), length2 + "-3", "First time derivative, from the generator."
        ),
        "d2C_JJ": Variable(
            found.d2C_JJ, ("time",), length2 + "-4", "Second time derivative, from the generator."
        ),
        "equilibrium/density_matrix": Variable(
            state.density_matrix,
            ("site_ket", "site_bra"),
            "1",
            "Reduced density matrix of the equilibrium state.",
        ),
        "equilibrium/hopping_energy": Variable(
            state.hopping_energy, (), "rad fs^-1", "Equilibrium mean of the hopping energy."
        ),
        "equilibrium/flux_stiffness": Variable(
            found.flux_stiffness, (), "rad fs^-1", "Winding part of the f-sum rule of a ring."
        ),
        "equilibrium/residual": Variable(
            state.residual, (), "fs^-1", "Relative rate of change of the equilibrium state."
        ),
        "equilibrium/hermiticity": Variable(
            state.hermiticity, (), "1", "Largest violation of Hermiticity, relative."
        ),
        "equilibrium/frontier_weight": Variable(
            state.frontier_weight, (), "1", "Share of the state on the outermost operators."
        ),
        "convergence/products_equilibrium": Variable(
            state.products, (), "1", "Generator-state products spent on the equilibrium state."
        ),
        "convergence/equilibration_fs": Variable(
            state.time_fs, (), "fs", "Physical time propagated to reach equilibrium."
        ),
        **_convergence(found.trajectory, found.n_unknowns, found.n_nonzeros),
    }


def _convergence(run: Trajectory, n_unknowns: int, n_nonzeros: int) -> dict[str, Variable]:
    step = ("step",)
    return {
        "convergence/n_unknowns": Variable(n_unknowns, (), "1", "Elements of the state."),
        "convergence/n_nonzeros": Variable(n_nonzeros, (), "1", "Entries of the generator."),
        "convergence/products_production": Variable(
            run.products, (), "1", "Generator-state products of the production run."
        ),
        "convergence/rejected_steps": Variable(
            run.rejected_steps, (), "1", "Steps repeated with half the size."
        ),
        "convergence/growth_detected": Variable(
            run.growth_detected,
            (),
            "1",
            "Whether production was stopped because the state grew.",
        ),
        "convergence/step_time_fs": Variable(
            run.step_time_fs, step, "fs", "Begin of every step and end of the last."
        ),
        "convergence/state_norm": Variable(
            run.norm, step, "1", "Norm of the state over all auxiliary density operators."
        ),
        "convergence/frontier_weight": Variable(
            run.frontier_weight, step, "1", "Share of the state on the outermost operators."
        ),
    }


def _population_variables(found: PopulationResult) -> dict[str, Variable]:
    axes = ("time", "site")
    return {
        "time_fs": Variable(found.time_fs, ("time",), "fs", "Time."),
        "populations": Variable(np.real(found.populations), axes, "1", "Site populations."),
        "dpopulations": Variable(
            np.real(found.dpopulations), axes, "fs^-1", "First derivative, from the generator."
        ),
        "d2populations": Variable(
            np.real(found.d2populations), axes, "fs^-2", "Second derivative, from the generator."
        ),
        "density_matrix_final": Variable(
            found.density_matrix_final,
            ("site_ket", "site_bra"),
            "1",
            "Reduced density matrix at the end.",
        ),
        **_convergence(found.trajectory, found.n_unknowns, found.n_nonzeros),
    }
