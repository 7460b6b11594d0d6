"""How a carrier couples to a bath: by its sites, bonds, displacements, or any operator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from smallpolaron.model.coupling import Coupling, Element, check
from smallpolaron.model.lattice import Lattice
from smallpolaron.study.resolved.bath import CouplingKind
from smallpolaron.study.sections import Section, as_tuple, described
from smallpolaron.support.problems import MISSING, Problem

MOST_ELEMENTS: Final = 1000
"""Elements of one operator."""

Whole = Annotated[tuple[int, ...], BeforeValidator(as_tuple)]
_Number = Annotated[float, Field(ge=-1000, le=1000)]
_Value = _Number | Annotated[tuple[_Number, _Number], BeforeValidator(as_tuple)]


class ElementConfig(Section):
    """The term value |first in cell O><second in cell O + R| + h.c. of an operator."""

    first: int = described("Site in cell O, counted from 0.")
    second: int = described("Site in cell O + R; the same site for a diagonal element.")
    cell: Whole = described("R in lattice vectors, one whole number each.", ())
    origin: Whole = described("O, likewise; empty for the cell of the mode.", ())
    value: _Value = described("Dimensionless: the bath has the energy; complex as [re, im].", 1.0)


_Elements = Annotated[tuple[ElementConfig, ...], BeforeValidator(as_tuple)]


class CoupledSection(Section):
    """What the operator X of a bath multiplies."""

    coupling: CouplingKind = described(
        "local: |a><a|, a bath on every site. bond: |a><b| + |b><a|, one on every bond, whose "
        "hopping it modulates. ssh: one per site and axis, whose displacement stretches the bonds "
        "of the site. operator: one per cell, with elements. All but local need the section "
        "lattice.",
        "local",
    )
    elements: _Elements | None = described(
        "The operator of coupling: operator.",
        None,
        max_length=MOST_ELEMENTS,
        allowed=f"a list of at most {MOST_ELEMENTS} mappings with first, second, cell, origin, "
        "value",
    )

    def faults(self) -> Iterator[Problem]:
        """Yield elements that are missing, have no effect, or do not make an operator."""
        yield from super().faults()
        needed, given = self.coupling == "operator", self.elements is not None
        if needed != given:
            allowed = "must be given with coupling: operator, and only then"
            value = self.coupling if given else MISSING
            yield Problem("elements", value, allowed, "add or remove bath.elements")
        try:
            if needed and given:
                _ = Coupling(self._operator())
        except ValueError as error:
            allowed = f"do not make an operator: {error}"
            yield Problem("elements", "(a list)", allowed, "correct it")

    def require_fit(self, lattice: Lattice) -> None:
        """Refuse elements that a lattice cannot have.

        Raises:
            ValueError: it cannot.
        """
        if self.elements is not None:
            check([Coupling(self._operator())], lattice)

    def _operator(self) -> tuple[Element, ...]:
        return tuple(
            Element(e.first, e.second, e.cell, as_complex(e.value), e.origin)
            for e in self.elements or ()
        )

    @property
    def moves_carrier(self) -> bool:
        """Whether the bath takes the carrier from site to site."""
        if self.coupling == "operator":
            return any(not each.is_diagonal for each in self._operator())
        return self.coupling != "local"

    def resolved_coupling(self) -> dict[str, Any]:
        """Return the coupling as parameters of a point; {} for the local one."""
        if self.coupling == "local":
            return {}
        elements = []
        for e in self._operator():
            zero = (0,) * max(len(e.cell), len(e.origin))
            value = complex(e.value)
            numbers = (e.first, e.second, *(e.cell or zero), *(e.origin or zero))
            elements.append([*map(float, numbers), value.real, value.imag])
        return {"coupling": self.coupling, **({"elements": elements} if elements else {})}


def as_complex(value: float | tuple[float, float]) -> complex:
    """Return a number of a study, which may be a pair [re, im]."""
    return complex(*value) if isinstance(value, tuple) else complex(value)
