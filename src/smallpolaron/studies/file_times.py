"""Times of files that a clock which was ahead has left in the future."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

_STEP_NS: Final = 1000
"""Time between files that get new times: as little as a float of seconds still tells apart."""


def settle_future(folder: Path, now_ns: int | None = None) -> int:
    """Give files that are dated in the future the present time; return how many.

    Snakemake refuses the output of a job if an input is dated later, however long the job took. The
    files keep their order, so that none becomes older than what it was made from.

    Args:
        folder: all files in it and below.
        now_ns: the present time, ns since the epoch; None for the clock.
    """
    now = time.time_ns() if now_ns is None else now_ns
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    ahead = {path: then for path, then in times.items() if then > now}
    order = sorted(set(ahead.values()), reverse=True)
    for path, then in ahead.items():
        settled = now - _STEP_NS * order.index(then)
        os.utime(path, ns=(settled, settled))
    return len(ahead)
