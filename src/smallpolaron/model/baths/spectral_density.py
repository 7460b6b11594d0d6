"""Spectral densities of harmonic baths: what all of them share, rational ones, and sums.

Where J(w) = A w / P(w^2) with a polynomial P, its poles in the lower half plane, w = -i nu, and
those of the Bose function are all that an expansion into exponentials needs; see decomposition.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from smallpolaron.model.units import beta

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]


class SpectralDensity(ABC):
    """Bath of one site: one spectral density, or the sum of several."""

    @property
    @abstractmethod
    def parts(self) -> "tuple[SpectralDensity, ...]":
        """The spectral densities whose sum this is."""

    @property
    def rational(self) -> "tuple[RationalDensity, ...]":
        """The parts that have poles."""
        return tuple(part for part in self.parts if isinstance(part, RationalDensity))

    @property
    def reorganisation_energy(self) -> float:
        """Reorganisation energy lambda = (1/pi) int_0^inf J/w dw, rad/fs."""
        return sum(part.reorganisation_energy for part in self.parts)

    def spectral_density(self, omega: ArrayLike) -> FloatArray:
        """J(omega), rad/fs, for angular frequencies in rad/fs of any shape."""
        w = np.asarray(omega, dtype=float)
        total = np.zeros_like(w)
        for part in self.parts:
            total = total + part.spectral_density(w)
        return total

    def noise(self, temperature_K: float) -> float:
        """Integral of Re C(t) over t > 0, J'(0)/beta, rad/fs: the dephasing rate at long times."""
        return sum(part.noise(temperature_K) for part in self.parts)

    @property
    def slowest(self) -> float:
        """Smallest decay rate of the bath's own memory (without low-temperature terms), rad/fs."""
        return min(part.slowest for part in self.parts)

    def correlation(self, time_fs: float, temperature_K: float) -> complex:
        """Exact bath correlation function at one time t > 0 by quadrature over frequencies.

        C(t) = (1/pi) int_0^inf J(w) [coth(beta w / 2) cos(w t) - i sin(w t)] dw.

        Args:
            time_fs: time, fs; must be positive because Re C(t) of a Debye bath diverges
                logarithmically at 0.
            temperature_K: temperature, K.

        Returns:
            C(t), (rad/fs)^2.

        Raises:
            ValueError: time not positive.

        Source: Mori paper, Holstein Hamiltonian in the supporting text; standard influence theory.
        """
        return sum(part.correlation(time_fs, temperature_K) for part in self.parts)


class RationalDensity(SpectralDensity):
    """J(w) = A w / P(w^2), with the coupling strength eta, rad/fs."""

    eta: float

    @property
    def parts(self) -> "tuple[RationalDensity, ...]":
        """Itself."""
        return (self,)

    @property
    @abstractmethod
    def amplitude(self) -> float:
        """A."""

    @abstractmethod
    def denominator(self, square: FloatArray) -> FloatArray:
        """P at real values of w^2, of any sign and shape."""

    @property
    @abstractmethod
    def poles(self) -> "tuple[FloatArray | ComplexArray, FloatArray | ComplexArray]":
        """Poles at w = -i nu: nu (rad/fs) and residues of J ((rad/fs)^2); complex in pairs."""

    @property
    def reorganisation_energy(self) -> float:
        """Reorganisation energy lambda = eta / 2, rad/fs."""
        return self.eta / 2

    def noise(self, temperature_K: float) -> float:
        """Integral of Re C(t) over t > 0, J'(0)/beta, rad/fs."""
        return self.amplitude / float(self.denominator(np.zeros(()))) / beta(temperature_K)

    def spectral_density(self, omega: ArrayLike) -> FloatArray:
        """J(omega), rad/fs, for angular frequencies in rad/fs of any shape."""
        w = np.asarray(omega, dtype=float)
        return np.asarray(self.amplitude * w / self.denominator(w**2))

    @property
    def slowest(self) -> float:
        """Smallest decay rate of the bath's own memory (without low-temperature terms), rad/fs."""
        return min(float(np.min(part.poles[0].real)) for part in self.rational)

    def correlation(self, time_fs: float, temperature_K: float) -> complex:
        """Exact bath correlation function at one time t > 0; see SpectralDensity."""
        if time_fs <= 0:
            raise ValueError(f"time_fs = {time_fs}; the quadrature of C(t) is for t > 0 only")
        b = beta(temperature_K)

        def thermal(w: float) -> float:
            if w == 0.0:
                return 2 * self.noise(temperature_K)
            return float(self.spectral_density(w) / np.tanh(b * w / 2))

        real = _fourier_tail(thermal, time_fs, "cos")
        imag = _fourier_tail(lambda w: float(self.spectral_density(w)), time_fs, "sin")
        return complex(real, -imag) / np.pi


@dataclass(frozen=True)
class BathSum(SpectralDensity):
    """Several baths on the same site: their correlation functions add.

    Attributes:
        baths: the baths, at least one.

    Raises:
        ValueError: no bath.
    """

    baths: tuple[SpectralDensity, ...]

    def __post_init__(self) -> None:
        """Refuse an empty sum."""
        if not self.baths:
            raise ValueError("baths = (): at least one bath is needed")

    @property
    def parts(self) -> tuple[SpectralDensity, ...]:
        """The baths, sums among them taken apart."""
        return tuple(part for bath in self.baths for part in bath.parts)


def require_coupling(eta: float) -> None:
    """Refuse a coupling strength that is not one.

    Raises:
        ValueError: eta not finite or negative.
    """
    if not (np.isfinite(eta) and eta >= 0):
        raise ValueError(f"eta = {eta} rad/fs; a coupling strength >= 0 is needed")


def require_rate(name: str, value: float) -> None:
    """Refuse a rate or frequency that is not positive.

    Raises:
        ValueError: value not finite or not positive; the message has the name.
    """
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name} = {value} rad/fs; a number > 0 is needed")


def _fourier_tail(
    f: Callable[[float], float], time_fs: float, weight: Literal["cos", "sin"]
) -> float:
    # imported here: it takes a second, and no job needs it
    from scipy.integrate import quad

    value, _ = quad(f, 0, np.inf, weight=weight, wvar=time_fs, limlst=500, limit=500)
    return float(value)
