"""Block-diagonal preconditioner: what the hops connect within one ADO, inverted exactly.

The block of an ADO is -i[H, .] minus its damping sum n nu, restricted to the elements in play.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, diags_array
from scipy.sparse.linalg import splu

from smallpolaron.hierarchy.adaptive import AdaptiveBasis
from smallpolaron.parallel import PETSc

ComplexArray = NDArray[np.complex128]


class BlockPreconditioner:
    """Applies the inverse of the block diagonal of L - shift, by a sparse factorisation.

    Blocks follow from the links of a rank's own labels; the hops of an ADO never leave its rank, so
    the preconditioner does not depend on the number of ranks.
    """

    def __init__(self, basis: AdaptiveBasis, diagonal: ComplexArray) -> None:
        """Factorise the blocks.

        Args:
            basis: the labels in play.
            diagonal: diagonal of the operator, shifts included, 1/fs, shape (n_local,); must not
                make a block singular.
        """
        hopping = basis.frame.hops
        columns = basis.links[:, :hopping]
        rows, slots = np.nonzero(columns >= 0)
        entries = basis.table[basis.codes[:, :hopping][rows, slots]]
        shape = (len(diagonal), len(diagonal))
        hops = csr_array((entries, (rows, columns[rows, slots])), shape=shape)
        blocks = csc_array(hops + diags_array(diagonal))
        self._inverse = None
        if len(diagonal):
            self._inverse = splu(blocks, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.1)

    def apply(self, _pc: PETSc.PC, x: PETSc.Vec, y: PETSc.Vec) -> None:
        """PETSc's callback for y = B^-1 x."""
        if self._inverse is not None:
            y.array_w[:] = self._inverse.solve(x.array_r)
