"""Several baths as one expansion: their terms one after another."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from smallpolaron.model.baths.expansion import BathExpansion
from smallpolaron.model.baths.spectral_density import FloatArray


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
