"""Libraries of compiled functions: where they are, what they are named, how they are loaded."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from smallpolaron.support.files import seal_state

FACTORY: Final = "smallpolaron_function"
"""What a library has: makes the function, of the kind of arguments it is for and NumPy's type."""

_FORMAT: Final = 1
"""Raised whenever libraries are made in another way; part of their names."""

Kind = tuple[Any, ...]
"""What decides for which types a function is compiled."""

IN_ROWS, OTHERWISE = 0x501, 0x502
"""NumPy's flags of arrays that matter: aligned, writable; the order of C, or that of Fortran."""

_PACKAGE: Final = Path(__file__).resolve().parent.parent


def kind_of(value: Any) -> Any:
    """Return what decides how a function is compiled for an argument; libraries compare with it."""
    if type(value) is np.ndarray:
        flags = value.flags.num
        return value.dtype, value.ndim, flags & (IN_ROWS if flags & 1 else OTHERWISE)
    if isinstance(value, tuple):
        return type(value), getattr(value, "_fields", ()), *map(kind_of, value)
    return type(value)


def name_of(function: str, stamp: str, kind: Kind) -> str:
    """Return the name of the library of a function for some types, by all that decides its code."""
    made_of = hashlib.sha256(repr((_FORMAT, stamp, kind, _machine())).encode())
    return f"{function}-{made_of.hexdigest()[:32]}.so"


def load(name: str, kind: Kind) -> Callable[..., Any] | None:
    """Return the function that a library has; None where there is none that can be loaded."""
    for folder in folders():
        with suppress(OSError):
            if seal_state(folder / name) == "intact":
                factory = getattr(ctypes.PyDLL(str(folder / name)), FACTORY)
                factory.argtypes, factory.restype = [ctypes.py_object] * 2, ctypes.py_object
                found: Callable[..., Any] = factory(kind, np.ndarray)
                return found
    return None


def folders() -> Iterator[Path]:
    """Yield where libraries may be, in the order in which a place for new ones is looked for."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    for place in [chosen] if chosen else [_PACKAGE / "__pycache__", Path(home, "smallpolaron")]:
        yield Path(place) / "native"


@cache
def _machine() -> str:
    """Return what object code is made for: Python and processor."""
    found = hashlib.sha256(repr((sys.version, platform.machine(), np.__version__)).encode())
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split("\n"):
            if line.startswith(("model name", "flags", "Features", "CPU part")):
                found.update(line.encode())
            elif not line.strip():
                break  # the first processor stands for all
    return found.hexdigest()
