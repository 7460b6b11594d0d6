"""Quintic Hermite series: sixth-order integrals and Fourier transforms on the half line.

A correlation function is stored with its first two derivatives. The quintic polynomial on each
step that matches values and both derivatives at both ends is integrated exactly, with or without
the factor exp(i omega t). Nothing is assumed about negative times, so a cusp at time zero is
harmless, and high frequencies do not alias.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from smallpolaron.analysis._checks import (
    ComplexArray,
    FloatArray,
    complex_series,
    real_series,
    uniform_times,
)
from smallpolaron.analysis.differences import STENCIL, differentiate

# Rows: polynomials on [0, 1] that carry the value, slope, curvature at the left end, then at the
# right end; columns: coefficients of s**0 ... s**5.
_BASIS = np.array(
    [
        [1.0, 0.0, 0.0, -10.0, 15.0, -6.0],
        [0.0, 1.0, 0.0, -6.0, 8.0, -3.0],
        [0.0, 0.0, 0.5, -1.5, 1.5, -0.5],
        [0.0, 0.0, 0.0, 10.0, -15.0, 6.0],
        [0.0, 0.0, 0.0, -4.0, 7.0, -3.0],
        [0.0, 0.0, 0.0, 0.5, -1.0, 0.5],
    ]
)
_SERIES_LIMIT = 4.0
_SERIES_TERMS = 40
_CHUNK = 2_000_000


@dataclass(frozen=True)
class Series:
    """A function on evenly spaced times from zero, with two derivatives; see make_series.

    Attributes:
        time_fs: times in fs, (times,).
        values: function (times,), real or complex.
        first: first derivative, per fs, (times,).
        second: second derivative, per fs^2, (times,).
        exact: number of derivatives that were given; the others are differences.
    """

    time_fs: FloatArray
    values: NDArray[Any]
    first: NDArray[Any]
    second: NDArray[Any]
    exact: int = 2

    @property
    def step(self) -> float:
        """Distance of the times in fs."""
        return float(self.time_fs[-1]) / (self.time_fs.size - 1)

    @property
    def real(self) -> Series:
        """The real part of the function and of its derivatives.

        Of a classical correlation function it stands in for the Kubo transform: real and even in
        time as that is, it is its limit at high temperature, and equal to it for linear operators
        of harmonic systems (R. Kubo, J. Phys. Soc. Jpn. 1957, 12, 570).
        """
        values, first, second = self.values.real, self.first.real, self.second.real
        return Series(self.time_fs, values, first, second, self.exact)

    def part(self, chosen: slice) -> Series:
        """Some of the times from zero; derivatives that are not exact are taken again."""
        given = (self.values, self.first, self.second)[: 1 + self.exact]
        return make_series(self.time_fs[chosen], *(part[chosen] for part in given))


def make_series(
    time_fs: ArrayLike,
    values: ArrayLike,
    first: ArrayLike | None = None,
    second: ArrayLike | None = None,
    *,
    name: str = "C",
) -> Series:
    """Check a series and complete its derivatives.

    Args:
        time_fs: evenly spaced times from zero in fs, (times,).
        values: function (times,), real or complex.
        first: exact first derivative (times,), or None for finite differences of the values.
        second: exact second derivative (times,), or None for finite differences of what is given.
        name: name of the function in error messages.

    Returns:
        Series with both derivatives. Missing ones have an error of order step**7 or better.

    Raises:
        ValueError: if the times are uneven or do not start at zero, a value is not finite, shapes
            differ, there are too few points, or a second derivative comes without the first.
    """
    if first is None and second is not None:
        raise ValueError(f"d2{name} is given without d{name}: give both, d{name} alone, or neither")
    given = [one for one in (first, second) if one is not None]
    time, step = uniform_times(time_fs, 2 if len(given) == 2 else STENCIL)
    series = complex_series(name, values, time.size)
    slopes = [
        complex_series(f"{d}{name}", one, time.size)
        for d, one in zip(("d", "d2"), given, strict=False)
    ]
    if not given:
        slopes = [differentiate(series, step, 1), differentiate(series, step, 2)]
    elif len(given) == 1:
        slopes.append(differentiate(slopes[0], step, 1))
    return Series(time, series, slopes[0], slopes[1], len(given))


def cumulative_integral(series: Series) -> ComplexArray:
    """Integral from zero to every stored time, (times,), in the unit of the function times fs.

    Source:
        Integral of the quintic Hermite polynomial (Euler-Maclaurin rule with two derivatives), of
        order step**6.
    """
    h = series.step
    f, df, d2f = series.values, series.first, series.second
    panels = (
        h / 2.0 * (f[:-1] + f[1:])
        + h**2 / 10.0 * (df[:-1] - df[1:])
        + h**3 / 120.0 * (d2f[:-1] + d2f[1:])
    )
    return np.concatenate([np.zeros(1, dtype=np.complex128), np.cumsum(panels)])


def _moments(theta: FloatArray) -> ComplexArray:
    """Integrals of s**n exp(i theta s) over [0, 1] for n = 0...5; shape (6, frequencies)."""
    moments = np.empty((6, theta.size), dtype=np.complex128)
    small = np.abs(theta) < _SERIES_LIMIT
    argument = 1j * theta[small]
    powers = np.arange(6)[:, None]
    term = np.ones_like(argument)
    total = np.zeros((6, argument.size), dtype=np.complex128)
    for k in range(_SERIES_TERMS):
        total += term / (powers + k + 1)
        term = term * argument / (k + 1)
    moments[:, small] = total
    # Upward recursion loses n!/theta**n digits, which is why it starts only at _SERIES_LIMIT.
    argument = 1j * theta[~small]
    phase = np.exp(argument)
    previous = (phase - 1.0) / argument
    moments[0, ~small] = previous
    for n in range(1, 6):
        previous = (phase - n * previous) / argument
        moments[n, ~small] = previous
    return moments


def panel_weights(theta: FloatArray, step: float) -> ComplexArray:
    """Weights of the end values of a step in the integral of f(t) exp(i omega (t - t_left)).

    Those of f, f', f'' at the left end come first, then those at the right end, (6, frequencies);
    theta is omega times the step, (frequencies,), step its length in fs.
    """
    scale = np.array([step, step**2, step**3, step, step**2, step**3])
    return np.asarray((scale[:, None] * _BASIS) @ _moments(theta), dtype=np.complex128)


def _assemble(
    series: Series, sums: tuple[ComplexArray, ComplexArray, ComplexArray], omega: FloatArray
) -> ComplexArray:
    """Combine the three plain sums over all times with the panel weights and fix both ends."""
    theta = omega * series.step
    weights = panel_weights(theta, series.step)
    last_phase = np.exp(1j * omega * series.time_fs[-1])
    result = np.zeros(omega.size, dtype=np.complex128)
    for k, data in enumerate((series.values, series.first, series.second)):
        result += weights[k] * (sums[k] - data[-1] * last_phase)
        result += weights[k + 3] * np.exp(-1j * theta) * (sums[k] - data[0])
    return result


def half_line_transform(series: Series, omega: ArrayLike) -> ComplexArray:
    """Integral of f(t) exp(i omega t) over the stored times, from zero, at any frequencies.

    The function should have decayed at the last time. Frequencies are in rad/fs, (frequencies,), of
    either sign; the transform has their shape and the unit of the function times fs. Its error is
    of order step**6 at fixed frequency, and bounded by the interpolation error at every frequency.

    Raises:
        ValueError: if a frequency is complex or not finite.

    Source:
        Filon's method with the quintic Hermite polynomial in place of the parabola.
    """
    frequencies = real_series("omega", omega)
    data = np.stack([series.values, series.first, series.second])
    sums = np.empty((3, frequencies.size), dtype=np.complex128)
    width = max(1, _CHUNK // series.time_fs.size)
    for start in range(0, frequencies.size, width):
        part = slice(start, start + width)
        sums[:, part] = data @ np.exp(1j * np.outer(series.time_fs, frequencies[part]))
    return _assemble(series, (sums[0], sums[1], sums[2]), frequencies)


def half_line_transform_grid(series: Series, points: int, bands: int) -> ComplexArray:
    """The same transform on a uniform two-sided frequency grid, by FFT, (bands, points).

    The grid is that of frequency_grid: bands times the sampling band 2 pi/step, centred at zero,
    with 2 pi/(points step) between frequencies.

    Raises:
        ValueError: if the FFT length, points, is below the number of times.
    """
    if points < series.time_fs.size:
        raise ValueError(
            f"points = {points}: must be at least the number of times, {series.time_fs.size}"
        )
    columns = [
        np.tile(points * np.fft.ifft(data, points), bands)
        for data in (series.values, series.first, series.second)
    ]
    omega = frequency_grid(points, bands, series.step).ravel()
    flat = _assemble(series, (columns[0], columns[1], columns[2]), omega)
    return flat.reshape(bands, points)


def frequency_grid(points: int, bands: int, step: float) -> FloatArray:
    """Frequencies of half_line_transform_grid in rad/fs, (bands, points), in FFT order each.

    Raises:
        ValueError: if the number of bands is not odd and positive: the grid is centred at zero.
    """
    if bands < 1 or bands % 2 == 0:
        raise ValueError(f"bands = {bands}: must be an odd number above 0")
    base = 2.0 * np.pi * np.fft.fftfreq(points, step)
    shift = 2.0 * np.pi / step * (np.arange(bands) - bands // 2)
    return np.asarray(shift[:, None] + base[None, :], dtype=np.float64)
