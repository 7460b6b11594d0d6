"""What a propagation on an adaptive basis records, and what its result tells of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.dynamics.dense_output import Segment, interpolate_derivative
from smallpolaron.hierarchy.views import ComplexArray

_WAY_BACK: Final = 0.6
"""Least time from a limit back to the carrier over that of the way out. On windows of 41 to 91
sites (v 300 to 669 cm^-1, slow and fast baths, a vibration; thresholds 1e-3 and 3e-3) C_JJ differed
from that of a wider window by less than 2e-5 until 1.6 times the time of the first contact, by up
to 3e-3 until twice that time."""


@dataclass
class Trajectory:
    """What was recorded along a propagation.

    Attributes:
        segments: observables as polynomials over each step.
        closing: their series at the end of the last step.
        step_time_fs: beginning of every step and the end of the last.
        norm: norm of the state at those times.
        basis_size: labels at those times, on all ranks.
        outside_flow: amplitude kept outside the basis relative to the norm, at those times.
        frontier_weight: of a fixed hierarchy the share of the norm on the outermost ADOs, then.
        dropped: norm of what pruning dropped, per event, relative to the norm.
        kept_out: largest relative amplitude that a limit kept out, at those times.
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
    frontier_weight: list[float] = field(default_factory=list)
    dropped: list[float] = field(default_factory=list)
    kept_out: list[float] = field(default_factory=list)
    step_error: float = 0.0
    products: int = 0
    repeated: int = 0
    growth_detected: bool = False
    n_nonzeros: int = 0

    def covered(self, time_fs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Those of some times that lie within the record."""
        return time_fs[time_fs <= self.step_time_fs[-1] * (1 + 1e-12)]

    def returning(self, end_fs: float) -> float:
        """Largest amplitude that a limit kept out so early that it could be back by the end.

        The generator and its transpose spread alike, and what is observed has as few excitations
        as the state has in the beginning: the way back takes as long as the way out, but for
        _WAY_BACK, as what comes back counts below the thresholds, too.
        """
        times, kept_out = np.array(self.step_time_fs), np.array(self.kept_out)
        seen = np.flatnonzero(kept_out)
        if len(seen) == 0:
            return 0.0
        # the limit was reached within the step before
        first = times[max(seen[0] - 1, 0)]
        return float(np.max(kept_out[times <= end_fs - _WAY_BACK * first], initial=0.0))

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


_PLAIN = [each.name for each in fields(Trajectory) if each.name not in ("segments", "closing")]


def to_arrays(run: Trajectory) -> dict[str, NDArray[Any]]:
    """A trajectory as named arrays; see from_arrays."""
    segments = [*run.segments, *([] if run.closing is None else [run.closing])]
    found = {
        "starts": np.array([s.start for s in segments]),
        "lengths": np.array([s.length for s in segments]),
        "terms": np.array([len(s.coefficients) for s in segments], np.int64),
        "closed": np.array(run.closing is not None),
    }
    if segments:
        found["coefficients"] = np.concatenate([s.coefficients for s in segments])
    return found | {name: np.array(getattr(run, name)) for name in _PLAIN}


def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> Trajectory:
    """The trajectory that to_arrays was given, to the last bit."""
    ends = np.cumsum(arrays["terms"])
    pieces = np.split(arrays["coefficients"], ends[:-1]) if len(ends) else []
    segments = [
        Segment(float(start), float(length), piece)
        for start, length, piece in zip(arrays["starts"], arrays["lengths"], pieces, strict=True)
    ]
    closing = segments.pop() if arrays["closed"] else None
    plain = {name: arrays[name].tolist() for name in _PLAIN}
    return Trajectory(segments=segments, closing=closing, **plain)


def _integrated(segment: Segment) -> Segment:
    """The integral from the beginning of a step on, as a polynomial over it."""
    powers = np.arange(1, len(segment.coefficients) + 1)[:, None, None]
    c = segment.length * segment.coefficients / powers
    return replace(segment, coefficients=np.concatenate([np.zeros_like(c[:1]), c]))


@dataclass(frozen=True)
class StepRecord:
    """How a run went; of several that make one, the series are those of the largest basis.

    Attributes:
        step_time_fs: beginning of every step and the end of the last, fs.
        norm: norm of the state at those times; of a displacement see DisplacementGenerator.
        basis_size: labels at those times.
        outside_flow: amplitude kept outside the basis, relative to the norm, at those times.
        frontier_weight: of a fixed hierarchy the share of the norm on the outermost ADOs, then;
            else empty.
        n_nonzeros: entries of the largest generator.
        products: products with L, of all runs; of a displacement each of state and moment.
        growth_threshold: relative amplitude above which labels were taken in.
        growth_detected: the state grew: unstable, no number can be taken from it.
        capped: largest relative amplitude kept out by a limit (occupation, window).
        returning: the same of what was kept out so early that it could be back by the end.
    """

    step_time_fs: NDArray[np.float64]
    norm: NDArray[np.float64]
    basis_size: NDArray[np.int64]
    outside_flow: NDArray[np.float64]
    frontier_weight: NDArray[np.float64]
    n_nonzeros: int
    products: int
    growth_threshold: float
    growth_detected: bool
    capped: float
    returning: float

    @property
    def n_unknowns(self) -> int:
        """Labels of the largest basis."""
        return int(np.max(self.basis_size))

    @property
    def is_fixed(self) -> bool:
        """Whether the hierarchy was a fixed one."""
        return len(self.frontier_weight) > 0

    @classmethod
    def of(cls, runs: Sequence[Trajectory], growth_threshold: float) -> "StepRecord":
        """Return the record of one run, or of several that make one."""
        largest = max(runs, key=lambda run: max(run.basis_size))
        return cls(
            step_time_fs=np.array(largest.step_time_fs),
            norm=np.array(largest.norm),
            basis_size=np.array(largest.basis_size),
            outside_flow=np.array(largest.outside_flow),
            frontier_weight=np.array(largest.frontier_weight),
            n_nonzeros=largest.n_nonzeros,
            products=sum(run.products for run in runs),
            growth_threshold=growth_threshold,
            growth_detected=any(run.growth_detected for run in runs),
            capped=max(max(run.kept_out) for run in runs),
            returning=max(run.returning(run.step_time_fs[-1]) for run in runs),
        )


@dataclass(frozen=True)
class Estimated:
    """What a carrier that starts on one site does, with an error estimate.

    Attributes:
        time_fs: output times, fs, shape (n,).
        trace_error: largest |Tr rho - 1|.
        record: how the run went.
        errors: source -> estimated error.
        advice: empty, or why the accuracy was not reached and what would help.
    """

    time_fs: NDArray[np.float64]
    trace_error: float
    record: StepRecord
    errors: Mapping[str, float]
    advice: str

    @property
    def total_error(self) -> float:
        """Sum over the sources that were estimated."""
        return float(np.nansum(list(self.errors.values())))
