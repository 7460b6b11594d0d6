"""What decides the cost of a job on an adaptive hierarchy, as numbers that a fit can use.

Lengths of time and energies enter by the ratios that the physics knows: eta/v (coupling), gamma/v
(memory of the bath), k_B T/v. Everything is a logarithm, so that a linear fit is a power law.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Final, Literal

import numpy as np

from smallpolaron.model.units import CM_TO_RAD_FS, thermal_energy
from smallpolaron.studies.baths import coupling_cm, slowest_cm
from smallpolaron.studies.config import Protocol
from smallpolaron.studies.parameters import (
    Given,
    holstein_model,
    is_infinite,
    number,
    whole,
)

Family = Literal["current", "population", "displacement"]

LEAST_HOPPING: Final = 0.01
"""Smallest hopping in units of k_B T, and smallest coupling in units of the hopping, that are told
from zero."""


REACH_IN_SITES: Final = 5.0
WRAP_EXPONENT: Final = 0.7
"""Labels of the current on rings of N sites fall short of those on the infinite ring by a factor
exp(-8.8 w), w = exp(-N/(5 r)) / r^0.7 with r = v/sqrt(eta k_B T): rings of 3 to 15 sites with eta/v
0.6, 2 and 6.26, gamma/v 0.5 to 0.82."""


@dataclass(frozen=True)
class JobFeatures:
    """One job as the cost model sees it.

    Attributes:
        family: which fit applies.
        values: features by name; docs/cost.md explains them.
        system: coordinates in which similar jobs are close; logarithms.
        growth: threshold a label must pass at first, relative to the state.
        target: wanted accuracy.
        copies: labels over those of the case with all symmetries, which are exact factors.
        samples: output times.
        n_sites: sites.
    """

    family: Family
    values: Mapping[str, float]
    system: tuple[float, ...]
    growth: float
    target: float
    copies: float
    samples: int
    n_sites: int


def features(parameters: Given, protocol: Protocol) -> JobFeatures:
    """Return the features of a job with an adaptive hierarchy."""
    family = family_of(parameters, protocol)
    model = holstein_model(parameters)
    thermal = thermal_energy(model.temperature_K) / CM_TO_RAD_FS
    hopping = float(np.max(np.abs(model.bond_hoppings))) / CM_TO_RAD_FS
    v = max(hopping, LEAST_HOPPING * thermal)
    coupling = max(coupling_cm(parameters), LEAST_HOPPING * v)
    accuracy = number(parameters, "accuracy")
    growth = number(parameters, "adaptive.growth")
    duration = number(parameters, "propagation.duration_fs")
    e, g, t = log(coupling / v), log(slowest_cm(parameters) / v), log(thermal / v)
    n = whole(parameters, "model.n_sites")
    fc = float(protocol == "franck_condon")
    ring = model.topology == "ring" and not is_infinite(parameters)
    chain = float(model.topology == "chain")
    # how far a carrier goes before it is scattered: rings much larger are as good as infinite
    reach = v / sqrt(coupling * thermal)
    values = {
        "1": 1.0,
        "e": e,
        "g": g,
        "t": t,
        "ee": e * e,
        "gg": g * g,
        "eg": e * g,
        "h": log(1e-4 / growth),
        "d": log(duration / 1000.0),
        "fc": fc,
        "fc_e": fc * e,
        "wrap": exp(-n / (REACH_IN_SITES * reach)) * reach**-WRAP_EXPONENT if ring else 0.0,
        "chain": chain,
        "short": chain / n,
    }
    return JobFeatures(
        family=family,
        values=values,
        system=(e, g, t, fc, float(model.topology == "chain")),
        growth=growth,
        target=accuracy,
        copies=_COPIES[family](parameters),
        samples=int(duration / number(parameters, "propagation.sample_fs")) + 1,
        n_sites=n,
    )


def family_of(parameters: Given, protocol: Protocol) -> Family:
    """Return which engine computes a job."""
    if protocol == "current":
        return "current"
    return "displacement" if is_infinite(parameters) else "population"


def _current_copies(parameters: Given) -> float:
    """Return kets that no symmetry relates."""
    symmetry, n = parameters["hierarchy"]["symmetry"], whole(parameters, "model.n_sites")
    return {"translation": 1.0, "reflection": n / 2}.get(symmetry, float(n))


def _population_copies(parameters: Given) -> float:
    """Return 1 where the start lies on a mirror, else 2."""
    model, site = holstein_model(parameters), whole(parameters, "start_site")
    if parameters["hierarchy"]["symmetry"] == "none":
        return 4.0
    centred = 2 * site == model.n_sites - 1 and model.is_mirror_symmetric
    return 1.0 if model.is_translation_invariant or centred else 2.0


def _displacement_copies(_: Given) -> float:
    return 1.0


_COPIES: Final[Mapping[Family, Callable[[Given], float]]] = {
    "current": _current_copies,
    "population": _population_copies,
    "displacement": _displacement_copies,
}
