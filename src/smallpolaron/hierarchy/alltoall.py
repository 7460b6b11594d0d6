"""One all-to-all of rows of unequal number."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from smallpolaron.parallel import MPI

Number = TypeVar("Number", np.uint64, np.int64, np.complex128)


def swap(
    comm: MPI.Intracomm, rows: NDArray[Number], counts: NDArray[np.int64]
) -> tuple[NDArray[Number], NDArray[np.int64]]:
    """Send consecutive blocks of rows, counts[r] of them to rank r (collective).

    Returns:
        What arrives, in the order of the ranks it comes from, and how many rows from each.
    """
    arriving = np.empty_like(counts)
    comm.Alltoall(counts, arriving)
    width = int(np.prod(rows.shape[1:], dtype=np.int64))
    received = np.empty((int(arriving.sum()), *rows.shape[1:]), dtype=rows.dtype)
    comm.Alltoallv([np.ascontiguousarray(rows), counts * width], [received, arriving * width])
    return received, arriving
