"""Ensemble files from members with known numbers: averages, intervals, and who is left out."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from smallpolaron.analysis.gates import Gate
from smallpolaron.cli import main
from smallpolaron.derive.ensemble_job import MemberRuns, ensemble_result
from smallpolaron.derive.mobility_job import mobility_result
from smallpolaron.derive.result_tables import ENSEMBLE_COLUMNS, ensemble_rows
from smallpolaron.figures import ensemble as ensemble_figure
from smallpolaron.model.units import mobility_cm2
from smallpolaron.results.store import Result, Variable, read_result, write_result
from smallpolaron.study.plan import Plan, PlanError, Point

PlanOf = Callable[[str], Plan]

STUDY = """\
study: test
model: {topology: chain, n_sites: 9}
bath: {eta_cm: 100, gamma_cm: 50}
disorder: {site_energy_cm: 30, site_energy_distribution: normal, members: 6}
propagation: {duration_fs: 100}
protocols: [marcus]
"""
TIME = np.arange(0.0, 101.0)
RATES = np.array([0.010, 0.013, 0.008, 0.025, 0.011, 0.016])
"""D of the members, angstrom^2/fs: skewed."""


def population(point: Point, D: float, *, failed: Sequence[str] = ()) -> Result:
    """Return a run whose MSD is 2 D t: the neighbours of the start fill in proportion to time."""
    shape = np.zeros(9)
    shape[[3, 4, 5]] = np.array([1.0, -2.0, 1.0]) * D / 25.0
    start = np.eye(9)[4]
    axes = ("time", "site")
    arrays = {
        "populations": start + np.outer(TIME, shape),
        "dpopulations": np.tile(shape, (TIME.size, 1)),
        "d2populations": np.zeros((TIME.size, 9)),
    }
    return Result(
        kind="population",
        variables={
            "time_fs": Variable(TIME, ("time",), "fs", "Time."),
            **{name: Variable(data, axes, "1", "Numbers.") for name, data in arrays.items()},
        },
        parameters={
            **point.parameters.content(),
            "point": point.id,
            "study": "test",
            "start": "marcus",
        },
        gates=tuple(Gate(name, 1.0, 0.0, "failed here") for name in failed),
        provenance={"core_seconds": 2.0},
    )


@pytest.fixture
def plan(plan_of: PlanOf) -> Plan:
    return plan_of(STUDY)


@pytest.fixture
def runs(plan: Plan) -> list[Result]:
    return [population(point, D) for point, D in zip(plan.points, RATES, strict=True)]


def ensemble(plan: Plan, runs: Sequence[Result]) -> Result:
    return ensemble_result(plan, plan.ensembles[0], "marcus", MemberRuns(runs))


def value(result: Result, name: str) -> np.ndarray:
    return np.asarray(result.variables[name].data)


def test_means_of_known_members(plan: Plan, runs: list[Result]) -> None:
    found = ensemble(plan, runs)
    mean = RATES.mean()
    np.testing.assert_allclose(value(found, "msd"), 2 * mean * TIME, atol=1e-12)
    np.testing.assert_allclose(value(found, "dmsd_dt"), 2 * mean, rtol=1e-12)
    np.testing.assert_allclose(value(found, "alpha")[1:], 1.0, rtol=1e-12)
    np.testing.assert_allclose(value(found, "populations").sum(axis=1), 1.0)
    assert not found.flagged
    assert value(found, "D") == pytest.approx(mean)
    assert value(found, "D_low") < mean < value(found, "D_high")
    assert value(found, "D_spread") == pytest.approx(RATES.std(ddof=1))
    np.testing.assert_allclose(value(found, "members/D"), RATES)
    np.testing.assert_allclose(value(found, "members/msd")[3], 2 * RATES[3] * TIME, atol=1e-12)
    np.testing.assert_allclose(
        value(found, "msd_high"), 2 * value(found, "D_high") * TIME, atol=1e-9
    )
    assert found.provenance["source"]["core_seconds"] == 12.0
    assert found.parameters["disorder"]["members"] == 6


def test_a_failed_member_is_kept_but_not_averaged(plan: Plan, runs: list[Result]) -> None:
    runs[3] = population(plan.points[3], 99.0, failed=["trace", "capped"])
    found = ensemble(plan, runs)
    rest = np.delete(RATES, 3)
    np.testing.assert_allclose(value(found, "dmsd_dt"), 2 * rest.mean())
    assert found.flagged
    (gate,) = found.gates
    assert (gate.name, gate.value) == ("members_left_out", 1.0)
    assert found.notes["left_out"] == f"{plan.points[3].id}: failed trace, capped"
    assert value(found, "members/used").tolist() == [True, True, True, False, True, True]
    assert value(found, "members/msd")[3, -1] == pytest.approx(2 * 99.0 * 100)
    assert value(found, "D_spread") == pytest.approx(rest.std(ddof=1))


def test_a_member_without_numbers_is_left_out(plan: Plan, runs: list[Result]) -> None:
    cut = {name: replace(v, data=v.data[:40]) for name, v in runs[0].variables.items()}
    gate = Gate("stability", 1.0, 0.0, "grew")
    runs[0] = replace(runs[0], variables=cut, gates=(gate,))
    found = ensemble(plan, runs)
    np.testing.assert_allclose(value(found, "dmsd_dt"), 2 * RATES[1:].mean())
    assert np.isnan(value(found, "members/msd")[0, 40:]).all()


def test_a_member_without_a_result_is_named_and_left_out(plan: Plan, runs: list[Result]) -> None:
    found = ensemble(plan, [*runs[:2], *runs[3:]])
    assert found.flagged
    assert value(found, "member").tolist() == [0, 1, 3, 4, 5]
    assert value(found, "D") == pytest.approx(np.delete(RATES, 2).mean())
    assert found.notes["left_out"] == f"{plan.ensembles[0].members[2]}: no result"
    assert [gate.value for gate in found.gates] == [1.0]


def test_too_few_members_give_no_numbers(plan: Plan, runs: list[Result]) -> None:
    for number in (0, 2, 3, 4, 5):
        runs[number] = population(plan.points[number], 1.0, failed=["trace"])
    found = ensemble(plan, runs)
    assert "1 of 6 members may be averaged; 2 are needed" in found.notes["reason"]
    for name in ("msd", "alpha", "populations", "D", "D_low"):
        assert np.isnan(value(found, name)).all()
    np.testing.assert_allclose(value(found, "members/msd")[1], 2 * RATES[1] * TIME, atol=1e-12)


def test_other_files_than_those_of_the_members(plan: Plan, runs: list[Result]) -> None:
    with pytest.raises(PlanError, match="needed are those of its members in order"):
        ensemble(plan, runs[::-1])


def test_alpha_of_the_mean_is_not_the_mean_of_alpha(plan: Plan, runs: list[Result]) -> None:
    """One member is ballistic: MSD = b t^2 against 2 D t of the others."""
    b = 1e-3
    shape = np.zeros(9)
    shape[[3, 4, 5]] = np.array([1.0, -2.0, 1.0]) * b / 50.0
    P = np.eye(9)[4] + np.outer(TIME**2, shape)
    arrays = {"populations": P, "dpopulations": np.outer(2 * TIME, shape)}
    arrays["d2populations"] = np.tile(2 * shape, (TIME.size, 1))
    changed = {n: replace(runs[0].variables[n], data=data) for n, data in arrays.items()}
    runs[0] = replace(runs[0], variables={**runs[0].variables, **changed})
    found = ensemble(plan, runs)
    linear, square = 2 * RATES[1:].sum() * TIME, b * TIME**2
    alpha = (linear + 2 * square)[1:] / (linear + square)[1:]
    np.testing.assert_allclose(value(found, "alpha")[1:], alpha, rtol=1e-10)
    assert np.isnan(value(found, "alpha")[0])
    assert (value(found, "alpha_low")[1:] <= alpha).all()
    assert (value(found, "alpha_high")[1:] >= alpha).all()


CURRENT = """\
study: test
model: {n_sites: 6}
bath: {eta_cm: 100, gamma_cm: 50, terms: 0}
hierarchy: {depth: 3}
disorder: {hopping_cm: 5, hopping_distribution: uniform, members: 5}
propagation: {duration_fs: 400}
"""
SCALES = np.array([1.0, 0.8, 1.5, 1.1, 0.9])


@pytest.fixture
def current(plan_of: PlanOf, correlation: Callable[..., Result]) -> tuple[Plan, MemberRuns]:
    plan = plan_of(CURRENT)
    source = correlation()
    passed = tuple(gate for gate in source.gates if gate.passed)
    found = []
    for point, scale in zip(plan.points, SCALES, strict=True):
        variables = {
            name: replace(v, data=v.data if name == "time_fs" else scale * v.data)
            for name, v in source.variables.items()
        }
        parameters = {**point.parameters.content(), "point": point.id}
        found.append(replace(source, variables=variables, parameters=parameters, gates=passed))
    return plan, MemberRuns(found, [mobility_result(run, plan.analysis) for run in found])


def test_current_of_known_members(current: tuple[Plan, MemberRuns]) -> None:
    plan, runs = current
    found = ensemble_result(plan, plan.ensembles[0], "current", runs)
    C = np.asarray(runs.runs[0].variables["C_JJ"].data)
    np.testing.assert_allclose(value(found, "C_JJ"), SCALES.mean() * C)
    assert np.max(np.abs(C.imag)) > 0
    low, high = value(found, "C_JJ_low"), value(found, "C_JJ_high")
    assert (low.real <= value(found, "C_JJ").real).all()
    assert (high.imag >= value(found, "C_JJ").imag).all()
    D = np.array([float(run.variables["D"].data) for run in runs.mobilities])
    assert value(found, "D") == pytest.approx(D.mean())
    assert value(found, "D_running")[-1] == pytest.approx(D.mean())
    assert value(found, "mobility_high") == pytest.approx(
        mobility_cm2(float(value(found, "D_high")), 300.0)
    )
    assert found.parameters["disorder"]["hopping_cm"] == 5.0


def test_no_mean_of_D_where_one_has_not_settled(current: tuple[Plan, MemberRuns]) -> None:
    plan, runs = current
    gate = Gate("settled", 1.0, 0.1, "not settled")
    mobilities = [replace(runs.mobilities[0], gates=(gate,)), *runs.mobilities[1:]]
    found = ensemble_result(plan, plan.ensembles[0], "current", MemberRuns(runs.runs, mobilities))
    assert not found.flagged
    assert np.isnan(value(found, "D"))
    assert np.isfinite(value(found, "D_running")).all()
    assert found.notes["members_D"] == "4 of 5 members averaged have a D that has settled"


def test_the_table_names_every_member(plan: Plan, runs: list[Result], tmp_path: Path) -> None:
    runs[1] = population(plan.points[1], 1.0, failed=["trace"])
    path = tmp_path / "e.h5"
    write_result(path, ensemble(plan, runs))
    rows = list(ensemble_rows([read_result(path)]))
    assert [row["point"] for row in rows] == [point.id for point in plan.points]
    assert [row["used"] for row in rows] == [True, False, True, True, True, True]
    assert set(rows[0]) == set(ENSEMBLE_COLUMNS)
    table = tmp_path / "table.csv"
    assert main(["ensemble-table", "--ensemble", str(path), "--output", str(table)]) == 0
    with table.open(encoding="utf-8") as stream:
        assert len(list(csv.DictReader(stream))) == 6


def test_the_figure_draws_all_and_names_who_is_left_out(
    plan: Plan, runs: list[Result], tmp_path: Path
) -> None:
    runs[1] = population(plan.points[1], 1.0, failed=["trace"])
    path, picture, numbers = (tmp_path / f"e.{end}" for end in ("h5", "svg", "csv"))
    write_result(path, ensemble(plan, runs))
    files = ["--ensemble", str(path), "--figure", str(picture), "--numbers", str(numbers)]
    ensemble_figure.main(files)
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")
    with numbers.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 2 * TIME.size
    slope = [float(row["mean"]) for row in rows if row["quantity"] == "D(t)"]
    np.testing.assert_allclose(slope, np.delete(RATES, 1).mean(), rtol=1e-10)
    run = ensemble_figure.Run("e", read_result(path), "e")
    left, right = ensemble_figure.draw(run).axes
    assert len(left.lines) == len(right.lines) == 6 + 2  # members, mean, a stand-in


def test_the_figure_of_a_current(current: tuple[Plan, MemberRuns], tmp_path: Path) -> None:
    plan, runs = current
    found = ensemble_result(plan, plan.ensembles[0], "current", runs)
    rows = list(ensemble_figure.rows(ensemble_figure.Run("e", found, "e")))
    assert {row["quantity"] for row in rows} == {"C_JJ", "D_running"}
    assert rows[0]["mean"] == pytest.approx(np.real(value(found, "C_JJ")[0]))
    assert len(ensemble_figure.draw(ensemble_figure.Run("e", found, "e")).axes) == 2
