"""Block-diagonal preconditioner: what the hops connect within one ADO, inverted exactly.

The block of an ADO is -i[H, .] minus its damping sum n nu, restricted to the labels in play; it is
diagonal in the eigenbasis of H when all elements are. Blocks too large to invert fall back to
their diagonal.
"""

import numba
import numpy as np
from numpy.typing import NDArray
from petsc4py import PETSc

from smallpolaron.hierarchy.adaptive import AdaptiveBasis
from smallpolaron.hierarchy.neighbours import HOPS

ComplexArray = NDArray[np.complex128]

LARGEST_BLOCK = 200
"""Rows of a block beyond which only its diagonal is inverted."""


class BlockPreconditioner:
    """Applies the inverse of the block diagonal of L - shift.

    Blocks are found through the links of a rank's own labels; the hops of an ADO never leave its
    rank, so the preconditioner does not depend on the number of ranks.
    """

    def __init__(self, basis: AdaptiveBasis, diagonal: ComplexArray) -> None:
        """Invert the blocks.

        Args:
            basis: the labels in play.
            diagonal: diagonal of the operator, shifts included, 1/fs, shape (n_local,); must not
                make a block singular.
        """
        self._order, self._starts = _components(basis.links)
        self._offsets, self._inverses = _invert(
            basis.links, basis.codes, basis.table, diagonal, self._order, self._starts
        )

    def apply(self, _pc: PETSc.PC, x: PETSc.Vec, y: PETSc.Vec) -> None:
        """PETSc's callback for y = B^-1 x."""
        _apply(self._order, self._starts, self._offsets, self._inverses, x.array_r, y.array_w)


@numba.njit(cache=True)
def _components(links):  # type: ignore[no-untyped-def]
    """Rows ordered by connected component under hops, and where each component begins."""
    n = len(links)
    seen = np.zeros(n, dtype=np.bool_)
    order = np.empty(n, dtype=np.int64)
    stack = np.empty(n, dtype=np.int64)
    starts = [0]
    at = 0
    for seed in range(n):
        if seen[seed]:
            continue
        seen[seed] = True
        stack[0] = seed
        top = 1
        while top > 0:
            top -= 1
            row = stack[top]
            order[at] = row
            at += 1
            for slot in range(HOPS):
                column = links[row, slot]
                if column >= 0 and not seen[column]:
                    seen[column] = True
                    stack[top] = column
                    top += 1
        starts.append(at)
    return order, np.array(starts)


@numba.njit(cache=True)
def _invert(links, codes, table, diagonal, order, starts):  # type: ignore[no-untyped-def]
    count = len(starts) - 1
    offsets = np.zeros(count + 1, dtype=np.int64)
    for c in range(count):
        size = starts[c + 1] - starts[c]
        offsets[c + 1] = offsets[c] + (size * size if size <= LARGEST_BLOCK else size)
    inverses = np.empty(offsets[count], dtype=np.complex128)
    position = np.empty(len(order), dtype=np.int64)
    for i in range(len(order)):
        position[order[i]] = i
    for c in range(count):
        first, size = starts[c], starts[c + 1] - starts[c]
        if size > LARGEST_BLOCK:
            for i in range(size):
                inverses[offsets[c] + i] = 1 / diagonal[order[first + i]]
            continue
        block = np.zeros((size, size), dtype=np.complex128)
        for i in range(size):
            row = order[first + i]
            block[i, i] += diagonal[row]
            for slot in range(HOPS):
                column = links[row, slot]
                if column >= 0:
                    block[i, position[column] - first] += table[codes[row, slot]]
        inverse = np.linalg.inv(block)
        for i in range(size):
            for j in range(size):
                inverses[offsets[c] + i * size + j] = inverse[i, j]
    return offsets, inverses


@numba.njit(cache=True)
def _apply(order, starts, offsets, inverses, x, y):  # type: ignore[no-untyped-def]
    for c in range(len(starts) - 1):
        first, size, base = starts[c], starts[c + 1] - starts[c], offsets[c]
        if size > LARGEST_BLOCK:
            for i in range(size):
                y[order[first + i]] = inverses[base + i] * x[order[first + i]]
            continue
        for i in range(size):
            value = 0j
            for j in range(size):
                value += inverses[base + i * size + j] * x[order[first + j]]
            y[order[first + i]] = value
