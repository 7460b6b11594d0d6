"""Which exponentials a bath is expanded in, and how many: Pade and Matsubara poles, and fits."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, get_args

import numpy as np

from smallpolaron.model.expansion import MAX_TERMS, BathExpansion, Rates, Scheme
from smallpolaron.model.exponentials import (
    aaa_rates,
    coefficients,
    esprit_rates,
    refined,
    signal_space,
)
from smallpolaron.model.lineshape import (
    correlation_samples,
    double_integral,
    double_integrals,
    noise,
    reference_lineshape,
    remainder,
)
from smallpolaron.model.poles import bose_poles, residues, spread
from smallpolaron.model.sampled_density import SampledDensity
from smallpolaron.model.spectral_density import (
    ComplexArray,
    FloatArray,
    RationalDensity,
    SpectralDensity,
)
from smallpolaron.model.units import beta

SPECTRUM: Final = 3.0
"""Relative error of the power spectrum over that of the lineshape function that goes with it."""

_SLOWER: Final = 0.05
"""Slowest rate of a fit over that of the memory of the bath, whose tail may be algebraic."""

_SAMPLES: Final = 300
"""Times at which ESPRIT looks at C(t)."""

_PROMISING: Final = 100.0
"""Rates that miss the bound by more than this are not worth to be refined: refining makes fits two
to thirty times better."""

_RIDGE: Final = 1e-5
"""Weight of coefficients of the size of C(0) in a fit, relative to g = 1 at one time."""

_POSITIVE: Final = 0.05
"""Negative power spectrum of a fit, relative to its maximum, from which the fit is refused."""


def expand(
    bath: SpectralDensity,
    temperature_K: float,
    scheme: Scheme | None = None,
    terms: int | None = None,
    terminator: bool = True,
    error_bound: float = 5e-3,
    span: float = 0.0,
) -> BathExpansion:
    """Expand the bath correlation function into exponentials.

    Args:
        bath: the bath of a site, or a sum of baths: they share the low-temperature terms.
        temperature_K: temperature, K.
        scheme: "pade" for the [N-1/N] Pade poles of the Bose function, "matsubara" for its own,
            both for baths with poles; "aaa" or "esprit" for rates fitted to the power spectrum or
            to C(t). None: "pade" where the bath has poles, else "esprit".
        terms: number K >= 0 of low-temperature terms beyond the poles of the bath, of a fit the
            number of all terms; None takes the smallest K whose lineshape error is within
            error_bound. A fit with K terms that has no such rates takes the next K that has.
        terminator: put what is left beyond K into a delta-correlated term
            (Ishizaki-Tanimura).
        error_bound: largest error of the lineshape function g(t) (dimensionless) when terms
            is None.
        span: largest energy that the carrier can exchange with the bath, rad/fs. When terms is
            None, the power spectrum of C(t) is right up to there, too, to SPECTRUM error_bound of
            its value for absorption: else a carrier in a wide band never gets cold.

    Returns:
        The expansion with its error.

    Raises:
        ValueError: unknown scheme, poles asked of a bath that has none, negative K, or no K up to
            MAX_TERMS that meets the bound with a power spectrum that is positive.

    Source: expansion and terminator, Ishizaki and Tanimura 2005; Pade poles, Hu, Xu and Yan 2010;
    fits, Xu et al., Phys. Rev. Lett. 2022, 129, 230601 (AAA) and Chen et al., J. Chem. Phys. 2022,
    156, 221102 (ESPRIT).
    """
    has_poles = len(bath.rational) == len(bath.parts)
    scheme = scheme or ("pade" if has_poles else "esprit")
    if scheme not in get_args(Scheme):
        raise ValueError(f"scheme = {scheme!r}; allowed: {', '.join(get_args(Scheme))}")
    fit = scheme in ("aaa", "esprit")
    if not (has_poles or fit):
        raise ValueError(f"scheme = {scheme!r}, but the bath has no poles; use 'aaa' or 'esprit'")
    if terms is not None and terms < fit:
        raise ValueError(f"terms = {terms}; allowed: integers >= {fit:d}, or None for automatic")
    if terms is not None and not fit:
        return _expand(bath, temperature_K, scheme, terms, terminator)
    best = np.inf
    for k in range(terms or fit, MAX_TERMS + 1):
        if fit:
            found = _fit(bath, temperature_K, scheme, k, terms is None and error_bound, terminator)
        else:
            found = _expand(bath, temperature_K, scheme, k, terminator)
        if found is None:
            continue
        best = min(best, found.error)
        if terms is not None:
            if found.n_terms >= terms:
                return found
        elif found.error <= error_bound:
            off = _spectrum_error(bath, temperature_K, found, span)
            if off <= SPECTRUM * error_bound:
                return found
    raise ValueError(
        f"no expansion with at most {MAX_TERMS} {scheme} terms reaches the error bound "
        f"{error_bound:g} (best: {best:.2g}); raise the bound, "
        "or switch the terminator on"
    )


def _expand(
    bath: SpectralDensity, temperature_K: float, scheme: Scheme, terms: int, terminator: bool
) -> BathExpansion:
    xi, kappa = bose_poles(scheme, terms)
    apart = spread(bath.rational, temperature_K, xi, kappa)
    if apart is None:
        c, nu = residues(bath.rational, temperature_K, scheme, xi, kappa)
    else:
        c, nu = _near_poles(bath, temperature_K, *apart, terminator=terminator)
    delta = remainder(bath.parts, temperature_K, c, nu) if terminator else 0.0
    t, exact = reference_lineshape(bath, temperature_K)
    error = float(np.max(np.abs(exact - double_integral(t, c, nu) - delta * t)))
    return BathExpansion(c, nu, delta, scheme, error, n_poles=len(nu) - terms)


def _near_poles(
    bath: SpectralDensity,
    temperature_K: float,
    own: Rates,
    thermal: FloatArray,
    *,
    terminator: bool,
) -> tuple[ComplexArray, Rates]:
    """Coefficients for given rates, by least squares on the lineshape function."""
    t, exact = reference_lineshape(bath, temperature_K)
    nu, whole = np.array([*own, *thermal]), noise(bath.parts, temperature_K)
    weight = np.ones(len(t))
    real = coefficients(nu, *_rows(t, nu, exact.real, weight, whole, free=terminator))
    if terminator and np.sum((real / nu).real) > whole:
        # a negative terminator would let coherences grow
        real = coefficients(nu, *_rows(t, nu, exact.real, weight, whole, free=False))
    area = -bath.reorganisation_energy
    imaginary = coefficients(own, *_rows(t, own, exact.imag, weight, area, free=False))
    c = real.astype(complex)
    c[: len(own)] += 1j * imaginary
    return c, nu


def _rows(
    t: FloatArray, nu: Rates, target: FloatArray, weight: FloatArray, area: float, *, free: bool
) -> tuple[Rates, FloatArray]:
    """Equations of a sum of exponentials with this double integral.

    Its integral over t > 0 is `area`, or misses it by what a delta function holds (free). Where
    `area` is infinite nothing is asked of it.
    """
    columns, areas = double_integrals(t, nu), 1 / nu
    if not np.isfinite(area):
        return columns * weight[:, None], target * weight
    if free:
        columns = columns - np.multiply.outer(t, areas)
        target = target - area * t
    rows, values = columns * weight[:, None], target * weight
    if not free:
        # one more equation, as important as all the others together
        strong = np.sqrt(len(t)) * t[-1] * weight[-1]
        rows, values = np.vstack([rows, strong * areas]), np.append(values, strong * area)
    return rows, values


def _fit(
    bath: SpectralDensity,
    temperature_K: float,
    scheme: Scheme,
    count: int,
    bound: float,
    terminator: bool,
) -> BathExpansion | None:
    """Return the fit that starts from `count` rates, or None where it is of no use."""
    nu = _start(bath, temperature_K, scheme, count)
    if not len(nu):
        return None
    t, exact = reference_lineshape(bath, temperature_K)
    weight = 1 / np.maximum(1.0, exact.real)
    whole, area = noise(bath.parts, temperature_K), -bath.reorganisation_energy
    # of baths whose C(0) is infinite
    free = terminator and bool(bath.rational)
    size = 2 * abs(exact[1]) / t[1] ** 2
    ridge = _RIDGE * np.sqrt(len(t)) / size

    def solved(nu: Rates) -> tuple[ComplexArray, float, ComplexArray]:
        rows = _rows(t, nu, exact.real, weight, whole, free=free)
        real = coefficients(nu, *rows, ridge)
        delta = whole - float(np.sum((real / nu).real)) if free else 0.0
        if delta < 0:
            delta = 0.0
            real = coefficients(nu, *_rows(t, nu, exact.real, weight, whole, free=False), ridge)
        rows = _rows(t, nu, exact.imag, weight, area, free=False)
        c = real + 1j * coefficients(nu, *rows, ridge)
        miss = weight * (double_integral(t, c, nu) + delta * t - exact)
        return c, delta, np.append(miss, ridge * c)

    def residual(nu: Rates) -> FloatArray:
        miss = solved(nu)[2]
        return np.concatenate([miss.real, miss.imag])

    if bound and np.max(np.abs(solved(nu)[2])) > _PROMISING * bound:
        return None
    nu = refined(nu, residual, _SLOWER * bath.slowest)
    c, delta, miss = solved(nu)
    error = float(np.max(np.abs(miss[: len(t)])))
    found = BathExpansion(c, nu, delta, scheme, error, n_poles=0)
    return found if _is_positive(found) else None


def _spectrum_error(
    bath: SpectralDensity, temperature_K: float, expansion: BathExpansion, span: float
) -> float:
    """Largest error of int C(t) exp(i w t) dt for |w| <= span, relative to that at |w|."""
    if span == 0:
        return 0.0
    w = np.linspace(-span, span, 200)
    exact = bath.spectral_density(w) * (1 / np.tanh(beta(temperature_K) * w / 2) + 1)
    ours = expansion.spectrum(w)
    scale = np.maximum(exact, exact[::-1])
    known = scale > 0
    return float(np.max(np.abs(ours - exact)[known] / scale[known], initial=0.0))


def _is_positive(found: BathExpansion) -> bool:
    """Whether the power spectrum is, to _POSITIVE of its maximum."""
    nu = found.rates
    near = np.add.outer(nu.imag, np.multiply.outer(np.linspace(-3, 3, 25), nu.real).ravel())
    wide = np.linspace(-3, 3, 301) * np.max(np.abs(nu))
    spectrum = found.spectrum(np.append(near.ravel(), wide))
    return bool(np.min(spectrum) >= -_POSITIVE * np.max(spectrum))


def _start(bath: SpectralDensity, temperature_K: float, scheme: Scheme, count: int) -> Rates:
    if scheme == "aaa":
        return aaa_rates(*_even_spectrum(bath, temperature_K), count)
    space, step = _signal_space(bath, temperature_K)
    return esprit_rates(space, step, count)


@lru_cache(maxsize=16)
def _signal_space(bath: SpectralDensity, temperature_K: float) -> tuple[FloatArray, float]:
    t = np.linspace(0, reference_lineshape(bath, temperature_K)[0].max(), _SAMPLES + 1)[1:]
    c = correlation_samples(bath, t, temperature_K)
    return signal_space(np.stack([c.real, c.imag])), float(t[0])


@lru_cache(maxsize=16)
def _even_spectrum(bath: SpectralDensity, temperature_K: float) -> tuple[FloatArray, FloatArray]:
    """Return frequencies > 0 and J coth(beta w/2) there."""
    w = np.unique(np.concatenate(list(_frequencies(bath, temperature_K))))
    return w, bath.spectral_density(w) / np.tanh(beta(temperature_K) * w / 2)


def _frequencies(bath: SpectralDensity, temperature_K: float) -> Iterator[FloatArray]:
    """Yield frequencies > 0 that show every feature of the power spectrum."""
    slow = bath.slowest
    yield np.geomspace(1e-3 * slow, 10 * slow, 200)
    yield np.geomspace(slow, 30 / beta(temperature_K) + 30 * slow, 100)
    for part in bath.parts:
        if isinstance(part, SampledDensity):
            edges = part.edges[part.edges > 1e-3 * slow]
            yield (edges[1:] + edges[:-1]) / 2
            yield np.geomspace(edges[-1], 10 * edges[-1], 20)
        elif isinstance(part, RationalDensity):
            for rate in part.poles[0]:
                near = abs(rate.imag) + rate.real * np.linspace(-5, 5, 41)
                yield near[near > 0]
                yield np.geomspace(abs(rate), 1e3 * abs(rate), 60)
