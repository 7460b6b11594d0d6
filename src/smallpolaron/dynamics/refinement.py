"""Runs of one job, refined until their estimated error meets the accuracy asked for.

Every source of error has a knob, and an estimate from two runs that differ in it alone. The source
that dominates is refined, and no other, until the sum of all is within the target.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, Generic, Protocol, TypeVar

import numpy as np

from smallpolaron.dynamics.linear import NotConverged
from smallpolaron.dynamics.trajectory import StepRecord
from smallpolaron.hierarchy.limits import EdgeReached, LimitReached
from smallpolaron.model.accuracy import COARSER, LARGEST, REFINEMENTS, SMALLEST, Accuracy
from smallpolaron.model.baths.expansion import MAX_TERMS, BathExpansion

BASIS: Final = 0.5
"""Error of a run over its difference from one with thresholds COARSER times larger: an error that
falls with the first power of the thresholds makes it 1/(COARSER - 1); mostly it falls faster."""

FEW, FEW_BASIS = 2_000, 1.0
"""Elements below which the share is at least this. Single elements then decide, and the error falls
irregularly: the current of a dimerised chain with a vibration on every site, 446 elements, errs by
0.8 of the difference, by 0.34 on 1,085 and more; an open chain of 3 with an SSH coupling by 1.4 on
1,020, by 0.4 on 3,300."""

NEXT_TERM: Final = 1.5
"""Error of the bath terms over the change that one more makes: it removes most, not all of it."""

_BATH_SHARE: Final = 0.5
"""Share of the target up to which the coarser thresholds accept a number of bath terms."""

_HIDDEN: Final = 3.0
"""Two coarse runs may differ by this times the difference of one from the finer run, as their
errors may have opposite signs: a bath term more that changes less was not seen."""

_HELPS: Final = 0.8
"""A bath term more that leaves more than this share of the error was not what was missing."""

_EDGE: Final = 0.1
"""Share of the target from which amplitude at the edge of a window has it widened at once."""

_WIDER, _WIDENINGS = 1.5, 6
"""Factor by which a window is enlarged, and how often at most."""

_SMALLEST_STEP, _SPARE = 0.5, 1.2
"""A basis is refined by a power of COARSER from this to 1, so that its error, were it to fall with
the first power of the thresholds, would fit by this factor. Cubic lattice, eta/v = 2, 300 K: a
whole step took five times as many elements where 1.3 times the target was missed by."""

_GROWTH_PER_STEP: Final = 2.5
"""Growth of the basis when the thresholds shrink by COARSER; 2.1 to 2.7 were measured."""

_LARGEST_GROWTH: Final = 0.1
"""Larger thresholds leave a run and a coarser one nothing to differ by."""

ADVICE: Final = {
    "basis": "the basis dominates: allow more memory or time, or ask for less accuracy",
    "time_step": "the time steps dominate: lower propagation.tolerance",
    "bath_terms": "the bath terms dominate: raise bath.terms, or leave it at auto",
    "window": "the window of {window} sites is too small: raise model.n_sites, or leave it out",
}
"""What to do about a source that keeps a run from its target."""


class EngineRun(Protocol):
    """What every run tells about itself."""

    @property
    def record(self) -> StepRecord:
        """How it went."""


Run = TypeVar("Run", bound=EngineRun)


@dataclass(frozen=True)
class Setting:
    """What may be refined.

    Attributes:
        expansion: the bath expansion.
        accuracy: thresholds and tolerances.
        window: sites of the window on an infinite lattice; of any other lattice all sites.
        label: what tells the run from others, for the log.
    """

    expansion: BathExpansion
    accuracy: Accuracy
    window: int
    label: str


@dataclass(frozen=True)
class Choice:
    """Where refinement starts, and what it may change.

    Attributes:
        accuracy: the accuracy asked for.
        expansion: the bath expansion to start with.
        more_terms: makes the expansion with a number of low-temperature terms; None leaves the
            error of the bath terms unknown (nan).
        revise_terms: whether terms are added where they dominate the error.
        window: number of sites to start with.
        infinite: whether that is a window, to be enlarged where its edge is seen.
        bath_on_fine: judge the bath terms by the finest thresholds at once.
        fixed: whether the hierarchy is fixed: nothing is refined, and no error estimated.
        basis: error of a run over its difference from the next coarser one; see BASIS.
    """

    accuracy: Accuracy
    expansion: BathExpansion
    more_terms: Callable[[int], BathExpansion] | None
    revise_terms: bool
    window: int
    infinite: bool = False
    bath_on_fine: bool = False
    fixed: bool = False
    basis: float = BASIS


@dataclass(frozen=True)
class Pair(Generic[Run]):
    """Two runs, and the error of the better one over their difference."""

    run: Run
    other: Run
    factor: float


@dataclass(frozen=True)
class Refined(Generic[Run]):
    """The run that meets the target, or the best there is, and what is known about its errors.

    Attributes:
        fine: the run.
        coarse: the one with thresholds COARSER times larger.
        pairs: source ("basis", "bath_terms") -> runs whose difference estimates its error; a
            source that was not judged has none.
        edge: largest amplitude that a window kept out so early that it could be back by the end,
            relative to the initial state, as it would be if all of it came back to the carrier.
        advice: empty, or which source kept the target from being met, and what would help.
        loss: of the trace of the run, which is an error of its basis that no second run is needed
            to see.
    """

    fine: Run
    coarse: Run
    pairs: Mapping[str, Pair[Run]]
    edge: float = 0.0
    advice: str = ""
    loss: float = 0.0

    def errors(self, difference: Callable[[Run, Run], float]) -> dict[str, float]:
        """Estimated errors by source in any relative measure; nan for what was not judged."""
        found = {"basis": np.nan, "bath_terms": np.nan, "window": self.edge}
        for source, pair in self.pairs.items():
            found[source] = pair.factor * difference(pair.run, pair.other)
        # nan where a fixed hierarchy was not judged, and stays so
        found["basis"] = max(found["basis"], self.loss)
        return found


def refine(
    make: Callable[[Setting], Run],
    difference: Callable[[Run, Run], float],
    time_step: Callable[[Run], float],
    choice: Choice,
    loss: Callable[[Run], float] = lambda _: 0.0,
) -> Refined[Run]:
    """Refine the source that dominates the error until the target is met (collective).

    Args:
        make: makes a run.
        difference: of two runs, in units of the target.
        time_step: error of the steps of a run, in the same units.
        choice: where to start.
        loss: of the trace of a run, in the same units.

    Returns:
        The run with its error estimate; where the target could not be met, the best one with the
        reason.

    Raises:
        LimitReached: not even the thresholds of the target fit the basis allowed.
    """
    if choice.fixed:
        only = make(Setting(choice.expansion, choice.accuracy, choice.window, ""))
        return Refined(only, only, {})
    runs: dict[tuple[int, int, int], Run] = {}
    # thresholds of a level are those of the target over this power of COARSER
    powers = {-2: -2.0, -1: -1.0, 0: 0.0}
    terms, window, level = choice.expansion.low_temperature_terms, choice.window, 0
    target = choice.accuracy.target

    def run(terms: int, level: int, window: int, kept_out: float = np.inf) -> Run:
        key = (terms, level, window)
        if key not in runs:
            expansion, label = choice.expansion, ", coarse" if level < 0 else ""
            if terms != expansion.low_temperature_terms:
                assert choice.more_terms is not None
                expansion, label = choice.more_terms(terms), f"{label}, {terms} bath terms"
            label += f", {window} sites" if window != choice.window else ""
            stretch = 1 / expansion.functions.stretch
            accuracy = scaled(choice.accuracy, COARSER ** -powers[level], stretch)
            accuracy = replace(accuracy, kept_out=kept_out)
            runs[key] = make(Setting(expansion, accuracy, window, label))
        return runs[key]

    def bath(level: int) -> Pair[Run]:
        return Pair(run(terms, level, window), run(terms + 1, level, window), NEXT_TERM)

    def size(pair: Pair[Run]) -> float:
        return pair.factor * difference(pair.run, pair.other)

    widest = choice.window
    for _ in range(_WIDENINGS if choice.infinite else 0):
        widest = wider(widest)
    while window < widest:
        # most of a run's time is spent after its front has reached the edge
        with suppress(EdgeReached):
            if run(terms, -1, window, _EDGE * target).record.returning <= _EDGE * target:
                break
        window = wider(window)
    revise = choice.revise_terms and choice.more_terms is not None
    judged, before = 0 if choice.bath_on_fine else -1, np.inf
    while revise and judged < 0 and terms < MAX_TERMS - 1:
        if size(bath(-1)) <= _BATH_SHARE * target:
            break
        noise = difference(run(terms, 0, window), run(terms, -1, window))
        if size(bath(-1)) <= NEXT_TERM * _HIDDEN * noise or size(bath(-1)) > _HELPS * before:
            judged = 0
        else:
            before, terms = size(bath(-1)), terms + 1
    advice, wary = "", False
    while True:
        coarse = run(terms, level - 1, window)
        try:
            fine = run(terms, level, window)
        except LimitReached as reason:
            if level == 0:
                raise LimitReached(_explain(reason, coarse)) from reason
            level, advice = level - 1, _explain(reason, coarse)
            fine = coarse
        except NotConverged as reason:
            if level == 0:
                raise
            level, advice = level - 1, f"finer thresholds failed: {reason}"
            fine = run(terms, level, window)
        # runs with nearer thresholds tell less
        below = max(other for other in powers if powers[other] <= powers[level] - 1)
        apart = COARSER ** (powers[level] - powers[below])
        share = max(choice.basis, FEW_BASIS if fine.record.n_unknowns < FEW else 0.0)
        share *= (COARSER - 1) / (apart - 1)
        pairs = {"basis": Pair(fine, run(terms, below, window), share)}
        if choice.more_terms is not None:
            try:
                pairs["bath_terms"] = bath(judged)
            except (LimitReached, NotConverged) as reason:
                # what the coarser thresholds said stands
                advice, judged = f"one bath term more failed: {reason}", judged - 1
                pairs["bath_terms"] = bath(judged)
        edge = fine.record.returning if choice.infinite else 0.0
        found = Refined(fine, pairs["basis"].other, pairs, edge, advice, loss(fine))
        errors = found.errors(difference) | {"time_step": time_step(fine)}
        if advice or fine.record.growth_detected or np.nansum(list(errors.values())) <= target:
            return found
        worst = max(errors, key=lambda source: np.nan_to_num(errors[source]))
        # where one term more did not help, two runs of this basis differ by as much anyhow
        vain = errors["bath_terms"] > _HELPS * before
        if vain:
            terms, wary = terms - 1, True
        hidden = vain or (wary and errors["bath_terms"] <= 2 * NEXT_TERM * errors["basis"])
        if worst == "bath_terms" and judged < level:
            judged += 1
        elif worst == "bath_terms" and not hidden and revise and terms < MAX_TERMS - 1:
            before, terms = errors["bath_terms"], terms + 1
        elif (worst == "basis" or (worst == "bath_terms" and hidden)) and level < REFINEMENTS:
            others = np.nansum(list(errors.values())) - errors["basis"]
            before, level = np.inf, level + 1
            powers[level] = powers[level - 1] + _step(errors["basis"], target - others)
        elif worst == "window" and window < widest:
            window = wider(window)
        else:
            return replace(found, advice=ADVICE[worst].format(window=window))
        # each run holds a state: forget those that no later step can use
        least = min(level - 2, judged)
        for key in [k for k in runs if k[0] < terms - 1 or k[1] < least or k[2] != window]:
            del runs[key]


def _step(error: float, room: float) -> float:
    """Power of COARSER by which thresholds shrink so that an error of the basis fits its room."""
    wanted = _SPARE * error / room if room > 0 else np.inf
    return float(np.clip(np.log(wanted) / np.log(COARSER), _SMALLEST_STEP, 1.0))


def wider(window: int) -> int:
    """The next window, with an odd number of sites."""
    return 2 * int(_WIDER * window / 2) + 1


def scaled(accuracy: Accuracy, factor: float, growth: float = 1.0) -> Accuracy:
    """The accuracy with every threshold scaled, that of growth by another factor as well.

    A growth threshold is cut to _LARGEST_GROWTH.
    """
    return replace(
        accuracy,
        target=min(LARGEST, max(SMALLEST, factor * accuracy.target)),
        growth=factor * growth * min(_LARGEST_GROWTH, accuracy.growth_threshold),
    )


def _explain(reason: LimitReached, coarse: EngineRun) -> str:
    """What was reached before a limit, and what the wanted accuracy would take."""
    reached = coarse.record.n_unknowns
    return (
        f"{reason} With thresholds {COARSER:g} times larger the run succeeded with {reached} "
        f"elements; expect about {int(_GROWTH_PER_STEP * reached)} for the finer ones."
    )
