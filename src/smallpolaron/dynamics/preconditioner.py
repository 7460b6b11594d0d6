"""Preconditioners: a part of L that falls into small blocks, inverted, or all of it, nearly.

Without the baths L connects the elements of one ADO only; without the hops it connects elements
<a|rho_n|b> of one pair of sites, the ladders of the baths of these two. What is left out of the
blocks decides which of the two serves better: the coupling to the baths, or the hopping. Where
neither is small, incomplete factors of all of L are worth their price.
"""

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array, diags_array
from scipy.sparse.linalg import SuperLU, spilu, splu

from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.elements import GHOST
from smallpolaron.hierarchy.frame import slots
from smallpolaron.parallel import PETSc

ComplexArray = NDArray[np.complex128]


LARGEST_REPLICATED: Final = 1_000_000
"""Elements up to which others than the blocks of the hops are used: every rank holds all of their
factors."""


_FILL: Final = 10
"""Room for the incomplete factors, in entries of the blocks."""

_PIVOTING: Final = 0.1

_DROP: Final = 0.25
"""Entries of incomplete factors that are dropped, relative to their column. The ladders of two
sites with a Debye bath and a vibration each fill a complete factorisation. At 46,400 elements 0.01
made 2.3 million entries and took 6.7 s to spare 15 of the 28 products of 0.3, which took 0.1 s;
0.2 costs at most 2 % more products than 0.01 on systems that take 77 to 490. Factors of all of L
take twice as long with 0.2 as with 0.3 at 61,760 elements, and spare 4 of 12 products."""


_SHIFT: Final = 0.1
"""Taken from the diagonal of all of L, in units of the base rate, before it is factorised: some
incomplete factors would be singular without (Manteuffel 1980); it costs one product in ten."""


class NoFactors(RuntimeError):
    """Dropping small entries made all of L singular."""


class Part(IntEnum):
    """What of L a preconditioner inverts, beside the diagonal."""

    BATHS = 0
    HOPS = 1
    ALL = 2


class Preconditioner:
    """Applies the inverse of the hops within each ADO, or nearly that of the baths or of all of L.

    The hops of an ADO never leave its rank. Blocks of the baths do, and incomplete factors of one
    depend on the others: every rank factorises all of them, so that the result does not depend on
    the number of ranks.
    """

    def __init__(self, basis: Basis, diagonal: ComplexArray, part: Part) -> None:
        """Factorise that part (collective).

        Args:
            basis: the labels in play.
            diagonal: diagonal of the operator, shifts included, 1/fs, shape (n_local,); must not
                make a block singular.
            part: what of L.

        Raises:
            NoFactors: of all of L.
        """
        s, still, (entering, _) = basis.sparsity(), basis.frame.still, slots(basis.frame)
        chosen = {
            Part.BATHS: slice(still, entering),
            Part.HOPS: slice(still),
            Part.ALL: slice(entering),
        }[part]
        links, codes = basis.links[:, chosen], basis.codes[:, chosen]
        rows, used = np.nonzero((links >= 0) | (links <= GHOST))
        columns, entries = links[rows, used], basis.table[codes[rows, used]]
        columns = np.where(columns >= 0, columns, len(diagonal) + GHOST - columns).astype(np.int64)
        own = s.start + np.arange(len(diagonal))
        parts = [own[rows], np.concatenate([own, s.ghosts])[columns], entries, diagonal, basis.keys]
        self._comm = None if part is Part.HOPS or basis.comm.size == 1 else basis.comm
        self._own = slice(s.start, s.start + len(diagonal))
        if self._comm:
            all_parts = zip(*self._comm.allgather(parts), strict=True)
            parts = [np.concatenate(part) for part in all_parts]
        else:
            parts[0], parts[1] = parts[0] - s.start, parts[1] - s.start
            self._own = slice(None)
        rows, columns, entries, diagonal, keys = parts
        shape = (len(diagonal), len(diagonal))
        blocks = csc_array(coo_array((entries, (rows, columns)), shape=shape))
        shift = _SHIFT * basis.base_rate if part is Part.ALL else 0.0
        blocks = csc_array(blocks + diags_array(diagonal - shift))
        self._inverse, self._order = None, np.arange(len(diagonal))
        if len(diagonal) and part is Part.HOPS:
            self._inverse = _complete(blocks)
        elif len(diagonal):
            # what is damped most goes first: it feeds back least; equals by their keys, which are
            # the same for any number of ranks
            self._order = np.lexsort((*keys.T[::-1], diagonal.real))
            ordered = csc_array(blocks[self._order][:, self._order])
            try:
                self._inverse = _incomplete(ordered)
            except RuntimeError as reason:
                if part is Part.ALL:
                    raise NoFactors from reason
                self._inverse = _complete(ordered)

    def apply(self, _pc: PETSc.PC, x: PETSc.Vec, y: PETSc.Vec) -> None:
        """PETSc's callback for y = B^-1 x (collective)."""
        whole = x.array_r
        if self._comm:
            whole = np.concatenate(self._comm.allgather(whole))
        if self._inverse is not None:
            found = np.empty(len(whole), complex)
            found[self._order] = self._inverse.solve(whole[self._order])
            y.array_w[:] = found[self._own]


def _complete(blocks: csc_array) -> SuperLU:
    return splu(blocks, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=_PIVOTING)


def _incomplete(blocks: csc_array) -> SuperLU:
    return spilu(
        blocks,
        drop_tol=_DROP,
        fill_factor=_FILL,
        drop_rule="basic",
        permc_spec="NATURAL",
        diag_pivot_thresh=_PIVOTING,
    )
