"""The bath of a damped vibration: one Brownian oscillator."""

from dataclasses import dataclass

import numpy as np

from smallpolaron.model.spectral_density import (
    ComplexArray,
    FloatArray,
    RationalDensity,
    require_coupling,
    require_rate,
)
from smallpolaron.model.units import beta

NEAR_CRITICAL = 1e-4
"""Relative distance of gamma/2 from the frequency below which the two poles count as one."""


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
        ValueError: a value outside the model, or critical damping, gamma = 2 w0, where the two
            poles are one and C(t) is no sum of exponentials.

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
        if abs(self.gamma / 2 - self.frequency) < NEAR_CRITICAL * self.frequency:
            raise ValueError(
                f"gamma = {self.gamma:g} rad/fs is twice the frequency {self.frequency:g} rad/fs: "
                "a critically damped oscillator is no sum of exponentials; change gamma by "
                f"more than {NEAR_CRITICAL:g} of it"
            )

    @property
    def reorganisation_energy(self) -> float:
        """Reorganisation energy lambda = eta / 2, rad/fs."""
        return self.eta / 2

    def noise(self, temperature_K: float) -> float:
        """Integral of Re C(t) over t > 0, J'(0)/beta, rad/fs."""
        return self.eta * self.gamma / (beta(temperature_K) * self.frequency**2)

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
        difference = (self.gamma / 2 - self.frequency) * (self.gamma / 2 + self.frequency)
        s = np.sqrt(difference) if difference > 0 else 1j * np.sqrt(-difference)
        residue = self.eta * self.frequency**2 / (4 * s)
        fast = self.gamma / 2 + s
        # their product is w0^2; the difference would lose digits where s is nearly gamma/2
        slow = self.frequency**2 / fast if difference > 0 else np.conj(fast)
        return np.array([slow, fast]), np.array([residue, -residue])
