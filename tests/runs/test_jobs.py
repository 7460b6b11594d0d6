"""Jobs on adaptive hierarchies: who computes what, what is stored, how a limit ends a job."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smallpolaron.analysis.gates import TRACE
from smallpolaron.cli import main
from smallpolaron.derive.mobility_job import mobility_result
from smallpolaron.dynamics.checkpoints import NO_CHECKPOINTS
from smallpolaron.dynamics.correlation import Correlation
from smallpolaron.dynamics.linear import NotConverged
from smallpolaron.hierarchy.limits import LimitReached, Limits, Truncation
from smallpolaron.model.accuracy import ErrorBudget
from smallpolaron.model.baths.bath import BrownianBath, DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.units import CM_TO_RAD_FS
from smallpolaron.planning.study import plan_document
from smallpolaron.results.quality import correlation_gates, trace_bound, unusable
from smallpolaron.results.store import Result, read_result, write_result
from smallpolaron.runs import engine_runs
from smallpolaron.runs.point_run import stored_parameters
from smallpolaron.study.parameters import holstein_model
from smallpolaron.study.plan import Point, read_plan
from smallpolaron.study.sections import AnalysisConfig
from smallpolaron.study.yamlfile import parse_yaml

STUDY = """\
study: test
accuracy: 0.02
model: {n_sites: 3}
bath: {eta_cm: 100, gamma_cm: 50, terms: 1}
propagation: {duration_fs: 500, sample_fs: 2, resolvent_frequencies_cm: [200, 0]}
protocols: [current, marcus]
resources: {max_unknowns: 123456}
"""

Job = Callable[..., int]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """Return a function that runs the first job of a study text; the result is c.h5."""

    def run(text: str = STUDY, command: str = "correlation", *more: str) -> int:
        study, plan = tmp_path / "s.yaml", tmp_path / "plan.json"
        study.write_text(text)
        assert main(["plan", "--config", str(study), "--output", str(plan)]) == 0
        point = read_plan(plan).points[0].id
        named = ["--plan", str(plan), "--point", point, "--ranks", "1"]
        return main([command, *named, "--output", str(tmp_path / "c.h5"), *more])

    return run


Seen = dict[str, Any]


class _Stop(LimitReached):
    """Ends a job before any work."""


def spy(seen: Seen) -> Callable[..., None]:
    def compute(*arguments: Any, **options: Any) -> None:
        seen.update(options, arguments=arguments)
        raise _Stop("seen")

    return compute


def test_accuracy_reaches_the_engine(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Seen = {}
    monkeypatch.setattr(engine_runs, "compute_correlation", spy(seen))
    assert job() == 2
    model, expansion, accuracy = seen["arguments"]
    assert (model.n_sites, model.topology) == (3, "ring")
    assert (expansion.n_terms, seen["more_terms"](2).n_terms) == (2, 3)
    assert seen["revise_terms"] is False  # the study gives their number
    assert accuracy.target == 0.02
    assert accuracy.growth == pytest.approx(0.006)
    assert (seen["duration_fs"], seen["sample_fs"]) == (500, 2)
    assert seen["frequencies"] == [0.0, 200 * CM_TO_RAD_FS]
    assert (seen["symmetry"], seen["infinite"]) == ("auto", False)
    assert (seen["limits"].max_unknowns, seen["limits"].max_occupation) == (123456, 255)


def test_expert_settings_reach_the_engine(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Seen = {}
    monkeypatch.setattr(engine_runs, "compute_correlation", spy(seen))
    text = STUDY.replace("n_sites: 3", "topology: infinite").replace(", marcus", "")
    text = text.replace("sample_fs: 2", "tolerance: 1e-9")
    assert job(text + "adaptive: {growth: 0.1, pruning: 0, max_occupation: 7}\n") == 2
    model, _, accuracy = seen["arguments"]
    assert (model.n_sites, seen["infinite"]) == (41, True)
    assert (accuracy.growth, accuracy.pruning, accuracy.tolerance) == (0.1, 0, 1e-9)
    assert seen["limits"].max_occupation == 7


def test_populations_reach_the_engine(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Seen = {}
    monkeypatch.setattr(engine_runs, "compute_population", spy(seen))
    assert job(STUDY + "start_site: 2\n", "population", "--start", "marcus") == 2
    assert (seen["start"], seen["site"], seen["limits"].max_unknowns) == ("marcus", 2, 123456)
    assert (seen["symmetry"], seen["more_terms"](2).n_terms) == ("auto", 3)


def test_a_lattice_without_symmetry_still_uses_hermiticity(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: Seen = {}
    monkeypatch.setattr(engine_runs, "compute_population", spy(seen))
    text = STUDY.replace("n_sites: 3", "n_sites: 3, site_energies_cm: [0, 5, 20]")
    assert job(text, "population", "--start", "marcus") == 2
    assert seen["arguments"][0].energies.shape == (3,)
    assert seen["symmetry"] == "auto"


INFINITE = STUDY.replace("n_sites: 3", "topology: infinite, n_sites: 9")


def test_populations_of_the_infinite_lattice_are_a_displacement(job: Job, tmp_path: Path) -> None:
    text = INFINITE.replace("500, sample_fs: 2", "40, sample_fs: 0.5").replace("0.02", "0.005")
    assert job(text, "population", "--start", "marcus") == 0
    result = read_result(tmp_path / "c.h5", kind="displacement")
    assert result.parameters["start"] == "marcus"
    assert not result.flagged
    assert [gate.name for gate in result.gates] == [
        "stability",
        "error_estimate",
        "trace",
        "slope_bound",
    ]
    time, msd, slope, turn = (
        np.asarray(result.variables[name].data)
        for name in ("time_fs", "msd", "dmsd_dt", "d2msd_dt2")
    )
    assert (result.variables["msd"].units, result.variables["msd"].dims) == (
        "angstrom^2",
        ("time",),
    )
    middle = slice(1, -1)
    np.testing.assert_allclose(np.gradient(msd, time)[middle], slope[middle], rtol=5e-3)
    np.testing.assert_allclose(
        np.gradient(slope, time)[middle], turn[middle], atol=2e-3 * turn.max()
    )
    sources = {"basis", "time_step", "bath_terms", "window", "total"}
    assert {f"errors/dmsd_dt/{source}" for source in sources} <= result.variables.keys()


def test_displacements_reach_the_engine(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Seen = {}
    monkeypatch.setattr(engine_runs, "compute_displacement", spy(seen))
    assert job(INFINITE, "population", "--start", "marcus") == 2
    model, _, accuracy = seen["arguments"]
    assert (model.n_sites, model.topology, accuracy.target) == (9, "ring", 0.02)
    assert (seen["start"], seen["duration_fs"], seen["sample_fs"]) == ("marcus", 500, 2)
    assert (seen["more_terms"](2).n_terms, seen["limits"].max_unknowns) == (3, 123456)


def test_a_run_may_do_without_symmetry(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Seen = {}
    text = STUDY + "hierarchy: {symmetry: none}\n"
    for name in ("compute_correlation", "compute_population"):
        monkeypatch.setattr(engine_runs, name, spy(seen))
    for command in (["correlation"], ["population", "--start", "marcus"]):
        seen.clear()
        assert job(text, *command) == 2
        assert seen["symmetry"] == "none"


def test_a_run_that_grew_at_once_is_flagged(run: Run) -> None:
    """One sample and no more: whatever cannot be measured fails, and says so."""
    whole = run.found
    cut = {name: getattr(whole, name)[:1] for name in ("time_fs", "C_JJ", "dC_JJ", "d2C_JJ")}
    bad = replace(whole, record=replace(whole.record, growth_detected=True), **cut)
    gates = {g.name: g for g in correlation_gates(bad, 0.02, run.model)}
    assert not gates["stability"].passed
    assert not gates["resolvent_agreement"].passed
    assert unusable(tuple(gates.values()))


@pytest.mark.parametrize("command", [["correlation"], ["population", "--start", "marcus"]])
def test_depth_means_a_fixed_hierarchy(
    job: Job, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    seen: Seen = {}
    for name in ("compute_correlation", "compute_population"):
        monkeypatch.setattr(engine_runs, name, spy(seen))
    text = STUDY.replace("accuracy: 0.02", "hierarchy: {depth: 3, max_excited_sites: 2}")
    text = text.replace("duration_fs", "tolerance: 3e-7, equilibrium_tolerance: 2e-6, duration_fs")
    assert job(re.sub(r", resolvent_frequencies_cm: \[.*\]", "", text), *command) == 2
    accuracy = seen["arguments"][2]
    assert accuracy.step_tolerance == 3e-7
    assert accuracy.stationary == 2e-6
    assert seen["limits"] == Limits(123456, truncation=Truncation(3, max_excited_sites=2))


@pytest.mark.parametrize("error", [LimitReached("900 labels; 800 are allowed"), NotConverged("no")])
def test_what_cannot_be_reached_ends_in_one_line_and_no_file(
    job: Job,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    error: RuntimeError,
) -> None:
    def compute(*_arguments: Any, **_options: Any) -> None:
        raise error

    monkeypatch.setattr(engine_runs, "compute_correlation", compute)
    assert job() == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("error: point point-")
    assert line.endswith(str(error))
    assert not (tmp_path / "c.h5").exists()


@dataclass(frozen=True)
class Run:
    """A small run, what the engine returned and what became of it."""

    point: Point
    found: Correlation
    outcome: engine_runs.Outcome

    @property
    def model(self) -> HolsteinModel:
        return holstein_model(self.point.parameters)


@pytest.fixture(scope="module")
def run() -> Run:
    point = plan_document(parse_yaml(STUDY, "study.yaml")).points[0]
    found: list[Correlation] = []
    honest = engine_runs.compute_correlation

    def compute(*arguments: Any, **options: Any) -> Correlation:
        found.append(honest(*arguments, **options))
        return found[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_runs, "compute_correlation", compute)
        outcome = engine_runs.compute(point.parameters, "current", 10**6, NO_CHECKPOINTS)
    assert outcome is not None
    return Run(point, found[0], outcome)


def test_everything_the_engine_tells_is_stored(run: Run, tmp_path: Path) -> None:
    variables, gates = run.outcome
    result = Result("correlation", variables, stored_parameters(run.point, "test"), gates, {})
    write_result(tmp_path / "c.h5", result)
    stored = read_result(tmp_path / "c.h5").variables
    assert set(stored) == set(variables)
    kept = [np.asarray(variable.data) for variable in stored.values()]
    told = vars(run.found) | vars(run.found.record)
    # of a chain it is another name of the hopping energy
    spacing = run.point.parameters.model.lattice_constant_A
    assert told.pop("curvature") == pytest.approx(spacing**2 * told["hopping_energy"], rel=1e-9)
    for name, value in told.items():
        if name in ("errors", "record", "advice", "frontier_weight"):
            continue
        for each in value if name == "higher" else [value]:
            assert any(np.array_equal(each, data) for data in kept), name
    for kind, errors in (("C", run.found.errors.C), ("D", run.found.errors.D)):
        for source, error in errors.items():
            assert float(stored[f"errors/{kind}/{source}"].data) == error
    assert stored["errors/C/total"].units == "1"
    assert stored["errors/D/total"].units == stored["resolvent/D"].units == "angstrom^2 fs^-1"


def test_a_fixed_hierarchy_stores_its_own_measures(job: Job, tmp_path: Path) -> None:
    text = STUDY.replace("accuracy: 0.02", "hierarchy: {depth: 12, weights: [1, 6]}")
    text = re.sub(r", resolvent_frequencies_cm: \[.*\]", "", text)
    assert job(text) == 0
    result = read_result(tmp_path / "c.h5", kind="correlation")
    gates = {gate.name: gate for gate in result.gates}
    assert {"frontier_weight", "production_frontier_weight", "resolvent_agreement"} <= set(gates)
    assert not result.flagged
    data = {name: np.asarray(variable.data) for name, variable in result.variables.items()}
    assert gates["frontier_weight"].value == data["equilibrium/frontier_weight"]
    along = data["convergence/frontier_weight"]
    assert gates["production_frontier_weight"].value == along.max() > along[0] > 0
    assert len(along) == len(data["convergence/step_time_fs"])
    # no error is estimated: none is stored
    assert not [name for name in data if name.startswith("errors/")]
    assert data["resolvent/D"] == pytest.approx(data["resolvent/D_time"], rel=1e-3)


def test_a_small_run_passes_its_gates(run: Run) -> None:
    gates = {gate.name: gate for gate in run.outcome[1]}
    assert {"error_estimate", "resolvent_agreement", "capped"} <= set(gates)
    assert "frontier_weight" not in gates
    assert [gate for gate in gates.values() if not gate.passed] == []


BAD: dict[str, Callable[[Correlation], dict[str, Any]]] = {
    "error_estimate": lambda found: {
        "errors": ErrorBudget({"basis": 0.03, "finite_time": 0.0}, found.errors.D)
    },
    "capped": lambda found: {"record": replace(found.record, capped=1e-9)},
    "stability": lambda found: {"record": replace(found.record, growth_detected=True)},
    "stationarity": lambda found: {"equilibrium_residual": 1e-3},
}


@pytest.mark.parametrize("gate", BAD)
def test_gates_of_an_adaptive_run_can_fail(gate: str, run: Run) -> None:
    bad = replace(run.found, **BAD[gate](run.found))
    found = correlation_gates(bad, 0.02, run.model)
    assert [g.name for g in found if not g.passed] == [gate]


@pytest.mark.parametrize("name", ["D_resolvent", "sigma"])
def test_propagation_and_linear_solve_must_agree(name: str, run: Run) -> None:
    bad = replace(run.found, **{name: 1.2 * getattr(run.found, name)})
    found = correlation_gates(bad, 0.02, run.model)
    assert [g.name for g in found if not g.passed] == ["resolvent_agreement"]


def test_mobility_holds_both_ways(run: Run) -> None:
    variables, gates = run.outcome
    source = Result("correlation", variables, stored_parameters(run.point, "test"), gates, {})
    result = mobility_result(source, AnalysisConfig())

    def value(name: str) -> float:
        return float(result.variables[name].data)

    assert value("D_resolvent") == run.found.D_resolvent
    assert value("D_error") == run.found.errors.total_D
    assert value("mobility_resolvent") / value("mobility") == pytest.approx(
        value("D_resolvent") / value("D")
    )
    assert abs(value("D") - value("D_resolvent")) < value("D_error")
    solved = np.asarray(result.variables["resolvent/mobility_real"].data)
    omega = np.asarray(result.variables["omega"].data)
    sigma = np.asarray(result.variables["mobility_ac"].data).real
    integrated = np.interp(run.found.frequencies, omega, sigma)
    np.testing.assert_allclose(solved, integrated, rtol=0.02)
    assert solved[0] == pytest.approx(value("mobility_resolvent"), rel=1e-3)


def test_populations_of_a_small_run(job: Job, tmp_path: Path) -> None:
    assert job(STUDY, "population", "--start", "franck_condon") == 2  # not asked for
    text = STUDY.replace("marcus", "franck_condon").replace("500", "100")
    assert job(text, "population", "--start", "franck_condon") == 0
    result = read_result(tmp_path / "c.h5", kind="population")
    assert {"error_estimate", "capped", "trace"} <= {gate.name for gate in result.gates}
    assert not result.flagged
    total = float(result.variables["errors/populations/total"].data)
    assert 0 < total <= 0.02
    populations = np.asarray(result.variables["populations"].data)
    np.testing.assert_allclose(populations[0], [1, 0, 0], atol=1e-12)


def test_only_mixed_terms_may_lose_trace() -> None:
    debye, vibration = DebyeBath(0.02, 0.01), BrownianBath(0.02, 0.005, 0.02)
    bounds = [trace_bound(expand(bath, 300.0, terms=1), 1e-3) for bath in (debye, vibration)]
    assert bounds == [TRACE.bound, 1e-3]
