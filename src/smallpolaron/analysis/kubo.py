"""Spectra of a current autocorrelation function and its Kubo transform.

Both start from the symmetrised spectrum: dividing by 1 - exp(-beta omega) at negative frequencies
would amplify noise without bound.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from smallpolaron.analysis._checks import FloatArray
from smallpolaron.analysis.hermite import (
    Series,
    frequency_grid,
    half_line_transform_grid,
    make_series,
)
from smallpolaron.model.units import beta

DEFAULT_PADDING: Final = 4
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


@dataclass(frozen=True)
class KuboFunction:
    """Kubo-transformed correlation function: real and even in time.

    Attributes:
        time_fs: times in fs, (times,).
        C: function (times,), in the unit of the input.
        dC: first derivative, per fs, (times,); zero at time zero.
        d2C: second derivative, per fs^2, (times,). If Re C has a cusp at time zero, as with a
            delta-correlated terminator, it grows logarithmically towards time zero.
    """

    time_fs: FloatArray
    C: FloatArray
    dC: FloatArray
    d2C: FloatArray


def kubo_factor(omega: FloatArray, temperature_K: float) -> FloatArray:
    """Ratio of the Kubo-transformed to the symmetrised spectrum.

    Args:
        omega: angular frequencies in rad/fs, any shape.
        temperature_K: temperature in K, above zero.

    Returns:
        tanh(x)/x with x = beta omega/2, same shape; 1 at zero frequency.

    Raises:
        ValueError: if the temperature is not finite and positive.
    """
    x = 0.5 * beta(temperature_K) * np.asarray(omega, dtype=np.float64)
    safe = np.where(x == 0.0, 1.0, x)
    return np.where(x == 0.0, 1.0, np.tanh(safe) / safe)


def _fft_length(times: int, padding: int) -> int:
    if padding < 2:
        raise ValueError(
            f"padding = {padding}: must be 2 or more, or the transform would overlap its own image"
        )
    # An odd length has a grid symmetric about zero, without a lone Nyquist point.
    from scipy.fft import next_fast_len  # takes a while to import

    length = int(next_fast_len(padding * times, real=False))
    while length % 2 == 0:
        length = int(next_fast_len(length + 1, real=False))
    return length


def spectra(
    time_fs: ArrayLike,
    C: ArrayLike,
    temperature_K: float,
    dC: ArrayLike | None = None,
    d2C: ArrayLike | None = None,
    *,
    padding: int = DEFAULT_PADDING,
) -> Spectra:
    """Full, symmetrised and Kubo spectrum of a correlation function with C(-t) = C(t)*.

    Args:
        time_fs: evenly spaced times from zero in fs, (times,).
        C: complex correlation function (times,).
        temperature_K: temperature in K, above zero.
        dC: exact first derivative (times,), per fs; None for finite differences.
        d2C: exact second derivative (times,), per fs^2; None for finite differences.
        padding: FFT length over number of times, at least 2; more gives finer frequencies.

    Returns:
        Spectra up to the sampling limit pi/step, each with an error of order step**6.

    Raises:
        ValueError: if an input is malformed; the message names it.

    Source:
        Twice the real part of the half-line transform is the two-sided transform of a function
        with C(-t) = C(t)*; the mean over both signs of omega is the transform of Re C.
    """
    series = make_series(time_fs, C, dC, d2C)
    points = _fft_length(series.time_fs.size, padding)
    half_line = half_line_transform_grid(series, points, 1)[0]
    omega = np.fft.fftshift(frequency_grid(points, 1, series.step)[0])
    full = 2.0 * np.fft.fftshift(half_line).real
    symmetrised = 0.5 * (full + full[::-1])
    return Spectra(omega, full, symmetrised, symmetrised * kubo_factor(omega, temperature_K))


def _real_part(series: Series) -> Series:
    return Series(
        series.time_fs,
        series.step,
        series.values.real.astype(np.complex128),
        series.first.real.astype(np.complex128),
        series.second.real.astype(np.complex128),
    )


def kubo_transform(
    time_fs: ArrayLike,
    C: ArrayLike,
    temperature_K: float,
    dC: ArrayLike | None = None,
    d2C: ArrayLike | None = None,
    *,
    padding: int = DEFAULT_PADDING,
) -> KuboFunction:
    """Kubo transform of a correlation function, on the same times.

    Args:
        time_fs: evenly spaced times from zero in fs, (times,).
        C: complex correlation function (times,); only its real part enters.
        temperature_K: temperature in K, above zero.
        dC: exact first derivative (times,), per fs; None for finite differences.
        d2C: exact second derivative (times,), per fs^2; None for finite differences.
        padding: FFT length over number of times, at least 2.

    Returns:
        KuboFunction with its first two derivatives, taken in the frequency domain.

    Raises:
        ValueError: if an input is malformed, or the record is shorter than hbar/(k_B T).

    Source:
        The Kubo-transformed spectrum is the symmetrised spectrum times tanh(x)/x with
        x = beta omega/2 (detailed balance turned into a factor that is bounded everywhere).
    """
    series = _real_part(make_series(time_fs, C, dC, d2C))
    if series.time_fs[-1] < beta(temperature_K):
        raise ValueError(
            f"time_fs ends at {series.time_fs[-1]} fs: the Kubo transform averages over "
            f"hbar/(k_B T) = {beta(temperature_K):.4g} fs; store a longer record"
        )
    times = series.time_fs.size
    points = _fft_length(times, padding)
    omega = frequency_grid(points, BANDS, series.step)
    spectrum = 2.0 * half_line_transform_grid(series, points, BANDS).real
    spectrum = spectrum * kubo_factor(omega, temperature_K)

    def on_times(values: FloatArray) -> FloatArray:
        # On the sampled times all bands have the same phase, so they fold into one FFT.
        folded = np.fft.fft(np.sum(values, axis=0))[:times]
        return np.asarray(folded / (points * series.step))

    return KuboFunction(
        series.time_fs,
        np.asarray(on_times(spectrum).real),
        np.asarray((-1j * on_times(omega * spectrum)).real),
        np.asarray(-on_times(omega**2 * spectrum).real),
    )
