"""Where ADOs stand in the order by which labels are dealt out to ranks."""

import numpy as np

from smallpolaron.compiled import compiled, inlined
from smallpolaron.hierarchy.excitations import empty_list, read, shifted, write

PLACE_MODES = 12
"""Leading occupations that decide the rank of an ADO, five bits each; four bits mix the rest."""

SMALL_PLACES = 2.0**62
"""Places of ADOs with small leading occupations are below this."""

_LEADING = 5
"""Digits of a place that does not come from a chain."""

_FACTOR = np.uint64(0x9E3779B97F4A7C15)


@compiled
def place(frame, maps, key, other, n):  # type: ignore[no-untyped-def]
    """Where the ADO of a key stands in the order by which labels are dealt out to ranks.

    In a chain its occupations are read from the site and in the direction that give the
    lexicographically largest list; the first PLACE_MODES of them are the digits of the place. On
    other lattices the digits are the largest occupations, then a mix of all pairs and their
    distances. Translations and the operations of the sector leave it alone, so that all labels
    that the carrier's hops connect stay together; in a chain ADOs that differ far down the list
    are neighbours. Of an ADO and its Hermitian conjugate, where that is another one, the larger
    place counts for both. `other` and `n` are scratch: a key and a list of excitations.
    """
    read(frame, key, n)
    here = _place(frame, maps, n)
    if frame.pairs == 0:
        return here
    write(frame, maps, n, 0, 0, 0, 0, True, other)
    read(frame, other, n)
    return max(here, _place(frame, maps, n))


@compiled
def _place(frame, maps, n):  # type: ignore[no-untyped-def]
    """place() of a sorted list of excitations, without its conjugate."""
    if n[0, 0] == 0:
        return np.uint64(0)
    if not frame.chain:
        return _place_by_pairs(frame, maps, n)
    n_sites, n_terms = frame.n_sites, frame.n_terms
    sites, codes, starts = _excited_sites(n, n_terms)
    largest = np.uint64(0)
    for code in codes:
        largest = max(largest, code)
    first, step = -1, 1
    for start in range(len(sites)):
        if codes[start] == largest:
            for direction in (1, -1):
                if first < 0 or _is_above(n_sites, sites, codes, start, direction, first, step):
                    first, step = start, direction
    position, mix, at = np.uint64(0), np.uint64(0), PLACE_MODES
    for i in range(len(sites)):
        where = _turned(len(sites), first, step, i)
        distance = _turned(n_sites, 0, step, sites[where] - sites[first])
        for entry in range(starts[where], starts[where + 1]):
            mode, number = distance * n_terms + n[entry, 1], np.uint64(n[entry, 2])
            if mode < PLACE_MODES:
                digit = min(number, np.uint64(31))
                position |= digit << np.uint64(5 * (PLACE_MODES - 1 - mode))
            else:
                mix = ((mix * _power(mode - at)) ^ number) * _FACTOR
                at = mode + 1
    mix *= _power(max(PLACE_MODES, n_sites * n_terms) - at)
    return (position << np.uint64(4)) | (mix >> np.uint64(60))


@compiled
def _place_by_pairs(frame, maps, n):  # type: ignore[no-untyped-def]
    """The largest occupations, then a sum over pairs of excited modes: no order of sites counts."""
    count, near = n[0, 0], frame.near
    digits, mix = np.zeros(_LEADING, np.int64), np.uint64(0)
    for i in range(1, count + 1):
        number, at = min(n[i, 2], 31), _LEADING
        while at > 0 and digits[at - 1] < number:
            if at < _LEADING:
                digits[at] = digits[at - 1]
            at -= 1
        if at < _LEADING:
            digits[at] = number
        one = _scramble(np.uint64(n[i, 1] * 256 + n[i, 2]))
        mix += one
        for j in range(1, i):
            other = _scramble(np.uint64(n[j, 1] * 256 + n[j, 2]))
            here, there = n[i, 0], n[j, 0]
            if frame.translation:
                cell = here // frame.modes_per_cell
                there = shifted(frame, maps, cell, there, frame.modes_per_cell)
                here = here % frame.modes_per_cell
            away = np.int64(maps[near + here, there]) if there >= 0 else 256
            mix += _scramble((one + other) ^ np.uint64(away))
    position = np.uint64(0)
    for digit in digits:
        position = (position << np.uint64(5)) | np.uint64(digit)
    shift = np.uint64(64 - 5 * _LEADING)
    return (position << shift) | (_scramble(mix) >> np.uint64(5 * _LEADING))


@inlined
def _scramble(number):  # type: ignore[no-untyped-def]
    number = (number + np.uint64(1)) * _FACTOR
    return (number ^ (number >> np.uint64(29))) * _FACTOR


@inlined
def _excited_sites(n, n_terms):  # type: ignore[no-untyped-def]
    """Excited sites, a code for the occupations of each, and where each starts in the list."""
    sites = np.empty(n[0, 0], np.int64)
    codes = np.zeros(n[0, 0], np.uint64)
    starts = np.empty(n[0, 0] + 1, np.int64)
    count = 0
    for i in range(1, n[0, 0] + 1):
        if count == 0 or n[i, 0] != sites[count - 1]:
            sites[count] = n[i, 0]
            starts[count] = i
            count += 1
        term, number = n[i, 1], np.uint64(n[i, 2])
        if n_terms <= 8:
            codes[count - 1] |= number << np.uint64(8 * (n_terms - 1 - term))
        else:
            # too many for 64 bits: a mix, so that only equal sites look equal
            codes[count - 1] = (codes[count - 1] ^ (number + np.uint64(256 * term))) * _FACTOR
    starts[count] = n[0, 0] + 1
    return sites[:count], codes[:count], starts


@inlined
def _is_above(n_sites, sites, codes, start, direction, first, step):  # type: ignore[no-untyped-def]
    """Whether the codes read from `start` on exceed those read from `first` on, as lists."""
    count = len(sites)
    for i in range(1, count):
        ours, best = _turned(count, start, direction, i), _turned(count, first, step, i)
        near = _turned(n_sites, 0, direction, sites[ours] - sites[start])
        far = _turned(n_sites, 0, step, sites[best] - sites[first])
        if near != far:
            # the list of the farther one still has a zero there
            return near < far
        if codes[ours] != codes[best]:
            return codes[ours] > codes[best]
    return False


@inlined
def _turned(n_sites, origin, step, site):  # type: ignore[no-untyped-def]
    """(origin + step site) modulo N, for 0 <= origin < N and |site| < N, without a division."""
    to = origin + step * site
    if to < 0:
        return to + n_sites
    return to - n_sites if to >= n_sites else to


@compiled
def _power(exponent):  # type: ignore[no-untyped-def]
    """_FACTOR to this power modulo 2^64."""
    result, square = np.uint64(1), _FACTOR
    while exponent > 0:
        if exponent & 1:
            result *= square
        square *= square
        exponent >>= 1
    return result


@compiled
def places(frame, maps, keys, out):  # type: ignore[no-untyped-def]
    """place() of every key."""
    n, other = empty_list(frame), np.empty(keys.shape[1], dtype=np.uint64)
    for i in range(len(keys)):
        out[i] = place(frame, maps, keys[i], other, n)


@inlined
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
