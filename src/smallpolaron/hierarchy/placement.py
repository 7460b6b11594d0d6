"""Which labels an adaptive basis holds, where, and in which order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smallpolaron.hierarchy.labels import Keys


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
