"""Site populations of a carrier that starts on one site, to a wanted accuracy."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from smallpolaron.dynamics.accuracy import Accuracy
from smallpolaron.dynamics.adaptive_correlation import COARSER, scaled
from smallpolaron.dynamics.adaptive_evolve import AdaptiveTrajectory, evolve_adaptive
from smallpolaron.dynamics.adaptive_states import place_values, relaxed_labels
from smallpolaron.dynamics.carrier import Readout, reduced_density_matrix
from smallpolaron.dynamics.comm import require_complex_petsc
from smallpolaron.dynamics.observables import ComplexArray
from smallpolaron.dynamics.population import Start, polaron_exponent, require_start
from smallpolaron.dynamics.progress import Progress, Report, to_stderr
from smallpolaron.hierarchy.adaptive import AdaptiveBasis, Limits
from smallpolaron.hierarchy.sector import Sector
from smallpolaron.model.bath import BathExpansion
from smallpolaron.model.holstein import HolsteinModel

RealArray = NDArray[np.float64]
_REFINEMENTS = 4


@dataclass(frozen=True)
class AdaptivePopulation:
    """Populations with their derivatives and their error estimate.

    Attributes:
        time_fs: output times, fs, shape (n,).
        populations: P_j(t), shape (n, N).
        dpopulations: first derivatives, 1/fs.
        d2populations: second derivatives, 1/fs^2.
        density_matrix_final: reduced density matrix at the end, shape (N, N).
        trace_error: largest |sum_j P_j - 1|.
        products_production: products with L.
        n_unknowns: labels of the largest basis.
        n_nonzeros: entries of the largest generator.
        step_time_fs: beginning of every step and the end of the last, fs.
        norm: norm of the state at those times.
        basis_size: labels at those times.
        outside_flow: amplitude kept outside the basis, relative to the norm, at those times.
        growth_threshold: relative amplitude above which labels were taken in.
        growth_detected: the state grew: unstable, no number can be taken from it.
        capped: largest relative amplitude kept out by a limit.
        errors: source -> estimated error of the populations, largest over times and sites.
    """

    time_fs: RealArray
    populations: RealArray
    dpopulations: RealArray
    d2populations: RealArray
    density_matrix_final: ComplexArray
    trace_error: float
    products_production: int
    n_unknowns: int
    n_nonzeros: int
    step_time_fs: RealArray
    norm: RealArray
    basis_size: NDArray[np.int64]
    outside_flow: RealArray
    growth_threshold: float
    growth_detected: bool
    capped: float
    errors: Mapping[str, float]

    @property
    def total_error(self) -> float:
        """Sum over the sources that were estimated."""
        return float(np.nansum(list(self.errors.values())))


def compute_adaptive_population(
    model: HolsteinModel,
    expansion: BathExpansion,
    accuracy: Accuracy,
    *,
    start: Start,
    site: int,
    duration_fs: float,
    sample_fs: float = 1.0,
    refined: BathExpansion | None = None,
    limits: Limits = Limits(),
    comm: MPI.Intracomm = MPI.COMM_WORLD,
    report: Report = to_stderr,
) -> AdaptivePopulation:
    """Propagate a site-localised start on a basis that follows it (collective).

    All ADOs stay Hermitian, and where the model has it the reflection about the start site
    stays: a quarter of the labels remain. Thresholds are tightened until the difference from a
    run with thresholds COARSER times larger meets the target.

    Args:
        model: the Holstein model.
        expansion: the bath expansion.
        accuracy: the wanted accuracy of the populations.
        start: "franck_condon" (bath thermal without the carrier) or "marcus" (bath relaxed
            around it at v = 0).
        site: the occupied site, 0 to N - 1.
        duration_fs: length of the record, fs.
        sample_fs: spacing of the output times, fs.
        refined: an expansion with one term more, for the error of the bath terms; None leaves
            that error unknown (nan).
        limits: bounds of the basis.
        comm: the communicator.
        report: where rank 0 prints progress.

    Returns:
        The populations; the same for any number of ranks.

    Raises:
        ValueError: unknown start, or a site outside the model.
        LimitReached: the accuracy needs a larger basis than allowed.
        ParallelSetupError: PETSc with real scalars.

    Source: anomalous paper, Methods: starts with and without equilibration.
    """
    require_complex_petsc()
    require_start(start, site, model.n_sites)
    time_fs = sample_fs * np.arange(int(np.floor(duration_fs / sample_fs * (1 + 1e-12))) + 1)
    sector = population_sector(model, site)

    def run(bath: BathExpansion, how: Accuracy, label: str) -> _Run:
        progress = Progress(f"population, {start}{label}", float(time_fs[-1]), comm, report)
        basis = AdaptiveBasis(model, bath, sector, comm, limits)
        least = 0.01 * how.growth_threshold if start == "marcus" else np.inf
        keys, values = relaxed_labels(basis, site, least)
        if start == "franck_condon":
            keys, values = keys[:1], values[:1]
        x = place_values(basis, keys, values)
        readout = Readout.of(basis, _projectors(model.n_sites))
        growth = float(np.exp(polaron_exponent(bath)))
        end = float(time_fs[-1])
        x, trajectory = evolve_adaptive(basis, x, readout, how, end, progress, growth)
        inside = time_fs[time_fs <= trajectory.step_time_fs[-1] * (1 + 1e-12)]
        return _Run(how, trajectory.sample(inside, 0).real, trajectory, basis, x)

    coarse = run(expansion, scaled(accuracy, COARSER), ", coarse")
    for attempt in range(_REFINEMENTS + 1):
        fine = run(expansion, scaled(accuracy, COARSER**-attempt), "")
        done = fine.trajectory.growth_detected or _difference(fine, coarse) <= accuracy.target
        if done or attempt == _REFINEMENTS:
            break
        coarse = fine
    loose = coarse.accuracy
    unpruned = run(expansion, replace(loose, pruning=0.0), ", without pruning")
    bath_error = np.nan
    if refined is not None:
        bath_error = _difference(run(refined, loose, ", one bath term more"), coarse)
    trajectory = fine.trajectory
    inside = time_fs[: len(fine.populations)]
    return AdaptivePopulation(
        time_fs=inside,
        populations=fine.populations,
        dpopulations=trajectory.sample(inside, 1).real,
        d2populations=trajectory.sample(inside, 2).real,
        density_matrix_final=reduced_density_matrix(fine.basis, fine.final),
        trace_error=float(np.max(np.abs(fine.populations.sum(axis=1) - 1))),
        products_production=trajectory.products,
        n_unknowns=max(trajectory.basis_size),
        n_nonzeros=trajectory.n_nonzeros,
        step_time_fs=np.array(trajectory.step_time_fs),
        norm=np.array(trajectory.norm),
        basis_size=np.array(trajectory.basis_size),
        outside_flow=np.array(trajectory.outside_flow),
        growth_threshold=fine.accuracy.growth_threshold,
        growth_detected=trajectory.growth_detected,
        capped=trajectory.capped,
        errors={
            "frontier": _difference(fine, coarse),
            "dropped": _difference(unpruned, coarse),
            "time_step": trajectory.step_error,
            "bath_terms": bath_error,
        },
    )


def population_sector(model: HolsteinModel, site: int) -> Sector:
    """Sector of a start on one site: Hermitian, and even under reflection about the site."""
    n = model.n_sites
    if model.is_translation_invariant and model.flux == 0:
        return Sector(n, False, parity=1, mirror=2 * site % n, hermitian=True)
    bonds, energies = model.bond_hoppings, model.energies
    mirror = np.array_equal(bonds, bonds[::-1]) and np.array_equal(energies, energies[::-1])
    if model.topology == "chain" and 2 * site == n - 1 and mirror:
        return Sector(n, False, parity=1, mirror=n - 1, hermitian=True)
    return Sector(n, False, hermitian=True)


@dataclass(frozen=True)
class _Run:
    accuracy: Accuracy
    populations: RealArray
    trajectory: AdaptiveTrajectory
    basis: AdaptiveBasis
    final: ComplexArray


def _projectors(n_sites: int) -> list[ComplexArray]:
    return [cast(ComplexArray, np.diag(row).astype(complex)) for row in np.eye(n_sites)]


def _difference(run: _Run, other: _Run) -> float:
    n = min(len(run.populations), len(other.populations))
    return float(np.max(np.abs(run.populations[:n] - other.populations[:n])))
