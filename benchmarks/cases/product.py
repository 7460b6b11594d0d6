"""One product with the generator: the compact operator, PETSc's AIJ, and the memory they move."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from mpi4py import MPI
from petsc4py import PETSc

from benchmarks.cases.bases import odd_basis, pseudo_state
from benchmarks.cases.stream import triad_rate
from smallpolaron.hierarchy.compact import CompactGenerator
from smallpolaron.hierarchy.views import Sparsity

_COMPLEX = 16


def compare(
    n_sites: int, depth: int, eta_cm: float, gamma_cm: float, stream_bytes: int
) -> dict[str, Any]:
    """Time both formats on the same labels, next to triads of the same run.

    Args:
        n_sites: N.
        depth: depth of the fixed basis whose labels are taken.
        eta_cm: coupling, cm^-1.
        gamma_cm: rate of the bath, cm^-1.
        stream_bytes: size of the long triad's arrays together.

    Returns:
        Labels, entries, bytes moved per product, seconds per product of both, rates of a triad
        far larger than the cache and of one as large as the product's data, and the largest
        relative difference of the two products.
    """
    basis = odd_basis(n_sites, depth, eta_cm, gamma_cm, MPI.COMM_SELF)
    sparsity = basis.sparsity()
    compact = CompactGenerator(basis)
    matrix = _aij(sparsity, basis.table)
    x = pseudo_state(basis.keys, 1)
    y = np.empty_like(x)
    x_vec, y_vec = matrix.createVecRight(), matrix.createVecLeft()
    x_vec.array_w[:] = x
    compact.apply(x, y)
    matrix.mult(x_vec, y_vec)
    difference = float(np.max(np.abs(y - y_vec.array_r)) / np.max(np.abs(y)))
    labels, entries = basis.size, len(sparsity.columns) + basis.size
    moved = compact_bytes(labels, len(sparsity.columns), sparsity.codes.itemsize)
    long = triad_rate(stream_bytes)
    return {
        "labels": labels,
        "entries": entries,
        "compact_bytes": moved,
        "aij_bytes": aij_bytes(labels, entries, np.dtype(PETSc.IntType).itemsize),
        "compact_s": _best(lambda: compact.apply(x, y)),
        "aij_s": _best(lambda: matrix.mult(x_vec, y_vec)),
        "triad_bytes_per_s": max(long, triad_rate(stream_bytes)),
        "triad_same_size_bytes_per_s": triad_rate(moved),
        "difference": difference,
    }


def compact_bytes(labels: int, off_diagonal: int, code_bytes: int) -> int:
    """Least traffic of one product of the compact operator, by STREAM's count.

    Columns and codes, rows, their lengths and the diagonal once; the state is read and copied next
    to its halo, read from there once (as if gathers always hit the cache), and the result written.
    """
    return off_diagonal * (4 + code_bytes) + labels * (4 + 2 + _COMPLEX + 4 * _COMPLEX)


def aij_bytes(labels: int, entries: int, index_bytes: int) -> int:
    """Least traffic of one AIJ product: values and columns, row pointers, state, result."""
    return entries * (_COMPLEX + index_bytes) + labels * (index_bytes + 2 * _COMPLEX)


def _aij(sparsity: Sparsity, table: np.ndarray[Any, np.dtype[np.complex128]]) -> PETSc.Mat:
    """The rows of the compact operator as AIJ (one rank)."""
    n = sparsity.size
    own = np.arange(n)
    rows = np.concatenate([own, sparsity.row_of_entry]).astype(PETSc.IntType)
    columns = np.concatenate([own, sparsity.columns]).astype(PETSc.IntType)
    values = np.concatenate([sparsity.diagonal, table[sparsity.codes]])
    matrix = PETSc.Mat().createAIJ(
        size=(n, n),
        nnz=np.bincount(rows).astype(PETSc.IntType),
        comm=MPI.COMM_SELF,
    )
    # several slots of a label can lead to one representative: their coefficients add up
    matrix.setPreallocationCOO(rows, columns)
    matrix.setValuesCOO(values, PETSc.InsertMode.INSERT_VALUES)
    return matrix


def _best(product: Callable[[], object], least_seconds: float = 1.5) -> float:
    best, began = np.inf, time.perf_counter()
    while time.perf_counter() - began < least_seconds:
        start = time.perf_counter()
        product()
        best = min(best, time.perf_counter() - start)
    return float(best)
