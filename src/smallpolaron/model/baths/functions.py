"""What the hierarchy makes of the exponentials of a bath.

Its excitations belong to functions of time, one for every exponential, each with a scale and with
what couples it to the carrier and to the others. They are the exponentials themselves but where two
rates nearly coincide (confluent) or where a vibration is cold (mixed_pairs).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from smallpolaron.model.baths.spectral_density import ComplexArray, FloatArray

Rates = FloatArray | ComplexArray
"""Rates of exponentials: real, or complex where an oscillator is underdamped."""

_MIXING = 0.85
"""Mixing of the two terms of a vibration at T = 0. For a dimer at kT/v = 0.21 with eta/v = 5.2 and
w0/v = 0.82 the coherence of the equilibrium errs by 1.6 % with 2,800 elements at 0.7 to 1, and
converges steadily; at 0.5 and below it does not, and without mixing there is no usable solution."""

_LEAST_MIXING = 0.02
"""Below it terms are not mixed, which saves a coupling per site."""

_CONFLUENT: Final = 0.65
"""Half the difference of two rates over their geometric mean below which their terms are combined.
For a vibration of 150 cm^-1 on a ring of 3 (v = 50, eta = 400 cm^-1, 150 K) with damping 230, 300
and 340 cm^-1 that takes 2,000, 2,400 and 2,800 elements; the exponentials take 2,900 and 12,200 at
230 and 340 cm^-1, but fewer at 400 cm^-1."""

_CANCEL: Final = 0.1
"""Sum of the imaginary parts of two coefficients over that of their sizes below which the rates, if
real, are those of one oscillator: its force starts at zero."""


class Jump(NamedTuple):
    """A coupling that changes the occupations of two terms of a mode at once, without the carrier.

    The element with occupations n_k, n_k+1 gains `strength`, times for either term the root of the
    larger of its two occupations, times the element with n_k + changes[0], n_k+1 + changes[1].

    Attributes:
        first: k.
        changes: 1 or -1 for either term.
        strength: 1/fs.
        damping: by how much elements are damped more than those they so enter, 1/fs.
    """

    first: int
    changes: tuple[int, int]
    strength: float
    damping: float = 0.0


@dataclass(frozen=True)
class BathFunctions:
    """Functions of time of a bath, one for every exponential of its expansion.

    Attributes:
        coefficients: c_k of C(t) = sum_k c_k exp(-nu_k t), (rad/fs)^2, shape (K+1,).
        conjugates: cbar_k of C(t)* in the same exponentials.
        rates: nu_k, rad/fs, shape (K+1,); complex ones in pairs nu, nu* on neighbouring terms.
        n_poles: number of terms that are poles of the spectral density, which come first.
        mixed: whether terms of cold vibrations are mixed; see mixed_pairs.
    """

    coefficients: ComplexArray
    conjugates: ComplexArray
    rates: Rates
    n_poles: int
    mixed: bool

    @cached_property
    def partners(self) -> NDArray[np.int64]:
        """Index of the term that conjugation leads to: itself but for oscillating functions."""
        return paired(self.rates, self.confluent)

    @cached_property
    def confluent(self) -> NDArray[np.int64]:
        """First terms k of pairs of poles k, k+1 that nearly coincide, as near critical damping.

        Their coefficients are huge and cancel. Instead of exp(-nu_k t) and exp(-nu_k+1 t) such a
        pair has the functions exp(-z t) cosh(s t) and g exp(-z t) sinh(s t)/s with the mean z of
        the rates and s half their difference, which may be imaginary, or tend to 0. They are real,
        so that both terms are their own partners, and their time derivatives contain each other:
        excitations go over from one to the other (jumps). Only the first acts on the carrier.

        Source: hierarchies of functions that are closed under differentiation, Tang et al.,
        J. Chem. Phys. 2015, 143, 224112.
        """
        found: list[int] = []
        for k in range(self.n_poles - 1):
            c, nu = self.coefficients[k : k + 2], self.rates[k : k + 2]
            near = abs(nu[1] - nu[0]) < 2 * _CONFLUENT * np.sqrt(abs(nu[0] * nu[1]))
            cancel = abs(np.sum(c.imag)) < _CANCEL * np.sum(np.abs(c.imag))
            if near and (cancel if np.all(nu.imag == 0) else nu[1] == np.conj(nu[0])):
                found.append(k)
        return np.array(found, np.int64)

    @property
    def _halves(self) -> ComplexArray:
        """Half the difference s of the rates of every confluent pair, rad/fs."""
        rates = self.rates.astype(complex)
        return np.asarray((rates[self.confluent + 1] - rates[self.confluent]) / 2)

    @property
    def diagonal_rates(self) -> Rates:
        """Rate at which an excitation of each term decays by itself, rad/fs, shape (K+1,)."""
        rates, k = self.rates.copy(), self.confluent
        rates[k] = rates[k + 1] = (rates[k] + rates[k + 1]).real / 2
        return rates if np.any(rates.imag) else rates.real

    @cached_property
    def _speeds(self) -> FloatArray:
        """Factor g of every confluent pair, rad/fs: what makes both terms of a size."""
        k = self.confluent
        means = np.sqrt(np.abs(self.rates[k] * self.rates[k + 1]))
        both = [self.coefficients, self.conjugates]
        value = np.max([np.abs(c[k] + c[k + 1]) for c in both], axis=0)
        slope = np.max([np.abs(self._halves * (c[k] - c[k + 1])) for c in both], axis=0)
        ratio = slope / np.maximum(value, np.finfo(float).tiny)
        return np.asarray(np.clip(ratio, means, 3 * means))

    def _combined(self, c: ComplexArray) -> ComplexArray:
        """Coefficients of the functions of confluent pairs from those of exponentials."""
        found, k = c.copy(), self.confluent
        found[k] = c[k] + c[k + 1]
        found[k + 1] = self._halves * (c[k] - c[k + 1]) / self._speeds
        return found

    @cached_property
    def sides(self) -> tuple[ComplexArray, ComplexArray]:
        """Coefficients of the functions of all terms in C(t) and C(t)*, (rad/fs)^2, (K+1,)."""
        return self._combined(self.coefficients), self._combined(self.conjugates)

    @property
    def scales(self) -> FloatArray:
        """Scale s_k of the ADOs, (rad/fs)^2, the same for partners and confluent pairs.

        The usual max(|c_k|, |cbar_k|) times 1 + (q_k + min(1, max q))/2, with
        q_k = |c_k - cbar_k| / max(|c_k|, |cbar_k|), which is small at high temperature, of the
        terms that are not mixed. Any scale gives the same physics. This one makes amplitudes of
        high occupations, driven by c_k - cbar_k on populations, as small as their share in what is
        observed: a basis chosen by amplitude is then two to three times smaller at low temperature.
        """
        size, (ket, bra), k = self.sizes, self.sides, self.confluent
        drive = np.abs(ket - bra)
        q = np.divide(drive, size, out=np.zeros(len(size)), where=size > 0)
        q[self.mixed_pairs] = 0
        extra = 0.5 * (q + min(1.0, float(np.max(q))))
        scales = np.asarray(size * np.where(self.diagonal_rates.imag != 0, 1 + q, 1 + extra))
        scales[k] = scales[k + 1] = np.maximum(scales[k], scales[k + 1])
        return scales

    @property
    def stretch(self) -> float:
        """Factor by which thresholds must be smaller than with the usual scale of the ADOs.

        An element of n excitations is smaller by the root of the n-th power of scales over sizes;
        two to four excitations decide.
        """
        ratio = np.divide(
            self.scales, self.sizes, out=np.ones(len(self.scales)), where=self.sizes > 0
        )
        return float(np.max(ratio) ** 1.5)

    @property
    def sizes(self) -> FloatArray:
        """max(|c_k|, |cbar_k|), (rad/fs)^2, the same for partners."""
        return np.asarray(np.max(np.abs(self.sides), axis=0))

    @property
    def roots(self) -> FloatArray:
        """How strongly each term acts on the carrier, but for mixing, rad/fs."""
        roots = np.sqrt(self.scales)
        roots[self.confluent + 1] = 0
        return roots

    @property
    def down(self) -> tuple[ComplexArray, ComplexArray]:
        """c_k and cbar_k over sqrt(scale), rad/fs; 0 for a bath without coupling."""
        root = np.sqrt(self.scales)
        # 0/0 of a bath without coupling would poison the rows of the generator
        ket, bra = (
            np.divide(c, root, out=np.zeros(len(root), dtype=complex), where=root > 0)
            for c in self.sides
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
        first = np.setdiff1d(np.flatnonzero(self.rates.imag)[::2], self.confluent)
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
    def jumps(self) -> list[Jump]:
        """Of mixed pairs, which lose an excitation of both terms, and of confluent ones."""
        lost = self.rates.real[self.mixed_pairs[:, 0]]
        found = [
            Jump(int(k), (1, 1), 2 * t * rate, 2 * rate)
            for k, t, rate in zip(self.mixed_pairs[:, 0], self.mixing, lost, strict=True)
        ]
        for k, g, s in zip(self.confluent, self._speeds, self._halves, strict=True):
            found += [Jump(int(k), (-1, 1), g), Jump(int(k), (1, -1), (s**2).real / g)]
        return found

    @property
    def up(self) -> tuple[ComplexArray, ComplexArray]:
        """What multiplies the element of one excitation more from the left and right, rad/fs."""
        ket, bra = (self.roots.astype(complex) for _ in range(2))
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
        ket, bra = self.down
        rates, k = self.diagonal_rates, self.confluent
        drive: Rates = -1j * (ket - bra)
        if np.isrealobj(rates):
            drive = drive.real
        amplitude = drive / rates
        z, g, h = rates[k].real, self._speeds, (self._halves**2).real / self._speeds
        whole = z**2 - g * h
        amplitude[k] = (z * drive[k] + g * drive[k + 1]) / whole
        amplitude[k + 1] = (h * drive[k] + z * drive[k + 1]) / whole
        return amplitude


@dataclass(frozen=True)
class JoinedFunctions(BathFunctions):
    """Those of the baths that different modes have, one after the other.

    Attributes:
        parts: the functions of each bath.
    """

    parts: tuple[BathFunctions, ...]

    @property
    def scales(self) -> FloatArray:
        """As of each bath alone."""
        return np.concatenate([part.scales for part in self.parts])

    @cached_property
    def mixed_pairs(self) -> NDArray[np.int64]:
        """As of each bath alone, all or none of its own."""
        return self._numbered([part.mixed_pairs for part in self.parts])

    @cached_property
    def confluent(self) -> NDArray[np.int64]:
        """As of each bath alone."""
        return self._numbered([part.confluent for part in self.parts])

    def _numbered(self, terms: list[NDArray[np.int64]]) -> NDArray[np.int64]:
        """Terms numbered in each bath, numbered in all."""
        before = np.cumsum([0, *(len(part.rates) for part in self.parts[:-1])])
        return np.concatenate([own + at for own, at in zip(terms, before, strict=True)])


def paired(rates: Rates, alone: ArrayLike = ()) -> NDArray[np.int64]:
    """Index of the term with the conjugate rate: itself where it is real.

    Args:
        rates: 1/fs.
        alone: first terms of pairs that count as real.
    """
    first = np.setdiff1d(np.flatnonzero(rates.imag)[::2], alone)
    partners = np.arange(len(rates))
    partners[first], partners[first + 1] = first + 1, first
    return partners
