"""Files that cannot be read now, which says nothing against their content."""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Callable
from typing import Final, TypeVar

from smallpolaron.support.problems import StoreError

T = TypeVar("T")

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
    errno.EACCES: "allow reading it and its folders",
    errno.EPERM: "allow reading it and its folders",
    errno.EMFILE: "close files, or raise the limit (ulimit -n)",
    errno.ENFILE: "close programs: this machine has too many files open",
    errno.ENOMEM: "close programs, or ask for more memory",
}


class Unreadable(StoreError):
    """A file that cannot be read now, such as on a disk that fails; it may be sound."""


def is_unavailable(error: BaseException) -> bool:
    """Return whether an error of reading a file comes from the system, not from the content."""
    return _number(error) not in (0, *_OF_NAME_OR_CONTENT)


def cannot_read(path: object, error: BaseException) -> str:
    """Return what to say about a file that cannot be read now, and what to do."""
    number = _number(error)
    advice = _ADVICE.get(number, "check the disk and its connection")
    return (
        f"{path}: cannot be read now ({os.strerror(number)}, errno {number}), which does not mean "
        f"that it is damaged; {advice}, then run the same again"
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


def _number(error: BaseException) -> int:
    """Return the number of an error of the system; 0 for an error of another kind."""
    if isinstance(error, MemoryError):
        return errno.ENOMEM
    found = getattr(error, "errno", None)
    if type(found) is int:
        return found
    named = re.search(r"\berrno = (\d+)", str(error))  # HDF5, as other than an OSError
    return int(named[1]) if named else 0
