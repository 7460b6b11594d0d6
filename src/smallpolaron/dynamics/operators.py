"""Operators of the carrier applied to a state on an adaptive basis."""

import numpy as np
from numpy.typing import NDArray

from smallpolaron.compiled import compiled, inlined
from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.elements import canonical_rows
from smallpolaron.hierarchy.excitations import empty_list, read
from smallpolaron.hierarchy.labels import Keys
from smallpolaron.hierarchy.neighbours import EXISTS, canonical, coupling_code, neighbour
from smallpolaron.parallel import MPI

ComplexArray = NDArray[np.complex128]

_LARGE = 0.1
"""Share of the largest element from which elements count as large."""


def apply_current(
    source: Basis, x: ComplexArray, target: Basis, least: float = 0.0
) -> ComplexArray:
    """J rho for all ADOs, with the part of J that the baths assist (collective).

    Args:
        source: basis of the state.
        x: this rank's part of it.
        target: basis of the result, in the sector where J leads; it takes in what is reached.
        least: share of the norm of J rho below which elements do not enter. A bath that moves the
            carrier leads to ten times as many as there are, most of them small.

    Returns:
        This rank's part of J rho on the target basis.
    """
    table, ways = target.couplings.current.table, _ket_slots(source.frame)

    def reached(rows: NDArray[np.bool_]) -> tuple[Keys, ComplexArray, float]:
        """What these rows lead to, and what is in play: keys, the elements there, their norm."""
        keys = np.ascontiguousarray(source.keys[rows])
        images = np.empty((ways * len(keys), source.layout.n_words), np.uint64)
        count = _reach(source.frame, target.frame, source.maps, target.maps, keys, images)
        keys = target.distinct(np.concatenate([target.keys, images[:count]]))
        below, factors, bits = elements_below(source, target, keys, table)
        values = factors * np.where(bits & 2, -1.0, 1.0) * source.values(below, x)
        values = values.reshape(-1, ways).sum(axis=1)
        square = float(np.vdot(values, values).real)
        return keys, values, float(np.sqrt(source.comm.allreduce(square)))

    sizes, bound = np.abs(x) * np.max(np.abs(table), initial=0.0), -1.0
    if least > 0:
        largest = source.comm.allreduce(np.max(sizes, initial=0.0), op=MPI.MAX)
        # the norm of a part bounds from below what is small beside the whole
        bound = least * reached(sizes > _LARGE * largest)[2]
    keys, values, norm = reached(sizes > bound)
    chosen = (np.abs(values) > least * norm) | (target.local_rows(keys) >= 0)
    target.add(np.ascontiguousarray(keys[chosen]))
    return target.scatter(keys[chosen], values[chosen])


def hermitian_part(source: Basis, x: ComplexArray, target: Basis) -> ComplexArray:
    """(rho_n + rho_n^+)/2 for all ADOs, on a basis of the Hermitian sector (collective).

    Args:
        source: basis of the state.
        x: this rank's part of it.
        target: basis of the same sector but for `hermitian`; it takes in what is needed.

    Returns:
        This rank's part of the Hermitian part on the target basis.
    """
    keys, bits = canonical_rows(source.frame, target.frame, source.maps, target.maps, source.keys)
    target.add(np.ascontiguousarray(keys[bits >= 0]))
    halves = []
    for conjugated in (False, True):
        keys, bits = canonical_rows(
            target.frame, source.frame, target.maps, source.maps, target.keys, conjugated
        )
        value = source.values(keys, x) * np.where(bits & 2, -0.5, 0.5)
        value[bits < 0] = 0
        halves.append(value.conj() if conjugated else value)
    return np.asarray(halves[0] + halves[1])


def elements_below(
    source: Basis, target: Basis, keys: Keys, table: ComplexArray
) -> tuple[Keys, ComplexArray, NDArray[np.int64]]:
    """What makes up the elements `keys` of O rho, ket slot by ket slot.

    Returns:
        Canonical keys in the sector of rho, coefficients of the operator with this table, and bits.
    """
    here, there = source.frame, target.frame
    count = _ket_slots(there) * len(keys)
    below = np.empty((count, keys.shape[1]), np.uint64)
    factors, bits = np.empty(count, complex), np.empty(count, np.int64)
    _sources(here, there, source.maps, target.maps, keys, table, below, factors, bits)
    return below, factors, bits


@inlined
def _ket_slots(frame):  # type: ignore[no-untyped-def]
    """Number of slots along which an operator with bath parts moves the ket."""
    return frame.hops // 2 + (2 * frame.lists if frame.assisted else 0)


@inlined
def _ket_slot(frame, i):  # type: ignore[no-untyped-def]
    half = frame.hops // 2
    return i if i < half else frame.still + (i - half) // 2 * 4 + (i - half) % 2


@compiled
def _sources(source, target, maps, target_maps, keys, table, below, factors, bits):  # type: ignore[no-untyped-def]
    """Fill what elements_below returns."""
    n, m = empty_list(source), empty_list(source)
    other = np.empty(keys.shape[1], dtype=np.uint64)
    ways = _ket_slots(target)
    for row in range(len(keys)):
        a, b = read(source, keys[row], n)
        for i in range(ways):
            at, slot = row * ways + i, _ket_slot(target, i)
            factors[at], bits[at] = 0, 0
            below[at] = 0
            status, left, right = neighbour(target, target_maps, n, a, b, slot, m)
            if status != EXISTS:
                continue
            found = canonical(source, maps, m, left, right, below[at], other)
            if found >= 0:
                bits[at] = found
                code = coupling_code(target, target_maps, n, a, b, slot) // 4
                # on a population what is diagonal has a kind of its own
                factors[at] = table[code] if code < len(table) else 0


@compiled
def _reach(source, target, maps, target_maps, keys, reached):  # type: ignore[no-untyped-def]
    """Canonical keys, in the target sector, of the neighbours by slots that move the ket."""
    n, m = empty_list(source), empty_list(source)
    other = np.empty(keys.shape[1], dtype=np.uint64)
    count = 0
    for row in range(len(keys)):
        a, b = read(source, keys[row], n)
        for i in range(_ket_slots(source)):
            status, left, right = neighbour(source, maps, n, a, b, _ket_slot(source, i), m)
            if status == EXISTS:
                bits = canonical(target, target_maps, m, left, right, reached[count], other)
                count += bits >= 0
    return count
