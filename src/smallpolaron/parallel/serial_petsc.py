"""The part of petsc4py.PETSc that the engine uses, for one rank, on NumPy and SciPy.

Vectors are arrays, matrices call back, GMRES is SciPy's. Names and arguments are
those of petsc4py; what the engine does not use is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, gmres

ComplexArray = NDArray[np.complex128]
IntType: Final = np.int32
ScalarType: Final = np.complex128
COMM_SELF: Final = None


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


class PC:
    """A preconditioner: an object with a method apply(preconditioner, x, y)."""

    class Side:
        """Where it is applied."""

        RIGHT: Final = 1

    context: Any

    def setType(self, kind: str) -> None:
        """Accept the only kind there is.

        Raises:
            ValueError: another one.
        """
        if kind != "python":
            raise ValueError(f"preconditioner {kind!r}; the embedded engine has 'python' only")

    def setPythonContext(self, context: Any) -> None:
        """Choose the object that is called back."""
        self.context = context


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
        n, start = len(b.array_r), x.array_r.copy()
        left = b.array_r - self._applied(self._matrix.mult, start)
        aim = max(self._atol, self._rtol * float(np.linalg.norm(b.array_r)))
        self.its = 0

        def preconditioned(u: ComplexArray) -> ComplexArray:
            return self._applied(lambda x, y: self._pc.context.apply(self._pc, x, y), u)

        def product(u: ComplexArray) -> ComplexArray:
            return self._applied(self._matrix.mult, preconditioned(np.ravel(u)))

        def count(residual: float) -> None:
            self.its += 1
            self._monitor(self, self.its, residual)

        with np.errstate(all="ignore"):  # a solve that fails is reported by its residual
            u, _ = gmres(
                LinearOperator((n, n), matvec=product, dtype=complex),
                left,
                rtol=0.0,
                atol=aim,
                restart=self._restart,
                maxiter=max(1, -(-self._most // min(self._restart, n))),
                callback=count,
                callback_type="pr_norm",
            )
            x.array_w[:] = start + preconditioned(u)
            final = b.array_r - self._applied(self._matrix.mult, x.array_r)
            self.norm = float(np.linalg.norm(final))
        self.reason = 1 if self.norm <= aim * (1 + 1e-6) else -1

    @staticmethod
    def _applied(apply: Callable[[Vec, Vec], None], values: ComplexArray) -> ComplexArray:
        x, y = Vec()._of(values), Vec()._of(np.empty_like(values))
        apply(x, y)
        return y.array_r


def _silent(_solver: Any, _iteration: int, _residual: float) -> None:
    """Report nothing."""
