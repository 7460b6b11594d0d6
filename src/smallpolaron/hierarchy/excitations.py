"""The excited modes of one label as a list: in a wide window they are few among hundreds of modes.

Row 0 of a list holds their number; rows 1, 2, ... hold (site, term, occupation). Lists that read()
fills are sorted by site and term; others may hold an occupation of 0, which means nothing.

Functions that loops call for every label are inlined by Numba; see labels.py.
"""

import numba
import numpy as np

from smallpolaron.hierarchy.labels import WORD_BITS


@numba.njit(cache=True, inline="always")
def empty_list(frame):  # type: ignore[no-untyped-def]
    """A list with room for every mode."""
    return np.zeros((frame.n_sites * frame.n_terms + 1, 3), np.int64)


@numba.njit(cache=True, inline="always")
def occupation(fields, key, mode):  # type: ignore[no-untyped-def]
    """Occupation of one mode; the ket site for mode n_modes, the bra site for n_modes + 1."""
    mask = (np.uint64(1) << np.uint64(fields[mode, 2])) - np.uint64(1)
    return np.int64((key[fields[mode, 0]] >> np.uint64(fields[mode, 1])) & mask)


@numba.njit(cache=True, inline="always")
def carrier_sites(fields, key):  # type: ignore[no-untyped-def]
    """(a, b) of a key."""
    return occupation(fields, key, len(fields) - 2), occupation(fields, key, len(fields) - 1)


@numba.njit(cache=True, inline="always")
def read(frame, fields, key, n):  # type: ignore[no-untyped-def]
    """Fill the list n from a key; returns (a, b)."""
    n_modes = len(fields) - 2
    bits = fields[0, 2]
    per_word = WORD_BITS // bits
    count = 0
    for w in range(len(key)):
        rest, mode = key[w], w * per_word
        while rest != 0 and mode < n_modes:
            number = rest >> np.uint64(WORD_BITS - bits)
            if number != 0:
                count += 1
                n[count, 0] = mode // frame.n_terms
                n[count, 1] = mode % frame.n_terms
                n[count, 2] = number
            rest <<= np.uint64(bits)
            mode += 1
    n[0, 0] = count
    return carrier_sites(fields, key)


@numba.njit(cache=True, inline="always")
def write(frame, fields, n, a, b, origin, step, conjugated, key):  # type: ignore[no-untyped-def]
    """Write the key of the image of (n, a, b) that has site j at origin + step j.

    Args:
        frame: what the compiled functions must know.
        fields: layout of the key.
        n: list of excitations.
        a: ket.
        b: bra.
        origin: 0 to N - 1.
        step: 1 or -1.
        conjugated: exchange ket and bra, and the excitations of terms with conjugate rates.
        key: is filled.
    """
    key[:] = 0
    for i in range(1, n[0, 0] + 1):
        term = n[i, 1]
        if conjugated and frame.pairs != 0:
            term = _partner(frame.pairs, term)
        mode = image(frame.n_sites, origin, step, n[i, 0]) * frame.n_terms + term
        key[fields[mode, 0]] |= np.uint64(n[i, 2]) << np.uint64(fields[mode, 1])
    left = image(frame.n_sites, origin, step, b if conjugated else a)
    right = image(frame.n_sites, origin, step, a if conjugated else b)
    ket, bra = len(fields) - 2, len(fields) - 1
    key[fields[ket, 0]] |= np.uint64(left) << np.uint64(fields[ket, 1])
    key[fields[bra, 0]] |= np.uint64(right) << np.uint64(fields[bra, 1])


@numba.njit(cache=True, inline="always")
def image(n_sites, origin, step, site):  # type: ignore[no-untyped-def]
    """(origin + step site) modulo N, for 0 <= origin < N and |site| < N, without a division."""
    to = origin + step * site
    if to < 0:
        return to + n_sites
    return to - n_sites if to >= n_sites else to


@numba.njit(cache=True, inline="always")
def copy_moved(frame, n, shift, m):  # type: ignore[no-untyped-def]
    """Fill the list m with the excitations of n, `shift` (0 to N - 1) sites to the right."""
    m[0, 0] = n[0, 0]
    for i in range(1, n[0, 0] + 1):
        m[i, 0] = image(frame.n_sites, shift, 1, n[i, 0])
        m[i, 1] = n[i, 1]
        m[i, 2] = n[i, 2]


@numba.njit(cache=True, inline="always")
def find_mode(n, site, term):  # type: ignore[no-untyped-def]
    """Row of a mode in the list, where it has one; the mode is appended, unexcited, if not."""
    count = n[0, 0]
    for i in range(1, count + 1):
        if n[i, 0] == site and n[i, 1] == term:
            return i
    count += 1
    n[0, 0] = count
    n[count, 0] = site
    n[count, 1] = term
    n[count, 2] = 0
    return count


@numba.njit(cache=True, inline="always")
def _partner(pairs, term):  # type: ignore[no-untyped-def]
    """The term whose rate is the conjugate of this one's."""
    if (pairs >> term) & 1:
        return term + 1
    return term - 1 if term > 0 and (pairs >> (term - 1)) & 1 else term
