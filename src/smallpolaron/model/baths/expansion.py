"""The expansion of a bath into decaying exponentials.

The hierarchy needs the bath correlation function as a finite sum
C(t) = sum_k c_k exp(-nu_k t) plus a delta-correlated remainder (the terminator).
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from smallpolaron.model.baths.functions import BathFunctions, JoinedFunctions, Rates, paired
from smallpolaron.model.baths.spectral_density import ComplexArray, FloatArray
from smallpolaron.model.units import CM_TO_RAD_FS

Scheme = Literal["pade", "matsubara", "aaa", "esprit"]
"""How exponentials are found: from the poles of J(w) and of the Bose function, or by a fit."""

MAX_TERMS = 20
"""Most low-temperature terms tried when the number is chosen from an error bound."""


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
        mixed: whether the hierarchy mixes terms of cold vibrations; see BathFunctions.mixed_pairs.
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
    def functions(self) -> BathFunctions:
        """What the hierarchy makes of the exponentials."""
        return BathFunctions(
            self.coefficients, self.conjugates, self.rates, self.n_poles, self.mixed
        )

    @property
    def conjugates(self) -> ComplexArray:
        """cbar_k of C(t)* = sum_k cbar_k exp(-nu_k t), (rad/fs)^2, shape (K+1,)."""
        return np.asarray(np.conj(self.coefficients[paired(self.rates)]))

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
    def functions(self) -> BathFunctions:
        """As of each bath alone."""
        parts = tuple(part.functions for part in self.parts)
        return JoinedFunctions(
            self.coefficients, self.conjugates, self.rates, self.n_poles, self.mixed, parts
        )

    @cached_property
    def first(self) -> NDArray[np.int64]:
        """First term of each bath."""
        return np.cumsum([0, *(part.n_terms for part in self.parts[:-1])])

    @property
    def low_temperature_terms(self) -> int:
        """Number of terms more than each bath started with: all are refined together."""
        return self.extra_terms
