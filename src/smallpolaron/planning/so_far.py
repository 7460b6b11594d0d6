"""Runs of Snakemake within a run, which show what there is of a study."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

_STAGES: Final = (("derive", "derived"), ("show", "all"))
"""First what follows from the results of the MPI jobs is made, then what has been made is shown;
with the target of each."""
_FLAGS: Final = (
    *("--rerun-triggers", "mtime", "params", "input"),
    *("--rerun-incomplete", "--keep-going"),
)


def show(command: Callable[[str], Sequence[str]], log: Path) -> bool:
    """Make tables, figures and report of what there is.

    Args:
        command: returns Snakemake for the study, without targets, by the name of the run: derive
            or show.
        log: where both runs write.

    Returns:
        Whether all of it could be made.
    """
    with log.open("w", encoding="utf-8") as stream:
        for name, target in _STAGES:
            ended = subprocess.run(
                [*command(name), *_FLAGS, target],
                stdout=stream,
                stderr=subprocess.STDOUT,
                check=False,
            )
    return ended.returncode == 0
