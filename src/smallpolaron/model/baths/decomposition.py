"""Which exponentials a bath is expanded in, and how many: Pade and Matsubara poles, and fits."""

from functools import lru_cache
from typing import Final, get_args

import numpy as np

from smallpolaron.model.baths.expansion import MAX_TERMS, BathExpansion, Scheme
from smallpolaron.model.baths.exponentials import (
    aaa_rates,
    coefficients,
    esprit_rates,
    refined,
    signal_space,
)
from smallpolaron.model.baths.functions import Rates
from smallpolaron.model.baths.lineshape import (
    correlation_samples,
    double_integral,
    double_integrals,
    noise,
    reference_lineshape,
    remainder,
    spectrum,
    spectrum_without_poles,
)
from smallpolaron.model.baths.poles import bose_poles, residues, spread
from smallpolaron.model.baths.sampled_density import SampledDensity
from smallpolaron.model.baths.spectral_density import ComplexArray, FloatArray, SpectralDensity
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

_FAINT: Final = 0.1
"""Share of the maximum of a power spectrum below which what is missing does not matter."""

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
        terms: number K >= 0 of low-temperature terms beyond the poles of the bath (all terms where
            it has none); None takes the smallest K whose lineshape error is within error_bound. A
            fit that has no K rates, because a pair makes two, takes the next number.
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
    least = 0 if bath.rational else 1
    if terms is not None and terms < least:
        raise ValueError(f"terms = {terms}; allowed: integers >= {least}, or None for automatic")
    if terms is not None and not fit:
        return _expand(bath, temperature_K, scheme, terms, terminator)
    best = spectrum = np.inf
    for k in range(least if terms is None else terms, MAX_TERMS + 1):
        if fit:
            bound = error_bound if terms is None else np.inf
            found = _fit(bath, temperature_K, scheme, k, bound, terminator)
        else:
            found = _expand(bath, temperature_K, scheme, k, terminator)
        if found is None or (terms is not None and found.low_temperature_terms < terms):
            continue
        if terms is not None:
            return found
        best = min(best, found.error)
        if found.error <= error_bound:
            off = _spectrum_error(bath, temperature_K, found, span)
            if off <= SPECTRUM * error_bound:
                return found
            spectrum = min(spectrum, off)
    reached = f"{best:.2g}"
    if best <= error_bound:
        reached += f", but its power spectrum is off by {spectrum:.2g} of its value at absorption "
        reached += f"of the largest energy; allowed: {SPECTRUM * error_bound:.2g}"
    raise ValueError(
        f"no expansion with at most {MAX_TERMS} {scheme} terms reaches the error bound "
        f"{error_bound:g} (best: {reached}); raise the bound, or switch the terminator on"
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
    own = np.concatenate([np.empty(0), *(part.poles[0] for part in bath.rational)])
    start = _start(bath, temperature_K, scheme, count)
    if count and not len(start):
        return None
    t, exact = reference_lineshape(bath, temperature_K)
    weight = 1 / np.maximum(1.0, exact.real)
    whole, area = noise(bath.parts, temperature_K), -bath.reorganisation_energy
    # of baths whose C(0) is infinite
    free = terminator and bool(bath.rational)
    size = 2 * abs(exact[1]) / t[1] ** 2
    ridge = _RIDGE * np.sqrt(len(t)) / size

    def solved(fitted: Rates) -> tuple[ComplexArray, float, ComplexArray]:
        nu = np.concatenate([own, fitted])
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

    def residual(fitted: Rates) -> FloatArray:
        miss = solved(fitted)[2]
        return np.concatenate([miss.real, miss.imag])

    if np.max(np.abs(solved(start)[2])) > _PROMISING * bound:
        return None
    fitted = refined(start, residual, _SLOWER * bath.slowest) if count else start
    c, delta, miss = solved(fitted)
    error = float(np.max(np.abs(miss[: len(t)])))
    nu = np.concatenate([own, fitted])
    found = BathExpansion(c, nu, delta, scheme, error, n_poles=len(own))
    return found if _is_positive(found) else None


def _spectrum_error(
    bath: SpectralDensity, temperature_K: float, expansion: BathExpansion, span: float
) -> float:
    """Largest error of int C(t) exp(i w t) dt for |w| <= span, relative to that at |w|.

    Of a fit: of the spectrum seen for as long as the bath remembers, relative to _FAINT of its
    maximum at least. Edges and cusps of J are not those of a sum of exponentials.
    """
    if span == 0:
        return 0.0
    w = np.linspace(-span, span, 200)
    if expansion.scheme in ("pade", "matsubara"):
        exact = bath.spectral_density(w) * (1 / np.tanh(beta(temperature_K) * w / 2) + 1)
        width = faint = 0.0
    else:
        width = bath.slowest
        exact = spectrum(bath, w, temperature_K, width)
        faint = _FAINT * float(np.max(exact))
    scale = np.maximum(exact, exact[::-1]).clip(faint)
    known = scale > 0
    off = np.abs(expansion.spectrum(w, width) - exact)
    return float(np.max(off[known] / scale[known], initial=0.0))


def _is_positive(found: BathExpansion) -> bool:
    """Whether the power spectrum is, to _POSITIVE of its maximum."""
    nu = found.rates
    near = np.add.outer(nu.imag, np.multiply.outer(np.linspace(-3, 3, 25), nu.real).ravel())
    wide = np.linspace(-3, 3, 301) * np.max(np.abs(nu))
    power = found.spectrum(np.append(near.ravel(), wide))
    return bool(np.min(power) >= -_POSITIVE * np.max(power))


def _start(bath: SpectralDensity, temperature_K: float, scheme: Scheme, count: int) -> Rates:
    """Rates for what is not poles of the spectral density."""
    if not count:
        return np.empty(0)
    if scheme == "aaa":
        return aaa_rates(*_even_spectrum(bath, temperature_K), count)
    space, step = _signal_space(bath, temperature_K)
    return esprit_rates(space, step, count)


@lru_cache(maxsize=16)
def _signal_space(bath: SpectralDensity, temperature_K: float) -> tuple[FloatArray, float]:
    t = np.linspace(0, 10 / _slow(bath, temperature_K), _SAMPLES + 1)[1:]
    c = correlation_samples(bath, t, temperature_K, with_poles=False)
    return signal_space(np.stack([c.real, c.imag])), float(t[0])


@lru_cache(maxsize=16)
def _even_spectrum(bath: SpectralDensity, temperature_K: float) -> tuple[FloatArray, FloatArray]:
    """Frequencies > 0 that show every feature, and the power spectrum there."""
    slow, thermal = _slow(bath, temperature_K), 2 * np.pi / beta(temperature_K)
    points = [np.geomspace(1e-3 * slow, 30 * max(slow, thermal), 300)]
    for part in bath.parts:
        if isinstance(part, SampledDensity):
            edges = part.edges[part.edges > 1e-3 * slow]
            points += [(edges[1:] + edges[:-1]) / 2, np.geomspace(1.01, 10, 20) * edges[-1]]
    w = np.unique(np.concatenate(points))
    return w, spectrum_without_poles(bath, w, temperature_K)


def _slow(bath: SpectralDensity, temperature_K: float) -> float:
    """Rate of the memory of what is not poles of the spectral density, rad/fs."""
    sampled = [part.slowest for part in bath.parts if isinstance(part, SampledDensity)]
    return min(sampled, default=2 * np.pi / beta(temperature_K))
