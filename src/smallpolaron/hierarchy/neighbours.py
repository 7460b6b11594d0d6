"""Which labels one label (n, a, b) couples to, slot by slot, and how strongly.

The first slots move the carrier: one per direction (see SiteTable) for the ket, then as many for
the bra; then, where the bath of a mode that moves the carrier has a terminator, both at once. Then
every element of V and term that a site has, four each: one excitation more and one less by the ket,
the same by the bra. With local coupling these are the terms of the site's own mode. On a population
(a = b) what leaves the carrier there is one for both; its excitations go through the ket slots.
Every label is reduced to the representative of its orbit under the symmetries of the sector:
translation puts the ket into cell 0, the operations of the sector and Hermitian conjugation leave
the smallest key. Hermitian conjugation takes <a|rho_n|b> to <b|rho_n'|a>, where n' has the
excitations of terms with conjugate rates exchanged; n' = n where all rates are real.

Terms k, k' with conjugate rates may be mixed: elements are those of the ladder operators b with
a_k = b_k, a_k^+ = b_k^+ - t b_k' (BathFunctions.mixing). One excitation more then enters with
sqrt(s) - t c_k'/sqrt(s) instead of sqrt(s), and one more slot for every mode and pair adds
t 2 Re(nu) sqrt((n_k + 1)(n_k' + 1)) times the element with one more of both, whose mode needs no
carrier. Terms whose rates nearly coincide pass excitations to each other, two slots for every mode
(BathFunctions.jumps). The last slots list what the element feeds in these ways; they are for
growth only.
"""

import numpy as np

from smallpolaron.compiled import compiled, inlined
from smallpolaron.hierarchy.excitations import (
    copy_moved,
    find_mode,
    occupation,
    occupation_in_key,
    shifted,
    write,
)
from smallpolaron.hierarchy.frame import JUMP_SPAN, KINDS
from smallpolaron.hierarchy.labels import compare, copy_key
from smallpolaron.model.site_table import NO_SITE

EXISTS, IMPOSSIBLE, CAPPED = 0, 1, 2
"""What neighbour() answers: a label; none by the equations; none because of a limit of ours."""

VANISHES, OUTSIDE = -1, -2
"""What canonical() answers instead of bits: zero by symmetry; its conjugate left the window."""

_ABOVE_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


@compiled
def neighbour(frame, maps, n, a, b, slot, m):  # type: ignore[no-untyped-def]
    """Fill the list m with the excitations of the neighbour at a slot; returns (status, ket, bra).

    n is a list that read() filled. With translation the neighbour's ket is back in cell 0, but no
    other symmetry is applied.
    """
    half, excited = frame.hops // 2, frame.still + 4 * frame.lists
    if slot >= excited:
        return _jumped(frame, maps, n, a, b, slot - excited, m)
    if slot >= frame.still:
        return _excited(frame, maps, n, a, b, slot - frame.still, m)
    left, right = a, b
    if slot >= frame.hops:
        _, left, right, status = _white(frame, maps, a, b, slot - frame.hops)
        if status != EXISTS:
            return status, a, b
    else:
        along = frame.ways + slot
        to = np.int64(maps[along, a] if slot < half else maps[along - half, b])
        if to < 0:
            return IMPOSSIBLE if to == NO_SITE else CAPPED, a, b
        if slot < half:
            left = to
        else:
            right = to
    cell = 0
    if frame.translation:
        cell = left // frame.per_cell
        left = shifted(frame, maps, cell, left, frame.per_cell)
        right = shifted(frame, maps, cell, right, frame.per_cell)
    if not copy_moved(frame, maps, n, cell, m) or right < 0:
        return CAPPED, a, b
    return EXISTS, left, right


@inlined
def _listed(frame, maps, a, b, slot):  # type: ignore[no-untyped-def]
    """(site, mode, term, channel) that the element of V and term of a slot lead to."""
    own = a if slot % 4 < 2 else b
    if frame.local:
        return own, own, slot // 4, slot // 4
    row = frame.lists_at + slot // 4 * 4
    return (
        np.int64(maps[row, own]),
        np.int64(maps[row + 1, own]),
        np.int64(maps[row + 2, own]),
        np.int64(maps[row + 3, own]),
    )


@inlined
def _excited(frame, maps, n, a, b, slot, m):  # type: ignore[no-untyped-def]
    to, mode, term, _ = _listed(frame, maps, a, b, slot)
    side = slot % 4
    if side >= 2 and a == b and to == b:
        return IMPOSSIBLE, a, b
    if not frame.local and (to < 0 or mode < 0):
        return IMPOSSIBLE if to == NO_SITE else CAPPED, a, b
    left, right, cell = a, b, 0
    if side >= 2:
        right = to
    elif to != a:
        left = to
        if frame.translation:
            cell = to // frame.per_cell
            left = shifted(frame, maps, cell, to, frame.per_cell)
            right = shifted(frame, maps, cell, b, frame.per_cell)
            mode = shifted(frame, maps, cell, mode, frame.modes_per_cell)
    if not copy_moved(frame, maps, n, cell, m) or right < 0 or mode < 0:
        return CAPPED, a, b
    at = find_mode(m, mode, term)
    m[at, 2] += 1 if side % 2 == 0 else -1
    if m[at, 2] > frame.max_occupation or (side % 2 == 0 and not _is_within(frame.rule, m)):
        return CAPPED, a, b
    return EXISTS if m[at, 2] >= 0 else IMPOSSIBLE, left, right


@inlined
def _is_within(rule, m):  # type: ignore[no-untyped-def]
    """Whether the rule of a fixed hierarchy keeps the ADO with these excitations."""
    if len(rule) == 0:
        return True
    used, modes = 0.0, 0
    for i in range(1, m[0, 0] + 1):
        if m[i, 2] == 0:
            continue
        used += m[i, 2] * rule[2 + m[i, 1]]
        modes += 1
        for j in range(1, i):
            if m[j, 2] > 0 and m[j, 0] == m[i, 0]:
                modes -= 1
                break
    return used <= rule[0] and modes <= rule[1]


@inlined
def _white(frame, maps, a, b, slot):  # type: ignore[no-untyped-def]
    """Ket and bra moved at once by a terminator: (number of both kinds, ket, bra, status)."""
    row, left = frame.whites_at + slot // frame.white_ways * 3, slot % frame.white_ways
    ket, mode = np.int64(maps[row, a]), maps[row + 1, a]
    if ket == NO_SITE:
        return 0, a, b, IMPOSSIBLE
    for other in range(frame.whites):
        at = frame.whites_at + 3 * other
        bra = np.int64(maps[at, b])
        if bra == NO_SITE or maps[at + 1, b] != mode or mode < 0:
            continue
        if left > 0:
            left -= 1
            continue
        if ket < 0 or bra < 0:
            return 0, a, b, CAPPED
        if ket == a and bra == b:
            # part of the diagonal
            return 0, a, b, IMPOSSIBLE
        kinds = np.int64(maps[row + 2, a]) * frame.white_kinds + np.int64(maps[at + 2, b])
        return kinds, ket, bra, EXISTS
    return 0, a, b, IMPOSSIBLE


@inlined
def white_diagonal(frame, maps, white, a, b):  # type: ignore[no-untyped-def]
    """2 sum Delta <a|V|a><b|V|b> over the modes that have both."""
    total = 0.0
    for one in range(frame.whites):
        at = frame.whites_at + 3 * one
        if maps[at, a] != a:
            continue
        for other in range(frame.whites):
            there = frame.whites_at + 3 * other
            if maps[there, b] == b and maps[there + 1, b] == maps[at + 1, a]:
                total += white[maps[at + 2, a], maps[there + 2, b]].real
    return total


@inlined
def _jump(frame, maps, slot):  # type: ignore[no-untyped-def]
    """(mode, number of its kind, first term, changes of it and the next): beyond the lists."""
    change = 1
    if slot >= frame.jumps:
        slot -= frame.jumps
        change = -1
    in_cell = frame.jumps * frame.modes_per_cell // frame.n_modes
    cell, which = slot // in_cell, slot % in_cell
    at = frame.jumps_at
    mode = np.int64(cell * frame.modes_per_cell + maps[at, which])
    first, number = np.int64(maps[at + 1, which]), np.int64(maps[at + 2, which])
    return mode, number, first, change * maps[at + 3, which], change * maps[at + 4, which]


@inlined
def _jumped(frame, maps, n, a, b, slot, m):  # type: ignore[no-untyped-def]
    mode, _, first, change, second_change = _jump(frame, maps, slot)
    copy_moved(frame, maps, n, 0, m)
    largest = min(frame.max_occupation, JUMP_SPAN - 1)
    for k in range(first, first + 2):
        at = find_mode(m, mode, k)
        before = m[at, 2]
        m[at, 2] += change if k == first else second_change
        if m[at, 2] < 0:
            return IMPOSSIBLE, a, b
        if max(before, m[at, 2]) > largest:
            return CAPPED, a, b
    return EXISTS if _is_within(frame.rule, m) else CAPPED, a, b


@inlined
def _in_cell(frame, site):  # type: ignore[no-untyped-def]
    """Place of a site in its cell, without a division where it is known."""
    if frame.per_cell == 1:
        return 0
    return site if site < frame.per_cell else site % frame.per_cell


@inlined
def coupling_code(frame, maps, n, a, b, slot):  # type: ignore[no-untyped-def]
    """Code of the coefficient with which the neighbour at a slot enters the row of (n, a, b)."""
    nothing, excited = frame.hops + KINDS * frame.channels, frame.still + 4 * frame.lists
    argument = 0
    if slot < frame.hops:
        kind, argument = slot, _in_cell(frame, a if slot < frame.hops // 2 else b)
    elif slot < frame.still:
        pair, _, _, _ = _white(frame, maps, a, b, slot - frame.hops)
        kind = nothing
        argument = frame.span + frame.jump_kinds * JUMP_SPAN * JUMP_SPAN + pair
    elif slot >= excited:
        mode, number, first, _, _ = _jump(frame, maps, slot - excited)
        kind = nothing
        if slot - excited < frame.jumps:
            # more excitations than that are kept out
            here = occupation(n, mode, first) % JUMP_SPAN
            argument = frame.span + (number * JUMP_SPAN + here) * JUMP_SPAN
            argument += occupation(n, mode, first + 1) % JUMP_SPAN
    else:
        to, mode, term, channel = _listed(frame, maps, a, b, slot - frame.still)
        side = (slot - frame.still) % 4
        kind = frame.hops + KINDS * channel
        argument = occupation(n, mode, term)
        if a != b or to != a:
            kind += side
        elif side == 1:
            kind += 4
        elif frame.n_mixed:
            kind += 5
        else:
            # the commutator with what is diagonal vanishes on a population
            kind, argument = nothing, 0
    return 4 * (kind * frame.span + argument)


@inlined
def flow(frame, maps, strengths, key, a, b, slot):  # type: ignore[no-untyped-def]
    """|L_mj| from the label j = (n, a, b) into its neighbour m at a slot, and m's extra damping."""
    half, excited = frame.hops // 2, frame.still + 4 * frame.lists
    if slot < half:
        return strengths.hop[_in_cell(frame, a), slot], 0.0
    if slot < frame.hops:
        return strengths.hop[_in_cell(frame, b), slot - half], 0.0
    if slot < frame.still:
        kinds, _, _, _ = _white(frame, maps, a, b, slot - frame.hops)
        return strengths.white[kinds], 0.0
    if slot >= excited:
        if slot - excited < frame.jumps:
            return 0.0, 0.0
        mode, number, first, change, second_change = _jump(frame, maps, slot - excited)
        product = np.int64(1)
        for k in range(first, first + 2):
            moved = change if k == first else second_change
            product *= occupation_in_key(frame, key, mode, k) + max(moved, 0)
        return strengths.jump[number] * np.sqrt(float(product)), -strengths.jump_damping[number]
    to, mode, term, k = _listed(frame, maps, a, b, slot - frame.still)
    side = (slot - frame.still) % 4
    number = occupation_in_key(frame, key, mode, term)
    population = a == b and to == a
    if side % 2 == 0:
        if population:
            size = strengths.population[k]
        else:
            size = strengths.ket[k] if side == 0 else strengths.bra[k]
        return np.sqrt(number + 1.0) * size, strengths.rates[k]
    if population:
        size = strengths.population_decay[k] if side == 1 else 0.0
    else:
        size = strengths.ket_decay[k] if side == 1 else strengths.bra_decay[k]
    return np.sqrt(float(number)) * size, -strengths.rates[k]


@compiled
def canonical(frame, maps, n, a, b, key, other):  # type: ignore[no-untyped-def]
    """Write the key of the representative of (n, a, b); returns its bits, VANISHES or OUTSIDE.

    Bit 1: the element (its odd part only, where the sector has one) is minus the representative;
    bit 0: it is the complex conjugate. `other` is scratch: a key. A label of which an image does
    not fit in the window is outside like that one: otherwise the two would disagree about who
    their neighbours are.
    """
    key[:] = _ABOVE_ALL
    bits = 0
    for conjugated in range(1 + frame.hermitian):
        for way in range(frame.ways):
            if not write_image(frame, maps, n, a, b, way, conjugated, other):
                return OUTSIDE
            minus = 2 * ((frame.minus >> way) & 1)
            order = compare(other, key)
            if order == 0 and not conjugated and minus != bits and frame.vanishing:
                return VANISHES
            if order < 0:
                copy_key(other, key)
                bits = conjugated + minus
    return bits


@inlined
def write_image(frame, maps, n, a, b, way, conjugated, key):  # type: ignore[no-untyped-def]
    """Write the key of an image under an operation and, or, Hermitian conjugation of (n, a, b).

    Returns:
        False if it leaves the window, or more modes are excited than a key holds.
    """
    cell = 0
    if frame.translation:
        # the bra of the label is the ket of its conjugate
        ket = maps[way, b if conjugated else a]
        if ket < 0:
            return False
        cell = ket // frame.per_cell
    return write(frame, maps, n, a, b, way, cell, conjugated, key)
