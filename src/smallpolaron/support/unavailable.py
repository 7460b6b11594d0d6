"""Files that cannot be read now, which says nothing against their content."""

from __future__ import annotations

import errno
import os
import re
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

import h5py

T = TypeVar("T")

_ENOTSUPP: Final = 524
"""What some network file systems answer to a lock; the C library has no name for it."""
_NO_LOCKS: Final = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, _ENOTSUPP)
_SAY_NO_LOCKS: Final = "set HDF5_USE_FILE_LOCKING=FALSE in the environment"
_OF_NAME_OR_CONTENT: Final = (
    errno.EINVAL,  # HDF5 was led to a place that no file has
    errno.EFBIG,
    errno.EOVERFLOW,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
)
_MAY_PASS: Final = (
    errno.EAGAIN,
    errno.EBUSY,
    errno.EINTR,
    errno.EIO,
    errno.ESTALE,
    errno.EMFILE,
    errno.ENFILE,
    errno.ETIMEDOUT,
)
_PAUSES_S: Final = (0.1, 0.4)
_ADVICE: Final = {
    errno.EAGAIN: "close the program that has it open for writing; if none has, the disk may have "
    f"no locks: {_SAY_NO_LOCKS}",
    errno.EACCES: "allow reading it and its folders",
    errno.EPERM: "allow reading it and its folders",
    errno.EMFILE: "close files, or raise the limit (ulimit -n)",
    errno.ENFILE: "close programs: this machine has too many files open",
    errno.ENOMEM: "close programs, or ask for more memory",
    **dict.fromkeys(_NO_LOCKS, f"this disk has no locks: {_SAY_NO_LOCKS}"),
}


def is_unavailable(error: BaseException) -> bool:
    """Return whether an error of reading a file comes from the system, not from the content."""
    return _number(error) not in (0, *_OF_NAME_OR_CONTENT)


def cannot_read(path: object, error: BaseException) -> str:
    """Return what to say about a file that cannot be read now, and what to do."""
    number = _number(error)
    why = os.strerror(number) if number != _ENOTSUPP else "locks are not supported"
    advice = _ADVICE.get(number, "check the disk and its connection")
    return (
        f"{path}: cannot be read now ({why}, errno {number}), which does not mean that it is "
        f"damaged; {advice}, then run the same again"
    )


def patiently(read: Callable[[], T]) -> T:
    """Return what a function reads; try again, for half a second, what may pass.

    Raises:
        Exception: what the function raises at last.
    """
    for pause in _PAUSES_S:
        try:
            return read()
        except Exception as error:
            if _number(error) not in _MAY_PASS:
                raise
        time.sleep(pause)
    return read()


def open_hdf5(path: Path) -> h5py.File:
    """Open an HDF5 file to read, without a lock if the disk has none.

    Files of results appear whole and are never written to: a lock guards against other programs.

    Raises:
        OSError: it cannot be opened, or is no HDF5 file.
    """
    try:
        return h5py.File(path, "r")
    except OSError as error:
        if _number(error) not in _NO_LOCKS:
            raise
        file = h5py.File(path, "r", locking=False)
    _tell_no_locks()
    return file


@cache
def _tell_no_locks() -> None:
    print(f"this disk has no locks, files are read without; {_SAY_NO_LOCKS}", file=sys.stderr)


def _number(error: BaseException) -> int:
    """Return the number of an error of the system; 0 for an error of another kind."""
    if isinstance(error, MemoryError):
        return errno.ENOMEM
    found = getattr(error, "errno", None)
    if type(found) is int:
        return found
    named = re.search(r"\berrno = (\d+)", str(error))  # HDF5, as other than an OSError
    return int(named[1]) if named else 0
