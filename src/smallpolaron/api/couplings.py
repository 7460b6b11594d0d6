"""How the carrier couples to its baths: on sites, bonds, displacements, or by any operator."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from operator import index
from typing import Any, ClassVar, Literal

from smallpolaron.api.arguments import explained
from smallpolaron.api.baths import Bath, Debye, Described
from smallpolaron.api.energies import ModelError
from smallpolaron.model.baths.expansion import Scheme
from smallpolaron.support.problems import MISSING, Problem


@explained
@dataclass(frozen=True, repr=False)
class Local(Described):
    """Local (Holstein) coupling: V = |a><a|, baths on every site, alike on all.

    Attributes:
        baths: one bath or several, which add up.
        method: how runs expand them: "pade", "matsubara", "aaa", "esprit"; "auto" for pade where
            all have poles, else esprit.
    """

    baths: Bath | Sequence[Bath | tuple[Bath, ...]]
    method: Scheme | Literal["auto"] = field(default="auto", kw_only=True)
    kind: ClassVar[str] = "local"

    def __post_init__(self) -> None:
        """Make a tuple of the baths.

        Raises:
            ModelError: no bath is given, or something else.
        """
        given, title = self.baths, type(self).__name__
        # a list may hold lists, as of Vibrations
        listed = (given,) if isinstance(given, Bath) else tuple(given or ())
        baths = tuple(b for each in listed for b in (each if isinstance(each, tuple) else (each,)))
        if not baths or not all(isinstance(bath, Bath) for bath in baths):
            allowed = "must be a bath, such as Debye, Vibration, Ohmic, or a list of them"
            value = MISSING if not baths else repr(given)
            raise ModelError(
                title, [Problem("baths", value, allowed, f"such as {title}(Debye(…))")]
            )
        object.__setattr__(self, "baths", baths)

    def __repr__(self) -> str:
        """Return it as it could have been written."""
        assert isinstance(self.baths, tuple)
        baths = repr(self.baths[0]) if len(self.baths) == 1 else repr(list(self.baths))
        method = "" if self.method == "auto" else f", method={self.method!r}"
        return f"{type(self).__name__}({baths}{self._operator_text()}{method})"

    def _operator_text(self) -> str:
        return ""

    def parted(self) -> list[Local]:
        """Return the same coupling to each of its baths."""
        assert isinstance(self.baths, tuple)
        parts = [copy(self) for _ in self.baths]
        for part, bath in zip(parts, self.baths, strict=True):
            object.__setattr__(part, "baths", (bath,))  # built before: nothing to warn of again
        return parts

    def section(self) -> dict[str, Any]:
        """Return the baths as the section of a study."""
        assert isinstance(self.baths, tuple)
        first, *further = (bath.section() for bath in self.baths)
        chosen = {} if self.method == "auto" else {"decomposition": self.method}
        coupling = {} if self.kind == "local" else {"coupling": self.kind}
        return {**first, **({"further_baths": further} if further else {}), **chosen, **coupling}


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
