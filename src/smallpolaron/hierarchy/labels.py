"""Labels (n, a, b) of single elements <a|rho_n|b>, packed into sortable 64-bit words.

A label is the occupations n_jk (site j, bath term k), the ket site a and the bra site b. Every
field has a fixed number of bits and none straddles two words; mode 0 is the most significant, b
the least, so that sorted keys walk the hierarchy in lexicographic order and the elements of one
ADO stay together.

Functions that loops call for every label are inlined by Numba: reference counting at a call
would cost more than they do.
"""

from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
WORD_BITS = 64


@dataclass(frozen=True)
class KeyLayout:
    """Where each field of a label sits in its key.

    Attributes:
        n_sites: N.
        n_terms: bath terms per site, K + 1.
        max_occupation: largest n_jk to be held, at most 255.
    """

    n_sites: int
    n_terms: int
    max_occupation: int

    @property
    def n_modes(self) -> int:
        """Number of bath modes, N (K + 1)."""
        return self.n_sites * self.n_terms

    @cached_property
    def fields(self) -> NDArray[np.int64]:
        """(word, shift, bits) of every mode, then of a and b; shape (n_modes + 2, 3)."""
        occupation_bits = max(1, int(self.max_occupation).bit_length())
        site_bits = max(1, int(self.n_sites - 1).bit_length())
        fields, word, free = [], 0, WORD_BITS
        for bits in [occupation_bits] * self.n_modes + [site_bits] * 2:
            if bits > free:
                word, free = word + 1, WORD_BITS
            free -= bits
            fields.append((word, free, bits))
        return np.array(fields, dtype=np.int64)

    @property
    def n_words(self) -> int:
        """Words per key."""
        return int(self.fields[-1, 0]) + 1

    def pack(
        self, occupations: NDArray[np.uint8], kets: NDArray[np.int64], bras: NDArray[np.int64]
    ) -> Keys:
        """Keys of labels.

        Args:
            occupations: n, shape (rows, n_modes).
            kets: a, shape (rows,).
            bras: b, shape (rows,).

        Returns:
            Keys, shape (rows, n_words).
        """
        rows = len(kets)
        keys = np.zeros((rows, self.n_words), dtype=np.uint64)
        _pack_rows(self.fields, np.ascontiguousarray(occupations), kets, bras, keys)
        return keys

    def unpack(self, keys: Keys) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
        """Inverse of pack: (occupations, kets, bras)."""
        rows = len(keys)
        occupations = np.zeros((rows, self.n_modes), dtype=np.uint8)
        kets, bras = np.zeros(rows, dtype=np.int64), np.zeros(rows, dtype=np.int64)
        _unpack_rows(self.fields, keys, occupations, kets, bras)
        return occupations, kets, bras


@numba.njit(cache=True, inline="always")
def pack_label(fields, occupation, a, b, key):  # type: ignore[no-untyped-def]
    """Write one label into key (n_words,)."""
    n_modes = len(fields) - 2
    key[:] = 0
    for m in range(n_modes):
        if occupation[m]:
            key[fields[m, 0]] |= np.uint64(occupation[m]) << np.uint64(fields[m, 1])
    key[fields[n_modes, 0]] |= np.uint64(a) << np.uint64(fields[n_modes, 1])
    key[fields[n_modes + 1, 0]] |= np.uint64(b) << np.uint64(fields[n_modes + 1, 1])


@numba.njit(cache=True, inline="always")
def unpack_label(fields, key, occupation):  # type: ignore[no-untyped-def]
    """Read one label from key; fills occupation and returns (a, b)."""
    n_modes = len(fields) - 2
    one = np.uint64(1)
    for m in range(n_modes):
        mask = (one << np.uint64(fields[m, 2])) - one
        occupation[m] = (key[fields[m, 0]] >> np.uint64(fields[m, 1])) & mask
    mask = (one << np.uint64(fields[n_modes, 2])) - one
    a = np.int64((key[fields[n_modes, 0]] >> np.uint64(fields[n_modes, 1])) & mask)
    b = np.int64((key[fields[n_modes + 1, 0]] >> np.uint64(fields[n_modes + 1, 1])) & mask)
    return a, b


@numba.njit(cache=True, inline="always")
def copy_key(source, key):  # type: ignore[no-untyped-def]
    """key[:] = source, without the checks and reference counts of that statement."""
    for w in range(len(key)):
        key[w] = source[w]


@numba.njit(cache=True, inline="always")
def compare(left, right):  # type: ignore[no-untyped-def]
    """-1, 0 or 1: left is below, equal to or above right."""
    for w in range(len(left)):
        if left[w] != right[w]:
            return -1 if left[w] < right[w] else 1
    return 0


@numba.njit(cache=True)
def _pack_rows(fields, occupations, kets, bras, keys):  # type: ignore[no-untyped-def]
    for i in range(len(kets)):
        pack_label(fields, occupations[i], kets[i], bras[i], keys[i])


@numba.njit(cache=True)
def _unpack_rows(fields, keys, occupations, kets, bras):  # type: ignore[no-untyped-def]
    for i in range(len(keys)):
        kets[i], bras[i] = unpack_label(fields, keys[i], occupations[i])


@numba.njit(cache=True)
def search(sorted_keys, key):  # type: ignore[no-untyped-def]
    """Number of rows of sorted_keys (rows, words) that are lexicographically below key (words,)."""
    low, high = 0, len(sorted_keys)
    while low < high:
        middle = (low + high) // 2
        if compare(sorted_keys[middle], key) < 0:
            low = middle + 1
        else:
            high = middle
    return low


@numba.njit(cache=True)
def find_sorted(sorted_keys, wanted):  # type: ignore[no-untyped-def]
    """Row of each wanted key in sorted_keys, -1 where it is absent; shape (len(wanted),)."""
    rows = np.empty(len(wanted), dtype=np.int64)
    for i in range(len(wanted)):
        row = search(sorted_keys, wanted[i])
        present = row < len(sorted_keys) and compare(sorted_keys[row], wanted[i]) == 0
        rows[i] = row if present else -1
    return rows


@numba.njit(cache=True)
def owners(splitters, wanted):  # type: ignore[no-untyped-def]
    """Rank whose range holds each wanted key; splitters are the first keys of ranks 1, 2, ..."""
    ranks = np.empty(len(wanted), dtype=np.int64)
    for i in range(len(wanted)):
        row = search(splitters, wanted[i])
        # a key equal to a splitter belongs to the rank that the splitter opens
        while row < len(splitters) and compare(splitters[row], wanted[i]) <= 0:
            row += 1
        ranks[i] = row
    return ranks
