"""Linear equations on an adaptive basis: solve, take in the labels the solution feeds, repeat."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import partial
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array
from scipy.sparse.linalg import splu

from smallpolaron.dynamics.carrier import Readout
from smallpolaron.dynamics.checkpoints import NO_STAGE, Interrupted, Record, Snapshot, Stage
from smallpolaron.dynamics.preconditioner import LARGEST_WITH_BATHS, BlockPreconditioner
from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.compact import CompactGenerator
from smallpolaron.hierarchy.labels import Keys
from smallpolaron.parallel import MPI, PETSc

ComplexArray = NDArray[np.complex128]

_KRYLOV_ENTRIES = 12_000_000
_LONGEST_RESTART = 1000
"""GMRES keeps as many vectors as this and the entries per rank allow, and at least 30. A vibration
with eta/v = 5.4 at kT/v = 0.25 on 26,000 elements: 445 products; kept to 158 vectors, no solution
in 1,000."""
_TRIAL = 30
"""Products after which the other preconditioner is tried for as many, and the better one kept."""
_MAX_PRODUCTS, _NEARLY = 3000, 10.0
"""Products after which a solve ends, and the residual over the tolerance that is taken then of an
equilibrium, whose residual a quality gate judges."""
_DIRECT, _LARGEST_DIRECT = 400, 10_000
"""Rows of a problem that is factorised at once, and of one that is where GMRES fails: 400 rows take
2 ms; 2,400 took 0.15 s, with fifty times the entries of L, where GMRES took 0.04 s."""
_SMALL, _BRIEF = 2_000, 200
"""Rows up to which GMRES gets only so many products before the problem is factorised."""
_MAX_ROUNDS = 100
_LISTEN_EVERY = 10
"""Iterations between two looks whether the job is to stop."""
_SETTLED = 0.01
"""Share of new labels below which a basis counts as complete and the last solve is accurate."""
_COSTLY, _GENERATIONS, _SURELY = 30, 3, 2.0
"""Products of a solve after which the basis grows so many times before the next, as new labels feed
others; one then enters at so many times the threshold, as values are estimates. A vibration with
eta/v = 8.4 at kT/v = 0.46: 7 solves and 7 s instead of 11 and 20 s, with 37,400 labels instead of
33,800 (growing so after every solve)."""
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

    right_side: Callable[[Basis], ComplexArray]
    shift: complex = 0.0
    trace: Readout | None = None
    total: float = 1.0
    scale: float = 0.0


@dataclass
class Solution:
    """What solve found.

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
        way: preconditioner that proved the better one: 1 for the hops, 0 for the baths, -1 as long
            as either would do.
        norm, residual, outside, capped: as in Solution.
    """

    x: ComplexArray
    number: int = 0
    products: int = 0
    missing: float = 1.0
    settled: bool = False
    way: int = -1
    norm: float = 0.0
    residual: float = np.inf
    outside: float = np.inf
    capped: float = 0.0

    def snapshot(self, basis: Basis, *, finished: bool = False) -> Snapshot:
        """For a checkpoint."""
        plain = {name: np.array(getattr(self, name)) for name in _PLAIN}
        return Snapshot.of(basis, self.x, plain, finished=finished)

    @classmethod
    def resumed(cls, x: ComplexArray, record: Record) -> "_Round":
        """From a checkpoint."""
        return cls(x, **{name: record[name].item() for name in _PLAIN})


_PLAIN = [each.name for each in fields(_Round) if each.name != "x"]


class _Operator:
    """L + shift - r u t, with PETSc's view of it."""

    def __init__(self, basis: Basis, generator: CompactGenerator, problem: LinearProblem) -> None:
        self._generator, self.shift = generator, problem.shift
        self.rows = self._read = np.empty(0, np.int64)
        self._weights = np.empty(0, complex)
        self.pinned = 0.0
        if problem.trace is not None:
            self.rows = problem.trace.held(basis)
            self._read, weights = problem.trace.locate(basis)
            self._weights = weights[0]
            self.pinned = basis.base_rate / float(np.sum(np.abs(problem.trace.weights)))

    def apply(self, x: ComplexArray, y: ComplexArray) -> None:
        """Y = (L + shift - r u t) x for this rank's rows (collective)."""
        self._generator.apply(x, y)
        if self.shift:
            y += self.shift * x
        if self.pinned:
            trace = self._generator.comm.allreduce(complex(self._weights @ x[self._read]))
            y[self.rows] -= self.pinned * trace

    def mult(self, _matrix: PETSc.Mat, x: PETSc.Vec, y: PETSc.Vec) -> None:
        """PETSc's callback."""
        self.apply(x.array_r, y.array_w)

    def entries(self) -> tuple[NDArray[np.int64], NDArray[np.int64], ComplexArray]:
        """Global rows and columns and the values of this rank's entries (collective)."""
        generator = self._generator
        rows, columns, values = generator.entries()
        own = generator.start + np.arange(generator.n_local)
        mine = generator.start + self.rows
        every = np.concatenate(generator.comm.allgather(generator.start + self._read))
        weights = np.concatenate(generator.comm.allgather(self._weights))
        return (
            np.concatenate([rows, own, np.repeat(mine, len(every))]),
            np.concatenate([columns, own, np.tile(every, len(mine))]),
            np.concatenate(
                [
                    values,
                    np.full(len(own), self.shift, complex),
                    np.tile(-self.pinned * weights, len(mine)),
                ]
            ),
        )


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


def solve(
    basis: Basis,
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
    basis: Basis,
    problem: LinearProblem,
    last: _Round,
    growth: float,
    tolerance: float,
    offer: Callable[[], None],
) -> tuple[_Round, bool]:
    """Solve on the present basis and let it grow; returns what follows, and whether it is over."""
    generator = CompactGenerator(basis)
    wanted = tolerance if last.settled else max(tolerance, _EARLY * last.missing)
    x, left, way = _solve(basis, generator, problem, last, wanted, offer)
    norm = max(generator.norm(x), problem.scale)
    flow = basis.outflow(x, growth * norm)
    complete = flow.largest <= growth * norm
    settled, finished = False, last.settled or (complete and wanted <= tolerance)
    if not finished:
        before = basis.size
        ahead = _GENERATIONS if generator.products > _COSTLY else 1
        x = _taken_in(basis, problem, x, flow.keys, growth * norm, ahead)
        settled = complete or basis.size - before < _SETTLED * before
    following = _Round(
        x,
        last.number + 1,
        last.products + generator.products,
        flow.largest / norm,
        settled,
        way,
        norm,
        left / (basis.base_rate * norm),
        flow.total / norm,
        flow.capped / norm,
    )
    return following, finished


def _taken_in(
    basis: Basis,
    problem: LinearProblem,
    x: ComplexArray,
    keys: Keys,
    threshold: float,
    generations: int,
) -> ComplexArray:
    """Take in labels, and what they in turn are about to feed; returns the state.

    What flows into a new label, over its diagonal, estimates its value.
    """
    added = basis.add(keys)
    x = basis.extended(x)
    for _ in range(generations - 1):
        if added < _SETTLED * basis.size:
            break
        generator, image = CompactGenerator(basis), np.empty_like(x)
        generator.apply(x, image)
        new, inflow = x == 0, problem.right_side(basis) - image
        x[new] = (inflow / (generator.diagonal + problem.shift - basis.base_rate))[new]
        added = basis.add(basis.outflow(x, _SURELY * threshold).keys)
        x = basis.extended(x)
    return x


def _solve(
    basis: Basis,
    generator: CompactGenerator,
    problem: LinearProblem,
    last: _Round,
    tolerance: float,
    offer: Callable[[], None],
) -> tuple[ComplexArray, float, int]:
    """The solution to a tolerance, the norm of its residual, and which way was the better one.

    Small problems are factorised; larger ones where GMRES fails. Of the two preconditioners the
    first is the one whose blocks hold the larger part of L, which is no sure guide: where it needs
    long, what both reach in a few products decides.
    """
    start, way = last.x, last.way
    operator = _Operator(basis, generator, problem)
    b = problem.right_side(basis)
    b[operator.rows] -= operator.pinned * problem.total
    # relative to the solution, whose size the start tells once there is one
    scale = max(generator.norm(start), generator.norm(b) / basis.base_rate, problem.scale)
    aim = tolerance * basis.base_rate * scale
    if generator.size <= _DIRECT:
        with suppress(NotConverged):
            return *_factorised(generator, operator, b, start, aim), way
    # where baths move the carrier their blocks are not small
    only_hops = basis.frame.assisted or generator.size > LARGEST_WITH_BATHS
    ways = [0, 1] if basis.hop_rate <= basis.couplings.pull else [1, 0]
    gmres = partial(_iterated, basis, generator, operator, b, aim, offer)
    if only_hops or way >= 0:
        ways = [1 if only_hops else way]
    tried: list[tuple[float, int, ComplexArray]] = []
    for each in ways if len(ways) > 1 else []:
        x, left = gmres(each == 1, start, _TRIAL)
        if left <= aim:
            return x, left, each if tried else way
        tried.append((left, each, x))
    way, start = min(tried, key=itemgetter(0))[1:] if tried else (ways[0], start)
    most = _BRIEF if generator.size <= _SMALL else _MAX_PRODUCTS
    x, left = gmres(way == 1, start, most)
    if left <= aim:
        return x, left, way
    if not _DIRECT < generator.size <= _LARGEST_DIRECT:
        if problem.trace is not None and problem.total and left <= _NEARLY * aim:
            return x, left, way
        raise NotConverged(
            f"GMRES stopped at a residual of {left:.1e} after {most} products on "
            f"{generator.size} labels; {aim:.1e} was asked for"
        )
    return *_factorised(generator, operator, b, start, aim), way


def _factorised(
    generator: CompactGenerator,
    operator: _Operator,
    b: ComplexArray,
    start: ComplexArray,
    aim: float,
) -> tuple[ComplexArray, float]:
    """The solution by a sparse factorisation, made by every rank for itself (collective).

    A start that is a solution stays: without a bath there are many.

    Raises:
        NotConverged: the operator is singular, or nearly.
    """
    left = np.empty_like(start)
    operator.apply(start, left)
    if (residual := generator.norm(left - b)) <= aim:
        return start, residual
    parts = zip(*generator.comm.allgather([*operator.entries(), b - left]), strict=True)
    rows, columns, values, right = (np.concatenate(part) for part in parts)
    shape = (generator.size, generator.size)
    try:
        found = splu(csc_array(coo_array((values, (rows, columns)), shape=shape))).solve(right)
    except RuntimeError as reason:
        raise NotConverged(f"the generator on {generator.size} labels is singular") from reason
    x = start + found[generator.start : generator.start + generator.n_local]
    operator.apply(x, left)
    residual = generator.norm(left - b)
    if not residual <= aim:
        raise NotConverged(
            f"the factorised generator on {generator.size} labels leaves a residual of "
            f"{residual:.1e}; {aim:.1e} was asked for"
        )
    return x, residual


def _iterated(
    basis: Basis,
    generator: CompactGenerator,
    operator: _Operator,
    b: ComplexArray,
    aim: float,
    offer: Callable[[], None],
    hops: bool,
    start: ComplexArray,
    most: int,
) -> tuple[ComplexArray, float]:
    """What GMRES reaches in so many products, and the norm of its residual.

    The preconditioner inverts the blocks of the hops or those of the baths.
    """
    shape = (generator.n_local, generator.size)
    matrix = PETSc.Mat().createPython((shape, shape), context=operator, comm=basis.comm)
    # the vacuum has no damping of its own: its block of -i[H, .] alone would be singular
    diagonal = generator.diagonal + operator.shift - basis.base_rate * (basis.damping == 0)
    solver = PETSc.KSP().create(basis.comm)
    solver.setOperators(matrix)
    solver.setType("gmres")
    solver.setPCSide(PETSc.PC.Side.RIGHT)
    largest = basis.comm.allreduce(generator.n_local, op=MPI.MAX)
    room = _KRYLOV_ENTRIES // max(largest, 1)
    # PETSc sets the square of this aside
    solver.setGMRESRestart(max(30, min(_LONGEST_RESTART, room, most)))
    preconditioner = solver.getPC()
    preconditioner.setType("python")
    preconditioner.setPythonContext(BlockPreconditioner(basis, diagonal, hops=hops))
    right, x = generator.vector(), generator.vector()
    right.array_w[:] = b
    x.array_w[:] = start
    solver.setInitialGuessNonzero(True)
    listener = _Listener(offer)
    solver.setMonitor(listener)
    solver.setTolerances(rtol=1e-16, atol=aim, max_it=most)
    try:
        solver.solve(right, x)
    except PETSc.Error:
        listener.pass_on()
        raise
    result = np.array(x.array_r)
    residual = min(float(solver.norm), aim) if solver.reason > 0 else float(solver.norm)
    for thing in (solver, matrix, right, x):
        thing.destroy()
    return result, residual
