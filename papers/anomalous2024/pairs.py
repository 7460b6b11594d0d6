"""Runs of populations in pairs: the same point from both initialisations of the lattice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from smallpolaron.figures.runs import Run
from smallpolaron.study.config import POPULATION_PROTOCOLS


@dataclass(frozen=True)
class Pair:
    """The runs of one point."""

    marcus: Run
    franck_condon: Run

    @property
    def runs(self) -> tuple[Run, Run]:
        """Both runs."""
        return self.marcus, self.franck_condon


def pairs(runs: Sequence[Run]) -> list[Pair]:
    """Return the runs of every point in pairs, in the order in which the points come.

    Raises:
        ValueError: a point has been run from one initialisation only.
    """
    found: dict[str, dict[str, Run]] = {}
    for run in runs:
        found.setdefault(run.point.rpartition("__")[0], {})[str(run.parameter("start"))] = run
    for point, both in found.items():
        for start in POPULATION_PROTOCOLS:
            if start not in both:
                raise ValueError(
                    f"{point}: no run with start {start}; give its file as well, or add {start} "
                    "to the protocols of its block"
                )
    return [Pair(**both) for both in found.values()]
