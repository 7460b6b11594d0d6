"""Files written whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

DISK_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What a write fails with on a full disk, over a quota, or in a file that may not grow."""


class NotWritable(OSError):
    """A file that cannot be written; the message says which, why and what to do."""


@contextmanager
def temporary_name(path: Path) -> Iterator[Path]:
    """Yield a hidden name beside a file to write it under first; nothing is left there.

    The folder of the file is made if needed.

    Raises:
        NotWritable: no space, no permission or another error of the file system, also within.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
    except OSError as error:
        raise NotWritable(
            f"{path}: cannot be written ({error.strerror or error}); make room or allow writing "
            "there, then run the same again"
        ) from error
    finally:
        with suppress(OSError):  # it is not there, or its folder is read-only
            temporary.unlink()


def shown_name(path: Path) -> str:
    r"""Return the name of a file as text that can be stored; bytes that are not UTF-8 as \xb5."""
    return os.fsencode(path.name).decode("utf-8", "backslashreplace")


def check_writable(path: Path) -> None:
    """Make sure that a file can be made, before the work that it is to hold.

    Raises:
        NotWritable: it cannot.
    """
    with temporary_name(path) as temporary:
        temporary.touch()


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step, creating its folder; a file that is there is replaced.

    Raises:
        NotWritable: as temporary_name.
    """
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file in one step, creating its folder: a reader sees the old one or the new one.

    Raises:
        NotWritable: as temporary_name.
    """
    with temporary_name(path) as temporary:
        temporary.write_bytes(content)
        os.replace(temporary, path)


def to_disk(path: Path) -> None:
    """Wait until a file, or the list of files of a folder, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
