"""Results made from many points, made again: ladders, ensembles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from smallpolaron.archive.rerun import MANY
from smallpolaron.cli import main
from smallpolaron.results.kinds import KINDS
from smallpolaron.results.store import Variable, read_result, write_result
from smallpolaron.study.plan import Plan, write_plan
from tests.derive import test_ensemble_job as ensembles
from tests.papers import test_verdict_result as verdicts
from tests.planning import test_ladder as ladders
from tests.results.completed import completed

PlanOf = Callable[[str], Plan]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def ladder(plan_of: PlanOf, tmp_path: Path) -> Path:
    """Return the file of a ladder of four sizes, beside what it was made from."""
    plan = plan_of(ladders.STUDY)
    (made,) = plan.ladders
    write_plan(tmp_path / "plan.json", plan)
    results = [*ladders.climbed(plan, 4), ladders.mobility(plan.point(made.check or ""), 0.1)]
    paths = []
    for result in results:
        paths.append(tmp_path / "mobility" / f"{result.parameters['point']}.h5")
        write_result(paths[-1], result)
    *sizes, ring = map(str, paths)
    output = tmp_path / "ladder" / f"{made.name}.h5"
    order = ["--plan", str(tmp_path / "plan.json"), "--name", made.name, "--output", str(output)]
    assert main(["ladder", *order, "--mobility", *sizes, "--infinite-ring", ring]) == 0
    return output


@pytest.fixture
def ensemble(plan_of: PlanOf, tmp_path: Path) -> Path:
    """Return the file of an ensemble of six members, beside them."""
    plan = plan_of(ensembles.STUDY)
    write_plan(tmp_path / "plan.json", plan)
    for point, D in zip(plan.points, ensembles.RATES, strict=True):
        path = tmp_path / "population" / f"{point.id}__marcus.h5"
        write_result(path, completed(ensembles.population(point, D)))
    name = plan.ensembles[0].name
    output = tmp_path / "ensemble" / f"{name}__marcus.h5"
    order = ["--plan", str(tmp_path / "plan.json"), "--name", name, "--output", str(output)]
    assert main(["ensemble", *order, "--protocol", "marcus"]) == 0
    return output


def test_a_verdict_is_left_to_its_rule(plan_of: PlanOf, tmp_path: Path, capfd: Capture) -> None:
    folder = verdicts.filled(tmp_path, plan_of(verdicts.STUDY))
    folder.command()
    assert main(["rerun", str(folder.path / "verdict.h5")]) == 2
    assert "snakemake verdict" in capfd.readouterr().err


@pytest.mark.parametrize("kind", MANY)
def test_it_comes_again_from_the_files_beside_its_plan(
    kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    path = request.getfixturevalue(kind)
    others = sorted(path.parents[1].rglob("*"))
    monkeypatch.chdir(path.parent)
    assert main(["rerun", path.name, "--output", "../again.h5"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[-1].endswith(" identical")
    old, new = read_result(path), read_result(path.parents[1] / "again.h5")
    assert len(lines) == 1 + len(old.variables) + len(old.gates) + len(old.notes)
    assert new.parameters == old.parameters
    assert set(path.parents[1].rglob("*")) - set(others) == {path.parents[1] / "again.h5"}


def test_a_changed_number_and_a_changed_source_are_told(ladder: Path, capfd: Capture) -> None:
    (source, *_) = sorted((ladder.parents[1] / "mobility").glob("*n_sites~6*.h5"))
    result = read_result(source)
    changed = {"D": Variable(0.2, (), result.variables["D"].units, "Number.")}
    write_result(source, replace(result, variables={**result.variables, **changed}), overwrite=True)
    assert main(["rerun", str(ladder)]) == 1
    differing = [
        line.split()[0] for line in capfd.readouterr().out.splitlines() if "  differs" in line
    ]
    assert {"D", "change"} <= set(differing)
    assert "n_sites" not in differing
    source.unlink()
    assert main(["rerun", str(ladder)]) == 2
    assert f"{source}: no such file, but needed; run the workflow" in capfd.readouterr().err


def test_another_plan_is_told(
    ladder: Path, ensemble: Path, plan_of: PlanOf, tmp_path: Path, capfd: Capture
) -> None:
    # the ensemble's plan is now beside both
    assert main(["rerun", str(ladder)]) == 2
    assert "has no ladder" in capfd.readouterr().err
    plan = plan_of(ladders.STUDY.replace("8, 10", "9, 10"))
    write_plan(tmp_path / "other" / "plan.json", plan)
    assert main(["rerun", str(ladder), "--plan", str(tmp_path / "other" / "plan.json")]) == 2
    assert "has no size 8" in capfd.readouterr().err
    write_plan(tmp_path / "plan.json", plan)
    assert main(["rerun", str(ensemble)]) == 2
    assert "has no ensemble" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (["--source", "a.h5"], "no other files but those beside the plan; 1 given with --source"),
        (["--ranks", "2"], "--ranks 2 does not apply to kind ensemble"),
    ],
)
def test_options_that_do_not_apply(
    ensemble: Path, option: list[str], words: str, capfd: Capture
) -> None:
    assert main(["rerun", str(ensemble), *option]) == 2
    assert words in capfd.readouterr().err


def test_kinds_are_known() -> None:
    assert set(MANY) <= set(KINDS)
