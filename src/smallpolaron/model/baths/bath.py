"""Baths with poles: Debye (Drude-Lorentz) and the damped vibration (Brownian oscillator)."""

from dataclasses import dataclass

import numpy as np

from smallpolaron.model.baths.spectral_density import (
    ComplexArray,
    FloatArray,
    RationalDensity,
    require_coupling,
    require_rate,
)

_CRITICAL = 1e-4
"""Least |s| over gamma/2, where gamma/2 -+ s are the rates. At critical damping they are one and
their residues infinite; rates so close together change C(t) by 1e-8 of its maximum."""


@dataclass(frozen=True)
class DebyeBath(RationalDensity):
    """Debye spectral density J(w) = eta gamma w / (w^2 + gamma^2), the same on every site.

    Attributes:
        eta: coupling strength, rad/fs; twice the reorganisation energy.
        gamma: relaxation rate of the bath, rad/fs.

    Raises:
        ValueError: eta negative or gamma not positive.

    Source: Mori paper and anomalous paper, spectral density of the dispersive Holstein model.
    """

    eta: float
    gamma: float

    def __post_init__(self) -> None:
        """Refuse values outside the model."""
        require_coupling(self.eta)
        require_rate("gamma", self.gamma)

    @property
    def amplitude(self) -> float:
        """Eta gamma."""
        return self.eta * self.gamma

    def denominator(self, square: FloatArray) -> FloatArray:
        """W^2 + gamma^2 at real w^2."""
        return np.asarray(square + self.gamma**2)

    @property
    def poles(self) -> tuple[FloatArray, FloatArray]:
        """Gamma, and the residue lambda gamma."""
        return np.array([self.gamma]), np.array([self.reorganisation_energy * self.gamma])


@dataclass(frozen=True)
class BrownianBath(RationalDensity):
    """Brownian oscillator J(w) = eta gamma w0^2 w / ((w0^2 - w^2)^2 + gamma^2 w^2).

    Its correlation function has the rates gamma/2 -+ i sqrt(w0^2 - gamma^2/4): a damped
    oscillation for gamma < 2 w0, two decays beyond. For gamma >> w0 it is the Debye bath of rate
    w0^2/gamma.

    Attributes:
        eta: coupling strength, rad/fs; twice the reorganisation energy, as for the Debye bath.
        gamma: damping, rad/fs; energy of the vibration decays at this rate.
        frequency: undamped angular frequency w0, rad/fs.

    Raises:
        ValueError: a value outside the model.

    Source: Mukamel, Principles of Nonlinear Optical Spectroscopy, chapter 8; as a hierarchy,
    Tanaka and Tanimura 2009.
    """

    eta: float
    gamma: float
    frequency: float

    def __post_init__(self) -> None:
        """Refuse values outside the model."""
        require_coupling(self.eta)
        require_rate("gamma", self.gamma)
        require_rate("frequency", self.frequency)

    @property
    def amplitude(self) -> float:
        """Eta gamma w0^2."""
        return self.eta * self.gamma * self.frequency**2

    def denominator(self, square: FloatArray) -> FloatArray:
        """(w0^2 - w^2)^2 + gamma^2 w^2 at real w^2."""
        return np.asarray((self.frequency**2 - square) ** 2 + self.gamma**2 * square)

    @property
    def poles(self) -> tuple[FloatArray | ComplexArray, FloatArray | ComplexArray]:
        """Rates gamma/2 -+ s with s^2 = gamma^2/4 - w0^2, the slower first, and residues of J."""
        half, square = self.gamma / 2, self.frequency**2
        difference = (half - self.frequency) * (half + self.frequency)
        if abs(difference) < (_CRITICAL * half) ** 2:
            difference = (_CRITICAL * half) ** 2
            square = half**2 - difference
        s = np.sqrt(difference) if difference > 0 else 1j * np.sqrt(-difference)
        residue = self.eta * square / (4 * s)
        fast = half + s
        # their product is w0^2; the difference would lose digits where s is nearly gamma/2
        slow = square / fast if difference > 0 else np.conj(fast)
        return np.array([slow, fast]), np.array([residue, -residue])
