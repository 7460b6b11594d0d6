"""Jobs of the adaptive engine, from the model to the result on disk."""

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from mpi4py import MPI

from benchmarks.cases.rings import TEMPERATURE_K, debye, ring
from smallpolaron.dynamics.correlation import compute_correlation, current_sectors
from smallpolaron.dynamics.correlation_runs import CorrelationProblem, CorrelationTask
from smallpolaron.dynamics.population import compute_population
from smallpolaron.dynamics.progress import to_stderr
from smallpolaron.hierarchy.limits import NO_LIMITS
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.baths.expansion import BathExpansion
from smallpolaron.model.units import paper_units

Start = Literal["franck_condon", "marcus"]


def _expansions(
    eta_cm: float, gamma_cm: float, temperature_K: float, accuracy: Accuracy
) -> tuple[BathExpansion, Callable[[int], BathExpansion]]:
    """The fewest Pade terms that the accuracy needs, and what makes more."""
    bath = debye(eta_cm, gamma_cm)
    chosen = expand(bath, temperature_K, error_bound=accuracy.bath_error_bound)
    return chosen, partial(expand, bath, temperature_K, "pade")


def correlation(
    n_sites: int,
    eta_cm: float,
    gamma_cm: float,
    duration_fs: float,
    accuracy: float,
    temperature_K: float = TEMPERATURE_K,
    infinite: bool = False,
    matsubara_terms: int | None = None,
    terminator: bool = True,
) -> dict[str, Any]:
    """C_JJ, D and the error estimate of a ring, written to a file.

    Args:
        n_sites: N, or the window of the infinite ring.
        eta_cm: coupling, cm^-1.
        gamma_cm: rate of the bath, cm^-1.
        duration_fs: length of C_JJ, fs.
        accuracy: the wanted accuracy.
        temperature_K: temperature, K.
        infinite: the infinite ring.
        matsubara_terms: so many Matsubara terms beyond the Debye pole, and no look at further
            ones; None takes the fewest Pade terms that the accuracy needs.
        terminator: whether what is left beyond the Matsubara terms enters as a delta function.

    Returns:
        D in paper units by both ways, its error by source, sizes, products, seconds of the
        computation without imports.
    """
    began = time.perf_counter()
    wanted = Accuracy(accuracy)
    model = ring(n_sites, temperature_K)
    more_terms: Callable[[int], BathExpansion] | None
    if matsubara_terms is None:
        chosen, more_terms = _expansions(eta_cm, gamma_cm, temperature_K, wanted)
    else:
        bath = debye(eta_cm, gamma_cm)
        chosen = expand(bath, temperature_K, "matsubara", matsubara_terms, terminator)
        more_terms = None
    found = compute_correlation(
        model,
        chosen,
        wanted,
        duration_fs=duration_fs,
        more_terms=more_terms,
        infinite=infinite,
        comm=MPI.COMM_SELF,
    )
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "result.npz", time_fs=found.time_fs, C_JJ=found.C_JJ)
    return {
        "D": paper_units(found.D_time),
        "D_resolvent": paper_units(found.D_resolvent),
        "D_error": paper_units(found.errors.total_D),
        "D_errors": {name: paper_units(e) for name, e in found.errors.D.items()},
        "C_error": found.errors.total_C,
        "C_end": float(abs(found.C_JJ[-1]) / abs(found.C_JJ[0])),
        "terms": chosen.n_terms,
        "labels": found.record.n_unknowns,
        "labels_equilibrium": found.n_equilibrium,
        "entries": found.record.n_nonzeros,
        "products": found.record.products,
        "products_equilibrium": found.products_equilibrium,
        "residual": found.equilibrium_residual,
        "growth_detected": found.record.growth_detected,
        "capped": found.record.capped,
        "compute_s": time.perf_counter() - began,
    }


def single_run(
    n_sites: int,
    eta_cm: float,
    gamma_cm: float,
    duration_fs: float,
    accuracy: float,
    matsubara_terms: int,
) -> dict[str, Any]:
    """Equilibrium and one propagation at the thresholds of an accuracy: no error estimate.

    Args:
        n_sites: N.
        eta_cm: coupling, cm^-1.
        gamma_cm: rate of the bath, cm^-1.
        duration_fs: length of C_JJ, fs.
        accuracy: whose thresholds are used.
        matsubara_terms: so many Matsubara terms beyond the Debye pole.

    Returns:
        D over the record in paper units, labels, products.
    """
    model = ring(n_sites)
    bath = expand(debye(eta_cm, gamma_cm), TEMPERATURE_K, "matsubara", matsubara_terms)
    even, odd = current_sectors(model, "auto", infinite=False)
    time_fs = np.arange(duration_fs + 1)
    task = CorrelationTask(model, even, odd, time_fs, False, NO_LIMITS, MPI.COMM_SELF, to_stderr)
    run = CorrelationProblem(task, bath, Accuracy(accuracy)).run("correlation")
    return {
        "D": paper_units(run.D),
        "labels": max(run.trajectory.basis_size),
        "products": run.trajectory.products,
    }


def population(
    n_sites: int, eta_cm: float, gamma_cm: float, duration_fs: float, accuracy: float, start: Start
) -> dict[str, Any]:
    """Site populations from one occupied site of a ring, written to a file.

    Args:
        n_sites: N.
        eta_cm: coupling, cm^-1.
        gamma_cm: rate of the bath, cm^-1.
        duration_fs: length, fs.
        accuracy: the wanted accuracy.
        start: "franck_condon" or "marcus".

    Returns:
        Errors by source, sizes, products, slope of the mean-squared displacement at the end in
        paper units, seconds of the computation without imports.
    """
    began = time.perf_counter()
    wanted, model = Accuracy(accuracy), ring(n_sites)
    chosen, _ = _expansions(eta_cm, gamma_cm, TEMPERATURE_K, wanted)
    site = n_sites // 2
    found = compute_population(
        model,
        chosen,
        wanted,
        start=start,
        site=site,
        duration_fs=duration_fs,
        comm=MPI.COMM_SELF,
    )
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "result.npz", time_fs=found.time_fs, populations=found.populations)
    slope = found.dpopulations @ model.displacements_A(site) ** 2
    return {
        "errors": {name: float(e) for name, e in found.errors.items()},
        "terms": chosen.n_terms,
        "labels": found.record.n_unknowns,
        "entries": found.record.n_nonzeros,
        "products": found.record.products,
        "growth_detected": found.record.growth_detected,
        "capped": found.record.capped,
        "trace_error": float(np.max(np.abs(found.populations.sum(axis=1) - 1))),
        "D": paper_units(float(slope[-1]) / 2),
        "compute_s": time.perf_counter() - began,
    }
