"""A set of packed labels on one rank: keys in the order they came, found through a hash table."""

from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from smallpolaron.compiled import compiled, inlined
from smallpolaron.hierarchy.labels import Keys, copy_key

_Array = TypeVar("_Array", bound=NDArray[Any])


@dataclass
class LabelSet:
    """Distinct keys with their rows.

    Attributes:
        words: 64-bit words per key.
        count: number of keys.
        store: keys, of which the first `count` rows count.
        table: hash table of the rows; see lookup().
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
        self.count = int(insert(self.table, self.store, self.count, np.ascontiguousarray(wanted)))

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
        lookup_rows(self.table, self.store, np.ascontiguousarray(wanted), found)
        return found

    def _index(self, room: int) -> None:
        self.table = np.zeros(1 << max(4, int(2 * room - 1).bit_length()), dtype=np.uint32)
        register(self.table, self.store, 0, self.count)


def grown(array: _Array, room: int, used: int) -> _Array:
    """The array with room for at least `room` rows, of which the first `used` are kept."""
    if room <= len(array):
        return array
    larger = np.empty((max(room, 3 * len(array) // 2, 1024), *array.shape[1:]), array.dtype)
    # the rest was never written: copying it would only make it take memory
    larger[:used] = array[:used]
    return cast(_Array, larger)


@inlined
def hash_key(key):  # type: ignore[no-untyped-def]
    """64-bit mix of a key."""
    h = np.uint64(0x9E3779B97F4A7C15)
    last = len(key) - 1
    for w in range(last):
        # entries fill a key from its first word on
        if key[w] == 0:
            break
        h = (h ^ key[w]) * np.uint64(0xBF58476D1CE4E5B9)
        h ^= h >> np.uint64(29)
    h = (h ^ key[last]) * np.uint64(0xBF58476D1CE4E5B9)
    h ^= h >> np.uint64(29)
    h *= np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(32))


@inlined
def lookup(table, keys, key):  # type: ignore[no-untyped-def]
    """Row of a key, -1 if absent.

    The table, of a power of two entries, at least two per row, uses open addressing. An entry is 0
    where it is empty; else its lowest bits, as many as number the entries, are the row + 1 and the
    others are bits of the hash: they spare most looks at keys that are different anyway.
    """
    mask = np.uint64(len(table) - 1)
    h = hash_key(key)
    at = h & mask
    while table[at] != 0:
        entry = np.uint64(table[at])
        if (entry ^ (h >> np.uint64(32))) & ~mask == 0:
            row = np.int64(entry & mask) - 1
            same = True
            for w in range(len(key)):
                if keys[row, w] != key[w]:
                    same = False
                    break
            if same:
                return row
        at = (at + np.uint64(1)) & mask
    return np.int64(-1)


@compiled
def register(table, keys, first, last):  # type: ignore[no-untyped-def]
    """Enter rows first ... last - 1 of keys, known to be absent, in the table."""
    mask = np.uint64(len(table) - 1)
    for row in range(first, last):
        h = hash_key(keys[row])
        at = h & mask
        while table[at] != 0:
            at = (at + np.uint64(1)) & mask
        table[at] = ((h >> np.uint64(32)) & ~mask) | np.uint64(row + 1)


@compiled
def insert(table, keys, count, wanted):  # type: ignore[no-untyped-def]
    """Append the absent ones of wanted; keys and table must have room. Returns the new count."""
    for i in range(len(wanted)):
        if lookup(table, keys, wanted[i]) < 0:
            copy_key(wanted[i], keys[count])
            register(table, keys, count, count + 1)
            count += 1
    return count


@compiled
def lookup_rows(table, keys, wanted, rows):  # type: ignore[no-untyped-def]
    """Set rows[i] to the row of the wanted key i, to -1 where it is absent."""
    for i in range(len(wanted)):
        rows[i] = lookup(table, keys, wanted[i])
