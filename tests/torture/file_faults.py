"""Damaged files: checkpoints of a killed job, and finished results."""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

from tests.torture.trial import STOPPED, Trial, wait_until

Damage = Callable[[Path, random.Random], str]


def checkpoint(damage: Damage) -> Callable[[Trial], None]:
    """Return the fault: a job is killed and some of its checkpoints are damaged."""

    def fault(trial: Trial) -> None:
        trial.begin()
        files = _killed_with_checkpoints(trial)
        chosen = trial.rng.sample(files, trial.rng.randint(1, len(files)))
        trial.detail = "; ".join(damage(path, trial.rng) for path in chosen)
        trial.seen.must_say = [f"{path}: checkpoint not used" for path in chosen]
        trial.finish()

    return fault


def _killed_with_checkpoints(trial: Trial) -> list[Path]:
    """Kill the job at a random time at which it has checkpoints; return them."""

    def found() -> list[Path]:
        return sorted(trial.checkpoints.glob("*.npz"))

    files: list[Path] = []
    while not files and trial.may_go_on():
        trial.output.unlink(missing_ok=True)  # the job was faster than the kill
        process = trial.started()
        wait_until(found, process, trial.bench.patience_s(trial.job))
        trial.at_random(process, within=0.4)
        if not process.over:
            process.send(signal.SIGKILL)
        trial.ended(process, STOPPED)
        files = found()
    return files


def result(damage: Damage) -> Callable[[Trial], None]:
    """Return the fault: a finished result is damaged.

    The check must name it. Whatever reads it must refuse it by name, unless its numbers are
    provably those that were written. Deleted, as the message says, it is made again.
    """

    def fault(trial: Trial) -> None:
        trial.begin()
        shutil.copyfile(trial.bench.files[trial.job], trial.output)
        trial.detail = damage(trial.output, trial.rng)
        trial.seen.must_say = [str(trial.output)]
        clear = str(trial.output)
        trial.ended(trial.launch(trial.bench.verify(trial.results), "verify"), clear)
        derived = trial.results / "mobility" / trial.output.name
        step = trial.launch(trial.bench.mobility(trial.output, derived), "mobility")
        trial.ended(step, clear)
        trial.ended(trial.started(), "the file exists")
        if derived.exists():
            trial.seen.wanted = {**trial.seen.wanted, derived: trial.bench.result("mobility")}
        trial.output.unlink()
        trial.finish()

    return fault
