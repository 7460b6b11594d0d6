"""The current autocorrelation function to a wanted accuracy, with its error estimate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from smallpolaron.dynamics.accuracy import Accuracy, ErrorBudget
from smallpolaron.dynamics.adaptive_evolve import AdaptiveTrajectory, evolve_adaptive, sample_times
from smallpolaron.dynamics.adaptive_solve import LinearProblem, Solution, adaptive_solve
from smallpolaron.dynamics.adaptive_states import (
    AdaptiveEquilibrium,
    find_equilibrium,
    flux_stiffness,
)
from smallpolaron.dynamics.carrier import (
    Readout,
    hermitian_part,
    hermiticity_defect,
    multiply,
)
from smallpolaron.dynamics.comm import require_complex_petsc
from smallpolaron.dynamics.observables import ComplexArray
from smallpolaron.dynamics.progress import Progress, Report, to_stderr
from smallpolaron.hierarchy.adaptive import NO_LIMITS, AdaptiveBasis, LimitReached, Limits
from smallpolaron.hierarchy.sector import Sector, Symmetry
from smallpolaron.model.bath import BathExpansion
from smallpolaron.model.holstein import HolsteinModel

COARSER = 3.0
"""Ratio of the thresholds of two runs whose difference estimates the error of the finer one."""

NEXT_TERM = 1.5
"""Error of the bath terms over the change that one more makes: it removes most, not all of it."""

GROWTH_PER_STEP = 2.5
"""Growth of the basis when the thresholds shrink by COARSER; 2.1 to 2.7 were measured."""

SHARE = 0.5
"""Share of the target that the basis may use up; the bath terms take the rest."""

_LARGEST_GROWTH = 0.1
"""Larger thresholds leave a run and a coarser one nothing to differ by."""

_REFINEMENTS = 4
"""Most times the thresholds are tightened when the estimate misses the target."""


@dataclass(frozen=True)
class AdaptiveCorrelation:
    """C_JJ(t) with exact derivatives, D in two ways, and how far to trust them.

    Attributes:
        time_fs: output times, fs, shape (n,).
        C_JJ: Tr[J exp(Lt) (J rho_eq)], angstrom^2 fs^-2, complex.
        dC_JJ: first derivative, angstrom^2 fs^-3.
        d2C_JJ: second derivative, angstrom^2 fs^-4.
        density_matrix: reduced equilibrium state, shape (N, N).
        hopping_energy: equilibrium mean of H_hop, rad/fs.
        flux_stiffness: winding part of the f-sum rule of a ring, rad/fs.
        equilibrium_residual: |L rho| / |rho|, 1/fs.
        hermiticity: largest violation of Hermiticity of the equilibrium, relative.
        products_equilibrium: products with L spent on the equilibrium.
        products_production: products with L of the production run.
        n_equilibrium: labels of the equilibrium.
        n_unknowns: labels of the largest basis.
        n_nonzeros: entries of the largest generator.
        step_time_fs: beginning of every step and the end of the last, fs.
        norm: norm of the state at those times.
        basis_size: labels at those times.
        outside_flow: amplitude kept outside the basis, relative to the norm, at those times.
        growth_threshold: relative amplitude above which labels were taken in.
        growth_detected: the state grew: unstable, no number can be taken from it.
        capped: largest relative amplitude kept out by a limit (occupation, window).
        D_time: integral of Re C_JJ over the record, angstrom^2/fs.
        D_resolvent: -Re Tr[J L^-1 J rho_eq], angstrom^2/fs.
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
    density_matrix: ComplexArray
    hopping_energy: float
    flux_stiffness: float
    equilibrium_residual: float
    hermiticity: float
    products_equilibrium: int
    products_production: int
    n_equilibrium: int
    n_unknowns: int
    n_nonzeros: int
    step_time_fs: NDArray[np.float64]
    norm: NDArray[np.float64]
    basis_size: NDArray[np.int64]
    outside_flow: NDArray[np.float64]
    growth_threshold: float
    growth_detected: bool
    capped: float
    D_time: float
    D_resolvent: float
    resolvent_residual: float
    products_resolvent: int
    n_resolvent: int
    frequencies: NDArray[np.float64]
    sigma: ComplexArray
    errors: ErrorBudget


@dataclass(frozen=True)
class _Run:
    """One production run."""

    accuracy: Accuracy
    C: ComplexArray
    D: float
    trajectory: AdaptiveTrajectory
    basis: AdaptiveBasis
    final: ComplexArray


class _Problem:
    """What all runs for one model share."""

    def __init__(
        self,
        model: HolsteinModel,
        expansion: BathExpansion,
        sectors: tuple[Sector, Sector],
        accuracy: Accuracy,
        limits: Limits,
        comm: MPI.Intracomm,
        report: Report,
        real_part_only: bool,
    ) -> None:
        even, self._odd = sectors
        self._real_part_only = real_part_only
        self.model, self.expansion, self._limits, self.comm = model, expansion, limits, comm
        self.equilibrium: AdaptiveEquilibrium = find_equilibrium(
            model, expansion, even, accuracy, limits, comm, report
        )
        self._complex_readout = Readout.of(self._empty(), [model.current])
        self.readout = Readout.of(self._empty(hermitian=real_part_only), [model.current])

    def _empty(self, hermitian: bool = False) -> AdaptiveBasis:
        sector = replace(self._odd, hermitian=hermitian)
        return AdaptiveBasis(self.model, self.expansion, sector, self.comm, self._limits)

    def start(self) -> tuple[AdaptiveBasis, ComplexArray]:
        """J rho_eq on a basis of its own."""
        basis = self._empty()
        state = self.equilibrium
        basis.add(self._complex_readout.keys)
        return basis, multiply(state.basis, state.x, basis, self.model.current)

    def run(self, accuracy: Accuracy, time_fs: NDArray[np.float64], progress: Progress) -> _Run:
        """Propagate J rho_eq."""
        basis, x = self.start()
        if self._real_part_only:
            full, basis = basis, self._empty(hermitian=True)
            x = hermitian_part(full, x, basis)
        end = float(time_fs[-1])
        x, trajectory = evolve_adaptive(basis, x, self.readout, accuracy, end, progress)
        inside = time_fs[time_fs <= trajectory.step_time_fs[-1] * (1 + 1e-12)]
        c = trajectory.sample(inside, 0)[:, 0]
        d = sum(
            float((s.coefficients[:, 0, 0].real / np.arange(1, len(s.coefficients) + 1)).sum())
            * s.length
            for s in trajectory.segments
        )
        return _Run(accuracy, c, d, trajectory, basis, x)

    def resolve(
        self, accuracy: Accuracy, basis: AdaptiveBasis, x: ComplexArray, frequency: float = 0.0
    ) -> tuple[complex, Solution]:
        """int_0^inf exp(i w t) Tr[J exp(L t) x] dt by one solve on a growing basis.

        Where no symmetry keeps the equilibrium out of the sector, its share of x is left out: it
        does not decay. On a disordered ring a finite bath expansion makes it small, not zero.
        """
        keys, values = basis.keys.copy(), x.copy()
        trace = Readout.of(basis, [np.eye(self.model.n_sites).astype(complex)])
        if singular := len(trace.keys) > 0:
            still = self.equilibrium
            share = trace.read(basis, x)[0]
            basis.add(still.basis.keys)
            keys = np.concatenate([keys, still.basis.keys])
            values = np.concatenate([values, -share * still.x])
        pinned = trace if singular and frequency == 0 else None

        def right_side(now: AdaptiveBasis) -> ComplexArray:
            # labels may have moved to other ranks since
            return -now.scatter(keys, values)

        solution = adaptive_solve(
            basis,
            LinearProblem(right_side, shift=1j * frequency, trace=pinned, total=0.0),
            np.zeros(basis.n_local, complex),
            growth=accuracy.growth_threshold,
            tolerance=accuracy.solver_tolerance,
        )
        return complex(self._complex_readout.read(basis, solution.x)[0]), solution


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

    Returns:
        The correlation function; the same for any number of ranks.

    Raises:
        ValueError: symmetry that the model does not have, no hopping, wrong times.
        LimitReached: the accuracy needs a larger basis than allowed.
        NotConverged: a linear solver failed.
        ParallelSetupError: PETSc with real scalars.

    Source: Mori paper, eq. 4; protocol of Song and Shi 2015.
    """
    require_complex_petsc()
    if not np.any(model.bond_hoppings):
        raise ValueError("hopping = 0: there is no current")
    time_fs = sample_times(duration_fs, sample_fs)
    sectors = current_sectors(model, symmetry, infinite)

    def progress(label: str) -> Progress:
        return Progress(label, float(time_fs[-1]), comm, report)

    problem = _Problem(model, expansion, sectors, accuracy, limits, comm, report, real_part_only)
    equilibrium = problem.equilibrium
    progress("equilibrium").say(
        f"{equilibrium.basis.size} labels, {equilibrium.products} products, "
        f"|L rho|/|rho| = {equilibrium.residual:.1e} per fs"
    )
    coarse = problem.run(scaled(accuracy, COARSER), time_fs, progress("coarse correlation"))
    for attempt in range(_REFINEMENTS + 1):
        tried = scaled(accuracy, COARSER**-attempt)
        try:
            fine = problem.run(tried, time_fs, progress("correlation"))
        except LimitReached as reason:
            raise LimitReached(explain_limit(reason, coarse.trajectory.basis_size)) from reason
        if fine.trajectory.growth_detected or _difference(fine, coarse) <= SHARE * accuracy.target:
            break
        if attempt < _REFINEMENTS:
            coarse = fine
            progress("correlation").say(
                f"estimated error {_difference(fine, coarse):.1e} of C_JJ(0); thresholds tightened"
            )
    loose = coarse.accuracy
    unpruned = problem.run(replace(loose, pruning=0.0), time_fs, progress("without pruning"))
    more_terms = None
    if refined is not None:
        other = _Problem(model, refined, sectors, accuracy, limits, comm, report, real_part_only)
        more_terms = other.run(loose, time_fs, progress("one bath term more"))
    D_resolvent, solution = problem.resolve(fine.accuracy, *problem.start())
    tail = D_resolvent.real - fine.D
    if not real_part_only:
        tail = problem.resolve(loose, fine.basis, fine.final)[0].real
    sigma = [problem.resolve(fine.accuracy, *problem.start(), frequency=w)[0] for w in frequencies]
    stiffness = 0.0
    if not infinite:
        stiffness = flux_stiffness(model, expansion, accuracy, limits, comm, report)
    run = fine.trajectory
    inside = time_fs[: len(fine.C)]
    return AdaptiveCorrelation(
        time_fs=inside,
        C_JJ=fine.C,
        dC_JJ=run.sample(inside, 1)[:, 0],
        d2C_JJ=run.sample(inside, 2)[:, 0],
        density_matrix=equilibrium.density_matrix,
        hopping_energy=equilibrium.hopping_energy,
        flux_stiffness=stiffness,
        equilibrium_residual=equilibrium.residual,
        hermiticity=hermiticity_defect(equilibrium.basis, equilibrium.x),
        products_equilibrium=equilibrium.products,
        products_production=run.products,
        n_equilibrium=equilibrium.basis.size,
        n_unknowns=max(run.basis_size),
        n_nonzeros=run.n_nonzeros,
        step_time_fs=np.array(run.step_time_fs),
        norm=np.array(run.norm),
        basis_size=np.array(run.basis_size),
        outside_flow=np.array(run.outside_flow),
        growth_threshold=fine.accuracy.growth_threshold,
        growth_detected=run.growth_detected,
        capped=max(run.capped, equilibrium.capped, solution.capped),
        D_time=fine.D,
        D_resolvent=D_resolvent.real,
        resolvent_residual=solution.residual,
        products_resolvent=solution.products,
        n_resolvent=solution.generator.size,
        frequencies=np.array(frequencies, dtype=float),
        sigma=np.array(sigma, dtype=complex),
        errors=_budget(fine, coarse, unpruned, more_terms, tail, problem.readout, D_resolvent.real),
    )


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


def scaled(accuracy: Accuracy, factor: float) -> Accuracy:
    """The same accuracy with the growth threshold, no larger than _LARGEST_GROWTH, scaled."""
    return replace(accuracy, growth=factor * min(_LARGEST_GROWTH, accuracy.growth_threshold))


def explain_limit(reason: LimitReached, sizes: Sequence[int] | NDArray[np.int64]) -> str:
    """What was reached before a limit, and what the wanted accuracy would take."""
    reached = int(np.max(sizes))
    return (
        f"{reason} With thresholds {COARSER:g} times larger the run succeeded with {reached} "
        f"labels; expect about {int(GROWTH_PER_STEP * reached)} for the wanted ones."
    )


def _difference(run: _Run, other: _Run) -> float:
    """Largest |C - C'| relative to |C(0)|, over the time both cover."""
    n = min(len(run.C), len(other.C))
    return float(np.max(np.abs(run.C[:n] - other.C[:n])) / np.abs(run.C[0]))


def _budget(
    fine: _Run,
    coarse: _Run,
    unpruned: _Run,
    more_terms: _Run | None,
    tail: float,
    readout: Readout,
    D_resolvent: float,
) -> ErrorBudget:
    run, start = fine.trajectory, abs(fine.C[0])
    # a local error of the state reaches C at most through the norm of the functional
    step_C = run.step_error * float(np.linalg.norm(readout.weights)) / start
    relaxation = sum(float(np.abs(s.coefficients[:, 0, 0].sum())) * s.length for s in run.segments)
    C: Mapping[str, float] = {
        "frontier": _difference(fine, coarse),
        "dropped": _difference(unpruned, coarse),
        "time_step": step_C,
        "bath_terms": np.nan if more_terms is None else NEXT_TERM * _difference(more_terms, coarse),
        "finite_time": float(abs(fine.C[-1]) / start),
    }
    D: Mapping[str, float] = {
        "frontier": max(abs(fine.D - coarse.D), abs(fine.D + tail - D_resolvent)),
        "dropped": abs(unpruned.D - coarse.D),
        "time_step": step_C * relaxation,
        "bath_terms": np.nan if more_terms is None else NEXT_TERM * abs(more_terms.D - coarse.D),
        "finite_time": abs(tail),
    }
    return ErrorBudget(C, D)
