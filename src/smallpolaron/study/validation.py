"""Check plain data against the configuration models; faults come back as problems."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from smallpolaron.study import describe
from smallpolaron.study.config import SECTIONS, Study
from smallpolaron.study.sections import AnalysisConfig
from smallpolaron.study.yamlfile import KeyPath, dotted
from smallpolaron.support.key_names import conversion_advice, unknown_key_advice
from smallpolaron.support.problems import MISSING, ConfigurationError, Problem, show

_RANGE: Final = re.compile(r"[-+]?\d[\d.]*\s*(?:to|:|,|;|\.\.|-|–)\s*[-+]?\d.*")
"""Texts such as 200:300:50, 200-300 or 200, 300."""


def check_study(data: Mapping[str, object]) -> Study | list[Problem]:
    """Return the validated study, or everything that is wrong with the data."""
    try:
        return Study.model_validate(dict(data))
    except ValidationError as error:
        return _translated(error, data)


def analysis_settings(given: Mapping[str, object]) -> AnalysisConfig:
    """Return the criteria of the analysis from those that were given; None stands for not given.

    Raises:
        ConfigurationError: a value is out of its range.
    """
    chosen = {key: value for key, value in given.items() if value is not None}
    try:
        return AnalysisConfig.model_validate(chosen)
    except ValidationError as error:
        found = _translated(error, {"analysis": chosen}, "analysis")
        problems = [replace(each, key=each.key.removeprefix("analysis.")) for each in found]
        raise ConfigurationError("options", problems) from error


def _translated(error: ValidationError, data: Mapping[str, object], *section: str) -> list[Problem]:
    """Return what is wrong with a study, or one section of it, each once."""
    found: dict[tuple[str, str], Problem] = {}
    for item in error.errors(include_url=False):
        for problem in _problems({**item, "loc": (*section, *item["loc"])}, data):
            found.setdefault((problem.key, problem.allowed), problem)
    return list(found.values())


def split_key(key: str) -> KeyPath:
    """Return the path of a dotted key."""
    return tuple(key.split("."))


def _problems(item: dict[str, Any], data: Mapping[str, object]) -> list[Problem]:
    path: KeyPath = tuple(item["loc"])
    if item["type"] == "faults":
        place = [str(part) for part in path]
        return [replace(each, key=".".join([*place, each.key])) for each in item["ctx"]["faults"]]
    if item["type"] == "extra_forbidden":
        return [_unknown_key(path, data)]
    path, field = describe.find_field(path)
    if path[-1] in SECTIONS and len(path) == 1:
        return [_section_problem(str(path[0]), data)]
    value = MISSING if item["type"] == "missing" else _lookup(data, path)
    unit = describe.unit(field)
    allowed = f"must be {describe.allowed(field)}" + (f" (unit: {unit})" if unit else "")
    advice = describe.advice(field) or _scan_advice(dotted(path), value, allowed)
    if item["type"] == "missing":
        advice = advice or f"add {dotted(path)}, in its section or in every grid block"
    return [Problem(dotted(path), value, allowed, advice or _type_advice(value))]


def _scan_advice(key: str, value: object, allowed: str) -> str:
    """Say how to vary a key of which several values, or a range, were given; else nothing."""
    several = isinstance(value, (list, dict))
    if not several and not (isinstance(value, str) and _RANGE.fullmatch(value)):
        return ""
    if "list" in allowed or key not in describe.AXIS_KEYS:
        return ""
    values = show(value) if isinstance(value, list) else "[value, value]"
    return f"to vary it, write 'grid: [{{{key}: {values}}}]' at the top level instead"


def _type_advice(value: object) -> str:
    """Say what commonly goes wrong with a value of this type."""
    if isinstance(value, bool):
        return "true and false are not numbers"
    if isinstance(value, str) and value[:1] in "0123456789+-.":
        return "write a plain decimal number without quotes, units or leading zeros"
    if value is None:
        return "write a value after the colon"
    return "correct the value"


def _section_problem(name: str, data: Mapping[str, object]) -> Problem:
    keys = ", ".join(SECTIONS[name].model_fields)
    allowed = f"must be a mapping with the keys {keys}"
    value = data.get(name, MISSING)
    return Problem(name, value, allowed, f"write '{name}:' and its keys indented below")


def _unknown_key(path: KeyPath, data: Mapping[str, object]) -> Problem:
    word = str(path[-1])
    model: type[BaseModel] = SECTIONS.get(str(path[0]), Study) if len(path) > 1 else Study
    choices = list(model.model_fields) + (["grid"] if model is Study else [])
    value = _lookup(data, path)
    section = str(path[0]) if len(path) > 1 else ""
    advice = conversion_advice(section, word, value, describe.KEYS)
    advice = advice or unknown_key_advice(word, choices)
    home = [name for name, section in SECTIONS.items() if word in section.model_fields]
    if home:
        advice = "it belongs into the section " + " or ".join(map(repr, home))
    elif len(path) > 1 and word in Study.model_fields and word not in SECTIONS:
        advice = "it belongs to the top level of the file"
    allowed = f"is not a known key; allowed here: {', '.join(choices)}"
    return Problem(dotted(path), value, allowed, advice)


def _lookup(data: object, path: KeyPath) -> object:
    """Return the value at a path, whose numbers are indices that exist, or MISSING."""
    for part in path:
        if isinstance(data, Mapping):
            data = data.get(part, MISSING)
        elif isinstance(data, list) and isinstance(part, int):
            data = data[part]
        else:
            return MISSING
    return data
