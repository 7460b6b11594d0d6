"""What is read off a state: expectation values, their derivatives, checks of its structure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.labels import Keys
from smallpolaron.hierarchy.sector import rotate_labels
from smallpolaron.hierarchy.truncation import BUDGET_SLACK, Truncation
from smallpolaron.parallel import MPI, PETSc

ComplexArray = NDArray[np.complex128]


def new_vector(basis: Basis) -> PETSc.Vec:
    """A zero vector distributed like the basis."""
    return PETSc.Vec().createMPI((basis.n_local, basis.size), comm=basis.comm)


def _reduced_keys(basis: Basis) -> tuple[Keys, NDArray[np.int64], NDArray[np.int64]]:
    """Keys of the independent elements of rho_0 with their kets and bras, the same on all ranks."""
    n = basis.sector.n_sites
    kets = np.repeat(basis.sector.kets, n)
    bras = np.tile(np.arange(n), len(basis.sector.kets))
    vacuum = np.zeros((len(kets), basis.layout.n_modes), dtype=np.uint8)
    return basis.layout.pack(vacuum, kets, bras), kets, bras


def trace_functional(basis: Basis, operator: ComplexArray) -> PETSc.Vec:
    """The vector w with w . x = Tr[O rho_0] for a state x on the basis (no conjugation).

    Args:
        basis: the labels in play, n of them; momentum 0 when the sector has translation.
        operator: O on the carrier, shape (N, N); translation-invariant in a translation sector.

    Returns:
        w, length n, distributed like the basis.
    """
    keys, kets, bras = _reduced_keys(basis)
    rows = basis.find(keys).astype(PETSc.IntType)
    copies = basis.sector.n_sites if basis.sector.translation else 1
    w = new_vector(basis)
    if basis.comm.rank == 0:
        w.setValues(rows, copies * operator[bras, kets])
    w.assemble()
    return w


def reduced_density_matrix(basis: Basis, state: PETSc.Vec) -> ComplexArray:
    """Reduced density matrix rho_0 of the carrier, shape (N, N), the same on every rank."""
    keys, kets, bras = _reduced_keys(basis)
    rows = basis.find(keys) - basis.start
    mine = (rows >= 0) & (rows < basis.n_local)
    n = basis.sector.n_sites
    local = np.zeros((n, n), dtype=complex)
    local[kets[mine], bras[mine]] = state.array_r[rows[mine]]
    rho = np.asarray(basis.comm.allreduce(local))
    if basis.sector.translation:
        phases = basis.sector.phases
        return np.array([[phases[a] * rho[0, (b - a) % n] for b in range(n)] for a in range(n)])
    return rho


def hermiticity_defect(basis: Basis, state: PETSc.Vec, partners: NDArray[np.int64]) -> float:
    """Largest |<a|rho_n|b> - <b|rho_n'|a>*| over all ADOs, relative to the largest element.

    Zero for the image of a Hermitian start; momentum 0 only (other sectors map onto each other).
    The basis must hold n' with n: the excitations of partners (BathExpansion.partners) exchanged.
    """
    occupations, kets, bras = basis.labels()
    occupations = _exchanged(occupations, partners)
    if basis.sector.translation:
        # the partner <b|rho_n|0> is brought back to ket 0 by turning the ring
        partner = basis.layout.pack(
            rotate_labels(occupations, bras, basis.sector.n_sites),
            kets,
            (kets - bras) % basis.sector.n_sites,
        )
    else:
        partner = basis.layout.pack(occupations, bras, kets)
    rows = basis.find(partner)
    image = new_vector(basis)
    source = PETSc.IS().createGeneral(rows.astype(PETSc.IntType), comm=basis.comm)
    target = PETSc.IS().createStride(basis.n_local, basis.start, 1, comm=basis.comm)
    PETSc.Scatter().create(state, source, image, target).scatter(state, image)
    difference = np.abs(state.array_r - np.conj(image.array_r))
    worst = basis.comm.allreduce(float(np.max(difference, initial=0.0)), op=MPI.MAX)
    largest = state.norm(PETSc.NormType.INFINITY)
    return worst / largest if largest > 0 else 0.0


def _exchanged(occupations: NDArray[np.uint8], partners: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Excitations of partners exchanged on every site, shape as given, (rows, n_modes)."""
    by_term = occupations.reshape(len(occupations), -1, len(partners))
    return np.ascontiguousarray(by_term[:, :, partners]).reshape(occupations.shape)


@dataclass(frozen=True)
class Frontier:
    """The outermost ADOs: those that the truncation cuts off from a next tier of the first term.

    Attributes:
        rows: local rows of their elements.
        comm: the communicator.
    """

    rows: NDArray[np.int64]
    comm: MPI.Intracomm

    @classmethod
    def of(cls, basis: Basis, truncation: Truncation) -> "Frontier":
        """Frontier of a fixed basis."""
        weights = truncation.term_weights(basis.layout.n_terms)
        occupations, _, _ = basis.labels()
        used = occupations @ np.tile(weights, basis.sector.n_sites)
        rows = np.flatnonzero(used + weights[0] > truncation.depth + BUDGET_SLACK)
        return cls(rows, basis.comm)

    def weight(self, state: PETSc.Vec) -> float:
        """Norm of the state on the frontier relative to its whole norm (collective)."""
        x = state.array_r
        part = self.comm.allreduce(float(np.linalg.norm(x[self.rows]) ** 2))
        whole = state.norm()
        return float(np.sqrt(part)) / whole if whole > 0 else 0.0


@dataclass(frozen=True)
class Probe:
    """Reads expectation values and their time derivatives off a state.

    The p-th derivative of Tr[O rho_0] is w . L^p x = ((L^T)^p w) . x, and (L^T)^p w reaches only p
    tiers into the hierarchy: a handful of elements instead of a product with L.

    Attributes:
        rows: local rows that any functional touches, shape (m,).
        weights: shape (orders, operators, m).
        comm: the communicator.
    """

    rows: NDArray[np.int64]
    weights: ComplexArray
    comm: MPI.Intracomm

    @classmethod
    def of(
        cls, basis: Basis, generator: PETSc.Mat, operators: list[ComplexArray], orders: int
    ) -> "Probe":
        """Probe of Tr[O rho_0] and its derivatives of order below `orders`, for each operator."""
        functionals = []
        for operator in operators:
            w = trace_functional(basis, operator)
            column = [w.array_r.copy()]
            for _ in range(orders - 1):
                image = w.duplicate()
                generator.multTranspose(w, image)
                w = image
                column.append(w.array_r.copy())
            functionals.append(column)
        dense = np.array(functionals).transpose(1, 0, 2)
        rows = np.flatnonzero(np.any(dense != 0, axis=(0, 1)))
        return cls(rows, dense[:, :, rows], basis.comm)

    def read_local(self, state: PETSc.Vec) -> ComplexArray:
        """This rank's part of the values, shape (orders, operators); their sum is the value."""
        return np.asarray(self.weights @ state.array_r[self.rows])

    def read(self, state: PETSc.Vec) -> ComplexArray:
        """Values, shape (orders, operators), the same on every rank (collective)."""
        return np.asarray(self.comm.allreduce(self.read_local(state)))
