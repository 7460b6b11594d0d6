"""Failures of the set-up, each with what to do about it."""

from __future__ import annotations


class SetupError(Exception):
    """A failure that the reader can act on.

    Args:
        problem: What is wrong and where, one sentence.
        remedies: What to do; any one of them helps.
    """

    def __init__(self, problem: str, *remedies: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedies = remedies

    def __str__(self) -> str:
        """The problem and the remedies, ready to print."""
        lines = [self.problem]
        if self.remedies:
            lines.append("What to do:")
            lines.extend(f"  - {remedy}" for remedy in self.remedies)
        return "\n".join(lines)


class RouteError(SetupError):
    """A PETSc that was tried does not work; another route may."""
