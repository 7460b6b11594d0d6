"""Linear equations on an adaptive basis: solve, take in the labels the solution feeds, repeat."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray
from petsc4py import PETSc

from smallpolaron.dynamics.carrier import Readout
from smallpolaron.dynamics.checkpoints import NO_STAGE, Interrupted, Record, Snapshot, Stage
from smallpolaron.dynamics.preconditioner import BlockPreconditioner
from smallpolaron.hierarchy.adaptive import AdaptiveBasis
from smallpolaron.hierarchy.compact import CompactGenerator

ComplexArray = NDArray[np.complex128]

_KRYLOV_ENTRIES = 4_000_000
_LONGEST_RESTART = 120
"""GMRES keeps as many vectors as this and the entries per rank allow, and at least 30."""
_MAX_PRODUCTS = 3000
_MAX_ROUNDS = 100
_LISTEN_EVERY = 10
"""Iterations between two looks whether the job is to stop."""
_SETTLED = 0.01
"""Share of new labels below which a basis counts as complete and the last solve is accurate."""
_EARLY = 0.03
"""Residual of the solves before that, relative to the largest amplitude still missing."""


class NotConverged(RuntimeError):
    """A linear solver did not reach its tolerance."""


@dataclass(frozen=True)
class LinearProblem:
    """(L + shift) x = b.

    With a trace t the problem is L x = b, t x = s instead, where t b = 0: because t L = 0, its
    solution also solves (L - r u t) x = b - r s u, which is regular, for any u that t does not
    annihilate.

    Attributes:
        right_side: b on a basis: called with the basis after every growth, shape (n_local,).
        shift: added to the diagonal, 1/fs.
        trace: the functional t, or None.
        total: its value s.
        scale: size of x up to which thresholds and tolerance are absolute: a smaller solution
            need not be known to as many digits.
    """

    right_side: Callable[[AdaptiveBasis], ComplexArray]
    shift: complex = 0.0
    trace: Readout | None = None
    total: float = 1.0
    scale: float = 0.0


@dataclass
class Solution:
    """What adaptive_solve found.

    Attributes:
        x: this rank's part of the solution on the basis.
        generator: L on the final basis.
        norm: |x|, or the scale of the problem if that is larger.
        residual: |b - (L + shift) x| / (base_rate norm).
        products: products with L over all rounds.
        outside: amplitude of what the solution feeds outside the basis, relative to norm.
        capped: largest amplitude a limit kept out, relative to norm.
    """

    x: ComplexArray
    generator: CompactGenerator
    norm: float
    residual: float
    products: int
    outside: float
    capped: float


@dataclass(frozen=True)
class _Round:
    """Where a solve on a growing basis is between two rounds, or after the last.

    Attributes:
        x: this rank's part of the solution so far.
        number: rounds so far.
        products: products with L so far.
        missing: largest amplitude outside the basis before it grew, relative to |x|.
        settled: whether the next round is the last.
        norm, residual, outside, capped: as in Solution.
    """

    x: ComplexArray
    number: int = 0
    products: int = 0
    missing: float = 1.0
    settled: bool = False
    norm: float = 0.0
    residual: float = np.inf
    outside: float = np.inf
    capped: float = 0.0

    def snapshot(self, basis: AdaptiveBasis, *, finished: bool = False) -> Snapshot:
        """For a checkpoint."""
        plain = {name: np.array(getattr(self, name)) for name in _PLAIN}
        return Snapshot.of(basis, self.x, plain, finished=finished)

    @classmethod
    def resumed(cls, x: ComplexArray, record: Record) -> "_Round":
        """From a checkpoint."""
        return cls(x, **{name: record[name].item() for name in _PLAIN})


_PLAIN = [each.name for each in fields(_Round) if each.name != "x"]


class _Operator:
    """PETSc's view of L + shift - r u t."""

    def __init__(
        self, basis: AdaptiveBasis, generator: CompactGenerator, problem: LinearProblem
    ) -> None:
        self._generator, self._shift = generator, problem.shift
        self.rows, self._weights = np.empty(0, np.int64), np.empty(0, complex)
        self.pinned = 0.0
        if problem.trace is not None:
            self.rows, weights = problem.trace.locate(basis)
            self._weights = weights[0]
            self.pinned = basis.base_rate / float(np.sum(np.abs(problem.trace.weights)))

    def mult(self, _matrix: PETSc.Mat, x: PETSc.Vec, y: PETSc.Vec) -> None:
        """PETSc's callback."""
        values, result = x.array_r, y.array_w
        self._generator.apply(values, result)
        if self._shift:
            result += self._shift * values
        if self.pinned:
            trace = self._generator.comm.allreduce(complex(self._weights @ values[self.rows]))
            result[self.rows] -= self.pinned * trace


class _Listener:
    """PETSc's monitor of a solver, which lets the job stop in a long solve."""

    def __init__(self, offer: Callable[[], None]) -> None:
        self._offer = offer
        self._interruption: Interrupted | None = None

    def __call__(self, _solver: PETSc.KSP, iteration: int, _norm: float) -> None:
        if iteration % _LISTEN_EVERY == 0:
            try:
                self._offer()
            except Interrupted as reason:
                self._interruption = reason
                raise

    def pass_on(self) -> None:
        """Raise what became an error of PETSc on its way through it."""
        if self._interruption is not None:
            raise self._interruption from None


def adaptive_solve(
    basis: AdaptiveBasis,
    problem: LinearProblem,
    start: ComplexArray,
    *,
    growth: float,
    tolerance: float,
    stage: Stage = NO_STAGE,
) -> Solution:
    """Solve on a basis that grows until the solution feeds little outside it (collective).

    Args:
        basis: labels to begin with; takes in what is needed.
        problem: the equations.
        start: first guess on the present basis.
        growth: amplitude relative to |x|, or to the scale of the problem if that is larger, above
            which a label is taken in.
        tolerance: final residual relative to base_rate times the same.
        stage: where to go on from, at the begin of a round, and what is offered on the way.

    Returns:
        The solution; the same for any number of ranks up to the tolerance.

    Raises:
        NotConverged: the solver did not reach its tolerance.
        LimitReached: the basis would outgrow its limit.
        Interrupted: the job is to stop.
    """
    now, finished = _Round(start), False
    if (found := stage.latest()) is not None:
        now, finished = _Round.resumed(found.put_on(basis), found.record), found.finished
    while not finished and now.number < _MAX_ROUNDS:
        offer = partial(stage.offer, partial(now.snapshot, basis))
        offer()
        now, finished = _next_round(basis, problem, now, growth, tolerance, offer)
    if not finished:
        raise NotConverged(
            f"the basis did not settle in {_MAX_ROUNDS} rounds ({basis.size} labels)"
        )
    stage.finish(partial(now.snapshot, basis, finished=True))
    return Solution(
        now.x,
        CompactGenerator(basis),
        now.norm,
        now.residual,
        now.products,
        now.outside,
        now.capped,
    )


def _next_round(
    basis: AdaptiveBasis,
    problem: LinearProblem,
    last: _Round,
    growth: float,
    tolerance: float,
    offer: Callable[[], None],
) -> tuple[_Round, bool]:
    """Solve on the present basis and let it grow; returns what follows, and whether it is over."""
    generator = CompactGenerator(basis)
    wanted = tolerance if last.settled else max(tolerance, _EARLY * last.missing)
    x, left = _solve(basis, generator, problem, last.x, wanted, offer)
    norm = max(generator.norm(x), problem.scale)
    flow = basis.outflow(x, growth * norm)
    complete = flow.largest <= growth * norm
    settled, finished = False, last.settled or (complete and wanted <= tolerance)
    if not finished:
        before = basis.size
        added = basis.add(flow.keys)
        x = basis.extended(x)
        settled = complete or added < _SETTLED * before
    following = _Round(
        x,
        last.number + 1,
        last.products + generator.products,
        flow.largest / norm,
        settled,
        norm,
        left / (basis.base_rate * norm),
        flow.total / norm,
        flow.capped / norm,
    )
    return following, finished


def _solve(
    basis: AdaptiveBasis,
    generator: CompactGenerator,
    problem: LinearProblem,
    start: ComplexArray,
    tolerance: float,
    offer: Callable[[], None],
) -> tuple[ComplexArray, float]:
    """The solution to a tolerance, and the norm of its residual."""
    operator = _Operator(basis, generator, problem)
    shape = (generator.n_local, generator.size)
    matrix = PETSc.Mat().createPython((shape, shape), context=operator, comm=basis.comm)
    # the vacuum has no damping of its own: its block of -i[H, .] alone would be singular
    diagonal = generator.diagonal + problem.shift - basis.base_rate * (basis.damping == 0)
    solver = PETSc.KSP().create(basis.comm)
    solver.setOperators(matrix)
    solver.setType("gmres")
    solver.setPCSide(PETSc.PC.Side.RIGHT)
    largest = basis.comm.allreduce(generator.n_local, op=MPI.MAX)
    room = _KRYLOV_ENTRIES // max(largest, 1)
    solver.setGMRESRestart(max(30, min(_LONGEST_RESTART, room)))
    preconditioner = solver.getPC()
    preconditioner.setType("python")
    preconditioner.setPythonContext(BlockPreconditioner(basis, diagonal))
    right, x = generator.vector(), generator.vector()
    b = problem.right_side(basis)
    b[operator.rows] -= operator.pinned * problem.total
    right.array_w[:] = b
    x.array_w[:] = start
    solver.setInitialGuessNonzero(True)
    # relative to the solution, whose size the start tells once there is one
    scale = max(x.norm(), right.norm() / basis.base_rate, problem.scale)
    aim = tolerance * basis.base_rate * scale
    listener = _Listener(offer)
    solver.setMonitor(listener)
    solver.setTolerances(rtol=1e-16, atol=aim, max_it=_MAX_PRODUCTS)
    try:
        solver.solve(right, x)
    except PETSc.Error:
        listener.pass_on()
        raise
    if solver.reason <= 0:
        raise NotConverged(
            f"GMRES stopped at a residual of {solver.norm:.1e} after {solver.its} products on "
            f"{generator.size} labels; {aim:.1e} was asked for"
        )
    result, residual = np.array(x.array_r), float(solver.norm)
    for thing in (solver, matrix, right, x):
        thing.destroy()
    return result, residual
