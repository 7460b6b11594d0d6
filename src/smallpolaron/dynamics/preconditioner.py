"""Block-diagonal preconditioners: a part of L that falls into small blocks, inverted exactly.

Without the baths L connects the elements of one ADO only; without the hops it connects elements
<a|rho_n|b> of one pair of sites, the ladders of the baths of these two. What is left out of the
blocks decides which of the two serves better: the coupling to the baths, or the hopping.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, diags_array
from scipy.sparse.linalg import splu

from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.frame import slots
from smallpolaron.parallel import PETSc

ComplexArray = NDArray[np.complex128]


class BlockPreconditioner:
    """Applies the inverse of the diagonal blocks of L, by a sparse factorisation.

    The hops of an ADO never leave its rank, so that the blocks of the hops do not depend on the
    number of ranks; those of the baths are cut where they would leave the rank.
    """

    def __init__(self, basis: Basis, diagonal: ComplexArray, *, hops: bool) -> None:
        """Factorise the blocks.

        Args:
            basis: the labels in play.
            diagonal: diagonal of the operator, shifts included, 1/fs, shape (n_local,); must not
                make a block singular.
            hops: whether the blocks hold the hops of an ADO, or what the baths of two sites couple.
        """
        entering, _ = slots(basis.frame)
        still = basis.frame.still
        chosen = slice(still) if hops else slice(still, entering)
        columns, codes = basis.links[:, chosen], basis.codes[:, chosen]
        rows, used = np.nonzero(columns >= 0)
        entries = basis.table[codes[rows, used]]
        shape = (len(diagonal), len(diagonal))
        couplings = csr_array((entries, (rows, columns[rows, used])), shape=shape)
        blocks = csc_array(couplings + diags_array(diagonal))
        self._inverse = None
        if len(diagonal):
            self._inverse = splu(blocks, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.1)

    def apply(self, _pc: PETSc.PC, x: PETSc.Vec, y: PETSc.Vec) -> None:
        """PETSc's callback for y = B^-1 x."""
        if self._inverse is not None:
            y.array_w[:] = self._inverse.solve(x.array_r)
