"""One line on standard error that says what a run is doing; it is gone when the run ends."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from smallpolaron import compiled

if TYPE_CHECKING:
    from smallpolaron.dynamics.checkpoints import Checkpoints, Stage
    from smallpolaron.hierarchy.basis import Basis

_FIRST_S: Final = 1.0
"""Runs that are over by then show nothing."""
_EVERY_S: Final = 0.5
_WIDTH: Final = 100
_COMPILING: Final = "compiling, once per machine, up to a minute"


def is_watched() -> bool:
    """Return whether somebody sees standard error: a terminal, or a notebook."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules


class StatusLine:
    """Follows a run: takes its messages, and the place of its checkpoints, where stages begin."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        """Begin with nothing to say; checkpoints: where the stages are handed out."""
        self._checkpoints = checkpoints
        self._said = "starting"
        self._size: Callable[[], int] | None = None
        self.compiling = 0
        self._began = time.perf_counter()

    def report(self, line: str) -> None:
        """Take a message of the run."""
        self._said = line

    def stage(self, label: str, basis: Basis, *settings: object) -> Stage:
        """Take that a stage begins."""
        self._said, self._size = label, lambda: basis.size
        return self._checkpoints.stage(label, basis, *settings)

    def text(self) -> str:
        """Return what to show now."""
        said = _COMPILING if self.compiling else self._said
        end = f", {time.perf_counter() - self._began:.0f} s"
        if self._size is not None and "labels" not in said:
            end = f", {self._size()} elements{end}"
        return said[: _WIDTH - len(end)] + end

    @contextmanager
    def shown(self) -> Iterator[StatusLine]:
        """Show it until the block ends."""
        ended = threading.Event()
        thread = threading.Thread(target=self._show, args=(ended,), daemon=True)
        thread.start()
        compiled.listeners.append(self._hear)
        try:
            yield self
        finally:
            compiled.listeners.remove(self._hear)
            ended.set()
            thread.join()

    def _hear(self, more: int) -> None:
        """Hear that code is being compiled, or no longer."""
        self.compiling += more

    def _show(self, ended: threading.Event) -> None:
        shown, wait = False, _FIRST_S
        with suppress(OSError, ValueError):  # a terminal that is gone
            while not ended.wait(wait):
                _write(f"\r{self.text():<{_WIDTH}}")
                shown, wait = True, _EVERY_S
            if shown:
                _write(f"\r{'':<{_WIDTH}}\r")


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
