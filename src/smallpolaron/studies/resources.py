"""From the size of a hierarchy to MPI ranks, memory and run time of its job.

One model serves the plan, the workflow's resources and the cost table. The size of a fixed
hierarchy is counted, that of an adaptive one estimated (adaptive_cost). All functions are pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod, sqrt

import numpy as np

from smallpolaron.hierarchy.truncation import Truncation, count_unknowns
from smallpolaron.model.bath import BathExpansion
from smallpolaron.model.holstein import NEGLIGIBLE_WINDING
from smallpolaron.model.units import CM_TO_RAD_FS
from smallpolaron.studies import adaptive_cost
from smallpolaron.studies.baths import bath_values, coupling_cm, site_bath, slowest_cm
from smallpolaron.studies.config import Protocol
from smallpolaron.studies.parameters import (
    Given,
    bath_expansion,
    holstein_model,
    is_adaptive,
    is_infinite,
    number,
    truncation,
    whole,
)
from smallpolaron.studies.sections import ResourcesConfig

LEAST_RANKS = 2
"""Cluster launchers refuse MPI jobs of one task, so no job asks them for fewer."""

BYTES_PER_NONZERO = 20
"""A complex double and a 32-bit column index in PETSc's AIJ format."""

ASSEMBLY_FACTOR = 2.5
"""Peak over final matrix memory while rows are generated and inserted."""

BYTES_PER_UNKNOWN = 16 * 16 + 64
"""Sixteen complex vectors (stages, states, samples) and the labels of the basis."""

BASE_MB_PER_RANK = 350.0
"""Python with NumPy, SciPy, Numba and PETSc loaded, before any hierarchy."""

MEMORY_SAFETY = 1.3

TERMS_PER_STEP = 12
"""Matrix-vector products of one adaptive Taylor step."""

STABLE_STEP = 9.0
"""Product of step and estimated spectral radius that such a step reaches. With it the estimate of
products was 1.2 to 1.6 times what 14 runs on rings of six sites took (1,300 to 2,700 products)."""

EQUILIBRATION_IN_BATH_TIMES = 11.0
"""Expected equilibration time in units of 1/gamma; 9 to 10.5 were measured at tolerance 1e-7."""

LEAST_EQUILIBRATION_FS = 500.0

NONZEROS_PER_SECOND = 2.0e8
"""Matrix entries one rank multiplies per second, vector operations included. Measured: 3.3e8 with
two ranks on two cores of an AMD EPYC (Zen 3); full nodes share their memory bandwidth."""

ASSEMBLY_SECONDS_PER_NONZERO = 4.0e-7
STARTUP_SECONDS = 15.0
"""Imports, just-in-time compilation, writing the result; 5 s on an idle local disk."""

RUNTIME_SAFETY = 3.0
LEAST_RUNTIME_MIN = 5
"""Wall-time limit of the smallest job, minutes."""

LONGEST_SITE_LIST = 2_000_000
"""Occupations of one site beyond which counting itself would take long."""


@dataclass(frozen=True)
class JobEstimate:
    """What one job needs.

    Attributes:
        unknowns: elements of the state; of an adaptive hierarchy the largest number expected.
        exact: whether that number was counted rather than estimated.
        tasks: MPI ranks.
        mem_mb_per_cpu: memory per rank, MB, for this attempt.
        runtime_min: wall-time limit, minutes, for this attempt.
        core_hours: expected use (without safety), core hours.
    """

    unknowns: int
    exact: bool
    tasks: int
    mem_mb_per_cpu: int
    runtime_min: int
    core_hours: float

    @property
    def size(self) -> str:
        """Unknowns as text; "~" marks an estimate."""
        return f"{'' if self.exact else '~'}{self.unknowns}"


def nonzeros_per_row(n_bath_terms: int) -> int:
    """Return the largest number of entries in a row: 5 + 4 (K+1) for K+1 bath terms."""
    return 5 + 4 * n_bath_terms


def unknowns(parameters: Given, protocol: Protocol) -> int:
    """Return the number of unknowns of a job with a fixed hierarchy, exactly.

    A localised start breaks the translation symmetry, so populations use the full basis.

    Raises:
        ValueError: the hierarchy is too large to be counted, or the bath has no expansion.
    """
    n_terms = bath_expansion(parameters).n_terms
    rule = truncation(parameters)
    if _site_states_bound(rule, n_terms) > LONGEST_SITE_LIST:
        raise ValueError(f"depth {rule.depth} with {n_terms} bath terms is beyond any computer")
    n_sites = holstein_model(parameters).n_sites
    translation = protocol == "current" and parameters["hierarchy"]["symmetry"] == "translation"
    return count_unknowns(n_sites, n_terms, rule, translation)


def _site_states_bound(rule: Truncation, n_terms: int) -> float:
    """Bound the occupations of one site: the volume of the enclosing simplex."""
    weights = rule.term_weights(n_terms)
    edge = rule.depth + float(weights.sum())
    return prod(edge / float(w) / (i + 1) for i, w in enumerate(weights))


def spectral_radius(parameters: Given) -> float:
    """Return an estimate of the generator's largest eigenvalue, rad/fs.

    Decay of the outermost operators, max_k n_k nu_k with n_k = L / w_k excitations of term k,
    plus the coupling between levels, 4 max_k sqrt(n_k |c_k|), plus the width of the electronic
    spectrum and the terminator.
    """
    expansion: BathExpansion = bath_expansion(parameters)
    rule = truncation(parameters)
    most = np.floor(rule.depth / rule.term_weights(expansion.n_terms) + 1e-9)
    model = holstein_model(parameters)
    decay = float(np.max(most * np.abs(expansion.rates)))
    coupling = 4.0 * sqrt(float(np.max(most * expansion.scales)))
    electronic = 4.0 * float(np.max(np.abs(model.bond_hoppings))) + float(np.ptp(model.energies))
    return decay + coupling + electronic + 4.0 * abs(expansion.terminator)


def expected_products(parameters: Given, protocol: Protocol) -> int:
    """Return the expected number of generator-state products of a job."""
    span = number(parameters, "propagation.duration_fs")
    if protocol == "current":
        gamma = site_bath(bath_values(parameters)).slowest
        # small rings need a second equilibrium, with flux, for the f-sum rule
        states = 2 if holstein_model(parameters).free_winding >= NEGLIGIBLE_WINDING else 1
        span += states * max(EQUILIBRATION_IN_BATH_TIMES / gamma, LEAST_EQUILIBRATION_FS)
    steps = span * spectral_radius(parameters) / STABLE_STEP
    return ceil(TERMS_PER_STEP * steps)


def ranks(n_unknowns: int, limits: ResourcesConfig, least: int = LEAST_RANKS) -> int:
    """Return the number of MPI ranks for a hierarchy, at least so many."""
    return max(least, min(limits.max_ranks, ceil(n_unknowns / limits.unknowns_per_rank)))


def estimate(
    parameters: Given,
    protocol: Protocol,
    limits: ResourcesConfig,
    attempt: int = 1,
    least_ranks: int = LEAST_RANKS,
) -> JobEstimate:
    """Return what a job needs.

    Args:
        parameters: resolved parameters of the point.
        protocol: current, franck_condon or marcus.
        limits: the limits of the study.
        attempt: 1 for the first submission; memory and run time grow with it.
        least_ranks: fewest MPI ranks of a job.

    Raises:
        ValueError: attempt < 1, or the hierarchy cannot be counted.
    """
    if attempt < 1:
        raise ValueError(f"attempt = {attempt}: must be 1 or more")
    adaptive = is_adaptive(parameters)
    if adaptive:
        size = _adaptive_size(parameters, protocol, limits)
    else:
        size = unknowns(parameters, protocol)
    tasks = ranks(size, limits, least_ranks)
    if adaptive:
        work = adaptive_cost.core_seconds(size, number(parameters, "propagation.duration_fs"))
        memory = ceil(MEMORY_SAFETY * adaptive_cost.memory_mb_per_rank(size, tasks))
    else:
        entries = size * nonzeros_per_row(bath_expansion(parameters).n_terms)
        products = expected_products(parameters, protocol)
        work = entries * (products / NONZEROS_PER_SECOND + ASSEMBLY_SECONDS_PER_NONZERO)
        memory = memory_mb_per_rank(size, entries, tasks)
    seconds = work / tasks + STARTUP_SECONDS
    return JobEstimate(
        unknowns=size,
        exact=not adaptive,
        tasks=tasks,
        mem_mb_per_cpu=attempt * memory,
        runtime_min=attempt * max(LEAST_RUNTIME_MIN, ceil(RUNTIME_SAFETY * seconds / 60)),
        core_hours=tasks * seconds / 3600,
    )


def _adaptive_size(parameters: Given, protocol: Protocol, limits: ResourcesConfig) -> int:
    translation = protocol == "current" and parameters["hierarchy"]["symmetry"] == "translation"
    # a localised start reaches as many elements as the translation-invariant state has
    everywhere = protocol == "current" and not translation
    kets = float(whole(parameters, "model.n_sites")) if everywhere else 1.0
    if is_infinite(parameters) and protocol != "current":
        kets = adaptive_cost.DISPLACEMENT_SHARE
    v = float(np.max(np.abs(holstein_model(parameters).bond_hoppings))) / CM_TO_RAD_FS
    gamma = slowest_cm(parameters)
    return adaptive_cost.labels(
        accuracy=number(parameters, "accuracy"),
        eta_over_v=coupling_cm(parameters) / v if v else 1.0,
        gamma_over_v=gamma / v if v else 1.0,
        kets=kets,
        most=limits.max_unknowns,
    )


def memory_mb_per_rank(n_unknowns: int, nonzeros: int, tasks: int) -> int:
    """Return the memory of one rank of a fixed hierarchy in MB (10^6 bytes), with safety."""
    matrix = nonzeros * BYTES_PER_NONZERO * ASSEMBLY_FACTOR
    vectors = n_unknowns * BYTES_PER_UNKNOWN
    return ceil(MEMORY_SAFETY * (BASE_MB_PER_RANK + (matrix + vectors) / tasks / 1e6))
