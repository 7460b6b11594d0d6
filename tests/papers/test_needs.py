"""A study that names a paper must hold what the figures of the paper are drawn from."""

from __future__ import annotations

from pathlib import Path

import pytest

from papers.shared.needs import check_paper, fingerprint, is_own, paper_study
from smallpolaron.planning.study import load_plan, plan_document
from smallpolaron.study.yamlfile import parse_yaml, read_yaml
from smallpolaron.support.problems import ConfigurationError

CONFIG = Path(__file__).resolve().parents[2] / "config" / "mori2024.yaml"


def test_the_study_of_the_paper_has_all_it_needs() -> None:
    plan = load_plan(CONFIG)
    assert plan.paper == "mori2024"
    groups = [point.group for point in plan.points]
    assert set(groups) == {"sizes", "map", "held_out"}
    assert groups.count("map") >= 20


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[3, 4, 5, 6, 7", "[3, 4, 5, 7", "a ring of 6 sites"),
        ("15, 20, 30]", "15, 30]", "a ring of 20 sites"),
        ("name: held_out", "name: other", "block 'held_out'"),
        ("bath.eta_over_v: [6.26]", "bath.eta_over_v: [6.26, 6.3]", "one point, no more"),
        ("bath.eta_over_v: [2, 3.5", "bath.eta_over_v: [2.5, 3.5", "bath.eta_over_v = 2"),
        ("protocols: [marcus]", "protocols: [franck_condon]", "protocol marcus"),
    ],
)
def test_what_is_missing_is_told(old: str, new: str, told: str) -> None:
    text = CONFIG.read_text(encoding="utf-8")
    assert text.count(old) == 1
    document = parse_yaml(text.replace(old, new), "study.yaml")
    with pytest.raises(ConfigurationError, match="paper = 'mori2024': needs in the grid") as error:
        check_paper(document, plan_document(document))
    assert told in str(error.value)


def test_an_unknown_paper_is_refused_with_those_that_are_there() -> None:
    text = CONFIG.read_text(encoding="utf-8").replace("paper: mori2024", "paper: shared")
    document = parse_yaml(text, "study.yaml")
    with pytest.raises(ConfigurationError) as error:
        check_paper(document, plan_document(document))
    (problem,) = error.value.problems
    assert problem.key == "paper"
    assert "anomalous2024, mori2024" in problem.allowed


def test_a_block_name_is_checked() -> None:
    text = CONFIG.read_text(encoding="utf-8").replace("name: held_out", "name: held out")
    with pytest.raises(ConfigurationError, match="'held out'"):
        plan_document(parse_yaml(text, "study.yaml"))


def test_names_of_blocks_do_not_change_what_is_computed() -> None:
    text = CONFIG.read_text(encoding="utf-8")
    plain = text.replace("paper: mori2024\n", "").replace("name: map", "name: elsewhere")
    points = [plan_document(parse_yaml(each, "study.yaml")).points for each in (text, plain)]
    assert [p.id for p in points[0]] == [p.id for p in points[1]]


@pytest.mark.parametrize("paper", ["mori2024", "anomalous2024"])
def test_the_studies_of_the_papers_are_known_by_their_fingerprint(paper: str) -> None:
    path = CONFIG.with_name(f"{paper}.yaml")
    plan = load_plan(path)
    assert plan.study == plan.paper == paper
    check_paper(read_yaml(path), plan)
    assert fingerprint(plan) == paper_study(paper).fingerprint, "study.yaml has changed"
    text = path.read_text(encoding="utf-8")
    for old, new in (
        ("temperature_K: 300", "temperature_K: 250"),
        ("accuracy: 1e-3", "accuracy: 2e-3"),
        ("study:", "analysis: {band_percent: 2}\nstudy:"),
    ):
        assert old in text
        assert not is_own(plan_document(parse_yaml(text.replace(old, new, 1), "study.yaml")))
    renamed = plan_document(
        parse_yaml(text.replace(f"study: {paper}", "study: mine"), "study.yaml")
    )
    assert is_own(renamed)
