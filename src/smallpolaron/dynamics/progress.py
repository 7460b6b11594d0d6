"""Progress of a long propagation: rate and time left, printed by rank 0 only."""

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from smallpolaron.parallel import MPI

Report = Callable[[str], None]


def to_stderr(line: str) -> None:
    """Print one line to standard error at once, if it takes it.

    A log on a full disk is no reason to end a job.
    """
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)


@dataclass
class Progress:
    """Says now and then how far a propagation is.

    Attributes:
        label: what is running.
        total_fs: physical time to cover, fs; None when the end is not known beforehand.
        comm: the communicator; ranks above 0 stay silent.
        report: where lines go.
        interval_s: least wall time between two lines, s.
    """

    label: str
    total_fs: float | None
    comm: MPI.Intracomm
    report: Report = to_stderr
    interval_s: float = 10.0
    _began: float = field(default_factory=time.perf_counter)
    _spoke: float = field(default_factory=time.perf_counter)
    _first_fs: float = 0.0

    def resumed(self, time_fs: float, origin: str) -> None:
        """Report that the propagation goes on at time_fs, which counts as its begin from now on."""
        self._first_fs = time_fs
        self.say(f"resumed at t = {time_fs:.1f} fs from {origin}")

    def at(self, time_fs: float, note: str = "") -> None:
        """Report that time_fs has been reached, if the interval has passed."""
        now = time.perf_counter()
        if now - self._spoke >= self.interval_s:
            self._spoke = now
            self.say(f"{self._status(time_fs, now)}{note}")

    def done(self, time_fs: float, products: int) -> None:
        """Report the end, with core-seconds and the number of generator products."""
        wall = time.perf_counter() - self._began
        self.say(
            f"{time_fs:.1f} fs done in {wall:.1f} s ({wall * self.comm.size:.1f} core-seconds on "
            f"{self.comm.size} ranks, {products} products with the generator)"
        )

    def say(self, text: str) -> None:
        """Print one labelled line."""
        if self.comm.rank == 0:
            self.report(f"{self.label}: {text}")

    def _status(self, time_fs: float, now: float) -> str:
        rate = (time_fs - self._first_fs) / (now - self._began)
        if self.total_fs is None:
            return f"{time_fs:.1f} fs, {rate:.2f} fs/s"
        left = (self.total_fs - time_fs) / rate if rate > 0 else float("inf")
        return f"{time_fs:.1f} of {self.total_fs:.1f} fs, {rate:.2f} fs/s, about {left:.0f} s left"
