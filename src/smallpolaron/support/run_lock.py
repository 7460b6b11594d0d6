"""A lock by which one run of a study at a time changes the plan of the study."""

from __future__ import annotations

import errno
import fcntl
from pathlib import Path
from typing import IO, Final

_HELD: Final = (errno.EAGAIN, errno.EACCES)


def lock(path: Path) -> IO[bytes] | None:
    """Lock a file for as long as what is returned stays open, at most until the process ends.

    The operating system releases the lock of a process that was killed. On a disk without locks
    the lock counts as free.

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
