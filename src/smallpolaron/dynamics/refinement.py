"""Runs of one job at tighter and tighter thresholds, and those that tell their errors."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

import numpy as np

from smallpolaron.dynamics.correlation_runs import NEXT_TERM, explain_limit, scaled
from smallpolaron.dynamics.step_record import StepRecord
from smallpolaron.hierarchy.limits import LimitReached
from smallpolaron.model.accuracy import COARSER, REFINEMENTS, SHARE, Accuracy
from smallpolaron.model.bath import BathExpansion


class AdaptiveRun(Protocol):
    """What every run tells about itself."""

    @property
    def accuracy(self) -> Accuracy:
        """Its thresholds."""

    @property
    def record(self) -> StepRecord:
        """How it went."""


Run = TypeVar("Run", bound=AdaptiveRun)


@dataclass(frozen=True)
class Refined(Generic[Run]):
    """The run that meets the target and what is known about its errors.

    Attributes:
        fine: the run.
        errors: source -> estimated error. frontier: its difference from the run with thresholds
            COARSER times larger. dropped: what pruning does to that one. time_step: of its steps.
            bath_terms: of the bath expansion; nan if it was not asked for.
    """

    fine: Run
    errors: Mapping[str, float]


def refine(
    run: Callable[[BathExpansion, Accuracy, str], Run],
    difference: Callable[[Run, Run], float],
    time_step: Callable[[Run], float],
    accuracy: Accuracy,
    expansion: BathExpansion,
    refined: BathExpansion | None,
    *,
    bath_on_fine: bool = False,
) -> Refined[Run]:
    """Tighten thresholds until the difference between two runs meets the target (collective).

    Args:
        run: makes a run for a bath, at an accuracy, under a label.
        difference: of two runs, in units of the target.
        time_step: error of the steps of a run, in the same units.
        accuracy: the wanted accuracy.
        expansion: the bath expansion.
        refined: an expansion with one term more; None leaves that error unknown.
        bath_on_fine: judge the bath terms by the finest thresholds, where the basis adds least to
            the difference, at once; else by the coarser ones, which cost less, and by the finest
            only if the sum of all errors misses the target because of the bath terms.

    Raises:
        LimitReached: the accuracy needs a larger basis than allowed.
    """
    coarse = run(expansion, scaled(accuracy, COARSER), ", coarse")
    for attempt in range(REFINEMENTS + 1):
        try:
            fine = run(expansion, scaled(accuracy, COARSER**-attempt), "")
        except LimitReached as reason:
            raise LimitReached(explain_limit(reason, coarse.record.basis_size)) from reason
        done = fine.record.growth_detected or difference(fine, coarse) <= SHARE * accuracy.target
        if done or attempt == REFINEMENTS:
            break
        coarse = fine
    unpruned = run(expansion, replace(coarse.accuracy, pruning=0.0), ", without pruning")
    errors = {
        "frontier": difference(fine, coarse),
        "dropped": difference(unpruned, coarse),
        "time_step": time_step(fine),
        "bath_terms": np.nan,
    }
    if refined is None:
        return Refined(fine, errors)

    def bath_error(judged: Run) -> float:
        other = run(refined, judged.accuracy, ", one bath term more")
        return NEXT_TERM * difference(other, judged)

    rest = float(np.nansum(list(errors.values())))
    errors["bath_terms"] = bath_error(fine if bath_on_fine else coarse)
    if not bath_on_fine and rest <= accuracy.target < rest + errors["bath_terms"]:
        with suppress(LimitReached):  # the larger basis of one term more: the first answer stays
            errors["bath_terms"] = bath_error(fine)
    return Refined(fine, errors)
