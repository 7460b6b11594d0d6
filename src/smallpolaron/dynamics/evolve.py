"""Propagation on a basis that follows the state.

A step of the Taylor series is accepted when the flow out of the basis has not grown too much over
it; then the labels that the flow reaches are taken in. A step that let the front run ahead is
repeated, shorter, on the larger basis. So the step follows the front, not a clock.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smallpolaron.dynamics.checkpoints import NO_CHECKPOINTS, Checkpoints, Snapshot
from smallpolaron.dynamics.dense_output import Segment
from smallpolaron.dynamics.progress import Progress
from smallpolaron.dynamics.readout import Readout
from smallpolaron.dynamics.trajectory import Trajectory, from_arrays, to_arrays
from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.compact import CompactGenerator
from smallpolaron.hierarchy.limits import EdgeReached, LimitReached
from smallpolaron.hierarchy.views import ComplexArray, Outflow
from smallpolaron.model.accuracy import Accuracy

GROWTH_LIMIT = 30.0
"""Norm of the state over its smallest earlier norm, beyond what bath relaxation explains: truncated
hierarchies can have growing modes (Dunn, Tempelaar and Reichman 2019)."""

_FIRST_STEP = 0.15
"""First step in units of 1/base_rate."""
_REJECT = 8.0
"""Growth of the outflow over a step beyond which the step is repeated, halved."""
_AIM = 3.0
"""Growth of the outflow that the step size aims at."""
_FREE = 0.1
"""Outflow relative to the growth threshold that is too small to control the step."""
_LEAST_ORDER, _TARGET_ORDER, _MAX_ORDER = 10, 14, 40
_FLOOR = 0.1
"""Share of the initial norm below which thresholds no longer follow a decaying state."""
_PRUNE_EVERY = 8
"""Steps between two searches for labels to drop."""
_SHORTEST_FS = 1e-6
_NORM_FLOOR = 1e-9


class PropagationFailed(RuntimeError):
    """No step size works."""


class _Stepper:
    """Taylor steps on the present basis."""

    def __init__(
        self,
        basis: Basis,
        readout: Readout,
        tolerance: float,
        make: Callable[[Basis], CompactGenerator],
    ) -> None:
        self.basis, self._readout, self._tolerance, self._make = basis, readout, tolerance, make
        self._freeze()

    def refresh(self) -> None:
        """Freeze the links again after the basis changed."""
        del self.generator  # before the next is made: both together are the peak of memory
        self._freeze()

    def _freeze(self) -> None:
        self.generator = self._make(self.basis)
        self.rows, self._weights = self._readout.locate(self.basis)

    def held(self) -> NDArray[np.int64]:
        """Rows that are never dropped."""
        return self._readout.held(self.basis)

    def observed(self, readings: list[ComplexArray]) -> ComplexArray:
        """Readings of the terms of a step, summed over ranks, shape (terms, 1, operators)."""
        total = self._readout.value(self.basis.comm.allreduce(np.array(readings)))
        return total.reshape(len(total), 1, -1)

    def outflow(self, x: ComplexArray, threshold: float = np.inf) -> Outflow:
        """What a state feeds outside the basis."""
        return self.basis.outflow(self.generator.sizes(x), threshold)

    def step(
        self, x: ComplexArray, norm: float, length: float
    ) -> tuple[ComplexArray, list[ComplexArray], float] | None:
        """One step; returns (state, local readings of every term, error) or None if too long."""
        self.generator.begin(x)
        term, total, image = x.copy(), x.copy(), np.empty_like(x)
        readings = [self._weights @ term[self.rows]]
        allowed, last = self._tolerance * length * norm, norm
        for order in range(1, _MAX_ORDER + 1):
            size = self.generator.apply_series(term, length / order, image, total)
            term, image = image, term
            readings.append(self._weights @ term[self.rows])
            # two small terms in a row: a single one can vanish by accident
            if size + last <= allowed and order >= _LEAST_ORDER:
                return total, readings, size
            last = size
        return None


@dataclass
class _Now:
    """Where a propagation is between two steps: all, besides the basis, that the next depends on.

    Attributes:
        x: this rank's part of the state.
        norm: its norm.
        rest: outflow that stays outside, relative to the norm.
        length: step to try next, fs.
        smallest: smallest norm so far.
        run: what was recorded.
    """

    x: ComplexArray
    norm: float
    rest: float
    length: float
    smallest: float
    run: Trajectory

    def snapshot(self, basis: Basis, *, finished: bool = False) -> Snapshot:
        """For a checkpoint."""
        numbers = np.array([self.norm, self.rest, self.length, self.smallest])
        record = to_arrays(self.run) | {"now": numbers}
        return Snapshot.of(basis, self.x, record, finished=finished)

    @classmethod
    def resumed(cls, basis: Basis, found: Snapshot) -> "_Now":
        """From a checkpoint; the basis then holds its labels (collective)."""
        norm, rest, length, smallest = found.record["now"].tolist()
        run = from_arrays(found.record)
        return cls(found.put_on(basis), norm, rest, length, smallest, run)

    @property
    def size(self) -> float:
        """What thresholds are relative to: the norm of the initial state, or of a decaying one.

        The accuracy is relative to the initial state. But an integral over the record weighs the
        tail as much, and a tail that is 10 % wrong moves cutoff times by as much: a decaying norm
        counts down to _FLOOR of the first one.
        """
        first = self.run.norm[0]
        return max(_FLOOR * first, min(self.norm, first))

    @property
    def time_fs(self) -> float:
        """Time reached."""
        return self.run.step_time_fs[-1]


def evolve(
    basis: Basis,
    state: ComplexArray,
    readout: Readout,
    accuracy: Accuracy,
    duration_fs: float,
    progress: Progress,
    relaxation_growth: float = 1.0,
    generator: Callable[[Basis], CompactGenerator] = CompactGenerator,
    checkpoints: Checkpoints = NO_CHECKPOINTS,
) -> tuple[ComplexArray, Trajectory]:
    """Propagate a state over a time, with the basis following it (collective).

    Args:
        basis: the labels in play; changed in place. The readout's labels are never dropped.
        state: this rank's part of the initial state.
        readout: the observables.
        accuracy: thresholds and tolerance.
        duration_fs: time to cover, fs.
        progress: where progress goes.
        relaxation_growth: growth of the norm that the relaxation of the bath explains.
        generator: makes the generator of such a state on the present basis.
        checkpoints: where to go on from, and what is offered on the way.

    Returns:
        The final state on the final basis, and what was recorded; stopped early and marked when
        the state grows as no stable hierarchy's does. The same, to the last bit, when resumed on
        the same number of ranks.

    Raises:
        LimitReached: the basis would outgrow its limit; the message says at what time.
        EdgeReached: more than accuracy.kept_out is kept out.
        PropagationFailed: no step size meets the tolerance.
        Interrupted: the job is to stop.
    """
    stage = checkpoints.stage(progress.label, basis, accuracy, duration_fs)
    found = stage.latest()
    if found is None:
        basis.add(readout.keys)
        state = basis.extended(state)
        stepper = _Stepper(basis, readout, accuracy.step_tolerance, generator)
        now = _begin(stepper, state, accuracy)
    else:
        now = _Now.resumed(basis, found)
        progress.resumed(now.time_fs, found.origin)
        if found.finished:
            return now.x, now.run
        stepper = _Stepper(basis, readout, accuracy.step_tolerance, generator)
    run = now.run
    while duration_fs - now.time_fs > 1e-9 * duration_fs and not run.growth_detected:
        stage.offer(lambda: now.snapshot(basis))
        if (returning := run.returning(duration_fs)) > accuracy.kept_out:
            raise EdgeReached(f"{returning:.1e} is kept out by t = {now.time_fs:g} fs")
        if _advance(stepper, now, accuracy, duration_fs):
            grown = now.norm > GROWTH_LIMIT * relaxation_growth * now.smallest
            run.growth_detected = grown
            progress.at(now.time_fs, f", {basis.size} labels")
    run.closing = _closing(stepper, now.x, now.norm, now.length, run)
    if run.growth_detected:
        progress.say(
            f"the state grew {now.norm / now.smallest:.1e}-fold by {now.time_fs:.1f} fs: unstable"
        )
    progress.done(now.time_fs, run.products)
    stage.finish(lambda: now.snapshot(basis, finished=True))
    return now.x, run


def _begin(stepper: _Stepper, x: ComplexArray, accuracy: Accuracy) -> _Now:
    """Before the first step: the labels that the initial state feeds are taken in."""
    run, threshold = Trajectory(), accuracy.growth_threshold
    norm = stepper.generator.norm(x)
    flow = stepper.outflow(x, threshold * norm)
    x = _grow(stepper, x, flow, 0.0)
    rest = flow.rest / norm
    _record(run, stepper, x, norm, rest, flow.capped / norm)
    return _Now(x, norm, rest, _FIRST_STEP / stepper.basis.base_rate, norm, run)


def _advance(stepper: _Stepper, now: _Now, accuracy: Accuracy, duration_fs: float) -> bool:
    """Try one step; returns whether it was accepted."""
    run, threshold, time_fs = now.run, accuracy.growth_threshold, now.time_fs
    tried = min(now.length, duration_fs - time_fs)
    attempt = stepper.step(now.x, now.norm, tried)
    run.products = run.products + stepper.generator.products
    stepper.generator.products = 0
    if attempt is None:
        run.repeated += 1
        now.length = tried / 2
        if now.length < _SHORTEST_FS:
            raise PropagationFailed(
                f"no step above {_SHORTEST_FS:g} fs meets the tolerance at t = {time_fs:g} fs; "
                "check the parameters for extreme values"
            )
        return False
    new, readings, error = attempt
    new_norm = stepper.generator.norm(new)
    size = now.size
    flow = stepper.outflow(new, threshold * size)
    # nothing can be done about what flows out of a fixed hierarchy
    fixed = stepper.basis.is_fixed
    ratio = 0.0 if fixed else (flow.total / size) / max(now.rest, _FREE * threshold)
    if ratio > _REJECT and tried > _FIRST_STEP / stepper.basis.base_rate / 8:
        run.repeated += 1
        now.length = tried / 2
        now.x = _grow(stepper, now.x, flow, time_fs)
        # what enters now is outside no more when the step begins again
        now.rest = stepper.outflow(now.x).total / size
        return False
    done = duration_fs - (time_fs + tried) <= 1e-9 * duration_fs
    now.x = new if done else _grow(stepper, new, flow, time_fs + tried)
    now.norm, now.rest = new_norm, flow.rest / size
    run.segments.append(Segment(time_fs, tried, stepper.observed(readings)))
    run.step_time_fs.append(time_fs + tried)
    run.step_error += error
    if len(run.segments) % _PRUNE_EVERY == 0:
        now.x = _prune(stepper, now.x, size, accuracy, run)
        now.norm = stepper.generator.norm(now.x)
        now.rest = stepper.outflow(now.x).total / size
    _record(run, stepper, now.x, now.norm, now.rest, flow.capped / size)
    if tried == now.length or ratio > _AIM:
        by_front = np.sqrt(_AIM / max(ratio, 1e-3))
        by_order = np.sqrt(_TARGET_ORDER / (len(readings) - 1))
        now.length = tried * min(1.5, max(0.5, min(by_front, by_order)))
    now.smallest = max(min(now.smallest, now.norm), _NORM_FLOOR * run.norm[0])
    return True


def _closing(
    stepper: _Stepper, x: ComplexArray, norm: float, length: float, run: Trajectory
) -> Segment:
    """The series of the observables at the end, of which only the derivatives there are used."""
    while (attempt := stepper.step(x, norm, length)) is None:
        length /= 2
    run.products += stepper.generator.products
    stepper.generator.products = 0
    return Segment(run.step_time_fs[-1], length, stepper.observed(attempt[1]))


def sample_times(duration_fs: float, sample_fs: float) -> NDArray[np.float64]:
    """Output times 0, sample_fs, ... within the duration, fs.

    Raises:
        ValueError: not 0 < sample_fs <= duration_fs.
    """
    if not 0 < sample_fs <= duration_fs < np.inf:
        raise ValueError(
            f"duration_fs = {duration_fs}, sample_fs = {sample_fs}; needed: "
            "0 < sample_fs <= duration_fs"
        )
    count = int(np.floor(duration_fs / sample_fs * (1 + 1e-12))) + 1
    return sample_fs * np.arange(count, dtype=np.float64)


def _record(
    run: Trajectory,
    stepper: _Stepper,
    x: ComplexArray,
    norm: float,
    rest: float,
    kept_out: float,
) -> None:
    if stepper.basis.is_fixed:
        run.frontier_weight.append(stepper.basis.frontier_weight(x))
    run.norm.append(norm)
    run.basis_size.append(stepper.basis.size)
    run.outside_flow.append(rest)
    run.kept_out.append(kept_out)
    run.n_nonzeros = max(run.n_nonzeros, stepper.generator.total_nonzeros)


def _grow(stepper: _Stepper, x: ComplexArray, flow: Outflow, time_fs: float) -> ComplexArray:
    """Take in what flows out; returns the state on the larger basis."""
    basis = stepper.basis
    try:
        added = basis.add(flow.keys)
    except LimitReached as reason:
        raise LimitReached(f"at t = {time_fs:g} fs {reason}") from reason
    if added:
        x = basis.extended(x)
        stepper.refresh()
    return x


def _prune(
    stepper: _Stepper, x: ComplexArray, size: float, accuracy: Accuracy, run: Trajectory
) -> ComplexArray:
    """Drop what is small and would not be taken in again; size is that of the initial state."""
    grow = accuracy.growth_threshold * size
    least = accuracy.pruning_fraction * grow
    if least == 0.0 or stepper.basis.is_fixed:
        return x
    basis, before = stepper.basis, stepper.basis.size
    sizes = stepper.generator.sizes(x)
    weight = basis.importance(sizes, stepper.generator.ghost_sizes(x))
    keep = (np.abs(sizes) > least) | (weight > grow)
    keep[stepper.held()] = True
    dropped = float(basis.comm.allreduce(float(np.vdot(sizes[~keep], sizes[~keep]).real)))
    kept = basis.keep(keep, x)
    if basis.size < before:
        run.dropped.append(float(np.sqrt(dropped)) / size)
        kept = basis.rebalance(kept)
        stepper.refresh()
    return kept
