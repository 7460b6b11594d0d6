"""Block-diagonal preconditioners: a part of L that falls into small blocks, nearly inverted.

Without the baths L connects the elements of one ADO only; without the hops it connects elements
<a|rho_n|b> of one pair of sites, the ladders of the baths of these two. What is left out of the
blocks decides which of the two serves better: the coupling to the baths, or the hopping.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array, csr_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import SuperLU, spilu, splu

from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.elements import GHOST
from smallpolaron.hierarchy.frame import slots
from smallpolaron.parallel import PETSc

ComplexArray = NDArray[np.complex128]


LARGEST_WITH_BATHS: Final = 300_000
"""Elements up to which the blocks of the baths are used: every rank sees their entries once."""


_FILL: Final = 10
"""Room for the incomplete factors, in entries of the blocks."""

_DROP: Final = {"hops": 1e-3, "baths": 1e-2}
"""Entries of incomplete factors that are dropped, relative to their column. The ladders of two
sites with a Debye bath and a vibration each fill a complete factorisation: at 28,600 elements 4.4
million entries, 36 s for 98 products; incomplete 0.5 million and 1.8 s for 130."""


class BlockPreconditioner:
    """Applies the inverse of the diagonal blocks of L, by an incomplete factorisation.

    The hops of an ADO never leave its rank. Blocks of the baths do: a rank factorises all that hold
    an element of its own, so that the result does not depend on the number of ranks.
    """

    def __init__(self, basis: Basis, diagonal: ComplexArray, *, hops: bool) -> None:
        """Factorise the blocks (collective).

        Args:
            basis: the labels in play.
            diagonal: diagonal of the operator, shifts included, 1/fs, shape (n_local,); must not
                make a block singular.
            hops: whether the blocks hold the hops of an ADO, or what the baths of two sites couple.
        """
        entering, _ = slots(basis.frame)
        still = basis.frame.still
        chosen = slice(still) if hops else slice(still, entering)
        links, codes = basis.links[:, chosen], basis.codes[:, chosen]
        rows, used = np.nonzero((links >= 0) | (links <= GHOST))
        columns, entries = links[rows, used], basis.table[codes[rows, used]]
        columns = np.where(columns >= 0, columns, len(diagonal) + GHOST - columns).astype(np.int64)
        self._halo: tuple[PETSc.Scatter, PETSc.Vec, NDArray[np.int64]] | None = None
        if basis.comm.size > 1 and not hops:
            blocks = self._shared(basis, diagonal, rows, columns, entries)
        else:
            shape = (len(diagonal), len(diagonal))
            blocks = csc_array(coo_array((entries, (rows, columns)), shape=shape))
            blocks = csc_array(blocks + diags_array(diagonal))
        # of ladders what is damped most goes first: it feeds back least
        self._order = np.arange(blocks.shape[0])
        if not hops:
            self._order = np.argsort(blocks.diagonal().real, kind="stable")
            blocks = csc_array(blocks[self._order][:, self._order])
        self._inverse = _factorised(blocks, hops=hops) if len(diagonal) else None

    def _shared(
        self,
        basis: Basis,
        diagonal: ComplexArray,
        rows: NDArray[np.integer],
        columns: NDArray[np.integer],
        entries: ComplexArray,
    ) -> csc_array:
        """Return the blocks with an element of this rank, and prepare to read theirs."""
        s = basis.sparsity()
        own = s.start + np.arange(len(diagonal))
        where = np.concatenate([own, s.ghosts])
        parts = (
            np.concatenate([s.start + rows, own]),
            np.concatenate([where[columns], own]),
            np.concatenate([entries, diagonal]),
        )
        rows, columns, values = map(np.concatenate, zip(*basis.comm.allgather(parts), strict=True))
        whole = csr_array(coo_array((values, (rows, columns)), shape=(s.size, s.size)))
        _, block = connected_components(abs(whole), directed=False)
        held = np.flatnonzero(np.isin(block, block[own]))
        source = PETSc.Vec().createMPI((len(diagonal), s.size), comm=basis.comm)
        target = PETSc.Vec().createSeq(len(held), comm=PETSc.COMM_SELF)
        chosen = PETSc.IS().createGeneral(held.astype(PETSc.IntType), comm=PETSc.COMM_SELF)
        scatter = PETSc.Scatter().create(source, chosen, target, None)
        self._halo = (scatter, target, np.searchsorted(held, own))
        return csc_array(whole[held][:, held])

    def apply(self, _pc: PETSc.PC, x: PETSc.Vec, y: PETSc.Vec) -> None:
        """PETSc's callback for y = B^-1 x (collective)."""
        if self._halo is None:
            if self._inverse is not None:
                y.array_w[self._order] = self._inverse.solve(x.array_r[self._order])
            return
        scatter, target, own = self._halo
        scatter.scatter(x, target)
        if self._inverse is not None:
            whole = np.empty(len(self._order), complex)
            whole[self._order] = self._inverse.solve(target.array_r[self._order])
            y.array_w[:] = whole[own]


def _factorised(blocks: csc_array, *, hops: bool) -> SuperLU:
    """Incomplete factors, the same for a block whatever others there are; complete if they fail."""
    pivoting = 0.1
    try:
        return spilu(
            blocks,
            drop_tol=_DROP["hops" if hops else "baths"],
            fill_factor=_FILL,
            drop_rule="basic",
            permc_spec="MMD_AT_PLUS_A" if hops else "NATURAL",
            diag_pivot_thresh=pivoting,
        )
    except RuntimeError:  # dropping made it singular
        return splu(blocks, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=pivoting)
