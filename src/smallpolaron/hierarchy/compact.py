"""The generator on an adaptive basis as a compact operator.

One entry takes 6 bytes (a 32-bit column and a 16-bit code into a small table of coefficients)
where the general format takes 20, so that a product moves a third of the memory. Rows of equal
length follow each other as far as possible: most have few entries, and one whose end the processor
does not foresee costs as much as several entries.
"""

from math import prod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from smallpolaron.compiled import vectorized
from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.views import Amplitudes
from smallpolaron.parallel import PETSc

ComplexArray = NDArray[np.complex128]


class CompactGenerator:
    """L on the labels that an adaptive basis had when this was made.

    Attributes:
        n_local: rows on this rank.
        n_ghosts: entries of other ranks that this rank reads.
        size: rows on all ranks.
        products: products so far.
        n_nonzeros: entries on this rank besides the diagonal.
        total_nonzeros: the same on all ranks.
    """

    _parts: ClassVar[tuple[int, ...]] = ()
    """Shape of what a state holds per label: one element."""

    def __init__(self, basis: Basis) -> None:
        """Freeze the present links of the basis (collective)."""
        self.comm = basis.comm
        # PETSc keeps what Python drops of distributed objects until all ranks agree to free it
        PETSc.garbage_cleanup(self.comm)
        s = basis.sparsity()
        self._sparsity = s
        self._entries = (s.rows, s.lengths, s.columns, s.codes)
        self.diagonal = s.diagonal
        self._table = basis.table
        self._conjugates = basis.sector.hermitian
        self._product = _conjugating_product if self._conjugates else _product
        self._series = _conjugating_series_product if self._conjugates else _series_product
        self.n_local, self.n_ghosts, self.size = len(s.diagonal), len(s.ghosts), s.size
        self.start = s.start
        self.n_nonzeros = len(s.columns)
        self.total_nonzeros = int(self.comm.allreduce(self.n_nonzeros))
        self.products = 0
        self._full = np.zeros((self.n_local + self.n_ghosts, *self._parts), complex)
        if self.comm.size > 1:
            width = prod(self._parts)
            self._whole = PETSc.Vec().createWithArray(
                self._full[: self.n_local].reshape(-1),
                size=(width * self.n_local, width * self.size),
                comm=self.comm,
            )
            self._halo = PETSc.Vec().createWithArray(
                self._full[self.n_local :].reshape(-1),
                size=width * self.n_ghosts,
                comm=PETSc.COMM_SELF,
            )
            source = PETSc.IS().createBlock(
                width, s.ghosts.astype(PETSc.IntType), comm=PETSc.COMM_SELF
            )
            self._scatter = PETSc.Scatter().create(self._whole, source, self._halo, None)

    def vector(self) -> PETSc.Vec:
        """A zero vector distributed like the rows."""
        return PETSc.Vec().createMPI((self.n_local, self.size), comm=self.comm)

    def ghosts(self, x: ComplexArray) -> ComplexArray:
        """Values of the ghosts for this rank's part of a state (collective)."""
        self._load(x)
        return self._full[self.n_local :]

    def begin(self, x: ComplexArray) -> None:
        """Make ready for the series that begins with x (collective)."""

    def sizes(self, x: ComplexArray) -> Amplitudes:
        """What this rank's labels weigh when the basis grows or is pruned (collective)."""
        return x

    def ghost_sizes(self, x: ComplexArray) -> Amplitudes:
        """The same of the ghosts (collective)."""
        return self.ghosts(x)

    def apply(self, x: ComplexArray, y: ComplexArray) -> None:
        """Y = L x for this rank's rows (collective)."""
        self._load(x)
        self.products += 1
        self._product(
            *self._entries,
            self._table,
            self.diagonal,
            self._full,
            y,
        )

    def apply_series(
        self, x: ComplexArray, scale: float, y: ComplexArray, total: ComplexArray
    ) -> float:
        """Y = scale L x, total += y in one pass (collective); returns |y|."""
        self._load(x)
        self.products += 1
        square = self._series(
            *self._entries,
            self._table,
            self.diagonal,
            self._full,
            scale,
            y,
            total,
        )
        return float(np.sqrt(self.comm.allreduce(square)))

    def norm(self, x: ComplexArray) -> float:
        """2-norm of a distributed state."""
        return float(np.sqrt(self.comm.allreduce(float(np.vdot(x, x).real))))

    def entries(self) -> tuple[NDArray[np.int64], NDArray[np.int64], ComplexArray]:
        """Global rows and columns and the values of this rank's entries, the diagonal last.

        Raises:
            ValueError: in a Hermitian sector, where L is linear over the real numbers only.
        """
        if self._conjugates:
            raise ValueError("in a Hermitian sector L is no complex-linear operator")
        own = self.start + np.arange(self.n_local)
        s = self._sparsity
        columns = np.concatenate([own, s.ghosts])[s.columns]
        return (
            np.concatenate([own[s.row_of_entry], own]),
            np.concatenate([columns, own]),
            np.concatenate([self._table[s.codes], self.diagonal]),
        )

    def _load(self, x: ComplexArray) -> None:
        self._full[: self.n_local] = x
        if self.comm.size > 1:
            self._scatter.scatter(self._whole, self._halo)


# One loop per kernel, spelled out: a call per row would cost more than the row. Unsigned indices
# spare the test for negative ones.


@vectorized
def _product(rows, lengths, columns, codes, table, diagonal, x, y):  # type: ignore[no-untyped-def]
    last = np.uint64(0)
    for j in range(len(rows)):
        row, first, last = rows[j], last, last + lengths[j]
        value = diagonal[row] * x[row]
        for i in range(first, last):
            value += table[codes[i]] * x[columns[i]]
        y[row] = value


@vectorized
def _series_product(rows, lengths, columns, codes, table, diagonal, x, scale, y, total):  # type: ignore[no-untyped-def]
    square = 0.0
    last = np.uint64(0)
    for j in range(len(rows)):
        row, first, last = rows[j], last, last + lengths[j]
        value = diagonal[row] * x[row]
        for i in range(first, last):
            value += table[codes[i]] * x[columns[i]]
        value *= scale
        y[row] = value
        total[row] += value
        square += value.real * value.real + value.imag * value.imag
    return square


@vectorized
def _conjugating_product(rows, lengths, columns, codes, table, diagonal, x, y):  # type: ignore[no-untyped-def]
    last = np.uint64(0)
    for j in range(len(rows)):
        row, first, last = rows[j], last, last + lengths[j]
        value = diagonal[row] * x[row]
        for i in range(first, last):
            entry = x[columns[i]]
            imaginary = -entry.imag if codes[i] & 1 else entry.imag
            value += table[codes[i]] * complex(entry.real, imaginary)
        y[row] = value


@vectorized
def _conjugating_series_product(  # type: ignore[no-untyped-def]
    rows, lengths, columns, codes, table, diagonal, x, scale, y, total
):
    square = 0.0
    last = np.uint64(0)
    for j in range(len(rows)):
        row, first, last = rows[j], last, last + lengths[j]
        value = diagonal[row] * x[row]
        for i in range(first, last):
            entry = x[columns[i]]
            imaginary = -entry.imag if codes[i] & 1 else entry.imag
            value += table[codes[i]] * complex(entry.real, imaginary)
        value *= scale
        y[row] = value
        total[row] += value
        square += value.real * value.real + value.imag * value.imag
    return square
