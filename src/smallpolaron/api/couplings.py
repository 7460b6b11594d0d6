"""Couplings beside the local one: bonds, displacements, any operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from smallpolaron.api.baths import Local


@dataclass(frozen=True)
class Bond(Local):
    """Peierls coupling: V = |a><b| + |b><a|, baths on every bond, whose hopping they modulate.

    The thermal width of the hopping is sqrt(<X^2>), which for a vibration of frequency w0 is
    sqrt(eta w0 coth(w0/2kT) / 2). The current has a part that the bath assists; for it to be finite
    the baths must be Brownian.
    """

    kind: ClassVar[str] = "bond"


@dataclass(frozen=True)
class SSH(Local):
    """SSH coupling: baths on the displacement of every site along every axis of its bonds.

    On a chain V_j = (|j-1><j| + h.c.) - (|j><j+1| + h.c.): a displacement stretches one bond of its
    site and shortens the other. Baths as with Bond.
    """

    kind: ClassVar[str] = "ssh"


@dataclass(frozen=True)
class Coupling(Local):
    """Any coupling: one mode per cell with the operator V = sum value |a><b| + h.c.

    ``Coupling(Debye(…), [(0, 0, 1.0), (1, 1, -1.0)])``: two sites fluctuate against each other.

    Attributes:
        elements: (a, b, value) or (a, b, value, cell of b) or (a, b, value, cell of b, cell of a):
            sites of a cell, a dimensionless number, cells in lattice vectors; every pair of sites
            once. The same site twice is a diagonal element.
    """

    elements: Sequence[Sequence[Any]] = ()
    kind: ClassVar[str] = "operator"

    def section(self) -> dict[str, object]:
        """Return baths and operator as the section of a study."""
        listed = []
        for a, b, value, *cells in self.elements:
            there, here = (*cells, *([()] * (2 - len(cells))))[:2]
            across = [int(r) - int(o) for r, o in zip(there, here or [0] * len(there), strict=True)]
            number = complex(value)
            listed.append(
                {
                    "first": int(a),
                    "second": int(b),
                    "cell": across,
                    "origin": [int(o) for o in here],
                    "value": [number.real, number.imag],
                }
            )
        return super().section() | {"elements": listed}
