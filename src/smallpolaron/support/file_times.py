"""Times of files that a clock which was ahead has left in the future."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_STEP_NS: Final = 1000
"""Time between files that get new times: as little as a float of seconds still tells apart."""


def settle_future(folder: Path, now_ns: int | None = None) -> int:
    """Give files that are dated in the future the present time, if allowed; return how many.

    Snakemake refuses the output of a job if an input is dated later, however long the job took. The
    files keep their order, so that none becomes older than what it was made from.

    Args:
        folder: all files in it and below.
        now_ns: the present time, ns since the epoch; None for the clock.
    """
    now = time.time_ns() if now_ns is None else now_ns
    ahead = {path: then for path, then in _times(folder) if then > now}
    order = sorted(set(ahead.values()), reverse=True)
    for path, then in ahead.items():
        settled = now - _STEP_NS * order.index(then)
        with suppress(OSError):  # Snakemake says which it cannot use
            os.utime(path, ns=(settled, settled))
    return len(ahead)


def _times(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield the files below a folder and their times; some may be removed meanwhile."""
    for parent, _, names in os.walk(folder):
        for path in (Path(parent, name) for name in names):
            with suppress(OSError):
                yield path, path.stat().st_mtime_ns
