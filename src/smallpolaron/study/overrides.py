"""Values given with snakemake --config, laid over those of the study file."""

from __future__ import annotations

from collections.abc import Mapping

from smallpolaron.study.config import SECTIONS, Study
from smallpolaron.study.yamlfile import Document, plain_value
from smallpolaron.support.problems import ConfigurationError, Problem

_SOURCE = "--config"
_DEEPEST = 8
"""A study needs four levels."""
_MOST_VALUES = 50_000


def overridden(document: Document, changes: Mapping[str, object]) -> Document:
    """Return a study with changes laid over it, key by key also in sections.

    A key of one section only may be given without it: temperature_K=250. (Snakemake refuses keys
    with a dot.)

    Args:
        document: the study file.
        changes: nested values as Snakemake gives them, numbers such as 1e-7 still as text.

    Raises:
        ConfigurationError: the changes are nested too deeply or hold too many values.
    """
    if not changes:
        return document
    reader = _Reader()
    plain = {key: reader.read(key, value, 1) for key, value in changes.items()}
    for key in list(plain):
        homes = [name for name, section in SECTIONS.items() if key in section.model_fields]
        if len(homes) == 1 and key not in Study.model_fields:
            plain = _merged(plain, {homes[0]: {key: plain.pop(key)}})
    return Document(
        f"{document.source} with {_SOURCE}", _merged(document.data, plain), document.lines
    )


class _Reader:
    """Reads values as the study file would have them; counts, because aliases may multiply them."""

    def __init__(self) -> None:
        self.count = 0

    def read(self, key: str, value: object, level: int) -> object:
        self.count += 1
        if level > _DEEPEST:
            raise _refused(key, "is nested too deeply", "a study needs four levels")
        if self.count > _MOST_VALUES:
            allowed = f"must hold at most {_MOST_VALUES} values"
            raise _refused(key, allowed, "write a study file of its own")
        if isinstance(value, Mapping):
            return {str(k): self.read(f"{key}.{k}", v, level + 1) for k, v in value.items()}
        if isinstance(value, list):
            return [self.read(f"{key}[{i}]", v, level + 1) for i, v in enumerate(value)]
        return plain_value(value) if isinstance(value, str) else value


def _refused(key: str, allowed: str, advice: str) -> ConfigurationError:
    return ConfigurationError(_SOURCE, [Problem(ascii(key)[1:-1][:60], "...", allowed, advice)])


def _merged(data: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    result = dict(data)
    for key, value in changes.items():
        old = result.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            value = _merged(old, value)
        result[key] = value
    return result
