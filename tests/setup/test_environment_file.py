"""The file that a shell reads to work in the environment."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from bootstrap.environment import COMMON


def read(**variables: str) -> str:
    """Return what a shell says when it reads the file."""
    environment = {k: v for k, v in os.environ.items() if k != "XDG_CACHE_HOME"} | variables
    done = subprocess.run(
        ["/bin/sh", "-euc", COMMON], env=environment, capture_output=True, text=True, check=True
    )
    return done.stderr


@pytest.mark.parametrize("name", ["HOME", "XDG_CACHE_HOME"])
def test_a_cache_that_cannot_be_written_is_said(name: str, tmp_path: Path) -> None:
    assert "set XDG_CACHE_HOME" in read(**{name: "/proc/none"})
    assert read(**{name: str(tmp_path)}) == ""
