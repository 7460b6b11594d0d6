"""From the size of a hierarchy to MPI ranks, memory and run time of its job.

One model serves the plan, the workflow's resources and the cost table. The size of a fixed
hierarchy is counted, what an adaptive one takes is learned from finished jobs (cost).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf, prod, sqrt

import numpy as np

from smallpolaron.cost.features import Family, family_of, features
from smallpolaron.cost.model import read_model
from smallpolaron.cost.prediction import (
    FILE_FACTOR,
    Correction,
    Prediction,
    Range,
    array_bytes,
    core_seconds,
    memory_MB,
    predict,
)
from smallpolaron.hierarchy.limits import Truncation, count_unknowns
from smallpolaron.model.baths.expansion import BathExpansion
from smallpolaron.study.parameters import Parameters, bath_expansion, model_of, truncation
from smallpolaron.study.sections import Protocol, ResourcesConfig

LEAST_RANKS = 2
"""Cluster launchers refuse MPI jobs of one task, so no job asks them for fewer."""

TERMS_PER_STEP = 12
"""Matrix-vector products of one adaptive Taylor step."""

STABLE_STEP = 9.0
"""Product of step and estimated spectral radius that such a step reaches. With it the estimate of
products was 1.2 to 1.6 times what 14 runs on rings of six sites took (1,300 to 2,700 products)."""

SOLVES = 250
"""Products of the solves of a current, for the equilibrium (50 to 60) and for D."""

ENTRIES_PER_SECOND = 1.5e8
"""Entries of the generator, as the truncation has them, that one rank multiplies per second: 1.1e8
to 3.9e8 on three rings whose reflection left half of them (AMD EPYC, Zen 3)."""

LINKING_SECONDS_PER_ENTRY = 1.0e-6
"""Time to find the neighbours of all elements of the four or five bases of a job, per entry."""

RUNTIME_SAFETY = 1.5
"""Wall-time limit over the upper end of the range: nodes are shared, ranks wait for each other."""

COMPILING_MB = 200.0
"""Memory of a rank that compiles, as the first jobs on a machine do; 180 MB were measured."""

FIXED_FACTOR = 2.0
"""Uncertainty of the time of a fixed hierarchy, whose size is certain."""

LEAST_RUNTIME_MIN = 5
"""Wall-time limit of the smallest job, minutes."""

LONGEST_RUNTIME_MIN = 525_600
"""Longest wall-time limit that is asked for, minutes: a year. More says that it cannot be done."""

LONGEST_SITE_LIST = 2_000_000
"""Occupations of one site beyond which counting itself would take long."""


@dataclass(frozen=True)
class JobEstimate:
    """What one job needs.

    Attributes:
        labels: elements of the largest state, with its uncertainty; a fixed hierarchy has none.
        products: products with the generator of the run that is stored.
        core_hours: expected use on all ranks together.
        work_s: of which without the start of the program, core seconds.
        memory_MB: memory of one rank, 10^6 bytes.
        file_MB: size of the result file, 10^6 bytes.
        exact: whether the number of elements was counted rather than estimated.
        outgrows: whether the job is expected to stop where resources.max_unknowns ends it.
        tasks: MPI ranks.
        mem_mb_per_cpu: memory to ask for per rank, MB, for this attempt.
        runtime_min: wall-time limit to ask for, minutes, for this attempt.
    """

    labels: Range
    products: Range
    core_hours: Range
    work_s: Range
    memory_MB: Range
    file_MB: Range
    exact: bool
    outgrows: bool
    tasks: int
    mem_mb_per_cpu: int
    runtime_min: int

    @property
    def unknowns(self) -> int:
        """Elements of the state; of an adaptive hierarchy the largest number expected."""
        return round(self.labels.expected)

    @property
    def size(self) -> str:
        """Unknowns as text; "~" marks an estimate."""
        return f"{'' if self.exact else '~'}{self.unknowns}"


def unknowns(parameters: Parameters, protocol: Protocol) -> int:
    """Return the number of unknowns of a job with a fixed hierarchy, as its truncation has them.

    A localised start breaks the translation symmetry. Reflection and Hermiticity, which runs use,
    too, where they hold, leave about half of them each.

    Raises:
        ValueError: the hierarchy is too large to be counted, or the bath has no expansion.
    """
    n_terms = bath_expansion(parameters).n_terms
    rule = truncation(parameters)
    if _site_states_bound(rule, n_terms) > LONGEST_SITE_LIST:
        raise ValueError(f"depth {rule.depth} with {n_terms} bath terms is beyond any computer")
    sites = model_of(parameters).sites
    translation = protocol == "current" and parameters.hierarchy.symmetry == "translation"
    return count_unknowns(sites.n_sites, n_terms, rule, sites.per_cell if translation else None)


def _site_states_bound(rule: Truncation, n_terms: int) -> float:
    """Bound the occupations of one site: the volume of the enclosing simplex."""
    weights = rule.term_weights(n_terms)
    edge = rule.depth + float(weights.sum())
    return prod(edge / float(w) / (i + 1) for i, w in enumerate(weights))


def spectral_radius(parameters: Parameters) -> float:
    """Return an estimate of the generator's largest eigenvalue, rad/fs.

    Decay of the outermost operators, max_k n_k nu_k with n_k = L / w_k excitations of term k,
    plus the coupling between levels, 4 max_k sqrt(n_k |c_k|), plus the width of the electronic
    spectrum and the terminator.
    """
    expansion: BathExpansion = bath_expansion(parameters)
    rule = truncation(parameters)
    most = np.floor(rule.depth / rule.term_weights(expansion.n_terms) + 1e-9)
    model = model_of(parameters)
    decay = float(np.max(most * np.abs(expansion.rates)))
    coupling = 4.0 * sqrt(float(np.max(most * expansion.functions.scales)))
    hops = np.abs(model.sites.hop).sum(axis=-1)  # 2 v on chains, whose spectrum is 4 v wide
    electronic = 2.0 * float(np.max(hops)) + float(np.ptp(model.energies))
    return decay + coupling + electronic + 4.0 * abs(expansion.terminator)


def expected_products(parameters: Parameters, protocol: Protocol) -> int:
    """Return the expected number of generator-state products of a job with a fixed hierarchy."""
    steps = parameters.propagation.duration_fs * spectral_radius(parameters) / STABLE_STEP
    return ceil(TERMS_PER_STEP * steps) + (SOLVES if protocol == "current" else 0)


def ranks(n_unknowns: int, limits: ResourcesConfig, least: int = LEAST_RANKS) -> int:
    """Return the number of MPI ranks for a hierarchy, at least so many."""
    return max(least, min(limits.max_ranks, ceil(n_unknowns / limits.unknowns_per_rank)))


def estimate(
    parameters: Parameters,
    protocol: Protocol,
    limits: ResourcesConfig,
    attempt: int = 1,
    least_ranks: int = LEAST_RANKS,
    *,
    speed: float | None = None,
    correction: Correction | None = None,
) -> JobEstimate:
    """Return what a job needs.

    Args:
        parameters: resolved parameters of the point.
        protocol: current, franck_condon or marcus.
        limits: the limits of the study.
        attempt: 1 for the first submission; memory and run time asked for grow with it.
        least_ranks: fewest MPI ranks of a job.
        speed: of a core, relative to the machine of the cost model; None: as limits say.
        correction: what is known about the basis beyond the cost model.

    Raises:
        ValueError: attempt < 1, or the hierarchy cannot be counted.
        CostModelError: the cost model does not know such jobs.
    """
    if attempt < 1:
        raise ValueError(f"attempt = {attempt}: must be 1 or more")
    model, family = read_model(), family_of(parameters, protocol)
    run, known, most = parameters.propagation, model.family(family), float(limits.max_unknowns)
    if parameters.is_adaptive:
        found = predict(model, features(parameters, protocol), correction)
    else:
        found, most = _counted(parameters, protocol, family), inf
    # a job that would outgrow the limit stops there
    labels = Range(min(found.labels.expected, most), found.labels.factor)
    held = Range(labels.expected, min(labels.high, most) / labels.expected)
    tasks = ranks(ceil(labels.expected), limits, least_ranks)
    memory = memory_MB(family, known, 1 + int(run.duration_fs / run.sample_fs), held, tasks)
    relative = speed or limits.core_speed or 1.0
    seconds = core_seconds(model, found.work_s, tasks)
    hours = Range(seconds.expected / relative / 3600, seconds.factor)
    minutes = RUNTIME_SAFETY * 60 * hours.high / tasks
    return JobEstimate(
        labels=labels,
        products=found.products,
        core_hours=hours,
        work_s=Range(found.work_s.expected / relative, found.work_s.factor),
        memory_MB=memory,
        file_MB=Range(found.file_bytes.expected / 1e6, found.file_bytes.factor),
        exact=not parameters.is_adaptive,
        outgrows=labels.expected >= most,
        tasks=tasks,
        mem_mb_per_cpu=attempt * ceil(memory.high + COMPILING_MB),
        runtime_min=attempt * max(LEAST_RUNTIME_MIN, ceil(min(minutes, LONGEST_RUNTIME_MIN))),
    )


def _counted(parameters: Parameters, protocol: Protocol, family: Family) -> Prediction:
    """Return what a job with a fixed hierarchy takes."""
    size, run = unknowns(parameters, protocol), parameters.propagation
    entries = size * (5 + 4 * bath_expansion(parameters).n_terms)
    products = expected_products(parameters, protocol)
    work = entries * (products / ENTRIES_PER_SECOND + LINKING_SECONDS_PER_ENTRY)
    samples = 1 + int(run.duration_fs / run.sample_fs)
    arrays = array_bytes(family, samples, parameters.n_sites)
    return Prediction(
        labels=Range(size),
        products=Range(products, FIXED_FACTOR),
        work_s=Range(work, FIXED_FACTOR),
        file_bytes=Range(read_model().family(family).file_bytes + arrays, FILE_FACTOR),
    )
