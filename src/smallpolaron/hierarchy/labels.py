"""Labels (n, a, b) of single elements <a|rho_n|b>, packed into sortable 64-bit words.

A label is the occupations n_jk (site j, bath term k), the ket site a and the bra site b. Every
field has a fixed number of bits and none straddles two words; mode 0 is the most significant, b
the least, so that sorted keys walk the hierarchy in lexicographic order and the elements of one
ADO stay together.

Functions that loops call for every label are inlined by Numba: reference counting at a call
would cost more than they do.
"""

import numpy as np
from numpy.typing import NDArray

from smallpolaron.compiled import inlined

Keys = NDArray[np.uint64]
WORD_BITS = 64


@inlined
def copy_key(source, key):  # type: ignore[no-untyped-def]
    """key[:] = source, without the checks and reference counts of that statement."""
    for w in range(len(key)):
        key[w] = source[w]


@inlined
def compare(left, right):  # type: ignore[no-untyped-def]
    """-1, 0 or 1: left is below, equal to or above right."""
    for w in range(len(left)):
        if left[w] != right[w]:
            return -1 if left[w] < right[w] else 1
    return 0
