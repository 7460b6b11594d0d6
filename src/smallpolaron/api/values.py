"""A number with its error and unit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from smallpolaron.support.numbers import with_error

_PRETTY: Final = {"angstrom": "Å", "^-1": "⁻¹", "^-2": "⁻²", "^2": "²"}


def pretty(units: str) -> str:
    """Return units as they are printed: ``cm^2 V^-1 s^-1`` becomes cm² V⁻¹ s⁻¹."""
    for plain, shown in _PRETTY.items():
        units = units.replace(plain, shown)
    return "" if units == "1" else units


@dataclass(frozen=True)
class Value:
    """A number with its estimated error; float(value) is the number.

    Attributes:
        value: the number; NaN where it could not be determined.
        error: its estimated error, nan where that is not known.
        units: units as text; "1" for dimensionless.
    """

    value: float
    error: float
    units: str

    def __float__(self) -> float:
        """Return the number."""
        return self.value

    def __str__(self) -> str:
        """Return the number to the digits that its error leaves, with the unit."""
        known = math.isfinite(self.value)
        text = with_error(self.value, self.error) if known else "not determined"
        return f"{text} {pretty(self.units)}".strip()

    __repr__ = __str__
