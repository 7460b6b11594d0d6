"""A study file with the next point to compute, made like the training point nearest to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import yaml

from smallpolaron.planning.study import plan_document
from smallpolaron.study.config import SECTIONS
from smallpolaron.study.parameters import is_adaptive
from smallpolaron.study.yamlfile import parse_yaml
from smallpolaron.support.canonical import Parameters

_AXIS_KEYS: Final = {
    "eta_over_v": "bath.eta_over_v",
    "gamma_over_v": "bath.gamma_over_v",
    "temperature_K": "model.temperature_K",
}
_LONGEST_NAME = 64


def suggested_study(like: Parameters, place: Mapping[str, float], remark: str) -> str:
    """Return a study file (YAML) with one point.

    Args:
        like: parameters of a run as its result file holds them; all settings are taken from it.
        place: eta_over_v and gamma_over_v of the new point, and temperature_K if it varies.
        remark: why it is suggested, for the head of the file.

    Returns:
        Text that load_plan accepts. Only settings that differ from their defaults are named.
    """
    content = _least(like)
    defaults = plan_document(parse_yaml(_dump(_with_grid(content, place)), "suggestion")).points[0]
    for section in SECTIONS.keys() & like.keys():
        for key, value in like[section].items():
            given = key in ("eta_cm", "gamma_cm", *place)
            if not given and value != defaults.parameters[section][key]:
                content.setdefault(section, {})[key] = value
    head = "".join(f"# {line}\n" for line in remark.splitlines())
    return head + _dump(_with_grid(content, place))


def _least(like: Parameters) -> dict[str, Any]:
    """Return what has no default, and what other defaults depend on."""
    model, run = like["model"], like["propagation"]
    content: dict[str, Any] = {
        "study": f"{str(like['study'])[: _LONGEST_NAME - 5]}_next",
        "model": {key: model[key] for key in ("topology", "n_sites", "hopping_cm")},
        "propagation": {"duration_fs": run["duration_fs"], "sample_fs": run["sample_fs"]},
        "protocols": ["current"],
    }
    if is_adaptive(like):
        return content | {"accuracy": like["accuracy"]}
    return content | {"hierarchy": {"depth": like["hierarchy"]["depth"]}}


def _with_grid(content: Mapping[str, Any], place: Mapping[str, float]) -> dict[str, Any]:
    block = {_AXIS_KEYS[name]: [value] for name, value in place.items()}
    return {**content, "grid": [block]}


def _dump(content: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(content), sort_keys=False, default_flow_style=None)
