"""Requests to stop: kept until a job can, passed on to it, and what ends a job that cannot."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import smallpolaron
from smallpolaron.support.signals import stop_requests

NUMBERS = (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Job:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def stop(self, why: str) -> None:
        self.asked.append(why)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_request_reaches_the_job_whenever_it_comes(number: signal.Signals) -> None:
    early, late, never = Job(), Job(), Job()
    with stop_requests() as request:
        os.kill(os.getpid(), number)
        request.serve(early)
    with stop_requests() as request:
        request.serve(late)
        os.kill(os.getpid(), number)
    with stop_requests() as request:
        request.serve(never)
    assert (early.asked, late.asked, never.asked) == ([number.name], [number.name], [])


def test_handlers_are_put_back_and_survive_a_library_that_takes_them() -> None:
    before = [signal.getsignal(number) for number in NUMBERS]
    job = Job()
    with stop_requests() as request:
        for number in NUMBERS:
            signal.signal(number, signal.SIG_DFL)
        request.serve(job)
        os.kill(os.getpid(), signal.SIGTERM)
    assert job.asked == ["SIGTERM"]
    assert [signal.getsignal(number) for number in NUMBERS] == before


def test_under_nohup_a_lost_connection_is_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    job = Job()
    try:
        with stop_requests() as request:
            request.serve(job)
            os.kill(os.getpid(), signal.SIGHUP)
        assert job.asked == []
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_second_ctrl_c_does_not_wait() -> None:
    with stop_requests() as request:
        request.serve(Job())
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


ENDLESS = """
import os, signal, sys
from smallpolaron.support.signals import stop_requests
with stop_requests() as request:
    when, number = sys.argv[1], int(sys.argv[2])
    if when == "early":
        os.kill(os.getpid(), number)
    request.serve(None)
    if when == "late":
        os.kill(os.getpid(), number)
    print("computed")
"""


@pytest.mark.parametrize("when", ["early", "late"])
@pytest.mark.parametrize("number", NUMBERS)
def test_without_anything_to_save(when: str, number: signal.Signals) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDLESS, when, str(int(number))],
        env=os.environ | {"PYTHONPATH": str(Path(smallpolaron.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    warned = number == signal.SIGUSR1
    assert done.returncode == (0 if warned else -number)
    assert done.stdout == ("computed\n" if warned else "")


ENDING = """
import atexit, os, runpy, sys
atexit.register(lambda: os.kill(os.getpid(), int(sys.argv.pop())))
sys.argv = ["smallpolaron", "validate", sys.argv[1], sys.argv[2]]
from smallpolaron import cli
cli.main = lambda: 0
runpy.run_module("smallpolaron", run_name="__main__")
"""


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM])
def test_a_warning_while_the_process_ends_does_not_make_it_fail(number: signal.Signals) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDING, "study.yaml", str(int(number))],
        env=os.environ | {"PYTHONPATH": str(Path(smallpolaron.__file__).parents[1])},
        check=False,
    )
    assert done.returncode == 0


IMPORTED = """
import sys
from smallpolaron.cli import main
from smallpolaron.support import signals
def serve(*_):
    print(sorted({"numpy", "pydantic", "h5py", "mpi4py"} & set(sys.modules)))
    sys.exit(0)
signals.StopRequest = serve
main(["correlation", "--plan", "p", "--point", "x", "--ranks", "1", "--output", "o"])
"""


def test_a_job_is_ready_for_signals_before_its_slow_imports() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED],
        env=os.environ | {"PYTHONPATH": str(Path(smallpolaron.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_a_warning_while_petsc_has_just_started_is_kept() -> None:
    code = """
import os, signal
from smallpolaron.support.signals import stop_requests
with stop_requests() as request:
    from petsc4py import PETSc
    from smallpolaron.runs import dynamics_jobs
    os.kill(os.getpid(), signal.SIGTERM)
    print(request._came)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, str(signal.SIGTERM))
