"""The file that a shell reads to work in the environment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import cache_from_source
from pathlib import Path

import pytest
from bootstrap.environment import COMMON, compile_sources
from bootstrap.settings import Settings


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


@pytest.mark.parametrize("packages", [False, True])
def test_byte_code_is_made(settings: Callable[..., Settings], packages: bool) -> None:
    chosen = settings()
    site = chosen.venv / "lib" / "python3.11" / "site-packages"
    own, other = chosen.root / "src" / "own.py", site / "package" / "other.py"
    for source in (own, other, chosen.root / "papers" / "page.py"):
        source.parent.mkdir(parents=True)
        source.write_text("x = 1\n", encoding="utf-8")
    (chosen.venv / "bin").mkdir()
    (chosen.venv / "bin" / "python").symlink_to(sys.executable)
    compile_sources(chosen, packages=packages)
    assert Path(cache_from_source(str(own))).exists()
    assert Path(cache_from_source(str(other))).exists() == packages
