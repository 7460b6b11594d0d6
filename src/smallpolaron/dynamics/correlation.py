"""The current autocorrelation function to a wanted accuracy, with its error estimate."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.dynamics.checkpoints import NO_CHECKPOINTS, Checkpoints
from smallpolaron.dynamics.correlation_runs import (
    CorrelationProblem,
    CorrelationRun,
    CorrelationTask,
    area,
    difference,
)
from smallpolaron.dynamics.equilibrium import flux_stiffness
from smallpolaron.dynamics.evolve import sample_times
from smallpolaron.dynamics.progress import Report, to_stderr
from smallpolaron.dynamics.readout import Readout, hermiticity_defect
from smallpolaron.dynamics.refinement import BASIS, Choice, Refined, Setting, refine
from smallpolaron.dynamics.trajectory import StepRecord
from smallpolaron.hierarchy.lattice_symmetry import lattice_operations
from smallpolaron.hierarchy.limits import NO_LIMITS, LimitReached, Limits
from smallpolaron.hierarchy.sector import Sector, Symmetry
from smallpolaron.hierarchy.views import ComplexArray
from smallpolaron.model.accuracy import COARSER, Accuracy, ErrorBudget
from smallpolaron.model.baths.expansion import BathExpansion
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.lattice_model import LatticeModel, Model
from smallpolaron.parallel import MPI
from smallpolaron.parallel.checks import require_complex_petsc

_ASSISTED: Final = 0.6
"""As BASIS, where baths move the carrier: on rings and chains with modes on the bonds the error of
1,700 to 55,000 elements is 0.2 to 0.55 times the difference."""

HIGHER_ORDERS: Final = (3, 4, 5, 6)
"""Derivatives kept besides the first two: as many as a projector on J, dJ and d2J needs."""

_REPEATED: Final = 100_000
"""Labels of a solve for D up to which it is repeated with smaller thresholds: a factor of COARSER
takes four times as many, and six times as long."""

_TAIL_SHARE: Final = 1e-2
"""What comes after the record is solved for to this share of the error allowed in the whole."""


@dataclass(frozen=True)
class Correlation:
    """C_JJ(t) with exact derivatives, D in two ways, and how far to trust them.

    Attributes:
        time_fs: output times, fs, shape (n,).
        C_JJ: Tr[J exp(Lt) (J rho_eq)], angstrom^2 fs^-2, complex.
        dC_JJ: first derivative, angstrom^2 fs^-3.
        d2C_JJ: second derivative, angstrom^2 fs^-4.
        higher: third to sixth derivative, angstrom^2 fs^-5 to fs^-8, shape (4, n). Every order
            magnifies what the basis leaves out of C_JJ(t).
        density_matrix: reduced equilibrium state, shape (N, N); rows of cell 0 where the model is
            an infinite lattice.
        hopping_energy: equilibrium mean of H_hop, rad/fs.
        curvature: equilibrium mean of sum_ab h_ab ((r_a - r_b).e)^2 |a><b|, angstrom^2 rad/fs.
        flux_stiffness: winding part of the f-sum rule of a ring, rad/fs; nan on other finite
            lattices.
        equilibrium_residual: |L rho| / |rho|, 1/fs.
        hermiticity: largest violation of Hermiticity of the equilibrium, relative.
        products_equilibrium: products with L spent on the equilibrium.
        n_equilibrium: labels of the equilibrium.
        frontier_weight: share of its norm on the outermost ADOs of a fixed hierarchy; nan where
            the hierarchy is not fixed.
        record: how the production run went; capped is the largest of all runs.
        D_time: integral of Re C_JJ over the record, angstrom^2/fs.
        D_resolvent: -Re Tr[J L^-1 J rho_eq], angstrom^2/fs; 0, exactly, on open chains; nan where
            the solver failed, as its residual and sigma then.
        resolvent_residual: relative residual of that solve.
        products_resolvent: products with L it took.
        n_resolvent: labels of its basis.
        frequencies: rad/fs, shape (m,).
        sigma: int_0^inf exp(i w t) C_JJ(t) dt by shifted solves, angstrom^2/fs, shape (m,).
        resolvent_error: change of D_resolvent when the thresholds shrink by COARSER, which they do
            once more where the record says something else, angstrom^2/fs.
        window: sites of the window that was used on an infinite lattice, 0 elsewhere.
        bath_terms: number of low-temperature terms that was used.
        errors: the error budget.
        advice: empty, or why the accuracy was not reached and what would help.
    """

    time_fs: NDArray[np.float64]
    C_JJ: ComplexArray
    dC_JJ: ComplexArray
    d2C_JJ: ComplexArray
    higher: ComplexArray
    density_matrix: ComplexArray
    hopping_energy: float
    curvature: float
    flux_stiffness: float
    equilibrium_residual: float
    hermiticity: float
    products_equilibrium: int
    n_equilibrium: int
    frontier_weight: float
    record: StepRecord
    D_time: float
    D_resolvent: float
    resolvent_residual: float
    products_resolvent: int
    n_resolvent: int
    frequencies: NDArray[np.float64]
    sigma: ComplexArray
    resolvent_error: float
    window: int
    bath_terms: int
    errors: ErrorBudget
    advice: str


def compute_correlation(
    model: Model,
    expansion: BathExpansion,
    accuracy: Accuracy,
    *,
    duration_fs: float,
    sample_fs: float = 1.0,
    more_terms: Callable[[int], BathExpansion] | None = None,
    revise_terms: bool = True,
    frequencies: Sequence[float] = (),
    symmetry: Symmetry = "auto",
    infinite: bool = False,
    real_part_only: bool = False,
    limits: Limits = NO_LIMITS,
    comm: MPI.Intracomm = MPI.COMM_WORLD,
    report: Report = to_stderr,
    checkpoints: Checkpoints = NO_CHECKPOINTS,
) -> Correlation:
    """C_JJ(t) and D to a wanted accuracy (collective).

    The equilibrium is solved for, J is applied to all its ADOs, and the result propagated on a
    basis that follows it. The same with larger thresholds, one bath term more and, on an infinite
    lattice, a wider window gives the error estimate; what dominates it is refined until it meets
    the target.

    Args:
        model: the model.
        expansion: the bath expansion.
        accuracy: the wanted accuracy.
        duration_fs: length of the record, fs.
        sample_fs: spacing of the output times, fs.
        more_terms: makes the expansion with a number of low-temperature terms, for the error of
            the bath terms; None leaves that error unknown (nan).
        revise_terms: whether terms are added where they dominate the error.
        frequencies: rad/fs, where sigma is computed by shifted solves.
        symmetry: "auto" uses all symmetries that hold; "translation" insists on that one.
        infinite: no wrap-around: n_sites, odd, is a window around the carrier, which is widened
            where its edge is seen.
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
    if not (np.any(model.flows) or np.any(model.modes.path @ model.unit_direction)):
        raise ValueError("hopping = 0 along the direction: there is no current")
    infinite = infinite or model.is_infinite
    time_fs = sample_times(duration_fs, sample_fs)

    @cache
    def task_of(window: int) -> CorrelationTask:
        lattice = model.with_window(window) if infinite else model
        sectors = current_sectors(lattice, symmetry, infinite)
        return CorrelationTask(
            lattice, *sectors, time_fs, real_part_only, limits, comm, report, checkpoints
        )

    def make(setting: Setting) -> CorrelationRun:
        problem = CorrelationProblem(task_of(setting.window), setting.expansion, setting.accuracy)
        return problem.run(f"correlation{setting.label}")

    choice = Choice(
        accuracy,
        expansion,
        more_terms,
        revise_terms,
        model.window,
        infinite,
        fixed=limits.truncation is not None,
        basis=_ASSISTED if model.modes.moves_carrier else BASIS,
    )
    found = refine(make, difference, _step_error, choice)
    fine, problem, coarse = found.fine, found.fine.problem, found.coarse.problem
    # an open chain: exactly 0, because J = dX/dt and the position X is bounded
    D_resolvent, D_coarse, solution = 0.0, 0.0, None
    if not model.is_bounded:
        basis, start = problem.start()
        value, solution = problem.resolve(basis, start)
        D_resolvent = D_coarse = value.real
        if coarse is not problem:
            D_coarse = coarse.resolve(*coarse.start())[0].real
    tail = D_resolvent - fine.D
    if solution and not real_part_only:
        # the basis of the whole integral: that of the final state is none on which L is regular
        end = fine.basis.values(basis.keys, fine.final)
        tail = problem.resolve(basis, end, scale=_TAIL_SHARE * solution.norm)[0].real
    allowed = abs(D_resolvent - D_coarse) + accuracy.target * abs(D_resolvent)
    grows = limits.truncation is None and solution and solution.generator.size < _REPEATED
    if grows and abs(fine.D + tail - D_resolvent) > allowed:
        # the solutions for wide bands are spread over many small labels
        with suppress(LimitReached):
            value, better = problem.resolve(*problem.start(), finer=COARSER)
            if better:
                D_coarse, D_resolvent, solution = D_resolvent, value.real, better
    sigma = [problem.resolve(*problem.start(), frequency=w)[0] for w in frequencies]
    equilibrium, lattice = problem.equilibrium, fine.basis.model
    stiffness = 0.0 if infinite or model.is_bounded else np.nan
    if isinstance(model, HolsteinModel) and not infinite:
        stiffness = flux_stiffness(
            model, problem.expansion, accuracy, limits, comm, report, checkpoints
        )
    run = fine.trajectory
    capped = max(fine.record.capped, solution.capped if solution else 0.0)
    inside, still = time_fs[: len(fine.C)], equilibrium.basis
    curvature = Readout.of(still, [still.couplings.curvature]).read(still, equilibrium.x)[0].real
    solved = model.is_bounded or solution is not None
    return Correlation(
        time_fs=inside,
        C_JJ=fine.C,
        dC_JJ=run.sample(inside, 1)[:, 0],
        d2C_JJ=run.sample(inside, 2)[:, 0],
        higher=np.array([run.sample(inside, order)[:, 0] for order in HIGHER_ORDERS]),
        density_matrix=equilibrium.density_matrix,
        hopping_energy=equilibrium.hopping_energy,
        curvature=curvature,
        flux_stiffness=stiffness,
        equilibrium_residual=equilibrium.residual,
        hermiticity=hermiticity_defect(equilibrium.basis, equilibrium.x),
        products_equilibrium=equilibrium.products,
        n_equilibrium=equilibrium.basis.size,
        frontier_weight=equilibrium.frontier_weight,
        record=replace(fine.record, capped=capped),
        D_time=fine.D,
        D_resolvent=D_resolvent,
        resolvent_residual=solution.residual if solution else 0.0 if solved else np.nan,
        products_resolvent=solution.products if solution else 0,
        n_resolvent=solution.generator.size if solution else 0,
        frequencies=np.array(frequencies, dtype=float),
        sigma=np.array(sigma, dtype=complex),
        resolvent_error=abs(D_resolvent - D_coarse),
        window=lattice.window if infinite else 0,
        bath_terms=problem.expansion.low_temperature_terms,
        errors=_budget(found, tail, D_resolvent, abs(D_resolvent - D_coarse), sample_fs, infinite),
        advice=found.advice,
    )


def current_sectors(model: Model, symmetry: Symmetry, infinite: bool) -> tuple[Sector, Sector]:
    """Sectors of the equilibrium and of J rho_eq: reflection changes the sign of the current.

    Raises:
        ValueError: translation or the infinite ring asked of a model that does not have it.
    """
    n, infinite = model.n_sites, infinite or model.is_infinite
    if symmetry not in ("auto", "translation", "none"):
        raise ValueError(f"symmetry = {symmetry!r}; allowed: 'auto', 'translation', 'none'")
    if infinite or symmetry == "translation":
        if not model.is_translation_invariant:
            raise ValueError("a ring with equal hoppings and equal site energies is needed")
        if infinite and symmetry == "none":
            raise ValueError("the infinite ring uses translation symmetry; use symmetry 'auto'")
        if infinite and any(
            count % 2 == 0
            for count, side in zip(model.sites.shape, model.sites.infinite, strict=True)
            if side
        ):
            raise ValueError(f"the window of an infinite lattice needs an odd number of sites: {n}")
    if symmetry == "none":
        return Sector(n, False), Sector(n, False)
    if isinstance(model, LatticeModel):
        ways = lattice_operations(model)
        own, free = model.sites.per_cell, model.is_translation_invariant
        even = tuple(replace(way, sign=1) for way in ways)
        odd = Sector(n, free, wraps=not infinite, per_cell=own, reflections=ways)
        return replace(odd, reflections=even), odd
    if model.is_translation_invariant:
        parity = 1 if model.flux == 0 else 0
        return (
            Sector(n, True, parity=parity, wraps=not infinite),
            Sector(n, True, parity=-parity, wraps=not infinite),
        )
    if model.is_mirror_symmetric:
        return Sector(n, False, parity=1, mirror=n - 1), Sector(n, False, parity=-1, mirror=n - 1)
    return Sector(n, False), Sector(n, False)


def _step_error(run: CorrelationRun) -> float:
    """Error of C relative to C(0): local errors reach it at most through the functional's norm."""
    return float(run.trajectory.step_error * run.readout_norm / abs(run.C[0]))


def _budget(
    found: Refined[CorrelationRun],
    tail: float,
    D_resolvent: float,
    resolvent_error: float,
    sample_fs: float,
    infinite: bool,
) -> ErrorBudget:
    fine = found.fine
    run, step = fine.trajectory, _step_error(fine)
    relaxation = sum(float(np.abs(s.coefficients[:, 0, 0].sum())) * s.length for s in run.segments)
    C = found.errors(difference) | {
        "time_step": step,
        "finite_time": float(abs(fine.C[-1]) / abs(fine.C[0])),
    }
    D = found.errors(lambda one, other: area(one, other, sample_fs)) | {
        # in the long run all of it can be back
        "window": fine.record.capped * relaxation if infinite else 0.0,
        "time_step": step * relaxation,
        "finite_time": abs(tail),
    }
    # two ways to one number: what the solve does not explain by its own error counts
    unexplained = abs(fine.D + tail - D_resolvent) - resolvent_error
    D["basis"] = float(np.nanmax([D["basis"], unexplained]))
    return ErrorBudget(C, D)
