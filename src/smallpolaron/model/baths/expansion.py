"""The expansion of a bath into decaying exponentials, as the hierarchy uses it.

The hierarchy needs the bath correlation function as a finite sum
C(t) = sum_k c_k exp(-nu_k t) plus a delta-correlated remainder (the terminator).
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from smallpolaron.model.baths.spectral_density import ComplexArray, FloatArray
from smallpolaron.model.units import CM_TO_RAD_FS

Scheme = Literal["pade", "matsubara", "aaa", "esprit"]
"""How exponentials are found: from the poles of J(w) and of the Bose function, or by a fit."""

Rates = FloatArray | ComplexArray
"""Rates of exponentials: real, or complex where an oscillator is underdamped."""

MAX_TERMS = 20
"""Most low-temperature terms tried when the number is chosen from an error bound."""

_MIXING = 0.85
"""Mixing of the two terms of a vibration at T = 0. For a dimer at kT/v = 0.21 with eta/v = 5.2 and
w0/v = 0.82 the coherence of the equilibrium errs by 1.6 % with 2,800 elements at 0.7 to 1, and
converges steadily; at 0.5 and below it does not, and without mixing there is no usable solution."""

_LEAST_MIXING = 0.02
"""Below it terms are not mixed, which saves a coupling per site."""


@dataclass(frozen=True, repr=False)
class BathExpansion:
    """Finite expansion C(t) ~ sum_k c_k exp(-nu_k t) + 2 Delta delta(t).

    The poles of the spectral density come first, then the low-temperature terms, or those of a
    fit to what is left. Complex rates come in pairs nu, nu* on neighbouring terms, so that
    C(t)* = sum_k cbar_k exp(-nu_k t) with cbar_k the conjugate of the partner's coefficient.

    Attributes:
        coefficients: c_k, (rad/fs)^2, shape (K+1,), complex.
        rates: nu_k, rad/fs, shape (K+1,); a real array where all are.
        terminator: Delta, rad/fs, strength of the delta-correlated remainder (0 when off).
        scheme: how they were found.
        error: largest |g_exact(t) - g_K(t)| of the lineshape function over ten times the memory of
            the bath, dimensionless: the error of the exponent with which coherences decay. Of a
            fit, relative to Re g where that exceeds 1 and coherences are gone.
        n_poles: number of terms that are poles of the spectral density; 1 for a Debye bath, 0 for
            an Ohmic one.
        mixed: whether terms of cold vibrations are mixed; see mixed_pairs.
    """

    coefficients: ComplexArray
    rates: Rates
    terminator: float
    scheme: Scheme
    error: float
    n_poles: int = 1
    mixed: bool = True

    def __repr__(self) -> str:
        """Return the terms in cm^-1, one in a line, and the error."""
        rows = [
            f"  {c / CM_TO_RAD_FS**2:.6g} cm⁻² · exp(-t · {nu / CM_TO_RAD_FS:.6g} cm⁻¹)"
            for c, nu in zip(self.coefficients, self.rates, strict=True)
        ]
        if self.terminator:
            rows.append(f"  terminator {self.terminator / CM_TO_RAD_FS:.6g} cm⁻¹")
        title = f"{self.n_terms} exponentials ({self.scheme}), error of g(t) {self.error:.1g}"
        return "\n".join([title, *rows])

    @property
    def n_terms(self) -> int:
        """Number of exponentials, K + 1."""
        return len(self.rates)

    def unmixed(self) -> "BathExpansion":
        """The same with the usual elements, as fixed hierarchies have them."""
        return replace(self, mixed=False)

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
        """Pairs of terms (k, k') with conjugate rates that are mixed, shape (m, 2).

        All pairs of vibrations and those of a fit that oscillate are, unless none gains by it.

        In the usual elements a truncated hierarchy of a cold vibration is unstable: the bath acts
        on the ket as a + a' + a^+, with the ladder operators a, a' of the two terms, which is far
        from Hermitian; on the Fock states of the vibration it acts as b + b^+. With b = a and
        b^+ = a^+ + t a' the elements go from the usual ones, t = 0, to those of the Fock states,
        t = 1. At high temperature both terms act alike from either side, and nothing is gained.
        """
        first = np.flatnonzero(self.rates.imag)[::2]
        # pairs of a fit that decay before they oscillate nearly cancel, and are no vibrations
        oscillates = np.abs(self.rates.imag) > self.rates.real
        first = first[(first < self.n_poles) | oscillates[first]]
        pairs = np.stack([first, first + 1], axis=1)
        most = np.max(self._mixing(pairs), initial=0.0)
        return pairs if self.mixed and most > _LEAST_MIXING else pairs[:0]

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

    def spectrum(self, omega: ArrayLike, width: float = 0.0) -> FloatArray:
        """Int C(t) exp(i w t - width |t|) dt of the sum and its terminator, rad/fs."""
        w = np.asarray(omega, dtype=float)[..., None]
        terms = self.coefficients / (self.rates + width - 1j * w)
        return np.asarray(2 * (terms.sum(axis=-1).real + self.terminator))

    def correlation(self, time_fs: ArrayLike) -> ComplexArray:
        """The sum of exponentials at times in fs, (rad/fs)^2, without the delta function."""
        t = np.asarray(time_fs, dtype=float)
        return np.asarray(np.exp(-np.multiply.outer(t, self.rates)) @ self.coefficients)


@dataclass(frozen=True)
class BathSet(BathExpansion):
    """The expansions of baths that different modes have.

    Attributes:
        parts: the expansions, by the number that Coupling.bath names.
        extra_terms: low-temperature terms that each has more than it started with.
    """

    parts: tuple[BathExpansion, ...] = ()
    extra_terms: int = 0

    @classmethod
    def joined(cls, *parts: BathExpansion, extra_terms: int = 0) -> "BathSet":
        """One expansion of several baths.

        Raises:
            ValueError: none is given.
        """
        if not parts:
            raise ValueError("no bath is given; give at least one expansion")
        return cls(
            np.concatenate([part.coefficients for part in parts]),
            np.concatenate([part.rates for part in parts]),
            max(part.terminator for part in parts),
            parts[0].scheme,
            max(part.error for part in parts),
            sum(part.n_poles for part in parts),
            parts=parts,
            extra_terms=extra_terms,
        )

    def unmixed(self) -> "BathSet":
        """As of each bath alone."""
        parts = (part.unmixed() for part in self.parts)
        return BathSet.joined(*parts, extra_terms=self.extra_terms)

    @classmethod
    def of(cls, expansion: BathExpansion) -> "BathSet":
        """The set itself, or a set of one."""
        return expansion if isinstance(expansion, cls) else cls.joined(expansion)

    @cached_property
    def first(self) -> NDArray[np.int64]:
        """First term of each bath."""
        return np.cumsum([0, *(part.n_terms for part in self.parts[:-1])])

    @property
    def low_temperature_terms(self) -> int:
        """Number of terms more than each bath started with: all are refined together."""
        return self.extra_terms

    @property
    def scales(self) -> FloatArray:
        """As of each bath alone."""
        return np.concatenate([part.scales for part in self.parts])

    @cached_property
    def mixed_pairs(self) -> NDArray[np.int64]:
        """As of each bath alone, all or none of its own."""
        pairs = [part.mixed_pairs + at for part, at in zip(self.parts, self.first, strict=True)]
        return np.concatenate(pairs)
