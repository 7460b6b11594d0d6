"""Vibrations, several baths per site and temperature as a grid axis, from study to files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from papers.shared import figure as paper
from papers.shared.comparison import matching
from smallpolaron.cli import main
from smallpolaron.derive.result_tables import finite_size_rows
from smallpolaron.figures.runs import read_runs
from smallpolaron.figures.systems import group
from smallpolaron.model.baths.bath import BrownianBath
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from smallpolaron.planning.resources import estimate
from smallpolaron.results.store import Result, read_result, write_result
from smallpolaron.study.parameters import Parameters, bath_expansion
from smallpolaron.study.plan import Plan, read_plan
from smallpolaron.study.sections import AnalysisConfig

MakePlan = Callable[[str], Plan]
Faults = Callable[[str], list[str]]

HEAD = "study: test\nmodel: {n_sites: 4}\npropagation: {duration_fs: 100, sample_fs: 2}\n"
VIBRATION = HEAD + "bath: {kind: brownian, eta_over_v: 2, gamma_cm: 60, frequency_over_v: 2.4}\n"
SEVERAL = HEAD + (
    "bath: {eta_cm: 60, gamma_cm: 90, further_baths: [{kind: brownian, eta_over_v: 1.2, "
    "gamma_cm: 50, frequency_cm: 150}, {eta_cm: 10, gamma_over_v: 4}]}\n"
)
DEBYE = HEAD + "bath: {eta_cm: 60, gamma_cm: 90}\n"
OLD_KEYS = ["eta_cm", "gamma_cm", "decomposition", "terms", "terminator", "error_bound"]


def numbers(parameters: Parameters) -> tuple[tuple[object, ...], ...]:
    return tuple((b.kind, b.eta_cm, b.gamma_cm, b.frequency_cm) for b in parameters.bath.baths)


def test_one_debye_bath_is_spelled_as_before(plan_of: MakePlan) -> None:
    (point,) = plan_of(DEBYE).points
    assert list(point.parameters.bath.content()) == OLD_KEYS
    spelled = DEBYE.replace("{eta", "{kind: debye, further_baths: [], eta")
    assert plan_of(spelled).points[0].id == point.id
    assert point.parameters.bath.is_one_debye_bath


def test_a_vibration_is_resolved_in_wavenumbers(plan_of: MakePlan) -> None:
    (point,) = plan_of(VIBRATION).points
    assert numbers(point.parameters) == (("brownian", 100.0, 60.0, 120.0),)
    bath = point.parameters.bath.total_density
    assert bath == BrownianBath(100 * CM, 60 * CM, 120 * CM)
    assert point.derived["eta_over_v"] is None
    # gamma_cm and eta_cm are those of a Debye bath of another point
    debye = plan_of(HEAD + "bath: {eta_cm: 100, gamma_cm: 60}\n").points[0]
    assert debye.hash != point.hash


def test_several_baths_share_the_low_temperature_terms(plan_of: MakePlan) -> None:
    (point,) = plan_of(SEVERAL).points
    assert numbers(point.parameters) == (
        ("debye", 60.0, 90.0, None),
        ("brownian", 60.0, 50.0, 150.0),
        ("debye", 10.0, 200.0, None),
    )
    expansion = bath_expansion(point.parameters)
    assert expansion.n_poles == 4
    assert point.derived["bath_terms"] == expansion.low_temperature_terms
    assert bath_expansion(point.parameters, 3).n_terms == 4 + 3
    for word in ("Debye bath", "vibration of 150 cm⁻¹", "η = 10 cm⁻¹", "γ = 200 cm⁻¹"):
        assert word in point.parameters.bath.description


def test_systems_differ_by_their_baths(plan_of: MakePlan) -> None:
    texts = (DEBYE, SEVERAL, SEVERAL.replace("frequency_cm: 150", "frequency_cm: 151"))
    points = [plan_of(text).points[0] for text in texts]
    systems = group([(point.id, point.parameters) for point in points])
    assert len(systems) == 3
    assert "2 more baths" in systems[1].title
    assert (
        "ω₀ = 120 cm⁻¹ (2.4 v)" in group([("a", plan_of(VIBRATION).points[0].parameters)])[0].title
    )


def test_kind_and_frequency_can_be_varied(plan_of: MakePlan) -> None:
    plan = plan_of(
        HEAD + "bath: {eta_cm: 60, gamma_cm: 90}\n"
        "grid:\n"
        "- {bath.kind: [debye]}\n"
        "- {bath.kind: [brownian], bath.frequency_cm: [100, 200]}\n"
    )
    frequencies = [point.parameters.bath.frequency_cm for point in plan.points]
    assert frequencies == [None, 100, 200]


def test_weights_follow_the_number_of_poles(plan_of: MakePlan, faults_of: Faults) -> None:
    fixed = SEVERAL.replace("{eta_cm: 60, g", "{terms: 1, eta_cm: 60, g")
    rule = "hierarchy: {depth: 3, weights: [1, 1, 1, 1, 4]}\n"
    assert plan_of(fixed + rule).points
    (line,) = [x for x in faults_of(fixed + rule.replace(", 4]", "]")) if "weights" in x]
    assert "bath.terms + 4 = 5 numbers" in line


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("frequency_over_v: 2.4", "terms: 1", "bath.frequency_cm"),
        ("kind: brownian, ", "", "has an effect only with kind: brownian; kind is debye"),
        ("gamma_cm: 60", "gamma_cm: 60, gamma_over_v: 1", "exactly one of gamma_cm"),
        ("frequency_over_v: 2.4", "frequency_cm: -5", "bath.frequency_cm"),
        ("kind: brownian", "kind: drude", "must be debye or brownian"),
        ("{n_sites: 4}", "{n_sites: 4, hopping_cm: [50, 40, 50, 50]}", "bath.frequency_over_v"),
    ],
)
def test_wrong_vibrations_are_refused(faults_of: Faults, old: str, new: str, expected: str) -> None:
    assert old in VIBRATION
    assert any(expected in line for line in faults_of(VIBRATION.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (", frequency_cm: 150", "", "bath.further_baths.0.frequency_cm"),
        ("gamma_over_v: 4", "gamma_over_v: 4, terms: 2", "terms"),
        ("eta_cm: 10", "eta_cm: ten", "further_baths"),
        ("{n_sites: 4}", "{n_sites: 4, hopping_cm: 0}", "bath.further_baths.1.gamma_over_v"),
    ],
)
def test_wrong_further_baths_are_refused(
    faults_of: Faults, old: str, new: str, expected: str
) -> None:
    assert old in SEVERAL
    assert any(expected in line for line in faults_of(SEVERAL.replace(old, new)))


def test_costs_are_estimated_for_all_baths(plan_of: MakePlan) -> None:
    sizes = []
    for text in (DEBYE, SEVERAL):
        plan = plan_of(text)
        sizes.append(estimate(plan.points[0].parameters, "current", plan.resources).unknowns)
    assert sizes[1] > sizes[0]
    fixed = plan_of(SEVERAL + "hierarchy: {depth: 2}\n")
    assert estimate(fixed.points[0].parameters, "current", fixed.resources).exact


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    """Correlation and mobility files of a vibration and a Debye bath at two temperatures."""
    folder = tmp_path_factory.mktemp("baths")
    study, plan = folder / "s.yaml", folder / "plan.json"
    study.write_text(
        SEVERAL.replace(", {eta_cm: 10, gamma_over_v: 4}", "").replace("n_sites: 4", "n_sites: 3")
        + "accuracy: 0.02\ngrid:\n- {model.temperature_K: [250, 400]}\n"
    )
    assert main(["plan", "--config", str(study), "--output", str(plan)]) == 0
    found = []
    for point in read_plan(plan).points:
        c, m = (folder / f"{kind}{point.id}.h5" for kind in "cm")
        named = ["--plan", str(plan), "--point", point.id, "--ranks", "1"]
        assert main(["correlation", *named, "--output", str(c)]) == 0
        files = ["--correlation", str(c), "--output", str(m)]
        assert main(["mobility", "--plan", str(plan), *files]) == 0
        found += [read_result(c), read_result(m)]
    return found


def test_temperatures_are_points_and_systems_of_their_own(results: list[Result]) -> None:
    cold, hot = results[0::2]
    temperatures = [r.parameters["model"]["temperature_K"] for r in (cold, hot)]
    assert temperatures == [250, 400]
    assert "temperature_K~250" in str(cold.parameters["point"])
    assert len(group([(str(r.parameters["point"]), r.resolved) for r in (cold, hot)])) == 2
    start = [r.variables["C_JJ"].data[0].real for r in (cold, hot)]
    assert start[1] < start[0]  # less of the band's width is below k_BT
    rows = finite_size_rows(results[1::2], AnalysisConfig())
    assert [row["series"] for row in rows] == [1, 2]
    assert all(np.isfinite(float(str(row["D_A2_fs"]))) for row in rows)


def test_files_hold_all_baths(results: list[Result]) -> None:
    for result in results:
        assert numbers(result.resolved) == (
            ("debye", 60.0, 90.0, None),
            ("brownian", 60.0, 50.0, 150.0),
        )
        assert matching(result.resolved) == []


def test_figures_of_papers_refuse_other_baths(results: list[Result], tmp_path: Path) -> None:
    path = tmp_path / "point.h5"
    write_result(path, results[0])
    (run,) = read_runs([path])
    with pytest.raises(ValueError, match="one Debye bath per site"):
        paper.eta_over_v(run)
