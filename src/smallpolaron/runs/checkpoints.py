"""The checkpoints of one MPI job: files in a hidden folder beside its result.

Every stage has two files that are written in turn, so that the previous checkpoint is there while
the next one is written; and, once the stage is over, one with its end instead.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

import smallpolaron
from smallpolaron.dynamics.checkpoints import Interrupted, Snapshot
from smallpolaron.dynamics.progress import Report, to_stderr
from smallpolaron.hierarchy.basis import Basis
from smallpolaron.parallel import MPI
from smallpolaron.results.provenance import Stopwatch, spent
from smallpolaron.runs.checkpoint_file import (
    TEMPORARY,
    Contents,
    Header,
    NotUsable,
    NotWritten,
    inspect,
    read_snapshot,
    write_checkpoint,
)
from smallpolaron.support.unavailable import cannot_read, patiently

FOLDER: Final = ".checkpoints"
_SCHEMA: Final[dict[str, str | int]] = {"schema": "smallpolaron-checkpoint", "schema_version": 4}
"""Whenever stages record something else the version must rise: see the tests."""
_END: Final = ".npz"
_ASIDE: Final = ".set-aside"
_LEAST_SHARE: Final = 100.0
"""Run time between two checkpoints over the time that writing the last one took, at least."""
_HELD_BYTES: Final = 1 << 26
"""Ends of stages that a rank keeps in memory until a checkpoint is written anyway."""
_GO_ON, _WRITE, _STOP = range(3)


def folder_of(output: Path) -> Path:
    """Return the folder of the checkpoints of the job that writes this result."""
    return output.parent / FOLDER / output.stem


@dataclass
class JobCheckpoints:
    """Checkpoints of one job; see dynamics.checkpoints.

    Attributes:
        folder: where they are.
        job: what the job computes: hash of its parameters, protocol.
        interval_s: wall time between two checkpoints, s.
        comm: all ranks of the job.
        report: where rank 0 says what it found.
        watch: started when the job began.
        earlier: what earlier submissions of the job took, as far as is known; see provenance.spent.
    """

    folder: Path
    job: Mapping[str, str]
    interval_s: float
    comm: MPI.Intracomm
    report: Report = to_stderr
    watch: Stopwatch = field(default_factory=Stopwatch)
    earlier: dict[str, float] = field(init=False, default_factory=dict)
    _asked: Counter[str] = field(default_factory=Counter)
    _held: list[_Stage] = field(default_factory=list)
    _stop: str = ""
    _next: float = field(init=False)

    def __post_init__(self) -> None:
        """Remove what a killed job left half-written."""
        self._next = time.monotonic() + self.interval_s
        if self.comm.rank == 0:
            for path in self.folder.glob(f".*{TEMPORARY}"):
                _quietly(path.unlink)

    @property
    def header(self) -> Header:
        """What every file of this job must say."""
        return {**_SCHEMA, "package_version": smallpolaron.__version__, **self.job}

    @property
    def spent(self) -> dict[str, float]:
        """What this job and its earlier submissions have taken so far; see provenance.spent."""
        return spent(self.watch, self.comm.size, self.earlier)

    def resumed(self, header: Header) -> None:
        """Take over from a checkpoint what had been spent when it was written."""
        for name in self.spent:
            self.earlier[name] = max(self.earlier.get(name, 0.0), float(header[name]))

    def stop(self, why: str) -> None:
        """Ask the job to stop at the next opportunity; safe in a signal handler."""
        self._stop = why

    def stage(self, label: str, basis: Basis, *settings: object) -> _Stage:
        """Return the next stage of this label."""
        self._asked[label] += 1
        name = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")
        problem = repr((basis.model, basis.expansion, basis.sector, *settings))
        digest = hashlib.sha256(problem.encode()).hexdigest()
        return _Stage(self, f"{name}-{self._asked[label]}", digest, basis.comm)

    def remove(self) -> None:
        """Remove all checkpoints, once the result is there; on one rank."""
        for path in self.folder.glob(f"*{_END}"):
            _quietly(path.unlink)
        for folder in (self.folder, self.folder.parent):
            _quietly(folder.rmdir)  # what was set aside stays

    def agree(self, comm: MPI.Intracomm) -> int:
        """Return what the ranks of a stage do now (collective)."""
        due = comm.rank == 0 and time.monotonic() >= self._next
        mine = np.array(_STOP if self._stop else _WRITE if due else _GO_ON)
        comm.Allreduce(MPI.IN_PLACE, mine, op=MPI.MAX)
        return int(mine)

    def hold(self, stage: _Stage) -> None:
        """Keep the end of a stage in memory, or write it if that is much (collective)."""
        self._held.append(stage)
        mine = sum(each.held_bytes for each in self._held)
        lasts = MPI.Comm.Compare(stage.comm, self.comm) == MPI.IDENT
        full = not lasts or stage.comm.allreduce(mine, op=MPI.MAX) > _HELD_BYTES
        if full and not self.write(stage.comm):
            # a later job computes these stages again; memory is what this one needs more
            self._held.clear()

    def write(self, comm: MPI.Intracomm, *more: Callable[[], None]) -> bool:
        """Write the ends of stages and what else there is (collective); return whether it worked.

        A job whose checkpoints cannot be written continues without them.
        """
        began = time.monotonic()
        mine = [each for each in self._held if each.comm == comm]
        try:
            for stage in mine:
                stage.write_end()
                self._held.remove(stage)
            for write in more:
                write()
        except NotWritten as error:
            self.say(comm, f"checkpoint not written, the run continues without it: {error}")
            return False
        finally:
            took = time.monotonic() - began
            self._next = time.monotonic() + max(self.interval_s, _LEAST_SHARE * took)
        return True

    def interrupt(self, comm: MPI.Intracomm, written: bool) -> Interrupted:
        """Return what to raise when the job is to stop."""
        why = next(filter(None, comm.allgather(self._stop)))
        where = f"what was reached is in {self.folder}" if written else "nothing could be written"
        return Interrupted(f"stopped by {why}; {where}")

    def say(self, comm: MPI.Intracomm, line: str) -> None:
        """Report from one rank of a stage."""
        if comm.rank == 0:
            self.report(line)


@dataclass(eq=False)
class _Stage:
    """One stage of a job."""

    job: JobCheckpoints
    name: str
    problem: str
    comm: MPI.Intracomm
    _sequence: int = 0
    _end: Snapshot | None = None
    _over: bool = False

    def latest(self) -> Snapshot | None:
        """Return what an earlier job reached: the newest checkpoint that can be trusted.

        Raises:
            Interrupted: a checkpoint cannot be read now; raised on all ranks.
        """
        found: tuple[Path, Contents] | str | None = None
        if self.comm.rank == 0:
            found = self._newest()
        found = self.comm.bcast(found)
        if found is None:
            return None
        if isinstance(found, str):
            raise Interrupted(found)
        path, contents = found
        self._sequence = int(contents.header["sequence"])
        self.job.resumed(contents.header)
        snapshot = read_snapshot(path, contents, self.comm)
        self._over = snapshot.finished
        return snapshot

    def offer(self, make: Callable[[], Snapshot]) -> None:
        """Write a checkpoint if it is time, and stop if the job is to stop."""
        wanted = self.job.agree(self.comm)
        if wanted == _GO_ON:
            return
        written = self.job.write(self.comm, lambda: self._write_now(make()))
        if wanted == _STOP:
            raise self.job.interrupt(self.comm, written)

    def finish(self, make: Callable[[], Snapshot]) -> None:
        """Keep the end of the stage."""
        if not self._over:
            self._end, self._over = make(), True
            self.job.hold(self)

    @property
    def held_bytes(self) -> int:
        """Memory of the end of the stage on this rank."""
        end = self._end
        return 0 if end is None else end.x.nbytes + end.placement.keys.nbytes

    def write_end(self) -> None:
        """Write the end of the stage; it stands for all that was written before."""
        assert self._end is not None
        self._write(self._path("end"), self._end)
        self._end = None
        if self.comm.rank == 0:
            for slot in "ab":
                _quietly(self._path(slot).unlink)

    def _write_now(self, snapshot: Snapshot) -> None:
        self._write(self._path("ab"[self._sequence % 2]), snapshot)

    def _write(self, path: Path, snapshot: Snapshot) -> None:
        if self.comm.rank == 0:
            _quietly(lambda: path.parent.mkdir(parents=True, exist_ok=True))
        header = {**self._header, **self.job.spent, "sequence": self._sequence + 1}
        write_checkpoint(path, header, snapshot, self.comm)
        self._sequence += 1

    @property
    def _header(self) -> Header:
        return {**self.job.header, "stage": self.name, "problem": self.problem}

    def _path(self, slot: str) -> Path:
        return self.job.folder / f"{self.name}.{slot}{_END}"

    def _newest(self) -> tuple[Path, Contents] | str | None:
        """Return the newest checkpoint that can be trusted, or why one cannot be read now.

        Without it the job would start further back and write over it.
        """
        usable = []
        for path in map(self._path, ("a", "b", "end")):
            try:
                usable.append((path, patiently(partial(inspect, path, self._header))))
            except FileNotFoundError:
                continue
            except NotUsable as reason:
                self._set_aside(path, reason)
            except (OSError, MemoryError) as error:
                return f"{cannot_read(path, error)}, or delete it to start from the beginning"
        return max(usable, key=lambda pair: int(pair[1].header["sequence"]), default=None)

    def _set_aside(self, path: Path, reason: NotUsable) -> None:
        aside = path.with_name(path.name + _ASIDE)
        _quietly(lambda: path.replace(aside))
        self.job.report(f"{path}: checkpoint not used: {reason}; set aside as {aside.name}")


def _quietly(action: Callable[[], object]) -> None:
    """Do what is good to have done but no reason to fail."""
    with suppress(OSError):
        action()
