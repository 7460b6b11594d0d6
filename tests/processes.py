"""Jobs as processes of their own, and what the operating system says about them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import smallpolaron


def started(
    order: list[str], output: Path, ranks: int = 1, *, as_workflow: bool = False
) -> subprocess.Popen[str]:
    """Start a job of the command line; order is what it is told besides output and ranks.

    As the workflow does on one machine, it has a process group of its own and smallpolaron.launch.
    """
    beside = Path(sys.executable).with_name("mpiexec")
    mpiexec = [str(beside) if beside.exists() else "mpiexec", "-n", str(ranks)]
    launch = [sys.executable, "-m", "smallpolaron.launch", "-n", str(ranks)]
    command = [
        *(launch if as_workflow else mpiexec if ranks > 1 else []),
        sys.executable,
        "-m",
        "smallpolaron",
        *order,
        "--ranks",
        str(ranks),
    ]
    package = Path(smallpolaron.__file__).parents[1]
    return subprocess.Popen(
        [*command, "--output", str(output)],
        env=os.environ | {"PYTHONPATH": str(package), "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=as_workflow,
    )


def ranks_of(output: Path) -> list[int]:
    """Process numbers of the ranks of the job that writes this result."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_text().split("\0")
            if Path(words[0]).name.startswith("python") and str(output) in words:
                found.append(int(process.name))
    return sorted(found)


def was_sent(number: signal.Signals, process: int) -> bool:
    """Whether a signal waits for a stopped process; one that has gone needs none any more."""
    try:
        status = Path("/proc", str(process), "status").read_text()
    except OSError:
        return True
    (mask,) = (line.split()[1] for line in status.splitlines() if line.startswith("ShdPnd:"))
    return bool(int(mask, 16) >> (number - 1) & 1)
