"""Exact limit of the Holstein model for small hopping: the small-polaron hopping rate."""

import numpy as np
from scipy.integrate import quad

from smallpolaron.model.baths.lineshape import lineshape
from smallpolaron.model.baths.spectral_density import SpectralDensity
from smallpolaron.model.holstein import HolsteinModel


def golden_rule_rate(model: HolsteinModel, bath: SpectralDensity) -> float:
    """Hopping rate between two neighbours to second order in v (Holstein, Marcus limit at high T).

    k = v^2 int_-inf^inf dt exp(-2 phi(t)),
    phi(t) = (1/pi) int dw J/w^2 [coth(beta w/2)(1 - cos wt) + i sin wt],
    for a carrier whose bath is relaxed before each hop and equal site energies.

    Args:
        model: the Holstein model; its hopping must be uniform.
        bath: the bath of one site, or a sum of baths.

    Returns:
        The rate, 1/fs. The small-v diffusion constant is a^2 k.

    Raises:
        ValueError: hopping not uniform, or site energies not equal.

    Source: Holstein 1959; quoted as the small-v limit in both papers.
    """
    bonds = model.bond_hoppings
    if np.ptp(bonds) > 0 or np.ptp(model.energies) > 0:
        raise ValueError("the golden-rule rate is for equal hoppings and equal site energies")
    lam = bath.reorganisation_energy

    def integrand(t: float) -> float:
        phi = complex(lineshape(bath, t, model.temperature_K)) + 1j * lam * t
        return float(np.exp(-2 * phi).real)

    # both sides of t = 0 give complex conjugates, hence twice the real part;
    # the integrand dies as exp(-2 noise t), so a finite end is exact to rounding
    slowest = 2 * bath.noise(model.temperature_K)
    memory = 1 / bath.slowest
    end = 40 / slowest + 5 * memory
    value, _ = quad(integrand, 0, end, limit=2000, epsabs=0, epsrel=1e-9)
    return float(2 * bonds[0] ** 2 * value)
