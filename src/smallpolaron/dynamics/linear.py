"""One set of linear equations on a basis that stays as it is."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array
from scipy.sparse.linalg import splu

from smallpolaron.dynamics.checkpoints import Interrupted
from smallpolaron.dynamics.preconditioner import LARGEST_REPLICATED, NoFactors, Part, Preconditioner
from smallpolaron.dynamics.readout import Readout
from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.compact import CompactGenerator
from smallpolaron.parallel import MPI, PETSc

ComplexArray = NDArray[np.complex128]

_KRYLOV_ENTRIES = 12_000_000
_LONGEST_RESTART = 1000
"""GMRES keeps as many vectors as this and the entries per rank allow, and at least 30. A vibration
with eta/v = 5.4 at kT/v = 0.25 on 26,000 elements: 445 products; kept to 158 vectors, no solution
in 1,000."""
_TRIAL = 30
"""Products after which another preconditioner is tried for as many, and the better one kept."""
_MAX_PRODUCTS, _NEARLY = 3000, 10.0
"""Products after which a solve ends, and the residual over the tolerance that is taken then of an
equilibrium, whose residual a quality gate judges."""
_DIRECT, _LARGEST_DIRECT = 400, 10_000
"""Rows of a problem that is factorised at once, and of one that is where GMRES fails: 400 rows take
2 ms; 2,400 took 0.15 s, with fifty times the entries of L, where GMRES took 0.04 s."""
_SMALL, _BRIEF = 2_000, 200
"""Rows up to which GMRES gets only so many products before the problem is factorised."""
_LISTEN_EVERY = 10
"""Iterations between two looks whether the job is to stop."""


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


def solve_once(
    basis: Basis,
    generator: CompactGenerator,
    problem: LinearProblem,
    start: ComplexArray,
    way: int,
    tolerance: float,
    offer: Callable[[], None],
) -> tuple[ComplexArray, float, int]:
    """The solution to a tolerance, the norm of its residual, and which way was the better one.

    Small problems are factorised; larger ones where GMRES fails. The first preconditioner is the
    one whose blocks hold the larger part of L; where it needs long, what each reaches in a few
    products decides.
    """
    operator = _Operator(basis, generator, problem)
    b = problem.right_side(basis)
    b[operator.rows] -= operator.pinned * problem.total
    # relative to the solution, whose size the start tells once there is one
    scale = max(generator.norm(start), generator.norm(b) / basis.base_rate, problem.scale)
    aim = tolerance * basis.base_rate * scale
    if generator.size <= _DIRECT:
        with suppress(NotConverged):
            return *_factorised(generator, operator, b, start, aim), way
    ways = [Part.HOPS, Part.ALL]
    if not basis.frame.assisted:  # where baths move the carrier their blocks are not small
        ways.append(Part.BATHS)
        if basis.hop_rate <= basis.couplings.pull:
            ways.reverse()
    if generator.size > LARGEST_REPLICATED:
        ways = [Part.HOPS]
    elif way >= 0:
        ways = [Part(way)]
    gmres = partial(_iterated, basis, generator, operator, b, aim, offer)
    tried: list[tuple[float, Part, ComplexArray]] = []
    for each in ways if len(ways) > 1 else []:
        x, left = gmres(each, start, _TRIAL)
        if left <= aim:
            return x, left, each if tried else way
        tried.append((left, each, x))
    best, start = min(tried, key=itemgetter(0))[1:] if tried else (ways[0], start)
    most = _BRIEF if generator.size <= _SMALL else _MAX_PRODUCTS
    x, left = gmres(best, start, most)
    if left <= aim:
        return x, left, best
    if not _DIRECT < generator.size <= _LARGEST_DIRECT:
        if problem.trace is not None and problem.total and left <= _NEARLY * aim:
            return x, left, best
        raise NotConverged(
            f"GMRES stopped at a residual of {left:.1e} after {most} products on "
            f"{generator.size} labels; {aim:.1e} was asked for"
        )
    return *_factorised(generator, operator, b, start, aim), best


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
    part: Part,
    start: ComplexArray,
    most: int,
) -> tuple[ComplexArray, float]:
    """What GMRES reaches in so many products, and the norm of its residual.

    The preconditioner inverts that part of L; where it cannot, nothing is reached.
    """
    # the vacuum has no damping of its own: its block of -i[H, .] alone would be singular
    diagonal = generator.diagonal + operator.shift - basis.base_rate * (basis.damping == 0)
    try:
        inverse = Preconditioner(basis, diagonal, part)
    except NoFactors:
        return start, np.inf
    shape = (generator.n_local, generator.size)
    matrix = PETSc.Mat().createPython((shape, shape), context=operator, comm=basis.comm)
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
    preconditioner.setPythonContext(inverse)
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
