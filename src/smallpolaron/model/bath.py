"""The Debye (Drude-Lorentz) bath, and the expansion of baths into decaying exponentials.

The hierarchy needs the bath correlation function as a finite sum
C(t) = sum_k c_k exp(-nu_k t) plus a delta-correlated remainder (the terminator).
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from smallpolaron.model.spectral_density import (
    ComplexArray,
    FloatArray,
    RationalDensity,
    SpectralDensity,
    require_coupling,
    require_rate,
)
from smallpolaron.model.units import beta

Scheme = Literal["pade", "matsubara"]
Rates = FloatArray | ComplexArray
"""Rates of exponentials: real, or complex where an oscillator is underdamped."""

MAX_TERMS = 20
"""Most low-temperature terms tried when the number is chosen from an error bound."""

SPECTRUM = 3.0
"""Relative error of the power spectrum over that of the lineshape function that goes with it."""

_NEAR = 0.6
"""Distance of a rate from a pole of the Bose function, in units of k_B T and of the pole's weight,
below which residues are not used: there they are three times the whole, and grow as its inverse."""

_APART = 1.3
"""Ratio to which nearly equal rates are spread before coefficients are fitted."""

_COINCIDENT = 1e-6
"""Relative distance to which exactly equal rates are moved where the exact sum is needed."""

_SMALLEST_SINGULAR = 1e-5
"""Of a fit, relative to the largest: keeps coefficients from growing large and cancelling."""

_MIXING = 0.85
"""Mixing of the two terms of a vibration at T = 0. For a dimer at kT/v = 0.21 with eta/v = 5.2 and
w0/v = 0.82 the coherence of the equilibrium errs by 1.6 % with 2,800 elements at 0.7 to 1, and
converges steadily; at 0.5 and below it does not, and without mixing there is no usable solution."""

_LEAST_MIXING = 0.02
"""Below it terms are not mixed, which saves a coupling per site."""

_REFERENCE_TERMS = 2000
"""Matsubara terms of the reference lineshape; its neglected tail falls as the square of this."""


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
    def reorganisation_energy(self) -> float:
        """Reorganisation energy lambda = eta / 2, rad/fs."""
        return self.eta / 2

    def noise(self, temperature_K: float) -> float:
        """Integral of Re C(t) over t > 0, J'(0)/beta, rad/fs."""
        return self.eta / (beta(temperature_K) * self.gamma)

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
class BathExpansion:
    """Finite expansion C(t) ~ sum_k c_k exp(-nu_k t) + 2 Delta delta(t).

    The poles of the spectral density come first, then the low-temperature terms. Complex rates
    come in pairs nu, nu* on neighbouring terms, so that C(t)* = sum_k cbar_k exp(-nu_k t) with
    cbar_k the conjugate of the partner's coefficient.

    Attributes:
        coefficients: c_k, (rad/fs)^2, shape (K+1,), complex.
        rates: nu_k, rad/fs, shape (K+1,); a real array where all are.
        terminator: Delta, rad/fs, strength of the delta-correlated remainder (0 when off).
        scheme: "pade" or "matsubara".
        error: largest |g_exact(t) - g_K(t)| of the lineshape function over ten times the memory of
            the bath, dimensionless: the error of the exponent with which coherences decay.
        n_poles: number of terms that are poles of the spectral density; 1 for a Debye bath.
    """

    coefficients: ComplexArray
    rates: Rates
    terminator: float
    scheme: Scheme
    error: float
    n_poles: int = 1

    @property
    def n_terms(self) -> int:
        """Number of exponentials, K + 1."""
        return len(self.rates)

    @property
    def low_temperature_terms(self) -> int:
        """Number of exponentials beyond the poles of the spectral density."""
        return self.n_terms - self.n_poles

    @cached_property
    def partners(self) -> NDArray[np.int64]:
        """Index of the term with the conjugate rate: the term itself where the rate is real."""
        partners = np.arange(self.n_terms)
        oscillating = np.flatnonzero(self.rates.imag)
        partners[oscillating[0::2]], partners[oscillating[1::2]] = (
            oscillating[1::2],
            oscillating[0::2],
        )
        return partners

    @property
    def conjugates(self) -> ComplexArray:
        """cbar_k, what multiplies from the right in the hierarchy, (rad/fs)^2, shape (K+1,)."""
        return np.asarray(np.conj(self.coefficients[self.partners]))

    @property
    def scales(self) -> FloatArray:
        """Scale s_k of the ADOs, (rad/fs)^2, the same for partners.

        The usual max(|c_k|, |cbar_k|) times 1 + (q_k + min(1, max q))/2, with
        q_k = |c_k - cbar_k| / max(|c_k|, |cbar_k|), which is small at high temperature, of the
        terms that are not mixed. Any scale gives the same physics. This one makes amplitudes of
        high occupations, driven by c_k - cbar_k on populations, as small as their share in what is
        observed: a basis chosen by amplitude is then two to three times smaller at low temperature.
        """
        size = self.sizes
        drive = np.abs(self.coefficients - self.conjugates)
        q = np.divide(drive, size, out=np.zeros(len(size)), where=size > 0)
        q[self.mixed_pairs] = 0
        extra = 0.5 * (q + min(1.0, float(np.max(q))))
        return np.asarray(size * np.where(self.rates.imag != 0, 1 + q, 1 + extra))

    @property
    def stretch(self) -> float:
        """Factor by which thresholds must be smaller than with the usual scale of the ADOs.

        An element of n excitations is smaller by the root of the n-th power of scales over sizes;
        two to four excitations decide.
        """
        ratio = np.divide(self.scales, self.sizes, out=np.ones(self.n_terms), where=self.sizes > 0)
        return float(np.max(ratio) ** 1.5)

    @property
    def sizes(self) -> FloatArray:
        """max(|c_k|, |cbar_k|), (rad/fs)^2, the same for partners."""
        return np.maximum(np.abs(self.coefficients), np.abs(self.conjugates))

    @property
    def down(self) -> tuple[ComplexArray, ComplexArray]:
        """c_k and cbar_k over sqrt(scale), rad/fs; 0 for a bath without coupling."""
        root = np.sqrt(self.scales)
        # 0/0 of a bath without coupling would poison the rows of the generator
        ket, bra = (
            np.divide(c, root, out=np.zeros(len(root), dtype=complex), where=root > 0)
            for c in (self.coefficients, self.conjugates)
        )
        return ket, bra

    @cached_property
    def mixed_pairs(self) -> NDArray[np.int64]:
        """Pairs of terms (k, k') with conjugate rates that are mixed, all or none, shape (m, 2).

        In the usual elements a truncated hierarchy of a cold vibration is unstable: the bath acts
        on the ket as a + a' + a^+, with the ladder operators a, a' of the two terms, which is far
        from Hermitian; on the Fock states of the vibration it acts as b + b^+. With b = a and
        b^+ = a^+ + t a' the elements go from the usual ones, t = 0, to those of the Fock states,
        t = 1. At high temperature both terms act alike from either side, and nothing is gained.
        """
        first = np.flatnonzero(self.rates.imag)[::2]
        pairs = np.stack([first, first + 1], axis=1)
        return pairs if np.max(self._mixing(pairs), initial=0.0) > _LEAST_MIXING else pairs[:0]

    @property
    def mixing(self) -> FloatArray:
        """How far the terms of each mixed pair are mixed, t >= 0, shape (m,)."""
        return self._mixing(self.mixed_pairs)

    def _mixing(self, pairs: NDArray[np.int64]) -> FloatArray:
        sizes = np.sort(np.abs(self.coefficients[pairs]), axis=1)
        most = sizes[:, 1]
        ratio = np.divide(sizes[:, 0], most, out=np.ones(len(most)), where=most > 0)
        return np.asarray(_MIXING * (1 - ratio))

    @property
    def jumps(self) -> FloatArray:
        """Rate at which the terms of a mixed pair lose one excitation each, 1/fs, shape (m,)."""
        return np.asarray(2 * self.mixing * self.rates.real[self.mixed_pairs[:, 0]])

    @property
    def up(self) -> tuple[ComplexArray, ComplexArray]:
        """What multiplies the element of one excitation more from the left and right, rad/fs."""
        ket, bra = (np.sqrt(self.scales).astype(complex) for _ in range(2))
        down_ket, down_bra = self.down
        for t, (k, other) in zip(self.mixing, self.mixed_pairs, strict=True):
            for one, partner in ((k, other), (other, k)):
                ket[one] -= t * down_ket[partner]
                bra[one] -= t * down_bra[partner]
        return ket, bra

    @property
    def relaxed_amplitudes(self) -> Rates:
        """Amplitude r_k of a bath relaxed around the carrier at v = 0, shape (K+1,).

        The population of a site carries rho_n = prod_k r_k^n_k / sqrt(n_k!) with
        r_k = -i (c_k - cbar_k) / (nu_k sqrt(scale)), that is 2 Im c_k / (nu_k sqrt|c_k|) where
        nu_k is real: the stationary state of its hierarchy.
        """
        size = self.scales
        drive: Rates = -1j * (self.coefficients - self.conjugates)
        if np.isrealobj(self.rates):
            drive = drive.real
        amplitude = drive / self.rates
        return np.divide(amplitude, np.sqrt(size), out=np.zeros_like(amplitude), where=size > 0)

    def correlation(self, time_fs: ArrayLike) -> ComplexArray:
        """The sum of exponentials at times in fs, (rad/fs)^2, without the delta function."""
        t = np.asarray(time_fs, dtype=float)
        return np.asarray(np.exp(-np.multiply.outer(t, self.rates)) @ self.coefficients)


def expand(
    bath: SpectralDensity,
    temperature_K: float,
    scheme: Scheme = "pade",
    terms: int | None = None,
    terminator: bool = True,
    error_bound: float = 5e-3,
    span: float = 0.0,
) -> BathExpansion:
    """Expand the bath correlation function into exponentials.

    Args:
        bath: the bath of a site, or a sum of baths: they share the low-temperature terms.
        temperature_K: temperature, K.
        scheme: "pade" for the [N-1/N] Pade poles of the Bose function, "matsubara" for its own.
        terms: number K >= 0 of low-temperature terms beyond the poles of the bath; None takes
            the smallest K whose lineshape error is within error_bound.
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
        ValueError: unknown scheme, negative K, a rate of the bath that coincides with a pole of the
            Bose function, or no K up to MAX_TERMS that meets the bound.

    Source: expansion and terminator, Ishizaki and Tanimura 2005; Pade poles, Hu, Xu and Yan 2010.
    """
    if scheme not in ("pade", "matsubara"):
        raise ValueError(f"scheme = {scheme!r}; allowed: 'pade', 'matsubara'")
    if terms is not None:
        if terms < 0:
            raise ValueError(f"terms = {terms}; allowed: integers >= 0, or None for automatic")
        return _expand(bath, temperature_K, scheme, terms, terminator)
    for k in range(MAX_TERMS + 1):
        expansion = _expand(bath, temperature_K, scheme, k, terminator)
        off = _spectrum_error(bath, temperature_K, expansion, span)
        if expansion.error <= error_bound and off <= SPECTRUM * error_bound:
            return expansion
    raise ValueError(
        f"no expansion with at most {MAX_TERMS} {scheme} terms reaches the error bound "
        f"{error_bound:g} (best: {expansion.error:.2g}); raise the bound, "
        "or switch the terminator on"
    )


def bose_poles(scheme: Scheme, count: int) -> tuple[FloatArray, FloatArray]:
    """Poles xi_j and weights of 1/(1 - exp(-x)) ~ 1/2 + 1/x + sum_j 2 kappa_j x/(x^2 + xi_j^2).

    Args:
        scheme: "pade" ([count-1/count]) or "matsubara".
        count: number of pole pairs, >= 0.

    Returns:
        (xi, kappa), each of shape (count,), dimensionless, ascending in xi.

    Source: Hu, Xu, Yan, J. Chem. Phys. 2010, 133, 101106: eigenvalues of two tridiagonal matrices.
    """
    if count == 0:
        return np.empty(0), np.empty(0)
    if scheme == "matsubara":
        return 2 * np.pi * np.arange(1, count + 1, dtype=np.float64), np.ones(count)
    xi = _pade_roots(np.arange(1, 2 * count + 1), count)
    zeta = _pade_roots(np.arange(2, 2 * count + 1), count - 1)
    kappa = np.empty(count)
    for j in range(count):
        others = np.delete(xi, j)
        # one quotient at a time: the two products alone overflow for many poles
        quotients = (zeta**2 - xi[j] ** 2) / (others**2 - xi[j] ** 2)
        kappa[j] = 0.5 * count * (2 * count + 3) * np.prod(quotients)
    return xi, kappa


def _pade_roots(m: NDArray[np.int64], keep: int) -> FloatArray:
    diagonal = 2.0 * m + 1.0
    off = 1 / np.sqrt(diagonal[:-1] * diagonal[1:])
    eigenvalues = np.linalg.eigvalsh(np.diag(off, 1) + np.diag(off, -1))
    return np.sort(2 / eigenvalues[::-1][:keep])


def _expand(
    bath: SpectralDensity, temperature_K: float, scheme: Scheme, terms: int, terminator: bool
) -> BathExpansion:
    xi, kappa = bose_poles(scheme, terms)
    spread = _spread(bath, xi / beta(temperature_K), _NEAR * kappa / beta(temperature_K))
    if spread is None:
        c, nu = _residues(bath, temperature_K, scheme, xi, kappa)
    else:
        c, nu = _fitted(bath, temperature_K, *spread, terminator=terminator)
    delta = _remainder(bath, temperature_K, c, nu) if terminator else 0.0
    error = _lineshape_error(bath, temperature_K, c, nu, delta)
    return BathExpansion(c, nu, delta, scheme, error, n_poles=len(nu) - terms)


def _residues(
    bath: SpectralDensity,
    temperature_K: float,
    scheme: Scheme,
    xi: FloatArray,
    kappa: FloatArray,
) -> tuple[ComplexArray, Rates]:
    """c_k and nu_k: -i times the residues of J(w) (coth(beta w/2) + 1) at w = -i nu_k."""
    b = beta(temperature_K)
    matsubara = xi / b
    coefficients: list[complex] = []
    rates: list[complex] = []
    thermal = np.zeros(len(xi))
    for part in bath.parts:
        strength = 2 * part.amplitude / b * kappa * matsubara
        for rate, residue in zip(*part.poles, strict=True):
            if np.any(np.abs(matsubara - rate) < _COINCIDENT * abs(rate)):
                rate *= 1 + _COINCIDENT
            y = b * rate
            if scheme == "matsubara":
                cot = 1 / np.tan(y / 2)
            else:
                cot = 2 / y - np.sum(4 * kappa * y / (xi**2 - y**2))
            coefficients.append(residue * (cot - 1j))
            rates.append(rate)
            strength = strength / (rate**2 - matsubara**2)
        # the baths share the poles of the Bose function
        thermal = thermal - strength.real
    nu = np.array([*rates, *matsubara])
    return np.array([*coefficients, *thermal], dtype=complex), nu


def _spread(
    bath: SpectralDensity, thermal: FloatArray, near: FloatArray
) -> tuple[Rates, FloatArray] | None:
    """Rates of the bath and of the Bose function moved apart; None where none are near others."""
    own = np.concatenate([part.poles[0] for part in bath.parts])
    apart: list[float] = []
    for rate, least in zip(thermal, near, strict=True):
        place = max(float(rate), _APART * apart[-1]) if apart and apart[-1] > rate else float(rate)
        for other in own:
            if abs(place - other) < least:
                place = _APART * abs(other)
        apart.append(place)
    moved = not np.array_equal(apart, thermal)
    return (own, np.array(apart)) if moved else None


def _fitted(
    bath: SpectralDensity,
    temperature_K: float,
    own: Rates,
    thermal: FloatArray,
    *,
    terminator: bool,
) -> tuple[ComplexArray, Rates]:
    """Coefficients for given rates, by least squares on the lineshape function."""
    t, exact = _reference_lineshape(bath, temperature_K)
    nu, noise = np.array([*own, *thermal]), _noise(bath, temperature_K)
    real = _least_squares(t, nu, exact.real, noise, free=terminator)
    if terminator and np.sum((real / nu).real) > noise:
        # a negative terminator would let coherences grow
        real = _least_squares(t, nu, exact.real, noise, free=False)
    imaginary = _least_squares(t, own, exact.imag, -bath.reorganisation_energy, free=False)
    c = real.astype(complex)
    c[: len(own)] += 1j * imaginary
    return c, nu


def _least_squares(
    t: FloatArray, nu: Rates, target: FloatArray, area: float, *, free: bool
) -> ComplexArray:
    """Coefficients a of a real sum a_k exp(-nu_k t) with this double integral, shape (K+1,).

    Its integral over t > 0 is `area`, or misses it by what a delta function holds (free).
    """
    columns, areas = _double_integrals(t, nu), 1 / nu
    if free:
        columns = columns - np.multiply.outer(t, areas)
        target = target - area * t
    else:
        # one more equation, as important as all the others together
        weight = np.sqrt(len(t)) * t[-1]
        columns = np.vstack([columns, weight * areas])
        target = np.append(target, weight * area)
    first = np.flatnonzero(nu.imag)[0::2]
    real = columns.real.copy()
    # a and a* of a pair of conjugate rates: the unknowns are Re a and Im a
    real[:, first] *= 2
    real[:, first + 1] = -2 * columns[:, first].imag
    size = np.linalg.norm(real, axis=0)
    solution = np.linalg.lstsq(real / size, target, rcond=_SMALLEST_SINGULAR)[0] / size
    a: ComplexArray = solution.astype(complex)
    a[first] += 1j * solution[first + 1]
    a[first + 1] = a[first].conj()
    return a


def _remainder(bath: SpectralDensity, temperature_K: float, c: ComplexArray, nu: Rates) -> float:
    """What the sum of exponentials lacks of the integral of Re C over t > 0, rad/fs."""
    integrals = c.real / nu if np.isrealobj(nu) else (c / nu).real
    return _noise(bath, temperature_K) - float(np.sum(integrals))


def _noise(bath: SpectralDensity, temperature_K: float) -> float:
    """Integral of Re C over t > 0 of what is expanded, rad/fs."""
    return sum(part.noise(temperature_K) for part in bath.parts)


def _lineshape_error(
    bath: SpectralDensity, temperature_K: float, c: ComplexArray, nu: Rates, delta: float
) -> float:
    t, exact = _reference_lineshape(bath, temperature_K)
    ours = double_integral(t, c, nu) + delta * t
    return float(np.max(np.abs(exact - ours)))


def _spectrum_error(
    bath: SpectralDensity, temperature_K: float, expansion: BathExpansion, span: float
) -> float:
    """Largest error of int C(t) exp(i w t) dt for |w| <= span, relative to that at |w|."""
    if span == 0:
        return 0.0
    w = np.linspace(-span, span, 200)
    exact = bath.spectral_density(w) * (1 / np.tanh(beta(temperature_K) * w / 2) + 1)
    terms = expansion.coefficients / (expansion.rates - 1j * w[:, None])
    ours = 2 * (terms.sum(axis=1).real + expansion.terminator)
    scale = np.maximum(exact, exact[::-1])
    known = scale > 0
    return float(np.max(np.abs(ours - exact)[known] / scale[known], initial=0.0))


def lineshape(bath: SpectralDensity, time_fs: ArrayLike, temperature_K: float) -> ComplexArray:
    """Lineshape function g(t) = int_0^t dt' int_0^t' dt'' C(t'') of the bath of one site.

    At v = 0 the coherence between two sites decays as exp(-2 Re g(t)): both baths dephase it.

    Args:
        bath: the bath of one site, or a sum of baths.
        time_fs: times >= 0, fs, any shape.
        temperature_K: temperature, K.

    Returns:
        g(t), dimensionless, same shape as time_fs.

    Source: second cumulant, exact for a harmonic bath (Mukamel, Principles of Nonlinear Optical
    Spectroscopy, chapter 8).
    """
    t = np.asarray(time_fs, dtype=float)
    c, nu, delta = _reference_terms(bath, temperature_K)
    g = double_integral(t.ravel(), c, nu) + delta * t.ravel()
    return g.reshape(t.shape)


@lru_cache(maxsize=16)
def _reference_terms(
    bath: SpectralDensity, temperature_K: float
) -> tuple[ComplexArray, Rates, float]:
    """2,000 Matsubara terms plus the exact delta remainder: error below 1e-9 of lambda beta."""
    xi, kappa = bose_poles("matsubara", _REFERENCE_TERMS)
    c, nu = _residues(bath, temperature_K, "matsubara", xi, kappa)
    return c, nu, _remainder(bath, temperature_K, c, nu)


@lru_cache(maxsize=16)  # the same for every number of terms that is tried
def _reference_lineshape(
    bath: SpectralDensity, temperature_K: float
) -> tuple[FloatArray, ComplexArray]:
    """Return times and the lineshape function there; must not be changed."""
    end = 10 / bath.slowest
    # the fast terms settle in the first of the times
    t = np.concatenate([[0.0], np.geomspace(1e-4 * end, end, 200), np.linspace(0, end, 202)[1:-1]])
    return t, lineshape(bath, t, temperature_K)


def double_integral(time_fs: FloatArray, c: ComplexArray, nu: Rates) -> ComplexArray:
    """int_0^t dt' int_0^t' dt'' of sum_k c_k exp(-nu_k t''), dimensionless.

    Args:
        time_fs: times, fs, shape (n,).
        c: coefficients, (rad/fs)^2, shape (K+1,).
        nu: rates, rad/fs, shape (K+1,).

    Returns:
        The double integral, shape (n,).
    """
    return np.asarray(_double_integrals(time_fs, nu) @ c)


def _double_integrals(time_fs: FloatArray, nu: Rates) -> Rates:
    """The double integrals of single exponentials, shape (n, K+1)."""
    x = np.multiply.outer(time_fs, nu)
    return np.asarray((np.expm1(-x) + x) / nu / nu)
