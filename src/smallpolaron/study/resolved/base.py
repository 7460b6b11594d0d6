"""What a point holds: the base of its sections."""

from __future__ import annotations

from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)

from smallpolaron.support.problems import show


class Resolved(BaseModel):
    """Immutable values; those that were given are written and enter the hash of the point."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_serializer(mode="wrap")
    def _given(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in write(self).items() if key in self.model_fields_set}

    def content(self) -> dict[str, Any]:
        """Return the values as plain data: texts, numbers, None, lists and mappings."""
        return self.model_dump(mode="json")


def first_fault(error: ValidationError) -> str:
    """Return the first thing that is wrong with plain data: where, the value, what is allowed."""
    first = error.errors(include_url=False)[0]
    place = "/".join(map(str, first["loc"]))
    if first["type"] == "missing":
        return f"{place} is missing"
    return f"{place} = {show(first['input'])}: {first['msg'][:1].lower()}{first['msg'][1:]}"
