"""One propagation of a site-localised start, in one sector or momentum by momentum."""

from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from smallpolaron.dynamics.checkpoints import Interrupted
from smallpolaron.dynamics.evolve import PropagationFailed, evolve
from smallpolaron.dynamics.progress import Progress
from smallpolaron.dynamics.readout import Readout, reduced_density_matrix
from smallpolaron.dynamics.starts import StartTask, place_values, polaron_exponent, start_labels
from smallpolaron.dynamics.trajectory import StepRecord, Trajectory
from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.limits import LimitReached
from smallpolaron.hierarchy.sector import Sector
from smallpolaron.hierarchy.views import ComplexArray
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.model.baths.expansion import BathExpansion
from smallpolaron.model.lattice_model import LatticeModel, Model
from smallpolaron.parallel import MPI

RealArray = NDArray[np.float64]
PopulationSymmetry = Literal["auto", "momentum", "none"]


@dataclass(frozen=True)
class PopulationRun:
    """Populations with two derivatives; see Population.

    Attributes beyond those:
        accuracy: what it was asked for.
        step_error: sum of the estimated local errors of the steps.
    """

    accuracy: Accuracy
    populations: RealArray
    dpopulations: RealArray
    d2populations: RealArray
    density_matrix_final: ComplexArray
    step_error: float
    record: StepRecord


def population_sector(model: Model, site: int, symmetry: PopulationSymmetry) -> Sector:
    """Sector of a start on one site: Hermitian, and even under reflection about the site."""
    n = model.n_sites
    if symmetry not in ("auto", "none"):
        raise ValueError(f"symmetry = {symmetry!r}; allowed: 'auto', 'momentum', 'none'")
    if symmetry == "none":
        return Sector(n, False)
    if isinstance(model, LatticeModel):
        return Sector(n, False, hermitian=True)
    if model.is_translation_invariant and model.flux == 0:
        return Sector(n, False, parity=1, mirror=2 * site % n, hermitian=True)
    if 2 * site == n - 1 and model.is_mirror_symmetric:
        return Sector(n, False, parity=1, mirror=n - 1, hermitian=True)
    return Sector(n, False, hermitian=True)


def run_one_sector(
    task: StartTask, bath: BathExpansion, accuracy: Accuracy, label: str, sector: Sector
) -> PopulationRun:
    """Propagate the whole state at once (collective)."""
    n = task.model.n_sites
    projectors = [np.diag(row).astype(complex) for row in np.eye(n)]
    basis, x, run = _propagate(task, bath, accuracy, label, sector, projectors, task.comm)
    inside = run.covered(task.time_fs)
    populations, first, second = (run.sample(inside, order).real for order in range(3))
    return _collect(
        accuracy,
        (populations, first, second),
        reduced_density_matrix(basis, x),
        [run] if task.comm.rank == 0 else [],
        task.comm,
    )


def run_momentum_sectors(
    task: StartTask, bath: BathExpansion, accuracy: Accuracy, label: str
) -> PopulationRun:
    """Propagate every total momentum by itself, groups of ranks side by side (collective).

    <j|rho_0|j> = sum_m exp(2 pi i m (j - site) / N) X_m, where X_m is the element of the vacuum
    with ket and bra on the start site; reflection makes X_m = X_-m, so that m up to N/2 suffices.

    Raises:
        LimitReached: a momentum would outgrow the limit; raised on all ranks.
        PropagationFailed: no step size works for a momentum; raised on all ranks.
        Interrupted: the job is to stop; raised on all ranks once every group has stopped or is
            done.
    """
    n, comm = task.model.n_sites, task.comm
    momenta = range(n // 2 + 1)
    groups = min(comm.size, len(momenta))
    colour = comm.rank * groups // comm.size
    group = cast(MPI.Intracomm, comm.Split(colour, comm.rank))
    distance = np.arange(n) - task.site
    runs: list[Trajectory] = []
    sums = np.zeros((3, len(task.time_fs), n))
    rho = np.zeros((n, n), complex)
    failure: LimitReached | PropagationFailed | Interrupted | None = None
    for m in momenta:
        if m % groups != colour:
            continue
        sector = Sector(n, True, momentum=m)
        both = 1 if 2 * m % n == 0 else 2
        wave = both * np.cos(2 * np.pi * m / n * distance)
        identity: list[ComplexArray] = [np.diag(np.full(n, 1 / n, dtype=complex))]
        try:
            basis, x, run = _propagate(
                task, bath, accuracy, f"{label}, momentum {m}", sector, identity, group
            )
        except (LimitReached, PropagationFailed, Interrupted) as reason:
            # the other groups do not know yet
            failure = reason
            break
        inside = run.covered(task.time_fs)
        share = reduced_density_matrix(basis, x)
        turned = np.roll(share, (task.site, task.site), axis=(0, 1))
        mirrored = np.roll(share[::-1, ::-1], (task.site + 1, task.site + 1), axis=(0, 1))
        if group.rank == 0:
            for order in range(3):
                values = run.sample(inside, order)[:, 0].real
                sums[order, : len(inside)] += values[:, None] * wave
            rho += turned if both == 1 else turned + mirrored
            runs.append(run)
    group.Free()
    for failed in comm.allgather(failure):
        if failed is not None:
            raise failed
    comm.Allreduce(MPI.IN_PLACE, sums)
    comm.Allreduce(MPI.IN_PLACE, rho)
    shortest = comm.allreduce(
        min((len(r.covered(task.time_fs)) for r in runs), default=len(task.time_fs)), op=MPI.MIN
    )
    populations, first, second = sums[:, :shortest]
    return _collect(accuracy, (populations, first, second), rho, runs, comm)


def _propagate(
    task: StartTask,
    bath: BathExpansion,
    accuracy: Accuracy,
    label: str,
    sector: Sector,
    operators: list[ComplexArray],
    comm: MPI.Intracomm,
) -> tuple[Basis, ComplexArray, Trajectory]:
    end = float(task.time_fs[-1])
    progress = Progress(f"population, {task.start}{label}", end, comm, task.report)
    basis = Basis(task.model, bath, sector, comm, task.limits)
    origin = 0 if sector.translation else task.site
    x = place_values(basis, *start_labels(basis, task.start, origin, accuracy))
    readout = Readout.of(basis, operators)
    growth = float(np.exp(polaron_exponent(bath)))
    x, run = evolve(
        basis, x, readout, accuracy, end, progress, growth, checkpoints=task.checkpoints
    )
    return basis, x, run


def _collect(
    accuracy: Accuracy,
    populations: tuple[RealArray, RealArray, RealArray],
    rho: ComplexArray,
    runs: list[Trajectory],
    comm: MPI.Intracomm,
) -> PopulationRun:
    """One record of all runs: each is given by one rank, the others give none."""
    bare = [replace(run, segments=[]) for run in runs]
    every = [run for some in comm.allgather(bare) for run in some]
    return PopulationRun(
        accuracy,
        *populations,
        density_matrix_final=rho,
        step_error=sum(run.step_error for run in every),
        record=StepRecord.of(every, accuracy.growth_threshold),
    )
