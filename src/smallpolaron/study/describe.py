"""Words for the fields of the configuration: what is allowed, units, defaults."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types as at
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from smallpolaron.study.config import SECTIONS, Study
from smallpolaron.study.sections import Section
from smallpolaron.study.yamlfile import KeyPath


def _extra(field: FieldInfo, name: str) -> str:
    extra = field.json_schema_extra
    return str(extra.get(name, "")) if isinstance(extra, dict) else ""


def _limits(metadata: Iterable[object]) -> str:
    low = high = ""
    for item in _flat(metadata):
        match item:
            case at.Gt(gt=value):
                low = f"> {value}"
            case at.Ge(ge=value):
                low = f">= {value}"
            case at.Lt(lt=value):
                high = f"< {value}"
            case at.Le(le=value):
                high = f"<= {value}"
    return " and ".join(part for part in (low, high) if part)


def _flat(metadata: Iterable[object]) -> Iterator[object]:
    for item in metadata:
        if isinstance(item, FieldInfo):
            yield from _flat(item.metadata)
        else:
            yield item


def _kind(annotation: Any, metadata: Iterable[object] = ()) -> str:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        return _kind(inner, [*more, *metadata])
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(part, metadata) for part in get_args(annotation))
    if origin is Literal:
        return " or ".join(str(value) for value in get_args(annotation))
    if origin is tuple:
        return _kind(get_args(annotation)[0]).replace("a number", "a list of numbers", 1)
    if annotation is type(None):
        return "null"
    if annotation is bool:
        return "true or false"
    noun = {int: "a whole number", float: "a number", str: "text"}.get(annotation, "a mapping")
    return f"{noun} {_limits(metadata)}".strip()


def allowed(field: FieldInfo) -> str:
    """Return what a field accepts, as a clause such as "a whole number >= 1 and <= 255"."""
    return _extra(field, "allowed") or _kind(field.annotation, field.metadata)


def advice(field: FieldInfo) -> str:
    """Return what to do about a wrong value, or an empty text."""
    return _extra(field, "advice")


def unit(field: FieldInfo) -> str:
    """Return the unit of a field, or an empty text."""
    return _extra(field, "unit")


KEYS: tuple[str, ...] = (
    *(f"{name}.{key}" for name, section in SECTIONS.items() for key in section.model_fields),
    *(key for key in Study.model_fields if key not in SECTIONS),
)
"""Every key of a study, with its section."""
AXIS_SECTIONS = ("model", "disorder", "bath", "hierarchy", "adaptive", "propagation", "lattice")
ALWAYS_LISTS = (
    "weights",
    "resolvent_frequencies_cm",
    "further_baths",
    "omega_cm",
    "density_cm",
    *("ratios", "vectors_A", "sites_A", "bonds", "matrix", "cells"),
)
AXIS_KEYS: tuple[str, ...] = (
    *(
        f"{name}.{key}"
        for name in AXIS_SECTIONS
        for key in SECTIONS[name].model_fields
        if key not in ALWAYS_LISTS
    ),
    "accuracy",
    "start_site",
)
"""Keys a grid may vary, in the order in which they appear in point ids."""


def find_field(path: KeyPath) -> tuple[KeyPath, FieldInfo]:
    """Return the field of a key path, and the path to it: pydantic's goes on into unions and lists.

    Raises:
        KeyError: there is no such field.
    """
    model: type[BaseModel] = Study
    for end, part in enumerate(path, start=1):
        field = model.model_fields[str(part)]
        if not (isinstance(field.annotation, type) and issubclass(field.annotation, Section)):
            break
        model = field.annotation
        if path[end:] and str(path[end]) not in model.model_fields:
            break
    return path[:end], field
