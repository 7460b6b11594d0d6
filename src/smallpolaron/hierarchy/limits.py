"""Bounds of a basis."""

from dataclasses import dataclass

from smallpolaron.hierarchy.truncation import Truncation


class LimitReached(RuntimeError):
    """The basis would outgrow the limit it was given."""


@dataclass(frozen=True)
class Limits:
    """Bounds of the basis; reaching one is never silent.

    Attributes:
        max_unknowns: most labels on all ranks.
        max_occupation: largest n_jk, 1 to 255.
        truncation: of a fixed hierarchy: hold what it keeps, from the beginning to the end, and
            nothing else; None for a basis that follows the state.

    Raises:
        ValueError: a value outside these limits.
    """

    max_unknowns: int = 50_000_000
    max_occupation: int = 255
    truncation: Truncation | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be held."""
        if self.max_unknowns < 1:
            raise ValueError(f"max_unknowns = {self.max_unknowns}; allowed: 1 and more")
        if not 1 <= self.max_occupation <= 255:
            raise ValueError(f"max_occupation = {self.max_occupation}; allowed: 1 to 255")


NO_LIMITS = Limits()
"""The default bounds, which no machine that runs this in reasonable time will meet."""
