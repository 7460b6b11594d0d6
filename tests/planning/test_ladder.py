"""Finite-size ladders: how they are asked for, when they end, and what they say."""

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
from smallpolaron.derive.ladder_job import ladder_result, verdict_of
from smallpolaron.derive.result_tables import LADDER_COLUMNS, ladder_rows
from smallpolaron.derive.tables import point_rows
from smallpolaron.figures import ladder as ladder_figure
from smallpolaron.figures.runs import Run
from smallpolaron.model.units import paper_units
from smallpolaron.planning.climb import Rung, Tolerance, judge
from smallpolaron.planning.jobs import computed, decision_path, write_decision
from smallpolaron.planning.outlook import plan_text
from smallpolaron.results.store import Result, Variable, read_result, write_result
from smallpolaron.study.ladder_section import LadderConfig
from smallpolaron.study.plan import Plan, PlanError, Point, read_plan, write_plan
from tests.results.completed import completed

PlanOf = Callable[[str], Plan]
FaultsOf = Callable[[str], list[str]]

SIZES = (4, 5, 6, 8, 10, 12)
STUDY = """\
study: test
model: {topology: ring}
bath: {eta_cm: 100, gamma_cm: 50}
propagation: {duration_fs: 100}
ladder: {sizes: [4, 5, 6, 8, 10, 12]}
grid: [{model.n_sites: [converged]}]
"""
ONE_PERCENT = Tolerance("percent", 1.0)


def rungs(D: Sequence[float], flagged: Sequence[int] = (), error: float = 1e-3) -> list[Rung]:
    """Return the first sizes with these D; flagged are indices."""
    pairs = zip(SIZES, D, strict=False)
    return [Rung(n, value, error, i in flagged) for i, (n, value) in enumerate(pairs)]


@pytest.mark.parametrize(
    ("D", "flagged", "outcome", "n_sites"),
    [
        ([1.0, 1.2], (), "climbing", None),
        ([1.2, 1.0, 1.005, 1.0], (), "converged", 8),
        ([1.0, 1.0, 1.0], (), "climbing", None),  # too few for an extrapolation
        ([1.2, 1.1, 1.09, 1.11], (), "climbing", None),  # the first of the two steps only
        ([1.2, 1.0, 1.005, 1.0], (3,), "climbing", None),
        ([1.2, 1.0, 7.0, 1.005, 1.0], (2,), "converged", 10),  # flagged sizes are passed over
        ([1.2, 1.0, np.nan, 1.005, 1.0], (), "converged", 10),
        ([1.6, 1.5, 1.4, 1.3, 1.2, 1.1], (), "not converged", None),
        ([1.2, 1.0, 1.0, 1.0], (1, 2, 3), "not converged", None),
        ([1.2, np.nan, 1.0], (2,), "climbing", None),
        ([0.0, 0.0, 0.0, 0.0], (), "climbing", None),
    ],
)
def test_when_a_ladder_ends(
    D: list[float], flagged: tuple[int, ...], outcome: str, n_sites: int | None
) -> None:
    found = judge(rungs(D, flagged), SIZES, ONE_PERCENT)
    assert (found.outcome, found.n_sites) == (outcome, n_sites)


def test_the_tolerance_may_be_in_paper_units() -> None:
    tolerance = Tolerance.of(LadderConfig(tolerance_paper_units=0.002))
    step = 0.002 / paper_units(1.0)
    assert judge(rungs([1, 1, 1 + 0.9 * step, 1]), SIZES, tolerance).outcome == "converged"
    assert judge(rungs([1, 1, 1 + 1.1 * step, 1]), SIZES, tolerance).outcome == "climbing"
    assert Tolerance.of(LadderConfig()) == ONE_PERCENT


def mobility(point: Point, D: float, *, flagged: bool = False, error: float = 1e-4) -> Result:
    """Return a mobility result with these numbers."""
    values = {"D": D, "D_error": error, "D_error_record": error / 10}
    return completed(
        Result(
            kind="mobility",
            variables={name: Variable(v, (), "1", "Number.") for name, v in values.items()},
            parameters={**point.parameters.content(), "point": point.id, "study": "test"},
            gates=(Gate("stability", float(flagged), 0.0, "growth"),),
            provenance={},
        )
    )


def ring(n_sites: int) -> float:
    """Return D of a ring that alternates about its limit 0.1."""
    return 0.1 * (1 - 20 * (-0.2) ** n_sites)


@pytest.fixture
def plan(plan_of: PlanOf) -> Plan:
    return plan_of(STUDY)


def climbed(plan: Plan, count: int) -> list[Result]:
    found = zip(plan.ladders[0].rungs, SIZES, strict=True)
    return [mobility(point, ring(size)) for point, size in list(found)[:count]]


def test_the_error_of_a_size_is_the_larger_one(plan: Plan) -> None:
    source = mobility(plan.ladders[0].rungs[0], 1.0, error=0.01)
    assert Rung.of(source).error_A2_fs == 0.01
    unknown = Variable(float("nan"), (), "1", "Number.")
    fixed = replace(source, variables={**source.variables, "D_error": unknown})
    assert Rung.of(fixed).error_A2_fs == 0.001
    for one, says in ((source, False), (fixed, True)):
        assert ("errors" in ladder_result(plan, plan.ladders[0], [one], None).notes) == says


def test_a_converged_ladder_gives_its_limit(plan: Plan) -> None:
    ladder = plan.ladders[0]
    check = mobility(plan.point(ladder.check or ""), 0.1)
    found = ladder_result(plan, ladder, climbed(plan, 4), check)
    numbers = {name: v.data for name, v in found.variables.items()}
    assert numbers["D_infinity"] == pytest.approx(0.1, abs=1e-6)
    assert numbers["D_infinity_error"] < 5e-4
    assert numbers["fit_factor"] == pytest.approx(-0.2, abs=1e-3)
    assert numbers["converged_n_sites"] == 8
    assert numbers["D_infinite_ring"] == 0.1
    assert numbers["mobility_infinity"] == pytest.approx(0.1 * 0.1 / 0.0258520, rel=1e-4)
    assert numbers["n_sites"].tolist() == [4, 5, 6, 8]
    assert numbers["change"][1:] == pytest.approx(np.diff([ring(n) for n in SIZES[:4]]))
    assert found.notes["outcome"] == "converged"
    assert not found.flagged


def test_an_infinite_ring_that_disagrees_flags_the_ladder(plan: Plan) -> None:
    ladder = plan.ladders[0]
    point = plan.point(ladder.check or "")
    for check in (mobility(point, 0.11), mobility(point, 0.1, flagged=True)):
        found = ladder_result(plan, ladder, climbed(plan, 4), check)
        assert [gate.name for gate in found.gates if not gate.passed] == ["infinite_ring_agreement"]


def test_a_flagged_infinite_ring_is_marked_in_file_table_and_figure(plan: Plan) -> None:
    ladder = plan.ladders[0]
    point = plan.point(ladder.check or "")
    for check, usable in (
        (mobility(point, 0.11), True),
        (mobility(point, 0.1, flagged=True), False),
        (None, None),
    ):
        found = ladder_result(plan, ladder, climbed(plan, 4), check)
        assert {row["infinite_ring_usable"] for row in ladder_rows([found])} == {usable}
        run = Run("ladder", found, "ladder")
        rows = {row["what"]: row for row in ladder_figure.rows(run)}
        assert ("infinite ring" in rows) == (usable is not None)
        labels = ladder_figure.draw(run).axes[0].get_legend_handles_labels()[1]
        assert ("infinite ring (flagged)" in labels) == (usable is False)
        if usable is not None:
            assert rows["infinite ring"]["usable"] == usable
        older = {k: v for k, v in found.variables.items() if k != "infinite_ring_usable"}
        found = replace(found, variables=older)
        if usable is False:
            assert {row["infinite_ring_usable"] for row in ladder_rows([found])} == {False}


def test_too_few_usable_sizes_give_no_limit_and_the_reason(plan: Plan) -> None:
    ladder = plan.ladders[0]
    files = [mobility(p, 1.0, flagged=i > 2) for i, p in enumerate(ladder.rungs)]
    found = ladder_result(plan, ladder, files, None)
    assert np.isnan(found.variables["D_infinity"].data)
    assert "needs 4" in found.notes["reason"]
    assert found.notes["outcome"] == "not converged"
    assert found.flagged
    rows = list(ladder_rows([found]))
    assert [row["usable"] for row in rows] == [True] * 3 + [False] * 3


@pytest.mark.parametrize("order", [[1, 0], [0, 2], []])
def test_results_of_other_sizes_are_refused(plan: Plan, order: list[int]) -> None:
    files = climbed(plan, 3)
    with pytest.raises(PlanError, match="first sizes in order"):
        verdict_of(plan, plan.ladders[0], [files[i] for i in order])


def test_commands_from_the_first_size_to_the_table(plan: Plan, tmp_path: Path) -> None:
    ladder, plan_file = plan.ladders[0], tmp_path / "plan.json"
    write_plan(plan_file, plan)
    paths = [tmp_path / "mobility" / f"{point.id}.h5" for point in ladder.rungs]
    for path, result in zip(paths, climbed(plan, 6), strict=True):
        write_result(path, result)
    common = ["--plan", str(plan_file), "--name", ladder.name, "--mobility"]
    counts = []
    for count in range(1, 5):
        decision = decision_path(tmp_path, ladder, SIZES[count - 1])
        assert main(["climb", *common, *map(str, paths[:count]), "--output", str(decision)]) == 0
        counts.append(len(computed(plan, tmp_path).points) - len(plan.points))
    assert counts == [1, 2, 3, 4]
    file, table = tmp_path / "ladder.h5", tmp_path / "ladder.csv"
    ladder_call = ["ladder", *common, *map(str, paths[:4])]
    assert main([*ladder_call, "--output", str(file)]) == 0
    assert read_result(file, kind="ladder").parameters["model"]["n_sites"] == "converged"
    assert main(["ladder-table", "--ladder", str(file), "--output", str(table)]) == 0
    with table.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == LADDER_COLUMNS
    assert [row["n_sites"] for row in rows] == ["4", "5", "6", "8"]
    assert {row["converged_n_sites"] for row in rows} == {"8"}
    assert float(rows[1]["change_percent"]) == pytest.approx(100 * (1 - ring(4) / ring(5)))


def drawn(result: Result, folder: Path) -> list[dict[str, str]]:
    """Draw the figure of a ladder; return its table."""
    file, picture, table = (folder / name for name in ("a.h5", "a.svg", "a.csv"))
    write_result(file, result)
    ladder_figure.main(["--ladder", str(file), "--figure", str(picture), "--numbers", str(table)])
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")
    with table.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_the_figure_shows_sizes_limit_and_infinite_ring(plan: Plan, tmp_path: Path) -> None:
    ladder = plan.ladders[0]
    files = climbed(plan, 5)
    files[2] = mobility(ladder.rungs[2], 0.3, flagged=True)
    check = mobility(plan.point(ladder.check or ""), 0.1)
    rows = drawn(ladder_result(plan, ladder, files, check), tmp_path)
    assert [row["what"] for row in rows] == ["size"] * 5 + ["extrapolation", "infinite ring"]
    assert [row["usable"] for row in rows[:5]] == ["true", "true", "false", "true", "true"]
    assert [float(row["D_A2_fs"]) for row in rows[5:]] == pytest.approx([0.1, 0.1], abs=1e-5)


def test_the_figure_says_when_there_are_no_numbers(plan: Plan, tmp_path: Path) -> None:
    ladder = plan.ladders[0]
    files = [mobility(point, np.nan) for point in ladder.rungs[:3]]
    found = ladder_result(plan, ladder, files, None)
    assert "unusable" in found.notes["verdict"]
    assert [row["D_A2_fs"] for row in drawn(found, tmp_path)] == ["nan"] * 3


def test_a_damaged_decision_is_named(plan: Plan, tmp_path: Path) -> None:
    path = decision_path(tmp_path, plan.ladders[0], 4)
    write_decision(path, judge(rungs([1.0]), SIZES, ONE_PERCENT))
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(PlanError, match=r"4\.json"):
        computed(plan, tmp_path)


def test_the_sizes_are_rungs_and_not_points(plan: Plan, tmp_path: Path) -> None:
    (ladder,) = plan.ladders
    assert ladder.sizes == SIZES
    assert [p.parameters.model.n_sites for p in ladder.rungs] == list(SIZES)
    assert all(point.id.startswith("n_sites~") for point in plan.rungs)
    assert [p.parameters.model.topology for p in plan.points] == ["infinite"]
    assert ladder.check == plan.points[0].id
    assert plan.point(ladder.rungs[2].id) is ladder.rungs[2]
    assert ladder.name.startswith("n_sites~converged-")
    write_plan(tmp_path / "plan.json", plan)
    assert read_plan(tmp_path / "plan.json") == plan
    assert len(point_rows(plan)) == 7
    assert "6 of them in 1 finite-size ladder" in plan_text(plan)


def test_a_rung_has_the_hash_of_the_same_point(plan_of: PlanOf, plan: Plan) -> None:
    text = STUDY.replace("[converged]", "[6]").replace(
        "ladder: {sizes: [4, 5, 6, 8, 10, 12]}\n", ""
    )
    assert plan_of(text).points[0].id == plan.ladders[0].rungs[2].id


def test_a_size_that_is_also_asked_for_is_one_point(plan_of: PlanOf, plan: Plan) -> None:
    both = plan_of(STUDY.replace("[converged]", "[6, converged]"))
    assert both.ladders[0].rungs == plan.ladders[0].rungs
    assert both.points[0] == both.ladders[0].rungs[2]
    assert len(both.points) == 2
    assert len(both.rungs) == 5


def test_the_section_may_ask_instead_of_the_grid(plan_of: PlanOf) -> None:
    text = STUDY.replace("topology: ring", "n_sites: converged").replace(
        "grid: [{model.n_sites: [converged]}]\n", ""
    )
    (ladder,) = plan_of(text).ladders
    assert ladder.sizes == SIZES
    assert ladder.name.startswith("n_sites~converged-")


@pytest.mark.parametrize(
    "change",
    [
        ("topology: ring", "topology: chain"),
        ("sizes:", "check_infinite: false, sizes:"),
        ("bath: {", "hierarchy: {depth: 2}\nbath: {terms: 0, "),
    ],
)
def test_no_infinite_ring_where_there_is_none(plan_of: PlanOf, change: tuple[str, str]) -> None:
    plan = plan_of(STUDY.replace(*change))
    assert plan.ladders[0].check is None
    assert plan.points == ()


def test_one_ladder_per_value_of_the_other_axes(plan_of: PlanOf) -> None:
    text = STUDY.replace("converged]", "converged], bath.eta_cm: [200, 300]")
    plan = plan_of(text.replace("eta_cm: 100, ", ""))
    assert len({ladder.name for ladder in plan.ladders}) == 2
    assert len(plan.points) == 2
    assert len(plan.rungs) == 12


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("[converged]", "[4]"), "ladder = "),
        (("study: test", "study: test\nprotocols: [current, marcus]"), "current only"),
        (("topology: ring", "topology: infinite"), "model.n_sites"),
        (("topology: ring", "hopping_cm: [50, 50, 50, 50]"), "model.hopping_cm"),
        (("sizes: [4, 5, 6, 8, 10, 12]", "sizes: [4, 5, 6]"), "ladder.sizes"),
        (("sizes: [4, 5, 6, 8, 10, 12]", "sizes: [4, 6, 5, 8]"), "ladder.sizes"),
        (("sizes: [4, 5, 6, 8, 10, 12]", "sizes: [2, 3, 4, 5]"), ">= 3 on a ring"),
        (("sizes:", "tolerance_percent: 1, tolerance_paper_units: 1, sizes:"), "tolerance_paper"),
        (("sizes:", "tolerance_percent: 0, sizes:"), "ladder.tolerance_percent"),
        (("sizes:", "size:"), "ladder.size"),
        (("[converged]", "[convergd]"), "converged"),
        (("[converged]", "[converged, converged]"), "twice"),
        (
            (
                "[{model.n_sites: [converged]}]",
                "[{model.n_sites: [converged]}, {model.n_sites: [converged]}]",
            ),
            "same ladder",
        ),
    ],
)
def test_what_a_ladder_cannot_be_is_refused(
    faults_of: FaultsOf, change: tuple[str, str], words: str
) -> None:
    faults = faults_of(STUDY.replace(*change))
    assert any(words in line for line in faults), faults
    assert len(faults) <= 3, faults
