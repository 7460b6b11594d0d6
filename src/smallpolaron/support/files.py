"""Files: read if ordinary and bounded, written whole or not at all, sealed, locked."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final, Literal

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


def renew_text(path: Path, text: str) -> None:
    """Write a text file as write_text, unless it holds that text: then it keeps its time.

    Raises:
        NotWritable: as temporary_name.
    """
    if not holds(path, text):
        write_text(path, text)


def holds(path: Path, text: str) -> bool:
    """Return whether a file is there and is this text."""
    content = text.encode()
    try:
        return read_bytes(path, len(content)) == content
    except OSError:
        return False


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
        ValueError: not UTF-8, not JSON, or nested too deeply.
    """
    text = read_bytes(path, most).decode("utf-8")
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


SealState = Literal["intact", "broken", "none"]

_MARK: Final = b"\nsmallpolaron sha256 "
_LENGTH: Final = len(_MARK) + 64 + 1
_BLOCK: Final = 1 << 20


def file_digest(path: Path, size: int | None = None) -> str:
    """Return the SHA-256 (hex) over the first bytes of a file, or all, as sha256sum does."""
    digest = hashlib.sha256()
    left = path.stat().st_size if size is None else size
    with path.open("rb") as file:
        while left > 0 and (block := file.read(min(_BLOCK, left))):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest()


def seal(path: Path) -> None:
    """Append the seal to a finished file."""
    line = _MARK + file_digest(path).encode() + b"\n"
    with path.open("ab") as file:
        file.write(line)


def seal_state(path: Path) -> SealState:
    """Return whether the bytes of a file are those that were sealed.

    A file has no seal when an older version of this program wrote it, when another program wrote
    to it or repacked it, or when it lost its end.
    """
    body = max(path.stat().st_size - _LENGTH, 0)
    with path.open("rb") as file:
        file.seek(body)
        line = file.read()
    if _MARK not in line:
        return "none"
    expected = _MARK + file_digest(path, body).encode() + b"\n"
    return "intact" if line == expected else "broken"


_HELD: Final = (errno.EAGAIN, errno.EACCES)


def lock(path: Path) -> IO[bytes] | None:
    """Lock a file for as long as what is returned stays open, at most until the process ends.

    The operating system releases the lock of a process that was killed. On a disk without locks
    the lock counts as free.

    Args:
        path: file to lock; made if needed.

    Returns:
        The open file; None while another process holds the lock.

    Raises:
        OSError: the file cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            file.close()
            return None
    return file
