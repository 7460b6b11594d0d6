"""Resolved parameters of a disordered ensemble and of its members."""

from __future__ import annotations

from smallpolaron.model.disorder import Distribution, Quantity, standard_draws
from smallpolaron.study.disorder_section import DISORDERED, DisorderConfig
from smallpolaron.support.canonical import Parameters

_DIGITS = 6
"""Decimals of a realised energy in cm^-1: a last bit in which the logarithms of two machines may
differ must not give one member two names."""


def ensemble_parameters(clean: Parameters, disorder: DisorderConfig) -> Parameters:
    """Return the parameters of an ensemble: those without disorder, and what is drawn.

    Args:
        clean: resolved parameters without disorder.
        disorder: what is drawn.
    """
    record = {**_record(disorder), "members": disorder.members}
    return {**_unsymmetric(clean), "disorder": record}


def member_parameters(
    clean: Parameters, disorder: DisorderConfig, member: int, n_bonds: int
) -> Parameters:
    """Return the parameters of one member, with realised site energies and hoppings.

    Args:
        clean: resolved parameters without disorder.
        disorder: what is drawn.
        member: its number, from 0.
        n_bonds: bonds of the lattice.
    """

    def realised(
        mean: float | list[float], quantity: Quantity, name: str, count: int
    ) -> float | list[float]:
        width: float | None = getattr(disorder, f"{name}_cm")
        if width is None:
            return mean
        shape: Distribution = getattr(disorder, f"{name}_distribution")
        draws = standard_draws(shape, quantity, seed=disorder.seed, member=member, count=count)
        means = mean if isinstance(mean, list) else [mean] * count
        pairs = zip(means, draws, strict=True)
        return [round(float(m + width * draw), _DIGITS) for m, draw in pairs]

    model = clean["model"]
    energies, hopping = model["site_energies_cm"], model["hopping_cm"]
    drawn = {
        "site_energies_cm": realised(energies, "site_energies", "site_energy", model["n_sites"]),
        "hopping_cm": realised(hopping, "hopping", "hopping", n_bonds),
    }
    return {
        **_unsymmetric(clean),
        "model": {**model, **drawn},
        "disorder": {**_record(disorder), "member": member},
    }


def _unsymmetric(clean: Parameters) -> Parameters:
    """Return parameters without the symmetries that disorder breaks."""
    return {**clean, "hierarchy": {**clean["hierarchy"], "symmetry": "none"}}


def _record(disorder: DisorderConfig) -> Parameters:
    """Return where draws come from; the number of members has no influence on them."""
    keys = [f"{name}_{what}" for name in DISORDERED for what in ("cm", "distribution")]
    return {"seed": disorder.seed, **{key: getattr(disorder, key) for key in keys}}
