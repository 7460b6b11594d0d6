"""Couplings beside the local one: bonds, displacements, any operator."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from operator import index
from typing import Any, ClassVar

from smallpolaron.api.arguments import explained
from smallpolaron.api.baths import Debye, Local
from smallpolaron.api.energies import ModelError
from smallpolaron.support.problems import Problem


@explained
@dataclass(frozen=True, repr=False)
class Bond(Local):
    """Peierls coupling: V = |a><b| + |b><a|, baths on every bond, whose hopping they modulate.

    The thermal width of the hopping is sqrt(<X^2>), which for a vibration of frequency w0 is
    sqrt(eta w0 coth(w0/2kT) / 2). The current has a part that the bath assists; for it to be finite
    the baths must be Brownian.
    """

    kind: ClassVar[str] = "bond"

    def __post_init__(self) -> None:
        """Warn of baths without a finite current."""
        super().__post_init__()
        _warn_of_debye(self)


@explained
@dataclass(frozen=True, repr=False)
class SSH(Local):
    """SSH coupling: baths on the displacement of every site along every axis of its bonds.

    On a chain V_j = (|j-1><j| + h.c.) - (|j><j+1| + h.c.): a displacement stretches one bond of its
    site and shortens the other. Baths as with Bond.
    """

    kind: ClassVar[str] = "ssh"

    def __post_init__(self) -> None:
        """Warn of baths without a finite current."""
        super().__post_init__()
        _warn_of_debye(self)


@explained
@dataclass(frozen=True, repr=False)
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

    def __post_init__(self) -> None:
        """Refuse elements that are not written as above.

        Raises:
            ModelError: they are not.
        """
        super().__post_init__()
        try:
            _ = self.section()
        except (TypeError, ValueError):
            allowed = "must be (a, b, value), (a, b, value, cell of b), or with the cell of a, too"
            advice = "write sites and cells as whole numbers, such as [(0, 0, 1.0, (1,))]"
            problem = Problem("elements", repr(self.elements), allowed, advice)
            raise ModelError("Coupling", [problem]) from None

    def _operator_text(self) -> str:
        return f", {[tuple(each) for each in self.elements]}"

    def section(self) -> dict[str, object]:
        """Return baths and operator as the section of a study."""
        listed = []
        for a, b, value, *cells in self.elements:
            there, here = (*cells, *([()] * (2 - len(cells))))[:2]
            origin = [index(o) for o in here or [0] * len(there)]
            across = [index(r) - o for r, o in zip(there, origin, strict=True)]
            number = complex(value)
            listed.append(
                {
                    "first": index(a),
                    "second": index(b),
                    "cell": across,
                    "origin": origin if here else [],
                    "value": [number.real, number.imag],
                }
            )
        return super().section() | {"elements": listed}


def _warn_of_debye(coupling: Local) -> None:
    assert isinstance(coupling.baths, tuple)
    if any(isinstance(bath, Debye) for bath in coupling.baths):
        name = type(coupling).__name__
        warnings.warn(
            f"{name}(Debye(…)) has populations, but no current: <X^2> of the current that the bath "
            "assists diverges. For a mobility use Brownian, which relaxes like a Debye bath of "
            "rate w0^2/gamma where its damping gamma is much above 2 w0",
            stacklevel=5,
        )
