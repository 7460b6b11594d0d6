"""The command that makes a batch: many commands in one process, each with a log of its own."""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from smallpolaron.planning.batches import Step
from smallpolaron.results.provenance import forget_peak_memory
from smallpolaron.support.files import write_text
from smallpolaron.support.signals import CTRL_C_STATUS, StopRequest

_STOPPED = (75, CTRL_C_STATUS)
"""Statuses of a job that was asked to stop."""


def make_batch(
    steps: Sequence[Step], run: Callable[[list[str]], int], request: StopRequest, record: Path
) -> int:
    """Run the commands of a batch that must run; write a record of all; return the exit status.

    A command that fails is left to a step of its own, as are those that need what it makes: the
    batch goes on. A batch that is asked to stop, or killed, keeps what it has finished, and goes on
    when it is run again. What it had begun by then comes last: it may be what killed it.

    Args:
        steps: in their order.
        run: runs one command and returns its exit status.
        request: whether the batch is to stop.
        record: file with status and seconds of each step, written when all have been tried.
    """
    statuses: dict[str, int] = {}
    seconds: dict[str, float] = {}
    for step in _in_order(steps):
        if request.came:
            return _STOPPED[0]
        started = time.monotonic()
        if step.is_current:
            statuses[step.output] = 0
        elif all(Path(source).exists() for source in step.sources):
            statuses[step.output] = _logged(step, run)
        else:
            statuses[step.output] = 1
        if statuses[step.output] in _STOPPED:
            return statuses[step.output]
        seconds[step.output] = round(time.monotonic() - started, 3)
        done, failed = len(statuses), sum(map(bool, statuses.values()))
        print(f"{done} of {len(steps)}, {failed} failed: {step.output}", flush=True)
    write_text(record, json.dumps({"status": statuses, "seconds": seconds}, indent=1) + "\n")
    return 0


def _in_order(steps: Sequence[Step]) -> list[Step]:
    """Return the steps; those that had begun without an end, and what follows from them, last."""
    begun: set[str] = set()
    for step in steps:
        if (Path(step.log).exists() and not step.is_current) or begun.intersection(step.sources):
            begun.add(step.output)
    return sorted(steps, key=lambda step: step.output in begun)


def _logged(step: Step, run: Callable[[list[str]], int]) -> int:
    """Run one command; all that it prints goes to its log."""
    Path(step.log).parent.mkdir(parents=True, exist_ok=True)
    forget_peak_memory()
    with _redirected(Path(step.log)):
        print(step.said, flush=True)
        try:
            return run([*step.command])
        except SystemExit as end:
            if isinstance(end.code, str):
                print(end.code, file=sys.stderr)
            return end.code if isinstance(end.code, int) else 1
        except Exception:
            traceback.print_exc()
            return 1
        finally:
            sys.stdout.flush()


@contextmanager
def _redirected(path: Path) -> Iterator[None]:
    """Send standard output and error to a file, also what compiled libraries print."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(number) for number in (1, 2)]
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        for number in (1, 2):
            os.dup2(target, number)
        yield
    finally:
        for number, before in zip((1, 2), kept, strict=True):
            os.dup2(before, number)
            os.close(before)
        os.close(target)
