"""Runs of Snakemake within a run, which show what there is of a study."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_VARIABLE: Final = "SMALLPOLARON_SO_FAR"
_STAGES: Final = (("derive", "derived"), ("show", "all"))
"""First what follows from the results of the MPI jobs is made, then what has been made is shown;
with the target of each."""
_FLAGS: Final = (
    *("--rerun-triggers", "mtime", "params", "input"),
    *("--rerun-incomplete", "--keep-going"),
)


def stage() -> str | None:
    """Return which of these runs this process belongs to: derive, show, or None for neither."""
    return os.environ.get(_VARIABLE)


def show(command: Sequence[str], log: Path) -> bool:
    """Make tables, figures and report of what there is.

    Args:
        command: Snakemake for the study, without targets.
        log: where both runs write.

    Returns:
        Whether all of it could be made.
    """
    with log.open("w", encoding="utf-8") as stream:
        for name, target in _STAGES:
            ended = subprocess.run(
                [*command, *_FLAGS, target],
                env={**os.environ, _VARIABLE: name},
                stdout=stream,
                stderr=subprocess.STDOUT,
                check=False,
            )
    return ended.returncode == 0
