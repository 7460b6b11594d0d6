"""A study in its own units: a key such as ``hopping_meV`` becomes ``hopping_cm`` first of all.

What units there are is in key_names. A study written in other units has the points, names and
hashes of the same study in its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from smallpolaron.study.config import SECTIONS
from smallpolaron.study.describe import AXIS_KEYS
from smallpolaron.study.yamlfile import Document, KeyPath, dotted
from smallpolaron.support.key_names import in_unit, own_key
from smallpolaron.support.problems import ConfigurationError, Problem


def in_own_units(document: Document) -> Document:
    """Return a study whose quantities are all in the units of its own keys.

    Raises:
        ConfigurationError: a quantity is given in two units at once.
    """
    converter = _Converter(document)
    data = {key: converter.converted(key, value) for key, value in document.data.items()}
    if converter.problems:
        raise ConfigurationError(document.source, converter.problems)
    if not converter.names:
        return document
    return Document(document.source, data, converter.lines())


class _Converter:
    """Converts the sections and blocks of a study; notes what was renamed, and what is wrong."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.names: dict[KeyPath, str] = {}
        self.problems: list[Problem] = []

    def converted(self, key: str, value: object) -> object:
        if key == "grid":
            return self._within(value, (key,), AXIS_KEYS)
        if key in SECTIONS:
            return self._within(value, (key,), tuple(SECTIONS[key].model_fields))
        return value

    def _within(self, content: object, path: KeyPath, known: Sequence[str]) -> object:
        """Convert a mapping, or those of a list, whose keys are among some known ones."""
        if isinstance(content, list):
            return [self._within(each, (*path, i), known) for i, each in enumerate(content)]
        if not isinstance(content, dict):
            return content
        result: dict[str, object] = {}
        for key, value in content.items():
            own, size = own_key(key, known)
            if own == key:
                value = self._within(value, (*path, key), known)
            else:
                self.names[(*path, key)] = own
                value = in_unit(value, size)
            if own in result:
                place = (*path, key)
                spelled = [name for name in content if own_key(name, known)[0] == own]
                allowed = f"is one quantity given more than once: {', '.join(spelled)}"
                line = self.document.line(place)
                self.problems.append(
                    Problem(dotted(place), content[key], allowed, "keep one of them", line)
                )
            result[own] = value
        return result

    def lines(self) -> Mapping[KeyPath, int]:
        """Return the lines of the document by its own keys."""
        return {self._renamed(path): line for path, line in self.document.lines.items()}

    def _renamed(self, path: KeyPath) -> KeyPath:
        return tuple(self.names.get(path[: place + 1], part) for place, part in enumerate(path))
