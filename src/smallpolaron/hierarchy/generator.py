"""The generator of the hierarchy, and operators that act on the carrier, as PETSc matrices.

One element <a|rho_n|b> obeys (scaled hierarchy, hbar = 1)

    d<a|rho_n|b>/dt = [-i (e_a - e_b) - sum_jk n_jk nu_k - 2 Delta (a != b)] <a|rho_n|b>
        - i sum_c h_ac <c|rho_n|b> + i sum_c <a|rho_n|c> h_cb
        - i sum_k sqrt((n_ak + 1)|c_k|) <a|rho_(n+e_ak)|b>
        + i sum_k sqrt((n_bk + 1)|c_k|) <a|rho_(n+e_bk)|b>
        - i sum_k sqrt(n_ak/|c_k|) c_k  <a|rho_(n-e_ak)|b>
        + i sum_k sqrt(n_bk/|c_k|) c_k* <a|rho_(n-e_bk)|b>

because the coupling operators are site projectors. For a = b the two "up" terms cancel. This is for
real rates; a term with a complex rate has cbar_k, the conjugate coefficient of the term with the
conjugate rate, in place of c_k*, and max(|c_k|, |cbar_k|) in place of |c_k|.
Source: Shi et al. 2009 (scaling); Ishizaki and Tanimura 2005 (Delta).
"""

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.labels import pack_label, unpack_label
from smallpolaron.hierarchy.sector import rotate
from smallpolaron.model.expansion import BathExpansion, Rates
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.parallel import PETSc

ComplexArray = NDArray[np.complex128]

_CHUNK = 100_000
"""Labels whose neighbours are resolved at a time; bounds the memory of the assembly."""


@dataclass(frozen=True)
class _Couplings:
    """Coefficients of one row, whatever the operator.

    Attributes:
        ket: what multiplies from the left, shape (N, N).
        bra: what multiplies from the right, shape (N, N).
        rates: nu_k, shape (K+1,).
        dephasing: decay of coherences through the terminator, 2 Delta.
        up: sqrt|c_k|, shape (K+1,); all four empty when the operator has no bath part.
        down_ket: c_k / sqrt|c_k|, shape (K+1,).
        down_bra: c_k* / sqrt|c_k|, shape (K+1,).
    """

    ket: ComplexArray
    bra: ComplexArray
    rates: Rates
    dephasing: float
    up: NDArray[np.float64]
    down_ket: ComplexArray
    down_bra: ComplexArray


def assemble_generator(basis: Basis, model: HolsteinModel, expansion: BathExpansion) -> PETSc.Mat:
    """Generator L of d rho/dt = L rho on a basis, as a distributed AIJ matrix.

    Args:
        basis: the labels in play, n of them; what they couple to outside is dropped.
        model: the Holstein model.
        expansion: the bath expansion.

    Returns:
        L, 1/fs, shape (n, n), rows distributed like the basis, preallocated exactly.
    """
    h = model.hamiltonian
    ket, bra = expansion.down
    couplings = _Couplings(
        ket=-1j * h,
        bra=1j * h,
        rates=expansion.rates,
        dephasing=2 * expansion.terminator,
        up=np.sqrt(expansion.scales),
        down_ket=ket,
        down_bra=bra,
    )
    return _assemble(basis, couplings)


def assemble_left_multiplication(basis: Basis, operator: ComplexArray) -> PETSc.Mat:
    """The map rho_n -> O rho_n for all ADOs, as a distributed AIJ matrix.

    Args:
        basis: the labels in play, n of them.
        operator: O on the carrier, shape (N, N); in a translation sector it must be
            translation-invariant.

    Returns:
        The matrix, shape (n, n).
    """
    none, no_ado = np.empty(0), np.empty(0, dtype=complex)
    zero = np.zeros_like(operator)
    return _assemble(basis, _Couplings(operator, zero, none, 0.0, none, no_ado, no_ado))


def _assemble(basis: Basis, couplings: _Couplings) -> PETSc.Mat:
    chunks = [basis.keys[i : i + _CHUNK] for i in range(0, basis.n_local, _CHUNK)]
    # finding columns is collective: every rank takes part in as many rounds as the largest
    rounds = basis.comm.allreduce(len(chunks), op=max)
    blank = np.empty((0, basis.layout.n_words), dtype=np.uint64)
    width = _row_width(couplings)
    lengths, columns, values = [], [], []
    for r in range(rounds):
        keys = chunks[r] if r < len(chunks) else blank
        wanted, coefficients, counts = _rows(basis, couplings, keys, width)
        found = basis.find(wanted)
        kept, column, value = _merge(counts, found, coefficients)
        lengths.append(kept)
        columns.append(column)
        values.append(value)
    indptr = np.concatenate([[0], *lengths]).cumsum().astype(PETSc.IntType)
    matrix = PETSc.Mat().createAIJ(
        size=((basis.n_local, basis.size), (basis.n_local, basis.size)),
        csr=(
            indptr,
            np.concatenate([*columns, []]).astype(PETSc.IntType),
            np.concatenate([*values, []]).astype(PETSc.ScalarType),
        ),
        comm=basis.comm,
    )
    matrix.assemble()
    return matrix


def _row_width(couplings: _Couplings) -> int:
    """Most entries of a row before equal columns are merged."""
    degree = [int(np.max(np.count_nonzero(m, axis=1))) for m in (couplings.ket, couplings.bra.T)]
    return 1 + sum(degree) + 4 * len(couplings.up)


def _rows(
    basis: Basis, couplings: _Couplings, keys: NDArray[np.uint64], width: int
) -> tuple[NDArray[np.uint64], ComplexArray, NDArray[np.int64]]:
    wanted = np.empty((len(keys) * width, basis.layout.n_words), dtype=np.uint64)
    coefficients = np.empty(len(keys) * width, dtype=complex)
    counts = np.empty(len(keys), dtype=np.int64)
    used = _fill_rows(
        basis.layout.fields,
        basis.sector.translation,
        basis.sector.phases,
        couplings.ket,
        couplings.bra,
        couplings.rates,
        couplings.dephasing,
        couplings.up,
        couplings.down_ket,
        couplings.down_bra,
        keys,
        wanted,
        coefficients,
        counts,
    )
    return wanted[:used], coefficients[:used], counts


@numba.njit(cache=True)
def _fill_rows(  # type: ignore[no-untyped-def]
    fields,
    translation,
    phases,
    ket,
    bra,
    rates,
    dephasing,
    up,
    down_ket,
    down_bra,
    keys,
    wanted,
    values,
    counts,
):
    """Write the neighbours of every label and their coefficients; returns how many there are."""
    n_sites = len(phases)
    n_modes = len(fields) - 2
    n_terms = n_modes // n_sites
    n = np.empty(n_modes, dtype=np.uint8)
    turned = np.empty(n_modes, dtype=np.uint8)
    at = 0
    for row in range(len(keys)):
        first = at
        a, b = unpack_label(fields, keys[row], n)

        diagonal = ket[a, a] + bra[b, b]
        for k in range(len(rates)):
            total = 0
            for j in range(n_sites):
                total += n[j * n_terms + k]
            diagonal -= total * rates[k]
        if a != b:
            diagonal -= dephasing
        wanted[at] = keys[row]
        values[at] = diagonal
        at += 1

        for c in range(n_sites):
            if c != a and ket[a, c] != 0:
                if translation:
                    # bring the ket, now at site c, back to site 0
                    rotate(n, c, n_sites, turned)
                    pack_label(fields, turned, 0, (b - c) % n_sites, wanted[at])
                    values[at] = ket[a, c] * phases[c]
                else:
                    pack_label(fields, n, c, b, wanted[at])
                    values[at] = ket[a, c]
                at += 1
            if c != b and bra[c, b] != 0:
                pack_label(fields, n, a, c, wanted[at])
                values[at] = bra[c, b]
                at += 1

        for k in range(len(up)):
            for side in range(2):
                if side == 1 and a == b:
                    break
                m = (a if side == 0 else b) * n_terms + k
                sign = -1j if side == 0 else 1j
                scale = down_ket[k] if side == 0 else down_bra[k]
                if a == b:
                    scale = down_ket[k] - down_bra[k]
                occupation = n[m]
                if a != b and occupation + 1 < (1 << fields[m, 2]):
                    n[m] = occupation + 1
                    pack_label(fields, n, a, b, wanted[at])
                    values[at] = sign * np.sqrt(occupation + 1.0) * up[k]
                    at += 1
                if occupation > 0 and scale != 0:
                    n[m] = occupation - 1
                    pack_label(fields, n, a, b, wanted[at])
                    values[at] = sign * np.sqrt(float(occupation)) * scale
                    at += 1
                n[m] = occupation
        counts[row] = at - first
    return at


@numba.njit(cache=True)
def _merge(counts, found, coefficients):  # type: ignore[no-untyped-def]
    """Drop absent columns, sort the rest of every row and add up equal ones."""
    columns = np.empty(len(found), dtype=np.int64)
    values = np.empty(len(found), dtype=np.complex128)
    kept = np.empty(len(counts), dtype=np.int64)
    read, write = 0, 0
    for row in range(len(counts)):
        first = write
        for i in range(read, read + counts[row]):
            if found[i] < 0:
                continue
            place = write
            while place > first and columns[place - 1] > found[i]:
                place -= 1
            if place > first and columns[place - 1] == found[i]:
                values[place - 1] += coefficients[i]
                continue
            for q in range(write, place, -1):
                columns[q] = columns[q - 1]
                values[q] = values[q - 1]
            columns[place] = found[i]
            values[place] = coefficients[i]
            write += 1
        read += counts[row]
        kept[row] = write - first
    return kept, columns[:write], values[:write]
