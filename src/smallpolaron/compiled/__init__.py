"""Functions compiled by Numba that later processes call without it.

Loading Numba and LLVM takes longer than a small job computes, and more memory. What Numba has
compiled for some types of arguments is therefore linked into a shared library of its own
(`link.py`); only what is not there yet loads Numba. Both are the same code.

The libraries are in a folder `native` of NUMBA_CACHE_DIR, beside this program or in the home
folder, under the hash of everything that decides what is in them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property, update_wrapper
from typing import Any, Final, Literal

import numpy as np

from smallpolaron.compiled.library import Kind, kind_of, load, name_of

listeners: Final[list[Callable[[int], None]]] = []
"""Called with 1 when code is about to be compiled or loaded by Numba, with -1 when that is done."""


class Compiled:
    """A function that is compiled for the types of its arguments when it is first called.

    Numbers, arrays and (named) tuples of them go in; numbers, None and tuples of them come out.
    Subclasses of arrays are not accepted.

    Attributes:
        function: what is compiled.
        inline: "always" if it becomes part of the compiled functions that call it, or "never".
        vectorized: whether arithmetic with both parts of complex numbers is put into vectors.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        inline: Literal["never", "always"] = "never",
        vectorized: bool = False,
    ) -> None:
        update_wrapper(self, function)
        self.function, self.inline, self.vectorized = function, inline, vectorized
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
        names = (code.co_names, code.co_varnames)
        parts = (code.co_code, code.co_consts, *names, used, self.vectorized)
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
            name = name_of(self.function.__name__, self.stamp, kind)
            self._ready[kind] = load(name, kind) or self._compiled(name, arguments)
        self._last = self._ready[kind]
        return self._last

    def _compiled(self, name: str, arguments: tuple[Any, ...]) -> Callable[..., Any]:
        """Return Numba's function, and keep what it compiles for such arguments in a library."""
        from smallpolaron.compiled.link import link

        for listen in listeners:
            listen(1)
        try:
            link(self.dispatcher, arguments, name, self.vectorized)
        finally:
            for listen in listeners:
                listen(-1)
        return self.dispatcher

    @cached_property
    def dispatcher(self) -> Callable[..., Any]:
        """Numba's function; what it calls are Numba's functions, too."""
        from smallpolaron.compiled.numba_cache import made_by_numba

        known = dict(self.function.__globals__)
        for name in self.function.__code__.co_names:
            if isinstance(known.get(name), Compiled):
                known[name] = known[name].dispatcher
        return made_by_numba(self.function, known, self.inline, self.stamp)


def _not_for(*_arguments: Any) -> Any:
    """Say that no function is known for these arguments, as those of libraries do for others."""
    return NotImplemented


def compiled(function: Callable[..., Any]) -> Compiled:
    """Have a function compiled; it may be called from Python and from compiled ones."""
    return Compiled(function)


def vectorized(function: Callable[..., Any]) -> Compiled:
    """As compiled, with vector instructions for pairs of equal operations, to the same bits.

    For loops over complex numbers, which Numba otherwise takes part by part.
    """
    return Compiled(function, vectorized=True)


def inlined(function: Callable[..., Any]) -> Compiled:
    """Have a function put into the compiled ones that call it."""
    return Compiled(function, "always")
