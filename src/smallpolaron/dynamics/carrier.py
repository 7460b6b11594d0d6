"""The carrier's part of a state on an adaptive basis: operators applied to it, and readings."""

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from smallpolaron.hierarchy.adaptive import AdaptiveBasis
from smallpolaron.hierarchy.elements import canonical_rows
from smallpolaron.hierarchy.excitations import carrier_sites, empty_list, read
from smallpolaron.hierarchy.labels import Keys, compare
from smallpolaron.hierarchy.neighbours import EXISTS, canonical, neighbour, write_image
from smallpolaron.parallel import MPI

ComplexArray = NDArray[np.complex128]
Operator = ComplexArray | csr_array


def reduced_labels(basis: AdaptiveBasis) -> tuple[Keys, NDArray[np.int64], NDArray[np.int64]]:
    """Canonical keys and bits of the elements <a|rho_0|b>.

    Returns:
        (keys (m, words), bits (m,), sites (m, 2)): a in cell 0 with translation, else all.
    """
    n = basis.model.n_sites
    kets = np.repeat(np.arange(basis.frame.per_cell if basis.sector.translation else n), n)
    bras = np.tile(np.arange(n), len(kets) // n)
    vacuum = np.zeros((len(kets), basis.layout.n_modes), np.uint8)
    keys, bits = basis.canonical_keys(vacuum, kets, bras)
    return keys, bits, np.stack([kets, bras], axis=1)


@dataclass(frozen=True)
class Readout:
    """Linear functionals of the reduced density matrix: expectation values Tr[O rho].

    Without mixed terms rho is rho_0. With them it is the sum of prod t^n rho_n over all n that
    have as many excitations of one term of every mixed pair as of the other, and no others.

    Attributes:
        keys: canonical keys of the elements of rho_0 it reads, the same on every rank.
        weights: shape (operators, keys).
        operators: what multiplies <a|rho_n|b> of every representative, shape (N, N) each.
        signs: what a reflected element counts in each, shape (operators,).
        real: only the real part of the sum means something: in Hermitian sectors, where one
            element stands for its conjugate as well.
    """

    keys: Keys
    weights: ComplexArray
    operators: tuple[csr_array, ...]
    signs: NDArray[np.float64]
    real: bool = False

    @classmethod
    def of(cls, basis: AdaptiveBasis, operators: Sequence[Operator]) -> "Readout":
        """Readout of Tr[O rho] for each operator O, shape (N, N), dense or sparse.

        With translation, operators must have that symmetry or be diagonal; in a Hermitian sector
        they must be Hermitian.
        """
        keys, bits, sites = reduced_labels(basis)
        sign = np.where(bits & 2, -1.0, 1.0)
        at = sites[:, 1], sites[:, 0]
        rows = [basis.sector.copies * np.asarray(o[at]) * sign for o in operators]
        weights = np.array(rows)
        weights[:, bits < 0] = 0
        # Re(w x*) = Re(w* x)
        weights = np.where(bits & 1, weights.conj(), weights)
        unique, place = np.unique(keys, axis=0, return_inverse=True)
        merged = np.zeros((len(operators), len(unique)), complex)
        for column, where in enumerate(np.ravel(place)):
            merged[:, where] += weights[:, column]
        used = np.any(merged != 0, axis=0)
        return cls(
            np.ascontiguousarray(unique[used]),
            np.ascontiguousarray(merged[:, used]),
            tuple(csr_array(basis.sector.copies * o.T) for o in operators),
            np.array([_reflected_sign(basis, o) for o in operators]),
            basis.sector.hermitian,
        )

    def held(self, basis: AdaptiveBasis) -> NDArray[np.int64]:
        """This rank's rows of the elements of rho_0."""
        rows = basis.local_rows(self.keys)
        return rows[rows >= 0]

    def locate(self, basis: AdaptiveBasis) -> tuple[NDArray[np.int64], ComplexArray]:
        """This rank's rows and the weights of them, shape (operators, rows)."""
        if basis.frame.n_mixed and len(self.keys):
            rows, left, right, factors, bits = _paired(basis)
            terms = np.array([np.asarray(o[left, right]) * factors for o in self.operators])
            terms = terms * np.where(bits & 2, self.signs[:, None], 1.0)
            weights = np.zeros((basis.n_local, len(terms)), complex)
            np.add.at(weights, rows, np.where(bits & 1, terms.conj(), terms).T)
            read = np.flatnonzero(np.any(weights != 0, axis=1))
            return read, np.ascontiguousarray(weights[read].T)
        found = basis.local_rows(self.keys)
        mine = found >= 0
        return found[mine], np.ascontiguousarray(self.weights[:, mine])

    def read(self, basis: AdaptiveBasis, x: ComplexArray) -> ComplexArray:
        """Values, shape (operators,), the same on every rank (collective)."""
        rows, weights = self.locate(basis)
        return self.value(basis.comm.allreduce(weights @ x[rows]))

    def value(self, total: ComplexArray) -> ComplexArray:
        """The sum over all ranks, without a part that means nothing."""
        return total.real.astype(complex) if self.real else np.asarray(total)


def _reflected_sign(basis: AdaptiveBasis, operator: Operator) -> float:
    """-1 where an operator reads the odd part of a state that has both, or a state that is odd."""
    ways, signs = basis.sector.operations
    if not basis.sector.odd_part or np.all(signs > 0):
        return -1.0
    way, whole = ways[signs < 0][0], csr_array(operator)
    inside = np.flatnonzero(way >= 0)
    change = whole[way[inside]][:, way[inside]] + whole[inside][:, inside]
    largest = np.max(np.abs(whole.data), initial=0.0)
    return -1.0 if np.max(np.abs(change.data), initial=0.0) <= 1e-9 * largest else 1.0


def reduced_density_matrix(basis: AdaptiveBasis, x: ComplexArray) -> ComplexArray:
    """Density matrix of the carrier, shape (N, N), trace 1 for a normalised state (collective).

    The same on every rank; what it is made of: see Readout. On an infinite lattice (not a ring
    taken as a window) the rows of cell 0 only.
    """
    n, rows = basis.model.n_sites, reduced_rows(basis, x)
    if len(rows) == n or basis.model.is_infinite:
        return rows
    table = basis.model.sites
    phases = basis.sector.phases[: table.n_cells, None, None]
    moved = rows[:, table.moved(window=False)]
    return np.asarray(phases * moved.transpose(1, 0, 2)).reshape(n, n)


def mean(basis: AdaptiveBasis, rows: ComplexArray, values: ComplexArray) -> float:
    """Tr[O rho_0] of a translation-invariant or plain O between neighbours, laid out as flows.

    Args:
        basis: the basis of the state.
        rows: the first rows of rho_0, at least those of cell 0.
        values: O.
    """
    table = basis.model.sites
    to = np.maximum(table.neighbours, 0)
    # <a|O|b> <b|rho|a>, where rho is Hermitian
    elements = np.take_along_axis(rows[: table.per_cell], to, axis=1).conj()
    return float(table.n_cells * np.sum(values * elements).real)


def reduced_rows(basis: AdaptiveBasis, x: ComplexArray) -> ComplexArray:
    """Its rows: those of cell 0 with translation, else all (collective)."""
    n = basis.model.n_sites
    rho = np.zeros((basis.frame.per_cell if basis.sector.translation else n, n), complex)
    if basis.frame.n_mixed:
        rows, left, right, factors, bits = _paired(basis)
        terms = factors * np.where(bits & 1, x[rows].conj(), x[rows]) * np.where(bits & 2, -1, 1)
        np.add.at(rho, (left, right), terms)
        basis.comm.Allreduce(MPI.IN_PLACE, rho)
    else:
        keys, bits, sites = reduced_labels(basis)
        values = basis.values(keys, x)
        values = np.where(bits & 1, values.conj(), values) * np.where(bits & 2, -1, 1)
        values[bits < 0] = 0
        rho[sites[:, 0], sites[:, 1]] = values
    if basis.sector.translation and not basis.sector.wraps:
        rho /= basis.model.sites.n_cells
    return rho


def hermiticity_defect(basis: AdaptiveBasis, x: ComplexArray) -> float:
    """Largest |<a|rho_n|b> - <b|rho_n'|a>*| relative to the largest element (collective).

    Momentum 0 only; n' has the excitations of terms with conjugate rates exchanged.
    """
    frame = basis.frame
    keys, bits = canonical_rows(frame, frame, basis.maps, basis.maps, basis.keys, True)
    partner = basis.values(keys, x)
    partner = np.where(bits & 1, partner.conj(), partner) * np.where(bits & 2, -1, 1)
    known = bits >= 0
    worst = np.max(np.abs(x - partner.conj())[known], initial=0.0)
    peaks = np.array(basis.comm.allgather([worst, np.max(np.abs(x), initial=0.0)])).max(axis=0)
    return float(peaks[0] / peaks[1]) if peaks[1] > 0 else 0.0


def multiply(
    source: AdaptiveBasis, x: ComplexArray, target: AdaptiveBasis, flows: ComplexArray
) -> ComplexArray:
    """O rho_n for all ADOs, for an operator O that moves the carrier to a neighbour (collective).

    Args:
        source: basis of the state.
        x: this rank's part of it.
        target: basis of the result, in the sector where O leads; it takes in what is reached.
        flows: O between neighbours, by site of cell 0 and direction, as Model.flows.

    Returns:
        This rank's part of O rho on the target basis.
    """
    ways = source.frame.hops // 2
    reached = np.empty((ways * source.n_local, source.layout.n_words), np.uint64)
    count = _reach(source.frame, target.frame, source.maps, target.maps, source.keys, reached)
    target.add(reached[:count])
    wanted = np.empty((ways * target.n_local, target.layout.n_words), np.uint64)
    factors = np.empty(ways * target.n_local, complex)
    phases = target.sector.phases if target.sector.translation else np.ones(1)
    _sources(
        source.frame,
        target.frame,
        source.maps,
        target.maps,
        target.keys,
        np.ascontiguousarray(flows),
        phases.astype(complex),
        wanted,
        factors,
    )
    values = factors * source.values(wanted, x)
    return np.asarray(values.reshape(-1, ways).sum(axis=1))


def hermitian_part(source: AdaptiveBasis, x: ComplexArray, target: AdaptiveBasis) -> ComplexArray:
    """(rho_n + rho_n^+)/2 for all ADOs, on a basis of the Hermitian sector (collective).

    Args:
        source: basis of the state.
        x: this rank's part of it.
        target: basis of the same sector but for `hermitian`; it takes in what is needed.

    Returns:
        This rank's part of the Hermitian part on the target basis.
    """
    keys, bits = canonical_rows(
        source.frame, target.frame, source.maps, target.maps, source.keys, False
    )
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


def _paired(
    basis: AdaptiveBasis,
) -> tuple[
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.float64],
    NDArray[np.int64],
]:
    """Elements that make up the reduced density matrix where terms are mixed.

    Returns:
        Of every element that symmetry makes of such a row of this rank: the row, its ket and bra,
        the product of t^n, and the bits of canonical().
    """
    first = basis.expansion.mixed_pairs[:, 0]
    arguments = (basis.frame, basis.maps, first, basis.expansion.mixing, basis.keys)
    none = np.empty((0, 4), np.int64)
    count = _find_paired(*arguments, none, np.empty(0))
    found, factors = np.empty((count, 4), np.int64), np.empty(count)
    _find_paired(*arguments, found, factors)
    return found[:, 0], found[:, 1], found[:, 2], factors, found[:, 3]


@numba.njit(cache=True)
def _find_paired(frame, maps, first, mixing, keys, found, factors):  # type: ignore[no-untyped-def]
    """Fill found with (row, a, b, bits), and factors, as far as there is room; returns how many."""
    n = empty_list(frame)
    images = np.empty((2 * frame.ways, keys.shape[1]), dtype=np.uint64)
    count = 0
    for row in range(len(keys)):
        a, b = read(frame, keys[row], n)
        factor, i = 1.0, 1
        while i <= n[0, 0]:
            pair = -1
            for p in range(len(first)):
                if n[i, 1] == first[p]:
                    pair = p
            # a list is sorted by site and term
            if (
                pair < 0
                or i == n[0, 0]
                or n[i + 1, 0] != n[i, 0]
                or n[i + 1, 1] != n[i, 1] + 1
                or n[i + 1, 2] != n[i, 2]
            ):
                factor = 0.0
                break
            factor *= mixing[pair] ** n[i, 2]
            i += 2
        if factor == 0.0:
            continue
        distinct = 0
        for conjugated in range(1 + frame.hermitian):
            for way in range(frame.ways):
                write_image(frame, maps, n, a, b, way, conjugated, images[distinct])
                known = False
                for i in range(distinct):
                    known = known or compare(images[i], images[distinct]) == 0
                if known:
                    continue
                if count < len(found):
                    left, right = carrier_sites(frame, images[distinct])
                    found[count, 0] = row
                    found[count, 1] = left
                    found[count, 2] = right
                    found[count, 3] = conjugated + 2 * ((frame.minus >> way) & 1)
                    factors[count] = factor
                distinct += 1
                count += 1
    return count


@numba.njit(cache=True)
def _reach(source, target, maps, target_maps, keys, reached):  # type: ignore[no-untyped-def]
    """Canonical keys, in the target sector, of the neighbours by hops of the ket."""
    n, m = empty_list(source), empty_list(source)
    other = np.empty(keys.shape[1], dtype=np.uint64)
    count = 0
    for row in range(len(keys)):
        a, b = read(source, keys[row], n)
        for slot in range(source.hops // 2):
            status, left, right = neighbour(source, maps, n, a, b, slot, m)
            if status == EXISTS:
                bits = canonical(target, target_maps, m, left, right, reached[count], other)
                count += bits >= 0
    return count


@numba.njit(cache=True)
def _sources(source, target, maps, target_maps, keys, flows, phases, wanted, factors):  # type: ignore[no-untyped-def]
    """Keys in the source sector whose elements make up each target row, and their factors."""
    n, m = empty_list(source), empty_list(source)
    other = np.empty(keys.shape[1], dtype=np.uint64)
    for row in range(len(keys)):
        a, b = read(source, keys[row], n)
        for slot in range(source.hops // 2):
            at = row * (source.hops // 2) + slot
            factors[at] = 0
            wanted[at] = 0
            status, left, right = neighbour(target, target_maps, n, a, b, slot, m)
            if status != EXISTS:
                continue
            bits = canonical(source, maps, m, left, right, wanted[at], other)
            if bits < 0:
                continue
            to = maps[source.ways + source.cells + slot, a]
            phase = phases[to // source.per_cell] if target.translation else 1.0
            factors[at] = flows[a % source.per_cell, slot] * phase * (-1.0 if bits & 2 else 1.0)
