"""Damaged or forbidden caches of compiled functions cost time, never a result."""

from __future__ import annotations

import errno
import importlib.util
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from numba.core import config

from smallpolaron import compiled

MODULE = """\
import numba


@numba.njit(cache=True)
def scaled(x):
    return {factor} * x
"""


def load(folder: Path, factor: int = 3) -> ModuleType:
    """Import a module as a new process would."""
    path = folder / "scaling.py"
    text = MODULE.format(factor=factor)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("scaling", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def files(folder: Path) -> list[Path]:
    return sorted((folder / "__pycache__").glob("scaling.scaled*.nb[ic]"))


def flipped(content: bytes) -> bytes:
    changed = bytearray(content)
    place = random.Random(0).randrange(len(changed))
    changed[place] ^= 1
    return bytes(changed)


@pytest.fixture(autouse=True)
def _beside_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "CACHE_DIR", "")


def test_a_cache_is_used(tmp_path: Path) -> None:
    assert load(tmp_path).scaled(2) == 6
    assert len(files(tmp_path)) == 2
    module = load(tmp_path)
    assert module.scaled(2) == 6
    assert sum(module.scaled.stats.cache_hits.values()) == 1


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        flipped,
        lambda content: bytes(len(content)),
    ],
    ids=["empty", "half", "end", "bit", "zeros"],
)
def test_a_damaged_file_is_compiled_again(
    tmp_path: Path, suffix: str, damage: Callable[[bytes], bytes]
) -> None:
    load(tmp_path).scaled(2)
    (path,) = (each for each in files(tmp_path) if each.suffix == suffix)
    path.write_bytes(damage(path.read_bytes()))
    module = load(tmp_path)
    assert module.scaled(2) == 6
    assert sum(module.scaled.stats.cache_hits.values()) == 0
    again = load(tmp_path)
    assert again.scaled(2) == 6
    assert sum(again.scaled.stats.cache_hits.values()) == 1


def test_old_code_beside_a_new_index_is_not_used(tmp_path: Path) -> None:
    load(tmp_path).scaled(2)
    (code,) = (each for each in files(tmp_path) if each.suffix == ".nbc")
    old = code.read_bytes()
    assert load(tmp_path, factor=5).scaled(2) == 10
    code.write_bytes(old)  # the power failed when only the index was on the disk
    assert load(tmp_path, factor=5).scaled(2) == 10


def test_a_full_disk_leaves_the_code_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    compiled._tell.cache_clear()
    module = load(tmp_path)
    monkeypatch.setattr(compiled._SealedFiles, "save", full)
    assert module.scaled(2) == 6
    assert module.scaled(2.0) == 6.0
    assert capsys.readouterr().err.count("NUMBA_CACHE_DIR") == 1


def test_without_any_folder_for_the_cache_a_job_still_computes() -> None:
    environment = os.environ | {
        "NUMBA_CACHE_DIR": "/proc/none",
        "NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator",
    }
    program = (
        "import smallpolaron.dynamics;"
        "from smallpolaron.hierarchy import neighbours, labels, compact, elements, places;"
        "from smallpolaron.dynamics import carrier, preconditioner;"
        "print('imported')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout == "imported\n", done.stderr
    assert done.stderr.count("NUMBA_CACHE_DIR") == 1
