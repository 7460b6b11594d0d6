"""Shape of a conductivity within a measured window, in a few numbers with their errors.

A window of terahertz spectroscopy ends long before the memory kernel has spoken, so that its
moments are out of reach. What it fixes is the shape of sigma itself, whatever its scale: the
modulus of the real part, relative to that at the lower end, and the phase.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from smallpolaron.analysis._checks import FloatArray, complex_series

NODES: Final = (0.05, 0.5, 0.95)
"""Where the shape is read off, as shares of the window."""

FEWEST: Final = 10
"""Frequencies needed."""

SHAPE: Final = ("re_ratio_middle", "re_ratio_end", "phase_start", "phase_middle", "phase_end")
"""Names of the numbers: logarithms of Re sigma over that at the first node; phases in rad."""


@dataclass(frozen=True)
class Window:
    """Frequencies of a measurement, and how much each of them counts.

    Attributes:
        omega: increasing angular frequencies in rad/fs, (frequencies,).
        error: standard error of either part of sigma there, above zero, (frequencies,).
    """

    omega: FloatArray
    error: FloatArray

    @property
    def nodes(self) -> FloatArray:
        """Frequencies at which the shape is read off, rad/fs, (3,)."""
        first, last = self.omega[0], self.omega[-1]
        return np.asarray(first + np.array(NODES) * (last - first), dtype=np.float64)

    def _smoothing(self) -> tuple[FloatArray, FloatArray]:
        """Matrices that take real and imaginary part to their smoothed values at the nodes.

        sigma(-omega) is the complex conjugate: the real part is even, the imaginary part odd. The
        same three powers of either kind serve measured and computed curves, so that what they
        leave out is left out of both.
        """
        u, at = self.omega / self.omega[-1], self.nodes / self.omega[-1]
        matrices = []
        for powers in ((0, 2, 4), (1, 3, 5)):
            basis = np.stack([u**p for p in powers], axis=1) / self.error[:, None]
            there = np.stack([at**p for p in powers], axis=1)
            matrices.append(there @ np.linalg.pinv(basis) / self.error)
        return matrices[0], matrices[1]

    def shape(self, sigma: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Numbers of SHAPE, and their covariance from the errors of sigma.

        Args:
            sigma: complex conductivity or mobility in any one unit, (frequencies,).

        Returns:
            The numbers, (5,), and their covariance by linear propagation, (5, 5).

        Raises:
            ValueError: there are too few frequencies, or the smoothed real part is not positive.
        """
        values = complex_series("sigma", sigma, self.omega.size)
        if values.size < FEWEST:
            raise ValueError(f"the window has {values.size} frequencies; needed are {FEWEST}")
        even, odd = self._smoothing()
        real, imaginary = even @ values.real, odd @ values.imag
        if np.any(real <= 0.0):
            raise ValueError(
                "Re sigma, smoothed over the window, is not positive: too much noise, or a wrong "
                "phase or background; cut the table where it is noise"
            )
        numbers = np.concatenate([np.log(real[1:] / real[0]), np.arctan2(imaginary, real)])
        slopes = np.zeros((5, 6))
        slopes[:2, 0], slopes[0, 1], slopes[1, 2] = -1.0 / real[0], 1.0 / real[1], 1.0 / real[2]
        size = real**2 + imaginary**2
        slopes[2:, :3], slopes[2:, 3:] = np.diag(-imaginary / size), np.diag(real / size)
        noise = np.zeros((6, 6))
        noise[:3, :3] = (even * self.error**2) @ even.T
        noise[3:, 3:] = (odd * self.error**2) @ odd.T
        return numbers, slopes @ noise @ slopes.T
