"""Linear equations on an adaptive basis: solve, take in the labels the solution feeds, repeat."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial

import numpy as np
from numpy.typing import NDArray

from smallpolaron.dynamics.checkpoints import NO_STAGE, Record, Snapshot, Stage
from smallpolaron.dynamics.linear import LinearProblem, NotConverged, solve_once
from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.compact import CompactGenerator
from smallpolaron.hierarchy.labels import Keys

ComplexArray = NDArray[np.complex128]

_MAX_ROUNDS = 100
_SETTLED = 0.01
"""Share of new labels below which a basis counts as complete and the last solve is accurate."""
_COSTLY, _GENERATIONS, _SURELY = 30, 3, 2.0
"""Products of a solve after which the basis grows so many times before the next, as new labels feed
others; one then enters at so many times the threshold, as values are estimates. A vibration with
eta/v = 8.4 at kT/v = 0.46: 7 solves and 7 s instead of 11 and 20 s, with 37,400 labels instead of
33,800 (growing so after every solve)."""
_EARLY = 0.03
"""Residual of the solves before that, relative to the largest amplitude still missing."""


@dataclass
class Solution:
    """What solve found.

    Attributes:
        x: this rank's part of the solution on the basis.
        generator: L on the final basis.
        norm: |x|, or the scale of the problem if that is larger.
        residual: |b - (L + shift) x| / (base_rate norm).
        products: products with L over all rounds.
        outside: amplitude of what the solution feeds outside the basis, relative to norm.
        capped: largest amplitude a limit kept out, relative to norm.
    """

    x: ComplexArray
    generator: CompactGenerator
    norm: float
    residual: float
    products: int
    outside: float
    capped: float


@dataclass(frozen=True)
class _Round:
    """Where a solve on a growing basis is between two rounds, or after the last.

    Attributes:
        x: this rank's part of the solution so far.
        number: rounds so far.
        products: products with L so far.
        missing: largest amplitude outside the basis before it grew, relative to |x|.
        settled: whether the next round is the last.
        way: Part of L whose inverse proved the best preconditioner, -1 as long as the first one
            would do.
        norm, residual, outside, capped: as in Solution.
    """

    x: ComplexArray
    number: int = 0
    products: int = 0
    missing: float = 1.0
    settled: bool = False
    way: int = -1
    norm: float = 0.0
    residual: float = np.inf
    outside: float = np.inf
    capped: float = 0.0

    def snapshot(self, basis: Basis, *, finished: bool = False) -> Snapshot:
        """For a checkpoint."""
        plain = {name: np.array(getattr(self, name)) for name in _PLAIN}
        return Snapshot.of(basis, self.x, plain, finished=finished)

    @classmethod
    def resumed(cls, x: ComplexArray, record: Record) -> "_Round":
        """From a checkpoint."""
        return cls(x, **{name: record[name].item() for name in _PLAIN})


_PLAIN = [each.name for each in fields(_Round) if each.name != "x"]


def solve(
    basis: Basis,
    problem: LinearProblem,
    start: ComplexArray,
    *,
    growth: float,
    tolerance: float,
    stage: Stage = NO_STAGE,
) -> Solution:
    """Solve on a basis that grows until the solution feeds little outside it (collective).

    Args:
        basis: labels to begin with; takes in what is needed.
        problem: the equations.
        start: first guess on the present basis.
        growth: amplitude relative to |x|, or to the scale of the problem if that is larger, above
            which a label is taken in.
        tolerance: final residual relative to base_rate times the same.
        stage: where to go on from, at the begin of a round, and what is offered on the way.

    Returns:
        The solution; the same for any number of ranks up to the tolerance.

    Raises:
        NotConverged: the solver did not reach its tolerance.
        LimitReached: the basis would outgrow its limit.
        Interrupted: the job is to stop.
    """
    now, finished = _Round(start), False
    if (found := stage.latest()) is not None:
        now, finished = _Round.resumed(found.put_on(basis), found.record), found.finished
    while not finished and now.number < _MAX_ROUNDS:
        offer = partial(stage.offer, partial(now.snapshot, basis))
        offer()
        now, finished = _next_round(basis, problem, now, growth, tolerance, offer)
    if not finished:
        raise NotConverged(
            f"the basis did not settle in {_MAX_ROUNDS} rounds ({basis.size} labels)"
        )
    stage.finish(partial(now.snapshot, basis, finished=True))
    return Solution(
        now.x,
        CompactGenerator(basis),
        now.norm,
        now.residual,
        now.products,
        now.outside,
        now.capped,
    )


def _next_round(
    basis: Basis,
    problem: LinearProblem,
    last: _Round,
    growth: float,
    tolerance: float,
    offer: Callable[[], None],
) -> tuple[_Round, bool]:
    """Solve on the present basis and let it grow; returns what follows, and whether it is over."""
    generator = CompactGenerator(basis)
    wanted = tolerance if last.settled else max(tolerance, _EARLY * last.missing)
    x, left, way = solve_once(basis, generator, problem, last.x, last.way, wanted, offer)
    norm = max(generator.norm(x), problem.scale)
    flow = basis.outflow(x, growth * norm)
    complete = flow.largest <= growth * norm
    settled, finished = False, last.settled or (complete and wanted <= tolerance)
    if not finished:
        before = basis.size
        ahead = _GENERATIONS if generator.products > _COSTLY else 1
        x = _taken_in(basis, problem, x, flow.keys, growth * norm, ahead)
        settled = complete or basis.size - before < _SETTLED * before
    following = _Round(
        x,
        last.number + 1,
        last.products + generator.products,
        flow.largest / norm,
        settled,
        way,
        norm,
        left / (basis.base_rate * norm),
        flow.total / norm,
        flow.capped / norm,
    )
    return following, finished


def _taken_in(
    basis: Basis,
    problem: LinearProblem,
    x: ComplexArray,
    keys: Keys,
    threshold: float,
    generations: int,
) -> ComplexArray:
    """Take in labels, and what they in turn are about to feed; returns the state.

    What flows into a new label, over its diagonal, estimates its value.
    """
    added = basis.add(keys)
    x = basis.extended(x)
    for _ in range(generations - 1):
        if added < _SETTLED * basis.size:
            break
        generator, image = CompactGenerator(basis), np.empty_like(x)
        generator.apply(x, image)
        new, inflow = x == 0, problem.right_side(basis) - image
        x[new] = (inflow / (generator.diagonal + problem.shift - basis.base_rate))[new]
        added = basis.add(basis.outflow(x, _SURELY * threshold).keys)
        x = basis.extended(x)
    return x
