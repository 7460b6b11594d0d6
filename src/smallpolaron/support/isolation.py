"""Run a function in a process of its own, because what it does may crash or hang."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Final, TypeVar

Argument = TypeVar("Argument")

_LARGEST_ANSWER: Final = 1 << 20


class Lost(RuntimeError):
    """The process crashed or did not answer in time."""


def isolated(function: Callable[[Argument], str], argument: Argument, timeout_s: float) -> str:
    """Return the text that a function returns; it must not raise.

    The answer is text and not an object: a process that has read a hostile file could send one
    that does harm where it is unpickled.

    Args:
        function: to be called.
        argument: its argument.
        timeout_s: longest time to wait for its answer, s.

    Raises:
        Lost: it crashed, or did not answer in time.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(sender, function, argument))
    process.start()
    sender.close()
    try:
        if not receiver.poll(timeout_s):
            raise Lost(f"no answer within {timeout_s:.0f} s")
        return receiver.recv_bytes(_LARGEST_ANSWER).decode("utf-8", "replace")
    except EOFError as error:
        process.join()
        raise Lost(f"the process ended with status {process.exitcode}") from error
    except OSError as error:
        raise Lost(f"its answer could not be read ({error})") from error
    finally:
        process.kill()
        process.join()


def _answer(sender: Connection, function: Callable[[Argument], str], argument: Argument) -> None:
    sender.send_bytes(function(argument).encode("utf-8", "replace"))
