"""Read a YAML file as plain data, strictly, with the line of every key.

Numbers follow YAML 1.2 ("1e-7" is a number, "yes" is a word, "1:30" is not 90), because the
older rules of common readers turn such values silently into something else. Tags, aliases,
merge keys and repeated keys are refused.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from smallpolaron.support.files import read_bytes
from smallpolaron.support.problems import ConfigurationError, Problem, show

KeyPath = tuple[str | int, ...]

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.\- ]{1,60}\Z")
LARGEST_FILE: Final = 250_000
"""Bytes of a study file at most."""
_CORE = "tag:yaml.org,2002:"
_PLAIN_TAGS = {_CORE + name for name in ("null", "bool", "int", "float", "str", "map", "seq")}


class _CoreLoader(yaml.SafeLoader):
    """Safe loader whose plain scalars follow the YAML 1.2 core schema."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


for _tag, _pattern, _first in (
    ("null", r"(?:~|null|Null|NULL|)", ["~", "n", "N", ""]),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)", list("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
):
    _CoreLoader.add_implicit_resolver(_CORE + _tag, re.compile(rf"^(?:{_pattern})\Z"), _first)


@dataclass(frozen=True)
class Document:
    """The content of one YAML file.

    Attributes:
        source: name shown in messages.
        data: plain Python data of the top-level mapping.
        lines: line (from 1) of every key path.
    """

    source: str
    data: dict[str, object]
    lines: Mapping[KeyPath, int]

    def line(self, path: KeyPath) -> int:
        """Return the line of a key path, or of its nearest parent that is in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0)


def dotted(path: KeyPath) -> str:
    """Return a key path as text: ``("grid", 0, "a.b")`` becomes ``grid[0].a.b``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if _PLAIN_KEY.match(part) else show(part))
    return text


def read_yaml(path: Path) -> Document:
    """Read a configuration file.

    Raises:
        ConfigurationError: the file cannot be read, is not YAML, or holds what is refused.
    """
    source = str(path)
    try:
        text = read_bytes(path, LARGEST_FILE).decode("utf-8")
    except OSError as error:
        advice = "split the study" if error.errno == errno.EFBIG else "check the path"
        reason = error.strerror or type(error).__name__
        raise _refuse(source, f"cannot read the file: {reason}", advice) from error
    except UnicodeDecodeError as error:
        advice = "save it as UTF-8"
        raise _refuse(source, f"byte {error.start} is not UTF-8 text", advice) from error
    return parse_yaml(text, source)


def parse_yaml(text: str, source: str) -> Document:
    """Parse the text of a configuration; see read_yaml."""
    try:
        node = yaml.compose(text, Loader=_CoreLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        what = f"not valid YAML: {error.problem or error.context}"
        raise _refuse(source, what, "check indentation, quotes and brackets", line) from error
    except yaml.YAMLError as error:
        what = "not valid YAML: " + " ".join(str(error).split())
        raise _refuse(source, what, "remove control characters") from error
    except RecursionError as error:
        raise _refuse(source, "nested too deeply", "a study needs four levels at most") from error
    if node is None:
        raise _refuse(source, "the file is empty", "start from config/config.yaml")
    if not isinstance(node, yaml.MappingNode):
        what = "the top level must be a mapping of keys (study, model, bath, ...)"
        raise _refuse(source, what, "write 'key: value' lines", node.start_mark.line + 1)
    builder = _Builder()
    data = builder.build(node, ())
    if builder.problems:
        raise ConfigurationError(source, builder.problems)
    assert isinstance(data, dict)
    return Document(source, data, builder.lines)


def plain_value(text: str) -> object:
    """Return what a text stands for where a study file has it without quotes.

    Only the text as a whole is a number, truth value or null; anything else is a word, whatever is
    in it.
    """
    tag = _resolve(yaml.ScalarNode, text, (True, False))
    try:
        return _converted(text, tag.removeprefix(_CORE))
    except ValueError:
        return text


# a loader without a text, for its rules of what a scalar is
_resolve: Final[Callable[[type, str, tuple[bool, bool]], str]] = _CoreLoader("").resolve


def _converted(text: str, kind: str) -> object:
    """Return a plain scalar of a kind.

    Raises:
        ValueError: it is not of that kind, or has more digits than Python converts.
    """
    match kind:
        case "null":
            return None
        case "bool" if text.lower() in ("true", "false"):
            return text.lower() == "true"
        case "int":
            return int(text)
        case "float":
            return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        case "bool":
            raise ValueError(f"{text!r} is neither true nor false")
    return text


def _refuse(source: str, what: str, advice: str, line: int = 0) -> ConfigurationError:
    return ConfigurationError(source, [Problem("", None, what, advice, line)])


class _Builder:
    """Turns composed YAML nodes into plain data and notes what is refused."""

    def __init__(self) -> None:
        self.lines: dict[KeyPath, int] = {}
        self.problems: list[Problem] = []
        self._seen: set[int] = set()

    def build(self, node: yaml.Node, path: KeyPath) -> object:
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        if id(node) in self._seen:
            self._note(path, "an alias", "aliases (*name) are not allowed", "repeat it", line)
            return None
        self._seen.add(id(node))
        if node.tag not in _PLAIN_TAGS:
            advice = "remove the tag; use plain numbers, words, lists and mappings"
            self._note(path, node.tag, "YAML tags are not allowed", advice, line)
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*path, i)) for i, child in enumerate(node.value)]
        text, kind = str(node.value), node.tag.removeprefix(_CORE)
        try:
            return _converted(text, kind)
        except ValueError:
            self._note(path, text, f"is not a YAML {kind}", "write a plain number", line)
            return None

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, object]:
        result: dict[str, object] = {}
        for key_node, value_node in node.value:
            line, key = key_node.start_mark.line + 1, key_node.value
            scalar = isinstance(key_node, yaml.ScalarNode) and key_node.tag in _PLAIN_TAGS
            place = (*path, key) if scalar else path
            if not (scalar and key.isprintable()) or id(key_node) in self._seen:
                self._note(place, "?", "keys must be words", "write 'key: value'", line)
                continue
            self._seen.add(id(key_node))
            if key in result:
                value = value_node.value if isinstance(value_node, yaml.ScalarNode) else "..."
                first = self.lines[place]
                what = f"the key stands twice in the same mapping (first on line {first})"
                self._note(place, value, what, "keep one of the two", line)
            else:
                self.lines[place] = line
                result[key] = self.build(value_node, place)
        return result

    def _note(self, path: KeyPath, value: object, what: str, advice: str, line: int) -> None:
        self.problems.append(Problem(dotted(path) or "(file)", value, what, advice, line))
