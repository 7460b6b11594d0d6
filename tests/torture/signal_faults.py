"""Jobs that are killed or warned: SIGKILL, SIGTERM, SIGUSR1, time limits, one rank of two."""

from __future__ import annotations

import signal
from collections.abc import Callable

from tests.torture.bench import ROOT
from tests.torture.disks import Missed
from tests.torture.processes import marked
from tests.torture.trial import STOPPED, Trial

_RANK_DIED = r"BAD TERMINATION|KILLED BY SIGNAL: \d+|exited on signal \d+"
_GROWTH = 1.25
"""A job that ran out of time gets so much more, as on a cluster."""


def signalled(number: signal.Signals) -> Callable[[Trial], None]:
    """Return the fault: a signal at random times, up to three times in a row."""

    def fault(trial: Trial) -> None:
        trial.begin()
        moments: list[str] = []
        for _ in range(trial.rng.choice((1, 1, 2, 3))):
            process = trial.started()
            moments.append(f"{trial.at_random(process, must_hit=not moments):.2f}")
            if not process.over:
                process.send(number)
            trial.ended(process, STOPPED)
            if trial.output.exists():
                break
        trial.detail = f"{number.name} after {' and '.join(moments)} s"
        trial.finish()

    return fault


def one_rank(*numbers: signal.Signals) -> Callable[[Trial], None]:
    """Return the fault: a signal to one of two ranks."""

    def fault(trial: Trial) -> None:
        trial.begin(ranks=2)
        number = trial.rng.choice(numbers)
        process = trial.started()
        moment = trial.at_random(process)
        ranks = marked(trial.mark, (trial.bench.program[0], "correlation", str(trial.output)))
        # mpiexec has the same words in its command, before those of the ranks
        ranks = [rank for rank in ranks if rank != process.popen.pid]
        if not ranks:
            raise Missed("no rank had started, or none was left, when the fault came")
        chosen = trial.rng.randrange(len(ranks))
        process.send(number, to=ranks[chosen])
        trial.detail = f"{number.name} to process {chosen} of {len(ranks)} after {moment:.2f} s"
        trial.ended(process, f"{STOPPED}|{_RANK_DIED}")
        trial.finish()

    return fault


def time_limit(number: signal.Signals) -> Callable[[Trial], None]:
    """Return the fault: a time limit that is shorter than the job, which is submitted again."""

    def fault(trial: Trial) -> None:
        trial.begin()
        limit = trial.rng.uniform(0.3, 0.9) * trial.bench.seconds[trial.job]
        trial.detail = f"{number.name} at the limit of {limit:.2f} s, {_GROWTH} times that next"
        while not trial.output.exists() and trial.may_go_on():
            prefix = ("timeout", "-s", number.name[3:], "-k", "60", f"{limit:.3f}")
            process = trial.started(prefix)
            process.sent.add(number)
            trial.ended(process, STOPPED)
            limit *= _GROWTH
        if trial.seen.runs[0].status == 0:
            raise Missed("the job ended within its time limit")

    return fault


def log_full(trial: Trial) -> None:
    """Let the job print to a device that is full."""
    trial.begin()
    process = trial.started(prefix=("sh", "-c", 'exec "$@" >/dev/full 2>&1', "sh"))
    trial.ended(process)
    trial.detail = "all that is printed goes to /dev/full"
    trial.finish()


def second_job(trial: Trial) -> None:
    """Start the same job twice."""
    trial.begin()
    clear = r"the file exists|another job wrote this file|" + STOPPED
    first = trial.started()
    moment = trial.at_random(first)
    second = trial.started()
    trial.detail = f"the second {moment:.2f} s after the first"
    trial.ended(first, clear)
    trial.ended(second, clear)
    trial.finish()


def clock_jump(trial: Trial) -> None:
    """Let the clock jump by up to a year, back or forth, in the job and in its second run."""
    trial.begin()
    jumps = []
    while not trial.output.exists() and trial.may_go_on():
        after = trial.rng.uniform(0.0, trial.bench.seconds[trial.job])
        jump = trial.rng.choice((-1, 1)) * 10 ** trial.rng.uniform(1, 7.5)
        jumps.append(f"{jump:+.0f} s after {after:.2f} s")
        path = f"{ROOT / 'tests' / 'torture' / 'clock'}:{ROOT / 'src'}"
        clock = {"PYTHONPATH": path, "TORTURE_CLOCK": f"{after} {jump}"}
        process = trial.started(environment=clock)
        if len(jumps) == 1:
            trial.at_random(process)
            if not process.over:
                process.send(signal.SIGKILL)
        trial.ended(process, STOPPED)
    trial.detail = f"the clock jumps {' and '.join(jumps)}"
