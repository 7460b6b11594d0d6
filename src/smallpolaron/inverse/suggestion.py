"""A study of the point that an inverse job would have computed next."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import yaml

from smallpolaron.inverse.training_set import Run, TrainingSet
from smallpolaron.planning.study import plan_document
from smallpolaron.study.config import SECTIONS
from smallpolaron.study.yamlfile import parse_yaml

_AXIS_KEYS: Final = {
    "eta_over_v": "bath.eta_over_v",
    "gamma_over_v": "bath.gamma_over_v",
    "temperature_K": "model.temperature_K",
}
_LONGEST_NAME = 64


def suggestion(training: TrainingSet, new: Mapping[str, float], reason: str) -> str:
    """Return a study of the next point, made like the training point nearest in the logarithms.

    Args:
        training: the training points.
        new: coordinates of the next point.
        reason: why it is suggested, for the head of the file.

    Returns:
        Text (YAML) that load_plan accepts. Only settings that differ from their defaults are named.
    """

    def distance(run: Run) -> float:
        return sum(math.log(run.coordinates[axis] / value) ** 2 for axis, value in new.items())

    nearest = min(training.runs, key=distance)
    bath = {axis: nearest.coordinates[axis] for axis in ("eta_over_v", "gamma_over_v")}
    like, place = dict(nearest.parameters), {**bath, **new}
    content = _least(like)
    plan = plan_document(parse_yaml(_dump(_with_grid(content, place)), "suggestion"))
    defaults = plan.points[0].parameters.content()
    for section in SECTIONS.keys() & like.keys():
        for key, value in like[section].items():
            given = key in ("eta_cm", "gamma_cm", *place)
            if not given and value != defaults[section][key]:
                content.setdefault(section, {})[key] = value
    head = "".join(f"# {line}\n" for line in reason.splitlines())
    return head + _dump(_with_grid(content, place))


def _least(like: Mapping[str, Any]) -> dict[str, Any]:
    """Return what has no default, and what other defaults depend on."""
    model, run = like["model"], like["propagation"]
    content: dict[str, Any] = {
        "study": f"{str(like['study'])[: _LONGEST_NAME - 5]}_next",
        "model": {key: model[key] for key in ("topology", "n_sites", "hopping_cm")},
        "propagation": {"duration_fs": run["duration_fs"], "sample_fs": run["sample_fs"]},
        "protocols": ["current"],
    }
    if like["accuracy"] is not None:
        return content | {"accuracy": like["accuracy"]}
    return content | {"hierarchy": {"depth": like["hierarchy"]["depth"]}}


def _with_grid(content: Mapping[str, Any], place: Mapping[str, float]) -> dict[str, Any]:
    block = {_AXIS_KEYS[name]: [value] for name, value in place.items()}
    return {**content, "grid": [block]}


def _dump(content: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(content), sort_keys=False, default_flow_style=None)
