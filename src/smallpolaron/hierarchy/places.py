"""Where ADOs stand in the order by which labels are dealt out to ranks."""

import numba
import numpy as np

from smallpolaron.hierarchy.labels import unpack_label
from smallpolaron.hierarchy.neighbours import exchange_pairs

PLACE_MODES = 12
"""Leading occupations that decide the rank of an ADO, five bits each; four bits mix the rest."""

SMALL_PLACES = 2.0**62
"""Places of ADOs with small leading occupations are below this."""


@numba.njit(cache=True)
def place(frame, n):  # type: ignore[no-untyped-def]
    """Where an ADO stands in the order by which labels are dealt out to ranks.

    Its occupations are read from the site and in the direction that give the lexicographically
    largest list; the first PLACE_MODES of them are the digits of the place. Rotation and
    reflection leave it alone, so that all labels that the carrier's hops connect stay together,
    and ADOs that differ far down the list are neighbours. Of an ADO and its Hermitian conjugate,
    where that is another one, the larger place counts for both.
    """
    here = _place(frame, n)
    if frame.pairs == 0:
        return here
    m = n.copy()
    exchange_pairs(frame, m)
    return max(here, _place(frame, m))


@numba.njit(cache=True)
def _place(frame, n):  # type: ignore[no-untyped-def]
    """place() of one ADO without its conjugate."""
    n_sites, n_terms = frame.n_sites, frame.n_terms
    codes = np.zeros(n_sites, dtype=np.uint64)
    largest = np.uint64(0)
    for j in range(n_sites):
        for k in range(n_terms):
            number = np.uint64(n[j * n_terms + k])
            if n_terms <= 8:
                codes[j] = (codes[j] << np.uint64(8)) + number
            elif number > 0:
                # too many for 64 bits: a mix, so that only equal sites look equal
                number += np.uint64(256 * k)
                codes[j] = (codes[j] ^ number) * np.uint64(0x9E3779B97F4A7C15)
        largest = max(largest, codes[j])
    if largest == 0:
        return np.uint64(0)
    first, step = -1, 1
    for start in range(n_sites):
        if codes[start] != largest:
            continue
        for direction in (1, -1):
            if first < 0:
                first, step = start, direction
                continue
            for d in range(1, n_sites):
                ours = codes[(start + direction * d) % n_sites]
                best = codes[(first + step * d) % n_sites]
                if ours != best:
                    if ours > best:
                        first, step = start, direction
                    break
    position, mix = np.uint64(0), np.uint64(0)
    for i in range(max(PLACE_MODES, len(n))):
        digit = np.uint64(0)
        if i < len(n):
            site = (first + step * (i // n_terms)) % n_sites
            digit = np.uint64(n[site * n_terms + i % n_terms])
        if i < PLACE_MODES:
            position = (position << np.uint64(5)) | min(digit, np.uint64(31))
        else:
            mix = (mix ^ digit) * np.uint64(0x9E3779B97F4A7C15)
    return (position << np.uint64(4)) | (mix >> np.uint64(60))


@numba.njit(cache=True)
def places(frame, fields, keys, out):  # type: ignore[no-untyped-def]
    """place() of every key."""
    n = np.empty(frame.n_sites * frame.n_terms, dtype=np.uint8)
    for i in range(len(keys)):
        unpack_label(fields, keys[i], n)
        out[i] = place(frame, n)


@numba.njit(cache=True, inline="always")
def owner_of(splitters, position):  # type: ignore[no-untyped-def]
    """Rank of a place: the number of splitters at or below it."""
    low, high = 0, len(splitters)
    while low < high:
        middle = (low + high) // 2
        if splitters[middle] <= position:
            low = middle + 1
        else:
            high = middle
    return low
