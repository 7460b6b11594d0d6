"""The signals that end a job early: a batch system warns before its time limit."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol


class _Stoppable(Protocol):
    def stop(self, why: str) -> None:
        """Ask the job to stop at the next opportunity."""


@contextmanager
def stopping(job: _Stoppable | None) -> Iterator[None]:
    """Turn SIGTERM and SIGUSR1 into a request to stop while a job computes.

    Args:
        job: what can stop and go on later. None: there is nothing to save, so that the warning
            (SIGUSR1) is ignored and the rest of the time used; SIGTERM ends the process.
    """

    def ask(number: int, _frame: FrameType | None) -> None:
        assert job is not None
        job.stop(signal.Signals(number).name)

    before = {}
    if job is None:
        before[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    else:
        for number in (signal.SIGUSR1, signal.SIGTERM):
            before[number] = signal.signal(number, ask)
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)
