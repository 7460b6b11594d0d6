"""Everything wrong with a configuration, collected and said in one line each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_LONGEST_VALUE = 60
# Neither Latin, Greek nor superscripts: letters that look alike are shown by their numbers.
_SCRIPTS: Final = re.compile(r"[^\x00-\u024f\u0370-\u03ff\u2070-\u209c]")
MOST_PROBLEMS: Final = 20
"""Problems of one file that are shown; the rest is counted."""


class _Missing:
    """Stands for a value that was not given."""

    def __repr__(self) -> str:
        return "(not given)"


MISSING = _Missing()


def show(value: object) -> str:
    """Return a value as it may be printed in one line: YAML words, no control characters."""
    if value is MISSING:
        return "not given"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        value = list(value)
    plain = isinstance(value, (str, dict, list))
    text = _SCRIPTS.sub(lambda m: ascii(m[0])[1:-1], repr(value)) if plain else str(value)
    if len(text) > _LONGEST_VALUE:
        text = text[: _LONGEST_VALUE - 3] + "..."
    return text


@dataclass(frozen=True)
class Problem:
    """One fault of a configuration.

    Attributes:
        key: dotted key path, such as ``bath.eta_cm``; empty for the file as a whole.
        value: what was given, or MISSING.
        allowed: what is allowed, as a clause ("must be a number > 0, in cm^-1").
        advice: what to do; may be empty.
        line: line in the file, counted from 1; 0 when unknown.
        context: where else it arose, such as the grid point.
    """

    key: str
    value: object
    allowed: str
    advice: str = ""
    line: int = 0
    context: str = ""

    def text(self, source: str) -> str:
        """Return the problem as one line for the named file."""
        where = f"{source}:{self.line}" if self.line else source
        subject = f"{self.key} = {show(self.value)}" if self.key else ""
        if self.key and self.value is MISSING:
            subject = f"{self.key} is not given"
        parts = [where]
        if subject:
            parts.append(subject)
        parts.append(self.allowed + (f" ({self.context})" if self.context else ""))
        line = ": ".join(parts)
        return f"{line}; {self.advice}" if self.advice else line


class StoreError(ValueError):
    """A file that cannot be written or read; the message says why and what to do."""


class ConfigurationError(ValueError):
    """A configuration that cannot be run; holds every problem found."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        """Collect the problems of one file."""
        self.source = source
        self.problems = tuple(sorted(problems, key=lambda p: p.line or 10**9))
        told = [problem.text(source) for problem in self.problems[:MOST_PROBLEMS]]
        if len(self.problems) > MOST_PROBLEMS:
            more = len(self.problems) - MOST_PROBLEMS
            told.append(f"{source}: and at least {more} more problems; correct the first ones")
        super().__init__("\n".join(told))
