"""Correlation functions known in closed form, complex and asymmetric in frequency."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smallpolaron.analysis.hermite import Series, make_series
from smallpolaron.model.units import beta

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]
TEMPERATURE = 300.0


@dataclass(frozen=True)
class Sampled:
    time: FloatArray
    C: ComplexArray
    dC: ComplexArray
    d2C: ComplexArray

    @property
    def series(self) -> Series:
        return make_series(self.time, self.C, self.dC, self.d2C)


@dataclass(frozen=True)
class GaussianBands:
    """S_full = exp(beta omega/2) g(omega), g even: detailed balance holds by construction."""

    weights: tuple[float, ...] = (1.0, 0.6)
    centres: tuple[float, ...] = (0.06, 0.15)
    width: float = 0.035
    temperature_K: float = TEMPERATURE

    def even_part(self, omega: FloatArray) -> FloatArray:
        total = np.zeros_like(omega)
        for weight, centre in zip(self.weights, self.centres, strict=True):
            for sign in (-1.0, 1.0):
                total += weight * np.exp(-((omega - sign * centre) ** 2) / (2 * self.width**2))
        return total

    def full(self, omega: FloatArray) -> FloatArray:
        return np.exp(0.5 * beta(self.temperature_K) * omega) * self.even_part(omega)

    def symmetrised(self, omega: FloatArray) -> FloatArray:
        return np.cosh(0.5 * beta(self.temperature_K) * omega) * self.even_part(omega)

    def kubo(self, omega: FloatArray) -> FloatArray:
        x = 0.5 * beta(self.temperature_K) * omega
        safe = np.where(x == 0, 1.0, x)
        return self.even_part(omega) * np.where(x == 0, 1.0, np.sinh(safe) / safe)

    def sample(self, step: float, duration: float) -> Sampled:
        time = step * np.arange(round(duration / step) + 1)
        z = time + 0.5j * beta(self.temperature_K)
        C = np.zeros(time.size, complex)
        dC, d2C = C.copy(), C.copy()
        for weight, centre in zip(self.weights, self.centres, strict=True):
            for w0 in (-centre, centre):
                amplitude = weight * self.width / np.sqrt(2 * np.pi)
                term = amplitude * np.exp(-1j * w0 * z - 0.5 * self.width**2 * z**2)
                slope = -1j * w0 - self.width**2 * z
                C += term
                dC += slope * term
                d2C += (slope**2 - self.width**2) * term
        return Sampled(time, C, dC, d2C)


@dataclass(frozen=True)
class ExponentialKernel:
    """K(t) = sum a_j exp(-b_j t), complex: then C is a sum of exponentials, found by eig."""

    drift: complex = 0.021j
    amplitudes: tuple[complex, ...] = (0.004 + 0.0011j, -0.0007 + 0.0005j)
    rates: tuple[complex, ...] = (0.055 + 0.03j, 0.09 - 0.11j)
    start: float = 0.7

    def kernel(self, time: FloatArray) -> ComplexArray:
        a, b = np.array(self.amplitudes), np.array(self.rates)
        return np.exp(-np.outer(time, b)) @ a

    def kernel_integral(self, time: FloatArray) -> ComplexArray:
        a, b = np.array(self.amplitudes), np.array(self.rates)
        return (1.0 - np.exp(-np.outer(time, b))) @ (a / b)

    def matrix(self) -> ComplexArray:
        size = len(self.rates) + 1
        matrix = np.zeros((size, size), complex)
        matrix[0, 0] = self.drift
        matrix[0, 1:] = -1.0
        matrix[1:, 0] = self.amplitudes
        matrix[np.arange(1, size), np.arange(1, size)] = -np.array(self.rates)
        return matrix

    def modes(self) -> tuple[ComplexArray, ComplexArray]:
        values, vectors = np.linalg.eig(self.matrix())
        start = np.zeros(values.size, complex)
        start[0] = self.start
        return values, vectors[0] * np.linalg.solve(vectors, start)

    def sample(self, step: float, duration: float) -> Sampled:
        time = step * np.arange(round(duration / step) + 1)
        values, shares = self.modes()
        waves = np.exp(np.outer(time, values))
        return Sampled(
            time, waves @ shares, waves @ (values * shares), waves @ (values**2 * shares)
        )

    def transform(self, omega: FloatArray) -> ComplexArray:
        values, shares = self.modes()
        return np.sum(-shares / (values + 1j * omega[:, None]), axis=1)


def observed_order(steps: list[float], errors: list[float]) -> float:
    """Slope of log error against log step, by least squares."""
    return float(np.polyfit(np.log(steps), np.log(errors), 1)[0])
