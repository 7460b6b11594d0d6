"""Models that the cases share; imports the model layer only, for the sake of QuTiP's process."""

from smallpolaron.model.baths.bath import DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.baths.expansion import BathExpansion
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.units import CM_TO_RAD_FS

HOPPING_CM = 50.0
"""Hopping of both papers, cm^-1."""

TEMPERATURE_K = 300.0
"""Temperature of both papers, K."""


def ring(n_sites: int, temperature_K: float = TEMPERATURE_K) -> HolsteinModel:
    """The papers' ring."""
    return HolsteinModel(n_sites, "ring", HOPPING_CM * CM_TO_RAD_FS, temperature_K=temperature_K)


def chain(n_sites: int) -> HolsteinModel:
    """An open chain of the same material."""
    hopping = HOPPING_CM * CM_TO_RAD_FS
    return HolsteinModel(n_sites, "chain", hopping, temperature_K=TEMPERATURE_K)


def debye(eta_cm: float, gamma_cm: float) -> DebyeBath:
    """A Debye bath given in cm^-1."""
    return DebyeBath(eta_cm * CM_TO_RAD_FS, gamma_cm * CM_TO_RAD_FS)


def one_exponential(eta_cm: float, gamma_cm: float) -> BathExpansion:
    """The Debye pole alone plus terminator."""
    return expand(debye(eta_cm, gamma_cm), TEMPERATURE_K, "matsubara", 0)
