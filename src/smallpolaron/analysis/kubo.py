"""Spectra of a current autocorrelation function and its Kubo transform.

Both start from the symmetrised spectrum: dividing by 1 - exp(-beta omega) at negative frequencies
would amplify noise without bound.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from smallpolaron.analysis._checks import ComplexArray, FloatArray
from smallpolaron.analysis.hermite import Series, frequency_grid, half_line_transform_grid
from smallpolaron.model.units import beta

PADDING: Final = 4
"""FFT length over number of times: images of the periodic transform stay outside the record."""

BANDS: Final = 17
"""Sampling bands of width 2 pi/step summed in the Kubo transform: a cusp of Re C at time zero
leaves a tail of omega**-3, of which the last kept band holds less than 1/250 of the first."""


@dataclass(frozen=True)
class Spectra:
    """Spectra on one two-sided, increasing frequency grid that contains zero at its centre.

    Attributes:
        omega: angular frequencies in rad/fs, (frequencies,), symmetric about zero.
        full: two-sided transform of the complex C, (frequencies,); unit of C times fs.
        symmetrised: two-sided transform of Re C, even in omega, (frequencies,).
        kubo: symmetrised spectrum times tanh(x)/x with x = beta omega/2, (frequencies,).
    """

    omega: FloatArray
    full: FloatArray
    symmetrised: FloatArray
    kubo: FloatArray


def kubo_factor(omega: FloatArray, temperature_K: float) -> FloatArray:
    """Ratio of the Kubo-transformed to the symmetrised spectrum, at frequencies in rad/fs.

    It is tanh(x)/x with x = beta omega/2, and 1 at zero frequency.
    """
    x = 0.5 * beta(temperature_K) * np.asarray(omega, dtype=np.float64)
    safe = np.where(x == 0.0, 1.0, x)
    return np.where(x == 0.0, 1.0, np.tanh(safe) / safe)


def _fft_length(times: int) -> int:
    """Return the next odd number of which FFTs are fast: a product of 3, 5, 7 and 11.

    An odd length has a grid symmetric about zero, without a lone Nyquist point.
    """
    length = PADDING * times | 1
    while True:
        rest = length
        for factor in (3, 5, 7, 11):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return length
        length += 2


def spectra(C: Series, temperature_K: float, *, classical: bool = False) -> Spectra:
    """Full, symmetrised and Kubo spectrum of a correlation function with C(-t) = C(t)*.

    Args:
        C: correlation function.
        temperature_K: temperature in K, above zero.
        classical: whether C is a classical function, which stands for its own Kubo transform. No
            quantum correction then enters: taken for the symmetrised function of the quantum
            problem, it would be damped at high frequencies by tanh(x)/x once more.

    Returns:
        Spectra up to the sampling limit pi/step, each with an error of order step**6.

    Source:
        Twice the real part of the half-line transform is the two-sided transform of a function
        with C(-t) = C(t)*; the mean over both signs of omega is the transform of Re C.
    """
    points = _fft_length(C.time_fs.size)
    half_line = half_line_transform_grid(C, points, 1)[0]
    omega = np.fft.fftshift(frequency_grid(points, 1, C.step)[0])
    full = 2.0 * np.fft.fftshift(half_line).real
    symmetrised = 0.5 * (full + full[::-1])
    factor = 1.0 if classical else kubo_factor(omega, temperature_K)
    return Spectra(omega, full, symmetrised, symmetrised * factor)


def kubo_transform(C: Series, temperature_K: float) -> Series:
    """Kubo transform of a correlation function, on the same times: real, and even in time.

    Args:
        C: correlation function; only its real part enters.
        temperature_K: temperature in K, above zero.

    Returns:
        The transform with its derivatives, taken in the frequency domain. If Re C has a cusp at
        time zero, as with a delta-correlated terminator, the second one grows logarithmically
        towards time zero.

    Raises:
        ValueError: if the record is shorter than hbar/(k_B T).

    Source:
        The Kubo-transformed spectrum is the symmetrised spectrum times tanh(x)/x with
        x = beta omega/2 (detailed balance turned into a factor that is bounded everywhere).
    """
    if C.time_fs[-1] < beta(temperature_K):
        raise ValueError(
            f"time_fs ends at {C.time_fs[-1]} fs: the Kubo transform averages over "
            f"hbar/(k_B T) = {beta(temperature_K):.4g} fs; store a longer record"
        )
    times = C.time_fs.size
    points = _fft_length(times)
    omega = frequency_grid(points, BANDS, C.step)
    spectrum = 2.0 * half_line_transform_grid(C.real, points, BANDS).real
    spectrum = spectrum * kubo_factor(omega, temperature_K)

    def on_times(values: FloatArray) -> ComplexArray:
        # On the sampled times all bands have the same phase, so they fold into one FFT.
        return np.fft.fft(np.sum(values, axis=0))[:times] / (points * C.step)

    return Series(
        C.time_fs,
        np.asarray(on_times(spectrum).real),
        np.asarray((-1j * on_times(omega * spectrum)).real),
        np.asarray(-on_times(omega**2 * spectrum).real),
    )
