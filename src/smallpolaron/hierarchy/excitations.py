"""The excited modes of one label as a list, and keys that hold such a list.

Row 0 of a list holds their number; rows 1, 2, ... hold (mode, term, occupation) and a column for
sorting. Modes of local coupling are numbered as sites. Lists that read() fills are sorted by mode
and term; others may hold an occupation of 0, which
means nothing.

An entry of a key is a mode and its occupation, the earliest mode first; early modes have large
codes and no mode has 0, so that keys compare as the lists of all occupations would. Keys of wide
windows are as short as their excitations are few.

Functions that loops call for every label are inlined by Numba; see labels.py.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smallpolaron.compiled import compiled, inlined
from smallpolaron.hierarchy.frame import Frame
from smallpolaron.hierarchy.labels import WORD_BITS, Keys


@inlined
def empty_list(frame):  # type: ignore[no-untyped-def]
    """A list with room for as many modes as a key holds, and two more."""
    return np.zeros((frame.n_entries + 3, 4), np.int64)


@inlined
def occupation(n, mode, term):  # type: ignore[no-untyped-def]
    """Occupation of one mode in a list."""
    found = 0
    for i in range(1, n[0, 0] + 1):
        if n[i, 0] == mode and n[i, 1] == term:
            found = n[i, 2]
            break
    return found


@inlined
def occupation_in_key(frame, key, mode, term):  # type: ignore[no-untyped-def]
    """Occupation of one mode in a key, without a list."""
    bits, shift = frame.entry_bits, np.uint64(frame.occupation_bits)
    code = np.uint64(_mode_code(frame, mode, term))
    word, rest, left = 0, key[0], WORD_BITS // bits
    for _ in range(frame.n_entries):
        if left == 0:
            word += 1
            rest = key[word]
            left = WORD_BITS // bits
        entry = rest >> np.uint64(WORD_BITS - bits)
        # early modes have large codes, and what is empty has 0
        if entry >> shift <= code:
            if entry >> shift == code:
                return np.int64(entry & ((np.uint64(1) << shift) - np.uint64(1)))
            break
        rest <<= np.uint64(bits)
        left -= 1
    return np.int64(0)


@inlined
def carrier_sites(frame, key):  # type: ignore[no-untyped-def]
    """(a, b) of a key."""
    both, mask = key[len(key) - 1], (1 << frame.site_bits) - 1
    return np.int64(both >> np.uint64(frame.site_bits)) & mask, np.int64(both & np.uint64(mask))


@inlined
def _mode_code(frame, mode, term):  # type: ignore[no-untyped-def]
    return ((frame.n_modes - 1 - mode) << frame.term_bits) | (frame.n_terms - 1 - term)


@inlined
def read(frame, key, n):  # type: ignore[no-untyped-def]
    """Fill the list n from a key; returns (a, b)."""
    bits = frame.entry_bits
    mask, terms = (1 << frame.occupation_bits) - 1, (1 << frame.term_bits) - 1
    count, word, rest, left = 0, 0, key[0], WORD_BITS // bits
    while count < frame.n_entries:
        if left == 0:
            word += 1
            rest = key[word]
            left = WORD_BITS // bits
        entry = np.int64(rest >> np.uint64(WORD_BITS - bits))
        if entry == 0:
            break
        count += 1
        n[count, 2] = entry & mask
        entry >>= frame.occupation_bits
        n[count, 0] = frame.n_modes - 1 - (entry >> frame.term_bits)
        n[count, 1] = frame.n_terms - 1 - (entry & terms)
        rest <<= np.uint64(bits)
        left -= 1
    n[0, 0] = count
    return carrier_sites(frame, key)


@inlined
def write(frame, maps, n, a, b, way, cell, conjugated, key):  # type: ignore[no-untyped-def]
    """Write the key of an image of (n, a, b); returns whether there is one.

    Args:
        frame: what the compiled functions must know.
        maps: how sites move; see Frame.
        n: list of excitations; its last column is scratch.
        a: ket.
        b: bra.
        way: number of the operation that permutes the sites.
        cell: cell that is then moved to cell 0.
        conjugated: exchange ket and bra, and the excitations of terms with conjugate rates.
        key: is filled.

    Returns:
        False if the image leaves the window, or more modes are excited than a key holds.
    """
    count = 0
    for i in range(1, n[0, 0] + 1):
        if n[i, 2] == 0:
            continue
        term = n[i, 1]
        if conjugated and frame.pairs != 0:
            term = _partner(frame.pairs, term)
        mode = image(frame, maps, frame.modes_at, way, cell, n[i, 0])
        if mode < 0:
            return False
        entry = (_mode_code(frame, mode, term) << frame.occupation_bits) | n[i, 2]
        at = count
        while at > 0 and n[at - 1, 3] < entry:
            n[at, 3] = n[at - 1, 3]
            at -= 1
        n[at, 3] = entry
        count += 1
    left = image(frame, maps, 0, way, cell, b if conjugated else a)
    right = image(frame, maps, 0, way, cell, a if conjugated else b)
    if left < 0 or right < 0 or count > frame.n_entries:
        return False
    for w in range(len(key)):
        key[w] = 0
    bits = frame.entry_bits
    word, free = 0, WORD_BITS
    for i in range(count):
        if free < bits:
            word += 1
            free = WORD_BITS
        free -= bits
        key[word] |= np.uint64(n[i, 3]) << np.uint64(free)
    both = (np.int64(left) << frame.site_bits) | np.int64(right)
    key[len(key) - 1] |= np.uint64(both)
    return True


@inlined
def image(frame, maps, first, way, cell, number):  # type: ignore[no-untyped-def]
    """Where an operation and then the translation of a cell to cell 0 take something; or negative.

    A site with first = 0, a mode with first = frame.modes_at.
    """
    to = np.int64(maps[first + way, number])
    if to < 0 or cell == 0:
        return to
    return shifted(frame, maps, cell, to, frame.modes_per_cell if first else frame.per_cell)


@inlined
def shifted(frame, maps, cell, number, per_cell):  # type: ignore[no-untyped-def]
    """Where a site or mode goes when a cell is moved to cell 0, BEYOND if it leaves the window."""
    if cell == 0:
        return np.int64(number)
    own = number if per_cell == 1 else number // per_cell
    at = frame.shifts_at
    to = np.int64(maps[at + 1, maps[at, own] - maps[at, cell] + frame.no_shift])
    return to * per_cell + number - own * per_cell if to >= 0 else to


@inlined
def copy_moved(frame, maps, n, cell, m):  # type: ignore[no-untyped-def]
    """Fill the list m with the excitations of n, a cell moved to cell 0; False if one gets lost."""
    m[0, 0] = n[0, 0]
    inside = True
    for i in range(1, n[0, 0] + 1):
        m[i, 0] = shifted(frame, maps, cell, n[i, 0], frame.modes_per_cell)
        m[i, 1] = n[i, 1]
        m[i, 2] = n[i, 2]
        if m[i, 0] < 0:
            inside = False
    return inside


@inlined
def find_mode(n, mode, term):  # type: ignore[no-untyped-def]
    """Row of a mode in the list, where it has one; the mode is appended, unexcited, if not."""
    count = n[0, 0]
    for i in range(1, count + 1):
        if n[i, 0] == mode and n[i, 1] == term:
            return i
    count += 1
    n[0, 0] = count
    n[count, 0] = mode
    n[count, 1] = term
    n[count, 2] = 0
    return count


@inlined
def _partner(pairs, term):  # type: ignore[no-untyped-def]
    """The term whose rate is the conjugate of this one's."""
    if (pairs >> term) & 1:
        return term + 1
    return term - 1 if term > 0 and (pairs >> (term - 1)) & 1 else term


@dataclass(frozen=True)
class ListLayout:
    """Keys of labels with a frame; their size does not grow with the window.

    Attributes:
        frame: what the compiled functions must know.
        maps: how sites move.
    """

    frame: Frame
    maps: NDArray[np.int32]

    @property
    def n_modes(self) -> int:
        """Number of modes times that of terms."""
        return self.frame.n_modes * self.frame.n_terms

    @property
    def n_words(self) -> int:
        """Words per key: the entries, and ket and bra at the end of the last word."""
        full, rest = divmod(self.frame.n_entries, WORD_BITS // self.frame.entry_bits)
        return full + 1 + (rest * self.frame.entry_bits + 2 * self.frame.site_bits > WORD_BITS)

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

        Raises:
            ValueError: more modes are excited than a key holds.
        """
        if (most := int(np.max(np.count_nonzero(occupations, axis=1), initial=0))) > (
            self.frame.n_entries
        ):
            raise ValueError(f"{most} modes are excited; a key holds {self.frame.n_entries}")
        keys = np.zeros((len(kets), self.n_words), dtype=np.uint64)
        rows, modes = np.nonzero(occupations)
        starts = np.searchsorted(rows, np.arange(len(kets) + 1))
        numbers = occupations[rows, modes].astype(np.int64)
        # nonzero() gives strided ones: compiled once, not twice
        modes = np.ascontiguousarray(modes)
        _pack_rows(self.frame, self.maps, modes, numbers, starts, kets, bras, keys)
        return keys

    def unpack(self, keys: Keys) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
        """Inverse of pack: (occupations, kets, bras)."""
        rows = len(keys)
        occupations = np.zeros((rows, self.n_modes), dtype=np.uint8)
        kets, bras = np.zeros(rows, dtype=np.int64), np.zeros(rows, dtype=np.int64)
        _unpack_rows(self.frame, keys, occupations, kets, bras)
        return occupations, kets, bras


@compiled
def _pack_rows(frame, maps, modes, numbers, starts, kets, bras, keys):  # type: ignore[no-untyped-def]
    n = empty_list(frame)
    for row in range(len(kets)):
        n[0, 0] = starts[row + 1] - starts[row]
        for i in range(n[0, 0]):
            mode = modes[starts[row] + i]
            n[i + 1, 0] = mode // frame.n_terms
            n[i + 1, 1] = mode % frame.n_terms
            n[i + 1, 2] = numbers[starts[row] + i]
        write(frame, maps, n, kets[row], bras[row], 0, 0, False, keys[row])


@compiled
def _unpack_rows(frame, keys, occupations, kets, bras):  # type: ignore[no-untyped-def]
    n = empty_list(frame)
    for row in range(len(keys)):
        kets[row], bras[row] = read(frame, keys[row], n)
        for i in range(1, n[0, 0] + 1):
            occupations[row, n[i, 0] * frame.n_terms + n[i, 1]] = n[i, 2]
