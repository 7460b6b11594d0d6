"""Files from outside: read only if they are ordinary files of bounded size."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any, Final

_BLOCK: Final = 1 << 20


def read_bytes(path: Path, most: int) -> bytes:
    """Return the content of a file.

    Args:
        path: file to read; a pipe or device is refused, because it may never end.
        most: bytes it may have.

    Raises:
        OSError: it cannot be read, is no regular file, or is larger; ``strerror`` says which.
    """
    # without O_NONBLOCK, opening a pipe waits until somebody writes to it
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _require_regular(path, os.fstat(descriptor).st_mode)
        with open(descriptor, "rb", closefd=False) as file:
            content = bytearray()
            while block := file.read(min(_BLOCK, most + 1 - len(content))):
                content += block
    finally:
        os.close(descriptor)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"larger than {most} bytes", str(path))
    return bytes(content)


def _require_regular(path: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "Not a regular file", str(path))


def read_json(path: Path, most: int) -> Any:
    """Return the content of a JSON file.

    Args:
        path: file to read.
        most: bytes it may have.

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
