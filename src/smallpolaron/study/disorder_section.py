"""The section of a study about static disorder."""

from __future__ import annotations

from collections.abc import Iterator

from smallpolaron.model.disorder import Distribution
from smallpolaron.study.sections import Section, described
from smallpolaron.support.problems import Problem

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
        """Yield widths without a distribution."""
        for name in DISORDERED:
            if self.is_given(f"{name}_cm") and not self.is_given(f"{name}_distribution"):
                allowed = f"must be given with {name}_cm: normal, uniform or exponential"
                advice = f"add disorder.{name}_distribution"
                yield self.fault(f"{name}_distribution", allowed, advice)
