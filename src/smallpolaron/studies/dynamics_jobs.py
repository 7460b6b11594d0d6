"""The MPI jobs: from a point of a plan to a correlation or population file.

Errors that every rank meets alike end with a message; any other error on any rank aborts all
ranks, so that no job hangs on a rank that is gone.
"""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from smallpolaron.studies.canonical import Parameters
from smallpolaron.studies.config import Protocol
from smallpolaron.studies.parameters import (
    bath_expansion,
    holstein_model,
    number,
    truncation,
    whole,
)
from smallpolaron.studies.plan import Plan, PlanError, Point, read_plan
from smallpolaron.studies.provenance import Stopwatch, collect, parallel_versions
from smallpolaron.studies.quality import correlation_gates, population_gates
from smallpolaron.studies.store import Result, StoreError, Variable, write_result

if TYPE_CHECKING:
    from mpi4py import MPI

    from smallpolaron.dynamics.correlation import CorrelationResult
    from smallpolaron.dynamics.evolve import PropagationSettings, Trajectory
    from smallpolaron.dynamics.population import PopulationResult


@dataclass(frozen=True)
class JobOptions:
    """What the command line of an MPI job says."""

    plan: Path
    point: str
    protocol: Protocol
    ranks: int
    output: Path
    overwrite: bool = False


def run_job(options: JobOptions) -> int:
    """Run one MPI job on all ranks of the communicator; return the exit status.

    Collective. Rank 0 reads the plan and writes the result.
    """
    from mpi4py import MPI  # before petsc4py: it finds the MPI library

    comm = MPI.COMM_WORLD
    try:
        return _run(options, comm)
    except BaseException:
        print(f"rank {comm.rank} of {comm.size} failed:", file=sys.stderr)
        traceback.print_exc()
        sys.stderr.flush()
        if comm.size > 1:
            comm.Abort(1)
        return 1


def _run(options: JobOptions, comm: MPI.Intracomm) -> int:
    from smallpolaron.dynamics.comm import (
        ParallelSetupError,
        require_complex_petsc,
        require_ranks,
    )

    watch = Stopwatch()
    try:
        require_ranks(options.ranks)
        require_complex_petsc()
    except ParallelSetupError as error:
        return _refuse(comm, str(error))
    order = _bcast_order(options, comm)
    if isinstance(order, str):
        return _refuse(comm, order)
    study, point = order
    compute = _correlation if options.protocol == "current" else _population
    result = compute(point, options.protocol, watch, study)
    if comm.rank == 0:
        assert result is not None
        write_result(options.output, result, overwrite=options.overwrite)
        failed = [gate.name for gate in result.gates if not gate.passed]
        verdict = f"flagged: {', '.join(failed)}" if failed else "all quality gates passed"
        print(f"{options.output}: {verdict}", file=sys.stderr, flush=True)
    comm.Barrier()
    return 0


def _refuse(comm: MPI.Intracomm, message: str) -> int:
    if comm.rank == 0:
        print(f"error: {message}", file=sys.stderr, flush=True)
    return 2


def _bcast_order(options: JobOptions, comm: MPI.Intracomm) -> tuple[str, Point] | str:
    """Return study name and point, or the reason why there is nothing to do, on every rank."""
    order: tuple[str, Point] | str | None = None
    if comm.rank == 0:
        try:
            order = _read_order(options)
        except (PlanError, StoreError) as error:
            order = str(error)
    shared: tuple[str, Point] | str = comm.bcast(order)
    return shared


def _read_order(options: JobOptions) -> tuple[str, Point]:
    plan: Plan = read_plan(options.plan)
    point = plan.point(options.point)
    if options.protocol not in point.protocols:
        raise PlanError(
            f"point {point.id} does not ask for the protocol {options.protocol}; it asks for "
            + ", ".join(point.protocols)
        )
    if options.output.exists() and not options.overwrite:
        raise StoreError(f"{options.output}: the file exists; remove it or pass --overwrite")
    return plan.study, point


def stored_parameters(point: Point, study: str, **more: Any) -> Parameters:
    """Return the parameters as a result file holds them."""
    return {
        **point.parameters,
        "derived": point.derived,
        "study": study,
        "point": point.id,
        **more,
    }


def _settings(parameters: Parameters) -> PropagationSettings:
    from smallpolaron.dynamics.evolve import PropagationSettings

    return PropagationSettings(
        duration_fs=number(parameters, "propagation.duration_fs"),
        sample_fs=number(parameters, "propagation.sample_fs"),
        tolerance=number(parameters, "propagation.tolerance"),
        equilibrium_tolerance=number(parameters, "propagation.equilibrium_tolerance"),
    )


def _correlation(point: Point, protocol: Protocol, watch: Stopwatch, study: str) -> Result | None:
    from mpi4py import MPI  # before petsc4py: it finds the MPI library

    from smallpolaron.dynamics.correlation import compute_correlation

    parameters = point.parameters
    found = compute_correlation(
        holstein_model(parameters),
        bath_expansion(parameters),
        truncation(parameters),
        settings=_settings(parameters),
        symmetry=parameters["hierarchy"]["symmetry"],
    )
    if MPI.COMM_WORLD.rank != 0:
        return None
    equilibrium = found.equilibrium
    return Result(
        kind="correlation",
        variables=_correlation_variables(found),
        parameters=stored_parameters(point, study),
        gates=correlation_gates(
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
            model=holstein_model(parameters),
        ),
        provenance=_provenance(point, watch),
    )


def _provenance(point: Point, watch: Stopwatch) -> dict[str, Any]:
    from mpi4py import MPI

    ranks = MPI.COMM_WORLD.size
    return collect(point.hash, watch, ranks=ranks, parallel=parallel_versions())


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


def _population(point: Point, protocol: Protocol, watch: Stopwatch, study: str) -> Result | None:
    from mpi4py import MPI  # before petsc4py: it finds the MPI library

    from smallpolaron.dynamics.population import compute_population

    assert protocol != "current"
    parameters = point.parameters
    found = compute_population(
        holstein_model(parameters),
        bath_expansion(parameters),
        truncation(parameters),
        start=protocol,
        site=whole(parameters, "start_site"),
        settings=_settings(parameters),
    )
    if MPI.COMM_WORLD.rank != 0:
        return None
    return Result(
        kind="population",
        variables=_population_variables(found),
        parameters=stored_parameters(point, study, start=protocol),
        gates=population_gates(
            populations=found.populations,
            hermiticity=found.hermiticity,
            frontier_weight=float(found.trajectory.frontier_weight[-1]),
            growth_detected=found.trajectory.growth_detected,
        ),
        provenance=_provenance(point, watch),
    )


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
