"""The plan: round trip, and refusal of everything that does not match."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smallpolaron import NUMERICS_VERSION
from smallpolaron.study.plan import Plan, PlanError, plan_json, read_plan, write_plan

PlanOf = Callable[[str], Plan]


@pytest.fixture
def plan(plan_of: PlanOf, valid: str) -> Plan:
    return plan_of(valid + "grid: [{model.n_sites: [3, 4]}]\n")


def test_round_trip(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "new" / "plan.json"
    write_plan(path, plan)
    assert read_plan(path) == plan
    assert [p.name for p in path.parent.iterdir()] == ["plan.json"]


def test_plan_is_readable_by_hand(plan: Plan, tmp_path: Path) -> None:
    write_plan(tmp_path / "plan.json", plan)
    data = json.loads((tmp_path / "plan.json").read_text())
    assert data["schema"] == "smallpolaron-plan"
    assert data["numerics_version"] == NUMERICS_VERSION
    point = data["points"][1]
    assert point["parameters"]["bath"]["eta_cm"] == 100
    assert point["derived"] == {"eta_over_v": 2.0, "gamma_over_v": 1.0, "bath_terms": 0}
    assert point["axes"] == {"model.n_sites": "4"}


def test_missing_point_is_named_with_the_nearest(plan: Plan) -> None:
    wrong = plan.points[0].id[:-1] + "x"
    with pytest.raises(PlanError, match="has no point") as caught:
        plan.point(wrong)
    assert plan.points[0].id in str(caught.value)


def test_changed_parameter_is_noticed(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_plan(path, plan)
    data = json.loads(path.read_text())
    data["points"][0]["parameters"]["hierarchy"]["depth"] = 4
    path.write_text(json.dumps(data))
    with pytest.raises(PlanError, match=f"{plan.points[0].id}: its parameters do not match"):
        read_plan(path)


def test_changed_id_is_noticed(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_plan(path, plan)
    data = json.loads(path.read_text())
    data["points"][0]["id"] = "other-00000000"
    path.write_text(json.dumps(data))
    with pytest.raises(PlanError, match="do not match its hash"):
        read_plan(path)


def _without(key: str) -> Callable[[dict[str, Any]], None]:
    return lambda data: data["points"][0].pop(key)


DAMAGE: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "other file": (lambda d: d.update(schema="x"), "not a plan"),
    "newer layout": (lambda d: d.update(schema_version=99), "schema_version = 99"),
    "other numerics": (lambda d: d.update(numerics_version=-1), "numerics_version = -1"),
    "no hash": (_without("hash"), "damaged plan"),
    "no protocols": (lambda d: d["points"][0].update(protocols=[]), "points/0/protocols "),
    "unknown protocol": (lambda d: d["points"][0].update(protocols=["x"]), "points/0/protocols/0 "),
    "path in id": (lambda d: d["points"][0].update(id="../../x"), "points/0/id "),
    "parameters": (lambda d: d["points"][0].update(parameters=3), "points/0/parameters "),
    "settings": (lambda d: d["analysis"].update(band_percent=-1), "damaged plan"),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGE.values(), ids=DAMAGE.keys())
def test_damaged_plan(
    damage: Callable[[dict[str, Any]], Any], message: str, plan: Plan, tmp_path: Path
) -> None:
    path = tmp_path / "plan.json"
    data = json.loads(plan_json(plan))
    damage(data)
    path.write_text(json.dumps(data))
    with pytest.raises(PlanError, match=message) as caught:
        read_plan(path)
    assert "write it again" in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "not json"])
def test_no_plan_at_all(text: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text)
    with pytest.raises(PlanError, match="write it again"):
        read_plan(path)


def test_missing_plan(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="cannot read the plan"):
        read_plan(tmp_path / "plan.json")
