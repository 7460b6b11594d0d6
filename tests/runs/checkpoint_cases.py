"""Jobs that are stopped at chosen moments and go on, for the tests of checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI

from smallpolaron.dynamics.checkpoints import Checkpoints, Interrupted, Snapshot, Stage
from smallpolaron.dynamics.displacement import compute_displacement
from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.limits import Truncation
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.runs.checkpoints import JobCheckpoints
from tests.dynamics.cases import CHAIN, EXPANSION, correlate, fixed, populate, ring, silent

JOB = {"configuration_hash": "c0ffee", "protocol": "current"}
NEVER_S = 1e6


def same_bath(_terms: int) -> Any:
    """Return the bath of all these cases, whatever the number of terms."""
    return EXPANSION


def displace(model: Any, **more: Any) -> Any:
    settings = {"comm": MPI.COMM_SELF, "report": silent, "sample_fs": 2.0} | more
    return compute_displacement(
        model, EXPANSION, Accuracy(5e-3), start="marcus", duration_fs=50.0, **settings
    )


RUNS: dict[str, Callable[..., Any]] = {
    "ring": lambda **more: correlate(
        ring(4), 2e-3, 60.0, more_terms=same_bath, frequencies=(0.03,), **more
    ),
    "chain": lambda **more: correlate(CHAIN, 2e-3, 60.0, more_terms=same_bath, **more),
    "fixed": lambda **more: fixed(
        CHAIN, EXPANSION, Truncation(6, (1.0, 2.0)), 60.0, frequencies=(0.03,), **more
    ),
    "population": lambda **more: populate(ring(4), "marcus", 1, more_terms=same_bath, **more),
    "momenta": lambda **more: populate(ring(4), "marcus", 1, symmetry="momentum", **more),
    "displacement": lambda **more: displace(ring(15), more_terms=same_bath, **more),
}


class Counting:
    """Passes everything on to the checkpoints of a job, and does something at chosen offers."""

    def __init__(self, inner: JobCheckpoints) -> None:
        self.inner, self.offers = inner, 0
        self.at: dict[int, Callable[[], None]] = {}
        self.labels: list[str] = []

    def stage(self, label: str, basis: Basis, *settings: object) -> Stage:
        return _Counted(self, self.inner.stage(label, basis, *settings), label)


class _Counted:
    def __init__(self, owner: Counting, inner: Stage, label: str) -> None:
        self.owner, self.inner, self.label = owner, inner, label
        self.latest, self.finish = inner.latest, inner.finish

    def offer(self, make: Callable[[], Snapshot]) -> None:
        number = self.owner.offers
        self.owner.offers += 1
        self.owner.labels.append(self.label)
        self.owner.at.get(number, lambda: None)()
        self.inner.offer(make)


def job(folder: Path, comm: MPI.Intracomm = MPI.COMM_SELF, **more: Any) -> JobCheckpoints:
    settings = {"interval_s": NEVER_S, "report": silent} | more
    return JobCheckpoints(folder, JOB, comm=comm, **settings)


def stopped_at(run: Callable[..., Any], folder: Path, offer: int, **more: Any) -> Counting:
    """Start, or go on with, a job and stop it at an offer; the result must not be reached."""
    inner = job(folder, **more)
    counting = Counting(inner)
    counting.at[offer] = lambda: inner.stop("the test")
    comm = more.get("comm", MPI.COMM_SELF)
    try:
        run(checkpoints=counting, comm=comm)
    except Interrupted:
        return counting
    raise AssertionError(f"the job ended before offer {offer}")


def finished(run: Callable[..., Any], folder: Path, **more: Any) -> Any:
    """Go on with a job to its end."""
    checkpoints: Checkpoints = job(folder, **more)
    return run(checkpoints=checkpoints, comm=more.get("comm", MPI.COMM_SELF))


def numbers(result: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every number of a result with its name."""
    if is_dataclass(result):
        for each in fields(result):
            yield from numbers(getattr(result, each.name), f"{name}.{each.name}")
    elif isinstance(result, Mapping):
        for key, value in result.items():
            yield from numbers(value, f"{name}.{key}")
    else:
        yield name, np.asarray(result)


def differing(one: Any, other: Any) -> list[str]:
    """Names of the numbers that differ in any bit."""
    pairs = zip(numbers(one), numbers(other), strict=True)
    return [name for (name, a), (_, b) in pairs if a.tobytes() != b.tobytes() or a.shape != b.shape]
