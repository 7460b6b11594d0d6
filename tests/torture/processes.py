"""Commands that are started, disturbed and waited for, never longer than a limit."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

MARK = "SMALLPOLARON_TORTURE"
"""Variable that all processes of a trial inherit: they are found by it, and nothing else is."""


@dataclass(frozen=True)
class Run:
    """How one command ended.

    Attributes:
        name: what it was.
        status: exit status, negative for a signal; None: it did not end.
        said: all it printed.
        sent: the signals it was sent.
        clear: what a message must match to be clear when the command fails (regular expression).
    """

    name: str
    status: int | None
    said: str
    sent: frozenset[signal.Signals] = frozenset()
    clear: str = ""

    @property
    def killed(self) -> bool:
        """Whether it ended by a signal that it was sent, as itself, a shell or `timeout` tells."""
        by = {-number for number in self.sent} | {128 + number for number in self.sent}
        return self.status in by or (bool(self.sent) and self.status == 124)


@dataclass
class Process:
    """A running command.

    Attributes:
        name: what it is.
        popen: the process.
        log: file with all it prints.
        sent: the signals it was sent.
    """

    name: str
    popen: subprocess.Popen[bytes]
    log: Path
    sent: set[signal.Signals] = field(default_factory=set)

    def send(self, number: signal.Signals, to: int | None = None) -> None:
        """Send a signal to the process itself, or to one that it has started."""
        self.sent.add(number)
        with suppress(ProcessLookupError):
            if to is None:
                self.popen.send_signal(number)
            else:
                os.kill(to, number)

    def limit_files(self, size: int) -> None:
        """Let it write no file that is larger than this, in bytes, if it has not ended."""
        with suppress(ProcessLookupError, PermissionError):
            resource.prlimit(self.popen.pid, resource.RLIMIT_FSIZE, (size, size))

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.popen.poll() is not None

    def wait(self, seconds: float) -> int | None:
        """Return its exit status; None if it has not ended within this time."""
        with suppress(subprocess.TimeoutExpired):
            return self.popen.wait(seconds)
        return None

    def ended(self, seconds: float, clear: str) -> Run:
        """Wait for its end and return how it ended."""
        status = self.wait(seconds)
        said = self.log.read_text(errors="replace") if self.log.is_file() else ""
        return Run(self.name, status, said, frozenset(self.sent), clear)


def start(
    name: str,
    command: Sequence[str],
    log: Path,
    environment: Mapping[str, str],
    folder: Path | None = None,
) -> Process:
    """Start a command in a session of its own; what it prints goes to a file or device."""
    with log.open("wb") as stream:
        popen = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Process(name, popen, log)


def marked(mark: str, words: Sequence[str] = ()) -> list[int]:
    """Return the living processes with a mark that begins so, whose command has these words."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            variables = (process / "environ").read_bytes().split(b"\0")
            if not any(variable.startswith(wanted) for variable in variables):
                continue
            command = (process / "cmdline").read_text().split("\0")
            if all(word in command for word in words):
                found.append(int(process.name))
    return sorted(found)


def end_all(mark: str, patience_s: float) -> list[int]:
    """Wait until no process has this mark; kill and return those that do not end by themselves."""
    deadline = time.monotonic() + patience_s
    while (left := marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.05)
    kill_all(mark)
    return left


def kill_all(mark: str) -> None:
    """Kill all processes with this mark, as when the power fails, until there are none."""
    while running := marked(mark):
        for process in running:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.01)
