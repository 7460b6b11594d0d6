"""Daemons that live no longer than the test that starts them."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
"""Where daemons are found: not every PATH has the folders of the administrator."""


def run(*command: str) -> str:
    """Return what a short command prints.

    Raises:
        RuntimeError: it failed; the message has its output.
    """
    done = subprocess.run(
        command,
        env={**os.environ, "PATH": PATH},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout


def works(*command: str) -> Callable[[], bool]:
    """Return a function that tells whether a short command succeeds."""

    def ready() -> bool:
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        return done.returncode == 0

    return ready


@dataclass(frozen=True)
class Daemons:
    """Daemons in the foreground, as children of this process.

    Attributes:
        logs: folder of their output.
        stack: ends them, the last started first.
    """

    logs: Path
    stack: ExitStack
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *command: str, env: Mapping[str, str] | None = None) -> None:
        """Start one; the kernel ends it if this process dies without a chance to do so."""
        with (self.logs / name).open("ab") as stream:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                env={**os.environ, "PATH": PATH, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the tests, which then end it in order
            )
        self._processes[name] = process
        self.stack.callback(_end, process)

    def wait(self, what: str, ready: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until something is ready.

        Raises:
            RuntimeError: it is not in time, or a daemon died; the message has the logs.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            dead = [name for name, each in self._processes.items() if each.poll() is not None]
            if dead or time.monotonic() > deadline:
                problem = f"ended: {', '.join(dead)}" if dead else f"not in {seconds:.0f} s"
                raise RuntimeError(f"{what}: {problem}\n{self.last_words()}")
            time.sleep(0.1)

    def last_words(self, lines: int = 20) -> str:
        """Return the end of every log."""
        found = []
        for path in sorted(self.logs.iterdir()):
            text = path.read_text(encoding="utf-8", errors="replace").splitlines()
            found += [f"--- {path.name}", *text[-lines:]]
        return "\n".join(found)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
