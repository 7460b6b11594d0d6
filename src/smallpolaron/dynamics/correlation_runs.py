"""Runs of one correlation job, at one threshold for one bath expansion, and their comparison."""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import eye_array

from smallpolaron.dynamics.checkpoints import NO_CHECKPOINTS, Checkpoints
from smallpolaron.dynamics.equilibrium import Equilibrium, find_equilibrium
from smallpolaron.dynamics.evolve import evolve
from smallpolaron.dynamics.linear import LinearProblem, NotConverged
from smallpolaron.dynamics.operators import apply_current, hermitian_part
from smallpolaron.dynamics.progress import Progress, Report
from smallpolaron.dynamics.readout import Readout
from smallpolaron.dynamics.solve import Solution, solve
from smallpolaron.dynamics.trajectory import StepRecord, Trajectory
from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.limits import Limits
from smallpolaron.hierarchy.sector import Sector
from smallpolaron.hierarchy.views import ComplexArray
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.model.baths.expansion import BathExpansion
from smallpolaron.model.lattice_model import Model
from smallpolaron.parallel import MPI

_WARM: Final = 0.25
"""Share of <J^2> in its largest value below which a carrier counts as cold."""

_LEAST_SHARE: Final = 2.5e-3
"""The coldest that is followed."""


@dataclass(frozen=True)
class CorrelationTask:
    """What all runs of one job share.

    Attributes:
        model: the model.
        even: sector of the equilibrium.
        odd: sector of J rho_eq.
        time_fs: output times, fs.
        real_part_only: propagate the Hermitian part of J rho_eq.
        limits: bounds of the basis.
        comm: the communicator.
        report: where rank 0 prints progress.
        checkpoints: where what the runs reach is kept.
        equilibria: the last one found with each set of rates, with which the next one begins.
    """

    model: Model
    even: Sector
    odd: Sector
    time_fs: NDArray[np.float64]
    real_part_only: bool
    limits: Limits
    comm: MPI.Intracomm
    report: Report
    checkpoints: Checkpoints = NO_CHECKPOINTS
    equilibria: dict[bytes, Equilibrium] = field(default_factory=dict)

    def progress(self, label: str) -> Progress:
        """Progress over the record."""
        return Progress(label, float(self.time_fs[-1]), self.comm, self.report)


@dataclass(frozen=True)
class CorrelationRun:
    """One production run.

    Attributes:
        problem: what it was computed from.
        record: how it went.
        C: C_JJ at the output times, angstrom^2/fs^2.
        D: integral of Re C_JJ over the record, angstrom^2/fs.
        trajectory: what was recorded.
        basis: the final basis.
        final: the final state on it.
        readout_norm: norm of the functional that reads C off a state.
    """

    problem: "CorrelationProblem"
    record: StepRecord
    C: ComplexArray
    D: float
    trajectory: Trajectory
    basis: Basis
    final: ComplexArray
    readout_norm: float


class CorrelationProblem:
    """The equilibrium for one bath expansion at one accuracy, and what is computed from it."""

    def __init__(self, task: CorrelationTask, expansion: BathExpansion, accuracy: Accuracy) -> None:
        """Find the equilibrium (collective)."""
        self._task, self.expansion, self._accuracy = task, expansion, accuracy
        self.equilibrium = self._found(accuracy)
        # a cold carrier has little current: what is small beside rho need not be small beside J rho
        sites, rows = task.model.sites, self.equilibrium.density_matrix
        current = sites.matrix(task.model.flows)
        square = (current @ current)[: len(rows)]
        mean = float(square.multiply(rows.conj()).sum().real) * sites.n_sites / len(rows)
        # the largest sum over a row bounds |J|, and is |J| where all sites are alike
        largest = float(np.max(abs(current).sum(axis=1))) ** 2
        share = max(mean / largest, _LEAST_SHARE) if largest > 0 else 1.0
        # thresholds that are not even halved are not worth a second solve
        if share < _WARM / 2 and task.limits.truncation is None:
            growth = accuracy.growth_threshold * share / _WARM
            self.equilibrium = self._found(replace(accuracy, growth=growth))
        self._complex_readout = _reading(self._empty())
        self._readout = _reading(self._empty(task.real_part_only))

    def _found(self, accuracy: Accuracy) -> Equilibrium:
        task, bath = self._task, self.expansion.rates.tobytes()
        task.equilibria[bath] = find_equilibrium(
            task.model,
            self.expansion,
            task.even,
            accuracy,
            task.limits,
            task.comm,
            task.report,
            task.checkpoints,
            task.equilibria.get(bath),
        )
        return task.equilibria[bath]

    def _empty(self, hermitian: bool = False) -> Basis:
        task, sector = self._task, replace(self._task.odd, hermitian=hermitian)
        return Basis(task.model, self.expansion, sector, task.comm, task.limits)

    def start(self) -> tuple[Basis, ComplexArray]:
        """J rho_eq on a basis of its own, without elements too small to matter."""
        basis, state, readout = self._empty(), self.equilibrium, self._complex_readout
        basis.add(readout.keys)
        least = self._accuracy.pruning_fraction * self._accuracy.growth_threshold
        # a block of small coherences without their bath would make L nearly singular
        x = apply_current(state.basis, state.x, basis, 0.0 if basis.is_fixed else least)
        return basis, x

    def run(self, label: str) -> CorrelationRun:
        """Propagate J rho_eq."""
        task, time_fs, accuracy = self._task, self._task.time_fs, self._accuracy
        basis, x = self.start()
        if task.real_part_only:
            full, basis = basis, self._empty(hermitian=True)
            x = hermitian_part(full, x, basis)
        end = float(time_fs[-1])
        x, trajectory = evolve(
            basis,
            x,
            self._readout,
            accuracy,
            end,
            task.progress(label),
            checkpoints=task.checkpoints,
        )
        inside = trajectory.covered(time_fs)
        c = trajectory.sample(inside, 0)[:, 0]
        d = sum(
            float((s.coefficients[:, 0, 0].real / np.arange(1, len(s.coefficients) + 1)).sum())
            * s.length
            for s in trajectory.segments
        )
        record = StepRecord.of([trajectory], accuracy.growth_threshold)
        still = self.equilibrium.capped
        record = replace(
            record,
            capped=max(record.capped, still),
            returning=max(record.returning, still),
        )
        reading = float(np.linalg.norm(self._readout.weights))
        return CorrelationRun(self, record, c, d, trajectory, basis, x, reading)

    def resolve(
        self,
        basis: Basis,
        x: ComplexArray,
        frequency: float = 0.0,
        scale: float = 0.0,
        finer: float = 1.0,
    ) -> tuple[complex, Solution | None]:
        """int_0^inf exp(i w t) Tr[J exp(L t) x] dt by one solve on a growing basis.

        Where no symmetry keeps the equilibrium out of the sector, its share of x is left out: it
        does not decay. On a disordered ring a finite bath expansion makes it small, not zero.
        A solution smaller than the scale is known to the digits that matter beside it. The growth
        threshold is divided by `finer`.

        Returns:
            The integral, and the solution; (nan, None), reported, where the solver failed.
        """
        task = self._task
        # coherences of the vacuum are damped by their bath only: without it L is nearly singular
        undamped = (basis.damping == 0).astype(complex)
        bare = basis.outflow(undamped, 0.0).keys
        if basis.add(bare):
            x = basis.extended(x)
        keys, values = basis.keys.copy(), x.copy()
        trace = Readout.of(basis, [eye_array(task.model.n_sites, dtype=complex, format="csr")])
        if singular := len(trace.keys) > 0:
            still = self.equilibrium
            share = trace.read(basis, x)[0]
            basis.add(still.basis.keys)
            keys = np.concatenate([keys, still.basis.keys])
            values = np.concatenate([values, -share * still.x])
        pinned = trace if singular and frequency == 0 else None

        def right_side(now: Basis) -> ComplexArray:
            # labels may have moved to other ranks since
            return -now.scatter(keys, values)

        try:
            solution = solve(
                basis,
                LinearProblem(right_side, 1j * frequency, pinned, total=0.0, scale=scale),
                np.zeros(basis.n_local, complex),
                growth=self._accuracy.growth_threshold / finer,
                tolerance=self._accuracy.solver_tolerance / finer,
                stage=task.checkpoints.stage(
                    "resolvent", basis, self._accuracy, frequency, scale, finer
                ),
            )
        except NotConverged as reason:
            task.progress("resolvent").say(f"{reason}; its value is stored as nan and flagged")
            return complex(np.nan, np.nan), None
        return complex(self._complex_readout.read(basis, solution.x)[0]), solution


def _reading(basis: Basis) -> Readout:
    return Readout.of(basis, [basis.couplings.current])


def difference(run: CorrelationRun, other: CorrelationRun) -> float:
    """Largest |C - C'| relative to |C(0)|, over the time both cover."""
    n = min(len(run.C), len(other.C))
    return float(np.max(np.abs(run.C[:n] - other.C[:n])) / np.abs(run.C[0]))


def area(run: CorrelationRun, other: CorrelationRun, sample_fs: float) -> float:
    """Integral of |Re C - Re C'|, angstrom^2/fs: the difference of D if its signs did not cancel.

    They do cancel, but by chance: two close values of D do not tell that both are right.
    """
    n = min(len(run.C), len(other.C))
    between = float(np.abs(run.C[:n].real - other.C[:n].real).sum() * sample_fs)
    return max(between, abs(run.D - other.D))
