"""Static disorder: draws that depend on seed, member and quantity only.

The bits come from NumPy's PCG64, whose stream is fixed for all versions and machines; they are
turned into numbers here, not by NumPy's generator, whose methods may change between versions.
"""

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Distribution = Literal["normal", "uniform", "exponential"]
Quantity = Literal["site_energies", "hopping"]

_STREAMS: Final[dict[Quantity, int]] = {"site_energies": 0, "hopping": 1}
_BITS: Final = 52
"""Random bits of one draw; with half a unit added they are still an exact double in (0, 1)."""


def standard_draws(
    distribution: Distribution, quantity: Quantity, *, seed: int, member: int, count: int
) -> FloatArray:
    """Draws of unit width for one member of an ensemble.

    Width 1 means: normal: mean 0, standard deviation 1. uniform: even from -1/2 to 1/2.
    exponential: a tail below zero, density exp(x) for x < 0; mean -1, standard deviation 1. All
    three are increasing functions of the same evenly distributed numbers.

    Args:
        distribution: normal, uniform or exponential.
        quantity: what is drawn; site energies and hoppings have streams of their own.
        seed: of the ensemble, 0 to 2^32 - 1.
        member: its number, from 0.
        count: how many; a longer series begins with the shorter one.

    Returns:
        The draws, dimensionless, shape (count,).

    Raises:
        ValueError: no such distribution.
    """
    source = np.random.SeedSequence([seed, member], spawn_key=(_STREAMS[quantity],))
    bits = np.random.PCG64(source).random_raw(count) >> np.uint64(64 - _BITS)
    even = (bits.astype(np.float64) + 0.5) / 2.0**_BITS
    if distribution == "normal":
        from scipy.special import ndtri  # takes a while to import

        return np.asarray(ndtri(even))
    if distribution == "uniform":
        return even - 0.5
    if distribution == "exponential":
        return np.log(even)
    raise ValueError(f"distribution = {distribution!r}; allowed: normal, uniform, exponential")
