"""Values given on the command line, laid over those of the study file."""

from __future__ import annotations

from collections.abc import Mapping

from smallpolaron.study.config import SECTIONS, Study
from smallpolaron.study.own_units import in_own_units
from smallpolaron.study.yamlfile import Document, plain_value
from smallpolaron.support.key_names import own_key


def overridden(
    document: Document, changes: Mapping[str, object], option: str = "--config"
) -> Document:
    """Return a study with changes laid over it, key by key also in sections.

    A key may be dotted, model.temperature_K=250, and do without its section if no other has it.
    (Snakemake refuses keys with a dot.) It may be in another unit than that of the file.

    Args:
        document: the study file.
        changes: nested values as Snakemake gives them, numbers such as 1e-7 still as text.
        option: how they were given, for messages.

    Raises:
        ConfigurationError: a quantity is given in two units at once.
    """
    if not changes:
        return document
    plain = {key: _read(value) for key, value in changes.items()}
    for key in list(plain):
        section, dot, name = key.partition(".")
        if dot:
            plain = _merged(plain, {section: {name: plain.pop(key)}})
            continue
        homes = [
            name
            for name, section in SECTIONS.items()
            if own_key(key, section.model_fields)[0] in section.model_fields
        ]
        if len(homes) == 1 and key not in Study.model_fields:
            plain = _merged(plain, {homes[0]: {key: plain.pop(key)}})
    file, given = in_own_units(document), in_own_units(Document(option, plain, {}))
    merged = _merged(file.data, given.data)
    return Document(f"{document.source} with {option}", merged, file.lines)


def _read(value: object) -> object:
    """Return values as the study file would have them."""
    if isinstance(value, Mapping):
        return {str(key): _read(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_read(each) for each in value]
    return plain_value(value) if isinstance(value, str) else value


def _merged(data: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    result = dict(data)
    for key, value in changes.items():
        old = result.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            value = _merged(old, value)
        result[key] = value
    return result
