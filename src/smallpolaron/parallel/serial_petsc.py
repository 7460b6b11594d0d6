"""The part of petsc4py.PETSc that the engine uses, for one rank, on NumPy and SciPy.

Vectors are arrays, matrices call back. GMRES is of our own: SciPy's orthogonalises a vector at a
time in Python and took two thirds of runs with bases of 100,000 labels. Names and arguments are
those of petsc4py; what the engine does not use is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

ComplexArray = NDArray[np.complex128]
IntType: Final = np.int32
ScalarType: Final = np.complex128
COMM_SELF: Final = None

_CANCELS, _DEPENDENT = 0.7, 1e-6
"""Share of a vector that orthogonalisation leaves, below which it is repeated; the same below which
nothing new is left."""


class Error(RuntimeError):
    """Never raised here: what fails in a callback passes through as it is."""


def garbage_cleanup(comm: object = None) -> None:
    """Python frees what one rank drops."""


class Vec:
    """A vector of complex numbers."""

    array_r: ComplexArray
    array_w: ComplexArray

    def _of(self, values: ComplexArray) -> Vec:
        self.array_r = self.array_w = values
        return self

    def createMPI(self, size: tuple[int, int], comm: object = None) -> Vec:
        """Make a zero vector of (local, global) size."""
        return self._of(np.zeros(size[0], complex))

    def destroy(self) -> None:
        """Python frees what is dropped."""


class Mat:
    """An object with a method mult(matrix, x, y)."""

    def createPython(self, size: Any, context: Any, comm: object = None) -> Mat:
        """Make a matrix that calls back."""
        self._context: Any = context
        return self

    def destroy(self) -> None:
        """Python frees what is dropped."""

    def mult(self, x: Vec, y: Vec) -> None:
        """Y = A x."""
        self._context.mult(self, x, y)

    apply = mult


class PC:
    """A preconditioner: an object with a method apply(preconditioner, x, y)."""

    class Side:
        """Where it is applied."""

        RIGHT: Final = 1

    _context: Any

    def setType(self, kind: str) -> None:
        """Accept the only kind there is.

        Raises:
            ValueError: another one.
        """
        if kind != "python":
            raise ValueError(f"preconditioner {kind!r}; the embedded engine has 'python' only")

    def setPythonContext(self, context: Any) -> None:
        """Choose the object that is called back."""
        self._context = context

    def apply(self, x: Vec, y: Vec) -> None:
        """Y = B^-1 x."""
        self._context.apply(self, x, y)


class KSP:
    """GMRES, preconditioned from the right, so that its residual is that of the equations.

    Attributes:
        reason: positive where the tolerance was met.
        its: iterations of the last solve.
        norm: norm of its residual.
    """

    def create(self, comm: object = None) -> KSP:
        """Make a solver."""
        self._pc, self._restart = PC(), 30
        self._monitor: Callable[[Any, int, float], None] = _silent
        self.reason, self.its, self.norm = 0, 0, np.inf
        return self

    def setOperators(self, matrix: Mat) -> None:
        """Choose the matrix."""
        self._matrix = matrix

    def setType(self, kind: str) -> None:
        """Accept the only kind there is.

        Raises:
            ValueError: another one.
        """
        if kind != "gmres":
            raise ValueError(f"solver {kind!r}; the embedded engine has 'gmres' only")

    def setPCSide(self, side: int) -> None:
        """Accept the only side there is."""

    def setInitialGuessNonzero(self, flag: bool) -> None:
        """Accept that solutions are searched for from where x stands."""

    def destroy(self) -> None:
        """Python frees what is dropped."""

    def setGMRESRestart(self, restart: int) -> None:
        """Choose how many directions are kept."""
        self._restart = restart

    def getPC(self) -> PC:
        """Return the preconditioner."""
        return self._pc

    def setMonitor(self, monitor: Callable[[Any, int, float], None]) -> None:
        """Choose what is called after every iteration with (solver, iteration, residual)."""
        self._monitor = monitor

    def setTolerances(self, rtol: float, atol: float, max_it: int) -> None:
        """Choose the largest residual, relative to the right side or absolute, and iterations."""
        self._rtol, self._atol, self._most = rtol, atol, max_it

    def solve(self, b: Vec, x: Vec) -> None:
        """Solve A x = b from where x stands.

        With the preconditioner B, A B^-1 u = b - A x is solved and B^-1 u added to x.
        """
        aim = max(self._atol, self._rtol * float(np.linalg.norm(b.array_r)))
        self.its = 0
        with np.errstate(all="ignore"):  # a solve that fails is reported by its residual
            while True:
                left = b.array_r - self._applied(self._matrix, x.array_r)
                self.norm = float(np.linalg.norm(left))
                # from the estimate of the last cycle the residual differs by rounding
                if not self.norm > aim * (1 + 1e-6) or self.its >= self._most:
                    break
                x.array_w[:] += self._cycle(left, aim)
        self.reason = 1 if self.norm <= aim * (1 + 1e-6) else -1

    def _cycle(self, left: ComplexArray, aim: float) -> ComplexArray:
        """What a cycle adds to x: least squares in a Krylov space of one restart at most.

        Vectors are orthogonalised by classical Gram-Schmidt, twice where the first pass cancels,
        in single precision, since reading them takes most of the time: a cycle gains five digits at
        most, and the next begins with the residual in double precision. The residual needs no
        triangular form: with z H = 0, z_0 = 1 it is |left| / |z|.
        """
        most = min(self._restart, self._most - self.its, len(left))
        first = float(np.linalg.norm(left))
        space = np.empty((most + 1, len(left)), np.complex64)
        hessenberg = np.zeros((most + 1, most), complex)
        z = np.ones(most + 1, complex)
        space[0] = left / first
        for j in range(most):
            direction = self._applied(self._pc, space[j].astype(complex))
            w = self._applied(self._matrix, direction).astype(np.complex64)
            before = float(np.linalg.norm(w))
            for _ in range(2):
                along = np.conj(space[: j + 1] @ np.conj(w))
                w -= along @ space[: j + 1]
                hessenberg[: j + 1, j] += along
                after = float(np.linalg.norm(w))
                if after > _CANCELS * before:
                    break
            hessenberg[j + 1, j] = after
            self.its += 1
            exact = not after > _DEPENDENT * before
            if not exact:
                space[j + 1] = w / after
                z[j + 1] = -(z[: j + 1] @ hessenberg[: j + 1, j]) / after
            residual = 0.0 if exact else first / float(np.linalg.norm(z[: j + 2]))
            self._monitor(self, self.its, residual)
            if residual <= aim or not np.isfinite(residual):
                break
        right = np.zeros(j + 2, complex)
        right[0] = first
        if not np.all(np.isfinite(hessenberg)):
            return np.full(len(left), np.nan, complex)
        y = np.linalg.lstsq(hessenberg[: j + 2, : j + 1], right)[0].astype(complex)
        step = y.astype(np.complex64) @ space[: j + 1]
        return self._applied(self._pc, step.astype(complex))

    def _applied(self, to: Mat | PC, values: ComplexArray) -> ComplexArray:
        x, y = Vec()._of(values), Vec()._of(np.empty_like(values))
        to.apply(x, y)
        return y.array_r


def _silent(_solver: Any, _iteration: int, _residual: float) -> None:
    """Report nothing."""
