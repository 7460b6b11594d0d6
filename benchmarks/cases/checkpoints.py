"""A job of a study with checkpoints: whole, stopped by a signal, or going on."""

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mpi4py import MPI

from benchmarks.cases.rings import debye, ring
from benchmarks.harness import ROOT
from smallpolaron.dynamics.checkpoints import NO_CHECKPOINTS, Checkpoints, Interrupted
from smallpolaron.dynamics.population import compute_population
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.planning.study import load_plan
from smallpolaron.runs import engine_runs
from smallpolaron.runs.checkpoints import JobCheckpoints
from smallpolaron.study.plan import Point
from smallpolaron.study.sections import Protocol
from smallpolaron.support.signals import stop_requests

_LARGEST = 10**9


@dataclass
class _Watched(JobCheckpoints):
    """Checkpoints that tell what they took.

    Attributes:
        written: bytes and seconds of every time something was written.
        asked_s: time spent asking the clock and the other ranks whether to write.
        first_s: processor time of this process at its first step that was not taken before.
    """

    written: list[dict[str, float]] = field(default_factory=list)
    asked_s: float = 0.0
    first_s: float | None = None

    def agree(self, comm: MPI.Intracomm) -> int:
        """Note when the job gets on, and how long asking takes."""
        if self.first_s is None:
            self.first_s = time.process_time()
        began = time.perf_counter()
        answer = super().agree(comm)
        self.asked_s += time.perf_counter() - began
        return answer

    def write(self, comm: MPI.Intracomm, *more: Callable[[], None]) -> bool:
        """Measure the writing."""
        before, began = _files(self.folder), time.perf_counter()
        done = super().write(comm, *more)
        seconds = time.perf_counter() - began
        new = _files(self.folder) - before
        self.written.append({"seconds": seconds, "bytes": sum(size for _, _, size in new)})
        return done


def _files(folder: Path) -> set[tuple[str, int, int]]:
    states = ((path.name, path.stat()) for path in folder.glob("*.npz"))
    return {(name, state.st_mtime_ns, state.st_size) for name, state in states}


def population(
    config: str,
    axes: dict[str, str],
    start: Protocol,
    interval_s: float | None,
    folder: str,
    stop_after_s: float | None = None,
) -> dict[str, Any]:
    """Populations of one point of a study, without writing the result.

    Args:
        config: the study, below config/.
        axes: what its grid says about the point.
        start: "franck_condon" or "marcus".
        interval_s: time between checkpoints, s; None for none.
        folder: where they are; the job goes on from those that are there.
        stop_after_s: the process gets SIGUSR1 this long after the computation began.

    Returns:
        Wall and processor time of the computation, without imports and loading of compiled code;
        processor time before the first step that was not taken before; time spent asking whether
        to write, and what was written; labels and products; whether the job reached its end.
    """
    point = _point(config, axes)
    _load_compiled_code()
    checkpoints = None
    if interval_s is not None:
        job = {"configuration_hash": point.hash, "protocol": start}
        checkpoints = _Watched(Path(folder), job, interval_s, MPI.COMM_SELF)
    if stop_after_s is not None:
        alarm = threading.Timer(stop_after_s, os.kill, (os.getpid(), signal.SIGUSR1))
        alarm.daemon = True
        alarm.start()
    began, cpu = time.perf_counter(), time.process_time()
    found = _computed(point, start, checkpoints)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
    first = checkpoints.first_s if checkpoints else None
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "before_first_step_s": None if first is None else first - cpu,
        "asked_s": checkpoints.asked_s if checkpoints else 0.0,
        "written": checkpoints.written if checkpoints else [],
        **found,
    }


def _computed(point: Point, start: Protocol, checkpoints: _Watched | None) -> dict[str, Any]:
    kept: Checkpoints = checkpoints or NO_CHECKPOINTS
    try:
        with stop_requests() as request:
            request.serve(checkpoints)
            found = engine_runs.compute(point.parameters, start, _LARGEST, kept)
    except Interrupted:
        return {"finished": False}
    assert found is not None
    variables = {name.rpartition("/")[2]: each.data for name, each in found[0].items()}
    return {
        "finished": True,
        "labels": variables["n_unknowns"],
        "products": variables["products_production"],
    }


def _point(config: str, axes: dict[str, str]) -> Point:
    """The first point of a study whose grid values include these."""
    plan = load_plan(ROOT / "config" / config)
    return next(point for point in plan.points if axes.items() <= point.axes.items())


def _load_compiled_code() -> None:
    compute_population(
        ring(4),
        expand(debye(50.0, 50.0), 300.0, terms=1),
        Accuracy(0.05),
        start="marcus",
        site=0,
        duration_fs=20.0,
        comm=MPI.COMM_SELF,
        report=lambda _line: None,
    )
