"""One trial: a fresh folder, a job or workflow in it, a fault, and running it again to its end."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from smallpolaron.archive.verify import result_files
from smallpolaron.support.files import seal_state
from tests.torture.bench import ROOT, Bench
from tests.torture.disks import AMPLE, Disk, Folder, Missed, small_disk
from tests.torture.judge import Evidence, Verdict, checksums, judge
from tests.torture.processes import Process, end_all, start

MOST_RUNS: Final = 12
"""Runs after which a job that still has no result counts as lost."""

STOPPED: Final = (
    r"stopped by SIG(TERM|USR1|INT); (what was reached is in|nothing could be written)|interrupted"
)
_GRACE_S: Final = 30.0
"""How long what a killed command has started may take to end."""


@dataclass
class Trial:
    """One trial of a job of one point; of a workflow with workflow_trial.py.

    Attributes:
        bench: what all trials share.
        folder: folder of this trial.
        rng: decides what, where and when.
        ranks: MPI ranks of the job.
        detail: what was done, in words.
    """

    bench: Bench
    folder: Path
    rng: random.Random
    ranks: int = 1
    detail: str = ""
    seen: Evidence = field(init=False)
    _disks: ExitStack = field(default_factory=ExitStack)
    _started: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Nothing has been seen yet."""
        self.folder.mkdir(parents=True)
        (self.folder / "logs").mkdir()
        self.seen = Evidence(self.results, {})

    @property
    def results(self) -> Path:
        """Folder of the results."""
        return self.folder / "disk" / "results" / "torture"

    @property
    def output(self) -> Path:
        """The result of the job."""
        return self.results / "correlation" / f"{self.bench.points[0]}.h5"

    @property
    def checkpoints(self) -> Path:
        """Where the job keeps its checkpoints."""
        return self.output.parent / ".checkpoints" / self.output.stem

    @property
    def job(self) -> str:
        """Name of the job in the bench."""
        return f"job on {self.ranks}"

    def begin(self, ranks: int = 1) -> None:
        """Put a finished result beside the one that the job is to write."""
        self.ranks = ranks
        self.output.parent.mkdir(parents=True)
        bystander = self.output.with_name(self.bench.files["bystander"].name)
        shutil.copyfile(self.bench.files["bystander"], bystander)
        self.seen.wanted = {self.output: self.bench.result(self.job)}
        self.seen.finished = checksums([bystander])

    def launch(
        self, command: Sequence[str], name: str, environment: Mapping[str, str] | None = None
    ) -> Process:
        """Start a command, with more in its environment."""
        number = len(list((self.folder / "logs").iterdir())) + 1
        log = self.folder / "logs" / f"{number}-{name.replace(' ', '-')}.log"
        every = self.bench.environment(self.mark) | dict(environment or {})
        self._started.append(start(name, command, log, every, ROOT))
        return self._started[-1]

    def started(
        self, prefix: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> Process:
        """Start the job, perhaps by another program."""
        command = self.bench.correlation(self.output, self.ranks)
        return self.launch([*prefix, *command], self.job, environment)

    def ended(self, process: Process, clear: str = "", what: str = "") -> None:
        """Wait for a command and remember how it ended."""
        patience = self.bench.patience_s(what or self.job)
        self.seen.runs.append(process.ended(patience, clear))

    def note_finished(self) -> None:
        """Remember the result files that are finished now."""
        sound = [path for path in result_files(self.results) if seal_state(path) == "intact"]
        self.seen.finished |= checksums(sound)

    def at_random(
        self, process: Process, within: float = 1.0, what: str = "", *, must_hit: bool = True
    ) -> float:
        """Wait until a random time or until the process has ended; return the time, s.

        In one of four cases any time of its start, else one after it has begun to report.

        Raises:
            Missed: it has ended, so that a fault would disturb nothing, though it must hit.
            RuntimeError: it has failed, although nothing had disturbed it yet.
        """
        what, began = what or self.job, time.monotonic()
        if self.rng.random() < 0.25:
            process.wait(self.rng.uniform(0.0, self.bench.starting_s[what]))
        else:
            working = self.bench.seconds[what] - self.bench.starting_s[what]
            self.until_it_reports(process, what)
            process.wait(self.rng.uniform(0.0, within * working))
        if process.over and must_hit:
            if process.popen.returncode != 0:
                raise RuntimeError(f"status {process.popen.returncode} before the fault came")
            raise Missed("the command had ended before the fault came")
        return time.monotonic() - began

    def until_it_reports(self, process: Process, what: str = "") -> None:
        """Wait until a command has printed something, or has ended."""
        patience = self.bench.patience_s(what or self.job)
        wait_until(lambda: process.log.stat().st_size, process, patience)

    def finish(self, clear: str = STOPPED) -> None:
        """Run the job, again and again, until its result is there."""
        while not self.output.exists() and self.may_go_on():
            self.ended(self.started(), clear)

    def may_go_on(self) -> bool:
        """Return whether one more run makes sense: nothing hangs, and not too many so far."""
        runs = self.seen.runs
        return len(runs) < MOST_RUNS and all(run.status is not None for run in runs)

    def disk(self, size: int = AMPLE) -> Disk:
        """Put what the trial writes on a disk of its own, of this size in bytes."""
        return self._disks.enter_context(small_disk(self.folder / "disk", size))

    def lockable(self) -> Disk | Folder:
        """Put what the trial writes where writing can be forbidden; rights do not bind root."""
        if os.geteuid() == 0:
            return self.disk()
        return Folder(self.folder / "disk")

    @property
    def mark(self) -> str:
        """What all processes of this trial carry."""
        return f"{self.folder}/"

    def suffer(self, fault: Callable[[Trial], None]) -> Verdict:
        """Go through a fault and return what became of it; nothing runs or is mounted afterwards.

        Raises:
            Skipped: the fault cannot be made here.
            Missed: the fault came too late.
        """
        with self._disks:
            try:
                fault(self)
            finally:
                self.seen.left_over = end_all(self.mark, _GRACE_S)
                for process in self._started:
                    process.popen.wait()
            return judge(self.seen)


def wait_until(true: Callable[[], object], process: Process, seconds: float) -> bool:
    """Wait until something holds, while a process runs; return whether it does."""
    deadline = time.monotonic() + seconds
    while not true():
        if process.over or time.monotonic() > deadline:
            return bool(true())
        time.sleep(0.002)
    return True
