"""Static disorder: the section of a study, and what it makes of the parameters of a point."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from smallpolaron.model.disorder import Distribution, Quantity, standard_draws
from smallpolaron.study.parameters import Parameters
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


_DIGITS = 6
"""Decimals of a realised energy in cm^-1: a last bit in which the logarithms of two machines may
differ must not give one member two names."""

_DRAWN: dict[str, tuple[Quantity, str]] = {
    "site_energies_cm": ("site_energies", "site_energy"),
    "hopping_cm": ("hopping", "hopping"),
}
"""What is drawn, and what the section disorder calls it."""


def ensemble_parameters(clean: Parameters, disorder: DisorderConfig) -> Parameters:
    """Return the parameters of an ensemble: those without disorder, and what is drawn.

    Args:
        clean: parameters without disorder.
        disorder: what is drawn.
    """
    return _unsymmetric(clean, disorder, members=disorder.members)


def member_parameters(
    clean: Parameters, disorder: DisorderConfig, member: int, n_bonds: int
) -> Parameters:
    """Return the parameters of one member, with realised site energies and hoppings.

    Where hoppings are drawn, a lattice becomes one cell: no two bonds are alike.

    Args:
        clean: parameters without disorder.
        disorder: what is drawn.
        member: its number, from 0.
        n_bonds: bonds of a ring or chain.
    """
    drawn, lattice = dict[str, list[float]](), clean.lattice
    if lattice is not None and disorder.hopping_cm is not None:
        lattice = lattice.as_one_cell
    for key, (quantity, name) in _DRAWN.items():
        width, shape = getattr(disorder, f"{name}_cm"), getattr(disorder, f"{name}_distribution")
        if width is not None:
            given, count = getattr(clean.model, key), clean.n_sites
            if name == "hopping":
                count = n_bonds
                if lattice is not None:
                    given = tuple(re for *_, re, _ in lattice.bonds)
                    count = len(given)
            draws = standard_draws(shape, quantity, seed=disorder.seed, member=member, count=count)
            # energies of a lattice may repeat with the cell
            means = given * (count // len(given)) if isinstance(given, tuple) else (given,) * count
            pairs = zip(means, draws, strict=True)
            drawn[key] = [round(float(mean + width * draw), _DIGITS) for mean, draw in pairs]
    found = _unsymmetric(clean, disorder, member=member)
    if lattice is None or lattice is clean.lattice:
        return found.changed(model=drawn)
    pairs = zip(lattice.bonds, drawn["hopping_cm"], strict=True)
    bonds = [(*ends, v, im) for (*ends, _, im), v in pairs]
    energies = clean.model.site_energies_cm
    if isinstance(energies, tuple):
        drawn.setdefault("site_energies_cm", [*energies] * (clean.n_sites // len(energies)))
    return found.changed(model=drawn, lattice=lattice.content() | {"bonds": bonds})


def _unsymmetric(clean: Parameters, disorder: DisorderConfig, **which: Any) -> Parameters:
    """Return parameters without the symmetries that disorder breaks, and where draws come from.

    The number of members has no influence on the draws of one.
    """
    record = disorder.model_dump(exclude={"members"}) | which
    return clean.changed(hierarchy={"symmetry": "none"}, disorder=record)
