"""The signals that end a job early: warnings before a time limit, Ctrl-C, a lost connection."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, Protocol

_NO_HANDLERS: Final = "-no_signal_handler"
_REQUESTS: Final = (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

CTRL_C_STATUS: Final = 128 + signal.SIGINT
"""Exit status after Ctrl-C, as of shells."""


class _Stoppable(Protocol):
    def stop(self, why: str) -> None:
        """Ask the job to stop at the next opportunity."""


class StopRequest:
    """A request to stop, which may come before there is anything that can.

    Until then it is kept: a job that was warned while it started stops at its first opportunity.
    A second Ctrl-C does not wait for it.
    """

    def __init__(self) -> None:
        self._job: _Stoppable | None = None
        self._came: signal.Signals | None = None

    def __call__(self, number: int, _frame: FrameType | None = None) -> None:
        """Take a signal.

        Raises:
            KeyboardInterrupt: it is the second Ctrl-C.
        """
        if number == self._came == signal.SIGINT:
            raise KeyboardInterrupt
        self._came = signal.Signals(number)
        if self._job is not None:
            self._job.stop(self._came.name)

    @property
    def came(self) -> bool:
        """Whether anybody wants the process to stop."""
        return self._came is not None

    def serve(self, job: _Stoppable | None) -> None:
        """Pass what came, and what will come, to a job.

        Args:
            job: what can stop and go on later. None: there is nothing to save, so that the warning
                (SIGUSR1) is ignored and the rest of the time used; the others end the process.
        """
        self._job = job
        if job is None:
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            if signal.SIGHUP in _requests():
                signal.signal(signal.SIGHUP, signal.SIG_DFL)
            if self._came not in (None, signal.SIGUSR1):
                signal.raise_signal(self._came)
            return
        for number in _requests():  # a library may have put its own handlers in place meanwhile
            signal.signal(number, self)
        if self._came is not None:
            job.stop(self._came.name)


def _requests() -> list[signal.Signals]:
    """Return the signals that ask a job to stop; a lost connection not under nohup."""
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return [number for number in _REQUESTS if not ignored or number != signal.SIGHUP]


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Turn the signals that end a job early into a request to stop, until a job ends.

    PETSc, if it is loaded in between, leaves the signals alone: its own handlers abort.
    """
    options = os.environ.get("PETSC_OPTIONS", "")
    if _NO_HANDLERS not in options:
        os.environ["PETSC_OPTIONS"] = f"{options} {_NO_HANDLERS}".strip()
    request = StopRequest()
    before = {number: signal.signal(number, request) for number in _requests()}
    try:
        yield request
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def ignore_requests() -> None:
    """Ignore warnings from now on: what is finished must not fail while the process ends."""
    for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
