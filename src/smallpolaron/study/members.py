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
