"""Files from outside: read only if they are ordinary files of bounded size."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any


def read_bytes(path: Path, most: int) -> bytes:
    """Return the content of a file.

    Args:
        path: file to read; a pipe or device is refused, because it may never end.
        most: bytes it may have.

    Raises:
        OSError: it cannot be read, is no regular file, or is larger; ``strerror`` says which.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(errno.EINVAL, "Not a regular file", str(path))
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"larger than {most} bytes", str(path))
    return content


def read_json(path: Path, most: int) -> Any:
    """Return the content of a JSON file.

    Raises:
        OSError: as read_bytes.
        ValueError: not UTF-8, not JSON, NaN or infinite numbers, a key that stands twice, or
            nested too deeply.
    """
    text = read_bytes(path, most).decode("utf-8")
    try:
        return json.loads(text, parse_constant=_no_number, object_pairs_hook=_each_once)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number in JSON")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:60]!a} stands twice")
    return content
