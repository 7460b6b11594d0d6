"""Compiled functions that survive a damaged or forbidden cache: they are compiled again.

Numba keeps what it compiled in files, in NUMBA_CACHE_DIR, beside the source or in the home folder.
It trusts whatever it finds there, and refuses to import a module if it may write to none of them.
Importing this module changes both for all functions that are compiled later in this process.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any, BinaryIO, Final, Literal

import numba
from numba.core import caching, dispatcher

_STAMP: Final = "smallpolaron_stamp"
"""Attribute of a function that tells its present code from an earlier one, better than the time of
its file, which does not change with the functions that it calls."""

loaded: Final[dict[str, bytes]] = {}
"""Object code that came from the cache, by the names of functions with types."""

_DIGEST_BYTES = hashlib.sha256().digest_size


class _SealedFiles(caching.IndexDataCacheFile):
    """Files of a cache that end with a checksum, which Numba itself does not read."""

    def _load_index(self) -> dict[Any, str]:
        if not self._is_sealed(self._index_path):
            return {}
        found: dict[Any, str] = super()._load_index()
        return found

    def _load_data(self, name: str) -> Any:
        if not self._is_sealed(self._data_path(name)):
            raise FileNotFoundError  # which Numba takes for not compiled yet
        found = super()._load_data(name)
        (_, _, (code, _)), descriptor = found[:2]
        loaded[descriptor.mangled_name] = code
        return found

    @contextmanager
    def _open_for_write(self, filepath: str) -> Iterator[BinaryIO]:
        with super()._open_for_write(filepath) as file:
            yield file
            file.flush()
            file.write(self._digest(Path(file.name).read_bytes()))

    def _is_sealed(self, path: str) -> bool:
        try:
            content = Path(path).read_bytes()
        except OSError:
            return False
        body = memoryview(content)[:-_DIGEST_BYTES]
        return content[len(body) :] == self._digest(body)

    def _digest(self, content: bytes | memoryview) -> bytes:
        # with the source: a power cut can leave a new index beside old code
        digest = hashlib.sha256(repr((self._version, self._source_stamp)).encode())
        digest.update(content)
        return digest.digest()


class _Cache(caching.FunctionCache):
    """The cache of a function; what it cannot keep stays in memory."""

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        if stamp := getattr(function, _STAMP, None):
            self._cache_file._source_stamp = stamp

    def save_overload(self, sig: Any, data: Any) -> None:
        """Save a compiled function if that is possible."""
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _tell(f"{self.cache_path} cannot be written ({error.strerror or error})")


def _enable_caching(self: Any) -> None:
    try:
        self._cache = _Cache(self.py_func)
    except RuntimeError:  # no folder that may be written to: as without a cache
        _tell("neither the folder of this program nor the home folder can be written")


@cache
def _tell(why: str) -> None:
    print(
        f"compiled code is not kept: {why}; every job compiles it again, which takes up to a "
        "minute. Set NUMBA_CACHE_DIR to a folder with space that can be written.",
        file=sys.stderr,
    )


setattr(caching, "IndexDataCacheFile", _SealedFiles)  # noqa: B010
setattr(dispatcher.Dispatcher, "enable_caching", _enable_caching)  # noqa: B010


def made_by_numba(
    function: Callable[..., Any],
    known: dict[str, Any],
    inline: Literal["never", "always"],
    stamp: str,
) -> Callable[..., Any]:
    """Return Numba's function.

    Args:
        function: what is compiled.
        known: what its global names stand for.
        inline: as numba.njit.
        stamp: tells its code from another one.
    """
    copy = FunctionType(function.__code__, known, function.__name__)
    copy.__module__ = function.__module__
    setattr(copy, _STAMP, stamp)
    made: Callable[..., Any] = numba.njit(cache=True, inline=inline)(copy)
    return made
