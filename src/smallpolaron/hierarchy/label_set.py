"""A set of packed labels on one rank: keys in the order they came, found through a hash table."""

from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from smallpolaron.hierarchy import elements
from smallpolaron.hierarchy.labels import Keys

_Array = TypeVar("_Array", bound=NDArray[Any])


@dataclass
class LabelSet:
    """Distinct keys with their rows.

    Attributes:
        words: 64-bit words per key.
        count: number of keys.
        store: keys, of which the first `count` rows count.
        table: hash table of the rows; see elements.lookup.
    """

    words: int
    count: int = 0
    store: Keys = field(init=False)
    table: NDArray[np.uint32] = field(init=False)

    def __post_init__(self) -> None:
        """Start empty."""
        self.store = np.empty((0, self.words), np.uint64)
        self.table = np.zeros(16, np.uint32)

    @property
    def keys(self) -> Keys:
        """The keys, shape (count, words)."""
        return self.store[: self.count]

    def insert(self, wanted: Keys) -> None:
        """Append those keys that are absent."""
        room = self.count + len(wanted)
        self.store = grown(self.store, room, self.count)
        if 2 * room > len(self.table):
            self._index(room)
        self.count = int(
            elements.insert(self.table, self.store, self.count, np.ascontiguousarray(wanted))
        )

    def shrink(self, count: int) -> None:
        """Forget all but the first `count` rows of the store."""
        self.count = count
        self._index(count)

    def replace(self, keys: Keys) -> None:
        """Hold these distinct keys instead."""
        self.store = np.ascontiguousarray(keys)
        self.shrink(len(keys))

    def rows(self, wanted: Keys) -> NDArray[np.int64]:
        """Row of each wanted key, -1 where absent."""
        found = np.empty(len(wanted), np.int64)
        elements.lookup_rows(self.table, self.store, np.ascontiguousarray(wanted), found)
        return found

    def _index(self, room: int) -> None:
        self.table = np.zeros(1 << max(4, int(2 * room - 1).bit_length()), dtype=np.uint32)
        elements.register(self.table, self.store, 0, self.count)


def grown(array: _Array, room: int, used: int) -> _Array:
    """The array with room for at least `room` rows, of which the first `used` are kept."""
    if room <= len(array):
        return array
    larger = np.empty((max(room, 3 * len(array) // 2, 1024), *array.shape[1:]), array.dtype)
    # the rest was never written: copying it would only make it take memory
    larger[:used] = array[:used]
    return cast(_Array, larger)
