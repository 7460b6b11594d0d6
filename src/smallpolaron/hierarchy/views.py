"""What a basis hands out at one moment: flows out of it, its sparsity, which labels it holds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smallpolaron.hierarchy.labels import Keys

ComplexArray = NDArray[np.complex128]
Amplitudes = NDArray[np.complex128] | NDArray[np.float64]
Codes = NDArray[np.uint16] | NDArray[np.uint32]


@dataclass(frozen=True)
class Outflow:
    """Amplitudes that labels outside the basis would have, over all ranks.

    Attributes:
        keys: labels above the threshold, with repeats, found by this rank.
        total: root of the sum of their squares.
        rest: the same of those below the threshold or kept out by a limit.
        largest: the largest one outside that no limit keeps out.
        capped: the largest one above the threshold that a limit (occupation, window) keeps out.
    """

    keys: Keys
    total: float
    rest: float
    largest: float
    capped: float


@dataclass(frozen=True)
class Sparsity:
    """What an operator on the basis needs: entries row by row and the halo, at one moment.

    Attributes:
        rows: order in which the rows are stored, shape (n_local,).
        lengths: number of entries of each, in that order, shape (n_local,).
        columns: rows of this rank, then ghosts, shape (entries,).
        codes: coupling codes, shape (entries,).
        diagonal: diagonal of the generator, 1/fs, shape (n_local,).
        ghosts: global indices of the ghosts, shape (n_ghosts,).
        start: global index of this rank's first label.
        size: labels on all ranks.
    """

    rows: NDArray[np.uint32]
    lengths: NDArray[np.uint16]
    columns: NDArray[np.uint32]
    codes: Codes
    diagonal: ComplexArray
    ghosts: NDArray[np.int64]
    start: int
    size: int

    @property
    def row_of_entry(self) -> NDArray[np.int64]:
        """Row of this rank of every entry, shape (entries,)."""
        return np.repeat(self.rows, self.lengths).astype(np.int64)


@dataclass(frozen=True)
class Dealing:
    """How labels were dealt out to ranks.

    Attributes:
        splitters: first place of ranks 1, 2, ...
        imbalance: labels on the fullest rank over the mean when they were last dealt out.
        size: labels on all ranks then; 0 before the first time.
    """

    splitters: NDArray[np.uint64]
    imbalance: float = 1.0
    size: int = 0


@dataclass(frozen=True)
class Placement:
    """All that the links of a basis, and the order of every sum over it, follow from.

    Attributes:
        keys: this rank's labels in their order, shape (n_local, words).
        dealing: who owns what; None where the labels come from another number of ranks and
            must be dealt out anew.
    """

    keys: Keys
    dealing: Dealing | None
