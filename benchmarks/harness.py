"""Runs one case in a fresh process and measures its time from outside.

The peak of memory is what the case itself reads: ru_maxrss, seen from outside, never falls below
the memory that this process had when it started the child.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

_LAST_LINES = 12
"""Lines of a failed child's output that its error message quotes."""

Data = dict[str, Any]
"""Plain data, as JSON holds it."""


class CaseFailed(RuntimeError):
    """A case ended with an error or took too long."""


@dataclass(frozen=True)
class Measured:
    """What a case returned and what it took.

    Attributes:
        result: what the function returned.
        wall_s: from start to end of the process, s.
        core_s: user and system time of all its ranks, s.
        peak_mb: largest resident memory of the process (with MPI: of the largest rank) up to the
            end of the case, MB.
        ranks: per rank, its core_s and its peak_mb.
    """

    result: Data
    wall_s: float
    core_s: float
    peak_mb: float
    ranks: list[Data]

    @property
    def cost(self) -> Data:
        """Times and memory as plain data."""
        return {"wall_s": self.wall_s, "core_s": self.core_s, "peak_mb": self.peak_mb}


@dataclass(frozen=True)
class Harness:
    """How cases are run.

    Attributes:
        quick: small cases, to see that everything works; their ratios mean little.
        say: where progress goes.
    """

    quick: bool = False
    say: Callable[[str], None] = print

    def run(
        self, case: str, *, ranks: int = 1, timeout_s: float = 1800.0, **arguments: Any
    ) -> Measured:
        """Run one case.

        Args:
            case: "module:function" below benchmarks.cases.
            ranks: MPI ranks; with 1 no launcher is used.
            timeout_s: longest time, s.
            **arguments: arguments of the function, as JSON holds them.

        Returns:
            Its result and its cost.

        Raises:
            CaseFailed: it ended with an error or took too long; the message quotes its output.
        """
        self.say(f"  {case} {_short(arguments)}" + (f" on {ranks} ranks" if ranks > 1 else ""))
        with tempfile.TemporaryDirectory(prefix="smallpolaron-bench-") as folder:
            answer, log = Path(folder) / "answer.json", Path(folder) / "log"
            command = _command(case, ranks, answer)
            with log.open("wb") as sink:
                began = time.monotonic()
                child = subprocess.Popen(
                    [*command, json.dumps(arguments)],
                    cwd=ROOT,
                    env=_environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=sink,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                status, usage, late = _wait(child, timeout_s)
                wall = time.monotonic() - began
            if late:
                raise CaseFailed(f"{case} {_short(arguments)}: not done after {timeout_s:.0f} s")
            if status != 0 or not answer.exists():
                text = log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
                raise CaseFailed(f"{case} {_short(arguments)}: exit {status}\n" + "\n".join(text))
            found = json.loads(answer.read_text())
        per_rank = found["ranks"]
        peak = max(r["peak_mb"] for r in per_rank)
        # from outside: interpreter start and shutdown count too
        outside = usage.ru_utime + usage.ru_stime
        core = outside if ranks == 1 else sum(r["core_s"] for r in per_rank)
        self.say(f"    {wall:.1f} s, {core:.1f} core-s, {peak:.0f} MB")
        return Measured(found["result"], wall, core, peak, per_rank)

    def attempt(self, case: str, **arguments: Any) -> Measured | str:
        """run(), but a failure is returned as text."""
        try:
            return self.run(case, **arguments)
        except CaseFailed as error:
            self.say(f"    failed: {error}")
            return str(error)

    def attempt_all(self, case: str, many: Sequence[Data], workers: int) -> list[Measured | str]:
        """attempt() of many argument sets, several at a time: for results, not for times."""
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(lambda arguments: self.attempt(case, **arguments), many))


def _command(case: str, ranks: int, answer: Path) -> list[str]:
    python = [sys.executable]
    if ranks > 1:
        # mpi4py's runner aborts all ranks when one fails
        python = ["mpiexec", "-n", str(ranks), sys.executable, "-m", "mpi4py"]
    return [*python, "-m", "benchmarks.child", case, str(ranks), str(answer)]


def _environment() -> dict[str, str]:
    paths = [str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, **_ONE_THREAD, "PYTHONPATH": os.pathsep.join(p for p in paths if p)}


def _wait(
    child: "subprocess.Popen[bytes]", timeout_s: float
) -> tuple[int, resource.struct_rusage, bool]:
    """Wait for this child alone, with its own usage; its process group is killed when late."""
    late = threading.Event()

    def stop() -> None:
        late.set()
        os.killpg(child.pid, signal.SIGKILL)

    clock = threading.Timer(timeout_s, stop)
    clock.start()
    try:
        _, status, usage = os.wait4(child.pid, 0)
    except BaseException:
        os.killpg(child.pid, signal.SIGKILL)
        raise
    finally:
        clock.cancel()
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, usage, late.is_set()


def _short(arguments: Data) -> str:
    return " ".join(f"{name}={value}" for name, value in arguments.items())
