"""Parameters of a disordered ensemble and of its members."""

from __future__ import annotations

from typing import Any

from smallpolaron.model.disorder import Quantity, standard_draws
from smallpolaron.study.disorder_section import DisorderConfig
from smallpolaron.study.parameters import Parameters

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

    Args:
        clean: parameters without disorder.
        disorder: what is drawn.
        member: its number, from 0.
        n_bonds: bonds of the lattice.
    """
    drawn = {}
    for key, (quantity, name) in _DRAWN.items():
        width, shape = getattr(disorder, f"{name}_cm"), getattr(disorder, f"{name}_distribution")
        if width is not None:
            count = n_bonds if name == "hopping" else clean.n_sites
            draws = standard_draws(shape, quantity, seed=disorder.seed, member=member, count=count)
            given = getattr(clean.model, key)
            means = given if isinstance(given, tuple) else (given,) * count
            pairs = zip(means, draws, strict=True)
            drawn[key] = [round(float(mean + width * draw), _DIGITS) for mean, draw in pairs]
    return _unsymmetric(clean, disorder, member=member).changed(model=drawn)


def _unsymmetric(clean: Parameters, disorder: DisorderConfig, **which: Any) -> Parameters:
    """Return parameters without the symmetries that disorder breaks, and where draws come from.

    The number of members has no influence on the draws of one.
    """
    record = disorder.model_dump(exclude={"members"}) | which
    return clean.changed(hierarchy={"symmetry": "none"}, disorder=record)
