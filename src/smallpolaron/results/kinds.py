"""The kinds of result files: what each is made from, and by what. A new kind is one line here.

The command line, the rules of the workflow, the analysis of tables, `rerun`, the layout of the
files and their documentation follow from this list and from the table QUANTITIES beside the
function of each kind.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Files = Literal["one", "partner", "starts", "directions"]

POINTS_NOTE: Final = "points"
"""Name of the note that holds the points of several sources, separated by commas."""


@dataclass(frozen=True)
class Kind:
    """One kind of result file.

    Attributes:
        name: folder of its files and attribute `kind` in them.
        title: what it is, for messages, options and documentation.
        source: kind of the file it is derived from; empty for what jobs and whole studies give.
        or_source: kind that a file in the folder of the source may also be.
        files: how many files of the source it takes: one; one and, if there is one, that of the
            other initialisation; one per start site; or one per direction of the current.
        of_study: whether every study has it.
        of_table: whether it is also derived from a table of numbers that a user has.
        of_many: whether it is made from many points.
    """

    name: str
    title: str
    source: str = ""
    or_source: str = ""
    files: Files = "one"
    of_study: bool = False
    of_table: bool = False
    of_many: bool = False

    @property
    def command(self) -> str:
        """Name of the command that derives it."""
        return self.name.replace("_", "-")

    @property
    def run(self) -> str:
        """Pattern of the names of its files: one per point or, as of populations, per start."""
        return "{point}__{start}" if self.source == "population" else "{point}"

    @property
    def most_sources(self) -> int:
        """How many files it may be derived from."""
        if not self.source:
            return 0
        return {"one": 1, "partner": 2, "starts": 255, "directions": 255}[self.files]

    @property
    def takes_many(self) -> bool:
        """Whether it is derived from any number of files of its source."""
        return self.files in ("starts", "directions")

    @property
    def module(self) -> Any:
        """The module with its function and its table QUANTITIES, imported when it is needed."""
        return importlib.import_module(f"smallpolaron.derive.{self.name}_job")

    @property
    def derive(self) -> Any:
        """The function that derives it from results and criteria."""
        return getattr(self.module, f"{self.name}_result")


_TABLE: Final[dict[str, Any]] = {"of_table": True}
_STUDY: Final[dict[str, Any]] = {"of_table": True, "of_study": True}
_ALL: Final = (
    Kind("correlation", "Current autocorrelation function", of_study=True),
    Kind("population", "Site populations"),
    Kind("displacement", "Mean-squared displacement on the infinite lattice"),
    Kind("mobility", "DC and frequency-resolved mobility", "correlation", **_STUDY),
    Kind("kernel", "Memory kernel and cutoff times", "correlation", **_STUDY),
    Kind("augmented", "Memory kernels with derivatives of the current", "correlation", **_TABLE),
    Kind("drude_smith", "Drude-Smith fit", "mobility", **_STUDY),
    Kind("conductivity_models", "Drude-Smith and its rivals", "mobility", **_TABLE),
    Kind("moments", "Moments of the memory kernel", "mobility", **_TABLE),
    Kind("tensor", "Mobility tensor of a lattice", "mobility", files="directions"),
    Kind("population_kernel", "Memory kernel of the populations", "population", files="starts"),
    Kind(
        "spreading",
        "Displacement, exponent and regimes of a carrier",
        *("population", "displacement"),
        files="partner",
    ),
    Kind("ladder", "Convergence with the number of sites and its limit", of_many=True),
    Kind("ensemble", "Averages over a disordered ensemble", of_many=True),
    Kind("inverse", "Parameters behind a measurement", of_many=True),
    Kind("verdict", "Equilibrium against non-equilibrium", of_many=True),
)

KINDS: Final[dict[str, Kind]] = {kind.name: kind for kind in _ALL}


def derived() -> Mapping[str, Kind]:
    """Return the kinds that are derived from files of another one; sources come first."""
    return {name: kind for name, kind in KINDS.items() if kind.source}


TABLE_KINDS: Final = tuple(kind for kind in derived().values() if kind.of_table)
"""Kinds that are derived from a table."""

OPTIONAL: Final = tuple(k.name for k in TABLE_KINDS if k.name not in ("mobility", "kernel"))
"""Those of which nothing else is made, which may be skipped."""
