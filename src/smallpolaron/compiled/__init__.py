"""Functions compiled by Numba that later processes call without it.

Loading Numba and LLVM takes longer than a small job computes, and more memory. What Numba has
compiled for some types of arguments is therefore linked into a shared library of its own
(`link.py`); only what is not there yet loads Numba. Both are the same code.

The libraries are in a folder `native` of NUMBA_CACHE_DIR, beside this program or in the home
folder, under the hash of everything that decides what is in them.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache, cached_property, update_wrapper
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from smallpolaron.support.files import seal_state

FACTORY: Final = "smallpolaron_function"
"""What a library has: makes the function, of the kind of arguments it is for and NumPy's type."""

_FORMAT: Final = 1
"""Raised whenever libraries are made in another way; part of their names."""

Kind = tuple[Any, ...]
"""What decides for which types a function is compiled."""

listeners: Final[list[Callable[[int], None]]] = []
"""Called with 1 when code is about to be compiled or loaded by Numba, with -1 when that is done."""

IN_ROWS, OTHERWISE = 0x501, 0x502
"""NumPy's flags of arrays that matter: aligned, writable; the order of C, or that of Fortran."""

_PACKAGE: Final = Path(__file__).resolve().parent.parent


class Compiled:
    """A function that is compiled for the types of its arguments when it is first called.

    Numbers, arrays and (named) tuples of them go in; numbers, None and tuples of them come out.
    Subclasses of arrays are not accepted.

    Attributes:
        function: what is compiled.
        inline: "always" if it becomes part of the compiled functions that call it, or "never".
    """

    def __init__(self, function: Callable[..., Any], inline: Literal["never", "always"]) -> None:
        update_wrapper(self, function)
        self.function, self.inline = function, inline
        self._ready: dict[Kind, Callable[..., Any]] = {}
        self._last: Callable[..., Any] = _not_for

    @cached_property
    def stamp(self) -> str:
        """Hash of the code of this function and of the functions and constants that it uses."""
        code, known = self.function.__code__, self.function.__globals__
        used = []
        for name in code.co_names:
            value = known.get(name)
            if isinstance(value, Compiled):
                used.append(value.stamp)
            elif isinstance(value, int | float | complex | np.generic):
                used.append(repr(value))
        parts = (code.co_code, code.co_consts, code.co_names, code.co_varnames, used)
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def __call__(self, *arguments: Any) -> Any:
        """Call what is compiled for these types of arguments."""
        result = self._last(*arguments)
        if result is NotImplemented:
            result = self._found(arguments)(*arguments)
        return result

    def _found(self, arguments: tuple[Any, ...]) -> Callable[..., Any]:
        """Return the function for such arguments, as a library has it or else from Numba."""
        kind = tuple([kind_of(each) for each in arguments])
        if kind not in self._ready:
            made_of = hashlib.sha256(repr((_FORMAT, self.stamp, kind, _machine())).encode())
            name = f"{self.function.__name__}-{made_of.hexdigest()[:32]}.so"
            self._ready[kind] = _of_library(name, kind) or self._compiled(name, arguments)
        self._last = self._ready[kind]
        return self._last

    def _compiled(self, name: str, arguments: tuple[Any, ...]) -> Callable[..., Any]:
        """Return Numba's function, and keep what it compiles for such arguments in a library."""
        from smallpolaron.compiled.link import dispatcher_of, link

        dispatcher: Callable[..., Any] = dispatcher_of(self)
        for listen in listeners:
            listen(1)
        try:
            link(dispatcher, arguments, name)
        finally:
            for listen in listeners:
                listen(-1)
        return dispatcher


def _not_for(*_arguments: Any) -> Any:
    """Say that no function is known for these arguments, as those of libraries do for others."""
    return NotImplemented


def _of_library(name: str, kind: Kind) -> Callable[..., Any] | None:
    """Return the function that a library has; None where there is none that can be loaded."""
    for folder in folders():
        with suppress(OSError):
            if seal_state(folder / name) == "intact":
                factory = getattr(ctypes.PyDLL(str(folder / name)), FACTORY)
                factory.argtypes, factory.restype = [ctypes.py_object] * 2, ctypes.py_object
                found: Callable[..., Any] = factory(kind, np.ndarray)
                return found
    return None


def compiled(function: Callable[..., Any]) -> Compiled:
    """Have a function compiled; it may be called from Python and from compiled ones."""
    return Compiled(function, "never")


def inlined(function: Callable[..., Any]) -> Compiled:
    """Have a function put into the compiled ones that call it."""
    return Compiled(function, "always")


def kind_of(value: Any) -> Any:
    """Return what decides how a function is compiled for an argument; libraries compare with it."""
    if type(value) is np.ndarray:
        flags = value.flags.num
        return value.dtype, value.ndim, flags & (IN_ROWS if flags & 1 else OTHERWISE)
    if isinstance(value, tuple):
        return type(value), getattr(value, "_fields", ()), *map(kind_of, value)
    return type(value)


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
