"""The section of a study about lattices other than rings, chains and the infinite line."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Annotated, Final, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from smallpolaron.model import lattice as lattices
from smallpolaron.model.lattice import Bond, Boundary, Lattice
from smallpolaron.model.lattice_model import LatticeModel
from smallpolaron.model.tensor_symmetry import tensor_form
from smallpolaron.study.coupling_section import Whole, as_complex
from smallpolaron.study.resolved.lattice import DIRECTIONS, ResolvedLattice
from smallpolaron.study.sections import Energies, Section, as_tuple, described
from smallpolaron.support.canonical import exact_product
from smallpolaron.support.problems import MISSING, Problem

MOST_SITES: Final = 4096
"""Sites of a finite lattice, or of the first window on an infinite one."""

MOST_BONDS: Final = 1000
"""Bonds of a cell: what a result file can hold among its parameters."""

TENSOR: Final = "tensor"
"""What stands for as many directions as the mobility tensor needs, each a point of its own."""

_PRESETS: Final[dict[str, Callable[..., Lattice]]] = {
    "square": lattices.square,
    "triangular": lattices.triangular,
    "honeycomb": lattices.honeycomb,
    "cubic": lattices.cubic,
    "ladder": lattices.ladder,
    "dimerised_chain": lattices.dimerised_chain,
    "herringbone": lattices.herringbone,
}
_OWN: Final[dict[str, tuple[str, ...]]] = {
    "custom": ("vectors_A", "sites_A", "bonds"),
    "cluster": ("matrix", "sites_A"),
}
_ALWAYS: Final = ("kind", "boundary", "cells", "direction")

Kind = Literal[
    "square",
    "triangular",
    "honeycomb",
    "cubic",
    "ladder",
    "dimerised_chain",
    "herringbone",
    "custom",
    "cluster",
]
Length = Annotated[float, Field(gt=0, le=1000)]
Place = Annotated[float, Field(ge=-100_000, le=100_000)]
Ratio = Annotated[float, Field(ge=-100_000, le=100_000)]
Places = Annotated[
    tuple[Annotated[tuple[Place, ...], BeforeValidator(as_tuple)], ...], BeforeValidator(as_tuple)
]
Hopping = Ratio | Annotated[tuple[Ratio, Ratio], BeforeValidator(as_tuple)]


class BondConfig(Section):
    """A bond of a cell and its images: h |first in cell 0><second in cell R| + h.c."""

    first: int = described("Site in cell 0, counted from 0.")
    second: int = described("Site in cell R.")
    cell: Whole = described("R in lattice vectors, one whole number each.", ())
    hopping: Hopping = described("h in units of model.hopping_cm; complex as [re, im].", 1.0)


Bonds = Annotated[tuple[BondConfig, ...], BeforeValidator(as_tuple)]
Matrix = Annotated[
    tuple[Annotated[tuple[Hopping, ...], BeforeValidator(as_tuple)], ...], BeforeValidator(as_tuple)
]
_ROWS: Final = "a list of lists of 1 to 3 numbers"


class LatticeConfig(Section):
    """A lattice in up to three dimensions, or a cluster, in place of model.topology."""

    kind: Kind | None = described(
        "What repeats: a preset; custom: vectors_A, sites_A, bonds; cluster: matrix. null: no such "
        "lattice, model.topology says what there is.",
        None,
    )
    spacing_A: Length | None = described(
        "Distance of neighbours of a preset; of a dimerised chain the mean one.",
        None,
        unit="angstrom",
    )
    spacing_y_A: Length | None = described(
        "Distance of neighbours along y (square). null: spacing_A.", None, unit="angstrom"
    )
    ratio: Ratio | None = described(
        "Hopping over the first one: along y (square), between dimers (dimerised_chain), of rungs "
        "(ladder). null: 1, but a dimerised chain needs it.",
        None,
    )
    ratios: Annotated[tuple[Ratio, Ratio], BeforeValidator(as_tuple)] | None = described(
        "Hoppings along y and z over that along x (cubic). null: both 1.",
        None,
        allowed="a list of 2 numbers, or null",
    )
    rung_A: Length | None = described("Length of rungs (ladder).", None, unit="angstrom")
    short_A: Length | None = described(
        "Distance within a dimer (dimerised_chain). null: spacing_A.", None, unit="angstrom"
    )
    a_A: Length | None = described("Cell along x (herringbone).", None, unit="angstrom")
    b_A: Length | None = described("Cell along y (herringbone).", None, unit="angstrom")
    along: Ratio | None = described("Hopping of like molecules along x (herringbone).", None)
    first: Ratio | None = described("Hopping of unlike ones along (a, b)/2.", None)
    second: Ratio | None = described("Hopping of unlike ones along (a, -b)/2.", None)
    vectors_A: Places | None = described(
        "Lattice vectors (custom).", None, unit="angstrom", allowed=_ROWS
    )
    sites_A: Places | None = described(
        "Positions of the sites of a cell (custom) or of all sites (cluster). null, for a cluster: "
        "not known; then there are populations, but no current.",
        None,
        unit="angstrom",
        allowed=_ROWS,
    )
    bonds: Bonds | None = described(
        "Bonds of a cell (custom), each pair of sites once.",
        None,
        max_length=MOST_BONDS,
        allowed=f"a list of at most {MOST_BONDS} mappings with first, second, cell, hopping",
    )
    matrix: Matrix | None = described(
        "Hoppings between all sites (cluster): Hermitian, 0 on the diagonal; complex as [re, im].",
        None,
        allowed="a list of rows, each a list of numbers or of pairs [re, im]",
    )
    boundary: Boundary | Annotated[tuple[Boundary, ...], BeforeValidator(as_tuple)] | None = (
        described(
            "How it ends, in every dimension or by dimension. null: infinite.",
            None,
            allowed="infinite, periodic or open, or a list of these",
        )
    )
    cells: Whole | None = described(
        "Cells per dimension; of an infinite one the odd number to start with, around the carrier. "
        "null, where all are infinite: "
        + ", ".join(f"{n} in {d}D" for d, n in enumerate(lattices.WINDOWS) if d)
        + ".",
        None,
        allowed="a list of whole numbers >= 1",
    )
    direction: Literal["x", "y", "z", "xy", "xz", "yz", "tensor"] | Energies = described(
        "Along which the current flows and displacements are measured. tensor: one point for each "
        "direction that the mobility tensor needs, and the tensor.",
        "x",
        allowed="x, y, z, xy, xz, yz, tensor, or a list of 1 to 3 numbers",
    )

    @property
    def present(self) -> bool:
        """Whether there is such a lattice."""
        return self.kind is not None

    @cached_property
    def lattice(self) -> Lattice:
        """The lattice.

        Raises:
            ValueError: the lattice is invalid.
        """
        assert self.kind is not None
        names = self._names()
        given = {name: getattr(self, name) for name in names}
        if self.kind in _PRESETS:
            known = {name: value for name, value in given.items() if value is not None}
            made = _PRESETS[self.kind](**known)
        elif self.kind == "cluster":
            matrix = [[as_complex(h) for h in row] for row in self.matrix or ()]
            made = lattices.cluster(matrix, self.sites_A)
        else:
            bonds = tuple(
                Bond(b.first, b.second, b.cell, as_complex(b.hopping)) for b in self.bonds or ()
            )
            made = Lattice(self.vectors_A or (), self.sites_A or (), bonds)
        sides = self.boundary or "infinite"
        sides = (sides,) * made.dimensions if isinstance(sides, str) else sides
        if self.cells is None and set(sides) - {"infinite"}:
            raise ValueError("lattice.cells must be given where a dimension is finite")
        made = replace(made, boundary=sides, cells=self.cells or made.cells)
        if made.n_sites > MOST_SITES:
            raise ValueError(f"{made.n_sites} sites; allowed: at most {MOST_SITES}")
        if len(made.bonds) > MOST_BONDS:
            raise ValueError(f"{len(made.bonds)} bonds; allowed: at most {MOST_BONDS} in a cell")
        return made

    def _names(self) -> tuple[str, ...]:
        """Return the fields that this kind has beside those that all have."""
        kind = str(self.kind)
        return _OWN.get(kind) or tuple(inspect.signature(_PRESETS[kind]).parameters)

    @property
    def way(self) -> tuple[float, ...]:
        """The direction as three numbers, the largest of them 1 in size, the first not negative."""
        given = self.direction
        way = [*(DIRECTIONS[given] if isinstance(given, str) else given), 0.0, 0.0][:3]
        first = next(value for value in way if value)
        largest = max(map(abs, way)) * (1 if first > 0 else -1)
        return tuple(value / largest + 0.0 for value in way)

    def faults(self) -> Iterator[Problem]:
        """Yield what does not apply to the kind, what it lacks, and why it is not a lattice."""
        if not self.present:
            for name in self.model_fields_set - {"kind"}:
                yield Problem(name, getattr(self, name), "needs lattice.kind", "add the kind")
            return
        names, found = self._names(), False
        for name in self.model_fields_set - {*names, *_ALWAYS}:
            if getattr(self, name) is not None:
                allowed = f"has no effect on lattice.kind {self.kind}, which takes "
                allowed += ", ".join(names)
                yield Problem(name, getattr(self, name), allowed, "remove it")
        for name in self._required():
            if getattr(self, name) is None:
                found = True
                allowed = f"must be given for lattice.kind {self.kind}"
                yield Problem(name, MISSING, allowed, f"add lattice.{name}")
        way = self.direction
        if not isinstance(way, str) and not (1 <= len(way) <= 3 and any(way)):
            allowed = "must be x, y, z, xy, xz, yz, or a list of 1 to 3 numbers, not all 0"
            yield Problem("direction", way, allowed, "give a direction")
        if found:
            return
        try:
            _ = self.lattice
        except (ValueError, TypeError) as error:
            yield Problem(
                "kind", self.kind, f"does not make a lattice: {error}", "correct the section"
            )

    def _required(self) -> tuple[str, ...]:
        kind = str(self.kind)
        if kind in _OWN:
            return tuple(name for name in _OWN[kind] if kind == "custom" or name == "matrix")
        arguments = inspect.signature(_PRESETS[kind]).parameters.values()
        return tuple(each.name for each in arguments if each.default is inspect.Parameter.empty)

    def resolved(self, hopping_cm: float | tuple[float, ...]) -> ResolvedLattice:
        """Return the lattice of a point, its hoppings in cm^-1.

        Args:
            hopping_cm: what multiplies the hoppings of all bonds, or one number per bond.
        """
        made = self.lattice
        units = hopping_cm if isinstance(hopping_cm, tuple) else (hopping_cm,) * len(made.bonds)
        bonds = tuple(
            (float(b.first), float(b.second), *map(float, b.cell), *_in_cm(b.hopping, unit))
            for b, unit in zip(made.bonds, units, strict=True)
        )
        return ResolvedLattice(
            vectors_A=made.vectors.tolist(),
            sites_A=made.sites.tolist(),
            bonds=bonds,
            boundary=made.boundary,
            cells=made.cells,
            direction=self.way,
        )


def tensor_directions(model: LatticeModel) -> list[str]:
    """Return the directions that the tensor of a lattice needs, by name.

    Directions between the axes stand for those in a plane or line that has none of the axes.
    """
    form, found = tensor_form(model), list[str]()
    for word, way in DIRECTIONS.items():
        reading = form.reading([*(DIRECTIONS[each] for each in found), way])
        if np.linalg.matrix_rank(reading) > len(found):
            found.append(word)
    return found


def _in_cm(hopping: complex, unit: float) -> tuple[float, float]:
    real, imaginary = complex(hopping).real, complex(hopping).imag
    return exact_product(real, unit), exact_product(imaginary, unit)
