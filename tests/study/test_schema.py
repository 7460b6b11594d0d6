"""JSON schema and documentation agree with the models; the shipped studies agree with both."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from docs.generated import json_schema, main, outdated, with_tables
from smallpolaron.planning.study import load_plan
from smallpolaron.study import describe
from smallpolaron.study.config import SECTIONS, Study
from smallpolaron.study.plan import Plan
from smallpolaron.study.sections import DEFAULT_ERROR_BOUND
from smallpolaron.study.yamlfile import read_yaml

ROOT = Path(__file__).parents[2]
STUDIES = sorted((ROOT / "config").glob("*.yaml"))


def test_generated_files_are_current() -> None:
    assert outdated(ROOT) == [], "run: python docs/generated.py"


def test_what_is_out_of_date_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("config/schema.json", "docs/configuration.md", "docs/kinds.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    assert main(["--check"], tmp_path) == 0
    page = tmp_path / "docs" / "configuration.md"
    page.write_text(page.read_text().replace("Number of sites;", "Number of cats;"))
    assert main(["--check"], tmp_path) == 1
    assert capsys.readouterr().err.startswith(str(page))
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0


def test_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("path", STUDIES, ids=lambda p: p.name)
def test_shipped_studies(path: Path) -> None:
    jsonschema.validate(read_yaml(path).data, json_schema())
    assert load_plan(path).points
    words, _, name = path.read_text().splitlines()[0].partition("$schema=")
    assert words == "# yaml-language-server: "
    assert (path.resolve().parent / name).resolve() == path.with_name("schema.json")


@pytest.mark.parametrize(
    "change",
    [
        {"colour": 1},
        {"model": {"n_sites": "3"}},
        {"model": {"hoping_cm": 3}},
        {"bath": {"decomposition": "x"}},
        {"hierarchy": {"depth": 0}},
        {"study": "a b"},
        {"protocols": []},
        {"grid": [{"model.sites": [1]}]},
        {"grid": [{"model.n_sites": 1}]},
        {"grid": []},
    ],
)
def test_schema_marks_faults_in_editors(change: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"study": "a"} | change, json_schema())


def test_every_field_is_described() -> None:
    models = [Study, *SECTIONS.values()]
    fields = {key: field for model in models for key, field in model.model_fields.items()}
    assert len(fields) > 30
    for key, field in fields.items():
        if key not in SECTIONS:
            assert (field.description or "").endswith("."), key
            assert describe.allowed(field), key
            assert "such" not in describe.allowed(field)
            assert describe.unit(field) or not re.search(r"_(cm|fs|K|A|over_v)$", key)


def test_default_error_bound_is_that_of_the_bath() -> None:
    import inspect

    from smallpolaron.model.baths.decomposition import expand

    assert inspect.signature(expand).parameters["error_bound"].default == DEFAULT_ERROR_BOUND


def test_page_without_a_place_for_the_tables() -> None:
    with pytest.raises(ValueError, match="lacks the lines"):
        with_tables("# Title\n")


def test_demo_holds_the_points_of_the_papers() -> None:
    points = load_plan(ROOT / "config" / "config.yaml").with_protocol("current")
    found = {(p.parameters.bath.eta_cm, p.parameters.bath.gamma_cm): set() for p in points}
    for p in points:
        key = (p.parameters.bath.eta_cm, p.parameters.bath.gamma_cm)
        found[key].add(p.parameters.model.n_sites)
    assert found == {(100.0, 50.0): {3, 4, 5, 6}, (323.0, 41.0): {3, 4, 5, 6, 8}}


def test_demo_has_one_fixed_reference_and_one_that_is_too_shallow() -> None:
    points = load_plan(ROOT / "config" / "config.yaml").points
    depths = [point.parameters.hierarchy.depth for point in points]
    assert sorted(depth for depth in depths if depth is not None) == [3, 12]
    assert {point.parameters.accuracy for point in points} == {1e-3, None}


def test_readme_study_is_valid(plan_of: Callable[[str], Plan]) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(study: .*?)```", text, re.DOTALL)
    assert all(point.parameters.accuracy == 1e-3 for point in plan_of(example).points)


def test_tiny_study_is_tiny(plan_of: Callable[[str], Plan]) -> None:
    plan = load_plan(ROOT / "config" / "tiny.yaml")
    assert {p for point in plan.points for p in point.protocols} == {
        "current",
        "franck_condon",
        "marcus",
    }
    depths = [point.parameters.hierarchy.depth for point in plan.points]
    assert depths == [3, None]
    assert all(point.parameters.model.n_sites == 3 for point in plan.points)
