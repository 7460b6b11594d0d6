"""Propagation on a basis that follows the state.

A step of the Taylor series is accepted when the flow out of the basis has not grown too much over
it; then the labels that the flow reaches are taken in. A step that let the front run ahead is
repeated, shorter, on the larger basis. So the step follows the front, not a clock.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from smallpolaron.dynamics.carrier import Readout
from smallpolaron.dynamics.dense_output import interpolate_derivative
from smallpolaron.dynamics.evolve import GROWTH_LIMIT
from smallpolaron.dynamics.observables import ComplexArray
from smallpolaron.dynamics.progress import Progress
from smallpolaron.dynamics.propagator import Segment
from smallpolaron.hierarchy.adaptive import AdaptiveBasis
from smallpolaron.hierarchy.compact import CompactGenerator
from smallpolaron.hierarchy.limits import LimitReached
from smallpolaron.hierarchy.views import Outflow
from smallpolaron.model.accuracy import Accuracy

_FIRST_STEP = 0.15
"""First step in units of 1/base_rate."""
_REJECT = 8.0
"""Growth of the outflow over a step beyond which the step is repeated, halved."""
_AIM = 3.0
"""Growth of the outflow that the step size aims at."""
_FREE = 0.1
"""Outflow relative to the growth threshold that is too small to control the step."""
_LEAST_ORDER, _TARGET_ORDER, _MAX_ORDER = 10, 14, 40
_PRUNE_EVERY = 8
"""Steps between two searches for labels to drop."""
_SHORTEST_FS = 1e-6
_NORM_FLOOR = 1e-9


class PropagationFailed(RuntimeError):
    """No step size works."""


@dataclass
class AdaptiveTrajectory:
    """What was recorded along a propagation.

    Attributes:
        segments: observables as polynomials over each step.
        closing: their series at the end of the last step.
        step_time_fs: beginning of every step and the end of the last.
        norm: norm of the state at those times.
        basis_size: labels at those times, on all ranks.
        outside_flow: amplitude kept outside the basis relative to the norm, at those times.
        dropped: norm of what pruning dropped, per event, relative to the norm.
        capped: largest relative amplitude that a limit kept out.
        step_error: sum over the steps of the estimated local error, absolute.
        products: products with L.
        repeated: steps that were repeated.
        growth_detected: the run was stopped because the state grew.
        n_nonzeros: entries of the largest generator, on all ranks.
    """

    segments: list[Segment] = field(default_factory=list)
    closing: Segment | None = None
    step_time_fs: list[float] = field(default_factory=lambda: [0.0])
    norm: list[float] = field(default_factory=list)
    basis_size: list[int] = field(default_factory=list)
    outside_flow: list[float] = field(default_factory=list)
    dropped: list[float] = field(default_factory=list)
    capped: float = 0.0
    step_error: float = 0.0
    products: int = 0
    repeated: int = 0
    growth_detected: bool = False
    n_nonzeros: int = 0

    def integral(self, time_fs: NDArray[np.float64]) -> ComplexArray:
        """Integral of the observables from zero to times, shape (times, operators)."""
        pieces = [_integrated(segment) for segment in self.segments]
        ends = np.cumsum([piece.coefficients[:, 0].sum(axis=0) for piece in pieces], axis=0)
        starts = np.array([s.start for s in self.segments])
        which = np.clip(np.searchsorted(starts, time_fs, side="right") - 1, 0, None)
        values = np.zeros((len(time_fs), ends.shape[1]), complex)
        for i in np.unique(which):
            inside = which == i
            values[inside] = pieces[i].at(time_fs[inside])[:, 0] + (ends[i - 1] if i else 0)
        return values

    def sample(self, time_fs: NDArray[np.float64], order: int) -> ComplexArray:
        """Derivative of the given order of the observables at times, shape (times, operators)."""
        starts = np.array([s.start for s in self.segments])
        which = np.clip(np.searchsorted(starts, time_fs, side="right") - 1, 0, None)
        values = np.zeros((len(time_fs), self.segments[0].coefficients.shape[2]), complex)
        for i in np.unique(which):
            inside = which == i
            segment = self.segments[i]
            if order == 0:
                values[inside] = segment.at(time_fs[inside])[:, 0]
                continue
            following = self.segments[i + 1] if i + 1 < len(self.segments) else self.closing
            assert following is not None
            values[inside] = interpolate_derivative(segment, following, order, time_fs[inside])
        return values


def _integrated(segment: Segment) -> Segment:
    """The integral from the beginning of a step on, as a polynomial over it."""
    powers = np.arange(1, len(segment.coefficients) + 1)[:, None, None]
    c = segment.length * segment.coefficients / powers
    return replace(segment, coefficients=np.concatenate([np.zeros_like(c[:1]), c]))


class _Stepper:
    """Taylor steps on the present basis."""

    def __init__(
        self,
        basis: AdaptiveBasis,
        readout: Readout,
        tolerance: float,
        make: Callable[[AdaptiveBasis], CompactGenerator],
    ) -> None:
        self.basis, self._readout, self._tolerance, self._make = basis, readout, tolerance, make
        self.refresh()

    def refresh(self) -> None:
        """Freeze the links again after the basis changed."""
        self.generator = self._make(self.basis)
        self.rows, self._weights = self._readout.locate(self.basis)

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


def evolve_adaptive(
    basis: AdaptiveBasis,
    state: ComplexArray,
    readout: Readout,
    accuracy: Accuracy,
    duration_fs: float,
    progress: Progress,
    relaxation_growth: float = 1.0,
    generator: Callable[[AdaptiveBasis], CompactGenerator] = CompactGenerator,
) -> tuple[ComplexArray, AdaptiveTrajectory]:
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

    Returns:
        The final state on the final basis, and what was recorded; stopped early and marked when
        the state grows as no stable hierarchy's does.

    Raises:
        LimitReached: the basis would outgrow its limit; the message says at what time.
        PropagationFailed: no step size meets the tolerance.
    """
    run = AdaptiveTrajectory()
    basis.add(readout.keys)
    x = basis.extended(state)
    stepper = _Stepper(basis, readout, accuracy.step_tolerance, generator)
    norm = stepper.generator.norm(x)
    threshold = accuracy.growth_threshold
    flow = stepper.outflow(x, threshold * norm)
    x = _grow(stepper, x, flow, 0.0)
    rest = flow.rest / norm
    _record(run, stepper, norm, rest, flow.capped / norm)
    length = _FIRST_STEP / basis.base_rate
    smallest = norm
    while duration_fs - run.step_time_fs[-1] > 1e-9 * duration_fs and not run.growth_detected:
        now = run.step_time_fs[-1]
        tried = min(length, duration_fs - now)
        attempt = stepper.step(x, norm, tried)
        run.products = run.products + stepper.generator.products
        stepper.generator.products = 0
        if attempt is None:
            run.repeated += 1
            length = tried / 2
            if length < _SHORTEST_FS:
                raise PropagationFailed(
                    f"no step above {_SHORTEST_FS:g} fs meets the tolerance at t = {now:g} fs; "
                    "check the parameters for extreme values"
                )
            continue
        new, readings, error = attempt
        new_norm = stepper.generator.norm(new)
        flow = stepper.outflow(new, threshold * new_norm)
        ratio = (flow.total / new_norm) / max(rest, _FREE * threshold)
        if ratio > _REJECT and tried > _FIRST_STEP / basis.base_rate / 8:
            run.repeated += 1
            length = tried / 2
            x = _grow(stepper, x, flow, now)
            # what enters now is outside no more when the step begins again
            rest = stepper.outflow(x).total / norm
            continue
        done = duration_fs - (now + tried) <= 1e-9 * duration_fs
        x = new if done else _grow(stepper, new, flow, now + tried)
        norm, rest = new_norm, flow.rest / new_norm
        run.segments.append(Segment(now, tried, stepper.observed(readings)))
        run.step_time_fs.append(now + tried)
        run.step_error += error
        if len(run.segments) % _PRUNE_EVERY == 0:
            x = _prune(stepper, x, norm, accuracy, run)
            norm = stepper.generator.norm(x)
            rest = stepper.outflow(x).total / norm
        _record(run, stepper, norm, rest, flow.capped / norm)
        if tried == length or ratio > _AIM:
            by_front = np.sqrt(_AIM / max(ratio, 1e-3))
            by_order = np.sqrt(_TARGET_ORDER / (len(readings) - 1))
            length = tried * min(1.5, max(0.5, min(by_front, by_order)))
        smallest = max(min(smallest, norm), _NORM_FLOOR * run.norm[0])
        run.growth_detected = norm > GROWTH_LIMIT * relaxation_growth * smallest
        progress.at(now + tried, f", {basis.size} labels")
    run.closing = _closing(stepper, x, norm, length, run)
    if run.growth_detected:
        progress.say(
            f"the state grew {norm / smallest:.1e}-fold by {run.step_time_fs[-1]:.1f} fs: unstable"
        )
    progress.done(run.step_time_fs[-1], run.products)
    return x, run


def _closing(
    stepper: _Stepper, x: ComplexArray, norm: float, length: float, run: AdaptiveTrajectory
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
    run: AdaptiveTrajectory, stepper: _Stepper, norm: float, rest: float, capped: float
) -> None:
    run.norm.append(norm)
    run.basis_size.append(stepper.basis.size)
    run.outside_flow.append(rest)
    run.capped = max(run.capped, capped)
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
    stepper: _Stepper, x: ComplexArray, norm: float, accuracy: Accuracy, run: AdaptiveTrajectory
) -> ComplexArray:
    least = accuracy.pruning_fraction * accuracy.growth_threshold * norm
    if least == 0.0:
        return x
    basis, before = stepper.basis, stepper.basis.size
    sizes = stepper.generator.sizes(x)
    weight = basis.importance(sizes, stepper.generator.ghost_sizes(x))
    keep = weight > least
    keep[stepper.rows] = True
    dropped = float(basis.comm.allreduce(float(np.vdot(sizes[~keep], sizes[~keep]).real)))
    kept = basis.keep(keep, x)
    if basis.size < before:
        run.dropped.append(float(np.sqrt(dropped)) / norm)
        kept = basis.rebalance(kept)
        stepper.refresh()
    return kept
