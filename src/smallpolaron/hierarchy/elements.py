"""Compiled parts of the adaptive basis: links between labels, and growth along them.

A row of `links` holds, slot by slot, where a label's neighbour is: a row of this rank (>= 0), a
label of another rank (<= GHOST, number GHOST - value), or why there is none.
"""

import numpy as np
from numpy.typing import NDArray

from smallpolaron.compiled import compiled, inlined
from smallpolaron.hierarchy.excitations import carrier_sites, empty_list, read
from smallpolaron.hierarchy.frame import Frame
from smallpolaron.hierarchy.label_set import lookup
from smallpolaron.hierarchy.labels import Keys, copy_key
from smallpolaron.hierarchy.neighbours import (
    CAPPED,
    EXISTS,
    OUTSIDE,
    VANISHES,
    canonical,
    coupling_code,
    flow,
    neighbour,
    white_diagonal,
    write_image,
)
from smallpolaron.hierarchy.places import owner_of, place

ABSENT, NEVER, CAP, GHOST = -1, -2, -3, -4
"""Not in the basis now; never, by the equations; never, because of a limit of ours; ghost 0."""

ALL_KINDS = 15
"""The set of all kinds of links; see _kind()."""

_BLOCK = 128
"""Rows that are ordered among themselves; see order_rows()."""

UNKNOWN = -1.0
"""First entry of a row of `leaks` whose links have changed since it was filled."""


@compiled
def link(  # type: ignore[no-untyped-def]
    frame,
    maps,
    splitters,
    rank,
    keys,
    table,
    ghost_keys,
    ghost_table,
    rows,
    kinds,
    links,
    codes,
    leaks,
    touched,
    asked_keys,
    asked_at,
):
    """Fill the ABSENT links of some rows as far as their neighbours are known.

    `kinds` has a set of kinds of links for each of the rows: those that are looked at. Where a
    label of the first rows of this rank was found, the kind of its link back enters the set that
    `touched` has for it. Neighbours that belong to other ranks are listed in asked_keys and
    asked_at (row, slot, kind of the link back) when those have room for them; returns their number.
    """
    n, m, scratch = empty_list(frame), empty_list(frame), empty_list(frame)
    key = np.empty(keys.shape[1], dtype=np.uint64)
    other = np.empty_like(key)
    n_asked = 0
    many = len(splitters) > 0
    for i, row in enumerate(rows):
        a, b = read(frame, keys[row], n)
        leaks[row, 0] = UNKNOWN
        for slot in range(links.shape[1]):
            if links[row, slot] != ABSENT or not _kind(frame, slot, False) & kinds[i]:
                continue
            status, left, right = neighbour(frame, maps, n, a, b, slot, m)
            if status != EXISTS:
                links[row, slot] = CAP if status == CAPPED else NEVER
                continue
            bits = canonical(frame, maps, m, left, right, key, other)
            if bits < 0:
                links[row, slot] = NEVER if bits == VANISHES else CAP
                continue
            where = lookup(table, keys, key)
            if 0 <= where < len(touched):
                touched[where] |= _kind(frame, slot, True)
            if where < 0 and many and slot >= frame.still:  # a hop stays with its ADO
                ghost = lookup(ghost_table, ghost_keys, key)
                if ghost >= 0:
                    where = GHOST - ghost
                # to find the place takes longer than all else: only where it decides
                if len(asked_at) and (
                    ghost >= 0
                    or owner_of(splitters, place(frame, maps, key, other, scratch)) != rank
                ):
                    copy_key(key, asked_keys[n_asked])
                    asked_at[n_asked, 0] = row
                    asked_at[n_asked, 1] = slot
                    asked_at[n_asked, 2] = _kind(frame, slot, True)
                    n_asked += 1
            # the code does not depend on whether the neighbour is there
            codes[row, slot] = coupling_code(frame, maps, n, a, b, slot) + bits
            if where != -1:
                links[row, slot] = where
    return n_asked


@inlined
def _kind(frame, slot, back):  # type: ignore[no-untyped-def]
    """Kind of a link, or of the link back: excitations stay, one more, one less, two."""
    if slot < frame.still:
        return 1
    if slot >= frame.still + 4 * frame.lists:
        return 8
    more = (slot - frame.still) % 2 == 0
    return 2 if more != back else 4


@compiled
def find_candidates(  # type: ignore[no-untyped-def]
    frame, maps, strengths, base_rate, keys, links, damping, leaks, x, threshold, candidates
):
    """Neighbours outside the basis, and the flow into them.

    A neighbour m of j would reach the amplitude |L_mj x_j| / (damping_m + base_rate); it is a
    candidate when that exceeds the threshold. Rows of `leaks` are filled where they are UNKNOWN.

    Returns:
        (number of candidates, of which as many are written as there is room for; sum of squares
        of all amplitudes; the same of those that are no candidates; the largest; the largest one
        above the threshold that a limit of ours keeps out).
    """
    n, m = empty_list(frame), empty_list(frame)
    other = np.empty(keys.shape[1], dtype=np.uint64)
    count, total, rest, largest, capped = 0, 0.0, 0.0, 0.0, 0.0
    for row in range(len(links)):
        size = abs(x[row])
        if size == 0.0:
            continue
        if leaks[row, 0] == UNKNOWN:
            _fill_leak(frame, maps, strengths, base_rate, keys, links, damping, leaks, row)
        total += size * size * leaks[row, 0]
        largest = max(largest, size * leaks[row, 1])
        if size * leaks[row, 2] > threshold:
            capped = max(capped, size * leaks[row, 2])
        if size * leaks[row, 1] <= threshold:
            rest += size * size * leaks[row, 0]
            continue
        a, b = read(frame, keys[row], n)
        for slot in range(links.shape[1]):
            kind = links[row, slot]
            if kind != ABSENT and kind != CAP:
                continue
            strength, change = flow(frame, maps, strengths, keys[row], a, b, slot)
            amplitude = size * strength / (max(damping[row] + change, 0.0) + base_rate)
            if kind == CAP or amplitude <= threshold:
                rest += amplitude * amplitude
            else:
                if count < len(candidates):
                    _, left, right = neighbour(frame, maps, n, a, b, slot, m)
                    canonical(frame, maps, m, left, right, candidates[count], other)
                count += 1
    return count, total, rest, largest, capped


@compiled
def _fill_leak(frame, maps, strengths, base_rate, keys, links, damping, leaks, row):  # type: ignore[no-untyped-def]
    """What a label of amplitude 1 feeds outside the basis.

    The sum of squares, the largest that may enter, the largest that a limit of ours keeps out.
    """
    a, b = carrier_sites(frame, keys[row])
    leaks[row, :] = 0.0
    for slot in range(links.shape[1]):
        kind = links[row, slot]
        if kind != ABSENT and kind != CAP:
            continue
        strength, change = flow(frame, maps, strengths, keys[row], a, b, slot)
        amplitude = strength / (max(damping[row] + change, 0.0) + base_rate)
        leaks[row, 0] += amplitude * amplitude
        at = 1 if kind == ABSENT else 2
        leaks[row, at] = max(leaks[row, at], amplitude)


@compiled
def fill_damping(  # type: ignore[no-untyped-def]
    frame,
    maps,
    rates,
    frequencies,
    keys,
    first,
    last,
    damping,
    energies,
    dephasing,
    loss,
    white,
    diagonal,
):
    """Damping sum n Re nu and diagonal of the generator for rows first ... last - 1."""
    n = empty_list(frame)
    for row in range(first, last):
        a, b = read(frame, keys[row], n)
        total, turning = 0.0, 0.0
        for i in range(1, n[0, 0] + 1):
            total += n[i, 2] * rates[n[i, 1]]
            turning += n[i, 2] * frequencies[n[i, 1]]
        damping[row] = total
        value = complex(-total, -(energies[a] - energies[b]) - turning)
        if a != b:
            value -= dephasing
        if not frame.local:
            value += white_diagonal(frame, maps, white, a, b) - loss[a] - loss[b]
        diagonal[row] = value


@compiled
def importance(strengths_of_code, damping, base_rate, links, codes, x, weight):  # type: ignore[no-untyped-def]
    """Largest of |x| and of what its neighbours feed each label: what pruning must respect.

    x holds the rows of this rank, then the ghosts; a ghost newer than x counts as 0.
    """
    n = len(links)
    sizes = np.abs(x)
    for row in range(n):
        best = 0.0
        for slot in range(links.shape[1]):
            column = np.int64(links[row, slot])
            if column <= GHOST:
                column = n + GHOST - column
            if 0 <= column < len(x):
                best = max(best, strengths_of_code[codes[row, slot]] * sizes[column])
        weight[row] = max(sizes[row], best / (damping[row] + base_rate))


@compiled
def compact(keep, keys, links, codes, damping, diagonal, leaks, x):  # type: ignore[no-untyped-def]
    """Move the rows to keep to the front, in order, and renumber links. Returns how many."""
    new = np.empty(len(keep), dtype=np.int64)
    count = 0
    for row in range(len(keep)):
        new[row] = count if keep[row] else ABSENT
        count += keep[row]
    for row in range(len(keep)):
        to = new[row]
        if to < 0:
            continue
        copy_key(keys[row], keys[to])
        damping[to] = damping[row]
        diagonal[to] = diagonal[row]
        for part in range(leaks.shape[1]):
            leaks[to, part] = leaks[row, part]
        x[to] = x[row]
        for slot in range(links.shape[1]):
            value = links[row, slot]
            if value >= 0:
                value = new[value]
                if value == ABSENT:
                    leaks[to, 0] = UNKNOWN
            links[to, slot] = value
            codes[to, slot] = codes[row, slot]
    return count


@compiled
def order_rows(links, rows, lengths):  # type: ignore[no-untyped-def]
    """Order the rows by the number of their links within blocks, and count the links.

    Where many rows of one length follow each other, processors foresee the end of each; blocks
    keep near what is near.
    """
    total = 0
    counts = np.empty(_BLOCK, np.int64)
    begins = np.empty(links.shape[1] + 2, np.int64)
    for first in range(0, len(links), _BLOCK):
        last = min(first + _BLOCK, len(links))
        begins[:] = 0
        for row in range(first, last):
            count = 0
            for slot in range(links.shape[1]):
                value = links[row, slot]
                count += value >= 0 or value <= GHOST
            counts[row - first] = count
            begins[count + 1] += 1
            total += count
        begins[0] = first
        for count in range(links.shape[1]):
            begins[count + 1] += begins[count]
        for row in range(first, last):
            count = counts[row - first]
            rows[begins[count]] = row
            lengths[begins[count]] = count
            begins[count] += 1
    return total


@compiled
def compress(links, codes, rows, columns, kinds):  # type: ignore[no-untyped-def]
    """Links that exist, row after row; ghosts follow the rows of this rank."""
    at = 0
    for row in rows:
        for slot in range(links.shape[1]):
            value = links[row, slot]
            if value >= 0:
                columns[at] = value
            elif value <= GHOST:
                columns[at] = len(links) + GHOST - value
            else:
                continue
            kinds[at] = codes[row, slot]
            at += 1


def canonical_rows(
    here: Frame,
    there: Frame,
    maps: NDArray[np.int32],
    there_maps: NDArray[np.int32],
    keys: Keys,
    conjugated: bool = False,
) -> tuple[Keys, NDArray[np.int64]]:
    """canonical() in the sector `there` of labels of `here`, or of their Hermitian conjugates.

    Returns:
        (keys, bits); bits are negative where a label leaves the window or vanishes there.
    """
    found, bits = keys.copy(), np.full(len(keys), OUTSIDE)
    _make_canonical(here, there, maps, there_maps, found, conjugated, bits)
    return found, bits


@compiled
def _make_canonical(here, there, maps, there_maps, keys, conjugated, bits):  # type: ignore[no-untyped-def]
    n = empty_list(here)
    other = np.empty(keys.shape[1], dtype=np.uint64)
    for row in range(len(keys)):
        a, b = read(here, keys[row], n)
        if conjugated:
            if not write_image(here, maps, n, a, b, 0, 1, other):
                continue
            a, b = read(here, other, n)
        bits[row] = canonical(there, there_maps, n, a, b, keys[row], other)


@compiled
def mark_ghosts(links, used):  # type: ignore[no-untyped-def]
    """Set used[g] for every ghost that a link names."""
    for row in range(len(links)):
        for slot in range(links.shape[1]):
            if links[row, slot] <= GHOST:
                used[GHOST - links[row, slot]] = True


@compiled
def renumber_ghosts(links, leaks, stay):  # type: ignore[no-untyped-def]
    """Renumber the ghosts that stay; links to the others become ABSENT."""
    new = np.empty(len(stay), dtype=np.int64)
    count = 0
    for g in range(len(stay)):
        new[g] = GHOST - count if stay[g] else ABSENT
        count += stay[g]
    for row in range(len(links)):
        for slot in range(links.shape[1]):
            if links[row, slot] <= GHOST:
                links[row, slot] = new[GHOST - links[row, slot]]
                if links[row, slot] == ABSENT:
                    leaks[row, 0] = UNKNOWN
