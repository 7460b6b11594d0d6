"""Layout of keys that hold excited modes only: their size does not grow with the window.

See excitations.py for what an entry is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smallpolaron.compiled import compiled
from smallpolaron.hierarchy.excitations import empty_list, read, write
from smallpolaron.hierarchy.frame import Frame
from smallpolaron.hierarchy.labels import WORD_BITS, Keys


@dataclass(frozen=True)
class ListLayout:
    """Layout of keys for a frame.

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
        modes = np.ascontiguousarray(
            modes
        )  # nonzero() gives strided ones: compiled once, not twice
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
