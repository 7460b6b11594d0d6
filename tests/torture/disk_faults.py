"""Jobs whose disk is full, or read-only, or that may not write large files."""

from __future__ import annotations

from typing import Final

from tests.torture.trial import Trial

NOT_WRITTEN: Final = (
    r"cannot be written \((No space left on device|File too large"
    r"|Read-only file system|Permission denied)\)"
)
_SMALL: Final = 8 << 20
"""Size of a disk that is filled, in bytes."""


def too_small(trial: Trial) -> None:
    """Run the job on a disk that is too small for its result, then make room."""
    disk = trial.disk()
    trial.begin()
    need = trial.bench.files[trial.job].stat().st_size
    free = trial.rng.randrange(4096, need + need // 4)
    disk.resize(disk.used + free)
    trial.detail = f"{free} bytes free at the start, the result has {need}"
    trial.ended(trial.started(), NOT_WRITTEN)
    disk.resize(_SMALL)
    trial.finish()


def filled(trial: Trial) -> None:
    """Fill the disk while the job runs, then make room."""
    disk = trial.disk(_SMALL)
    trial.begin()
    process = trial.started()
    moment = trial.at_random(process)
    filler = disk.fill()
    trial.detail = f"the disk is full after {moment:.2f} s"
    trial.ended(process, NOT_WRITTEN)
    filler.unlink()
    trial.finish()


def limited(trial: Trial) -> None:
    """Let the job write small files only, once it works: MPI does not start without large ones."""
    trial.begin()
    need = trial.bench.files[trial.job].stat().st_size
    limit = trial.rng.randrange(16 << 10, need + need // 4)
    process = trial.started()
    trial.until_it_reports(process)
    process.limit_files(limit)
    trial.detail = f"no file may exceed {limit} bytes, the result has {need}"
    trial.ended(process, NOT_WRITTEN)
    trial.finish()


def read_only(trial: Trial) -> None:
    """Forbid writing before the job starts or while it runs, then allow it again."""
    folder = trial.lockable()
    trial.begin()
    if trial.rng.random() < 0.3:
        folder.set_read_only(True)
        process, moment = trial.started(), 0.0
    else:
        process = trial.started()
        moment = trial.at_random(process)
        folder.set_read_only(True)
    trial.detail = f"read-only after {moment:.2f} s"
    trial.ended(process, NOT_WRITTEN)
    folder.set_read_only(False)
    trial.finish()
