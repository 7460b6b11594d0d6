"""Checkpoints on several ranks: the same bits on as many, the same numbers on others."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpi4py import MPI

from tests.runs.checkpoint_cases import (
    RUNS,
    Counting,
    differing,
    finished,
    job,
    numbers,
    stopped_at,
)

pytestmark = pytest.mark.mpi

WORLD, ALONE = MPI.COMM_WORLD, MPI.COMM_SELF
CLOSE = 1e-12
_STAGES = 2


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that all ranks see."""
    path = Path(WORLD.bcast(tempfile.mkdtemp() if WORLD.rank == 0 else None))
    yield path
    WORLD.Barrier()
    if WORLD.rank == 0:
        shutil.rmtree(path)


def stops(name: str, folder: Path) -> tuple[Any, list[int]]:
    """The result of a run on all ranks, and an offer in each of some of its stages."""
    counting = Counting(job(folder / "none", WORLD))
    whole = RUNS[name](checkpoints=counting, comm=WORLD)
    labels = counting.labels
    chosen = random.Random(name)
    begins = [i for i in range(len(labels)) if i == 0 or labels[i] != labels[i - 1]]
    stages = list(zip(begins, [*begins[1:], len(labels)], strict=True))
    return whole, [chosen.randrange(*stage) for stage in chosen.sample(stages, _STAGES)]


@pytest.mark.parametrize("name", ["ring", "chain", "population", "displacement"])
def test_the_same_bits_on_the_same_ranks(name: str, shared: Path) -> None:
    whole, chosen = stops(name, shared)
    for offer in chosen:
        folder = shared / str(offer)
        stopped_at(RUNS[name], folder, offer, comm=WORLD)
        assert differing(finished(RUNS[name], folder, comm=WORLD), whole) == [], offer


def test_momenta_side_by_side(shared: Path) -> None:
    whole, _ = stops("momenta", shared)
    # groups get on at their own pace: each stops at its own fifteenth offer
    stopped_at(RUNS["momenta"], shared / "job", 15, comm=WORLD)
    assert differing(finished(RUNS["momenta"], shared / "job", comm=WORLD), whole) == []


OBSERVABLES = {
    "ring": ("C_JJ", "dC_JJ", "d2C_JJ", "D_time", "D_resolvent", "sigma", "hopping_energy"),
    "chain": ("C_JJ", "dC_JJ", "d2C_JJ", "D_time", "hopping_energy"),
    "population": ("populations", "dpopulations", "d2populations", "density_matrix_final"),
    "displacement": ("msd", "dmsd", "d2msd"),
}


def worst(ours: Any, theirs: Any, names: tuple[str, ...]) -> float:
    """Largest difference of any observable, relative to the largest value of it."""
    one, other = (dict(numbers(result)) for result in (ours, theirs))
    pairs = [(one[f".{name}"], other[f".{name}"]) for name in names]
    return max(float(np.max(np.abs(a - b)) / np.max(np.abs(b))) for a, b in pairs)


@pytest.mark.parametrize("name", OBSERVABLES)
def test_from_many_ranks_to_one(name: str, shared: Path) -> None:
    whole, chosen = stops(name, shared)
    for offer in chosen:
        folder = shared / str(offer)
        stopped_at(RUNS[name], folder, offer, comm=WORLD)
        if WORLD.rank == 0:
            assert worst(finished(RUNS[name], folder), whole, OBSERVABLES[name]) < CLOSE, offer


@pytest.mark.parametrize("name", OBSERVABLES)
def test_from_fewer_ranks_to_all_to_one(name: str, shared: Path) -> None:
    whole, _ = stops(name, shared)
    fewer = WORLD.Split(int(WORLD.rank == WORLD.size - 1))
    if WORLD.rank < WORLD.size - 1:
        stopped_at(RUNS[name], shared, 20, comm=fewer)
    WORLD.Barrier()
    stopped_at(RUNS[name], shared, 20, comm=WORLD)
    if WORLD.rank == 0:
        assert worst(finished(RUNS[name], shared), whole, OBSERVABLES[name]) < CLOSE


@pytest.mark.parametrize("name", OBSERVABLES)
def test_from_one_rank_to_many(name: str, shared: Path) -> None:
    whole, chosen = stops(name, shared)
    for offer in chosen:
        folder = shared / str(offer)
        if WORLD.rank == 0:
            stopped_at(RUNS[name], folder, offer)
        WORLD.Barrier()
        result = finished(RUNS[name], folder, comm=WORLD)
        assert worst(result, whole, OBSERVABLES[name]) < CLOSE, offer
