"""Moments of the spectrum of the memory kernel, against the frequency up to which it is known.

The spectrum Re K(omega) is taken as a distribution over positive frequencies, cut at an upper
limit. Its moments depend on that limit, because Re K falls off slowly; a moment without its limit
says nothing. The scale of K cancels, so that Re[1/sigma(omega)] serves as well as Re K(omega):
neither the unit of a conductivity nor C(0) is needed.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline

from smallpolaron.analysis._checks import ComplexArray, FloatArray, complex_series, real_series

MOMENT_LIMIT: Final = 0.40
"""Upper frequency limit of the moments in rad/fs (63.7 THz, 2120 cm^-1) when none is chosen."""

FEWEST_FREQUENCIES: Final = 8
"""Frequencies up to the lowest limit below which no moments are taken."""

LARGEST_GAP: Final = 0.05
"""Largest share of the lowest limit that may lie below the first frequency."""

# Four points integrate a cubic times the fourth power exactly.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(4)
_ORDERS: Final = 5


@dataclass(frozen=True)
class KernelMoments:
    """Moments of the normalised spectrum for every upper limit.

    Attributes:
        limit: upper limits in rad/fs, (limits,).
        norm: integral of the spectrum up to each limit, in its unit times rad/fs, (limits,).
        raw: moments <omega**n> for n = 0 ... 4, in (rad/fs)**n, (limits, 5).
        negative_share: integral of the negative part of the spectrum over that of its magnitude,
            up to the highest limit. A memory kernel has none; noise and wrong phases do.
    """

    limit: FloatArray
    norm: FloatArray
    raw: FloatArray
    negative_share: float

    @property
    def mean(self) -> FloatArray:
        """Mean <omega> in rad/fs, (limits,)."""
        return self.raw[:, 1]

    @property
    def variance(self) -> FloatArray:
        """Variance <omega**2> - <omega>**2 in (rad/fs)**2, (limits,)."""
        return self.raw[:, 2] - self.mean**2

    @property
    def skewness(self) -> FloatArray:
        """Third central moment over the variance to the power 3/2, (limits,)."""
        m, second, third = self.raw[:, 1:4].T
        return np.asarray((third - 3.0 * m * second + 2.0 * m**3) / self.variance**1.5)

    @property
    def kurtosis(self) -> FloatArray:
        """Fourth central moment over the squared variance, (limits,); 3 for a Gaussian."""
        m, second, third, fourth = self.raw[:, 1:].T
        central = fourth - 4.0 * m * third + 6.0 * m**2 * second - 3.0 * m**4
        return np.asarray(central / self.variance**2)


def kernel_moments(omega: ArrayLike, spectrum: ArrayLike, limits: ArrayLike) -> KernelMoments:
    """Moments of a spectrum on given frequencies.

    Args:
        omega: increasing angular frequencies, none negative, in rad/fs, (frequencies,); they may
            be uneven.
        spectrum: Re K(omega), or Re[1/sigma(omega)], in any one unit, (frequencies,).
        limits: upper limits in rad/fs, (limits,), none beyond the last frequency.

    Returns:
        KernelMoments; error of order (distance of the frequencies)**4.

    Raises:
        ValueError: if an input is malformed, a limit is beyond the frequencies, there are too few
            of them below it, they begin too late, or the spectrum has no positive integral.

    Source:
        Bhattacharyya, Sayer, Montoya-Castillo, Chem. Sci. 2024, eq. 9. The cubic spline through
        the spectrum and its mirror image at negative frequencies (Re K is even) is integrated
        exactly.
    """
    frequencies, values, upper = _checked(omega, spectrum, limits)
    spline = _even_spline(frequencies, values)
    order = np.argsort(upper, kind="stable")
    edges = np.concatenate([[0.0], upper[order]])
    pieces = [_piece(spline, frequencies, left, right) for left, right in pairwise(edges)]
    sums = np.empty((upper.size, _ORDERS + 2))
    sums[order] = np.cumsum(pieces, axis=0)
    norm = sums[:, 0]
    if np.any(norm <= 0.0):
        raise ValueError(
            f"spectrum: its integral up to {upper[np.argmin(norm)]:.4g} rad/fs is not positive; "
            "Re K of a decaying current cannot be negative: check phase and sign of the data"
        )
    last = sums[order[-1]]
    negative = float(last[_ORDERS] / last[_ORDERS + 1])
    return KernelMoments(upper, norm, sums[:, :_ORDERS] / norm[:, None], negative)


def _piece(spline: CubicSpline, frequencies: FloatArray, left: float, right: float) -> FloatArray:
    """Integrals from left to right of omega**n times the spline, of its negative part, of |it|."""
    inside = frequencies[(frequencies > left) & (frequencies < right)]
    ends = np.concatenate([[left], inside, [right]])
    half = 0.5 * np.diff(ends)
    points = (0.5 * (ends[1:] + ends[:-1]))[:, None] + half[:, None] * _NODES
    weighted = half[:, None] * _WEIGHTS * spline(points)
    moments = [np.sum(points**n * weighted) for n in range(_ORDERS)]
    return np.array([*moments, np.sum(np.maximum(-weighted, 0.0)), np.sum(np.abs(weighted))])


def _even_spline(frequencies: FloatArray, values: FloatArray) -> CubicSpline:
    start = 1 if frequencies[0] == 0.0 else 0
    both = np.concatenate([-frequencies[start:][::-1], frequencies])
    return CubicSpline(both, np.concatenate([values[start:][::-1], values]))


def reaches(omega: FloatArray, limit: float) -> bool:
    """Whether frequencies begin early and end late enough for moments up to a limit in rad/fs."""
    return (
        int(np.count_nonzero(omega <= limit)) >= FEWEST_FREQUENCIES
        and bool(omega[-1] >= limit * (1.0 - 1e-12))
        and bool(omega[0] <= LARGEST_GAP * limit)
    )


def _checked(
    omega: ArrayLike, spectrum: ArrayLike, limits: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    frequencies = real_series("omega", omega)
    values = real_series("spectrum", spectrum, frequencies.size)
    upper = real_series("limits", limits)
    if upper.size == 0 or np.any(upper <= 0.0):
        raise ValueError("limits: needs one or more frequencies above 0 rad/fs")
    if frequencies.size and (frequencies[0] < 0.0 or np.any(np.diff(frequencies) <= 0.0)):
        raise ValueError(
            "omega: must increase and not be negative; sort the table by frequency and remove "
            "repeated and negative frequencies"
        )
    lowest, highest = float(upper.min()), float(upper.max())
    count = int(np.count_nonzero(frequencies <= lowest))
    if count < FEWEST_FREQUENCIES:
        raise ValueError(
            f"omega: {count} frequencies up to {lowest:.4g} rad/fs; moments need "
            f"{FEWEST_FREQUENCIES} or more"
        )
    if frequencies[-1] < highest * (1.0 - 1e-12):
        raise ValueError(
            f"omega ends at {frequencies[-1]:.4g} rad/fs, before the limit of {highest:.4g} "
            "rad/fs: choose a lower limit, or extend the data"
        )
    if frequencies[0] > LARGEST_GAP * lowest:
        raise ValueError(
            f"omega begins at {frequencies[0]:.4g} rad/fs: at most {LARGEST_GAP:.0%} of the "
            f"limit of {lowest:.4g} rad/fs may be missing below the first frequency"
        )
    return frequencies, values, upper


def inverse_conductivity(sigma: ArrayLike) -> FloatArray:
    """Kernel spectrum Re(1/sigma), (frequencies,), of a complex conductivity, up to a factor.

    The unit of sigma and the sign of its imaginary part do not matter.

    Raises:
        ValueError: if a value is zero or not finite.

    Source:
        K(omega) = C(0)/C(omega) + i omega, with sigma proportional to the half-line transform
        C(omega) of the Kubo transform (Chem. Sci. 2024, text before eq. 9); i omega has no real
        part.
    """
    values = complex_series("sigma", sigma)
    zero = np.flatnonzero(values == 0.0)
    if zero.size:
        raise ValueError(
            f"sigma[{zero[0]}] = 0: the kernel is its inverse; cut the table where sigma vanishes"
        )
    return np.asarray(np.real(1.0 / values), dtype=np.float64)


def conductivity_noise(omega: ArrayLike, sigma: ArrayLike, error: ArrayLike | None = None) -> float:
    """Standard error of either part of a measured conductivity, from its scatter.

    Args:
        omega: increasing frequencies, (frequencies,), at least 8.
        sigma: complex conductivity (frequencies,).
        error: standard errors to compare the scatter with, above zero, (frequencies,).

    Returns:
        The error in the unit of sigma, or as a multiple of the given ones: the median distance from
        the line through the two neighbours, or from the cubic through the four nearest if that is
        smaller. What is left of the curvature of sigma counts as scatter.

    Raises:
        ValueError: if an input is malformed or has fewer than 8 frequencies.
    """
    frequencies = real_series("omega", omega)
    values = complex_series("sigma", sigma, frequencies.size)
    if frequencies.size < FEWEST_FREQUENCIES:
        raise ValueError(f"omega has {frequencies.size} values: needs {FEWEST_FREQUENCIES} or more")
    size = np.ones_like(frequencies) if error is None else real_series("error", error, values.size)
    return min(_scatter(frequencies, values, size, reach) for reach in (1, 2))


def _scatter(x: FloatArray, y: ComplexArray, error: FloatArray, reach: int) -> float:
    """Median distance from the polynomial through neighbours, as a standard deviation."""
    inner = slice(reach, x.size - reach)
    shifts = [shift for shift in range(-reach, reach + 1) if shift]
    near = [slice(reach + shift, x.size - reach + shift) for shift in shifts]
    distance, variance = y[inner].copy(), error[inner] ** 2
    for one in near:
        others = [other for other in near if other != one]
        weight = np.prod([(x[inner] - x[o]) / (x[one] - x[o]) for o in others], axis=0)
        distance -= weight * y[one]
        variance = variance + (weight * error[one]) ** 2
    both = np.concatenate([distance.real, distance.imag]) / np.tile(np.sqrt(variance), 2)
    # The median of |x| is 0.6745 standard deviations of a Gaussian x.
    return float(np.median(np.abs(both)) / 0.6745)


def moment_covariance(
    omega: ArrayLike, sigma: ArrayLike, error: ArrayLike, limit: float
) -> FloatArray:
    """Covariance of mean and variance that follows from the noise of a measured conductivity.

    Args:
        omega: increasing frequencies in rad/fs, (frequencies,).
        sigma: complex conductivity (frequencies,).
        error: standard error of its real and of its imaginary part, each, in the unit of sigma,
            (frequencies,); errors of different frequencies are taken as independent.
        limit: upper limit of the moments in rad/fs.

    Returns:
        Covariance matrix (2, 2) of the mean (rad/fs) and of the variance ((rad/fs)**2).

    Raises:
        ValueError: as kernel_moments and inverse_conductivity, or if an error is negative.

    Source:
        Linear propagation through Re(1/sigma) and through the moments, with trapezoidal weights.
    """
    spectrum = inverse_conductivity(sigma)
    found = kernel_moments(omega, spectrum, [limit])
    noise = real_series("error", error, spectrum.size)
    if np.any(noise < 0.0):
        raise ValueError("error: holds a negative standard error; give zero or more")
    frequencies = real_series("omega", omega)
    mean, variance = float(found.mean[0]), float(found.variance[0])
    weights = np.gradient(frequencies) * (frequencies <= limit) / found.norm[0]
    weights *= noise / np.abs(complex_series("sigma", sigma)) ** 2
    shift = frequencies - mean
    slopes = np.stack([shift, shift**2 - variance]) * weights
    return np.asarray(slopes @ slopes.T)
