"""A carrier placed on one site, its bath relaxed around it or not: initial states."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from smallpolaron.dynamics.checkpoints import NO_CHECKPOINTS, Checkpoints
from smallpolaron.dynamics.progress import Report
from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.labels import Keys
from smallpolaron.hierarchy.limits import Limits
from smallpolaron.hierarchy.views import ComplexArray
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.model.baths.expansion import BathExpansion, BathSet
from smallpolaron.model.lattice_model import Model
from smallpolaron.parallel import MPI

Start = Literal["franck_condon", "marcus"]


@dataclass(frozen=True)
class StartTask:
    """What all runs from one start share: model, start and site, output times, limits, ranks.

    And where what they reach is kept. On the infinite lattice the model is a window around site 0.
    """

    model: Model
    start: Start
    site: int
    time_fs: NDArray[np.float64]
    limits: Limits
    comm: MPI.Intracomm
    report: Report
    checkpoints: Checkpoints = NO_CHECKPOINTS


def relaxed_labels(
    basis: Basis, site: int, least: float
) -> tuple[Keys, ComplexArray, NDArray[np.bool_]]:
    """Bath relaxed around a carrier on one site: canonical keys, values, and which are their own.

    The last tells which labels are the representatives of their orbits; values are those of the
    representatives.

    Values are prod_k r_k^n_k / sqrt(n_k!) with BathFunctions.relaxed_amplitudes r_k, times
    vacuum_amplitude; only terms with r_k != 0 are excited. Elements below `least` of the norm are
    left out beyond the largest one; of a fixed hierarchy only those that it does not hold.

    Source: Marcus initial state of both papers, in closed form.
    """
    rule = basis.limits.truncation
    least = least if rule is None else 0.0
    states: list[tuple[tuple[int, ...], complex]] = [((), vacuum_amplitude(basis, site))]
    modes, ratios = relaxed_modes(basis, site)
    for ratio in ratios:
        grown = []
        for filled, value in states:
            n = 0
            while n == 0 or (value != 0 and (abs(value) > least or n <= abs(ratio) ** 2)):
                if n > basis.frame.max_occupation:
                    break
                grown.append(((*filled, n), value))
                n += 1
                value *= ratio / np.sqrt(n)
        states = [each for each in grown if rule is None or rule.keeps(each[0])]
    occupations = np.zeros((len(states), basis.layout.n_modes), np.uint8)
    for row, (excited, _) in enumerate(states):
        occupations[row, modes] = excited
    at = np.full(len(states), site, np.int64)
    keys, bits = basis.canonical_keys(occupations, at, at)
    values = np.array([value for _, value in states], complex)
    # a population is its own conjugate where no rate is complex, and then real
    return keys, np.where(bits & 1, values.conj(), values), bits == 0


def relaxed_modes(
    basis: Basis, site: int
) -> tuple[NDArray[np.int64], NDArray[np.float64] | ComplexArray]:
    """What a carrier on one site displaces: positions (mode, term) in labels, and amplitudes r_k.

    Modes that move the carrier stay as they are.
    """
    table, terms = basis.model.modes, basis.expansion
    ratio = terms.functions.relaxed_amplitudes
    if table.local:
        return site * terms.n_terms + np.arange(terms.n_terms), ratio
    targets, modes = (each[site] for each in table.reached(window=False))
    place, first = site % table.sites.per_cell, [*BathSet.of(terms).first, terms.n_terms]
    positions, amplitudes = [], []
    for element in np.flatnonzero((targets == site) & (modes >= 0)):
        bath = table.bath_of_element[place, element]
        for k in range(first[bath], first[bath + 1]):
            positions.append(modes[element] * terms.n_terms + k)
            amplitudes.append(ratio[k] * table.value[place, element].real)
    return np.array(positions, np.int64), np.array(amplitudes)


def vacuum_amplitude(basis: Basis, site: int) -> float:
    """Amplitude without excitations of a bath relaxed around the carrier.

    prod exp(-t r_k r_k') over the mixed pairs: a_k^+ = b_k^+ - t b_k' in exp(sum r_k a_k^+).
    """
    modes, ratio = relaxed_modes(basis, site)
    found = dict(zip(modes.tolist(), ratio.tolist(), strict=True))
    total, n_terms, functions = 0.0, basis.expansion.n_terms, basis.expansion.functions
    for t, (k, other) in zip(functions.mixing, functions.mixed_pairs, strict=True):
        for mode, r in found.items():
            if mode % n_terms == k:
                total += t * (r * found[mode + other - k]).real
    return float(np.exp(-total))


def start_labels(
    basis: Basis, start: Start, site: int, accuracy: Accuracy
) -> tuple[Keys, ComplexArray]:
    """Canonical keys and values of a carrier placed on one site, trace 1."""
    least = 0.01 * accuracy.growth_threshold
    keys, values, _ = relaxed_labels(basis, site, least)
    if start == "franck_condon":
        keys, values = keys[:1], np.ones(1, complex)
    return keys, values / basis.sector.copies


def require_start(start: str, site: int, n_sites: int) -> None:
    """Refuse an unknown start or a site outside the model.

    Raises:
        ValueError: one of these.
    """
    if start not in ("franck_condon", "marcus"):
        raise ValueError(f"start = {start!r}; allowed: 'franck_condon', 'marcus'")
    if not 0 <= site < n_sites:
        raise ValueError(f"site = {site}; allowed: 0 to {n_sites - 1}")


def polaron_exponent(expansion: BathExpansion) -> float:
    """Half the logarithm of the squared norm of the relaxed state of one site."""
    return float(np.sum(np.abs(expansion.functions.relaxed_amplitudes) ** 2) / 2)


def place_values(basis: Basis, keys: Keys, values: ComplexArray) -> ComplexArray:
    """Add labels and return the state with these values on them (collective).

    Every rank must give the same keys and values.
    """
    basis.add(keys)
    rows = basis.local_rows(keys)
    x = np.zeros(basis.n_local, complex)
    x[rows[rows >= 0]] = values[rows >= 0]
    return x
