"""Hostile strings wherever a study takes a string: refused, and never executed or made a path."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from smallpolaron.planning.study import plan_document
from smallpolaron.study.overrides import overridden
from smallpolaron.study.yamlfile import parse_yaml, plain_value
from smallpolaron.support.problems import ConfigurationError
from tests.results.hostile import LONGEST_MESSAGE, STRINGS, refused

Place = tuple[str | int, ...]

STUDY: dict[str, Any] = {
    "study": "test",
    "model": {"n_sites": 3},
    "bath": {"eta_cm": 100, "gamma_cm": 50, "terms": 0},
    "hierarchy": {"depth": 3},
    "propagation": {"duration_fs": 100},
}

VALUES: dict[str, Place] = {
    "study": ("study",),
    "paper": ("paper",),
    "accuracy": ("accuracy",),
    "start_site": ("start_site",),
    "protocols": ("protocols", 0),
    "model": ("model",),
    "model.topology": ("model", "topology"),
    "model.n_sites": ("model", "n_sites"),
    "model.hopping_cm": ("model", "hopping_cm", 0),
    "bath.kind": ("bath", "kind"),
    "bath.decomposition": ("bath", "decomposition"),
    "bath.terms": ("bath", "terms"),
    "bath.terminator": ("bath", "terminator"),
    "bath.further_baths": ("bath", "further_baths", 0, "kind"),
    "hierarchy.symmetry": ("hierarchy", "symmetry"),
    "disorder.hopping_distribution": ("disorder", "hopping_distribution"),
    "ladder.sizes": ("ladder", "sizes", 0),
    "resources.max_ranks": ("resources", "max_ranks"),
    "grid": ("grid",),
    "grid[0]": ("grid", 0),
    "grid[0].name": ("grid", 0, "name"),
    "model.topology (grid)": ("grid", 0, "model.topology", 0),
    "bath.eta_cm (grid)": ("grid", 0, "bath.eta_cm", 0),
}
"""Where a value stands, by the key that the message must name."""

KEYS: dict[str, Place] = {"top": (), "section": ("model",), "grid": ("grid", 0)}
"""Mappings that get a hostile key."""


def with_value(place: Place, value: object) -> dict[str, Any]:
    """Return the study with a value at a place; lists and mappings on the way are made."""
    data = deepcopy(STUDY)
    target: Any = data
    for part, following in zip(place, [*place[1:], None], strict=True):
        child: Any = value if following is None else [] if isinstance(following, int) else {}
        if isinstance(target, list):
            target.append(child)
        elif following is None or part not in target:
            target[part] = child
        target = target[part]
    return data


def faults(data: dict[str, Any]) -> str:
    """Return what is said about a study; a JSON text is YAML, with every character escaped."""
    with pytest.raises(ConfigurationError) as caught:
        plan_document(parse_yaml(json.dumps(data), "study.yaml"))
    text = str(caught.value)
    assert len(text) < LONGEST_MESSAGE
    assert all(line.isprintable() and line.startswith("study.yaml") for line in text.splitlines())
    return text


def test_the_study_is_valid_without_them() -> None:
    plan_document(parse_yaml(json.dumps(STUDY), "study.yaml"))
    assert faults(with_value(("study",), "x y")).count("\n") == 0


@pytest.mark.parametrize("name", STRINGS)
@pytest.mark.parametrize("key", VALUES)
def test_hostile_value(key: str, name: str) -> None:
    text = faults(with_value(VALUES[key], STRINGS[name]))
    assert any(f": {key.removesuffix(' (grid)')} = " in line for line in text.splitlines()), text


@pytest.mark.parametrize("name", STRINGS)
@pytest.mark.parametrize("place", KEYS)
def test_hostile_key(place: str, name: str) -> None:
    text = faults(with_value((*KEYS[place], STRINGS[name]), 1))
    reasons = ("is not a known key", "is not a key a grid can vary", "keys must be words")
    # YAML wants keys within 1024 characters
    assert any(reason in text for reason in reasons) or (name == "long" and "not valid" in text)


@pytest.mark.parametrize("name", STRINGS)
def test_nothing_is_run_or_written(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("study.yaml").write_text(json.dumps(with_value(("study",), STRINGS[name])))
    said = refused(["plan", "--config", "study.yaml", "--output", "plan.json"], tmp_path, capsys)
    assert said.startswith("study.yaml:1: study = ")
    for command in (["validate"], ["status"], ["cost"]):
        assert "study.yaml:1: study = " in refused([*command, "study.yaml"], tmp_path, capsys)


@pytest.mark.parametrize("name", [name for name in STRINGS if name != "empty"])  # that is null
@pytest.mark.parametrize(
    "change",
    [
        lambda value: {"study": value},
        lambda value: {"model": {"topology": value}},
        lambda value: {"protocols": [value]},
        lambda value: {"grid": [{"name": value, "model.n_sites": ["3"]}]},
    ],
    ids=["study", "section", "list", "block"],
)
def test_hostile_override(change: Callable[[str], dict[str, object]], name: str) -> None:
    document = parse_yaml(json.dumps(STUDY), "study.yaml")
    with pytest.raises(ConfigurationError, match=r"^study.yaml with --config(:1)?: ") as caught:
        plan_document(overridden(document, change(STRINGS[name])))
    assert len(str(caught.value)) < LONGEST_MESSAGE
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-7", 1e-7),
        ("12", 12),
        ("true", True),
        ("null", None),
        ("", None),
        ("yes", "yes"),
        ("010", "010"),
        ("5\n", "5\n"),
        ("x\nmodel: 3", "x\nmodel: 3"),
        ("x # y", "x # y"),
        ("'x'", "'x'"),
        ("&x y", "&x y"),
        ("[1, 2]", "[1, 2]"),
        ("!!str x", "!!str x"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_a_text_is_a_plain_number_or_a_word(text: str, value: object) -> None:
    assert repr(plain_value(text)) == repr(value)


def test_overrides_are_laid_over_sections() -> None:
    document = parse_yaml(json.dumps(STUDY), "study.yaml")
    changed = overridden(document, {"model": {"temperature_K": "25e1"}, "accuracy": "1e-3"})
    assert changed.data["model"] == {"n_sites": 3, "temperature_K": 250.0}
    assert changed.data["accuracy"] == 1e-3
    assert document.data == STUDY
    assert overridden(document, {}) is document


@pytest.mark.parametrize("key", ["temperature_K", "model.temperature_K"])
def test_a_key_may_be_dotted_or_do_without_its_section(key: str) -> None:
    document = parse_yaml(json.dumps(STUDY), "study.yaml")
    changed = overridden(document, {key: "250", "model": {"hopping_cm": "40"}})
    assert changed.data["model"] == {"n_sites": 3, "temperature_K": 250, "hopping_cm": 40}
