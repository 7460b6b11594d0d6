"""What follows from the sites, energies and temperature of one carrier, whatever its lattice."""

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from smallpolaron.model.site_table import SiteTable
from smallpolaron.model.units import beta

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


class Carrier(ABC):
    """One carrier: H_S = sum_a e_a |a><a| + H_hop, and its current along a direction e.

    Attributes:
        temperature_K: temperature, K.
    """

    temperature_K: float

    @property
    @abstractmethod
    def sites(self) -> SiteTable:
        """The sites, and H_hop between them."""

    @property
    @abstractmethod
    def energies(self) -> FloatArray:
        """Site energies e_a, rad/fs, shape (N,)."""

    @property
    @abstractmethod
    def unit_direction(self) -> FloatArray:
        """The direction e, of length 1, shape (3,)."""

    @property
    def beta(self) -> float:
        """Inverse thermal energy, fs/rad."""
        return beta(self.temperature_K)

    @property
    def span(self) -> float:
        """Bound of the largest difference of two eigenvalues of H_S (Gershgorin), rad/fs."""
        reach = np.max(np.sum(np.abs(self.sites.hop), axis=1), initial=0.0)
        return float(2 * reach + np.ptp(self.energies))

    @property
    def hopping_matrix(self) -> ComplexArray:
        """H_hop, rad/fs, shape (N, N), Hermitian; a window wraps around here."""
        return np.asarray(self.sites.matrix(self.sites.hop).toarray())

    @property
    def hamiltonian(self) -> ComplexArray:
        """H_S, rad/fs, shape (N, N), Hermitian."""
        return self.hopping_matrix + np.diag(self.energies)

    @property
    def current(self) -> ComplexArray:
        """Current along the direction, angstrom/fs, shape (N, N), Hermitian.

        J = i[H_S, X.e] = i sum_ab h_ab (r_b - r_a).e |a><b|.

        Source: Mori paper, current operator; anomalous paper, eq. M.5.
        """
        return np.asarray(self.sites.matrix(self.flows).toarray())

    @property
    def flows(self) -> ComplexArray:
        """The current by site of cell 0 and direction in the table of sites, angstrom/fs."""
        return 1j * (self.sites.path @ self.unit_direction)

    @property
    def curvature(self) -> ComplexArray:
        """H_hop with bonds weighted by ((r_b - r_a).e)^2, laid out like flows, angstrom^2 rad/fs.

        The f-sum rule but for round trips: C_kubo(0) = -k_B T <curvature>.
        """
        e = self.unit_direction
        return np.asarray(np.einsum("sdij,i,j->sd", self.sites.square, e, e))
