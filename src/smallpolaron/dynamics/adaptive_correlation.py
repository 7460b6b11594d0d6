"""The current autocorrelation function to a wanted accuracy, with its error estimate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from smallpolaron.dynamics.adaptive_evolve import sample_times
from smallpolaron.dynamics.adaptive_states import flux_stiffness
from smallpolaron.dynamics.carrier import hermiticity_defect
from smallpolaron.dynamics.checkpoints import NO_CHECKPOINTS, Checkpoints
from smallpolaron.dynamics.comm import require_complex_petsc
from smallpolaron.dynamics.correlation_runs import (
    NEXT_TERM,
    CorrelationProblem,
    CorrelationRun,
    CorrelationTask,
    area,
    difference,
    explain_limit,
    scaled,
)
from smallpolaron.dynamics.observables import ComplexArray
from smallpolaron.dynamics.progress import Report, to_stderr
from smallpolaron.dynamics.step_record import StepRecord
from smallpolaron.hierarchy.limits import NO_LIMITS, LimitReached, Limits
from smallpolaron.hierarchy.sector import Sector, Symmetry
from smallpolaron.model.accuracy import COARSER, REFINEMENTS, SHARE, Accuracy, ErrorBudget
from smallpolaron.model.bath import BathExpansion
from smallpolaron.model.holstein import HolsteinModel

HIGHER_ORDERS: Final = (3, 4, 5, 6)
"""Derivatives kept besides the first two: as many as a projector on J, dJ and d2J needs."""

_TAIL_SHARE: Final = 1e-2
"""What comes after the record is solved for to this share of the error allowed in the whole."""


@dataclass(frozen=True)
class AdaptiveCorrelation:
    """C_JJ(t) with exact derivatives, D in two ways, and how far to trust them.

    Attributes:
        time_fs: output times, fs, shape (n,).
        C_JJ: Tr[J exp(Lt) (J rho_eq)], angstrom^2 fs^-2, complex.
        dC_JJ: first derivative, angstrom^2 fs^-3.
        d2C_JJ: second derivative, angstrom^2 fs^-4.
        higher: third to sixth derivative, angstrom^2 fs^-5 to fs^-8, shape (4, n). Every order
            magnifies what the basis leaves out of C_JJ(t).
        density_matrix: reduced equilibrium state, shape (N, N).
        hopping_energy: equilibrium mean of H_hop, rad/fs.
        flux_stiffness: winding part of the f-sum rule of a ring, rad/fs.
        equilibrium_residual: |L rho| / |rho|, 1/fs.
        hermiticity: largest violation of Hermiticity of the equilibrium, relative.
        products_equilibrium: products with L spent on the equilibrium.
        n_equilibrium: labels of the equilibrium.
        record: how the production run went; capped is the largest of all runs.
        D_time: integral of Re C_JJ over the record, angstrom^2/fs.
        D_resolvent: -Re Tr[J L^-1 J rho_eq], angstrom^2/fs; 0, exactly, on open chains; nan where
            the solver failed, as its residual and sigma then.
        resolvent_residual: relative residual of that solve.
        products_resolvent: products with L it took.
        n_resolvent: labels of its basis.
        frequencies: rad/fs, shape (m,).
        sigma: int_0^inf exp(i w t) C_JJ(t) dt by shifted solves, angstrom^2/fs, shape (m,).
        errors: the error budget.
    """

    time_fs: NDArray[np.float64]
    C_JJ: ComplexArray
    dC_JJ: ComplexArray
    d2C_JJ: ComplexArray
    higher: ComplexArray
    density_matrix: ComplexArray
    hopping_energy: float
    flux_stiffness: float
    equilibrium_residual: float
    hermiticity: float
    products_equilibrium: int
    n_equilibrium: int
    record: StepRecord
    D_time: float
    D_resolvent: float
    resolvent_residual: float
    products_resolvent: int
    n_resolvent: int
    frequencies: NDArray[np.float64]
    sigma: ComplexArray
    errors: ErrorBudget


def compute_adaptive_correlation(
    model: HolsteinModel,
    expansion: BathExpansion,
    accuracy: Accuracy,
    *,
    duration_fs: float,
    sample_fs: float = 1.0,
    refined: BathExpansion | None = None,
    frequencies: Sequence[float] = (),
    symmetry: Symmetry = "auto",
    infinite: bool = False,
    real_part_only: bool = False,
    limits: Limits = NO_LIMITS,
    comm: MPI.Intracomm = MPI.COMM_WORLD,
    report: Report = to_stderr,
    checkpoints: Checkpoints = NO_CHECKPOINTS,
) -> AdaptiveCorrelation:
    """C_JJ(t) and D to a wanted accuracy (collective).

    The equilibrium is solved for, J is applied to all its ADOs, and the result propagated on a
    basis that follows it. The same with thresholds COARSER times larger, without pruning, and
    with one bath term more, gives the error estimate; thresholds are tightened until it meets the
    target.

    Args:
        model: the Holstein model.
        expansion: the bath expansion.
        accuracy: the wanted accuracy.
        duration_fs: length of the record, fs.
        sample_fs: spacing of the output times, fs.
        refined: an expansion with one term more, for the error of the bath terms; None leaves
            that error unknown (nan).
        frequencies: rad/fs, where sigma is computed by shifted solves.
        symmetry: "auto" uses all symmetries that hold; "translation" insists on that one.
        infinite: no wrap-around: n_sites, odd, is a window around the carrier.
        real_part_only: propagate the Hermitian part of J rho_eq only: Re C_JJ, all that D and the
            Kubo transform need, with half the labels; Im C_JJ is zero then.
        limits: bounds of the basis.
        comm: the communicator.
        report: where rank 0 prints progress.
        checkpoints: where to go on from, and what is offered on the way.

    Returns:
        The correlation function; the same for any number of ranks.

    Raises:
        ValueError: symmetry that the model does not have, no hopping, wrong times.
        LimitReached: the accuracy needs a larger basis than allowed.
        NotConverged: there is no equilibrium: the hierarchy is unstable.
        Interrupted: the job is to stop.
        ParallelSetupError: PETSc with real scalars.

    Source: Mori paper, eq. 4; protocol of Song and Shi 2015.
    """
    require_complex_petsc()
    if not np.any(model.bond_hoppings):
        raise ValueError("hopping = 0: there is no current")
    time_fs = sample_times(duration_fs, sample_fs)
    sectors = current_sectors(model, symmetry, infinite)

    task = CorrelationTask(
        model, *sectors, time_fs, real_part_only, limits, comm, report, checkpoints
    )
    fine, problem, coarse, coarse_problem = _refine(task, expansion, accuracy)
    unpruned = coarse_problem.run("without pruning", pruning=False)
    more_terms = None
    if refined is not None:
        other = CorrelationProblem(task, refined, coarse.accuracy)
        more_terms = other.run("one bath term more")
    open_ended = model.topology == "chain"
    # an open chain: exactly 0, because J = dX/dt and the position X is bounded
    D_resolvent, solution = (0j, None) if open_ended else problem.resolve(*problem.start())
    tail = D_resolvent.real - fine.D
    if not (real_part_only or open_ended):
        scale = _TAIL_SHARE * solution.norm if solution else 0.0
        tail = coarse_problem.resolve(fine.basis, fine.final, scale=scale)[0].real
    sigma = [problem.resolve(*problem.start(), frequency=w)[0] for w in frequencies]
    equilibrium = problem.equilibrium
    stiffness = 0.0
    if not infinite:
        stiffness = flux_stiffness(model, expansion, accuracy, limits, comm, report, checkpoints)
    run = fine.trajectory
    record = StepRecord.of([run], fine.accuracy.growth_threshold)
    capped = max(run.capped, equilibrium.capped, solution.capped if solution else 0.0)
    inside = time_fs[: len(fine.C)]
    return AdaptiveCorrelation(
        time_fs=inside,
        C_JJ=fine.C,
        dC_JJ=run.sample(inside, 1)[:, 0],
        d2C_JJ=run.sample(inside, 2)[:, 0],
        higher=np.array([run.sample(inside, order)[:, 0] for order in HIGHER_ORDERS]),
        density_matrix=equilibrium.density_matrix,
        hopping_energy=equilibrium.hopping_energy,
        flux_stiffness=stiffness,
        equilibrium_residual=equilibrium.residual,
        hermiticity=hermiticity_defect(equilibrium.basis, equilibrium.x),
        products_equilibrium=equilibrium.products,
        n_equilibrium=equilibrium.basis.size,
        record=replace(record, capped=capped),
        D_time=fine.D,
        D_resolvent=D_resolvent.real,
        resolvent_residual=solution.residual if solution else 0.0 if open_ended else np.nan,
        products_resolvent=solution.products if solution else 0,
        n_resolvent=solution.generator.size if solution else 0,
        frequencies=np.array(frequencies, dtype=float),
        sigma=np.array(sigma, dtype=complex),
        errors=_budget(fine, coarse, unpruned, more_terms, tail, D_resolvent.real, sample_fs),
    )


def _refine(
    task: CorrelationTask, expansion: BathExpansion, accuracy: Accuracy
) -> tuple[CorrelationRun, CorrelationProblem, CorrelationRun, CorrelationProblem]:
    """The run that meets the target and the one before it, each with its equilibrium."""
    coarse_problem = CorrelationProblem(task, expansion, scaled(accuracy, COARSER))
    coarse = coarse_problem.run("coarse correlation")
    for attempt in range(REFINEMENTS + 1):
        problem = CorrelationProblem(task, expansion, scaled(accuracy, COARSER**-attempt))
        state = problem.equilibrium
        task.progress("equilibrium").say(
            f"{state.basis.size} labels, {state.products} products, "
            f"|L rho|/|rho| = {state.residual:.1e} per fs"
        )
        try:
            fine = problem.run("correlation")
        except LimitReached as reason:
            raise LimitReached(explain_limit(reason, coarse.trajectory.basis_size)) from reason
        missed = difference(fine, coarse)
        unstable = fine.trajectory.growth_detected
        if unstable or missed <= SHARE * accuracy.target or attempt == REFINEMENTS:
            break
        coarse, coarse_problem = fine, problem
        task.progress("correlation").say(
            f"estimated error {missed:.1e} of C_JJ(0); thresholds tightened"
        )
    return fine, problem, coarse, coarse_problem


def current_sectors(
    model: HolsteinModel, symmetry: Symmetry, infinite: bool
) -> tuple[Sector, Sector]:
    """Sectors of the equilibrium and of J rho_eq: reflection changes the sign of the current.

    Raises:
        ValueError: translation or the infinite ring asked of a model that does not have it.
    """
    n = model.n_sites
    if symmetry not in ("auto", "translation", "none"):
        raise ValueError(f"symmetry = {symmetry!r}; allowed: 'auto', 'translation', 'none'")
    if infinite or symmetry == "translation":
        if not model.is_translation_invariant:
            raise ValueError("a ring with equal hoppings and equal site energies is needed")
        if infinite and symmetry == "none":
            raise ValueError("the infinite ring uses translation symmetry; use symmetry 'auto'")
    if symmetry == "none":
        return Sector(n, False), Sector(n, False)
    if model.is_translation_invariant:
        parity = 1 if model.flux == 0 else 0
        return (
            Sector(n, True, parity=parity, wraps=not infinite),
            Sector(n, True, parity=-parity, wraps=not infinite),
        )
    if model.is_mirror_symmetric:
        return Sector(n, False, parity=1, mirror=n - 1), Sector(n, False, parity=-1, mirror=n - 1)
    return Sector(n, False), Sector(n, False)


def _budget(
    fine: CorrelationRun,
    coarse: CorrelationRun,
    unpruned: CorrelationRun,
    more_terms: CorrelationRun | None,
    tail: float,
    D_resolvent: float,
    sample_fs: float,
) -> ErrorBudget:
    run, start = fine.trajectory, abs(fine.C[0])
    # a local error of the state reaches C at most through the norm of the functional
    step_C = run.step_error * fine.readout_norm / start
    relaxation = sum(float(np.abs(s.coefficients[:, 0, 0].sum())) * s.length for s in run.segments)
    two_ways = abs(fine.D + tail - D_resolvent)
    bath = (np.nan, np.nan)
    if more_terms is not None:
        bath = (
            NEXT_TERM * difference(more_terms, coarse),
            NEXT_TERM * area(more_terms, coarse, sample_fs),
        )
    C: Mapping[str, float] = {
        "frontier": difference(fine, coarse),
        "dropped": difference(unpruned, coarse),
        "time_step": step_C,
        "bath_terms": bath[0],
        "finite_time": float(abs(fine.C[-1]) / start),
    }
    D: Mapping[str, float] = {
        "frontier": float(np.nanmax([area(fine, coarse, sample_fs), two_ways])),
        "dropped": area(unpruned, coarse, sample_fs),
        "time_step": step_C * relaxation,
        "bath_terms": bath[1],
        "finite_time": abs(tail),
    }
    return ErrorBudget(C, D)
