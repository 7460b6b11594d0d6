"""Fits by few decaying exponentials: rates by AAA or ESPRIT, refined by least squares.

Rates are closed under conjugation: real ones first, then pairs nu, nu* on neighbouring places.
"""

import warnings
from collections.abc import Callable

import numpy as np

from smallpolaron.model.baths.functions import Rates
from smallpolaron.model.baths.spectral_density import ComplexArray, FloatArray

_REAL = 1e-8
"""Imaginary part over size below which a rate is real."""

_UNDAMPED = 1e-5
"""Real part over size below which a rate is a flaw of the fit."""

_SMALLEST_SINGULAR = 1e-5
"""Of a fit, relative to the largest: keeps coefficients from growing large and cancelling."""

_TRIES = 60
"""Most evaluations while rates are refined."""


def aaa_rates(omega: FloatArray, spectrum: FloatArray, count: int) -> Rates:
    """Rates from the poles of a rational approximation of an even power spectrum.

    Args:
        omega: frequencies > 0, rad/fs, shape (n,).
        spectrum: int Re C(t) cos(w t) dt there, shape (n,).
        count: number of poles in the plane of w^2, where the spectrum is smooth.

    Returns:
        nu = sqrt(-w^2) at the poles, rad/fs; at most `count`, fewer where poles are on the axis.

    Source: Nakatsukasa, Sete and Trefethen, SIAM J. Sci. Comput. 2018, 40, A1494.
    """
    from scipy.interpolate import AAA  # takes a while to import

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # that so few terms are not exact
        approximant = AAA(omega**2, spectrum, rtol=1e-14, max_terms=count + 1, clean_up=False)
    return closed(np.sqrt(-approximant.poles().astype(complex)))


def signal_space(samples: FloatArray) -> FloatArray:
    """Singular vectors of the Hankel matrices of real signals with common rates, shape (m, n/2)."""
    width = samples.shape[1] // 2
    windows = [np.lib.stride_tricks.sliding_window_view(row, width) for row in samples]
    return np.asarray(np.linalg.svd(np.vstack(windows), full_matrices=False)[2])


def esprit_rates(space: FloatArray, step_fs: float, count: int) -> Rates:
    """Rates from the rotational invariance of a signal space.

    Args:
        space: of signal_space.
        step_fs: time between samples, fs.
        count: number of rates.

    Returns:
        Rates, rad/fs; at most `count`, those that decay.

    Source: Roy and Kailath, IEEE Trans. Acoust. Speech Signal Process. 1989, 37, 984.
    """
    vectors = space[:count].T
    turns = np.linalg.eigvals(np.linalg.lstsq(vectors[:-1], vectors[1:], rcond=None)[0])
    return closed(-np.log(turns.astype(complex)) / step_fs)


def closed(rates: ComplexArray) -> Rates:
    """Sort rates that are real or come in conjugate pairs, without those that do not decay."""
    kept = rates[rates.real > _UNDAMPED * np.abs(rates)]
    real = np.sort(kept[np.abs(kept.imag) <= _REAL * np.abs(kept)].real)
    upper = kept[kept.imag > _REAL * np.abs(kept)]
    if not upper.size:
        return real
    upper = upper[np.argsort(upper.imag)]
    return np.concatenate([real, np.stack([upper, upper.conj()], axis=1).ravel()])


def refined(rates: Rates, residual: Callable[[Rates], FloatArray], slowest: float) -> Rates:
    """Rates for which a residual is smallest, from those given; six digits of them.

    None decays slower than `slowest`. Digits beyond would differ from one processor to another.
    """
    from scipy.optimize import least_squares  # takes a while to import

    upper = rates[np.flatnonzero(rates.imag)[::2]]
    real = rates[rates.imag == 0].real
    m, n = len(real), len(real) + len(upper)
    unit = np.abs(upper)

    def joined(x: FloatArray) -> Rates:
        pairs = np.exp(x[m:n]) + 1j * unit * x[n:]
        return np.concatenate([np.exp(x[:m]), np.stack([pairs, pairs.conj()], axis=1).ravel()])

    decays = np.log(np.concatenate([real, upper.real]).clip(1.01 * slowest))
    start = np.concatenate([decays, upper.imag / unit])
    least = np.concatenate([np.full(n, np.log(slowest)), np.full(len(upper), -np.inf)])

    def missed(x: FloatArray) -> FloatArray:
        return residual(joined(x))

    found = joined(
        least_squares(missed, start, bounds=(least, np.inf), max_nfev=_TRIES, xtol=1e-5).x
    )
    digits = 10.0 ** (5 - np.floor(np.log10(np.abs(found))))
    return closed(np.asarray(np.round(found * digits) / digits, dtype=complex))


def coefficients(nu: Rates, columns: Rates, target: FloatArray, ridge: float = 0.0) -> ComplexArray:
    """Coefficients a of a real sum a_k exp(-nu_k t), by least squares.

    Args:
        nu: rates, shape (K+1,).
        columns: what a single exponential gives, shape (n, K+1).
        target: what their sum should give, shape (n,).
        ridge: weight of the coefficients themselves, which keeps them from cancelling.

    Returns:
        Coefficients, conjugate for conjugate rates, shape (K+1,).
    """
    first = np.flatnonzero(nu.imag)[0::2]
    real = columns.real.copy()
    # a and a* of a pair of conjugate rates: the unknowns are Re a and Im a
    real[:, first] *= 2
    real[:, first + 1] = -2 * columns[:, first].imag
    if ridge:
        real = np.vstack([real, ridge * np.eye(len(nu))])
        target = np.append(target, np.zeros(len(nu)))
    size = np.linalg.norm(real, axis=0)
    rcond = None if ridge else _SMALLEST_SINGULAR
    solution = np.linalg.lstsq(real / size, target, rcond=rcond)[0] / size
    a: ComplexArray = solution.astype(complex)
    a[first] += 1j * solution[first + 1]
    a[first + 1] = a[first].conj()
    return a
