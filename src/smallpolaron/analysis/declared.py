"""How the field of a result says what it holds, once: files, tables and documents follow."""

from dataclasses import field
from typing import Any


def quantity(units: str, text: str, dims: tuple[str, ...] = (), **more: Any) -> Any:
    """Return a field of a dataclass with unit ("1" for none), meaning and names of dimensions."""
    return field(metadata={"units": units, "text": text, "dims": dims, **more})
