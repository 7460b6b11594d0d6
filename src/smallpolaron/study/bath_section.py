"""The section of a study about the baths of every site."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from smallpolaron.model.accuracy import BATH_ERROR_PER_ACCURACY, LARGEST_BATH_ERROR
from smallpolaron.study.sections import (
    DEFAULT_ERROR_BOUND,
    Positive,
    Section,
    as_tuple,
    described,
)
from smallpolaron.support.canonical import exact_product
from smallpolaron.support.problems import MISSING, Problem

BathKind = Literal["debye", "brownian"]
MOST_FURTHER_BATHS = 8
"""Largest number of baths of a site beyond the first."""


class OneBath(Section):
    """One bath of every site."""

    kind: BathKind = described(
        "debye: J(w) = eta gamma w / (w^2 + gamma^2). brownian: a damped vibration, "
        "J(w) = eta gamma w0^2 w / ((w0^2 - w^2)^2 + gamma^2 w^2).",
        "debye",
    )
    eta_cm: Positive | None = described(
        "Coupling strength eta; the reorganisation energy is eta/2. "
        "Give this or eta_over_v, not both.",
        None,
        unit="cm^-1",
    )
    eta_over_v: Positive | None = described(
        "Coupling strength eta in units of the hopping v.", None, unit="v"
    )
    gamma_cm: Positive | None = described(
        "Relaxation rate gamma (cutoff frequency) of a Debye bath, damping of a vibration. "
        "Give this or gamma_over_v, not both.",
        None,
        unit="cm^-1",
    )
    gamma_over_v: Positive | None = described("The same in units of the hopping v.", None, unit="v")
    frequency_cm: Positive | None = described(
        "Undamped frequency w0 of the vibration, with kind: brownian only. "
        "Give this or frequency_over_v, not both.",
        None,
        unit="cm^-1",
    )
    frequency_over_v: Positive | None = described(
        "The same in units of the hopping v.", None, unit="v"
    )

    @property
    def needed(self) -> tuple[str, ...]:
        """The quantities that this kind of bath has."""
        return ("eta", "gamma", "frequency") if self.kind == "brownian" else ("eta", "gamma")

    @property
    def poles(self) -> int:
        """Number of exponentials that are poles of the spectral density."""
        return 2 if self.kind == "brownian" else 1

    def relative(self) -> Iterator[str]:
        """Yield the keys that are given in units of the hopping."""
        for name in ("eta", "gamma", "frequency"):
            if getattr(self, f"{name}_over_v") is not None:
                yield f"{name}_over_v"

    def in_cm(self, name: str, hopping_cm: float | None) -> float:
        """Return a quantity that is given, in cm^-1."""
        absolute = getattr(self, f"{name}_cm")
        if absolute is not None:
            return float(absolute)
        assert hopping_cm is not None  # checked by the study
        return exact_product(float(getattr(self, f"{name}_over_v")), float(hopping_cm))

    def faults(self) -> Iterator[Problem]:
        """Yield pairs of which exactly one must be given, and options without effect."""
        for name in self.needed:
            absolute, relative = getattr(self, f"{name}_cm"), getattr(self, f"{name}_over_v")
            allowed = f"exactly one of {name}_cm (cm^-1) and {name}_over_v must be given"
            if absolute is None and relative is None:
                advice = f"add bath.{name}_cm, or bath.{name}_over_v, here or in every grid block"
                yield Problem(f"{name}_cm", MISSING, allowed + ", a number > 0", advice)
            elif absolute is not None and relative is not None:
                yield Problem(f"{name}_over_v", relative, allowed, f"remove it or {name}_cm")
        if "frequency" not in self.needed:
            for key in ("frequency_cm", "frequency_over_v"):
                value = getattr(self, key)
                if value is not None:
                    allowed = f"has an effect only with kind: brownian; kind is {self.kind}"
                    yield Problem(key, value, allowed, "remove it, or set kind: brownian")


FurtherBaths = Annotated[tuple[OneBath, ...], BeforeValidator(as_tuple)]


class BathConfig(OneBath):
    """The bath of every site, further ones, and their expansion in exponentials."""

    decomposition: Literal["pade", "matsubara"] = described(
        "Expansion of the bath correlation function in exponentials.", "pade"
    )
    terms: Annotated[int, Field(ge=0, le=20)] | Literal["auto"] = described(
        "Low-temperature exponentials beyond the poles of the baths, which share them; "
        "auto: as many as error_bound asks.",
        "auto",
    )
    terminator: bool = described(
        "Treat the remaining exponentials as a delta-correlated term.", True
    )
    error_bound: float | None = described(
        "Largest error of the lineshape function g(t) when terms is auto; null: "
        f"{BATH_ERROR_PER_ACCURACY:g} accuracy, at most {LARGEST_BATH_ERROR}; with hierarchy.depth "
        f"{DEFAULT_ERROR_BOUND}.",
        None,
        gt=0,
        lt=1,
    )
    further_baths: FurtherBaths = described(
        "More baths on every site, beside the one above.",
        (),
        max_length=MOST_FURTHER_BATHS,
        allowed=f"a list of at most {MOST_FURTHER_BATHS} mappings with kind, eta_*, gamma_* and "
        "frequency_* as above",
    )

    @property
    def all_baths(self) -> tuple[OneBath, ...]:
        """Every bath of a site."""
        return (self, *self.further_baths)

    def place(self, index: int) -> str:
        """Return the key of a bath of all_baths, with the dot that follows."""
        return f"bath.further_baths.{index - 1}." if index else "bath."

    def faults(self) -> Iterator[Problem]:
        """Yield what is wrong with the first bath, and options without effect."""
        yield from super().faults()
        if self.error_bound is not None and self.terms != "auto":
            allowed = f"has an effect only with terms: auto; terms is {self.terms}"
            advice = "remove error_bound, or set bath.terms: auto"
            yield Problem("error_bound", self.error_bound, allowed, advice)
