"""The carrier's part of a state on an adaptive basis: expectation values and the density matrix."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from smallpolaron.compiled import compiled
from smallpolaron.dynamics.operators import elements_below
from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.couplings import BathOperator
from smallpolaron.hierarchy.elements import canonical_rows
from smallpolaron.hierarchy.excitations import carrier_sites, empty_list, image, read
from smallpolaron.hierarchy.labels import Keys, compare
from smallpolaron.hierarchy.neighbours import write_image
from smallpolaron.parallel import MPI

ComplexArray = NDArray[np.complex128]
Operator = ComplexArray | csr_array | BathOperator


def reduced_labels(basis: Basis) -> tuple[Keys, NDArray[np.int64], NDArray[np.int64]]:
    """Canonical keys and bits of the elements <a|rho_0|b>.

    Returns:
        (keys (m, words), bits (m,), sites (m, 2)): a in cell 0 with translation, else all.
    """
    n, own = basis.model.n_sites, _kets(basis)
    kets, bras = np.repeat(np.arange(own), n), np.tile(np.arange(n), own)
    vacuum = np.zeros((len(kets), basis.layout.n_modes), np.uint8)
    keys, bits = basis.canonical_keys(vacuum, kets, bras)
    return keys, bits, np.stack([kets, bras], axis=1)


def _kets(basis: Basis) -> int:
    """Sites that a ket may be on: those of cell 0 with translation."""
    return basis.frame.per_cell if basis.sector.translation else basis.model.n_sites


@dataclass(frozen=True)
class Readout:
    """Linear functionals of all ADOs: expectation values Tr[O rho].

    Without mixed terms the reduced density matrix is rho_0, and bath operators read the ADOs of one
    excitation. With them it is the sum of prod t^n rho_n over all n that have as many excitations
    of one term of every mixed pair as of the other, and no others.

    Attributes:
        keys: canonical keys of the elements it reads without mixed terms, the same on every rank.
        weights: shape (operators, keys).
        bare: what multiplies <a|rho_n|b> of every representative, shape (N, N) each.
        assisted: what multiplies <a|rho_n|b> in row mu N + a, column b, where mode mu has one
            excitation that is left over; shape (modes N, N) each.
        signs: what a reflected element counts in each, shape (operators,).
        real: only the real part of the sum means something: in Hermitian sectors, where one
            element stands for its conjugate as well.
    """

    keys: Keys
    weights: ComplexArray
    bare: tuple[csr_array, ...]
    assisted: tuple[csr_array | None, ...]
    signs: NDArray[np.float64]
    real: bool = False

    @classmethod
    def of(cls, basis: Basis, operators: Sequence[Operator]) -> "Readout":
        """Readout of Tr[O rho] for each operator O: of the carrier, shape (N, N), or with baths.

        With translation, operators must have that symmetry or be diagonal; in a Hermitian sector
        they must be Hermitian.
        """
        parts, copies = [_read_by(basis, each) for each in operators], basis.sector.copies
        unique, place = np.unique(
            np.concatenate([keys for keys, _ in parts]), axis=0, return_inverse=True
        )
        merged = np.zeros((len(operators), len(unique)), complex)
        rows = np.repeat(np.arange(len(parts)), [len(keys) for keys, _ in parts])
        np.add.at(merged, (rows, np.ravel(place)), np.concatenate([w for _, w in parts]))
        used = np.any(merged != 0, axis=0)
        bare = [each.bare if isinstance(each, BathOperator) else each for each in operators]
        assisted = tuple(
            copies * each.by_mode if isinstance(each, BathOperator) else None for each in operators
        )
        return cls(
            np.ascontiguousarray(unique[used]),
            np.ascontiguousarray(merged[:, used]),
            tuple(csr_array(copies * each.T) for each in bare),
            assisted,
            np.array([_reflected_sign(basis, each) for each in bare]),
            basis.sector.hermitian,
        )

    def held(self, basis: Basis) -> NDArray[np.int64]:
        """This rank's rows of the elements of rho_0."""
        rows = basis.local_rows(self.keys)
        return rows[rows >= 0]

    def locate(self, basis: Basis) -> tuple[NDArray[np.int64], ComplexArray]:
        """This rank's rows and the weights of them, shape (operators, rows)."""
        if basis.frame.n_mixed and len(self.keys):
            found = _paired(basis, assisted=basis.frame.assisted)
            bits, left, right = found.bits, found.left, found.right
            terms = np.zeros((len(self.bare), len(bits)), complex)
            alone, over = found.mode < 0, found.mode >= 0
            for row, (bare, assisted) in enumerate(zip(self.bare, self.assisted, strict=True)):
                terms[row, alone] = _entries(bare, left[alone], right[alone])
                if assisted is not None:
                    at = found.mode[over] * basis.model.n_sites + left[over]
                    terms[row, over] = _entries(assisted, at, right[over])
            terms = terms * found.factors * np.where(bits & 2, self.signs[:, None], 1.0)
            weights = np.zeros((basis.n_local, len(terms)), complex)
            np.add.at(weights, found.rows, np.where(bits & 1, terms.conj(), terms).T)
            read = np.flatnonzero(np.any(weights != 0, axis=1))
            return read, np.ascontiguousarray(weights[read].T)
        where = basis.local_rows(self.keys)
        mine = where >= 0
        return where[mine], np.ascontiguousarray(self.weights[:, mine])

    def read(self, basis: Basis, x: ComplexArray) -> ComplexArray:
        """Values, shape (operators,), the same on every rank (collective)."""
        rows, weights = self.locate(basis)
        return self.value(basis.comm.allreduce(weights @ x[rows]))

    def value(self, total: ComplexArray) -> ComplexArray:
        """The sum over all ranks, without a part that means nothing."""
        return total.real.astype(complex) if self.real else np.asarray(total)


def _entries(matrix: Any, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> ComplexArray:
    """Elements of a dense or sparse matrix, shape (rows,)."""
    found = matrix[rows, columns]
    dense = found if isinstance(found, np.ndarray) else found.toarray()
    return np.asarray(dense, dtype=np.complex128)


def _read_by(basis: Basis, operator: Operator) -> tuple[Keys, ComplexArray]:
    """Canonical keys of the elements that Tr[O rho] reads, with repeats, and their weights."""
    copies = basis.sector.copies
    if isinstance(operator, BathOperator):
        # (O rho)_0 on the diagonal
        at = np.arange(_kets(basis))
        vacuum = basis.layout.pack(np.zeros((len(at), basis.layout.n_modes), np.uint8), at, at)
        keys, weights, bits = elements_below(basis, basis, vacuum, operator.table)
        weights = copies * weights
    else:
        keys, bits, sites = reduced_labels(basis)
        weights = copies * _entries(operator, sites[:, 1], sites[:, 0])
    weights = weights * np.where(bits & 2, -1.0, 1.0)
    weights[bits < 0] = 0
    # Re(w x*) = Re(w* x)
    return keys, np.where(bits & 1, weights.conj(), weights)


def _reflected_sign(basis: Basis, operator: ComplexArray | csr_array) -> float:
    """-1 where an operator reads the odd part of a state that has both, or a state that is odd."""
    ways, signs = basis.sector.operations
    if not basis.sector.odd_part or np.all(signs > 0):
        return -1.0
    way, whole = ways[signs < 0][0], csr_array(operator)
    inside = np.flatnonzero(way >= 0)
    change = whole[way[inside]][:, way[inside]] + whole[inside][:, inside]
    largest = np.max(np.abs(whole.data), initial=0.0)
    return -1.0 if np.max(np.abs(change.data), initial=0.0) <= 1e-9 * largest else 1.0


def reduced_density_matrix(basis: Basis, x: ComplexArray) -> ComplexArray:
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


def mean(basis: Basis, rows: ComplexArray, values: ComplexArray) -> float:
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


def reduced_rows(basis: Basis, x: ComplexArray) -> ComplexArray:
    """Its rows: those of cell 0 with translation, else all (collective)."""
    n = basis.model.n_sites
    rho = np.zeros((basis.frame.per_cell if basis.sector.translation else n, n), complex)
    if basis.frame.n_mixed:
        found = _paired(basis)
        bits, values = found.bits, x[found.rows]
        terms = np.where(bits & 1, values.conj(), values) * np.where(bits & 2, -1, 1)
        np.add.at(rho, (found.left, found.right), found.factors * terms)
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


def hermiticity_defect(basis: Basis, x: ComplexArray) -> float:
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


class _Paired(NamedTuple):
    """Elements that make up traces over the baths where terms are mixed, by images of rows.

    Attributes:
        rows: of this rank.
        left, right: ket and bra of the image.
        factors: product of t^n, times sqrt(n + 1) sqrt(s) of an excitation that is left over.
        bits: of canonical().
        mode: that of the excitation left over, -1 for none.
    """

    rows: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    factors: NDArray[np.float64]
    bits: NDArray[np.int64]
    mode: NDArray[np.int64]


def _paired(basis: Basis, *, assisted: bool = False) -> _Paired:
    """Elements of the reduced density matrix and, if assisted, of Tr_bath[X_mu rho]."""
    functions = basis.expansion.functions
    arguments = (
        basis.frame,
        basis.maps,
        functions.mixed_pairs[:, 0],
        functions.mixing,
        functions.roots if assisted else np.zeros(0),
        basis.keys,
    )
    count = _find_paired(*arguments, np.empty((0, 5), np.int64), np.empty(0))
    found, factors = np.empty((count, 5), np.int64), np.empty(count)
    _find_paired(*arguments, found, factors)
    rows, left, right, bits, mode = found.T
    return _Paired(rows, left, right, factors, bits, mode)


@compiled
def _trace_factor(n, first, mixing, roots):  # type: ignore[no-untyped-def]
    """(factor, mode of the excitation left over or -1) of a sorted list; see _Paired."""
    factor, mode, i = 1.0, -1, 1
    while i <= n[0, 0]:
        term, number, other, t = n[i, 1], n[i, 2], 0, 0.0
        i += 1
        for p in range(len(first)):
            if term == first[p] or term == first[p] + 1:
                t = mixing[p]
                follows = term == first[p] and i <= n[0, 0] and n[i, 0] == n[i - 1, 0]
                if follows and n[i, 1] == term + 1:
                    other = n[i, 2]
        at = i - 1
        if other > 0:
            i += 1
        both = min(number, other)
        if number != other:
            if len(roots) == 0 or mode >= 0 or abs(number - other) != 1:
                return 0.0, -1
            mode = n[at, 0]
            factor *= np.sqrt(both + 1.0) * roots[term]
        factor *= t**both
    return factor, mode


@compiled
def _find_paired(frame, maps, first, mixing, roots, keys, found, factors):  # type: ignore[no-untyped-def]
    """Fill found with (row, a, b, bits, mode) and factors, as far as there is room; the count."""
    n = empty_list(frame)
    images = np.empty((2 * frame.ways, keys.shape[1]), dtype=np.uint64)
    count = 0
    for row in range(len(keys)):
        a, b = read(frame, keys[row], n)
        factor, mode = _trace_factor(n, first, mixing, roots)
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
                    found[count, 4] = mode
                    if mode >= 0:
                        cell = 0
                        if frame.translation:
                            cell = maps[way, b if conjugated else a] // frame.per_cell
                        found[count, 4] = image(frame, maps, frame.modes_at, way, cell, mode)
                    factors[count] = factor
                distinct += 1
                count += 1
    return count
