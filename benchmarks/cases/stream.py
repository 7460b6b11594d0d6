"""STREAM triad: the rate at which one core moves data through long vectors."""

import time

import numba
import numpy as np
from numpy.typing import NDArray

BYTES_PER_ELEMENT = 24
"""STREAM's own count: two reads and one write of 8 bytes; write-allocation is not counted."""


@numba.njit(fastmath=True, cache=True)
def triad(a, b, c, scalar):  # type: ignore[no-untyped-def]
    """A = b + scalar c; shapes (n,)."""
    for i in range(len(a)):
        a[i] = b[i] + scalar * c[i]


def triad_rate(total_bytes: int, least_seconds: float = 1.0) -> float:
    """Best rate over repetitions, bytes/s.

    Args:
        total_bytes: size of the three arrays together.
        least_seconds: repeat for at least so long, and ten times.
    """
    a, b, c = _arrays(max(total_bytes // BYTES_PER_ELEMENT, 1))
    triad(a, b, c, 3.0)
    best, repeats, began = np.inf, 0, time.perf_counter()
    while repeats < 10 or time.perf_counter() - began < least_seconds:
        start = time.perf_counter()
        triad(a, b, c, 3.0)
        best = min(best, time.perf_counter() - start)
        repeats += 1
    return float(BYTES_PER_ELEMENT * len(a) / best)


def _arrays(n: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    return np.zeros(n), np.full(n, 2.0), np.full(n, 0.5)


def on_all_ranks(total_bytes: int) -> dict[str, float]:
    """Triad on every rank at the same time, each with its own arrays: sum of the rates, bytes/s."""
    from mpi4py import MPI

    comm = MPI.COMM_WORLD
    a, b, c = _arrays(total_bytes // BYTES_PER_ELEMENT)
    triad(a, b, c, 3.0)
    best = 0.0
    for _ in range(10):
        comm.Barrier()
        start = time.perf_counter()
        triad(a, b, c, 3.0)
        seconds = comm.allreduce(time.perf_counter() - start, op=MPI.MAX)
        best = max(best, comm.size * BYTES_PER_ELEMENT * len(a) / seconds)
    return {"bytes_per_s": best}
