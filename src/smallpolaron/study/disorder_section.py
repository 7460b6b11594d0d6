"""The section of a study about static disorder."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from smallpolaron.model.disorder import Distribution
from smallpolaron.study.sections import Section, described
from smallpolaron.support.problems import MISSING, Problem

DISORDERED = ("site_energy", "hopping")
"""What may be drawn, as in the names of the keys."""

_MEANING = (
    "normal: width = standard deviation. uniform: even over an interval of that full width about "
    "the given value. exponential: below the given value only, mean depth = width."
)


class DisorderConfig(Section):
    """Static disorder: site energies and hoppings drawn for every member of an ensemble."""

    site_energy_cm: float | None = described(
        "Width of the distribution added to model.site_energies_cm. null: none.",
        None,
        unit="cm^-1",
        gt=0,
        le=10_000,
    )
    site_energy_distribution: Distribution | None = described(f"Its shape. {_MEANING}", None)
    hopping_cm: float | None = described(
        "Width of the distribution added to model.hopping_cm, bond by bond. null: none.",
        None,
        unit="cm^-1",
        gt=0,
        le=10_000,
    )
    hopping_distribution: Distribution | None = described(
        "Its shape, as site_energy_distribution.", None
    )
    seed: int = described(
        "Seed of the draws. Member k depends on seed and k only: more members keep the first ones, "
        "and all widths share one set of draws.",
        0,
        ge=0,
        le=2**32 - 1,
    )
    members: int = described("Members of the ensemble.", 32, ge=1, le=10_000)

    @property
    def present(self) -> bool:
        """Whether anything is drawn."""
        return any(getattr(self, f"{name}_cm") is not None for name in DISORDERED)

    def faults(self) -> Iterator[Problem]:
        """Yield widths without a distribution, and options without effect."""
        for name in DISORDERED:
            width, shape = getattr(self, f"{name}_cm"), getattr(self, f"{name}_distribution")
            if width is not None and shape is None:
                allowed = f"must be given with {name}_cm: normal, uniform or exponential"
                advice = f"add disorder.{name}_distribution"
                yield Problem(f"{name}_distribution", MISSING, allowed, advice)
            elif shape is not None and width is None:
                allowed = f"has an effect only with {name}_cm, which is not given"
                advice = f"add disorder.{name}_cm, or remove it"
                yield Problem(f"{name}_distribution", shape, allowed, advice)
        for name in ("seed", "members"):
            if name in self.model_fields_set and not self.present:
                allowed = "has an effect only with site_energy_cm or hopping_cm"
                yield Problem(name, getattr(self, name), allowed, "add a width, or remove it")


def drawn_at(said: Callable[[str], object]) -> set[str]:
    """Return which of DISORDERED have a width at a point.

    Args:
        said: what the study says of a dotted key at the point.
    """
    return {name for name in DISORDERED if said(f"disorder.{name}_cm")}


def idle_disorder(said: Callable[[str], object], drawn: set[str]) -> list[str]:
    """Return the keys of the section that are meant for other points than this one.

    Args:
        said: what the study says of a dotted key at the point.
        drawn: which of DISORDERED have a width at any point.
    """
    here = drawn_at(said)
    idle = [f"disorder.{name}_distribution" for name in sorted(drawn - here)]
    return idle if here or not drawn else [*idle, "disorder.seed", "disorder.members"]
