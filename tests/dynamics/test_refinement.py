"""By which thresholds the error of the bath terms is judged."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from smallpolaron.dynamics.correlation_runs import NEXT_TERM
from smallpolaron.dynamics.refinement import refine
from smallpolaron.hierarchy.limits import LimitReached
from smallpolaron.model.accuracy import COARSER, Accuracy
from smallpolaron.model.bath import DebyeBath, expand
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from tests.dynamics.adaptive_cases import T, populate

BATH = DebyeBath(60 * CM, 80 * CM)
ONE, TWO, THREE = (expand(BATH, T, "pade", terms) for terms in (1, 2, 3))
TARGET = Accuracy(1e-3)


@dataclass(frozen=True)
class Invented:
    """A run of which only one number matters."""

    accuracy: Accuracy
    number: float
    record: SimpleNamespace


class Runs:
    """Runs whose number errs by their thresholds, to the other side with one bath term more."""

    def __init__(self, noise: float, bath: float, limit: float = 0.0) -> None:
        """Noise: of the basis at the finest thresholds; bath: what one term more changes."""
        self.noise, self.bath, self.limit = noise, bath, limit
        self.more_terms = 0

    def __call__(self, expansion, how, _label):
        """Return a run."""
        coarseness = how.growth_threshold / TARGET.growth_threshold
        more = expansion is TWO
        self.more_terms += more
        if more and coarseness < self.limit:
            raise LimitReached("too large")
        number = self.bath - coarseness * self.noise if more else coarseness * self.noise
        record = SimpleNamespace(growth_detected=False, basis_size=np.ones(1))
        return Invented(how, number, record)

    def errors(self, refined=TWO, **more):
        """Return the errors that come out."""

        def difference(one, other):
            return abs(one.number - other.number)

        return refine(self, difference, lambda _run: 1e-5, TARGET, ONE, refined, **more).errors


def test_the_coarser_thresholds_do_where_the_target_is_met():
    runs = Runs(noise=2e-5, bath=1e-5)
    errors = runs.errors()
    assert runs.more_terms == 1
    assert errors["bath_terms"] == pytest.approx(NEXT_TERM * (2 * COARSER * 2e-5 - 1e-5))
    assert errors["frontier"] == pytest.approx((COARSER - 1) * 2e-5)
    assert errors["time_step"] == 1e-5
    assert np.isnan(runs.errors(refined=None)["bath_terms"])


def test_the_basis_does_not_count_as_an_error_of_the_bath():
    runs = Runs(noise=1.5e-4, bath=0.0)  # by the coarser thresholds 1.35e-3
    assert runs.errors()["bath_terms"] == pytest.approx(NEXT_TERM * 2 * 1.5e-4)
    assert runs.more_terms == 2
    at_once = Runs(noise=1.5e-4, bath=0.0)
    assert at_once.errors(bath_on_fine=True)["bath_terms"] == pytest.approx(NEXT_TERM * 3e-4)
    assert at_once.more_terms == 1


def test_an_error_of_the_bath_stays_one():
    errors = Runs(noise=1e-5, bath=5e-3).errors()
    assert errors["bath_terms"] == pytest.approx(NEXT_TERM * (5e-3 - 2e-5))


def test_no_room_for_the_finest_thresholds_leaves_the_coarser_ones():
    runs = Runs(noise=1.5e-4, bath=0.0, limit=2.0)
    assert runs.errors()["bath_terms"] == pytest.approx(NEXT_TERM * 2 * COARSER * 1.5e-4)


def test_a_good_run_of_a_disordered_chain_is_not_flagged():
    hoppings = (40 * CM, 70 * CM, -30 * CM)
    energies = (100 * CM, -50 * CM, 30 * CM, 80 * CM)
    model = HolsteinModel(4, "chain", hoppings, energies)
    ours = populate(model, "franck_condon", 0, 1e-3, 160.0, ONE, refined=TWO)
    truth = populate(model, "franck_condon", 0, 1e-4, 160.0, THREE)
    assert np.abs(ours.populations - truth.populations).max() < ours.total_error < 1e-3
