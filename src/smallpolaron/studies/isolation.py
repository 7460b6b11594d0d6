"""Run a function in a process of its own, because what it does may crash or hang."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TypeVar

Answer = TypeVar("Answer")
Argument = TypeVar("Argument")


class Lost(RuntimeError):
    """The process crashed or did not answer in time."""


def isolated(
    function: Callable[[Argument], Answer], argument: Argument, timeout_s: float
) -> Answer:
    """Return what a function returns; it must not raise.

    Args:
        function: to be called.
        argument: its argument.
        timeout_s: longest time to wait for its answer, s.

    Raises:
        Lost: it crashed or did not answer in time.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(sender, function, argument))
    process.start()
    sender.close()
    try:
        if not receiver.poll(timeout_s):
            raise Lost(f"no answer within {timeout_s:.0f} s")
        answer: Answer = receiver.recv()
        return answer
    except EOFError as error:
        process.join()
        raise Lost(f"the process ended with status {process.exitcode}") from error
    finally:
        process.kill()
        process.join()


def _answer(sender: Connection, function: Callable[[Argument], Answer], argument: Argument) -> None:
    sender.send(function(argument))
