"""The generator of a state together with its first moment in the carrier's displacement.

With X the position of the carrier relative to where it started, the moment M = {X, rho}/2 of all
ADOs obeys dM/dt = L M + {J, rho}/2: the bath's couplings commute with X, and J = i[H, X]. Averaged
over the start site both are translation-invariant; a symmetric start makes rho even under
reflection and M odd, and both stay Hermitian. So one label carries an element of each, and the
source {J, rho}/2 moves the carrier as the hopping, and the baths, do: it needs no entries of its
own.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from smallpolaron.compiled import vectorized
from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.compact import CompactGenerator, ComplexArray

_FIRST = 0.1
"""Time in units of 1/base_rate after which the moment counts by its own norm."""


class DisplacementGenerator(CompactGenerator):
    """(rho, M) -> (L rho, L M + {J, rho}/2) on the labels of a basis.

    States have shape (n_local, 2): elements of rho and of M, in angstrom. Whatever is measured of
    a state counts either part relative to its own norm: the moment starts from zero and its size
    has nothing to do with that of rho.
    """

    _parts: ClassVar[tuple[int, ...]] = (2,)

    def __init__(self, basis: Basis) -> None:
        """Freeze the present links of the basis (collective).

        Raises:
            ValueError: its sector has no odd part or is not Hermitian.
        """
        if not (basis.sector.odd_part and basis.sector.hermitian and basis.sector.translation):
            raise ValueError("the first moment needs a Hermitian translation sector with odd_part")
        super().__init__(basis)
        # half the anticommutator with J, by coupling code
        self._source = np.repeat(0.5 * basis.couplings.current.table, 4)
        v = float(np.max(basis.strengths.hop))
        a = float(np.max(np.abs(basis.model.flows))) / v
        # before the first steps the moment is zero and has no norm to be measured by
        self._least_length = _FIRST * a * v / basis.base_rate
        self._weight = 1.0

    def norm(self, x: ComplexArray) -> float:
        """Root of the sum of both squared norms, each relative; in units of that of rho."""
        whole, moment = self._norms(x)
        return float(np.hypot(whole, moment * self._balance(whole, moment)))

    def length(self, x: ComplexArray) -> float:
        """Norm of the moment over that of rho, angstrom (collective)."""
        whole, moment = self._norms(x)
        return moment / whole

    def begin(self, x: ComplexArray) -> None:
        """Measure the terms of the series that begins with x in its units (collective)."""
        self._weight = self._balance(*self._norms(x))

    def sizes(self, x: ComplexArray) -> NDArray[np.float64]:
        """Root of the sum of both squares per label, each relative to its part (collective)."""
        return self._joined(x, self._balance(*self._norms(x)))

    def ghost_sizes(self, x: ComplexArray) -> NDArray[np.float64]:
        """The same of the ghosts (collective)."""
        return self._joined(self.ghosts(x), self._balance(*self._norms(x)))

    def apply(self, x: ComplexArray, y: ComplexArray) -> None:
        """Y = (L rho, L M + {J, rho}/2) for this rank's rows (collective)."""
        y[:] = 0
        self._multiply(x, 1.0, np.empty_like(y), y)

    def apply_series(
        self, x: ComplexArray, scale: float, y: ComplexArray, total: ComplexArray
    ) -> float:
        """As in CompactGenerator; the norm of y is in the units of the last begin()."""
        return float(np.sqrt(self.comm.allreduce(self._multiply(x, scale, y, total))))

    def _multiply(
        self, x: ComplexArray, scale: float, y: ComplexArray, total: ComplexArray
    ) -> float:
        self._load(x)
        self.products += 1
        square: float = _coupled_series(
            *self._entries,
            self._table,
            self._source,
            self.diagonal,
            self._full,
            scale,
            self._weight**2,
            y,
            total,
        )
        return square

    def _norms(self, x: ComplexArray) -> tuple[float, float]:
        squares = self.comm.allreduce(np.sum(np.abs(x) ** 2, axis=0))
        return float(np.sqrt(squares[0])), float(np.sqrt(squares[1]))

    def _balance(self, whole: float, moment: float) -> float:
        return whole / max(moment, self._least_length * whole) if whole > 0 else 1.0

    @staticmethod
    def _joined(x: ComplexArray, weight: float) -> NDArray[np.float64]:
        return np.asarray(np.hypot(np.abs(x[:, 0]), weight * np.abs(x[:, 1])))


@vectorized
def _coupled_series(  # type: ignore[no-untyped-def]
    rows, lengths, columns, codes, table, source, diagonal, x, scale, weight, y, total
):
    square = 0.0
    last = np.uint64(0)
    for j in range(len(rows)):
        row, first, last = rows[j], last, last + lengths[j]
        even = diagonal[row] * x[row, 0]
        odd = diagonal[row] * x[row, 1]
        for i in range(first, last):
            column, code = columns[i], codes[i]
            sign = -1.0 if code & 1 else 1.0
            rho = complex(x[column, 0].real, sign * x[column, 0].imag)
            moment = complex(x[column, 1].real, sign * x[column, 1].imag)
            # a reflection changes the sign of the moment only
            reflected = -1.0 if code & 2 else 1.0
            even += reflected * table[code] * rho
            odd += table[code] * moment
            if code < len(source):
                odd += source[code] * rho
        even *= scale
        odd *= scale
        y[row, 0] = even
        y[row, 1] = odd
        total[row, 0] += even
        total[row, 1] += odd
        square += even.real * even.real + even.imag * even.imag
        square += weight * (odd.real * odd.real + odd.imag * odd.imag)
    return square
