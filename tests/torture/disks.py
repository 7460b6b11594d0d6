"""Small disks that can be filled or made read-only: a tmpfs, which takes root."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_BUSY_S = 20.0

AMPLE = 256 << 20
"""Size of a disk with room for everything, in bytes."""


class Skipped(Exception):
    """The fault cannot be made here; the message says why."""


class Missed(Exception):
    """The fault came when there was nothing left to disturb; another draw may hit."""


@dataclass(frozen=True)
class Folder:
    """A folder of an ordinary user, who can take from himself the right to write.

    Attributes:
        folder: the folder.
    """

    folder: Path

    def set_read_only(self, yes: bool) -> None:
        """Forbid or allow writing in it and in all folders below."""
        for path in [self.folder, *(p for p in self.folder.rglob("*") if p.is_dir())]:
            path.chmod(0o555 if yes else 0o755)


@dataclass(frozen=True)
class Disk:
    """A mounted tmpfs.

    Attributes:
        folder: where it is mounted.
    """

    folder: Path

    @property
    def used(self) -> int:
        """Bytes in use."""
        found = os.statvfs(self.folder)
        return (found.f_blocks - found.f_bfree) * found.f_frsize

    def resize(self, size: int) -> None:
        """Give it another size, in bytes."""
        _mount("-o", f"remount,size={size}", str(self.folder))

    def set_read_only(self, yes: bool) -> None:
        """Forbid or allow writing; waits for a moment when no file is open for writing."""
        deadline = time.monotonic() + _BUSY_S
        while True:
            try:
                _mount("-o", "remount," + ("ro" if yes else "rw"), str(self.folder))
                return
            except subprocess.CalledProcessError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.001)

    def fill(self) -> Path:
        """Write a file that leaves no byte free; return it."""
        path = self.folder / "filler"
        with path.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                return path


@contextmanager
def small_disk(folder: Path, size: int = AMPLE) -> Iterator[Disk]:
    """Mount a tmpfs of this size, in bytes; it is gone afterwards, with what is on it.

    Raises:
        Skipped: nobody but root may mount, and sometimes not even root.
    """
    if os.geteuid() != 0:
        raise Skipped("mounting a small tmpfs takes root")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    except (OSError, subprocess.CalledProcessError) as error:
        raise Skipped("this machine does not let root mount a tmpfs") from error
    try:
        yield Disk(folder)
    finally:
        # lazily: a process that hangs must not keep the disk; the verdict names it
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True)
