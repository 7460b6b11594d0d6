"""What decides the cost of a job on an adaptive hierarchy, as numbers that a fit can use.

Lengths of time and energies enter by the ratios that the physics knows: eta/v (coupling), gamma/v
(memory of the bath), k_B T/v. Everything is a logarithm, so that a linear fit is a power law.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import exp, log, sqrt
from typing import Final, Literal

import numpy as np

from smallpolaron.model.accuracy import COARSER, SLOPE_GROWTH
from smallpolaron.model.units import CM_TO_RAD_FS, thermal_energy
from smallpolaron.study.parameters import Parameters, model_of, population_symmetry
from smallpolaron.study.sections import Protocol

Family = Literal["current", "population", "displacement"]

LEAST_HOPPING: Final = 0.01
"""Smallest hopping in units of k_B T, and smallest coupling in units of the hopping, that count as
other than zero."""

REACH_IN_SITES: Final = 5.0
WRAP_EXPONENT: Final = 0.7
"""Labels of the current on rings of N sites fall short of those on the infinite ring by a power of
exp(w), w = exp(-N/(5 r)) / r^0.7 with r = v/sqrt(eta k_B T): rings of 3 to 15 sites with eta/v
0.6, 2 and 6.26, gamma/v 0.5 to 0.82. The power is fitted with everything else."""

SEEN: Final = 4
"""A ket s sites from the end of a chain has (s + 1)/SEEN of the labels of one in the middle. Of
populations 0.21 and 0.37 were measured at the end, 0.52 one site away, 0.94 three sites away."""

UNSEEN_SPREAD: Final = 0.7
"""Standard deviation of the logarithm of labels for vibrations, several baths and lattices, which
are in no calibration: an assumption, which makes probes count."""

LABELS_PER_DIMENSION: Final = 9.0
"""Labels of the current on the square lattice over those on the chain, and on the cubic over the
square one: 10 and 7 were measured (v = 50, eta = 100, gamma = 50 cm^-1, 300 K). Lattices are in no
calibration: what is said of them is a guess, with UNSEEN_SPREAD."""

TYPICAL_THRESHOLD: Final = 1e-4
"""Threshold at which the feature h is zero."""


@dataclass(frozen=True)
class JobFeatures:
    """One job as the cost model sees it.

    Attributes:
        family: which fit applies.
        values: features by name; docs/cost.md explains them.
        system: coordinates in which similar jobs are close; logarithms.
        threshold: share of the state that a label must exceed, with all symmetries in use.
        target: accuracy asked for.
        copies: labels over those of the case with all symmetries, known beforehand.
        unseen: spread of the logarithm of its labels because no job like it was calibrated.
        samples: output times.
        n_sites: sites.
    """

    family: Family
    values: Mapping[str, float]
    system: tuple[float, ...]
    threshold: float
    target: float
    copies: float
    unseen: float
    samples: int
    n_sites: int

    @property
    def bath(self) -> tuple[float, ...]:
        """Coordinates of bath and temperature alone."""
        return self.system[:3]

    def tightened(self, steps: float) -> JobFeatures:
        """Return the same job after its thresholds were tightened so many times."""
        h = self.values["h"] + steps * log(COARSER)
        return replace(
            self, values={**self.values, "h": h}, threshold=self.threshold / COARSER**steps
        )


def features(parameters: Parameters, protocol: Protocol) -> JobFeatures:
    """Return the features of a job with an adaptive hierarchy, at the thresholds it begins with."""
    family = family_of(parameters, protocol)
    model = model_of(parameters)
    thermal = thermal_energy(model.temperature_K) / CM_TO_RAD_FS
    hopping = float(np.max(np.abs(model.sites.hop), initial=0.0)) / CM_TO_RAD_FS
    v = max(hopping, LEAST_HOPPING * thermal)
    coupling = max(parameters.bath.coupling_cm, LEAST_HOPPING * v)
    duration = parameters.propagation.duration_fs
    e, g, t = log(coupling / v), log(parameters.bath.slowest_of_all_cm / v), log(thermal / v)
    n, copies = parameters.n_sites, _COPIES[family](parameters)
    if parameters.lattice:
        dimensions = sum(side != "open" for side in parameters.lattice.boundary)
        copies *= LABELS_PER_DIMENSION ** max(dimensions - 1, 0)
    threshold = _threshold(parameters, family)
    fc = float(protocol == "franck_condon")
    ring = parameters.model.topology == "ring"
    chain = float(parameters.model.topology == "chain")
    known = parameters.bath.is_one_debye_bath and not parameters.lattice
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
        "h": log(TYPICAL_THRESHOLD / threshold),
        "d": log(duration / 1000.0),
        "fc": fc,
        "fc_e": fc * e,
        "fc_g": fc * g,
        "wrap": exp(-n / (REACH_IN_SITES * reach)) * reach**-WRAP_EXPONENT if ring else 0.0,
        "chain": chain,
    }
    return JobFeatures(
        family=family,
        values=values,
        system=(e, g, t, fc, chain),
        threshold=threshold,
        target=parameters.accuracy or 0.0,
        copies=copies,
        unseen=0.0 if known else UNSEEN_SPREAD,
        samples=int(duration / parameters.propagation.sample_fs) + 1,
        n_sites=n,
    )


def family_of(parameters: Parameters, protocol: Protocol) -> Family:
    """Return which engine computes a job."""
    if protocol == "current":
        return "current"
    return "displacement" if parameters.is_infinite else "population"


def _threshold(parameters: Parameters, family: Family) -> float:
    """Return the threshold as it would be with all symmetries.

    Thresholds are relative to the norm of the state. A current without translations has its norm
    spread over N kets, so that fewer labels of every ket pass.
    """
    growth = parameters.adaptive.growth
    assert growth is not None
    if family == "current" and parameters.hierarchy.symmetry != "translation":
        return growth * sqrt(parameters.n_sites)
    return SLOPE_GROWTH * growth if family == "displacement" else growth


def _current_copies(parameters: Parameters) -> float:
    """Return kets that no symmetry relates."""
    symmetry = parameters.hierarchy.symmetry
    if symmetry == "translation":
        return float(model_of(parameters).sites.per_cell)
    kets = sum(_surroundings(parameters, site) for site in range(parameters.n_sites))
    return kets / 2 if symmetry == "reflection" else kets


def _population_copies(parameters: Parameters) -> float:
    """Return 1 where the start lies on a mirror, else 2; 4 without any symmetry."""
    model, site = model_of(parameters), parameters.start_site
    there = _surroundings(parameters, site)
    if population_symmetry(parameters) == "none":
        return 4.0 * there
    centred = 2 * site == model.n_sites - 1 and model.is_mirror_symmetric
    return there if model.is_translation_invariant or centred else 2.0 * there


def _surroundings(parameters: Parameters, site: int) -> float:
    """Return which share of the surroundings of a site exists: less near the end of a chain."""
    if parameters.model.topology != "chain":
        return 1.0
    from_end = min(site, parameters.n_sites - 1 - site)
    return min(1.0, (from_end + 1) / SEEN)


_COPIES: Final[Mapping[Family, Callable[[Parameters], float]]] = {
    "current": _current_copies,
    "population": _population_copies,
    "displacement": lambda _: 1.0,
}
