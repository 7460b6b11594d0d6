"""Faults of the whole workflow: Snakemake and its jobs in a folder of their own."""

from __future__ import annotations

import os
import re
import signal
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from smallpolaron.archive.verify import result_files
from tests.torture.disk_faults import NOT_WRITTEN
from tests.torture.disks import Missed
from tests.torture.file_faults import Damage
from tests.torture.judge import checksums
from tests.torture.processes import Process, kill_all
from tests.torture.trial import STOPPED, Trial, wait_until

_LOCKED: Final = r"Directory cannot be locked"
_ENDED: Final = r"Terminating processes on user request|Will exit after finishing currently running"
_NO_DISK: Final = r"No space left on device|Read-only file system|Permission denied"
_RACE: Final = r"the file exists|another job wrote this file"
"""What an analysis step says when the one of a killed Snakemake was faster."""
_YEAR_S: Final = 365 * 86400.0
_WORKFLOW: Final = "workflow"


def killed(trial: Trial) -> None:
    """Kill Snakemake alone: its jobs go on while it is started again."""
    process = _begun(trial)
    moment = trial.at_random(process, what=_WORKFLOW)
    if not process.over:
        process.send(signal.SIGKILL)
    _ended(trial, process)
    _note_finished(trial)
    trial.detail = f"SIGKILL to Snakemake alone after {moment:.1f} s"
    _finish(trial)


def power_failure(trial: Trial) -> None:
    """Kill Snakemake and all its jobs at once."""
    moment = _all_killed(trial)
    trial.detail = f"SIGKILL to all processes after {moment:.1f} s"
    _finish(trial)


def ended_early(trial: Trial) -> None:
    """Ask Snakemake to end: SIGTERM to itself, or Ctrl-C, which all its jobs get as well."""
    process = _begun(trial)
    number = trial.rng.choice((signal.SIGTERM, signal.SIGINT))
    moment = trial.at_random(process, what=_WORKFLOW)
    if not process.over and number == signal.SIGINT:
        process.sent.add(number)
        os.killpg(process.popen.pid, number)
    elif not process.over:
        process.send(number)
    _ended(trial, process, f"{_ENDED}|{STOPPED}")
    _note_finished(trial)
    trial.detail = f"{number.name} after {moment:.1f} s"
    _finish(trial)


def second_workflow(trial: Trial) -> None:
    """Start a second workflow in the folder of the first."""
    first = _begun(trial)
    locks = _folder(trial) / ".snakemake" / "locks"
    wait_until(lambda: any(locks.glob("*")), first, trial.bench.patience_s(_WORKFLOW))
    moment = trial.at_random(first, within=0.3, what=_WORKFLOW)
    second = _started(trial)
    trial.detail = f"the second {moment:.1f} s after the first had locked the folder"
    _ended(trial, second, _LOCKED)
    _ended(trial, first)
    _finish(trial)


def disk_full(trial: Trial) -> None:
    """Fill the disk while the workflow runs, then make room."""
    disk = trial.disk(16 << 20)
    process = _begun(trial)
    moment = trial.at_random(process, what=_WORKFLOW)
    filler = disk.fill()
    trial.detail = f"the disk is full after {moment:.1f} s"
    _ended(trial, process, f"{NOT_WRITTEN}|{_NO_DISK}")
    filler.unlink()
    _note_finished(trial)
    _finish(trial)


def read_only(trial: Trial) -> None:
    """Kill everything, start again where nothing can be written, then allow it."""
    folder = trial.lockable()
    moment = _all_killed(trial)
    folder.set_read_only(True)
    trial.detail = f"SIGKILL to all processes after {moment:.1f} s, then read-only"
    _ended(trial, _started(trial), f"{NOT_WRITTEN}|{_NO_DISK}")
    folder.set_read_only(False)
    _finish(trial)


def clock_jump(trial: Trial) -> None:
    """Kill everything and shift the times of some or all files by up to a year, back or forth."""
    process = _begun(trial)
    wait_until(lambda: _mpi_results(trial), process, trial.bench.patience_s(_WORKFLOW))
    trial.at_random(process, within=0.3, what=_WORKFLOW)
    _kill_all(trial, process)
    files = sorted(p for p in _folder(trial).rglob("*") if p.is_file())
    if not files:
        raise Missed("there was no file yet when the fault came")
    chosen = [path for path in files if trial.rng.random() < 0.7]
    jump = trial.rng.choice((-1, 1)) * trial.rng.uniform(60.0, _YEAR_S)
    for path in chosen:
        then = path.stat().st_mtime + jump
        os.utime(path, (then, then))
    trial.detail = f"times of {len(chosen)} of {len(files)} files shifted by {jump:+.0f} s"
    _finish(trial)


def damaged(damage: Damage) -> Callable[[Trial], None]:
    """Return the fault: a result of a finished workflow is damaged; deleted, it is made again."""

    def fault(trial: Trial) -> None:
        trial.bench.finished_workflow(_folder(trial))
        trial.seen.wanted = trial.bench.workflow_results(_folder(trial))
        chosen = trial.rng.choice(list(trial.seen.wanted))
        trial.detail = f"{chosen.parent.name}/{damage(chosen, trial.rng)}"
        trial.seen.must_say = [chosen.name]
        others = [path for path in _mpi_results(trial) if path != chosen]
        trial.seen.finished = checksums(others)
        _ended(trial, _started(trial), re.escape(chosen.name))
        check = trial.launch(trial.bench.verify(trial.results), "verify")
        trial.ended(check, re.escape(chosen.name), _WORKFLOW)
        chosen.unlink()
        _finish(trial)

    return fault


def _folder(trial: Trial) -> Path:
    """Return the folder in which Snakemake runs."""
    return trial.folder / "disk"


def _begun(trial: Trial) -> Process:
    """Start the workflow in an empty folder."""
    _folder(trial).mkdir(exist_ok=True)
    trial.seen.wanted = trial.bench.workflow_results(_folder(trial))
    return _started(trial)


def _started(trial: Trial, *more: str) -> Process:
    return trial.launch(trial.bench.snakemake(_folder(trial), *more), _WORKFLOW)


def _ended(trial: Trial, process: Process, clear: str = "") -> None:
    trial.ended(process, clear, _WORKFLOW)


def _all_killed(trial: Trial) -> float:
    """Start the workflow and kill all of it at a random time; return the time, s."""
    process = _begun(trial)
    moment = trial.at_random(process, what=_WORKFLOW)
    _kill_all(trial, process)
    return moment


def _kill_all(trial: Trial, process: Process) -> None:
    if not process.over:
        process.sent.add(signal.SIGKILL)
    kill_all(trial.mark)
    _ended(trial, process)
    _note_finished(trial)


def _note_finished(trial: Trial) -> None:
    """Remember the MPI results that Snakemake knows to be finished; it makes the others again."""
    incomplete = set(_incomplete(_folder(trial)))
    trial.seen.finished = checksums([p for p in _mpi_results(trial) if p not in incomplete])


def _mpi_results(trial: Trial) -> list[Path]:
    return [path for path in result_files(trial.results) if path.parent.name == "correlation"]


def _incomplete(folder: Path) -> Iterator[Path]:
    """Yield the files that Snakemake has marked as not finished."""
    marks = folder / ".snakemake" / "incomplete"
    for mark in marks.rglob("*"):
        if mark.is_file():
            name = "".join(part.removeprefix("@") for part in mark.relative_to(marks).parts)
            with suppress(ValueError):  # not the name of a file
                yield folder / urlsafe_b64decode(name).decode()


def _finish(trial: Trial) -> None:
    """Run the workflow until it succeeds, and unlock the folder when it says so."""
    while trial.may_go_on():
        _ended(trial, _started(trial), f"{_LOCKED}|{_RACE}")
        last = trial.seen.runs[-1]
        if last.status == 0:
            return
        if re.search(_LOCKED, last.said):
            _ended(trial, _started(trial, "--unlock"))
