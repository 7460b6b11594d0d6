"""The project's own PETSc wheels: where they are kept, and how two set-ups share the folder.

A finished set is a folder that appears by one rename, so a reader sees all of it or nothing. One
builder at a time works on a key; the others wait for its lock and then find the result.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .settings import Settings, locked_version

SCALAR = "complex"
ABI = "cp311-abi3"
# Raised when the way the wheels are built changes, so that older ones are not used.
RECIPE = 1


@dataclass(frozen=True)
class WheelCache:
    """The place of one set of wheels.

    Attributes:
        base: Folder of all sets.
        key: Version, scalar type, ABI, architecture, C library and recipe.
    """

    base: Path
    key: str

    @property
    def folder(self) -> Path:
        """Where the finished set is."""
        return self.base / self.key

    def wheels(self) -> tuple[Path, ...]:
        """The wheels of petsc and petsc4py, or nothing if the set is not there."""
        found = tuple(
            wheel for name in ("petsc", "petsc4py") for wheel in self.folder.glob(f"{name}-*.whl")
        )
        return found if len(found) == 2 else ()

    def discard(self) -> None:
        """Removes the set; it vanishes from its name first."""
        if self.folder.exists():
            doomed = Path(tempfile.mkdtemp(dir=self.base, prefix="old-"))
            os.replace(self.folder, doomed / "set")
            shutil.rmtree(doomed, ignore_errors=True)

    def provide(self, build: Callable[[Path, Path], None], *, fresh: bool = False) -> bool:
        """Makes sure that the set is there.

        Args:
            build: Called with a scratch folder and the folder to fill with the two wheels.
            fresh: Build even if there is one.

        Returns:
            Whether it was built now.
        """
        with self._lock():
            if self.wheels() and not fresh:
                return False
            for left_over in self.base.glob(f"build-{self.key}-*"):
                shutil.rmtree(left_over, ignore_errors=True)
            scratch = Path(tempfile.mkdtemp(dir=self.base, prefix=f"build-{self.key}-"))
            try:
                filled = scratch / "wheels"
                filled.mkdir()
                build(scratch, filled)
                self.discard()
                os.replace(filled, self.folder)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
            return True

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        self.base.mkdir(parents=True, exist_ok=True)
        with (self.base / f"{self.key}.lock").open("w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("PETSc: another set-up is building it; waiting for that one", flush=True)
                fcntl.flock(stream, fcntl.LOCK_EX)
            yield


def wheel_cache(settings: Settings) -> WheelCache:
    """The place of the wheels that fit this machine and uv.lock."""
    libc = "".join(platform.libc_ver()) or "libc"
    version = locked_version(settings.root, "petsc")
    key = f"petsc-{version}-{SCALAR}-{ABI}-{os.uname().machine}-{libc}-r{RECIPE}"
    return WheelCache(settings.cache / "wheels", key)
