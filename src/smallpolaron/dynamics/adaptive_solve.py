"""Linear equations on an adaptive basis: solve, take in the labels the solution feeds, repeat."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray
from petsc4py import PETSc

from smallpolaron.dynamics.carrier import Readout
from smallpolaron.dynamics.preconditioner import BlockPreconditioner
from smallpolaron.hierarchy.adaptive import AdaptiveBasis
from smallpolaron.hierarchy.compact import CompactGenerator

ComplexArray = NDArray[np.complex128]

_KRYLOV_ENTRIES = 4_000_000
_LONGEST_RESTART = 120
"""GMRES keeps as many vectors as this and the entries per rank allow, and at least 30."""
_MAX_PRODUCTS = 3000
_MAX_ROUNDS = 100
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


def adaptive_solve(
    basis: AdaptiveBasis,
    problem: LinearProblem,
    start: ComplexArray,
    *,
    growth: float,
    tolerance: float,
) -> Solution:
    """Solve on a basis that grows until the solution feeds little outside it (collective).

    Args:
        basis: labels to begin with; takes in what is needed.
        problem: the equations.
        start: first guess on the present basis.
        growth: amplitude relative to |x|, or to the scale of the problem if that is larger, above
            which a label is taken in.
        tolerance: final residual relative to base_rate times the same.

    Returns:
        The solution; the same for any number of ranks up to the tolerance.

    Raises:
        NotConverged: the solver did not reach its tolerance.
        LimitReached: the basis would outgrow its limit.
    """
    x, products, missing, settled = start, 0, 1.0, False
    for _ in range(_MAX_ROUNDS):
        generator = CompactGenerator(basis)
        wanted = tolerance if settled else max(tolerance, _EARLY * missing)
        x, left = _solve(basis, generator, problem, x, wanted)
        products += generator.products
        norm = max(generator.norm(x), problem.scale)
        flow = basis.outflow(x, growth * norm)
        missing = flow.largest / norm
        complete = flow.largest <= growth * norm
        if settled or (complete and wanted <= tolerance):
            return Solution(
                x,
                generator,
                norm,
                left / (basis.base_rate * norm),
                products,
                flow.total / norm,
                flow.capped / norm,
            )
        before = basis.size
        added = basis.add(flow.keys)
        x = basis.extended(x)
        settled = complete or added < _SETTLED * before
    raise NotConverged(f"the basis did not settle in {_MAX_ROUNDS} rounds ({basis.size} labels)")


def _solve(
    basis: AdaptiveBasis,
    generator: CompactGenerator,
    problem: LinearProblem,
    start: ComplexArray,
    tolerance: float,
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
    solver.setTolerances(rtol=1e-16, atol=aim, max_it=_MAX_PRODUCTS)
    solver.solve(right, x)
    if solver.reason <= 0:
        raise NotConverged(
            f"GMRES stopped at a residual of {solver.norm:.1e} after {solver.its} products on "
            f"{generator.size} labels; {aim:.1e} was asked for"
        )
    result, residual = np.array(x.array_r), float(solver.norm)
    for thing in (solver, matrix, right, x):
        thing.destroy()
    return result, residual
