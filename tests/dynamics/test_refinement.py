"""Which source of error is refined, and what is said where the target is out of reach."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest

from smallpolaron.dynamics.refinement import BASIS, FEW, FEW_BASIS, NEXT_TERM, Choice, refine
from smallpolaron.hierarchy.limits import EdgeReached, LimitReached
from smallpolaron.model.accuracy import COARSER, REFINEMENTS, Accuracy
from smallpolaron.model.baths.bath import DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from tests.dynamics.cases import T, populate

BATH = DebyeBath(60 * CM, 80 * CM)
TARGET = Accuracy(1e-3)


def more_terms(terms):
    return expand(BATH, T, terms=terms)


CHOICE = Choice(TARGET, more_terms(1), more_terms, revise_terms=True, window=6)


@dataclass(frozen=True)
class Invented:
    """A run of which only three numbers matter, one per source of error."""

    parts: tuple[float, float, float]
    record: SimpleNamespace


class Runs:
    """Runs that err by their thresholds, by their bath terms and by their window."""

    def __init__(self, basis=1e-5, bath=1e-5, window=0.0, most=np.inf, step=0.0):
        """Errors at the first setting, and the finest thresholds that fit the memory."""
        self.basis, self.bath, self.window, self.most = basis, bath, window, most
        self.step, self.made = step, []

    def __call__(self, setting):
        """Return a run."""
        usual = TARGET.growth_threshold / setting.expansion.functions.stretch
        coarse = setting.accuracy.growth_threshold / usual
        if coarse < self.most < np.inf:
            raise LimitReached("too large.")
        terms = setting.expansion.low_temperature_terms
        self.made.append((round(np.log(coarse) / np.log(1 / COARSER)), terms, setting.window))
        edge = self.window * 10.0 ** (6 - setting.window)
        record = SimpleNamespace(growth_detected=False, returning=edge, n_unknowns=FEW)
        return Invented((coarse * self.basis, 10.0 ** (1 - terms) * self.bath, edge), record)

    def refined(self, choice=CHOICE):
        return refine(self, difference, lambda _run: self.step, choice)


def difference(one, other):
    return sum(abs(a - b) for a, b in zip(one.parts, other.parts, strict=True))


def test_a_target_that_is_met_at_once():
    runs = Runs()
    found = runs.refined()
    errors = found.errors(difference)
    assert found.fine.parts[0] == pytest.approx(1e-5)
    assert errors["basis"] == pytest.approx(BASIS * (COARSER - 1) * 1e-5)
    assert errors["bath_terms"] == pytest.approx(NEXT_TERM * 0.9e-5)
    assert errors["window"] == 0.0
    assert found.advice == ""
    assert sorted(runs.made) == [(-1, 1, 6), (-1, 2, 6), (0, 1, 6)]
    assert np.isnan(runs.refined(replace(CHOICE, more_terms=None)).errors(difference)["bath_terms"])


def test_a_loss_of_the_trace_is_an_error_of_the_basis():
    """It falls with the thresholds, and no second run is needed to see it."""
    runs = Runs()
    found = refine(runs, difference, lambda _run: 0.0, CHOICE, lambda run: 500 * run.parts[0])
    assert found.errors(difference)["basis"] == pytest.approx(500 * found.fine.parts[0])
    assert sum(found.errors(difference).values()) <= TARGET.target
    assert found.fine.parts[0] < 1e-5  # refined because of it


def test_only_the_basis_is_refined_where_it_dominates():
    runs = Runs(basis=5e-3)
    found = runs.refined()
    assert {terms for level, terms, _ in runs.made if level >= 0} == {1}
    assert max(level for level, *_ in runs.made) == 2
    assert found.errors(difference)["basis"] < 1e-3
    assert found.advice == ""


def test_a_basis_is_refined_no_further_than_needed():
    runs = Runs(basis=1.3e-3)
    found = runs.refined()
    assert found.fine.parts[0] == pytest.approx(1.3e-3 / np.sqrt(COARSER))
    assert found.errors(difference)["basis"] == pytest.approx(1.3e-3 / np.sqrt(COARSER))
    assert sum(found.errors(difference).values()) <= TARGET.target


def test_few_elements_are_judged_with_more_care():
    class Few(Runs):
        """A basis of a few elements."""

        def __call__(self, setting):
            run = super().__call__(setting)
            return replace(
                run, record=SimpleNamespace(**vars(run.record) | {"n_unknowns": FEW - 1})
            )

    errors = Few().refined().errors(difference)
    assert errors["basis"] == pytest.approx(FEW_BASIS * (COARSER - 1) * 1e-5)


def test_only_the_bath_is_refined_where_it_dominates():
    runs = Runs(bath=5e-2)
    found = runs.refined()
    assert max(level for level, *_ in runs.made) == 0
    # terms are chosen on the coarser thresholds, which cost less
    assert found.fine.parts[1] <= 5e-4
    assert found.errors(difference)["bath_terms"] < 1e-3
    assert found.advice == ""


def test_terms_that_are_given_are_not_revised():
    found = Runs(bath=5e-2).refined(replace(CHOICE, revise_terms=False))
    assert found.errors(difference)["bath_terms"] == pytest.approx(NEXT_TERM * 0.9 * 5e-2)
    assert "bath terms dominate" in found.advice


def test_what_the_basis_does_is_no_reason_for_more_terms():
    class Noisy(Runs):
        """The basis moves the result the other way with an even number of terms."""

        def __call__(self, setting):
            run = super().__call__(setting)
            sign = -1 if setting.expansion.low_temperature_terms % 2 else 0.9
            return replace(run, parts=(sign * run.parts[0], *run.parts[1:]))

    runs = Noisy(basis=3e-4, bath=1e-6)
    found = runs.refined()
    # a third term was tried, and given up again
    assert (0, 3, 6) in runs.made
    finest = max(level for level, *_ in runs.made)
    assert {terms for level, terms, _ in runs.made if level == finest > 0} == {1}
    assert found.errors(difference)["bath_terms"] < 1e-3
    assert found.advice == ""


def test_a_window_is_widened_until_its_edge_does_not_matter():
    runs = Runs(window=1.0)
    found = runs.refined(replace(CHOICE, infinite=True))
    assert found.errors(difference)["window"] < 1e-3
    assert found.fine.parts[2] < 1e-3
    assert found.advice == ""


def test_a_window_that_cannot_be_widened_enough_is_named():
    class Wide(Runs):
        """An edge that is felt everywhere."""

        def __call__(self, setting):
            run = super().__call__(setting)
            edge = 1.0 / setting.window
            record = SimpleNamespace(growth_detected=False, returning=edge, n_unknowns=FEW)
            return Invented((*run.parts[:2], edge), record)

    advice = Wide().refined(replace(CHOICE, infinite=True)).advice
    assert "window of" in advice
    assert "model.n_sites" in advice


def test_runs_are_given_up_where_the_window_is_too_small():
    class Early(Runs):
        """An edge that is reached before long in small windows."""

        def __call__(self, setting):
            run = super().__call__(setting)
            if run.parts[2] > setting.accuracy.kept_out:
                self.given_up.append(setting.window)
                raise EdgeReached
            return run

    runs = Early(window=1.0)
    runs.given_up = []
    found = runs.refined(replace(CHOICE, infinite=True))
    assert runs.given_up == [6, 9]
    assert {window for level, _, window in runs.made if level >= 0} == {13}
    assert found.advice == ""


def test_memory_that_does_not_suffice_leaves_the_coarser_run():
    found = Runs(basis=5e-3, most=0.9).refined()
    assert found.fine.parts[0] == pytest.approx(5e-3)
    assert "too large" in found.advice
    with pytest.raises(LimitReached, match="too large"):
        Runs(basis=5e-3, most=1.1).refined()


def test_refinement_ends_and_says_why():
    runs = Runs(basis=10.0)
    found = runs.refined()
    assert max(level for level, *_ in runs.made) == REFINEMENTS
    assert "basis dominates" in found.advice
    assert "time steps dominate" in Runs(step=0.1).refined().advice


def test_a_good_run_of_a_disordered_chain_is_not_flagged():
    hoppings = (40 * CM, 70 * CM, -30 * CM)
    energies = (100 * CM, -50 * CM, 30 * CM, 80 * CM)
    model = HolsteinModel(4, "chain", hoppings, energies)
    settings = {"more_terms": more_terms}
    ours = populate(model, "franck_condon", 0, 1e-3, 160.0, more_terms(1), **settings)
    truth = populate(model, "franck_condon", 0, 1e-4, 160.0, more_terms(3))
    assert np.abs(ours.populations - truth.populations).max() < ours.total_error < 1e-3
    assert ours.advice == ""
